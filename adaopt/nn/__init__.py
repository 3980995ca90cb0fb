"""Networks and losses of the course, in torch: an MLP, GPT-2 and what they minimize."""

from adaopt.nn.gpt import GPT, GPT2_CONFIGS, GPTConfig
from adaopt.nn.losses import cross_entropy, mse_loss
from adaopt.nn.mlp import MLP

__all__ = ["GPT", "GPT2_CONFIGS", "MLP", "GPTConfig", "cross_entropy", "mse_loss"]
