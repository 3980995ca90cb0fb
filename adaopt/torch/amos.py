"""Amos: torch edition."""

import math

import torch
from torch import Tensor

from adaopt.ranges import BELOW_ONE

from .engine import Rule
from .engine.hyper import Hyper


class Amos(Rule):
    r"""Adam-style steps whose size and weight decay fall with the decay :math:`b` already done.

    :math:`\eta` is the size that the entries of a parameter are expected to have at the end. With
    :math:`\overline{g^2}` the mean of the squared gradient over the parameter, :math:`v_0 = b_0 =
    0`, :math:`c = (1 + \frac14 \sqrt{\xi} b_k)^{-1/2}`,
    :math:`d = (1 + \frac14 \sqrt{\xi \eta} b_k)^{-1}`,

    .. math::
        v_{k+1} &= \beta v_k + (1 - \beta) \overline{g^2}, \qquad
        \hat v = \max(v_{k+1}, \varepsilon) / (1 - \beta^{k+1}), \qquad
        \gamma = c\, \xi^2\, \overline{g^2} / \hat v, \\
        x_{k+1} &= x_k - d\, (\xi \eta\, g_k / \sqrt{\hat v} + \tfrac{\gamma}{2} x_k), \qquad
        b_{k+1} = b_k + \gamma (1 + b_k).

    The state is two numbers per parameter tensor. The paper also lets v and b be kept per row or
    entry, and adds clipping and momentum.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: :math:`\xi \ge 0`, about :math:`1/\sqrt{N}` for N batches in the data (1e-3).
        scale: :math:`\eta \ge 0`, best given per group: the authors take 0.5 for biases and
            :math:`\sqrt{2/n}` for a layer of n inputs before a ReLU (1).
        beta: :math:`\beta \in [0, 1)` (0.999).
        eps: :math:`\varepsilon \ge 0`, only keeps 0/0 away (:math:`2^{-125}`; float16 parameters
            need 1e-7, as it holds nothing smaller).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Tian and Parikh (2022), in the form of the authors' code.
    """

    hyper = dict(lr=1e-3, scale=1.0, beta=0.999, eps=2.0**-125)
    buffers = ("exp_avg_sq", "decay")
    ranges = {"scale": (0.0, math.inf), "beta": BELOW_ONE}

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, v: Tensor, b: Tensor) -> None:
        g2 = mean_square(g)
        v.lerp_(g2, 1 - h.beta)
        v_hat = v.clamp(min=h.eps) / h.correction
        c = (b * h.c).add_(1).rsqrt_()
        d = (b * h.d).add_(1).reciprocal_()
        gamma = c * h.xi2 * g2 / v_hat
        b.addcmul_(gamma, 1 + b)
        x.mul_((1 - d * gamma / 2).squeeze())
        x.addcmul_(g, (d * v_hat.rsqrt()).squeeze(), value=-h.rate)

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        return torch.zeros(1, dtype=p.dtype.to_real(), device=p.device)

    def cuts(self, h: Hyper) -> bool:
        return False

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        rate = h.lr * h.scale
        return dict(
            correction=1 - h.beta**k,
            xi2=h.lr**2,
            rate=rate,
            c=math.sqrt(h.lr) / 4,
            d=math.sqrt(rate) / 4,
        )


def mean_square(g: Tensor) -> Tensor:
    """The mean of the squares, without a tensor of them; of a DTensor over all its shards."""
    norm = torch.linalg.vector_norm(g)
    norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
    return (norm / math.sqrt(max(g.numel(), 1))).square()
