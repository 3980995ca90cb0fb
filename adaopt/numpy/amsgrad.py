"""AMSGrad: Adam whose step sizes never grow."""

from adaopt.numpy.adam import Adam


class AMSGrad(Adam):
    r"""Adam without bias correction that divides by the largest v so far: the paper's AMSGrad.

    .. math::

        \hat v_k = \max(\hat v_{k-1}, v_k), \qquad
        x_{k+1} = x_k - \alpha\, m_k / (\sqrt{\hat v_k} + \varepsilon)

    The step size of a coordinate, :math:`\alpha / \sqrt{\hat v_k}`, never grows.

    Args:
        lr, betas, eps, weight_decay, decoupled_weight_decay, maximize: as in :class:`Adam`.

    Source: Reddi, Kale and Kumar (2018), algorithm 2, without its projection.
    """

    amsgrad = "paper"
