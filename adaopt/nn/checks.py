"""What a loss refuses, the same words in both editions: anything with a shape will do."""

import math
from typing import Any

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str) -> None:
    """Refuse anything but "mean", "sum" and "none"."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"Invalid reduction: {reduction!r}. Expected one of {REDUCTIONS}")


def check_same_shape(prediction: Any, target: Any) -> None:
    """Refuse shapes that differ, which would be broadcast, and an empty batch."""
    if prediction.shape != target.shape:
        raise ValueError(
            f"Shapes differ: prediction {tuple(prediction.shape)}, target {tuple(target.shape)}"
        )
    _check_filled("prediction", prediction)


def check_floating(name: str, values: Any) -> None:
    """Refuse integers, which would wrap or be rounded to in silence."""
    kind = str(values.dtype)
    if "float" not in kind and "longdouble" not in kind:
        raise TypeError(f"Invalid {name}: expected floating-point, got {values.dtype}")


def check_labels_fit(name: str, scores: Any, labels: Any) -> None:
    """Refuse labels (...) that do not fit scores (..., C), and an empty batch."""
    if scores.ndim < 1 or scores.shape[:-1] != labels.shape:
        raise ValueError(
            f"Shapes do not fit: {name} {tuple(scores.shape)} need labels "
            f"{tuple(scores.shape[:-1])}, got {tuple(labels.shape)}"
        )
    _check_filled(name, scores)


def check_range(name: str, low: int, high: int, count: int) -> None:
    """Refuse indices whose least and greatest, ``low`` and ``high``, are not in 0..count - 1."""
    if low < 0 or high >= count:
        wrong = low if low < 0 else high
        raise ValueError(f"Invalid value in {name}: {wrong}. Expected 0 to {count - 1}")


def check_smoothing(label_smoothing: float) -> None:
    """Refuse a share that is not one, NaN included."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"Invalid label_smoothing: {label_smoothing}. Expected 0 to 1")


def check_weights(weight: Any, classes: int) -> None:
    """Refuse class weights that are not one finite number, 0 or more, for each class."""
    if tuple(weight.shape) != (classes,):
        raise ValueError(
            f"Invalid weight of shape {tuple(weight.shape)}. Expected ({classes},), one a class"
        )
    for number in weight.tolist():
        if not 0 <= number < math.inf:
            raise ValueError(f"Invalid weight: {number}. Expected a finite number, 0 or more")


def _check_filled(name: str, values: Any) -> None:
    if math.prod(values.shape) == 0:
        raise ValueError(f"Empty batch: {name} has the shape {tuple(values.shape)}")
