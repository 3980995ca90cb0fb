"""Shampoo of the working edition: blocks, turns, what has no matrix, and how roots are computed."""

import io
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import Parameter

import adaopt.numpy as an
import adaopt.torch as at
from adaopt.nn import GPT, MLP, GPTConfig
from adaopt.torch.matrix import blocks, factors
from tests.proof import Problem, distance, numpy_path, parity_error, torch_path

MAKE = {"Shampoo": at.Shampoo, "CASPR": at.CASPR}
NUMPY = {"Shampoo": an.Shampoo, "CASPR": an.CASPR}


@pytest.fixture(params=MAKE)
def name(request):
    """Both classes that have these blocks."""
    return request.param


def steps(optimizer, params, count, seed=0):
    """Steps along normal gradients."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        for p in params:
            p.grad = torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.dtype)
        optimizer.step()


@pytest.mark.parametrize("shape", [(6, 4), (3, 5), (4, 4), (7,)])
def test_without_memory_the_step_is_the_polar_factor(name, shape):
    g = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    p = Parameter(torch.zeros_like(g))
    p.grad = g
    MAKE[name]([p], lr=1.0, beta=0.0, eps=0.0).step()
    u, _, vh = torch.linalg.svd(g.view(len(g), -1), full_matrices=False)
    torch.testing.assert_close(-p.detach().view(len(g), -1), u @ vh, rtol=0, atol=1e-10)


# Blocks.


def cut(x, size):
    """An array as a dict of blocks, the cuts written down once more."""
    bounds = [np.linspace(0, n, math.ceil(n / size) + 1) for n in x.shape]
    bounds = [np.ceil(b - 1e-9).astype(int) for b in bounds]
    return {
        f"{i},{j}": x[bounds[0][i] : bounds[0][i + 1], bounds[1][j] : bounds[1][j + 1]]
        for i in range(len(bounds[0]) - 1)
        for j in range(len(bounds[1]) - 1)
    }


BLOCKED = {"lr": 0.03, "beta": 0.9, "eps": 1e-2, "betas": (0.7, 0.95), "weight_decay": 0.1}


@pytest.mark.parametrize("grafting", [None, "nadam"])
def test_a_block_is_an_array_of_its_own(name, grafting):
    hyper = BLOCKED | {"grafting": grafting, "momentum": 0.4, "nesterov": True}
    whole = Problem({"x": (10, 7)}, steps=20)
    parts = Problem.recorded(cut(whole.start["x"], 4), [cut(g["x"], 4) for g in whole.noise])
    assert len(parts.start) == 3 * 2
    ours = torch_path(lambda params: MAKE[name](params, **hyper, block_size=4), whole)
    theirs = numpy_path(NUMPY[name](**hyper), parts)
    found = cut(ours.x["x"], 4)
    for block, x in theirs.x.items():
        np.testing.assert_allclose(found[block], x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", [{}, {"foreach": False}])
def test_blocks_of_several_parameters_do_not_mix(name, way):
    shapes = {"a": (6, 4), "b": (6, 4), "c": (4,), "d": (8, 2, 3)}
    problem = Problem(shapes, steps=20)
    together = torch_path(lambda p: MAKE[name](p, **BLOCKED, block_size=3, **way), problem)
    for n in shapes:
        alone = Problem.recorded({n: problem.start[n]}, [{n: g[n]} for g in problem.noise])
        path = torch_path(lambda p: MAKE[name](p, **BLOCKED, block_size=3), alone)
        np.testing.assert_allclose(together.x[n], path.x[n], rtol=0, atol=1e-13)


def test_small_dimensions_are_merged(name):
    problem = Problem({"x": (4, 3, 2, 2)}, steps=20)
    flat = Problem.recorded(
        {"x": problem.start["x"].reshape(12, 4)},
        [{"x": g["x"].reshape(12, 4)} for g in problem.noise],
    )
    ours = torch_path(lambda p: MAKE[name](p, **BLOCKED, merge_dims=12), problem)
    theirs = numpy_path(NUMPY[name](**BLOCKED), flat)
    np.testing.assert_allclose(ours.x["x"].reshape(12, 4), theirs.x["x"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "shape, most, expected",
    [
        ((64, 32, 3, 3), 0, (64, 32, 3, 3)),
        ((64, 32, 3, 3), 9, (64, 32, 9)),
        ((64, 32, 3, 3), 288, (64, 288)),
        ((1, 5000, 1), 16, (5000,)),
        ((2, 3, 4), 6, (6, 4)),
        ((), 8, (1,)),
    ],
)
def test_which_dimensions_are_merged(shape, most, expected):
    assert blocks.merged(shape, most) == expected


@pytest.mark.parametrize("n, most", [(384, 256), (50257, 128), (5, 8), (0, 4), (9, 1)])
def test_cuts_are_even(n, most):
    sizes = blocks.even(n, most)
    assert sum(sizes) == n and max(sizes) <= most and max(sizes) - min(sizes) <= 1
    assert len(sizes) == max(1, math.ceil(n / most))


# Dimensions without a matrix.


def power(a, exponent, eps):
    lam, v = torch.linalg.eigh(a)
    return (v * (lam + eps) ** exponent) @ v.T


@pytest.mark.parametrize("large", ["diagonal", "skip"])
def test_a_large_dimension_has_a_diagonal_or_nothing(large):
    eps, p = 0.1, Parameter(torch.zeros(9, 3, dtype=torch.float64))
    optimizer = at.Shampoo([p], lr=1.0, beta=1.0, eps=eps, max_dim=5, large=large, block_size=2)
    total, rows = torch.zeros(3, 3, dtype=torch.float64), torch.zeros(9, dtype=torch.float64)
    for k in range(3):
        before = p.detach().clone()
        steps(optimizer, [p], 1, seed=k)
        g = p.grad
        rows, pieces = rows + g.square().sum(1), []
        total = total + g.T @ g
        if large == "skip":  # one factor is left, and with it the exponent -1/2
            for part in ([0, 1], [2]):  # cut at block_size
                s = total[part][:, part]
                pieces.append(g[:, part] @ power(s, -1 / 2, eps))
            expected = torch.cat(pieces, 1)
            torch.testing.assert_close(before - p.detach(), expected, rtol=1e-10, atol=1e-12)
    if large == "diagonal":
        p2 = Parameter(torch.zeros(9, 3, dtype=torch.float64))
        optimizer = at.Shampoo([p2], lr=1.0, beta=0.0, eps=eps, max_dim=5)
        steps(optimizer, [p2], 1)
        g = p2.grad
        left = (g.square().sum(1, keepdim=True) + eps) ** (-1 / 4)
        torch.testing.assert_close(-p2.detach(), left * g @ power(g.T @ g, -1 / 4, eps))


def test_what_is_skipped_takes_the_grafted_step():
    p, q = (Parameter(torch.ones(9, dtype=torch.float64)) for _ in range(2))
    hyper = {"lr": 0.1, "betas": (0.8, 0.9)}
    steps(at.Shampoo([p], **hyper, grafting="adam", max_dim=5, large="skip"), [p], 5)
    steps(torch.optim.Adam([q], **hyper), [q], 5)
    torch.testing.assert_close(p, q, rtol=1e-14, atol=0)


def test_networks_of_all_kinds_and_what_describe_says():
    model = nn.Module()
    model.conv = nn.Conv2d(3, 8, 3)
    model.embedding = nn.Embedding(50257, 16)
    model.scale = Parameter(torch.tensor(2.0))
    model.empty = Parameter(torch.zeros(0, 4))
    params = dict(model.named_parameters())
    before = {n: p.detach().clone() for n, p in params.items()}
    optimizer = at.Shampoo(params.items(), grafting="adam", precondition_frequency=3)
    steps(optimizer, params.values(), 4)
    for n, p in params.items():
        assert p.isfinite().all()
        assert p.numel() == 0 or (p != before[n]).any()
    lines = dict(zip(params, optimizer.describe().splitlines(), strict=True))
    assert "(8, 3, 3, 3): 1 block of (8, 3, 3, 3)" in lines["conv.weight"]
    assert "50257 > max_dim 8192: diagonal" in lines["embedding.weight"]
    assert lines["scale"].startswith("scale (): 1 block of (1,); ")
    assert "empty" in lines["empty"]
    for n, p in params.items():
        state = sum(t.nbytes for t in optimizer.state[p].values() if torch.is_tensor(t))
        assert f"{state:,} bytes of state" in lines[n]
    skipped = at.Shampoo(params.items(), large="skip", merge_dims=9).describe()
    assert "50257 > max_dim 8192: skipped" in skipped
    assert "1 block of (8, 9, 3)" in skipped


# Before the roots, and rare roots.


@pytest.mark.parametrize(
    "grafting, make",
    [
        ("adam", lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.9))),
        ("nadam", lambda p: at.NAdamW(p, lr=0.1, betas=(0.8, 0.9), weight_decay=0.0)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.9)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-8)),
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.1)),
        (None, lambda p: torch.optim.SGD(p, lr=0.1)),
    ],
)
def test_before_the_first_roots_it_is_the_grafted_method(grafting, make):
    betas = (0.8 if grafting in ("adam", "nadam") else 0.0, 0.9)
    p, q = (Parameter(torch.ones(5, 3, dtype=torch.float64)) for _ in range(2))
    shampoo = at.Shampoo([p], lr=0.1, betas=betas, grafting=grafting, start_step=5)
    theirs = make([q])
    steps(shampoo, [p], 4)
    steps(theirs, [q], 4)
    torch.testing.assert_close(p, q, rtol=1e-13, atol=0)
    steps(shampoo, [p], 1, seed=9)
    steps(theirs, [q], 1, seed=9)
    assert (p - q).abs().max() > 1e-3


@pytest.mark.parametrize("key", ["shampoo", "caspr"])
def test_rare_roots_in_both_editions(key):
    hyper = {"eps": 1e-2, "precondition_frequency": 4, "start_step": 3, "grafting": "adagrad"}
    assert parity_error(key, hyper, stagger=False) <= 1e-12
    if key == "caspr":
        assert parity_error(key, hyper | {"variant": "algoperf"}, stagger=False) <= 1e-12


def test_blocks_have_their_roots_in_turn():
    """The path of each block is that of the NumPy edition with its own turn."""
    frequency, hyper = 5, {"eps": 1e-2, "grafting": "sgd", "start_step": 2}
    whole = Problem({"x": (12, 8)}, steps=30)
    parts = {n: Problem.recorded({n: x}, [{n: cut(g["x"], 4)[n]} for g in whole.noise])
             for n, x in cut(whole.start["x"], 4).items()}  # fmt: skip
    plan = blocks.layout((12, 8), 4, 0, 8192, "diagonal")
    (turns,) = blocks.turns((plan,), frequency)
    assert sorted(turns) == [0, 0, 1, 2, 3, 4]
    every = {"precondition_frequency": frequency}
    ours = torch_path(lambda p: at.Shampoo(p, **hyper, **every, block_size=4), whole)

    class Turned(an.Shampoo):
        def roots(self, s, k, order):
            age = k - self.start_step
            due = age == 0 or age % frequency == own_turn
            return super().roots(s, k, order) if due else s.P

    for turn, (n, part) in zip(turns, parts.items(), strict=True):
        own_turn = (frequency - turn) % frequency
        theirs = numpy_path(Turned(**hyper), part)
        np.testing.assert_allclose(cut(ours.x["x"], 4)[n], theirs.x[n], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "make", [MLP, lambda: GPT(GPTConfig(4, 4, 128, 64, 96))], ids=["MLP", "GPT"]
)
def test_no_step_has_much_more_to_compute_than_another(make):
    optimizer = at.Shampoo(make().parameters())
    (group,) = optimizer.param_groups
    plans = tuple(optimizer.plan(p, optimizer._read(group)) for p in group["params"])
    loads = [0] * 10
    for plan, chosen in zip(plans, blocks.turns(plans, 10), strict=True):
        for cost, turn in zip(plan.costs, chosen, strict=True):
            loads[turn] += cost
    assert max(loads) <= 1.5 * np.mean(loads)


def test_resumed_between_two_roots_it_goes_on_as_before():
    def fresh():
        p = Parameter(torch.ones(9, 7))
        return p, at.Shampoo([p], precondition_frequency=4, block_size=3, grafting="adam")

    (p, straight), (q, broken) = fresh(), fresh()
    steps(straight, [p], 10)
    steps(broken, [q], 6)
    file = io.BytesIO()
    torch.save(broken.state_dict(), file)
    file.seek(0)
    resumed = at.Shampoo([q], block_size=3)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    generator = torch.Generator().manual_seed(0)
    for k in range(10):
        g = torch.randn(9, 7, generator=generator, dtype=torch.float64).float()
        if k >= 6:
            q.grad = g
            resumed.step()
    assert torch.equal(p, q)


def test_a_root_that_still_is_one_is_kept(monkeypatch):
    computed = []
    root = factors.inverse_root
    monkeypatch.setattr(
        factors, "inverse_root", lambda a, *rest: computed.append(len(a)) or root(a, *rest)
    )
    g = torch.randn(6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p = Parameter(torch.zeros_like(g))

    def run(tolerance):
        computed.clear()
        optimizer = at.Shampoo([p], eps=1e-2, beta=0.5, tolerance=tolerance)
        for k in range(30):
            p.grad = g if k < 20 else 3 * g
            optimizer.step()
            if k == 19:
                first = sum(computed)
        return first, sum(computed) - first

    assert run(0.0) == (40, 20)
    first, second = run(0.05)
    assert 2 <= first <= 14  # L and R come near to G G' and G' G
    assert 2 <= second <= 10  # which then change


def test_the_residual_is_that_of_the_definition():
    a = torch.diag(torch.tensor([1.0, 4.0, 9.0], dtype=torch.float64))[None]
    root = torch.diag(torch.tensor([1.0, 0.5, 1 / 3 + 0.1], dtype=torch.float64))[None]
    wrong = (1 / 3 + 0.1) ** 2 * 9 - 1
    torch.testing.assert_close(
        factors.residual(root, a, 0.0, 0.5), torch.tensor([wrong / math.sqrt(3)]).double()
    )


# How roots are computed.


def test_on_the_cpu_by_eigenvalues_in_float64(monkeypatch):
    seen = []
    eigh = torch.linalg.eigh
    monkeypatch.setattr(torch.linalg, "eigh", lambda a: seen.append(a.dtype) or eigh(a))
    p = Parameter(torch.ones(4, 3))
    steps(at.Shampoo([p]), [p], 1)
    assert seen == [torch.float64] * 2


@pytest.mark.parametrize("root", ["newton", "newton_schulz"])
def test_iterations_come_to_the_roots_of_eigenvalues(name, root):
    p, q = (Parameter(torch.ones(6, 4, dtype=torch.float64)) for _ in range(2))
    hyper = {"lr": 0.1, "eps": 1e-3, "beta": 0.9}
    steps(MAKE[name]([p], **hyper, root=root), [p], 5)
    steps(MAKE[name]([q], **hyper), [q], 5)
    torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("hyper", [{}, {"variant": "algoperf"}])
def test_nothing_waits_for_a_device(name, hyper, monkeypatch):
    """On the meta device there are no values to wait for: to ask for one is an error."""
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda device: False)  # unknown there
    if hyper and name == "Shampoo":
        hyper = {"tolerance": 0.1}
    shapes = [(8, 3, 3, 3), (300, 20), (7,), (), (9000, 4)]
    params = [Parameter(torch.empty(shape, device="meta")) for shape in shapes]
    optimizer = MAKE[name](
        params, **hyper, grafting="nadam", betas=(0.9, 0.99), momentum=0.5, weight_decay=0.1
    )
    for _ in range(3):
        for p in params:
            p.grad = torch.empty_like(p)
        optimizer.step()
    assert optimizer.state[params[0]]["step"] == 3
    with pytest.raises(RuntimeError, match="meta"):
        params[0].sum().item()


def test_matrices_of_a_half_parameter_are_in_float32():
    p = Parameter(torch.ones(6, 4, dtype=torch.bfloat16))
    optimizer = at.Shampoo([p], lr=0.1, betas=(0.9, 0.99), grafting="adam", momentum=0.9)
    steps(optimizer, [p], 3)
    kept = {n: t.dtype for n, t in optimizer.state[p].items() if n != "step"}
    assert kept == dict.fromkeys(at.Shampoo.buffers, torch.float32)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_follows_where_the_matrices_have_full_rank(name, dtype):
    p = Parameter(torch.ones(4, 4, dtype=dtype))
    q = Parameter(torch.ones(4, 4, dtype=torch.float64))
    for x in (p, q):
        steps(MAKE[name]([x], eps=1e-2), [x], 5)
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(p.double(), q, rtol=20 * eps, atol=20 * eps)


def test_what_cannot_be():
    p = [Parameter(torch.ones(3, 2))]
    with pytest.raises(ValueError, match="want a whole 1 / exponent"):
        at.Shampoo(p, root="newton", exponent=0.3)
    with pytest.raises(ValueError, match="want a whole 1 / exponent"):
        at.Shampoo(p, tolerance=0.1, exponent=0.3)
    with pytest.raises(ValueError, match="Invalid large value: 'cut'"):
        at.Shampoo(p, large="cut")
    p[0].grad = torch.full((3, 2), math.nan)
    with pytest.raises(ValueError, match="a second moment is not finite: a gradient was not"):
        at.Shampoo(p).step()


# The configurations of AlgoPerf's winner: lr, betas, decay and what else they have.
WINNER = {"bias_correction": True, "block_size": 1024, "merge_dims": 1024}
POINTS = [
    {"betas": (0.9327, 0.9955), "beta": 0.9955, "weight_decay": 0.0812, "grafting": "nadam"},
    {"betas": (0.0, 0.9976), "beta": 0.9976, "momentum": 0.9685, "nesterov": True,
     "grafting": "sgd"},
    {"betas": (0.9834, 0.9941), "beta": 0.9941, "momentum": 0.5, "nesterov": True,
     "exponent": 0.5, "grafting": "nadam"},
]  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_algoperfs_winner_step_by_step(point):
    """Its formulas written once more for one matrix, roots from its fourth step on."""
    start, every, (b1, b2), beta = 4, 3, point["betas"], point["beta"]
    p = Parameter(torch.ones(40, 30, dtype=torch.float64))
    optimizer = at.Shampoo([p], lr=0.01, **WINNER, **point, eps=1e-8, start_step=start,
                           precondition_frequency=every)  # fmt: skip
    x, m, v, buffer = p.detach().clone(), 0, 0, 0
    left, right, mu = 0, 0, point.get("momentum", 0.0)
    for k in range(1, 12):
        steps(optimizer, [p], 1, seed=k)
        g = p.grad
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        left, right = beta * left + (1 - beta) * g @ g.T, beta * right + (1 - beta) * g.T @ g
        look = (b1 * m + (1 - b1) * g) / (1 - b1**k) if point["grafting"] == "nadam" else g
        graft = look if point["grafting"] == "sgd" else look / ((v / (1 - b2**k)).sqrt() + 1e-8)
        if k >= start and (k - start) % every == 0:
            exponent, total = -point.get("exponent", 1 / 4), 1 - beta**k
            p_left, p_right = (power(a / total, exponent, 1e-8) for a in (left, right))
        d = graft
        if k >= start:
            d = p_left @ look @ p_right
            d = d * graft.norm() / d.norm()
        buffer = mu * buffer + (1 - mu) * d
        d = mu * buffer + (1 - mu) * d if point.get("nesterov") else buffer
        x = x - 0.01 * (d + point.get("weight_decay", 0.0) * x)
        torch.testing.assert_close(p.detach(), x, rtol=1e-7, atol=1e-8)


def test_the_distance_between_two_settings_is_seen():
    """The comparisons of this file could fail: another exponent is another path."""
    problem = Problem({"x": (6, 4)}, steps=10)
    one, other = (
        torch_path(lambda p, e=e: at.Shampoo(p, **BLOCKED, exponent=e), problem)
        for e in (0.25, 0.3)
    )
    assert distance(one, other) > 1e-3


def test_roots_that_are_never_renewed_cost_no_memory():
    p = Parameter(torch.ones(3, 3))
    p.grad = torch.eye(3)
    optimizer = at.Shampoo([p], precondition_frequency=10**9)
    optimizer.step()
    optimizer.step()
    assert torch.isfinite(p).all() and not torch.equal(p, torch.ones(3, 3))
