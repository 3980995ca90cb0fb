"""Loss functions, checked before torch computes them; in NumPy they are in `by_hand`."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from adaopt.nn.checks import (
    check_floating,
    check_labels_fit,
    check_range,
    check_reduction,
    check_same_shape,
    check_smoothing,
    check_weights,
)


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
    check_reduction(reduction)
    check_same_shape(prediction, target)
    check_floating("prediction", prediction)
    return F.mse_loss(prediction, target, reduction=reduction)


def cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    weight: Tensor | Sequence[float] | None = None,
) -> Tensor:
    r"""Cross-entropy of C classes from logits z: the mean of :math:`\log\sum_c e^{z_c} - z_y`.

    With smoothing s and class weights w the loss of one label y is

    .. math:: -(1 - s)\, w_y \log p_y - \frac sC \sum_c w_c \log p_c,
        \qquad p = \mathrm{softmax}(z),

    and the mean divides by the sum of the weights :math:`w_y`. Equal to
    ``torch.nn.functional.cross_entropy``, but the classes are always the last axis.

    Args:
        logits: floating-point tensor (..., C), not normalized.
        labels: integer tensor (...), each 0 <= y < C, of any integer type. The values are checked
            on the CPU only: a GPU would have to wait for the answer.
        reduction: "mean" or "sum" over all labels, or "none".
        label_smoothing: s, from 0 to 1: the share of the target spread evenly over all classes.
        weight: C class weights, none negative; None weighs every class 1.

    Returns:
        Scalar; with "none" a tensor of the shape of labels.

    Raises:
        ValueError: shapes that do not fit, a label out of range, an empty batch, or another
            reduction, smoothing or weight than these.
        TypeError: labels are not integers.
    """
    _check_labelled("logits", logits, labels, reduction)
    check_smoothing(label_smoothing)
    classes = logits.shape[-1]
    loss = F.cross_entropy(
        logits.reshape(-1, classes),
        labels.reshape(-1).long(),
        _weights(weight, logits),
        reduction=reduction,
        label_smoothing=label_smoothing,
    )
    return loss.reshape(labels.shape) if reduction == "none" else loss


def cross_entropy_of_probabilities(
    probabilities: Tensor,
    labels: Tensor,
    *,
    reduction: str = "mean",
    weight: Tensor | Sequence[float] | None = None,
) -> Tensor:
    r"""Cross-entropy from probabilities, as the formula is written: the mean of :math:`-\log p_y`.

    A probability that was rounded to zero makes the loss infinite and its gradient useless:
    train with :func:`cross_entropy`, which takes logits.

    Args:
        probabilities: floating-point tensor (..., C); each row is at least 0 and sums to 1 (checked
            on the CPU, to a thousandth).
        labels, reduction, weight: as in :func:`cross_entropy`.

    Raises:
        ValueError, TypeError: as :func:`cross_entropy`; rows that are no probabilities.
    """
    _check_labelled("probabilities", probabilities, labels, reduction)
    if probabilities.device.type == "cpu":
        total = probabilities.detach().sum(-1)
        if not ((probabilities >= 0).all() and ((total - 1).abs() <= 1e-3).all()):
            raise ValueError("Invalid probabilities: rows are at least 0 and sum to 1")
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    loss = F.nll_loss(
        flat.log(), labels.reshape(-1).long(), _weights(weight, flat), reduction=reduction
    )
    return loss.reshape(labels.shape) if reduction == "none" else loss


def check_indices(name: str, indices: Tensor, count: int) -> None:
    """Refuse a tensor that is not integer or, on the CPU, holds a value outside 0..count - 1."""
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == torch.bool:
        raise TypeError(f"Invalid {name}: expected integers, got {indices.dtype}")
    if indices.device.type != "cpu" or indices.numel() == 0:
        return
    # torch has no such function for unsigned integers; one beyond 2**63 becomes negative
    check_range(name, *(value.item() for value in torch.aminmax(indices.long())), count)


def _check_labelled(name: str, scores: Tensor, labels: Tensor, reduction: str) -> None:
    check_reduction(reduction)
    check_labels_fit(name, scores, labels)
    check_floating(name, scores)
    check_indices("labels", labels, scores.shape[-1])


def _weights(weight: Tensor | Sequence[float] | None, scores: Tensor) -> Tensor | None:
    """The class weights as a tensor like the scores."""
    if weight is None:
        return None
    weight = torch.as_tensor(weight, dtype=scores.dtype, device=scores.device)
    check_weights(weight, scores.shape[-1])
    return weight
