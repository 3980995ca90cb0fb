"""Optimizers in plain Python numbers, written from the formulas of the papers alone.

They are slow and short, and share no line and no library with either edition. An oracle is a
generator: it yields the point where it wants a gradient and is sent the gradient, as in::

    def gradient_descent(x, lr):
        while True:
            g = yield x
            x = x - lr * g

Methods that act on each coordinate know one number; those that need a statistic of a whole tensor
know the list of its numbers, and those that need a sum over all tensors one list of everything.
A method that evaluates another point than that of the gradient yields the pair (point, evaluated).
"""

from __future__ import annotations

import math
from collections.abc import Generator
from itertools import count

Number = Generator[float, float, None]
Numbers = Generator[list[float], list[float], None]
Pairs = Generator[tuple, object, None]


def sign(a: float) -> float:
    return (a > 0) - (a < 0)


def adagrad(x, lr, lr_decay, weight_decay, initial_accumulator_value, eps, eps_inside) -> Number:
    """Duchi et al. (2011); with eps inside the root as the lecture has it."""
    total = initial_accumulator_value
    for t in count(1):
        g = (yield x) + weight_decay * x
        total += g**2
        root = math.sqrt(total + eps) if eps_inside else math.sqrt(total) + eps
        x -= lr / (1 + (t - 1) * lr_decay) * g / root


def rmsprop(x, lr, alpha, eps, weight_decay, momentum, centered, eps_inside) -> Number:
    """Tieleman and Hinton (2012); centered as in Graves (2013)."""
    v = mean = b = 0.0
    while True:
        g = (yield x) + weight_decay * x
        v = alpha * v + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        w = v - mean**2 if centered else v
        b = momentum * b + g / (math.sqrt(w + eps) if eps_inside else math.sqrt(w) + eps)
        x -= lr * b


def adadelta(x, lr, rho, eps, weight_decay) -> Number:
    """Zeiler (2012), algorithm 1."""
    v = d = 0.0
    while True:
        g = (yield x) + weight_decay * x
        v = rho * v + (1 - rho) * g**2
        step = -math.sqrt(d + eps) / math.sqrt(v + eps) * g
        d = rho * d + (1 - rho) * step**2
        x += lr * step


def adam(x, lr, betas, eps, weight_decay, amsgrad, decoupled_weight_decay) -> Number:
    """Kingma and Ba (2015), algorithm 1; AMSGrad: Reddi et al. (2018), algorithm 2; AdamW:
    Loshchilov and Hutter (2019), algorithm 2 with the schedule's multiplier equal to lr."""
    (b1, b2), m, v, top = betas, 0.0, 0.0, 0.0
    for t in count(1):
        g = yield x
        if not decoupled_weight_decay:
            g += weight_decay * x
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        c1, c2 = 1 - b1**t, 1 - b2**t
        if amsgrad == "paper":
            m_hat, v_hat = m, max(top, v)
        elif amsgrad == "hat":
            m_hat, v_hat = m / c1, max(top, v / c2)
        elif amsgrad:
            m_hat, v_hat = m / c1, max(top, v) / c2
        else:
            m_hat, v_hat = m / c1, v / c2
        top = v_hat * c2 if amsgrad is True else v_hat
        decay = weight_decay * x if decoupled_weight_decay else 0.0
        x -= lr * (m_hat / (math.sqrt(v_hat) + eps) + decay)


def nadam(
    x, lr, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay, variant
) -> Number:
    """Dozat (2016): ``torch`` with his schedule of the momentum, ``dozat`` with a constant one;
    ``algoperf``: Nesterov's look-ahead of m divided by the bias correction of m."""
    (b1, b2), m, v, product = betas, 0.0, 0.0, 1.0
    for t in count(1):
        g = yield x
        if not decoupled_weight_decay:
            g += weight_decay * x
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        if variant == "torch":
            now = b1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
            then = b1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
            product *= now
            n = then * m / (1 - product * then) + (1 - now) * g / (1 - product)
        elif variant == "dozat":
            n = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
        else:
            n = (b1 * m + (1 - b1) * g) / (1 - b1**t)
        decay = weight_decay * x if decoupled_weight_decay else 0.0
        x -= lr * (n / (math.sqrt(v / (1 - b2**t)) + eps) + decay)


def nadamp(x, lr, betas, eps, weight_decay, power) -> Number:
    """AlgoPerf v0.5 submission NadamP; with power 2 its NAdamW."""
    (b1, b2), m, v = betas, 0.0, 0.0
    for t in count(1):
        g = yield x
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        n = (b1 * m + (1 - b1) * g) / (1 - b1**t)
        x -= lr * (n / ((v / (1 - b2**t)) ** (1 / power) + eps) + weight_decay * x)


def generalized_adam(x, lr, betas, eps, weight_decay, preconditioning, nesterov) -> Number:
    """AlgoPerf v0.5 submission Generalized Adam: NAdamW, or without preconditioner SGD with
    momentum, which is then a sum and no average. Without look-ahead m is not bias corrected."""
    (b1, b2), m, v, u = betas, 0.0, 0.0, 0.0
    for t in count(1):
        g = yield x
        m, v, u = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2, b1 * u + g
        if preconditioning:
            n = (b1 * m + (1 - b1) * g) / (1 - b1**t) if nesterov else m
            step = n / (math.sqrt(v / (1 - b2**t)) + eps)
        else:
            step = g + b1 * u if nesterov else u
        x -= lr * (step + weight_decay * x)


def signum(x, lr, momentum, weight_decay) -> Number:
    """Bernstein et al. (2018), algorithm 2; without momentum signSGD."""
    m = 0.0
    while True:
        g = yield x
        m = momentum * m + (1 - momentum) * g
        x -= lr * (sign(m) + weight_decay * x)


def lion(x, lr, betas, weight_decay) -> Number:
    """Chen et al. (2023), algorithm 2."""
    (b1, b2), m = betas, 0.0
    while True:
        g = yield x
        x -= lr * (sign(b1 * m + (1 - b1) * g) + weight_decay * x)
        m = b2 * m + (1 - b2) * g


def laprop(x, lr, betas, eps, weight_decay) -> Number:
    """Ziyin et al. (2020), algorithm 1, eps outside the root; decay decoupled."""
    (b1, b2), m, v = betas, 0.0, 0.0
    for t in count(1):
        g = yield x
        v = b2 * v + (1 - b2) * g**2
        m = b1 * m + (1 - b1) * g / (math.sqrt(v / (1 - b2**t)) + eps)
        x -= lr * (m / (1 - b1**t) + weight_decay * x)


def ademamix(x, lr, betas, eps, weight_decay, alpha, alpha_warmup, beta3_warmup) -> Number:
    """Pagliardini et al. (2024), algorithm 1, with the schedulers of alpha and beta3."""
    (b1, b2, last), fast, slow, v = betas, 0.0, 0.0, 0.0
    for t in count(1):
        g = yield x
        mix = alpha * min(1.0, t / alpha_warmup) if alpha_warmup else alpha
        b3 = last
        if t < beta3_warmup:  # 1 / log(beta), a memory's length, grows linearly
            part, log1 = t / beta3_warmup, 1 / math.log(b1) if b1 else 0.0
            b3 = min(last, math.exp(1 / ((1 - part) * log1 + part / math.log(last))))
        fast = b1 * fast + (1 - b1) * g
        slow = b3 * slow + (1 - b3) * g
        v = b2 * v + (1 - b2) * g**2
        root = math.sqrt(v / (1 - b2**t)) + eps
        x -= lr * ((fast / (1 - b1**t) + mix * slow) / root + weight_decay * x)


def amos(x, lr, scale, beta, eps) -> Numbers:
    """Tian and Parikh (2022), algorithm 1, one b and one v for a tensor."""
    v = b = 0.0
    for t in count(1):
        g = yield x
        square = sum(a * a for a in g) / len(g)
        v = beta * v + (1 - beta) * square
        v_hat = max(v, eps) / (1 - beta**t)
        c = 1 / math.sqrt(1 + math.sqrt(lr) / 4 * b)
        d = 1 / (1 + math.sqrt(lr * scale) / 4 * b)
        gamma = c * lr**2 * square / v_hat
        x = [
            w - d * (lr * scale * a / math.sqrt(v_hat) + gamma / 2 * w)
            for a, w in zip(g, x, strict=True)
        ]
        b += gamma * (1 + b)


def schedule_free(
    x, lr, momentum, weight_decay, warmup_steps, r, weight_lr_power, beta2=None, eps=0.0
) -> Pairs:
    """Defazio et al. (2024), algorithm 1 (AdamW; with beta2 None equation 1, SGD), decay at y."""
    z, v, total, top = x, 0.0, 0.0, 0.0
    for t in count(1):
        y = (1 - momentum) * z + momentum * x
        g = yield y, x
        if beta2 is not None:
            v = beta2 * v + (1 - beta2) * g**2
            g = g / (math.sqrt(v / (1 - beta2**t)) + eps)
        step = lr * min(1, t / warmup_steps) if warmup_steps else lr
        z -= step * (g + weight_decay * y)
        top = max(top, step)
        weight = t**r * top**weight_lr_power
        total += weight
        c = weight / total if total else 0.0
        x = (1 - c) * x + c * z


def prodigy(
    x,
    lr,
    betas,
    beta3,
    eps,
    weight_decay,
    decouple,
    use_bias_correction,
    safeguard_warmup,
    d0,
    d_coef,
    growth_rate,
) -> Numbers:
    """Mishchenko and Defazio (2024), algorithm 4 (Adam), in the order of the authors' program: eps
    is multiplied by the new d, the step by the old one."""
    b1, b2 = betas
    b3 = math.sqrt(b2) if beta3 is None else beta3
    start, d, best, r = x, d0, d0, 0.0
    m, v, s = [0.0] * len(x), [0.0] * len(x), [0.0] * len(x)
    for t in count(1):
        g = yield x
        if not decouple:
            g = [a + weight_decay * w for a, w in zip(g, x, strict=True)]
        step = d * lr
        if use_bias_correction:
            step *= math.sqrt(1 - b2**t) / (1 - b1**t)
        into = d / d0 * (d if safeguard_warmup else step)
        r = b3 * r + d / d0 * step * sum(a * (p - w) for a, p, w in zip(g, start, x, strict=True))
        s = [b3 * b + into * a for b, a in zip(s, g, strict=True)]
        m = [b1 * b + (1 - b1) * d * a for b, a in zip(m, g, strict=True)]
        v = [b2 * b + (1 - b2) * (d * a) ** 2 for b, a in zip(v, g, strict=True)]
        guess = d_coef * r / sum(map(abs, s))
        best = max(best, guess)
        d = min(best, (max(d, guess) if d == d0 else d) * growth_rate)
        decay = weight_decay if decouple else 0.0
        x = [
            w - step * (a / (math.sqrt(b) + d * eps) + decay * w)
            for w, a, b in zip(x, m, v, strict=True)
        ]


def schedule_free_prodigy(x, lr, betas, eps, weight_decay, r, d0, d_coef) -> Pairs:
    """AlgoPerf v0.5 submission Schedule-Free Prodigy: Prodigy's estimate of d at z, the averaging
    of Schedule-Free, no momentum; the decay is taken at x, and the step is times d old and new."""
    b1, b2 = betas
    b3 = math.sqrt(b2)
    z, start, d, up, total = x, x, d0, 0.0, 0.0
    v, s = [0.0] * len(x), [0.0] * len(x)
    for t in count(1):
        y = [(1 - b1) * a + b1 * b for a, b in zip(z, x, strict=True)]
        g = yield y, x
        rate = d * lr
        up = b3 * up + d / d0 * rate * sum(a * (p - w) for a, p, w in zip(g, start, z, strict=True))
        s = [b3 * b + d / d0 * rate * a for b, a in zip(s, g, strict=True)]
        v = [b2 * b + (1 - b2) * (d * a) ** 2 for b, a in zip(v, g, strict=True)]
        d = max(d, d_coef * up / sum(map(abs, s)))
        z = [
            w - rate * (d * a / (math.sqrt(b) + d * eps) + weight_decay * at)
            for w, a, b, at in zip(z, g, v, x, strict=True)
        ]
        total += t**r
        x = [a + t**r / total * (b - a) for a, b in zip(x, z, strict=True)]


def lawa_queue(snapshots: list[list[float]], length: int) -> list[float] | None:
    """The mean of the last snapshots, once there are enough; Kaddour (2022)."""
    if len(snapshots) < length:
        return None
    return [sum(column) / length for column in zip(*snapshots[-length:], strict=True)]


def lawa_ema(snapshots: list[list[float]], beta: float) -> list[float]:
    """The moving average that starts as the first snapshot."""
    mean = snapshots[0]
    for snapshot in snapshots[1:]:
        mean = [beta * a + (1 - beta) * b for a, b in zip(mean, snapshot, strict=True)]
    return mean


def cyclic(t: int, steps: int, lr: float, lr_min: float, cycles: int, warmup: int) -> float:
    """Step size of the AlgoPerf v0.5 submission Cyclic LR at step t of 0 ... steps - 1."""
    length = steps / cycles
    inside = t % length
    if inside < warmup:
        return lr_min + (lr - lr_min) * inside / warmup
    angle = math.pi * (inside - warmup) / (length - warmup)
    return lr_min + (lr - lr_min) / 2 * (1 + math.cos(angle))
