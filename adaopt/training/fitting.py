"""Training a torch model: minibatches, epochs, history. torch is imported when it is used."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adaopt.training.common import DivergenceError, at_least_one, progress_bar


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
        optimizer: a torch optimizer of its parameters, or a function that makes one of them. One
            with ``train()`` and ``eval()`` is switched together with the model and left in
            evaluation, so that the model holds the trained parameters.
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

    at_least_one(epochs=epochs, batch_size=batch_size)
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
    with progress_bar(progress, epochs * -(-len(X) // batch_size), 0) as bar:
        for epoch in range(1, epochs + 1):
            begin = time.perf_counter()
            batches = torch.randperm(len(X), generator=generator).to(X.device).split(batch_size)
            _mode(model, optimizer, True)
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
                _mode(model, optimizer, False)
                seen = _evaluate(model, *held, loss, batch_size)
                history.validation_loss.append(seen.loss)
                history.validation_accuracy.append(seen.accuracy)
    if hasattr(optimizer, "eval"):
        optimizer.eval()  # the model holds the result
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


def _mode(model: Any, optimizer: Any, training: bool) -> None:
    """Turn the model, and an optimizer that has modes too, to training or to evaluation."""
    for each in (model, optimizer):
        if hasattr(each, "train") and hasattr(each, "eval"):
            each.train() if training else each.eval()


def _evaluate(model: Any, X: Any, y: Any, loss: Any, batch_size: int) -> _Means:
    """Loss and accuracy of the model as it stands."""
    import torch

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
    X, y = (a if isinstance(a, torch.Tensor) else torch.from_numpy(np.array(a)) for a in data)
    if len(X) != len(y) or len(X) == 0:
        raise ValueError(f"{name} has {len(X)} inputs and {len(y)} targets")
    like = next(model.parameters())
    X = X.to(like) if X.is_floating_point() else X.to(like.device)
    return X, y.to(like) if y.is_floating_point() else y.to(like.device, torch.int64)
