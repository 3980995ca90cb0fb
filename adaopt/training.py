"""One loop for both editions: steps, trace, progress bar, checkpoint and exact resume.

:func:`minimize` runs an optimizer on a finite sum, :func:`fit` trains a torch model. Importing this
module imports no torch.
"""

from __future__ import annotations

import copy
import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from adaopt.numpy import Rule
from adaopt.schedules import Backtracking, Schedule

FORMAT = "adaopt.training.minimize 1"


class DivergenceError(FloatingPointError):
    """The run left every sensible range. ``step`` says when, ``trace`` holds what came before."""

    def __init__(self, message: str, step: int, trace: Trace | History | None = None) -> None:
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
    x0 = _start(problem, x0)
    sampler = None
    if batch_size is not None:
        sampler = _Sampler(problem.n, rng, batch_size, replace, probabilities, reweight)
    elif probabilities is not None:
        raise ValueError("probabilities need a batch_size: the full gradient draws nothing")
    edition = _edition(optimizer, x0)
    if line_search is not None:
        _plain(edition, sampler, schedule)
    path = None if checkpoint is None else _writable(checkpoint)

    run = _Run(problem, edition, sampler, schedule, line_search, record_every, limit)
    run.settings = {
        "problem": [type(problem).__name__, getattr(problem, "name", ""), run.n, x0.size],
        "optimizer": repr(optimizer) if not edition.made else repr(edition.optimizer),
        "x0": x0.tolist(),
        "sampling": None if sampler is None else sampler.settings(),
        "schedule": None if schedule is None else [schedule(k) for k in (0, 1, 10, 100)],
        "line_search": None if line_search is None else _search_settings(line_search),
        "record_every": record_every,
    }
    if path is not None and path.exists():
        run.load(path, steps)
    with np.errstate(over="ignore", invalid="ignore"), _bar(progress, steps, run.step) as bar:
        run.until(steps, path, checkpoint_every, bar)
    return run.trace()


class _Run:
    """The state of one call of :func:`minimize`."""

    def __init__(self, problem, edition, sampler, schedule, line_search, record_every, limit):
        self.problem, self.edition, self.sampler = problem, edition, sampler
        self.schedule, self.line_search = schedule, line_search
        self.record_every, self.limit = record_every, limit
        self.n = getattr(problem, "n", 1)
        self.step, self.evaluations, self.seconds = 0, 0, 0.0
        self.rows: dict[str, list] = {name: [] for name in Trace.__dataclass_fields__}
        self.whole = True  # False while the optimizer is writing
        self.settings: dict[str, Any] = {}

    def until(self, steps: int, path: Path | None, every: int, bar: Any) -> None:
        with _interrupts_between_steps(path is not None) as raise_pending:
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
                if path is not None and self.whole:
                    self.save(path)
                raise
        if path is not None:
            self.save(path)

    def advance(self) -> None:
        before = self.sampler.state() if self.sampler else None
        begin = time.perf_counter()
        try:
            g, cost = self.gradient(self.edition.point())
            if self.schedule is not None:
                self.edition.lr = _step_size(self.schedule, self.step)
            elif self.line_search is not None:
                self.edition.lr = self.line_search(self.problem.f, self.edition.x, g)
        except KeyboardInterrupt:
            if self.sampler:
                self.sampler.restore(*before)
            raise
        self.whole = False
        self.edition.step(g)
        self.whole = True
        self.seconds += time.perf_counter() - begin
        self.step, self.evaluations = self.step + 1, self.evaluations + cost

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

    def refuse_gradient(self, g: np.ndarray, x: np.ndarray) -> None:
        at = int(np.argmin(np.isfinite(g)))
        value = self.problem.f(x)
        where = f"the gradient of {self.problem!r} is {g[at]} at index {at}"
        if np.isfinite(value) and abs(value) <= self.bound():
            raise FloatingPointError(
                f"step {self.step + 1}: {where}, although x and f(x) = {value:g} are finite"
            )
        self.diverged(value, where)

    def record(self, last: bool) -> None:
        """Add a row if one is due and not there yet; a value out of range ends the run."""
        due = last or self.step % self.record_every == 0
        if not due or self.step in self.rows["steps"][-1:]:
            return
        x = self.edition.x
        value = float(self.problem.f(x))
        if self.step == 0 and not np.isfinite(value):
            raise ValueError(f"{self.problem!r} is {value} at x0: start where f is finite")
        searched = self.n * self.line_search.evaluations if self.line_search else 0
        row = (self.step, x, value, self.evaluations, searched, self.seconds)
        for column, entry in zip(self.rows.values(), row, strict=True):
            column.append(entry)
        if not abs(value) <= self.bound():
            self.diverged(value, f"f(x) = {value:g}")

    def bound(self) -> float:
        return self.limit * max(1.0, abs(self.rows["values"][0]))

    def diverged(self, value: float, what: str) -> None:
        seen = ", ".join(f"{v:.3g}" for v in self.rows["values"][-3:])
        lr, smoothness = self.edition.lr, getattr(self.problem, "smoothness", None)
        advice = f"Try a smaller lr than {lr:g}"
        if smoothness:
            advice += f"; gradient descent on this problem needs lr < 2/L = {2 / smoothness:.6g}"
        raise DivergenceError(
            f"diverged at step {self.step}: {what}; f was {self.rows['values'][0]:.3g} at the "
            f"start, last recorded values {seen}. {advice}.",
            self.step,
            self.trace(),
        )

    def trace(self) -> Trace:
        return Trace(**{name: np.array(column) for name, column in self.rows.items()})

    def save(self, path: Path) -> None:
        """Write beside the file, then rename: at no moment is there half a checkpoint."""
        kept = [i for i, k in enumerate(self.rows["steps"]) if k % self.record_every == 0]
        arrays = {f"trace/{n}": np.array(c)[kept] for n, c in self.rows.items()}
        arrays["x"] = self.edition.x
        meta = {
            "format": FORMAT,
            "settings": self.settings,
            "step": self.step,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "search": vars(self.line_search) if self.line_search else None,
        }
        if self.sampler:
            meta["rng"], arrays["order"], meta["position"] = self.sampler.state()
        meta["optimizer"], state = self.edition.save()
        arrays |= {f"optimizer/{name}": a for name, a in state.items()}
        part = path.with_name(path.name + ".part")
        with open(part, "wb") as file:
            np.savez(file, meta=np.array(json.dumps(meta, default=np.ndarray.tolist)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)

    def load(self, path: Path, steps: int) -> None:
        meta, arrays = _read(path)
        now = json.loads(json.dumps(self.settings, default=np.ndarray.tolist))
        for name, value in meta["settings"].items():
            if now.get(name) != value:
                raise ValueError(
                    f"checkpoint {path} belongs to another run: its {name} is {_short(value)}, "
                    f"here it is {_short(now.get(name))}"
                )
        if meta["step"] > steps:
            raise ValueError(f"checkpoint {path} is at step {meta['step']}, beyond steps={steps}")
        first = float(self.problem.f(arrays["trace/iterates"][0]))
        if abs(first - arrays["trace/values"][0]) > 1e-9 * max(1.0, abs(first)):
            raise ValueError(f"checkpoint {path} belongs to another problem: f(x0) differs")
        for name, column in self.rows.items():
            column.extend(arrays[f"trace/{name}"])
        self.step, self.evaluations = meta["step"], meta["evaluations"]
        self.seconds = meta["seconds"]
        if self.line_search:
            vars(self.line_search).update(meta["search"])
        if self.sampler:
            self.sampler.restore(meta["rng"], arrays["order"], meta["position"])
        state = {n.removeprefix("optimizer/"): a for n, a in arrays.items() if "optimizer/" in n}
        self.edition.load(arrays["x"], meta["optimizer"], state)


class _Sampler:
    """Which terms the next gradient averages."""

    def __init__(self, n, rng, batch_size, replace, probabilities, reweight):
        _at_least_one(batch_size=batch_size)
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


class _NumpyEdition:
    """A rule of ``adaopt.numpy`` and its x."""

    made = False

    def __init__(self, rule: Rule, x: np.ndarray) -> None:
        self.optimizer, self.x = copy.deepcopy(rule), x.copy()

    @property
    def lr(self) -> float:
        return self.optimizer.lr

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimizer.lr = value

    def point(self) -> np.ndarray:
        return self.optimizer.point(self.x)

    def step(self, g: np.ndarray) -> None:
        self.x = self.optimizer.step(self.x, g)

    def save(self) -> tuple[dict, dict[str, np.ndarray]]:
        state = vars(self.optimizer.state) if self.optimizer.k else {}
        arrays = {n: a for n, a in state.items() if isinstance(a, np.ndarray)}
        numbers = {n: a for n, a in state.items() if n not in arrays}
        return {"k": self.optimizer.k, "numbers": numbers}, arrays

    def load(self, x: np.ndarray, meta: dict, arrays: dict[str, np.ndarray]) -> None:
        self.x, rule = x, self.optimizer
        if meta["k"]:
            rule.state, rule.k = rule.start(x), meta["k"]
            rule.layout = {"": (x.shape, x.dtype.name)}
            vars(rule.state).update(meta["numbers"] | arrays)


class _TorchEdition:
    """A torch optimizer and its one parameter, which x is copied into."""

    def __init__(self, optimizer: Any, x: np.ndarray) -> None:
        import torch

        self.torch, self.made = torch, not hasattr(optimizer, "param_groups")
        if self.made:
            self.optimizer = optimizer([torch.nn.Parameter(torch.tensor(x))])
        else:
            self.optimizer = copy.deepcopy(optimizer)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        shapes = [tuple(p.shape) for p in parameters]
        if shapes != [x.shape]:
            raise ValueError(
                f"the optimizer must have exactly one parameter of x0's shape {x.shape}; "
                f"it has the shapes {shapes}"
            )
        self.parameter = parameters[0]
        self.write(x)

    def write(self, x: np.ndarray) -> None:
        with self.torch.no_grad():
            self.parameter.copy_(self.torch.tensor(x))

    @property
    def x(self) -> np.ndarray:
        return np.array(self.parameter.detach().to("cpu", self.torch.float64))

    @property
    def lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimizer.param_groups[0]["lr"] = value

    def point(self) -> np.ndarray:
        return self.x

    def step(self, g: np.ndarray) -> None:
        self.parameter.grad = self.torch.tensor(g).to(self.parameter)
        self.optimizer.step()

    def save(self) -> tuple[dict, dict[str, np.ndarray]]:
        file = io.BytesIO()
        self.torch.save(self.optimizer.state_dict(), file)
        return {}, {"state_dict": np.frombuffer(file.getvalue(), np.uint8)}

    def load(self, x: np.ndarray, meta: dict, arrays: dict[str, np.ndarray]) -> None:
        self.write(x)
        file = io.BytesIO(arrays["state_dict"].tobytes())
        self.optimizer.load_state_dict(self.torch.load(file, weights_only=True))


def _edition(optimizer: Any, x: np.ndarray) -> _NumpyEdition | _TorchEdition:
    if isinstance(optimizer, Rule):
        return _NumpyEdition(optimizer, x)
    if isinstance(optimizer, type) and issubclass(optimizer, Rule):
        name = optimizer.__name__
        raise TypeError(f"optimizer is the class {name}: pass an instance, {name}(lr=...)")
    if hasattr(optimizer, "param_groups") or callable(optimizer):
        return _TorchEdition(optimizer, x)
    raise TypeError(f"optimizer must be a rule of adaopt.numpy or of torch, not {optimizer!r}")


def _plain(edition: Any, sampler: _Sampler | None, schedule: Schedule | None) -> None:
    """A line search moves along -g: whatever moves otherwise is refused."""
    if sampler is not None or schedule is not None:
        raise ValueError("line_search needs the full gradient and no schedule")
    made = edition.optimizer
    hyper = vars(made) if isinstance(made, Rule) else made.param_groups[0]
    moves = [n for n in ("momentum", "weight_decay", "maximize") if hyper.get(n)]
    if type(made).__name__ != "SGD" or moves:
        raise ValueError(f"line_search searches along -g, so it needs plain SGD, not {made!r}")


def _start(problem: Any, x0: np.ndarray) -> np.ndarray:
    x0 = np.array(x0, dtype=float)
    dim = getattr(problem, "dim", x0.size)
    if x0.shape != (dim,):
        raise ValueError(f"x0 has shape {x0.shape}, expected ({dim},)")
    if not np.isfinite(x0).all():
        raise ValueError(f"x0 is {x0[~np.isfinite(x0)][0]} at {np.argmin(np.isfinite(x0))}")
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


def _search_settings(search: Backtracking) -> list[float]:
    return [search.shrink, search.grow, search.c]


def _writable(checkpoint: str | os.PathLike) -> Path:
    path = Path(checkpoint)
    if not path.parent.is_dir():
        raise ValueError(f"checkpoint {path}: there is no folder {path.parent}")
    return path


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The contents of a checkpoint, all of it read (and so checked) before any is used."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(str(arrays.pop("meta")))
        if meta["format"] != FORMAT:
            raise ValueError(f"its format is {meta['format']!r}, not {FORMAT!r}")
    except Exception as error:
        raise ValueError(
            f"checkpoint {path} is broken or was not written by minimize ({error}); "
            "it is left as it is: move it away or name another file"
        ) from error
    return meta, arrays


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else text[:200] + "..."


@contextmanager
def _interrupts_between_steps(enabled: bool) -> Iterator[Callable[[], None]]:
    """Let the first Ctrl-C wait for the end of the step; yields a function that then raises it."""
    old = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not (enabled and main and callable(old)):
        yield lambda: None
        return
    pending = []

    def wait(number: int, frame: Any) -> None:
        pending.append(number)
        signal.signal(signal.SIGINT, old)

    def raise_pending() -> None:
        if pending:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, wait)
    try:
        yield raise_pending
    finally:
        signal.signal(signal.SIGINT, old)


def _bar(progress: bool, total: int, initial: int) -> Any:
    from tqdm.auto import tqdm

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
        loss: function of outputs and targets, default ``torch.nn.functional.cross_entropy``.
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
        loss = torch.nn.functional.cross_entropy
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    if device is not None:
        model.to(device)
    if not hasattr(optimizer, "param_groups"):
        optimizer = optimizer(model.parameters())
    X, y = _tensors("data", data, model)
    held = None if validation is None else _tensors("validation", validation, model)
    history = History()
    with _bar(progress, epochs * -(-len(X) // batch_size), 0) as bar:
        for epoch in range(1, epochs + 1):
            begin = time.perf_counter()
            model.train()
            total, right = 0.0, 0.0
            order = torch.randperm(len(X), generator=generator).to(X.device)
            for step, batch in enumerate(order.split(batch_size), start=1):
                outputs, targets = model(X[batch]), y[batch]
                value = loss(outputs, targets)
                optimizer.zero_grad()
                value.backward()
                mean = value.item()
                if not np.isfinite(mean):
                    raise DivergenceError(
                        f"the loss is {mean} in epoch {epoch}, step {step}, before the update. "
                        f"Try a smaller lr than {optimizer.param_groups[0]['lr']:g}, "
                        "and look whether the data are finite.",
                        step,
                        history,
                    )
                optimizer.step()
                total += mean * len(batch)
                right += _right(outputs, targets) * len(batch)
                bar.update()
            history.epochs.append(epoch)
            history.loss.append(total / len(X))
            history.accuracy.append(right / len(X))
            history.seconds.append(time.perf_counter() - begin)
            if held is not None:
                value, share = _evaluate(model, *held, loss, batch_size)
                history.validation_loss.append(value)
                history.validation_accuracy.append(share)
    return history


def _evaluate(model: Any, X: Any, y: Any, loss: Any, batch_size: int) -> tuple[float, float]:
    """Mean loss and share of right predictions, in evaluation mode."""
    import torch

    model.eval()
    total, right = 0.0, 0.0
    with torch.no_grad():
        for inputs, targets in zip(X.split(batch_size), y.split(batch_size), strict=True):
            outputs = model(inputs)
            total += loss(outputs, targets).item() * len(inputs)
            right += _right(outputs, targets) * len(inputs)
    return total / len(X), right / len(X)


def _right(outputs: Any, targets: Any) -> float:
    """Share of targets that are the largest output; NaN when targets are not classes."""
    if targets.is_floating_point() or outputs.shape[:-1] != targets.shape:
        return float("nan")
    return (outputs.argmax(-1) == targets).float().mean().item()


def _tensors(name: str, data: tuple[Any, Any], model: Any) -> tuple[Any, Any]:
    """Inputs and targets as tensors on the model's device, in dtypes it can take."""
    import torch

    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"{name} must be a pair (inputs, targets), not {type(data).__name__}")
    parameter = next(model.parameters())
    X, y = (torch.as_tensor(a).to(parameter.device) for a in data)
    if len(X) != len(y) or len(X) == 0:
        raise ValueError(f"{name} has {len(X)} inputs and {len(y)} targets")
    cast = [a.to(parameter.dtype) if a.is_floating_point() else a for a in (X, y)]
    return cast[0], y.long() if not y.is_floating_point() else cast[1]
