"""Adafactor equals torch.optim's, state dict included, and makes nothing of a parameter's size."""

import copy

import pytest
import torch
from torch.nn import Parameter
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from adaopt.torch import Adafactor
from adaopt.torch.engine import eager

SHAPES = ((5, 3), (7,), (), (2, 3, 4), (1, 6), (6, 1))
HYPER = {"lr": 0.3, "beta2_decay": -0.6, "eps": (0.03, 0.2), "d": 1.3, "weight_decay": 0.1}


@pytest.mark.parametrize("hyper", [{}, HYPER], ids=["defaults", "odd"])
def test_goes_on_from_the_state_of_torch_and_back(problem, equal, cut, hyper):
    ours, theirs = problem(SHAPES), problem(SHAPES)
    a, b = Adafactor(ours.params, **hyper), torch.optim.Adafactor(theirs.params, **hyper)
    equal(ours.run(a, 7), theirs.run(b, 7), 1e-14)
    for p, q in zip(ours.params, theirs.params, strict=True):
        assert a.state[p].keys() == b.state[q].keys()
        names = [name for name in a.buffers if name in a.state[p]]
        equal([a.state[p][n] for n in names], [b.state[q][n] for n in names], 1e-14)
    a.load_state_dict(copy.deepcopy(b.state_dict()))
    equal(ours.run(a, 7), theirs.run(b, 7), 1e-14)
    b.load_state_dict(copy.deepcopy(a.state_dict()))
    equal(ours.run(a, 7), theirs.run(b, 7), 1e-14)


class Largest(TorchDispatchMode):
    """The most elements that an operation returned, of what was not there before."""

    def __init__(self, known):
        super().__init__()
        self.known = {t.untyped_storage().data_ptr() for t in known}
        self.size = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for t in tree_leaves(result):
            if isinstance(t, torch.Tensor) and t.untyped_storage().data_ptr() not in self.known:
                self.size = max(self.size, t.numel())
        return result


@pytest.mark.parametrize("shape", [(60, 40), (20, 12, 10)])
def test_makes_nothing_larger_than_a_block(monkeypatch, shape):
    monkeypatch.setattr(eager, "BLOCK", 400)
    p = Parameter(torch.ones(shape))
    p.grad = torch.ones(shape)
    optimizer = Adafactor([p], weight_decay=0.1)
    optimizer.step()
    with Largest([p, p.grad]) as largest:
        optimizer.step()
    assert 0 < largest.size <= 400


def test_each_dtype_has_its_own_bound(problem):
    """torch takes the machine epsilon of the group's first parameter for all."""
    for dtype in (torch.float64, torch.bfloat16):
        first, second = Parameter(torch.ones(2, dtype=dtype)), Parameter(torch.ones(2))
        alone = Parameter(torch.ones(2))
        for p in (first, second, alone):
            p.grad = torch.full_like(p, 1e-5)
        Adafactor([first, second]).step()
        Adafactor([alone]).step()
        assert torch.equal(second, alone)


@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch of itself
def test_compiled_it_is_bounded_by_the_same(problem, equal):
    """Small gradients in bfloat16, computed in float32: the bound stays bfloat16's."""
    for dtype in (torch.bfloat16, torch.float32):
        paths = []
        for way in ({}, {"fused": True}):
            p = problem([(4, 3), (5,)], dtype)
            optimizer = Adafactor(p.params, lr=0.1, **way)
            for _ in range(4):
                p.gradients()
                for q in p.params:
                    q.grad *= 1e-4
                optimizer.step()
            paths.append(p.values())
        equal(*paths, 4 * torch.finfo(dtype).eps)


def test_complex_parameters_are_refused_before_anything_changes():
    p, z = Parameter(torch.ones(2)), Parameter(torch.ones(2, dtype=torch.complex64))
    p.grad, z.grad = torch.ones_like(p), torch.ones_like(z)
    with pytest.raises(RuntimeError, match="Adafactor does not support complex parameters"):
        Adafactor([p, z]).step()
    assert torch.equal(p, torch.ones(2))


def test_bad_values_are_refused():
    p = [Parameter(torch.ones(2))]
    for hyper, message in (
        ({"beta2_decay": 0.8}, "Invalid beta2_decay value: 0.8"),
        ({"d": 0.5}, "Invalid d value: 0.5"),
        ({"eps": (None, -1.0)}, "Invalid epsilon value at index 1: -1.0"),
    ):
        with pytest.raises(ValueError, match=message):
            Adafactor(p, **hyper)
    with pytest.raises(TypeError, match="Invalid epsilon value at index 1: None"):
        Adafactor(p, eps=(None, None))
