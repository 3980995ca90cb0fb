"""``fused=True``: the same numbers, one compilation, and a clear word where it cannot be."""

import copy
import gc
import shutil
import sysconfig
import weakref

import pytest
import torch
from torch._dynamo.utils import counters
from torch.nn import Parameter

from adaopt.torch import SGD, Rule

# Said by torch's compiler of its own code.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")

HYPER = {"momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01}


@pytest.fixture
def graphs():
    """``graphs()``: how many steps were compiled since the test began."""
    before = counters["stats"]["unique_graphs"]
    return lambda: counters["stats"]["unique_graphs"] - before


@pytest.mark.usefixtures("compiler")
def test_follows_eager_through_a_schedule_with_one_compilation(problem, equal, graphs):
    shapes = [(5, 3), (7,), (), (0, 3)]  # a 0-dim float64 tensor is what inductor gets wrong
    fused, eager = problem(shapes), problem(shapes)
    a, b = SGD(fused.params, **HYPER, fused=True), SGD(eager.params, **HYPER)
    for k in range(8):
        for optimizer in (a, b):
            optimizer.param_groups[0].update(lr=0.1 / (k + 1), momentum=0.9 - 0.01 * k)
        equal(fused.run(a, 1), eager.run(b, 1), 1e-14)
    assert graphs() == 1
    for p, q in zip(fused.params, eager.params, strict=True):
        equal([a.state[p]["momentum_buffer"]], [b.state[q]["momentum_buffer"]], 1e-14)

    # A loaded or copied optimizer goes on, and p.grad is what it was.
    loaded = copy.deepcopy(a)
    loaded.load_state_dict(a.state_dict())
    fused.params = loaded.param_groups[0]["params"]
    equal(fused.run(loaded, 2), eager.run(b, 2), 1e-14)
    grads = [p.grad.clone() for p in fused.params]
    loaded.step()
    equal([p.grad for p in fused.params], grads)


@pytest.mark.usefixtures("compiler")
def test_groups_strides_and_complex_numbers(problem, equal):
    def build(fused):
        p = problem([(4, 3), (4, 3), (3, 2)], torch.complex128)
        p.params[:2] = [Parameter(q.detach().mT) for q in p.params[:2]]
        first, undamped, second = p.params
        groups = [
            {"params": [first]},
            {"params": [undamped], "dampening": 0.0},
            {"params": [second], "lr": 0.0, "momentum": 0.0},
        ]
        return p, SGD(groups, lr=0.1, **HYPER, maximize=True, fused=fused)

    (fused, a), (eager, b) = build(True), build(None)
    equal(fused.run(a, 4), eager.run(b, 4), 1e-14)


@pytest.mark.usefixtures("compiler")
def test_a_rule_in_torchs_own_words_compiles(problem, equal, graphs):
    """The engine carries adaptive methods: powers of the step count, lerp, addcmul, addcdiv."""

    class AdamW(Rule):
        """Decoupled weight decay, as torch.optim.AdamW."""

        hyper = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)
        buffers = ("exp_avg", "exp_avg_sq")

        def rule(self, x, g, h, k, m, v):
            beta1, beta2 = h.betas
            x.mul_(1 - h.lr * h.weight_decay)
            m.lerp_(g, 1 - beta1)
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            v_hat = v / (1 - beta2**k)
            x.addcdiv_(m, v_hat.sqrt_().add_(h.eps), value=-h.lr / (1 - beta1**k))

    hyper = {"lr": 0.02, "betas": (0.7, 0.93), "eps": 1e-5, "weight_decay": 0.3}
    theirs = problem()
    expected = theirs.run(torch.optim.AdamW(theirs.params, **hyper), 6)
    for way in ({}, {"fused": True}):
        p = problem()
        equal(p.run(AdamW(p.params, **hyper, **way), 6), expected, 1e-13)
    assert graphs() == 1

    # The state dict of torch's class is ours, and the other way round.
    straight = problem()
    expected = straight.run(torch.optim.AdamW(straight.params, **hyper), 5)
    for first, second in ((AdamW, torch.optim.AdamW), (torch.optim.AdamW, AdamW)):
        p = problem()
        before, after = first(p.params, **hyper), second(p.params)
        p.run(before, 3)
        after.load_state_dict(before.state_dict())
        equal(p.run(after, 2), expected, 1e-13)


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("fused", [None, True])
def test_an_optimizer_let_go_is_freed_at_once(problem, fused):
    p = problem([(5, 3)])
    optimizer = SGD(p.params, **HYPER, fused=fused)
    p.run(optimizer, 3)
    kept = weakref.ref(optimizer.state[p.params[0]]["momentum_buffer"])
    gc.collect()
    gc.disable()
    try:
        del optimizer
        assert kept() is None
    finally:
        gc.enable()


class Marked(torch.Tensor):
    """A subclass, as DTensor is one."""


@pytest.mark.usefixtures("compiler")
def test_subclasses_are_stepped_without_compiling(problem, equal, graphs):
    marked, plain = problem([(5, 3)]), problem([(5, 3)])
    marked.params = [Parameter(p.detach().as_subclass(Marked)) for p in marked.params]
    a, b = SGD(marked.params, **HYPER, fused=True), SGD(plain.params, **HYPER)
    expected = plain.run(b, 3)
    equal([p.as_subclass(torch.Tensor) for p in marked.run(a, 3)], expected)
    assert graphs() == 0


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("CXX", "no-such-compiler")
    p = Parameter(torch.ones(2))
    with pytest.raises(RuntimeError, match=r"needs a C.. compiler: 'no-such-compiler'"):
        SGD([p], fused=True)
    optimizer = SGD([p])
    with pytest.raises(RuntimeError, match=r"needs a C.. compiler"):
        optimizer.add_param_group({"params": [Parameter(torch.ones(2))], "fused": True})
    assert len(optimizer.param_groups) == 1


def test_missing_headers_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    with pytest.raises(RuntimeError, match=r"needs Python's headers: .*Python.h was not found"):
        SGD([Parameter(torch.ones(2))], fused=True)
