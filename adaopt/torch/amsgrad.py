"""AMSGrad: torch edition."""

from .adam import Adam


class AMSGrad(Adam):
    r"""Adam without bias correction that divides by the largest v so far: the paper's AMSGrad.

    .. math::
        \hat v_k = \max(\hat v_{k-1}, v_k), \qquad
        x_{k+1} = x_k - \alpha \frac{m_k}{\sqrt{\hat v_k} + \varepsilon}

    Args:
        params, lr, betas, eps, weight_decay, decoupled_weight_decay: as in :class:`Adam`.
        maximize, foreach, differentiable, fused: see :class:`~adaopt.torch.engine.Rule`.

    Raises:
        ValueError, TypeError, RuntimeError: see :class:`~adaopt.torch.engine.Rule`.

    Source: Reddi, Kale and Kumar (2018), algorithm 2, without its projection.
    """

    fixed = {"amsgrad": "paper"}
    hyper = dict(
        lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled_weight_decay=False
    )
