"""GPT-2: a decoder-only transformer with pre-normalization, small enough to read in one sitting."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adaopt.nn.initial import draw
from adaopt.nn.losses import check_indices, cross_entropy


@dataclass(frozen=True)
class GPTConfig:
    """The sizes of a ``GPT``.

    Attributes:
        layers: number L of blocks.
        heads: attention heads per block; divides width.
        width: h, the length of the vector that stands for a token.
        context: T, the greatest number of tokens.
        vocabulary: V, the number of different tokens.
        dropout: probability in [0, 1) with which a number is dropped in training.

    Raises:
        ValueError: a size below 1, heads that do not divide width, dropout outside [0, 1).
    """

    layers: int
    heads: int
    width: int
    context: int
    vocabulary: int
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("layers", "heads", "width", "context", "vocabulary"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Invalid {name}: {value}. Expected a positive integer")
        if self.width % self.heads:
            raise ValueError(f"Invalid heads: {self.heads}. They must divide width {self.width}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"Invalid dropout: {self.dropout}. Expected 0 <= dropout < 1")


GPT2_CONFIGS = {
    "gpt2": GPTConfig(12, 12, 768, 1024, 50257, 0.1),
    "gpt2-medium": GPTConfig(24, 16, 1024, 1024, 50257, 0.1),
    "gpt2-large": GPTConfig(36, 20, 1280, 1024, 50257, 0.1),
    "gpt2-xl": GPTConfig(48, 25, 1600, 1024, 50257, 0.1),
}
"""The four published models: 124,439,808, 354,823,168, 774,030,080 and 1,557,611,200 parameters."""


class Attention(nn.Module):
    """Causal self-attention: every token looks at itself and at those before it."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.dropout = config.dropout
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        qkv = self.qkv(x).view(batch, time, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
        return self.out(y.transpose(1, 2).reshape(batch, time, width))


class FeedForward(nn.Module):
    """Two linear layers with GELU (tanh approximation) between them, four times as wide inside."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.width, 4 * config.width)
        self.out = nn.Linear(4 * config.width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.gelu(self.up(x), approximate="tanh"))


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x))."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class GPT(nn.Module):
    r"""The GPT-2 language model, with :math:`Vh + Th + L(12h^2 + 13h) + 2h` parameters.

    Learned positions, L blocks with normalization before each half, a last normalization, and a
    head that is the token embedding itself (tied). Initial weights: normal with standard deviation
    0.02, over :math:`\sqrt{2L}` for the two layers of a block that write to the residual stream;
    biases 0, normalizations 1. The first loss is therefore near :math:`\log V`.

    Weights are drawn from ``generator`` in the order of ``named_parameters``, in float32; global
    random state is not touched (dropout in training uses it, as torch's does). Under
    ``with torch.device("meta")`` a model of any size takes no memory.

    Args:
        config: the sizes; the published ones are in ``GPT2_CONFIGS``.
        generator: where the initial weights come from; None takes a new one with seed 0.

    Source: Radford, Wu, Child, Luan, Amodei and Sutskever, Language Models are Unsupervised
    Multitask Learners (2019).
    """

    def __init__(self, config: GPTConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        device = torch.get_default_device()
        with torch.device("meta"):  # torch's own initialization draws nothing there
            self.tokens = nn.Embedding(config.vocabulary, config.width)
            self.positions = nn.Embedding(config.context, config.width)
            self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
            self.norm = nn.LayerNorm(config.width)
            self.dropout = nn.Dropout(config.dropout)
        self.to_empty(device=device)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the initial weights again."""
        generator = generator or torch.Generator("cpu").manual_seed(0)
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(p)
            elif p.ndim == 1:
                nn.init.ones_(p)
            else:
                depth = 2 * self.config.layers if name.endswith("out.weight") else 1
                draw(p, Tensor.normal_, 0.0, 0.02 / depth**0.5, generator=generator)

    def forward(self, ids: Tensor, targets: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Scores of the next token at every place, and their mean cross-entropy.

        Args:
            ids: integer tensor (n, t) of tokens, 1 <= t <= context.
            targets: the tokens that follow, (n, t).

        Returns:
            logits (n, t, vocabulary); with targets, (logits, loss).

        Raises:
            TypeError, ValueError: ids or targets of another type or shape, or (checked on the CPU)
                with a token outside the vocabulary.
        """
        self._check(ids)
        x = self.dropout(self.tokens(ids.long()) + self.positions.weight[: ids.shape[1]])
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return logits if targets is None else (logits, cross_entropy(logits, targets))

    def _check(self, ids: Tensor) -> None:
        context = self.config.context
        if ids.ndim != 2 or not 1 <= ids.shape[1] <= context:
            raise ValueError(
                f"Invalid ids of shape {tuple(ids.shape)}. Expected (n, t) with 1 <= t <= {context}"
            )
        check_indices("ids", ids, self.config.vocabulary)
