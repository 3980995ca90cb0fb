"""The base of the matrix methods: what it hands to a rule, describes, refuses and restores."""

import io

import pytest
import torch
from torch.nn import Parameter

from adaopt.torch import CASPR, SOAP, Muon, Shampoo
from adaopt.torch.matrix import rule
from adaopt.torch.matrix.rule import MatrixRule, stacked, unstacked


class Recorder(MatrixRule):
    """Steps by 1 and notes what it is given."""

    hyper = dict(lr=1.0, flag=False)
    layout = dict(extra=0)
    buffers = ("seen", "more")

    def rule(self, x, g, h, k, seen, more):
        self.calls.append(([tuple(t.shape) for t in x], g, more is None))
        torch._foreach_sub_(x, h.lr)

    def needs(self, h, p):
        return self.buffers if p.dim() > 1 else self.buffers[:1]

    def treatment(self, h, p):
        return f"{p.dim()} dimensions"


def stepped(shapes, **hyper):
    params = [Parameter(torch.zeros(shape)) for shape in shapes]
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer = Recorder(params, **hyper)
    optimizer.calls = []
    optimizer.step()
    return optimizer


def test_parameters_of_one_shape_come_together():
    optimizer = stepped([(3, 2), (4,), (3, 2), (), (0, 3), (2, 3)])
    shapes = [shapes for shapes, _, _ in optimizer.calls]
    assert shapes == [[(3, 2), (3, 2)], [(4,)], [(1,)], [(2, 3)]]
    assert [absent for _, _, absent in optimizer.calls] == [False, True, True, False]
    params = optimizer.param_groups[0]["params"]
    assert all(torch.equal(p, torch.full_like(p, -1.0)) for p in params)
    assert optimizer.state[params[4]]["step"] == 1


def test_one_by_one_and_in_chunks(monkeypatch):
    shapes = [(3, 2)] * 5
    assert len(stepped(shapes, foreach=False).calls) == 5
    monkeypatch.setattr(rule, "CHUNK", 13)
    assert [len(x) for x, _, _ in stepped(shapes).calls] == [2, 2, 1]


def test_gradients_come_negated_to_maximize():
    ((_, g, _),) = stepped([(2, 2)], maximize=True).calls
    assert torch.equal(g[0], -torch.ones(2, 2))


def test_describe_has_a_line_for_each_parameter():
    model = torch.nn.Linear(3, 2)
    named = Recorder(model.named_parameters())
    assert named.describe() == (
        "weight (2, 3): 2 dimensions; 48 bytes of state\nbias (2,): 1 dimensions; 8 bytes of state"
    )
    other = Recorder([Parameter(torch.zeros(0, 3))])
    assert other.describe() == "0.0 (0, 3): empty, nothing to do; 0 bytes of state"


def test_keywords_of_the_layout_follow_the_others():
    assert list(Recorder.hyper) == ["lr", "flag", "extra"]
    with pytest.raises(TypeError, match=r"Invalid extra value: 0.5 .expected a whole number"):
        Recorder([Parameter(torch.zeros(2))], extra=0.5)


@pytest.mark.parametrize("method", [Muon, SOAP])
def test_what_is_refused(method):
    p = Parameter(torch.ones(2, 2))
    with pytest.raises(RuntimeError, match=f"{method.__name__} does not support `fused`"):
        method([p], fused=True)
    z = Parameter(torch.ones(2, 2, dtype=torch.complex64))
    z.grad = torch.ones_like(z)
    with pytest.raises(RuntimeError, match="does not support complex parameters"):
        method([z]).step()


def test_stacks_and_back():
    tensors = [torch.arange(24.0).view(2, 3, 4) + i for i in range(3)]
    stack = stacked(tensors, torch.float64)
    assert stack.shape == (3, 2, 12)
    assert stack.dtype == torch.float64
    assert all(torch.equal(a, b) for a, b in zip(unstacked(stack, tensors), tensors, strict=True))
    assert stacked([torch.ones(5)]).shape == (1, 5, 1)
    stack[0] = 0
    assert tensors[0].any()  # the stack is new


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_digits_that_a_parameter_lacks_survive_a_file(dtype):
    p = Parameter(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).to(dtype))
    optimizer = SOAP([p])
    for k in range(4):
        p.grad = torch.full_like(p, 0.1 + k) * torch.arange(4, dtype=dtype)
        optimizer.step()
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    loaded = SOAP([p])
    loaded.load_state_dict(torch.load(file, weights_only=True))
    for name in SOAP.buffers:
        ours, theirs = loaded.state[p][name], optimizer.state[p][name]
        assert ours.dtype == torch.float32
        assert torch.equal(ours, theirs)
        assert ours is not theirs
    assert not torch.equal(ours, ours.to(dtype).float())


def test_autocast_does_not_round_the_products():
    generator = torch.Generator().manual_seed(0)
    start, g = (torch.randn(40, 40, generator=generator) for _ in range(2))
    found = []
    for enabled in (False, True):
        p = Parameter(start.clone())
        p.grad = g
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            Muon([p], lr=0.1).step()
        found.append(p.detach())
    assert torch.equal(*found)


@pytest.mark.parametrize("method", [Muon, Shampoo, CASPR, SOAP])
def test_the_decay_of_half_precision_is_not_rounded_to_it(method):
    """A factor of 0.994 in bfloat16 would be 0.9922: each step would decay too much."""
    start = torch.randn(40, 300, generator=torch.Generator().manual_seed(0)).bfloat16()
    p = Parameter(start.clone())
    p.grad = torch.zeros_like(p)
    optimizer = method([p], lr=0.02, weight_decay=0.3)
    for _ in range(2):
        optimizer.step()
    steps = 1 if method is SOAP else 2  # its first step only takes the gradient in
    found = (p.detach().double() / start.double()).mean().item()
    assert found == pytest.approx(0.994**steps, abs=1e-3)
