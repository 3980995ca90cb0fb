"""Training a network of either edition: minibatches, epochs, history, checkpoints."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from adaopt.numpy import Rule
from adaopt.schedules import Schedule
from adaopt.training import checkpoint as files
from adaopt.training.common import DivergenceError, at_least_one, progress_bar, short, step_size
from adaopt.training.trainers import Means, NumpyTrainer, TorchTrainer, on_copies

PRECISIONS = (None, "bfloat16", "float16")


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


@dataclass(frozen=True)
class RateSearch:
    """What :func:`find_lr` saw: the rates tried, the losses (smoothed), and the rate to try."""

    rates: np.ndarray
    losses: np.ndarray
    best: float


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
    precision: str | None = None,
    schedule: Schedule | None = None,
    clip: float | None = None,
    validation: tuple[Any, Any] | None = None,
    limit: float = 1e6,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    progress: bool = False,
) -> History:
    """Train a network by minibatches, every sample once per epoch in a new random order.

    Args:
        model: a torch module or a network of :mod:`adaopt.nn.by_hand`; it is trained in place. In
            ``DistributedDataParallel`` each process takes its part of every batch.
        optimizer: a torch optimizer of the model's parameters, or a function that makes one of
            them; a rule of :mod:`adaopt.numpy` for a network by hand. A torch optimizer with
            ``train()`` and ``eval()`` is switched together with the model and left in evaluation,
            so that the model holds the trained parameters.
        data: inputs and targets, tensors or arrays of equal length, moved to the model's device
            once. Floating-point inputs are cast to the model's dtype, integer targets to int64.
        epochs: number of passes, > 0.
        generator: a CPU ``torch.Generator`` or a ``numpy.random.Generator`` for the order; None
            takes a torch one with seed 0 (a NumPy one for a network by hand).
        batch_size: samples per step; the last batch of an epoch is the smaller rest.
        loss: function of outputs and targets, default cross-entropy.
        device: where to train: "auto" is CUDA, else MPS, else the CPU; None keeps the model where
            it is. For torch models, as ``precision`` and ``clip``.
        precision: "bfloat16" or "float16" computes the network in that, the parameters staying as
            they are (autocast, and for float16 a scaled loss); None computes as they are.
        schedule: the step size after k steps, as a function of k; None leaves it alone.
        clip: greatest norm of the gradient of all parameters together; None does not clip.
        validation: inputs and targets evaluated after every epoch, without gradients.
        limit: the run has diverged when a batch's loss exceeds ``limit`` times the first one (or
            ``limit``, if that one is below 1).
        checkpoint: file to save to and, if it exists, to go on from: bitwise the same parameters
            as without the stop. Saved after every epoch, at Ctrl-C, and after every
            ``checkpoint_every`` steps.
        progress: show a progress bar with the loss and the time left.

    Raises:
        TypeError, ValueError: an argument that does not fit, by name; a checkpoint that is broken
            or of another run, which is left as it is.
        DivergenceError: the loss is not finite or beyond ``limit``; names the epoch and step and
            holds the history. The parameters are those before that step.
    """
    at_least_one(epochs=epochs, batch_size=batch_size)
    if checkpoint_every is not None:
        at_least_one(checkpoint_every=checkpoint_every)
    if not limit > 0:
        raise ValueError(f"Invalid limit: {limit}. Expected a number > 0")
    trainer = _trainer(model, optimizer, data, validation, loss, device, precision, clip)
    run = _Run(trainer, _order(generator, trainer), batch_size, schedule, limit)
    path = None if checkpoint is None else _place(Path(checkpoint), trainer)
    if path is not None and path.exists():
        run.load(path, epochs)
    with progress_bar(progress, epochs * run.batches, run.steps) as bar:
        run.until(epochs, path, checkpoint_every, bar)
    trainer.finish()  # the model holds the result
    return run.history


def find_lr(
    model: Any,
    optimizer: Any,
    data: tuple[Any, Any],
    generator: Any = None,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 128,
    loss: Callable[[Any, Any], Any] | None = None,
) -> RateSearch:
    """Learning-rate range test: raise the rate at every step and watch the loss.

    The rate grows from ``low`` to ``high`` by one factor a step, on copies of the model and of the
    optimizer, until the smoothed loss is four times its least value or not finite. ``best`` is a
    tenth of the rate where it is least: a rate to start from, not a tuned one.

    Args:
        model, optimizer, data, generator, batch_size, loss: as for :func:`fit`.
        low, high: the first and the last rate, 0 < low < high.
        steps: number of rates, > 1.

    Raises:
        ValueError: rates that do not grow; the loss at the lowest rate is not finite.

    Source: Smith (2017).
    """
    at_least_one(steps=steps, batch_size=batch_size)
    numbers = isinstance(low, Real) and isinstance(high, Real)
    if not (numbers and 0 < low < high < math.inf) or steps < 2:
        raise ValueError(f"Invalid rates: low {low}, high {high}, steps {steps}")
    model, optimizer = on_copies(model, optimizer)
    trainer = _trainer(model, optimizer, data, None, loss, None, None, None)
    rates, losses, mean = np.geomspace(low, high, steps), [], 0.0
    run = _Run(trainer, _order(generator, trainer), batch_size, lambda k: rates[k], math.inf)
    for k in range(steps):
        try:
            mean = 0.9 * mean + 0.1 * run.advance()
        except DivergenceError:
            break
        losses.append(mean / (1 - 0.9 ** (k + 1)))
        if losses[-1] > 4 * min(losses):
            break
    if not losses:
        raise ValueError(f"the loss is not finite at the lowest rate, {low}")
    return RateSearch(rates[: len(losses)], np.array(losses), rates[np.argmin(losses)] / 10)


class _Run:
    """The state of one call of :func:`fit`."""

    def __init__(
        self,
        trainer: NumpyTrainer | TorchTrainer,
        generator: Any,
        batch_size: int,
        schedule: Schedule | None,
        limit: float,
    ) -> None:
        if not (schedule is None or callable(schedule)):
            raise TypeError(f"schedule must be a function of the step number, not {schedule!r}")
        self.trainer, self.generator, self.batch_size = trainer, generator, batch_size
        self.schedule, self.limit = schedule, limit
        self.n = len(trainer.X)
        self.batches = -(-self.n // batch_size)  # steps an epoch
        self.history, self.means, self.seconds = History(), Means(), 0.0
        self.steps, self.first, self.order = 0, None, np.arange(0)
        self.whole = False  # True between two steps

    def until(self, epochs: int, path: Path | None, every: int | None, bar: Any) -> None:
        """Train up to so many epochs; with a path, save there."""
        with files.interrupts_between_steps(path is not None) as raise_pending:
            try:
                while self.steps < epochs * self.batches:
                    value = self.advance()
                    bar.set_postfix_str(f"loss {value:.3g}", refresh=False)
                    bar.update()
                    ended = self.steps % self.batches == 0
                    if ended:
                        self.record()
                    if path is not None and (ended or (every and self.steps % every == 0)):
                        self.save(path)
                    raise_pending()
            except KeyboardInterrupt:
                if path is not None and self.whole:
                    self.save(path)
                raise

    def advance(self) -> float:
        """One step; the loss of its batch before it."""
        self.whole, begin, at = False, time.perf_counter(), self.steps % self.batches
        if at == 0:
            self.means, self.seconds, self.order = Means(), 0.0, self.permutation()
        batch = self.order[at * self.batch_size : (at + 1) * self.batch_size]
        if self.schedule is not None:
            self.trainer.lr = step_size(self.schedule, self.steps)
        value, share = self.trainer.step(batch, self.check)
        self.means.add(value, share, len(batch))
        self.steps += 1
        self.seconds += time.perf_counter() - begin
        self.whole = True
        return value

    def check(self, value: float) -> None:
        """Stop a run whose loss left every sensible range, before the step that would spread it."""
        if self.first is None and math.isfinite(value):
            self.first = value
        if math.isfinite(value) and value <= self.limit * max(1.0, self.first):
            return
        epoch, step = divmod(self.steps, self.batches)
        raise DivergenceError(
            f"the loss is {value:.6g} in epoch {epoch + 1}, step {step + 1}. Try a smaller lr than "
            f"{self.trainer.lr:g}, or are the data not finite?",
            step + 1,
            self.history,
        )

    def record(self) -> None:
        """End an epoch: add its row to the history."""
        self.whole, h = False, self.history
        h.epochs.append(self.steps // self.batches)
        h.loss.append(self.means.loss)
        h.accuracy.append(self.means.accuracy)
        h.seconds.append(self.seconds)
        if self.trainer.held is not None:
            means = self.trainer.evaluate(self.batch_size)
            h.validation_loss.append(means.loss)
            h.validation_accuracy.append(means.accuracy)
        self.whole = True

    def permutation(self) -> np.ndarray:
        if isinstance(self.generator, np.random.Generator):
            return self.generator.permutation(self.n)
        import torch

        return torch.randperm(self.n, generator=self.generator).numpy()

    def random_state(self) -> Any:
        if isinstance(self.generator, np.random.Generator):
            return self.generator.bit_generator.state
        return self.generator.get_state().tolist()

    def describe(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be of this run."""
        return {
            **self.trainer.describe(),
            "samples": self.n,
            "batch_size": self.batch_size,
            "schedule": self.schedule is not None,
            "validation": self.trainer.held is not None,
            "generator": type(self.generator).__name__,
        }

    def save(self, path: Path) -> None:
        numbers, state = self.trainer.save()
        meta = {
            "settings": self.describe(),
            "steps": self.steps,
            "first": self.first,
            "seconds": self.seconds,
            "means": vars(self.means),
            "history": vars(self.history),
            "random": self.random_state(),
            "trainer": numbers,
        }
        arrays = {"order": self.order} | {f"trainer/{n}": a for n, a in state.items()}
        if not getattr(self.trainer, "dist", None) or self.trainer.dist.get_rank() == 0:
            files.write(path, meta, arrays)

    def load(self, path: Path, epochs: int) -> None:
        """Go on from a checkpoint, if it is one of this very run."""
        meta, arrays = files.read(path)
        foreign = f"checkpoint {path} belongs to another run (it is left as it is): "
        for name, value in self.describe().items():
            if (was := meta["settings"].get(name)) != value:
                raise ValueError(f"{foreign}its {name} is {short(was)}, here it is {short(value)}")
        if meta["steps"] > epochs * self.batches:
            done = meta["steps"] / self.batches
            raise ValueError(f"checkpoint {path} is at epoch {done:.4g}, beyond epochs={epochs}")
        self.order = arrays.pop("order")
        state = {n.removeprefix("trainer/"): a for n, a in arrays.items()}
        self.trainer.load(meta["trainer"], state)
        self.steps, self.first, self.seconds = meta["steps"], meta["first"], meta["seconds"]
        self.means, self.history = Means(**meta["means"]), History(**meta["history"])
        if isinstance(self.generator, np.random.Generator):
            self.generator.bit_generator.state = meta["random"]
        else:
            import torch

            self.generator.set_state(torch.tensor(meta["random"], dtype=torch.uint8))


def _place(path: Path, trainer: NumpyTrainer | TorchTrainer) -> Path:
    """The path of a checkpoint, refused before the first step if none can be written there."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"checkpoint {path}: there is no folder {path.parent}")
    groups = getattr(trainer.optimizer, "param_groups", ())
    if any(group.get("distributed") for group in groups):
        raise ValueError(
            "checkpoint does not go with distributed=True: each process keeps a state of its own. "
            "Save the state dict of every process yourself"
        )
    return path


def _trainer(
    model: Any,
    optimizer: Any,
    data: Any,
    validation: Any,
    loss: Any,
    device: Any,
    precision: str | None,
    clip: float | None,
) -> NumpyTrainer | TorchTrainer:
    if precision not in PRECISIONS:
        raise ValueError(f"Invalid precision: {precision!r}. Expected one of {PRECISIONS}")
    if clip is not None and not (isinstance(clip, Real) and 0 < clip < math.inf):
        raise ValueError(f"Invalid clip: {clip!r}. Expected a finite number > 0")
    if not isinstance(optimizer, Rule):
        return TorchTrainer(model, optimizer, data, validation, loss, device, precision, clip)
    for name, value in (("device", device), ("precision", precision), ("clip", clip)):
        if value is not None:
            raise ValueError(f"{name}={value!r} is for torch models, and {optimizer!r} is NumPy's")
    if hasattr(model, "state_dict"):
        raise TypeError(f"{optimizer!r} is NumPy's and steps a network of adaopt.nn.by_hand")
    return NumpyTrainer(model, optimizer, data, validation, loss)


def _order(generator: Any, trainer: NumpyTrainer | TorchTrainer) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator
    if generator is None and isinstance(trainer, NumpyTrainer):
        return np.random.default_rng(0)
    import torch

    if generator is None:
        return torch.Generator().manual_seed(0)
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator or NumPy's, not {generator!r}")
    return generator
