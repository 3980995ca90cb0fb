"""SOAP: Adam along the axes that Shampoo finds."""

import math

import numpy as np

from adaopt.linalg import as_matrix
from adaopt.numpy.rule import Rule, State
from adaopt.ranges import BELOW_ONE


class SOAP(Rule):
    r"""Adam in the eigenbasis of Shampoo's matrices.

    .. math::

        G_k' &= Q_L^\top G_k Q_R, \qquad M_k = \beta_1 M_{k-1} + (1 - \beta_1) G_k, \qquad
        V_k = \beta_2 V_{k-1} + (1 - \beta_2)\, G_k'^2, \\
        D_k &= Q_L\, \frac{Q_L^\top M_k Q_R}{\sqrt{V_k} + \varepsilon}\, Q_R^\top, \qquad
        X_{k+1} = (1 - \alpha \lambda)
        \Bigl( X_k - \alpha \frac{\sqrt{1 - \beta_2^{k-1}}}{1 - \beta_1^{k-1}} D_k \Bigr), \\
        L_k &= \beta L_{k-1} + (1 - \beta)\, G_k G_k^\top, \qquad
        R_k = \beta R_{k-1} + (1 - \beta)\, G_k^\top G_k .

    The first step moves nothing: it finds :math:`Q_L, Q_R`, the singular vectors of :math:`G_1`,
    completed by a QR decomposition where they do not span all. Every few steps later one step of
    power iteration, :math:`Q_L = \operatorname{qr}(L Q_L)`, its columns in the order of their
    eigenvalues, follows L, and V is put into that order. An array of more dimensions is the matrix
    (first, all others). A vector is stepped as by Adam, and so is a dimension that is too large.

    Args:
        lr: step size :math:`\alpha \ge 0`, default 3e-3.
        betas: :math:`(\beta_1, \beta_2)`, each in [0, 1), default (0.95, 0.95).
        shampoo_beta: :math:`\beta` in [0, 1), default None: :math:`\beta_2`.
        eps: :math:`\varepsilon \ge 0`, default 1e-8.
        weight_decay: :math:`\lambda \ge 0`, default 1e-2.
        precondition_frequency: steps from one basis to the next, default 10.
        max_precondition_dim: a longer dimension keeps its axes, default 10000.
        maximize: ascend instead of descend.

    Source: Vyas et al. (2025), algorithm 3 and the authors' program.
    """

    lr: float = 3e-3
    betas: tuple[float, float] = (0.95, 0.95)
    shampoo_beta: float | None = None
    eps: float = 1e-8
    weight_decay: float = 1e-2
    precondition_frequency: int = 10
    max_precondition_dim: int = 10000

    ranges = {
        "shampoo_beta": BELOW_ONE,
        "precondition_frequency": (1, math.inf),
        "max_precondition_dim": (0, math.inf),
    }
    elementwise = False

    def update(self, x: np.ndarray, g: np.ndarray, s: State, k: int) -> np.ndarray:
        (beta1, beta2), t = self.betas, k - 1
        if t:
            s.m = beta1 * s.m + (1 - beta1) * g
            s.v = beta2 * s.v + (1 - beta2) * into(s.Q, g) ** 2
            d = into(s.Q, s.m) / (np.sqrt(s.v) + self.eps)
            alpha = self.lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
            x = (1 - self.lr * self.weight_decay) * (x - alpha * back(s.Q, d))
        self.observe(as_matrix(g).astype(float), s)
        if t == 0:
            s.Q = self.first_basis(as_matrix(g).astype(float), s)
        elif t % self.precondition_frequency == 0:
            self.follow(s)
        return x

    def observe(self, G: np.ndarray, s: State) -> None:
        """Move on L and R."""
        beta = self.betas[1] if self.shampoo_beta is None else self.shampoo_beta
        sides = zip(s.S, (G, G.T), strict=True)
        s.S = [S if S is None else beta * S + (1 - beta) * H @ H.T for S, H in sides]

    def first_basis(self, G: np.ndarray, s: State) -> list[np.ndarray | None]:
        """The singular vectors, with what completes them."""
        u, _, vh = np.linalg.svd(G, full_matrices=False)
        sides = zip(s.S, (u, vh.T), strict=True)
        return [S if S is None else np.linalg.qr(w, "complete")[0] for S, w in sides]

    def follow(self, s: State) -> None:
        """One step of power iteration on each side."""
        V = as_matrix(s.v)
        for axis, (S, Q) in enumerate(zip(s.S, s.Q, strict=True)):
            if S is not None:
                order = np.argsort(-(Q * (S @ Q)).sum(0))
                s.Q = [*s.Q[:axis], np.linalg.qr(S @ Q[:, order])[0], *s.Q[axis + 1 :]]
                V = V.take(order, axis)
        s.v = V.reshape(s.v.shape)

    def start(self, x: np.ndarray) -> State:
        sizes = as_matrix(x).shape
        used = [x.ndim > 1 and n <= self.max_precondition_dim for n in sizes]
        S = [np.zeros((n, n)) if use else None for n, use in zip(sizes, used, strict=True)]
        return State(m=np.zeros_like(x), v=np.zeros_like(x), S=S, Q=[None, None])


def into(Q: list[np.ndarray | None], a: np.ndarray) -> np.ndarray:
    """Q_L' A Q_R; None is the identity."""
    return back([q if q is None else q.T for q in Q], a)


def back(Q: list[np.ndarray | None], a: np.ndarray) -> np.ndarray:
    """Q_L A Q_R'."""
    left, right = Q
    A = as_matrix(a) if left is None else left @ as_matrix(a)
    A = A if right is None else A @ right.T
    return A.reshape(a.shape).astype(a.dtype)
