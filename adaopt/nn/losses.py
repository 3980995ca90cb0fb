"""Loss functions, checked before torch computes them."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

REDUCTIONS = ("mean", "sum", "none")


def mse_loss(prediction: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Mean squared error: the mean over all N numbers, :math:`\frac1N \sum_j (p_j - t_j)^2`.

    Args:
        prediction: floating-point tensor of any shape.
        target: tensor of the same shape; nothing is broadcast.
        reduction: "mean" or "sum" over all numbers, or "none".

    Returns:
        Scalar; with "none" a tensor of the shape of prediction.

    Raises:
        ValueError: the shapes differ, the batch is empty, or another reduction.
    """
    _check_reduction(reduction)
    if prediction.shape != target.shape:
        raise ValueError(
            f"Shapes differ: prediction {tuple(prediction.shape)}, target {tuple(target.shape)}"
        )
    _check_filled("prediction", prediction)
    return F.mse_loss(prediction, target, reduction=reduction)


def cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Cross-entropy of C classes from logits z: the mean of :math:`\log\sum_c e^{z_c} - z_y`.

    Equal to ``torch.nn.functional.cross_entropy``, but the classes are always the last axis.

    Args:
        logits: floating-point tensor (..., C), not normalized.
        labels: integer tensor (...), each 0 <= y < C, of any integer type. The values are checked
            on the CPU only: a GPU would have to wait for the answer.
        reduction: "mean" or "sum" over all labels, or "none".

    Returns:
        Scalar; with "none" a tensor of the shape of labels.

    Raises:
        ValueError: shapes that do not fit, a label out of range, an empty batch, or another
            reduction.
        TypeError: labels are not integers.
    """
    _check_reduction(reduction)
    if logits.ndim < 1 or logits.shape[:-1] != labels.shape:
        raise ValueError(
            f"Shapes do not fit: logits {tuple(logits.shape)} need labels "
            f"{tuple(logits.shape[:-1])}, got {tuple(labels.shape)}"
        )
    _check_filled("logits", logits)
    check_indices("labels", labels, logits.shape[-1])
    loss = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1).long(), reduction=reduction
    )
    return loss.reshape(labels.shape) if reduction == "none" else loss


def check_indices(name: str, indices: Tensor, count: int) -> None:
    """Refuse a tensor that is not integer or, on the CPU, holds a value outside 0..count - 1."""
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool:
        raise TypeError(f"Invalid {name}: expected integers, got {indices.dtype}")
    if indices.device.type != "cpu" or indices.numel() == 0:
        return
    low, high = (value.item() for value in torch.aminmax(indices))
    if low < 0 or high >= count:
        wrong = low if low < 0 else high
        raise ValueError(f"Invalid value in {name}: {wrong}. Expected 0 to {count - 1}")


def _check_filled(name: str, tensor: Tensor) -> None:
    if math.prod(tensor.shape) == 0:
        raise ValueError(f"Empty batch: {name} has the shape {tuple(tensor.shape)}")


def _check_reduction(reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f"Invalid reduction: {reduction!r}. Expected one of {REDUCTIONS}")
