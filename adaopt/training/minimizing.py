"""Minimizing a finite sum with an optimizer of either edition: trace, checkpoint, exact resume."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adaopt.numpy import Rule
from adaopt.schedules import Backtracking, Schedule
from adaopt.training import checkpoint as files
from adaopt.training.common import DivergenceError, at_least_one, progress_bar, short, step_size
from adaopt.training.editions import NumpyEdition, TorchEdition, edition_of
from adaopt.training.sampling import Sampler


@dataclass
class Trace:
    """What :func:`minimize` recorded; one row per recorded step, the start included.

    Attributes:
        steps: number of steps taken, shape (K,).
        iterates: x, shape (K, dim).
        values: f(x), shape (K,). Computing them is not counted as work.
        evaluations: component gradients evaluated so far, shape (K,); a full gradient counts n.
        function_evaluations: component functions evaluated so far by the line search, shape (K,).
        seconds: time spent in steps so far (recording excluded), shape (K,).
    """

    steps: np.ndarray
    iterates: np.ndarray
    values: np.ndarray
    evaluations: np.ndarray
    function_evaluations: np.ndarray
    seconds: np.ndarray

    @property
    def x(self) -> np.ndarray:
        """The last iterate."""
        return self.iterates[-1]

    @property
    def value(self) -> float:
        """The value of f at the last iterate."""
        return float(self.values[-1])


def minimize(
    problem: Any,
    optimizer: Any,
    x0: np.ndarray,
    steps: int,
    rng: np.random.Generator | None = None,
    *,
    batch_size: int | None = None,
    replace: bool = True,
    probabilities: np.ndarray | None = None,
    reweight: bool = True,
    schedule: Schedule | None = None,
    line_search: Backtracking | None = None,
    record_every: int = 1,
    limit: float = 1e10,
    progress: bool = False,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 1000,
) -> Trace:
    r"""Run an optimizer on a problem and return the trace.

    Args:
        problem: has ``f(x)`` and ``grad(x)``; for minibatches ``n`` and ``grad_batch(indices, x)``
            too (:class:`adaopt.problems.FiniteSum`).
        optimizer: a rule of ``adaopt.numpy``, a torch optimizer with exactly one parameter, or a
            function that makes a torch optimizer from a list with one parameter. It is copied:
            the given object does not change, so that it can be used again.
        x0: the start, shape (dim,).
        steps: number of steps, > 0.
        rng: source of the minibatches; it is advanced.
        batch_size: terms per gradient; None takes the full gradient.
        replace: True draws every batch independently, with replacement. False shuffles the n
            terms, takes them in turn and shuffles again after each epoch; when batch_size does not
            divide n the last batch of an epoch is the smaller rest, so every term is met once.
        probabilities: of drawing each term, shape (n,), sum 1; None is uniform.
        reweight: with probabilities p, multiply gradient i by 1 / (n p_i), which makes the mean
            over draws the full gradient again. False leaves the bias in.
        schedule: a function of k = 0, 1, ... that gives the step size, set as ``lr``.
        line_search: chooses ``lr`` anew at every step; full gradients and plain SGD only.
        record_every: record after every so many steps; start and end always.
        limit: the run has diverged once |f| exceeds ``limit * max(1, |f(x0)|)``.
        progress: show a progress bar (terminal or notebook).
        checkpoint: a file to save to every ``checkpoint_every`` steps, at the end, and when
            interrupted by the keyboard. If it exists the run goes on from it, bit for bit as if
            it had never stopped; ``steps`` may then be larger than before.

    Returns:
        The :class:`Trace`.

    Raises:
        TypeError, ValueError: an argument that does not fit, by name; a checkpoint that is broken
            or belongs to another run (it is left as it is).
        DivergenceError: with the step, the values seen and what to change.
        FloatingPointError: the problem itself gives NaN where x and f(x) are finite.
    """
    at_least_one(steps=steps, record_every=record_every, checkpoint_every=checkpoint_every)
    if not limit > 1:
        raise ValueError(f"limit must be above 1, not {limit}")
    x0 = _start(problem, x0)
    sampler = None
    if batch_size is not None:
        sampler = Sampler(problem, rng, batch_size, replace, probabilities, reweight)
    elif probabilities is not None:
        raise ValueError("probabilities need a batch_size: the full gradient draws nothing")
    edition = edition_of(optimizer, x0)
    if line_search is not None:
        _needs_plain_descent(edition.optimizer, sampler, schedule)
    run = _Run(problem, edition, sampler, schedule, line_search, record_every, limit)
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and not path.parent.is_dir():
        raise ValueError(f"checkpoint {path}: there is no folder {path.parent}")
    if path is not None and path.exists():
        run.load(path, steps)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        progress_bar(progress, steps, run.step) as bar,
    ):
        run.until(steps, path, checkpoint_every, bar)
    return run.trace()


class _Run:
    """The state of one call of :func:`minimize`."""

    def __init__(
        self,
        problem: Any,
        edition: NumpyEdition | TorchEdition,
        sampler: Sampler | None,
        schedule: Schedule | None,
        line_search: Backtracking | None,
        record_every: int,
        limit: float,
    ) -> None:
        self.problem, self.edition, self.sampler = problem, edition, sampler
        self.schedule, self.line_search = schedule, line_search
        self.record_every, self.limit = record_every, limit
        self.n = getattr(problem, "n", 1)
        self.step, self.evaluations, self.function_evaluations, self.seconds = 0, 0, 0, 0.0
        self.rows: dict[str, list] = {name: [] for name in Trace.__dataclass_fields__}
        self.whole = True  # False while the optimizer is writing
        self.settings = files.plain(self.describe())

    def until(self, steps: int, path: Path | None, every: int, bar: Any) -> None:
        """Step and record up to ``steps``; with a path, save there."""
        with files.interrupts_between_steps(path is not None) as raise_pending:
            try:
                while True:
                    self.record(last=self.step == steps)
                    raise_pending()
                    if self.step == steps:
                        break
                    self.advance()
                    if path is not None and self.step % every == 0:
                        self.save(path)
                    bar.update()
            except KeyboardInterrupt:
                if path is not None and self.whole and self.rows["steps"]:
                    self.save(path)
                raise
            if path is not None:
                self.save(path)

    def advance(self) -> None:
        """One step. An interrupt before the optimizer writes leaves everything as it was."""
        before, begin = self.drawn(), time.perf_counter()
        try:
            g, cost = self.gradient(self.edition.point())
            if self.schedule is not None:
                self.edition.lr = step_size(self.schedule, self.step)
            elif self.line_search is not None:
                self.edition.lr = self.line_search(self.counted_f, self.edition.x, g)
        except KeyboardInterrupt:
            self.draw_again(*before)
            raise
        self.whole = False
        self.edition.step(g)
        self.seconds += time.perf_counter() - begin
        self.step, self.evaluations = self.step + 1, self.evaluations + cost
        self.whole = True

    def gradient(self, x: np.ndarray) -> tuple[np.ndarray, int]:
        """The gradient of the next batch and how many component gradients it costs."""
        if self.sampler is None:
            g, cost = self.problem.grad(x), self.n
        else:
            batch = self.sampler.draw()
            weights, cost = self.sampler.weights, len(batch)
            if weights is None:
                g = self.problem.grad_batch(batch, x)
            else:
                g = weights[batch] @ self.problem.grad_i(batch, x) / cost
        g = np.asarray(g)
        if g.shape != x.shape:
            raise ValueError(f"the gradient has shape {g.shape}, but x has shape {x.shape}")
        if not np.isfinite(g).all():
            self.refuse_gradient(g, x)
        return g, cost

    def counted_f(self, x: np.ndarray) -> float:
        """f for the line search, which pays for it."""
        self.function_evaluations += self.n
        return self.problem.f(x)

    def record(self, last: bool) -> None:
        """Add a row if one is due and not there yet; a value out of range ends the run."""
        due = last or self.step % self.record_every == 0
        if not due or self.step in self.rows["steps"][-1:]:
            return
        x = self.edition.x
        value = float(self.problem.f(x))
        if self.step == 0 and not np.isfinite(value):
            raise ValueError(f"{self.problem!r}: f(x0) is {value}; start where f is finite")
        cost = (self.evaluations, self.function_evaluations, self.seconds)
        for column, entry in zip(self.rows.values(), (self.step, x, value, *cost), strict=True):
            column.append(entry)
        if not self.sensible(value):
            self.diverged(f"f(x) is {value:.3g}")

    def refuse_gradient(self, g: np.ndarray, x: np.ndarray) -> None:
        """Say whose fault a gradient that is not finite is: the problem's or the run's."""
        at = int(np.argmin(np.isfinite(g)))
        what = f"the gradient of {self.problem!r} is {g[at]} at index {at}"
        value = self.problem.f(x)
        if self.sensible(value):
            raise FloatingPointError(
                f"step {self.step + 1}: {what}, although f(x) = {value:g} is finite: "
                "the problem is at fault, not the optimizer"
            )
        self.diverged(what)

    def sensible(self, value: float) -> bool:
        return abs(value) <= self.limit * max(1.0, abs(self.rows["values"][0]))

    def diverged(self, what: str) -> None:
        values, lr = self.rows["values"], self.edition.lr
        seen = ", ".join(f"{v:.3g}" for v in values[-3:])
        advice = f"Try a smaller lr than {lr:g}"
        if smoothness := getattr(self.problem, "smoothness", None):
            advice += f"; gradient descent here needs lr < 2/L = {2 / smoothness:.6g}"
        if self.sampler and (largest := getattr(self.problem, "component_smoothness", None)):
            advice += f", and any batch is safe with lr < 1/L_max = {1 / largest:.6g}"
        raise DivergenceError(
            f"diverged at step {self.step}: {what}; f was {values[0]:.3g} at the start, "
            f"the last values recorded are {seen}. {advice}.",
            self.step,
            self.trace(),
        )

    def trace(self) -> Trace:
        return Trace(**{name: np.array(column) for name, column in self.rows.items()})

    def drawn(self) -> tuple:
        """What drawing a batch or searching a step changes."""
        sampler = self.sampler.state() if self.sampler else None
        search = dict(vars(self.line_search)) if self.line_search else None
        return sampler, search, self.function_evaluations

    def draw_again(self, sampler: tuple | None, search: dict | None, evaluations: int) -> None:
        if self.sampler:
            self.sampler.restore(*sampler)
        if self.line_search:
            vars(self.line_search).update(search)
        self.function_evaluations = evaluations

    def describe(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be of this run."""
        search = self.line_search
        return {
            "problem": [type(self.problem).__name__, getattr(self.problem, "name", ""), self.n],
            "optimizer": repr(self.edition.optimizer),
            "x0": self.edition.x,
            "sampling": self.sampler.settings() if self.sampler else None,
            "schedule": self.schedule is not None,
            "line_search": [search.shrink, search.grow, search.c] if search else None,
            "record_every": self.record_every,
        }

    def save(self, path: Path) -> None:
        kept = [i for i, k in enumerate(self.rows["steps"]) if k % self.record_every == 0]
        arrays = {f"trace/{n}": np.array(c)[kept] for n, c in self.rows.items()}
        sampler, search, function_evaluations = self.drawn()
        rng, arrays["order"], position = sampler or (None, np.arange(0), 0)
        numbers, state = self.edition.save()
        arrays |= {"x": self.edition.x} | {f"optimizer/{n}": a for n, a in state.items()}
        meta = {
            "settings": self.settings,
            "step": self.step,
            "evaluations": self.evaluations,
            "function_evaluations": function_evaluations,
            "seconds": self.seconds,
            "last_lr": self.last_lr(),
            "rng": rng,
            "position": position,
            "search": search,
            "optimizer": numbers,
        }
        files.write(path, meta, arrays)

    def load(self, path: Path, steps: int) -> None:
        """Go on from a checkpoint, if it is one of this very run."""
        meta, arrays = files.read(path)
        foreign = f"checkpoint {path} belongs to another run (it is left as it is): "
        for name, value in self.settings.items():
            if meta["settings"].get(name) != value:
                was = short(meta["settings"].get(name))
                raise ValueError(f"{foreign}its {name} is {was}, here it is {short(value)}")
        first, value = arrays["trace/values"][0], self.problem.f(self.edition.x)
        if abs(value - first) > 1e-9 * max(1.0, abs(first)):
            raise ValueError(f"{foreign}its f(x0) is {first}, here it is {value}")
        if meta["step"] > steps:
            raise ValueError(f"checkpoint {path} is at step {meta['step']}, beyond steps={steps}")
        for name, column in self.rows.items():
            column.extend(arrays[f"trace/{name}"])
        for name in ("step", "evaluations", "seconds"):
            setattr(self, name, meta[name])
        if self.last_lr() != meta["last_lr"]:
            raise ValueError(f"{foreign}its schedule gave {meta['last_lr']} at the last step")
        sampler = (meta["rng"], arrays["order"], meta["position"])
        self.draw_again(sampler, meta["search"], meta["function_evaluations"])
        state = {n.removeprefix("optimizer/"): a for n, a in arrays.items() if "optimizer/" in n}
        self.edition.load(arrays["x"], meta["optimizer"], state)

    def last_lr(self) -> float | None:
        """What the schedule gave at the last step: enough to tell one schedule from another."""
        return step_size(self.schedule, self.step - 1) if self.schedule and self.step else None


def _needs_plain_descent(
    optimizer: Any, sampler: Sampler | None, schedule: Schedule | None
) -> None:
    """A line search moves along -g: whatever moves otherwise is refused."""
    if sampler is not None or schedule is not None:
        raise ValueError("line_search needs the full gradient and no schedule")
    hyper = vars(optimizer) if isinstance(optimizer, Rule) else optimizer.param_groups[0]
    moves = [n for n in ("momentum", "weight_decay", "maximize") if hyper.get(n)]
    if type(optimizer).__name__ != "SGD" or moves:
        raise ValueError(f"line_search searches along -g, so it needs plain SGD, not {optimizer!r}")


def _start(problem: Any, x0: np.ndarray) -> np.ndarray:
    x0 = np.array(x0, dtype=float)
    dim = getattr(problem, "dim", x0.size)
    if x0.shape != (dim,):
        raise ValueError(f"x0 has shape {x0.shape}, expected ({dim},)")
    if not np.isfinite(x0).all():
        at = int(np.argmin(np.isfinite(x0)))
        raise ValueError(f"x0 is {x0[at]} at index {at}")
    return x0
