"""Methods that keep only the sign, signSGD, Signum, Lion: torch edition."""

from torch import Tensor

from adaopt.ranges import BELOW_ONE

from .engine import Rule
from .engine.hyper import Hyper


class SignSGD(Rule):
    r"""Every coordinate moves by the same amount, in the direction of its gradient's sign.

    .. math:: x_{k+1} = x_k - \alpha\, (\operatorname{sign} g_k + \lambda x_k),
        \qquad \operatorname{sign} 0 = 0.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-3).
        weight_decay: :math:`\lambda \ge 0`, decoupled (0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Bernstein et al. (2018); the decay as in Bernstein et al. (2019).
    """

    hyper = dict(lr=1e-3, weight_decay=0.0)

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int) -> None:
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        x.add_(g.sign(), alpha=-h.lr)


class Signum(Rule):
    r"""signSGD with momentum: the sign of a moving average of the gradients.

    .. math::
        m_{k+1} = \mu m_k + (1 - \mu) g_k, \quad m_0 = 0, \qquad
        x_{k+1} = x_k - \alpha\, (\operatorname{sign} m_{k+1} + \lambda x_k).

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-3).
        momentum: :math:`\mu \in [0, 1)`; 0 is :class:`SignSGD` (0.9).
        weight_decay: :math:`\lambda \ge 0`, decoupled (0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Bernstein et al. (2018); the decay as in Bernstein et al. (2019).
    """

    hyper = dict(lr=1e-3, momentum=0.9, weight_decay=0.0)
    buffers = ("momentum_buffer",)
    ranges = {"momentum": BELOW_ONE}

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor) -> None:
        m.lerp_(g, 1 - h.momentum)
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        x.add_(m.sign(), alpha=-h.lr)


class Lion(Rule):
    r"""The sign of one average of the gradients is the step, another one is remembered.

    .. math::
        c_k = \beta_1 m_k + (1 - \beta_1) g_k, \quad m_0 = 0, \qquad
        x_{k+1} = x_k - \alpha\, (\operatorname{sign} c_k + \lambda x_k), \qquad
        m_{k+1} = \beta_2 m_k + (1 - \beta_2) g_k.

    Args:
        params: parameters, or parameter groups, as for any ``torch.optim.Optimizer``.
        lr: step size :math:`\alpha \ge 0`, a number or a tensor of one element (1e-4).
        betas: :math:`(\beta_1, \beta_2)` in [0, 1); equal ones make it Signum ((0.9, 0.99)).
        weight_decay: :math:`\lambda \ge 0`, decoupled (0).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Chen et al. (2023).
    """

    hyper = dict(lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0)
    buffers = ("exp_avg",)

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, m: Tensor) -> None:
        beta1, beta2 = h.betas
        c = (m * beta1).add_(g, alpha=1 - beta1)
        if h.weight_decay:
            x.mul_(1 - h.lr * h.weight_decay)
        x.add_(c.sign_(), alpha=-h.lr)
        m.lerp_(g, 1 - beta2)
