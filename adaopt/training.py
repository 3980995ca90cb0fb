"""One loop for both editions: steps, trace, progress bar, checkpoint and exact resume.

:func:`minimize` runs an optimizer on a finite sum, :func:`fit` trains a torch model. Importing this
module imports no torch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from adaopt import checkpoint as files
from adaopt.editions import NumpyEdition, TorchEdition, edition_of
from adaopt.numpy import Rule
from adaopt.schedules import Backtracking, Schedule


class DivergenceError(FloatingPointError):
    """The run left every sensible range. ``step`` says when, ``trace`` holds what came before."""

    def __init__(self, message: str, step: int = 0, trace: Trace | History | None = None) -> None:
        super().__init__(message)
        self.step, self.trace = step, trace


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
    _at_least_one(steps=steps, record_every=record_every, checkpoint_every=checkpoint_every)
    if not limit > 1:
        raise ValueError(f"limit must be above 1, not {limit}")
    x0 = _start(problem, x0)
    sampler = None
    if batch_size is not None:
        sampler = _Sampler(problem, rng, batch_size, replace, probabilities, reweight)
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
    with np.errstate(over="ignore", invalid="ignore"), _bar(progress, steps, run.step) as bar:
        run.until(steps, path, checkpoint_every, bar)
    return run.trace()


class _Run:
    """The state of one call of :func:`minimize`."""

    def __init__(
        self,
        problem: Any,
        edition: NumpyEdition | TorchEdition,
        sampler: _Sampler | None,
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
                self.edition.lr = _step_size(self.schedule, self.step)
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
                was = _short(meta["settings"].get(name))
                raise ValueError(f"{foreign}its {name} is {was}, here it is {_short(value)}")
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
        return _step_size(self.schedule, self.step - 1) if self.schedule and self.step else None


class _Sampler:
    """Which terms the next gradient averages."""

    def __init__(
        self,
        problem: Any,
        rng: np.random.Generator | None,
        batch_size: int,
        replace: bool,
        probabilities: np.ndarray | None,
        reweight: bool,
    ) -> None:
        _at_least_one(batch_size=batch_size)
        n = getattr(problem, "n", None)
        if n is None:
            raise TypeError(f"{problem!r} has no n: a batch_size needs a finite sum")
        if batch_size > n:
            raise ValueError(f"batch_size must be at most n = {n}, not {batch_size}")
        if not isinstance(rng, np.random.Generator):
            raise TypeError(
                f"batch_size={batch_size} draws at random: pass rng=numpy.random.default_rng(0), "
                f"not {rng!r}"
            )
        self.n, self.rng, self.batch_size, self.replace = n, rng, batch_size, replace
        self.probabilities, self.weights = None, None
        if probabilities is not None:
            self.probabilities = p = _probabilities(probabilities, n, replace, reweight)
            self.weights = 1 / (n * p) if reweight else None
        self.order, self.position = np.arange(0), 0

    def draw(self) -> np.ndarray:
        if self.probabilities is not None:
            return self.rng.choice(self.n, self.batch_size, p=self.probabilities)
        if self.replace:
            return self.rng.integers(self.n, size=self.batch_size)
        if self.position >= len(self.order):
            self.order, self.position = self.rng.permutation(self.n), 0
        self.position += self.batch_size
        return self.order[self.position - self.batch_size : self.position]

    def state(self) -> tuple[dict, np.ndarray, int]:
        return self.rng.bit_generator.state, self.order, self.position

    def restore(self, rng: dict, order: np.ndarray, position: int) -> None:
        self.rng.bit_generator.state = rng
        self.order, self.position = order, position

    def settings(self) -> dict[str, Any]:
        return {
            "rng": self.rng.bit_generator.state,
            "batch_size": self.batch_size,
            "replace": self.replace,
            "probabilities": self.probabilities,
            "reweight": self.weights is not None,
        }


def _needs_plain_descent(
    optimizer: Any, sampler: _Sampler | None, schedule: Schedule | None
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


def _probabilities(p: np.ndarray, n: int, replace: bool, reweight: bool) -> np.ndarray:
    p = np.array(p, dtype=float)
    if p.shape != (n,):
        raise ValueError(f"probabilities have shape {p.shape}, expected ({n},)")
    if not (np.all(p >= 0) and abs(p.sum() - 1) < 1e-8):
        raise ValueError(f"probabilities must be >= 0 with sum 1; the sum is {p.sum()}")
    if not replace:
        raise ValueError("probabilities need replace=True: an epoch visits every term once")
    if reweight and not np.all(p > 0):
        at = int(np.argmin(p))
        raise ValueError(f"probabilities[{at}] is 0: no weight can make up for a term never drawn")
    return p


def _step_size(schedule: Schedule, k: int) -> float:
    lr = float(schedule(k))
    if not (np.isfinite(lr) and lr >= 0):
        raise ValueError(f"schedule({k}) is {lr}: a step size must be a number >= 0")
    return lr


def _at_least_one(**values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be an integer, not {value!r}")
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "..."


def _bar(progress: bool, total: int, initial: int) -> Any:
    """A progress bar that works in notebooks and terminals, or one that shows nothing."""
    if progress:
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm
    return tqdm(total=total, initial=initial, disable=not progress, unit="step")


@dataclass
class History:
    """What :func:`fit` recorded; one entry per epoch, epochs counted from 1.

    Attributes:
        epochs: the epochs' numbers.
        loss: mean training loss, averaged while the epoch ran.
        accuracy: share of right training predictions, averaged likewise; NaN without classes.
        validation_loss, validation_accuracy: after the epoch; empty without validation data.
        seconds: duration of the epoch's training, validation excluded.
    """

    epochs: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def table(self) -> str:
        """The history as text, one line per epoch."""
        columns = {n: c for n, c in vars(self).items() if c}
        widths = {n: max(len(n), 8) for n in columns}
        lines = ["  ".join(n.rjust(w) for n, w in widths.items())]
        for row in zip(*columns.values(), strict=True):
            cells = (str(v) if isinstance(v, int) else f"{v:.4f}" for v in row)
            lines.append("  ".join(c.rjust(w) for c, w in zip(cells, widths.values(), strict=True)))
        return "\n".join(lines)


def fit(
    model: Any,
    optimizer: Any,
    data: tuple[Any, Any],
    epochs: int,
    generator: Any = None,
    *,
    batch_size: int = 128,
    loss: Callable[[Any, Any], Any] | None = None,
    device: Any = None,
    validation: tuple[Any, Any] | None = None,
    progress: bool = False,
) -> History:
    """Train a torch model by minibatches, every sample once per epoch in a new random order.

    Args:
        model: a torch module; it is trained in place.
        optimizer: a torch optimizer of its parameters, or a function that makes one of them.
        data: inputs and targets, tensors or arrays of equal length. Floating-point inputs are
            cast to the model's dtype, integer targets to int64.
        epochs: number of passes, > 0.
        generator: a CPU ``torch.Generator`` for the order; None takes one with seed 0.
        batch_size: samples per step; the last batch of an epoch is the smaller rest.
        loss: function of outputs and targets, default :func:`adaopt.nn.cross_entropy`.
        device: where to train; None keeps the model where it is.
        validation: inputs and targets evaluated after every epoch, without gradients.
        progress: show a progress bar over the steps.

    Raises:
        TypeError, ValueError: an argument that does not fit, by name.
        DivergenceError: the loss is not finite; names the epoch and step.
    """
    import torch

    _at_least_one(epochs=epochs, batch_size=batch_size)
    if loss is None:
        from adaopt.nn import cross_entropy as loss
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    elif not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, not {generator!r}")
    if device is not None:
        model.to(device)
    if not hasattr(optimizer, "param_groups"):
        if not callable(optimizer):
            raise TypeError(f"optimizer must be a torch optimizer or make one, not {optimizer!r}")
        optimizer = optimizer(model.parameters())
    X, y = _tensors("data", data, model)
    held = None if validation is None else _tensors("validation", validation, model)
    history = History()
    with _bar(progress, epochs * -(-len(X) // batch_size), 0) as bar:
        for epoch in range(1, epochs + 1):
            begin = time.perf_counter()
            batches = torch.randperm(len(X), generator=generator).to(X.device).split(batch_size)
            model.train()
            seen = _Means()
            for step, batch in enumerate(batches, start=1):
                outputs, targets = model(X[batch]), y[batch]
                value = loss(outputs, targets)
                if not torch.isfinite(value):
                    raise DivergenceError(
                        f"the loss is {value.item()} in epoch {epoch}, step {step}. Try a smaller "
                        f"lr than {optimizer.param_groups[0]['lr']:g}, or are the data not finite?",
                        step,
                        history,
                    )
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                seen.add(value, outputs, targets)
                bar.update()
            history.epochs.append(epoch)
            history.loss.append(seen.loss)
            history.accuracy.append(seen.accuracy)
            history.seconds.append(time.perf_counter() - begin)
            if held is not None:
                seen = _evaluate(model, *held, loss, batch_size)
                history.validation_loss.append(seen.loss)
                history.validation_accuracy.append(seen.accuracy)
    return history


class _Means:
    """Loss and accuracy averaged over samples, batch by batch."""

    def __init__(self) -> None:
        self.samples, self.total, self.right = 0, 0.0, 0.0

    def add(self, loss: Any, outputs: Any, targets: Any) -> None:
        """Count a batch: its mean loss and the share of targets that are the largest output."""
        share = float("nan")
        if not targets.is_floating_point() and outputs.shape[:-1] == targets.shape:
            share = (outputs.argmax(-1) == targets).double().mean().item()
        self.samples += len(targets)
        self.total += loss.item() * len(targets)
        self.right += share * len(targets)

    @property
    def loss(self) -> float:
        return self.total / self.samples

    @property
    def accuracy(self) -> float:
        return self.right / self.samples


def _evaluate(model: Any, X: Any, y: Any, loss: Any, batch_size: int) -> _Means:
    """Loss and accuracy of the model as it stands, in evaluation mode."""
    import torch

    model.eval()
    seen = _Means()
    with torch.no_grad():
        for inputs, targets in zip(X.split(batch_size), y.split(batch_size), strict=True):
            outputs = model(inputs)
            seen.add(loss(outputs, targets), outputs, targets)
    return seen


def _tensors(name: str, data: tuple[Any, Any], model: Any) -> tuple[Any, Any]:
    """Inputs and targets as tensors on the model's device, in dtypes it can take."""
    import torch

    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"{name} must be a pair (inputs, targets), not {type(data).__name__}")
    X, y = (a if isinstance(a, torch.Tensor) else torch.tensor(np.asarray(a)) for a in data)
    if len(X) != len(y) or len(X) == 0:
        raise ValueError(f"{name} has {len(X)} inputs and {len(y)} targets")
    like = next(model.parameters())
    X = X.to(like) if X.is_floating_point() else X.to(like.device)
    return X, y.to(like) if y.is_floating_point() else y.to(like.device, torch.int64)
