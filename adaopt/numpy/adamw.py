"""AdamW: Adam with the weight decay taken out of the gradient."""

from adaopt.numpy.adam import Adam


class AdamW(Adam):
    r"""Adam with decoupled weight decay: the weights shrink, the gradient is left alone.

    .. math::

        x_{k+1} = x_k - \alpha \bigl( \hat m / (\sqrt{\hat v} + \varepsilon) + \lambda x_k \bigr)

    Args:
        lr, betas, eps, amsgrad, maximize: as in :class:`Adam`.
        weight_decay: :math:`\lambda \ge 0`, default 1e-2; at 0 it is Adam.

    Source: Loshchilov and Hutter (2019).
    """

    weight_decay: float = 1e-2
    decoupled_weight_decay = True
