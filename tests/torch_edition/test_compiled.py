"""``fused=True``: the same numbers, few compilations, and a clear word where it cannot be."""

import copy
import gc
import math
import shutil
import sysconfig
import threading
import weakref

import pytest
import torch
from torch.nn import Parameter

from adaopt.torch import SGD, Rule
from adaopt.torch.engine import compiled
from adaopt.torch.engine.tracing import Number

# Said by torch's compiler of its own code.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")

HYPER = {"momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01}


@pytest.fixture
def kernels(monkeypatch):
    """``kernels()``: how many kernels were compiled since the test began."""
    monkeypatch.setattr(compiled, "KERNELS", weakref.WeakKeyDictionary())
    return lambda: sum(map(len, compiled.KERNELS.values()))


class Own(Rule):
    """An adaptive method in torch's own words, with decoupled decay: torch.optim.AdamW."""

    hyper = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)
    buffers = ("exp_avg", "exp_avg_sq")

    def rule(self, x, g, h, k, m, v):
        beta1, beta2 = h.betas
        x.mul_(1 - h.lr * h.weight_decay)
        m.lerp_(g, 1 - beta1)
        v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        v_hat = v / (1 - beta2**k)
        x.addcdiv_(m, v_hat.sqrt_().add_(h.eps), value=-h.lr / (1 - beta1**k))


@pytest.mark.usefixtures("compiler")
def test_one_kernel_follows_eager_through_a_schedule_and_all_shapes(problem, equal, kernels):
    shapes = [(5, 3), (7,), (), (0, 3)]
    fused, eager = problem(shapes), problem(shapes)
    a, b = SGD(fused.params, **HYPER, fused=True), SGD(eager.params, **HYPER)
    for k in range(8):
        for optimizer in (a, b):
            optimizer.param_groups[0].update(lr=0.1 / (k + 1), momentum=0.9 - 0.01 * k)
        equal(fused.run(a, 1), eager.run(b, 1), 1e-14)
    for p, q in zip(fused.params, eager.params, strict=True):
        equal([a.state[p]["momentum_buffer"]], [b.state[q]["momentum_buffer"]], 1e-14)

    # A loaded or copied optimizer goes on, p.grad is what it was, and nothing compiles anew.
    loaded = copy.deepcopy(a)
    loaded.load_state_dict(a.state_dict())
    fused.params = loaded.param_groups[0]["params"]
    equal(fused.run(loaded, 2), eager.run(b, 2), 1e-14)
    grads = [p.grad.clone() for p in fused.params]
    loaded.step()
    equal([p.grad for p in fused.params], grads)
    assert kernels() == 1


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
def test_a_rule_in_torchs_own_words_compiles(problem, equal, kernels):
    """Powers of the step count, lerp, addcmul, addcdiv; small tensors and threads."""
    hyper = {"lr": 0.02, "betas": (0.7, 0.93), "eps": 1e-5, "weight_decay": 0.3}
    shapes = [(5, 3), (), (3, 5000), (20000,)]
    theirs = problem(shapes)
    expected = theirs.run(torch.optim.AdamW(theirs.params, **hyper), 6)
    for way in ({}, {"fused": True}):
        p = problem(shapes)
        equal(p.run(Own(p.params, **hyper, **way), 6), expected, 1e-13)
    assert kernels() == 2

    # The state dict of torch's class is ours, and the other way round.
    straight = problem()
    expected = straight.run(torch.optim.AdamW(straight.params, **hyper), 5)
    for first, second in ((Own, torch.optim.AdamW), (torch.optim.AdamW, Own)):
        p = problem()
        before, after = first(p.params, **hyper), second(p.params)
        p.run(before, 3)
        after.load_state_dict(before.state_dict())
        equal(p.run(after, 2), expected, 1e-13)


@pytest.mark.usefixtures("compiler")
def test_tensors_that_change_are_noticed(problem, equal):
    """Other layouts, types, sizes, missing gradients: never the kernel of other tensors."""

    def transposed(p):  # the same memory, other strides
        p.params[0].data = p.params[0].data.mT

    def narrowed(p):
        p.params[0].data = p.params[0].data[:, 1:3]

    def single(p):
        p.dtype = torch.float32
        for q in p.params:
            q.data = q.data.float()

    def strided_gradient(p):
        p.params[0].grad = p.params[0].grad.mT.contiguous().mT

    def no_gradient(p):
        p.params[-1].grad = None

    def negative_gradient(p):
        view = (2j * p.params[0].grad).conj().imag
        assert view.is_neg()
        p.params[0].grad = view

    def run(change, fused):
        p = problem([(4, 4), (3,)])
        optimizer = SGD(p.params, lr=0.1, weight_decay=0.1, fused=fused)
        p.run(optimizer, 2)
        if change in (transposed, narrowed, single):
            change(p)
        p.gradients()
        if change in (strided_gradient, no_gradient, negative_gradient):
            change(p)
        optimizer.step()
        return p.run(optimizer, 1)

    for change in (
        transposed,
        narrowed,
        single,
        strided_gradient,
        no_gradient,
        negative_gradient,
    ):
        equal(run(change, True), run(change, None), 1e-6 if change is single else 1e-14)


@pytest.mark.usefixtures("compiler")
def test_a_gradient_in_the_parameters_memory_is_read_as_it_was(equal):
    whole = torch.arange(1.0, 12, dtype=torch.float64)
    before = whole.clone()
    same, other = Parameter(whole[:5]), Parameter(whole[5:10])
    optimizer = SGD([same, other], lr=0.1, weight_decay=0.5, fused=True)
    same.grad, other.grad = same.detach(), whole[6:11]  # of |x|^2 / 2; overlapping
    with torch.no_grad():
        optimizer.step()
    first = before.clone()
    first[:5] -= 0.1 * 1.5 * before[:5]
    first[5:10] -= 0.1 * (before[6:11] + 0.5 * before[5:10])
    equal([whole], [first], 1e-14)


@pytest.mark.usefixtures("compiler")
def test_threads_and_another_default_device(problem, equal, kernels):
    def work(found, i):
        p = problem([(5, 3)])
        found[i] = p.run(SGD(p.params, lr=0.1, weight_decay=0.3, momentum=0.7, fused=True), 4)

    found = {}
    threads = [threading.Thread(target=work, args=(found, i)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kernels() == 1
    p = problem([(5, 3)])
    optimizer = SGD(p.params, lr=0.1, weight_decay=0.3, momentum=0.7, fused=True)
    for _ in range(4):
        p.gradients()
        with torch.device("meta"):
            optimizer.step()
    for other in (found[0], found[1], found[2]):
        equal(other, p.values())


@pytest.mark.usefixtures("compiler")
def test_writing_counts_as_writing():
    p = Parameter(torch.ones(3))
    optimizer = SGD([p], lr=0.1, momentum=0.9, fused=True)
    p.grad = torch.ones(3)
    for _ in range(3):
        loss = (p * p).sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_computed_in_float32_and_rounded_once(problem, equal, dtype):
    low = problem([(5, 3)], dtype)
    optimizer = Own(low.params, lr=0.1, fused=True)
    low.run(optimizer, 2)
    wide = problem([(5, 3)], torch.float32)
    wide.params = [Parameter(p.detach().float()) for p in low.params]
    other = Own(wide.params, lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    wide.params[0].grad = torch.linspace(-1, 1, 15).reshape(5, 3).to(dtype).float()
    low.params[0].grad = wide.params[0].grad.to(dtype)
    optimizer.step()
    other.step()
    equal(low.values(), [p.to(dtype) for p in wide.values()])


@pytest.mark.usefixtures("compiler")
def test_a_rule_that_asks_for_the_size_is_compiled_for_each_shape(problem, equal, kernels):
    class Normalized(Rule):
        """The gradient over its root mean square."""

        hyper = dict(lr=0.1)
        buffers = ("mean_square",)

        def rule(self, x, g, h, k, v):
            v.copy_(torch.linalg.vector_norm(g) / math.sqrt(g.numel()))
            x.addcdiv_(g, v, value=-h.lr)

        def start(self, name, p, h):
            return torch.zeros(1, dtype=p.dtype)

        def cuts(self, h):
            return False

    shapes = [(5, 3), (3, 5), (1, 1), (), (100, 100)]
    fused, eager = problem(shapes), problem(shapes)
    a, b = Normalized(fused.params, fused=True), Normalized(eager.params)
    equal(fused.run(a, 4), eager.run(b, 4), 1e-14)
    assert kernels() > len(shapes)


@pytest.mark.usefixtures("compiler")
def test_what_cannot_be_followed_is_refused(problem, equal):
    class Compares(SGD):
        def rule(self, x, g, h, k, v):
            x.add_(g, alpha=-h.lr if h.lr < 1 else -1)

    class Leaves(SGD):
        def rule(self, x, g, h, k, v):
            x.add_(g, alpha=-math.sqrt(h.lr))

    for rule, message in (
        (Compares, "a rule may ask of a number only whether it is zero"),
        (Leaves, "Leaves: `rule` computes with a number in a way that cannot be compiled"),
    ):
        p = problem([(5, 3)])
        optimizer = rule(p.params, lr=0.1, fused=True)
        before = p.values()
        with pytest.raises(TypeError, match=message):
            p.run(optimizer, 2)
        equal(p.values(), before)


def test_numbers_are_computed_as_python_does():
    a, b = Number("n[0]", 0), Number("n[1]", 0, 1)
    for form in (
        lambda a, b: 1 - a * b,
        lambda a, b: -a / (1 - a**b),
        lambda a, b: abs(2 / b - 1e-8) ** 0.5 + 3,
        lambda a, b: (a + b) * (a - b) * 1,
    ):
        assert eval(form(a, b).text, {"n": (0.3, 7.0)}) == form(0.3, 7.0)
    assert a and a != 0 and not a == 0 and b != 1 and not b == 1.0
    for question in (lambda: a == 1, lambda: a > 0, lambda: min(a, 1), lambda: a == b):
        with pytest.raises(TypeError, match="only whether it is zero"):
            question()


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
def test_subclasses_are_stepped_without_compiling(problem, equal, kernels):
    marked, plain = problem([(5, 3)]), problem([(5, 3)])
    marked.params = [Parameter(p.detach().as_subclass(Marked)) for p in marked.params]
    a, b = SGD(marked.params, **HYPER, fused=True), SGD(plain.params, **HYPER)
    expected = plain.run(b, 3)
    equal([p.as_subclass(torch.Tensor) for p in marked.run(a, 3)], expected)
    assert kernels() == 0


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
