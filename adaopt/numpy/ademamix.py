"""AdEMAMix: Adam with a second, slow average of the gradients."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class AdEMAMix(Rule):
    r"""AdamW whose step mixes a fast average of the gradients with a slow one.

    .. math::

        m_k &= \beta_1 m_{k-1} + (1 - \beta_1)\, g_k, \qquad
        n_k = \beta_3(k)\, n_{k-1} + (1 - \beta_3(k))\, g_k, \qquad
        v_k = \beta_2 v_{k-1} + (1 - \beta_2)\, g_k^2, \\
        x_{k+1} &= x_k - \eta \left( \frac{m_k / (1 - \beta_1^k) + \alpha(k)\, n_k}
        {\sqrt{v_k / (1 - \beta_2^k)} + \varepsilon} + \lambda x_k \right).

    The slow average :math:`n_k` has no bias correction. Over their warm-up, of T steps, the weight
    and the half-life of the slow average grow linearly: :math:`\alpha(k) = \alpha \min(k/T, 1)` and

    .. math::

        \frac{1}{\ln \beta_3(k)} = \frac{1 - k/T}{\ln \beta_1} + \frac{k/T}{\ln \beta_3},
        \qquad \beta_3(k) \le \beta_3 .

    Args:
        lr: step size :math:`\eta \ge 0`, default 1e-3.
        betas: :math:`(\beta_1, \beta_2, \beta_3)`, each in [0, 1), default (0.9, 0.999, 0.9999).
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        alpha: :math:`\alpha \ge 0`, weight of the slow average, default 5.
        alpha_warmup: steps over which alpha grows from 0, default 0 (none).
        beta3_warmup: steps over which beta3 grows from beta1, default 0 (none).
        maximize: ascend instead of descend.

    Source: Pagliardini, Ablin and Grangier (2025).
    """

    lr: float = 1e-3
    betas: tuple[float, float, float] = (0.9, 0.999, 0.9999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    alpha: float = 5.0
    alpha_warmup: int = 0
    beta3_warmup: int = 0

    memory = ("m", "n", "v")
    ranges = {"alpha_warmup": (0.0, np.inf), "beta3_warmup": (0.0, np.inf)}

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        beta1, beta2, beta3 = self.betas[0], self.betas[1], self.beta3(k)
        alpha = self.alpha * min(k / self.alpha_warmup, 1) if self.alpha_warmup else self.alpha
        s.m = beta1 * s.m + (1 - beta1) * g
        s.n = beta3 * s.n + (1 - beta3) * g
        s.v = beta2 * s.v + (1 - beta2) * g**2
        m_hat = s.m / (1 - beta1**k)
        v_hat = s.v / (1 - beta2**k)
        mixed = (m_hat + alpha * s.n) / (np.sqrt(v_hat) + self.eps)
        return x - self.lr * (mixed + self.weight_decay * x)

    def beta3(self, k: int) -> float:
        """The decay rate of the slow average at step k."""
        beta1, _, beta3 = self.betas
        if k >= self.beta3_warmup or beta1 >= beta3:
            return beta3
        life1 = 1 / np.log(beta1) if beta1 else 0.0
        life = life1 + (1 / np.log(beta3) - life1) * k / self.beta3_warmup
        return float(np.exp(1 / life))
