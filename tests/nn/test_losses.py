import pytest
import torch
from torch.nn import functional as F

from adaopt.nn import cross_entropy, mse_loss


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def integers(high, *shape, seed=0):
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(7, 3), (1, 1), (2, 5, 4), (6,)])
def test_mse_equals_torch(shape, reduction):
    prediction, target = normal(*shape).requires_grad_(), normal(*shape, seed=1)
    ours = mse_loss(prediction, target, reduction=reduction)
    torch.testing.assert_close(ours, F.mse_loss(prediction, target, reduction=reduction))
    (gradient,) = torch.autograd.grad(mse_loss(prediction, target), prediction)
    expected = 2 * (prediction - target) / target.numel()
    torch.testing.assert_close(gradient, expected.detach())


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(7,), (1,), (2, 5), ()])
def test_cross_entropy_equals_torch(shape, reduction):
    logits, labels = normal(*shape, 4), integers(4, *shape)
    ours = cross_entropy(logits, labels, reduction=reduction)
    classes_second = logits.movedim(-1, 1) if len(shape) > 1 else logits
    expected = F.cross_entropy(classes_second, labels, reduction=reduction)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.uint32, torch.int64])
def test_labels_of_any_integer_type(dtype):
    logits, labels = normal(7, 10), integers(10, 7)
    assert torch.equal(cross_entropy(logits, labels.to(dtype)), cross_entropy(logits, labels))


def test_huge_logits_stay_finite():
    logits = torch.tensor([[1e4, 0.0, -1e4], [1e4, 0.0, -1e4]])
    assert cross_entropy(logits, torch.tensor([0, 2]), reduction="none").tolist() == [0.0, 2e4]


@pytest.mark.parametrize("wrong", [-1, 10, 255])
def test_label_out_of_range(wrong):
    labels = torch.tensor([3, wrong, 0])
    with pytest.raises(ValueError, match=rf"value in labels: {wrong}\. Expected 0 to 9"):
        cross_entropy(normal(3, 10), labels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
def test_labels_must_be_integers(dtype):
    with pytest.raises(TypeError, match=f"Invalid labels: expected integers, got {dtype}"):
        cross_entropy(normal(3, 10), torch.ones(3, dtype=dtype))


@pytest.mark.parametrize("labels", [(4,), (3, 1), (3, 10), ()])
def test_cross_entropy_shapes_must_fit(labels):
    with pytest.raises(ValueError, match=r"logits \(3, 10\) need labels \(3,\), got \("):
        cross_entropy(normal(3, 10), integers(10, *labels))


def test_mse_never_broadcasts():
    with pytest.raises(ValueError, match=r"prediction \(3, 1\), target \(3,\)"):
        mse_loss(normal(3, 1), normal(3))


def test_empty_batches_are_refused():
    with pytest.raises(ValueError, match=r"Empty batch: logits has the shape \(0, 10\)"):
        cross_entropy(normal(0, 10), integers(10, 0))
    with pytest.raises(ValueError, match=r"Empty batch: prediction has the shape \(0,\)"):
        mse_loss(normal(0), normal(0))


@pytest.mark.parametrize("loss", [mse_loss, cross_entropy])
def test_unknown_reduction(loss):
    with pytest.raises(ValueError, match="Invalid reduction: 'average'"):
        loss(normal(3, 10), integers(10, 3), reduction="average")
