"""Networks and losses of the course in torch; `adaopt.nn.by_hand` has the MLP in NumPy."""

from adaopt.nn.convnet import ConvNet
from adaopt.nn.gpt import GPT, GPT2_CONFIGS, GPTConfig
from adaopt.nn.losses import cross_entropy, cross_entropy_of_probabilities, mse_loss
from adaopt.nn.mlp import MLP

__all__ = [
    "GPT",
    "GPT2_CONFIGS",
    "MLP",
    "ConvNet",
    "GPTConfig",
    "cross_entropy",
    "cross_entropy_of_probabilities",
    "mse_loss",
]
