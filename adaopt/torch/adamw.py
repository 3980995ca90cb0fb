"""AdamW: torch edition."""

from .adam import Adam


class AdamW(Adam):
    r"""Adam with decoupled weight decay: the weights shrink, the gradient is left alone.

    .. math::
        x_{k+1} = (1 - \alpha \lambda) x_k - \alpha \frac{\hat m}{\sqrt{\hat v} + \varepsilon}

    Equal to ``torch.optim.AdamW`` but for rounding, its state dict included; with
    ``weight_decay=0`` it is :class:`Adam`, bit for bit.

    Args:
        params, lr, betas, eps, amsgrad: as in :class:`Adam`.
        weight_decay: :math:`\lambda \ge 0` (1e-2).
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Loshchilov and Hutter (2019).
    """

    fixed = {"decoupled_weight_decay": True}
    hyper = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False)
    absent = {}
