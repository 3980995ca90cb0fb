"""NAdam: Adam with Nesterov's momentum, in the three forms that are in use."""

import numpy as np

from adaopt.numpy.rule import Rule, State


class NAdam(Rule):
    r"""Adam that steps along the momentum as it will be, looking ahead by one gradient.

    With :math:`g = g_k + \lambda x_k` (or the decay of AdamW, if decoupled), Adam's
    :math:`m_k, v_k, \hat v_k` and :math:`\Pi_k = \mu_1 \mu_2 \cdots \mu_k`

    .. math::

        \hat n_k = \frac{\mu_{k+1} m_k}{1 - \Pi_{k+1}} + \frac{(1 - \mu_k)\, g}{1 - \Pi_k},
        \qquad x_{k+1} = x_k - \alpha \frac{\hat n_k}{\sqrt{\hat v_k} + \varepsilon}.

    Variants: ``"torch"``, the paper's schedule :math:`\mu_k = \beta_1 (1 - 0.96^{k \psi} / 2)`;
    ``"dozat"``, the paper's constant :math:`\mu_k = \beta_1`; ``"algoperf"``, constant too, and
    both parts divided by :math:`1 - \Pi_k = 1 - \beta_1^k`.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 2e-3.
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1), default (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay: :math:`\lambda \ge 0`, default 0.
        momentum_decay: :math:`\psi \ge 0` of ``"torch"``, default 4e-3; at 0 the momentum stays
            at :math:`\beta_1 / 2`.
        decoupled_weight_decay: decay the weights apart from the gradient, default False.
        variant: "torch" (default), "dozat" or "algoperf".
        maximize: ascend instead of descend.

    Source: Dozat (2016).
    """

    lr: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 4e-3
    decoupled_weight_decay: bool = False
    variant: str = "torch"

    choices = {"variant": ("torch", "dozat", "algoperf")}

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        beta1, beta2 = self.betas
        if self.decoupled_weight_decay:
            x = x - self.lr * self.weight_decay * x
        else:
            g = g + self.weight_decay * x
        s.m = beta1 * s.m + (1 - beta1) * g
        s.v = beta2 * s.v + (1 - beta2) * g**2
        n_hat = self.look_ahead(g, s, k)
        return x - self.lr * n_hat / (np.sqrt(s.v / (1 - beta2**k)) + self.eps)

    def look_ahead(self, g: np.ndarray, s: State, k: int) -> np.ndarray:
        """The momentum one step ahead, each part with its bias correction."""
        mu, mu_next = self.mu(k), self.mu(k + 1)
        s.product = s.product * mu
        ahead = s.product if self.variant == "algoperf" else s.product * mu_next
        return mu_next * s.m / (1 - ahead) + (1 - mu) * g / (1 - s.product)

    def mu(self, k: int) -> float:
        """The momentum of step k."""
        beta1 = self.betas[0]
        return beta1 * (1 - 0.96 ** (k * self.momentum_decay) / 2 if self.variant == "torch" else 1)

    def start(self, x: np.ndarray) -> State:
        return State(m=np.zeros_like(x), v=np.zeros_like(x), product=1.0)
