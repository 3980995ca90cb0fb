"""Generalized Adam: NAdamW or Nesterov's momentum, as in AlgoPerf."""

import numpy as np

from adaopt.numpy.nadamw import NAdamW
from adaopt.numpy.rule import State


class GeneralizedAdam(NAdamW):
    r"""NAdamW and Nesterov's momentum in one: the preconditioner can be switched off.

    With ``preconditioning`` it is :class:`~adaopt.numpy.NAdamW`; without ``nesterov`` then

    .. math::

        x_{k+1} = x_k - \alpha \left( \frac{m_k}{\hat v_k^{1/2} + \varepsilon}
        + \lambda x_k \right),

    where, as in the submission, :math:`m_k` stays without bias correction. Without
    ``preconditioning`` it is momentum, with ``nesterov`` or without:

    .. math::

        u_k = \beta_1 u_{k-1} + g_k, \qquad
        x_{k+1} = x_k - \alpha \left( g_k + \beta_1 u_k + \lambda x_k \right)
        \quad\text{or}\quad x_k - \alpha \left( u_k + \lambda x_k \right).

    Args:
        lr, betas, eps, weight_decay, maximize: see :class:`~adaopt.numpy.NAdamW`.
        preconditioning: divide by the root of the second moment, default True.
        nesterov: look ahead by one gradient, default True.

    Source: Choi et al. (2019); the submission Generalized Adam to AlgoPerf (MLCommons, 2024).
    """

    preconditioning: bool = True
    nesterov: bool = True

    memory = ("m", "v", "u")

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        if self.preconditioning:
            return super().update(x, g, s, k)
        beta1 = self.betas[0]
        s.u = beta1 * s.u + g
        n = g + beta1 * s.u if self.nesterov else s.u
        return x - self.lr * (n + self.weight_decay * x)
