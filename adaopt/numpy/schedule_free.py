"""Schedule-Free SGD and AdamW: an average in place of a schedule."""

import numpy as np

from adaopt.numpy.rule import Rule, State
from adaopt.ranges import FRACTION, NON_NEGATIVE, words


class ScheduleFree(Rule):
    """What these methods share: gradients between x and z, steps of z, and x the mean of z."""

    ranges = dict.fromkeys(("momentum", "betas"), FRACTION) | dict.fromkeys(
        ("warmup_steps", "r", "weight_lr_power"), NON_NEGATIVE
    )

    def check(self) -> None:
        if hasattr(self, "betas") and self.betas[1] == 1:
            raise ValueError(f"Invalid {words('betas', 1)}: {self.betas[1]}")

    @property
    def beta(self) -> float:
        """Where between z (0) and x (1) the gradients are wanted."""
        return self.betas[0]

    def start(self, x: np.ndarray) -> State:
        zeros = {name: np.zeros_like(x) for name in self.memory}
        return State(z=x.copy(), lr_max=0.0, weight_sum=0.0, **zeros)

    def at(self, x: np.ndarray, s: State) -> np.ndarray:
        return (1 - self.beta) * s.z + self.beta * x

    def rate(self, k: int) -> float:
        """The step size of step k: ``lr`` after a linear warm-up."""
        return self.lr * min(1.0, k / max(1, self.warmup_steps))

    def mean(self, x: np.ndarray, s: State, k: int) -> np.ndarray:
        """The mean of all z so far, the new one included."""
        s.lr_max = max(s.lr_max, self.rate(k))
        weight = k**self.r * s.lr_max**self.weight_lr_power
        s.weight_sum = s.weight_sum + weight
        c = weight / s.weight_sum if weight else 0.0
        return (1 - c) * x + c * s.z


class ScheduleFreeSGD(ScheduleFree):
    r"""Schedule-Free SGD: SGD on z, the mean of z as the result, gradients between the two.

    .. math::
        y_k &= (1 - \beta) z_k + \beta x_k, \qquad g = \nabla f(y_k) + \lambda y_k, \\
        z_{k+1} &= z_k - \gamma_k g, \qquad x_{k+1} = (1 - c_k) x_k + c_k z_{k+1},

    where :math:`\gamma_k = \alpha \min(1, k / T_w)` and :math:`c_k = w_k / \sum_{i \le k} w_i` with
    :math:`w_k = k^r (\max_{i \le k} \gamma_i)^p`. The gradient is wanted at ``point(x)``, which is
    y; x is the answer, and the state holds z. With :math:`\beta = 0` it is Polyak-Ruppert averaging
    (gradients at z), with :math:`\beta = 1` primal averaging (gradients at x).

    Args:
        lr: step size :math:`\alpha \ge 0`, default 1.
        momentum: :math:`\beta` in [0, 1], default 0.9.
        weight_decay: :math:`\lambda \ge 0`, at y, default 0.
        warmup_steps: :math:`T_w`, steps of the linear warm-up, default 0.
        r: power :math:`r \ge 0` of the step number in the weights, default 0: all alike.
        weight_lr_power: power :math:`p \ge 0` of the largest step size so far, default 2.
        maximize: ascend instead of descend.

    Source: Defazio et al., The Road Less Scheduled (2024).
    """

    lr: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    warmup_steps: int = 0
    r: float = 0.0
    weight_lr_power: float = 2.0

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        y = self.at(x, s)
        s.z = s.z - self.rate(k) * (g + self.weight_decay * y)
        return self.mean(x, s, k)

    @property
    def beta(self) -> float:
        return self.momentum


class ScheduleFreeAdamW(ScheduleFree):
    r"""Schedule-Free AdamW: Schedule-Free SGD with Adam's scaling and no momentum.

    .. math::
        v_k &= \beta_2 v_{k-1} + (1 - \beta_2) g_k^2, \qquad \hat v_k = v_k / (1 - \beta_2^k), \\
        z_{k+1} &= z_k - \gamma_k \left( g_k / (\sqrt{\hat v_k} + \varepsilon) + \lambda y_k \right)

    with :math:`g_k = \nabla f(y_k)` at :math:`y_k = (1 - \beta_1) z_k + \beta_1 x_k`; the
    weights of the mean x and the other arguments are those of Schedule-Free SGD.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 0.0025.
        betas: :math:`\beta_1` in [0, 1] and :math:`\beta_2` in [0, 1), default (0.9, 0.999).
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay, warmup_steps, r, weight_lr_power, maximize: see above.

    Source: Defazio et al. (2024); the bias correction is their package's, not the paper's.
    """

    lr: float = 0.0025
    betas: tuple = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    warmup_steps: int = 0
    r: float = 0.0
    weight_lr_power: float = 2.0
    memory = ("v",)

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        y, beta2 = self.at(x, s), self.betas[1]
        s.v = beta2 * s.v + (1 - beta2) * g**2
        v_hat = s.v / (1 - beta2**k)
        s.z = s.z - self.rate(k) * (g / (np.sqrt(v_hat) + self.eps) + self.weight_decay * y)
        return self.mean(x, s, k)
