"""The contract of torch.optim.Optimizer, for every method and variant of the catalog."""

import copy
import inspect
import io
import pickle

import pytest
import torch
from torch.nn import Parameter
from torch.optim import lr_scheduler
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from adaopt.torch.matrix.rule import MatrixRule

# Dtypes and memory layouts


def kept_in(optimizer, name, p):
    """The dtype of a buffer: the parameter's, but for matrices that want more digits."""
    if not isinstance(optimizer, MatrixRule):
        return p.dtype
    h = optimizer._read(optimizer.param_groups[0])
    dtype = optimizer.start(name, p, h).dtype
    assert dtype in (p.dtype, torch.promote_types(p.dtype, torch.float32))
    return dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_lower_precision_keeps_its_dtype_and_follows_float64(case, problem, dtype):
    low, high = problem(dtype=dtype), problem()
    optimizer = case(low.params)
    low.run(optimizer, 5)
    high.run(case(high.params), 5)
    for p, state in optimizer.state.items():
        for name in set(optimizer.buffers) & set(state):
            assert state[name].dtype == kept_in(optimizer, name, p)
    eps = torch.finfo(dtype).eps
    for p, q in zip(low.params, high.params, strict=True):
        assert p.dtype == dtype
        torch.testing.assert_close(p.double(), q, rtol=20 * eps, atol=20 * eps)


def test_complex_parameters_are_stepped_as_pairs_of_reals(case, problem, equal):
    z, pairs = problem(dtype=torch.complex128), problem(dtype=torch.complex128)
    reals = [Parameter(torch.view_as_real(p.detach()).clone()) for p in pairs.params]
    optimizer, real = case(z.params), case(reals)
    for _ in range(5):
        z.gradients()
        pairs.gradients()
        for p, r in zip(pairs.params, reals, strict=True):
            r.grad = torch.view_as_real(p.grad)
        optimizer.step()
        real.step()
    equal([torch.view_as_real(p.detach()) for p in z.params], [r.detach() for r in reals])


def test_a_conjugate_view_as_gradient(case):
    p, q = (Parameter(torch.tensor([1 + 2j, 3 - 1j])) for _ in range(2))
    p.grad = torch.tensor([1 - 1j, 2j]).conj()
    q.grad = torch.tensor([1 + 1j, -2j])
    case([p]).step()
    case([q]).step()
    assert torch.equal(p, q)


def test_a_conjugate_view_as_parameter_is_refused_before_anything_changes(case, problem, equal):
    p = problem([(3,), (3,)], torch.complex128)
    p.params[1] = Parameter(p.params[1].detach().conj())
    before = p.values()
    with pytest.raises(RuntimeError, match=r"conjugate view as parameter.* resolve_conj\(\)"):
        p.run(case(p.params), 1)
    equal(p.values(), before)


LAYOUTS = {
    "transposed": lambda x: x.mT.contiguous().mT,
    "every second": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("which", ["parameter", "gradient", "both"])
def test_strides_do_not_matter(case, equal, cut, layout, which):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 3, 2, 2, generator=generator, dtype=torch.float64)
    plain = Parameter(start.clone())
    strided = Parameter(LAYOUTS[layout](start) if which != "gradient" else start.clone())
    ours, theirs = case([strided]), case([plain])
    for _ in range(4):
        g = torch.randn(start.shape, generator=generator, dtype=torch.float64)
        plain.grad = g
        strided.grad = LAYOUTS[layout](g) if which != "parameter" else g.clone()
        ours.step()
        theirs.step()
    equal([strided], [plain], 1e-15)


def test_an_expanded_gradient(case, equal, cut):
    p, q = (Parameter(torch.ones(3, 4, dtype=torch.float64)) for _ in range(2))
    p.grad = torch.tensor(0.5, dtype=torch.float64).expand(3, 4)
    q.grad = p.grad.clone()
    case([p]).step()
    case([q]).step()
    equal([p], [q])


def test_an_expanded_parameter_is_refused_on_views_too(case, cut):
    p = Parameter(torch.ones(4).expand(3, 4))
    p.grad = torch.ones(3, 4)
    optimizer = case([p])
    with pytest.raises(RuntimeError, match="single memory location"):
        for _ in range(2):  # SOAP moves from the second step on
            optimizer.step()


def test_cache_sized_views_change_nothing(case, problem, equal, cut):
    views, whole = problem(), problem()
    equal(
        views.run(case(views.params), 5),
        whole.run(case(whole.params, foreach=False), 5),
        1e-15,
    )


# Gradients


@pytest.mark.parametrize("way", [{}, {"foreach": False}, {"maximize": True}])
def test_gradients_are_never_written(case, problem, cut, way):
    p = problem()
    optimizer = case(p.params, **way)
    for _ in range(3):
        p.gradients()
        before = [(q.grad, q.grad.clone()) for q in p.params]
        optimizer.step()
        for q, (grad, value) in zip(p.params, before, strict=True):
            assert q.grad is grad
            assert torch.equal(grad, value)


def test_no_gradient_no_step_and_no_state(case, problem, equal):
    p = problem()
    optimizer = case(p.params)
    p.gradients()
    p.params[0].grad = None
    start = p.params[0].detach().clone()
    optimizer.step()
    assert torch.equal(p.params[0], start)
    assert p.params[0] not in optimizer.state
    optimizer.zero_grad()
    before = p.values()
    optimizer.step()
    equal(p.values(), before)


def test_a_parameter_that_joins_late_starts_from_step_one(case, problem, equal):
    late, fresh = problem([(3,), (3,)]), problem([(3,), (3,)])
    late.gradients()
    fresh.gradients()
    optimizer = case(late.params)
    first = late.params[1].grad
    late.params[1].grad = None
    optimizer.step()
    late.params[1].grad = first
    optimizer.step()
    case(fresh.params).step()
    equal([late.params[1]], [fresh.params[1]])


def test_sparse_gradients_are_refused_before_anything_changes(case, problem, equal):
    p = problem([(3,), (3, 2)])
    optimizer = case([{"params": [p.params[0]]}, {"params": [p.params[1]]}])
    p.gradients()
    p.params[1].grad = p.params[1].grad.to_sparse()
    before = p.values()
    with pytest.raises(RuntimeError, match=f"{case.card.class_name} does not support sparse"):
        optimizer.step()
    equal(p.values(), before)
    assert not optimizer.state


def test_maximize_is_minimize_of_the_negative(case, problem, equal):
    down, up = problem(), problem()
    hyper = {"maximize": not case.hyper.get("maximize", False)}
    ascend, descend = case(up.params, **hyper), case(down.params)
    for _ in range(4):
        up.gradients()
        down.gradients()
        for p in up.params:
            p.grad = -p.grad
        ascend.step()
        descend.step()
    equal(up.values(), down.values())


def test_zero_grad(case, problem):
    p = problem()
    optimizer = case(p.params)
    p.gradients()
    optimizer.zero_grad(set_to_none=False)
    assert all(not q.grad.any() for q in p.params)
    optimizer.zero_grad()
    assert all(q.grad is None for q in p.params)


# Closure and grad modes


def test_closure_runs_with_gradients_and_its_loss_is_returned(case):
    p = Parameter(torch.tensor([1.0, 2.0]))
    optimizer = case([p])
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        calls.append(loss.item())
        return loss

    assert optimizer.step(closure).item() == 5.0
    assert calls == [5.0]
    assert optimizer.step() is None


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_grad_modes(case, problem, equal, mode):
    inside, outside = problem([(3,)]), problem([(3,)])
    optimizer, plain = case(inside.params), case(outside.params)
    inside.gradients()
    with mode():
        optimizer.step()
    inside.run(optimizer, 2)  # the state made in the mode can be used outside it
    equal(inside.values(), outside.run(plain, 3))
    assert inside.params[0].requires_grad
    assert inside.params[0].is_leaf


# Parameter groups


def test_groups_have_their_own_hyper_parameters(case, problem, equal):
    together, apart = problem([(3,), (4,)]), problem([(3,), (4,)])
    slow, fast = apart.params
    optimizers = [case([slow]), case([fast], lr=0.05)]
    grouped = case([{"params": [together.params[0]]}, {"params": together.params[1], "lr": 0.05}])
    together.run(grouped, 3)
    for _ in range(3):
        apart.gradients()
        for optimizer in optimizers:
            optimizer.step()
    equal(together.values(), apart.values())


def test_a_group_added_after_steps(case, problem, equal):
    p = problem([(3,), (4,)])
    optimizer = case(p.params[:1])
    p.run(optimizer, 2)
    optimizer.add_param_group({"params": [p.params[1]], "lr": 0.05})
    new = Parameter(p.params[1].detach().clone())
    p.gradients()
    new.grad = p.params[1].grad
    optimizer.step()
    case([new], lr=0.05).step()
    equal([p.params[1]], [new])


def test_bad_parameter_lists(case):
    p = Parameter(torch.ones(2))
    with pytest.raises(ValueError, match="optimizer got an empty parameter list"):
        case([])
    with pytest.raises(TypeError, match="should be an iterable of Tensors or dicts"):
        case(p)
    with pytest.raises(TypeError, match="optimizer can only optimize Tensors"):
        case([1.0])
    with pytest.raises(TypeError, match="ordered collections"):
        case([{"params": {p}}])
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        case([p * 2])
    with pytest.raises(ValueError, match="some parameters appear in more than one"):
        case([{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        case([p, p])
    with pytest.raises(TypeError, match="param_group must be a dict"):
        case([p]).add_param_group([p])


def test_parameters_from_a_generator_and_with_names(case):
    model = torch.nn.Linear(3, 2)
    named = case(model.named_parameters())
    assert named.param_groups[0]["params"] == list(model.parameters())
    assert named.param_groups[0]["param_names"] == ["weight", "bias"]
    assert named.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    assert case(model.parameters()).param_groups[0]["params"] == list(model.parameters())


def test_a_parameter_without_requires_grad_is_left_alone(case):
    frozen, p = Parameter(torch.ones(2), requires_grad=False), Parameter(torch.ones(2))
    optimizer = case([frozen, p])
    (p * frozen).sum().backward()
    for _ in range(2):  # SOAP moves from the second step on
        optimizer.step()
    assert torch.equal(frozen, torch.ones(2))
    assert not torch.equal(p, torch.ones(2))


# State


def saved(optimizer):
    """The state dict through a file, loaded as safely as torch can."""
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("way", ["state_dict", "pickle", "deepcopy"])
def test_resume_is_exact(case, problem, equal, way):
    straight, broken = problem(), problem()
    expected = straight.run(case(straight.params), 6)
    optimizer = case(broken.params)
    broken.run(optimizer, 3)
    if way == "state_dict":
        fresh = case(broken.params, lr=0.5)
        fresh.load_state_dict(saved(optimizer))
    else:
        copied = pickle.loads(pickle.dumps(optimizer)) if way == "pickle" else None
        fresh = copied or copy.deepcopy(optimizer)
        broken.params = fresh.param_groups[0]["params"]
    equal(broken.run(fresh, 3), expected)
    assert fresh.defaults.keys() == optimizer.defaults.keys()


def test_copies_are_independent(case, problem, equal):
    p = problem()
    optimizer = case(p.params)
    p.run(optimizer, 2)
    before, state = p.values(), copy.deepcopy(optimizer.state_dict()["state"])
    twin = copy.deepcopy(optimizer)
    for q in twin.param_groups[0]["params"]:
        q.grad = torch.ones_like(q)
    twin.step()
    equal(p.values(), before)
    now = optimizer.state_dict()["state"]
    assert now.keys() == state.keys()
    for i in state:
        names = [n for n in optimizer.buffers if n in state[i]]
        equal([now[i][n] for n in names], [state[i][n] for n in names])


def test_loading_moves_the_state_to_the_parameters_dtype(case, problem):
    p = problem()
    optimizer = case(p.params)
    p.run(optimizer, 2)
    half = [Parameter(q.detach().half()) for q in p.params]
    loaded = case(half)
    loaded.load_state_dict(optimizer.state_dict())
    for q in half:
        for name in set(loaded.buffers) & set(loaded.state.get(q, ())):
            assert loaded.state[q][name].dtype == kept_in(loaded, name, q)
        q.grad = torch.ones_like(q)
    loaded.step()
    for q in half:
        assert loaded.state[q].get("step", 3) == 3


def foreign(state_dict, kind):
    """The state dict, damaged."""
    group = state_dict["param_groups"][0]
    if kind == "no groups":
        del state_dict["param_groups"]
    elif kind == "other method":
        del group["lr"]
        group["temperature"] = 1.0
    elif kind == "more groups":
        state_dict["param_groups"].append({**group, "params": [99]})
    elif kind == "fewer parameters":
        group["params"] = group["params"][1:]
    elif kind == "bad value":
        group["lr"] = float("nan")
    elif kind == "unknown state":
        state_dict["state"][0] = {"second_moment": torch.zeros(5, 3)}
    elif kind == "unknown parameter":
        state_dict["state"][1234] = {}
    return state_dict


def test_a_hook_may_unpack_the_state_dict_before_it_is_read(case):
    p = Parameter(torch.ones(2))
    optimizer = case([p])
    optimizer.register_load_state_dict_pre_hook(lambda _, saved: saved["optimizer"])
    optimizer.load_state_dict({"optimizer": case([p], lr=0.75).state_dict()})
    assert optimizer.param_groups[0]["lr"] == 0.75
    with pytest.raises(KeyError, match="optimizer"):  # the hook's own, as it is
        optimizer.load_state_dict({})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("no groups", "not the state dict of an optimizer: 'param_groups' is missing"),
        ("other method", "lack lr and have .*temperature"),
        ("more groups", "different number of parameter groups"),
        ("fewer parameters", "doesn't match the size"),
        ("bad value", "Invalid learning rate: nan"),
        ("unknown state", "unknown state second_moment"),
        ("unknown parameter", "parameter 1234, which does not exist"),
    ],
)
def test_a_foreign_state_dict_is_refused_and_changes_nothing(case, problem, equal, kind, message):
    p, q = problem(), problem()
    optimizer, untouched = case(p.params), case(q.params)
    p.run(optimizer, 2)
    q.run(untouched, 2)
    bad = foreign(copy.deepcopy(optimizer.state_dict()), kind)
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(bad)
    equal(p.run(optimizer, 2), q.run(untouched, 2))


def test_a_state_of_other_shapes_is_refused(case, problem):
    p, q = problem([(3,)]), problem([(4,)])
    optimizer = case(p.params)
    p.run(optimizer, 1)
    other = case(q.params)
    kept = [n for n in optimizer.buffers for s in optimizer.state.values() if n in s]
    if not any(optimizer.state[p.params[0]][n].numel() >= 3 for n in kept):
        other.load_state_dict(optimizer.state_dict())  # it keeps nothing of the parameter's shape
        return
    with pytest.raises(ValueError, match=r"has shape \(\d+,.*\), its parameter \(4,\)"):
        other.load_state_dict(optimizer.state_dict())
    assert not other.state


# Hooks, schedulers, scaler, representation


def test_hooks(case, problem):
    p = problem()
    optimizer = case(p.params)
    seen = []
    handles = [
        optimizer.register_step_pre_hook(lambda *_: seen.append("pre")),
        optimizer.register_step_post_hook(lambda *_: seen.append("post")),
        register_optimizer_step_pre_hook(lambda *_: seen.append("global pre")),
        register_optimizer_step_post_hook(lambda *_: seen.append("global post")),
        optimizer.register_state_dict_pre_hook(lambda _: seen.append("save")),
        optimizer.register_load_state_dict_post_hook(lambda _: seen.append("load")),
    ]
    p.run(optimizer, 1)
    optimizer.load_state_dict(optimizer.state_dict())
    for handle in handles:
        handle.remove()
    p.run(optimizer, 1)
    assert seen == ["global pre", "pre", "post", "global post", "save", "load"]


def test_schedulers(case, problem, equal):
    stepped, given = problem(), problem()
    optimizer, plain = case(stepped.params, lr=0.1), case(given.params, lr=0.1)
    scheduler = lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    for k in range(5):
        stepped.run(optimizer, 1)
        scheduler.step()
        plain.param_groups[0]["lr"] = 0.1 * 0.5 ** (k // 2)
        given.run(plain, 1)
    equal(stepped.values(), given.values())


def test_one_cycle_moves_rate_and_momentum(case, problem):
    p = problem()
    optimizer = case(p.params)
    cycles = "momentum" in optimizer.defaults or "betas" in optimizer.defaults
    scheduler = lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.1, total_steps=10, cycle_momentum=cycles
    )
    rates = []
    for _ in range(9):
        p.run(optimizer, 1)
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert max(rates) == pytest.approx(0.1)
    assert len(set(rates)) == 9
    assert all(q.isfinite().all() for q in p.params)


def test_a_tensor_learning_rate_can_be_scheduled(case, problem, equal):
    tensor, number = problem(), problem()
    rate = torch.tensor(0.125)
    optimizer, plain = case(tensor.params, lr=rate), case(number.params, lr=0.125)
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    for k in range(4):
        tensor.run(optimizer, 1)
        scheduler.step()
        plain.param_groups[0]["lr"] = 0.125 * 0.5**k
        number.run(plain, 1)
    assert optimizer.param_groups[0]["lr"] is rate
    equal(tensor.values(), number.values())


def test_grad_scaler_skips_steps_that_overflow(case, problem, equal):
    p, q = problem(), problem()
    optimizer, plain = case(p.params), case(q.params)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for overflow in (False, True, False):
        p.gradients()
        q.gradients()
        scaler.scale(torch.ones(()))  # makes the scaler's own tensors
        scale = scaler.get_scale()
        for t in p.params:
            t.grad = t.grad * scale
        if overflow:
            p.params[0].grad[0] = float("inf")
        else:
            plain.step()
        scaler.step(optimizer)
        scaler.update()
    assert scaler.get_scale() == 2.0
    equal(p.values(), q.values())


def test_representation_and_profile(case, problem):
    p = problem()
    optimizer = case(p.params)
    assert case.card.class_name in repr(optimizer)
    assert "lr: " in repr(optimizer)
    with torch.profiler.profile() as profile:
        p.run(optimizer, 1)
    names = {event.key for event in profile.key_averages()}
    assert f"Optimizer.step#{case.card.class_name}.step" in names


# Signature


def test_the_constructor_shows_its_table(case):
    cls = case.card.torch_class
    parameters = inspect.signature(cls).parameters
    engine = ["maximize", "foreach", "differentiable", "fused"]
    assert list(parameters) == ["params", *cls.hyper, *engine]
    shared = {n: v for n, v in cls.hyper.items() if n not in getattr(cls, "layout", ())}
    assert {h.name: h.default for h in case.card.hyper if h.name in cls.hyper} == shared
    assert cls.__doc__
    assert cls.__doc__ != cls.__base__.__doc__


def test_unknown_keywords_are_refused(case):
    with pytest.raises(TypeError, match="unexpected keyword argument 'learning_rate'"):
        case([Parameter(torch.ones(2))], learning_rate=0.1)
    with pytest.raises(TypeError, match=r"'maximiz'. Did you mean 'maximize'"):
        case([Parameter(torch.ones(2))], maximiz=True)
    with pytest.raises(TypeError, match="missing a required argument: 'params'"):
        case.card.torch_class()


def test_ways_that_exclude_each_other(case):
    p = [Parameter(torch.ones(2))]
    with pytest.raises(RuntimeError, match="`fused` and `foreach` cannot be `True` together"):
        case(p, fused=True, foreach=True)
    with pytest.raises(RuntimeError, match="does not support `differentiable`"):
        case(p, differentiable=True)


@pytest.mark.gpu
def test_cuda_follows_the_cpu(case, problem, equal):
    cpu, gpu = problem(), problem()
    gpu.params = [Parameter(p.detach().cuda()) for p in gpu.params]
    optimizer, plain = case(gpu.params), case(cpu.params)
    for _ in range(4):
        cpu.gradients()
        for p, q in zip(gpu.params, cpu.params, strict=True):
            p.grad = q.grad.cuda()
        optimizer.step()
        plain.step()
    equal([p.cpu() for p in gpu.values()], cpu.values(), 1e-14)
