"""Steps amid what else a program does: modes and defaults of torch, schedulers, threads, memory."""

import copy
import gc
import threading
import tracemalloc
import warnings
import weakref

import pytest
import torch
from torch.distributed.checkpoint import state_dict as checkpoint
from torch.nn import Parameter
from torch.optim import lr_scheduler as schedulers

from adaopt.catalog import CARDS

SHAPES = [(5, 3), (4,), ()]


@pytest.fixture(params=CARDS)
def defaults(request):
    """Every method at its defaults: these tests look at the base, not at the rules."""
    card = CARDS[request.param]
    return lambda params, **hyper: card.torch_class(params, **{**card.preset, **hyper})


def deterministic():
    class Deterministic:
        def __enter__(self):
            torch.use_deterministic_algorithms(True)

        def __exit__(self, *_):
            torch.use_deterministic_algorithms(False)

    return Deterministic()


def doubles():
    class Doubles:
        def __enter__(self):
            torch.set_default_dtype(torch.float64)

        def __exit__(self, *_):
            torch.set_default_dtype(torch.float32)

    return Doubles()


AROUND = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "default device": lambda: torch.device("meta"),
    "default dtype": doubles,
    "deterministic": deterministic,
}


@pytest.mark.parametrize("around", AROUND)
def test_modes_and_defaults_of_torch_change_nothing(defaults, problem, equal, around):
    inside, outside = problem(SHAPES, torch.float32), problem(SHAPES, torch.float32)
    with AROUND[around]():
        optimizer = defaults(inside.params)
    for _ in range(3):
        inside.gradients()
        with AROUND[around]():
            optimizer.step()
    equal(inside.values(), outside.run(defaults(outside.params), 3))
    for state in optimizer.state.values():
        for name in set(optimizer.buffers) & set(state):
            assert state[name].dtype == torch.float32
            assert state[name].device.type == "cpu"


SCHEDULERS = {
    "lambda": lambda o: schedulers.LambdaLR(o, lambda k: 0.9**k),
    "multiplicative": lambda o: schedulers.MultiplicativeLR(o, lambda k: 0.9),
    "milestones": lambda o: schedulers.MultiStepLR(o, [1, 3]),
    "constant": lambda o: schedulers.ConstantLR(o, total_iters=3),
    "linear": lambda o: schedulers.LinearLR(o, total_iters=4),
    "polynomial": lambda o: schedulers.PolynomialLR(o, 4),
    "cosine": lambda o: schedulers.CosineAnnealingLR(o, 5),
    "restarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3),
    "plateau": lambda o: schedulers.ReduceLROnPlateau(o, patience=0),
    "cyclic": lambda o: schedulers.CyclicLR(o, 0.01, 0.1, 2, cycle_momentum=_cycles(o)),
    "one cycle": lambda o: schedulers.OneCycleLR(o, 0.1, 20, cycle_momentum=_cycles(o)),
}


def _cycles(optimizer):
    return "momentum" in optimizer.defaults or "betas" in optimizer.defaults


@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_set_what_is_used(defaults, problem, equal, name):
    scheduled, given = problem(SHAPES), problem(SHAPES)
    optimizer, plain = defaults(scheduled.params, lr=0.05), defaults(given.params, lr=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler = SCHEDULERS[name](optimizer)
        for _ in range(8):
            for word in optimizer.hyper:
                plain.param_groups[0][word] = copy.copy(optimizer.param_groups[0][word])
            scheduled.run(optimizer, 1)
            given.run(plain, 1)
            scheduler.step(*([1.0] if name == "plateau" else []))
    equal(scheduled.values(), given.values())


def test_a_step_after_the_forward_pass_is_noticed_by_backward(defaults):
    p = Parameter(torch.ones(3))
    optimizer = defaults([p])
    p.grad = torch.ones(3)
    optimizer.step()  # SOAP moves from the second on
    loss = (p * p).sum()
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_steps_in_backward(defaults):
    params = [Parameter(torch.ones(3)) for _ in range(2)]
    optimizers = {p: defaults([p]) for p in params}

    def hook(p):
        optimizers[p].step()
        optimizers[p].zero_grad()

    for p in params:
        p.register_post_accumulate_grad_hook(hook)
    for _ in range(2):
        sum((p * p).sum() for p in params).backward()
    assert all(p.grad is None for p in params)
    assert not any(torch.equal(p, torch.ones(3)) for p in params)


def test_threads_with_an_optimizer_each(defaults, problem, equal):
    found = {}

    def work(i):
        own = problem(SHAPES)
        found[i] = own.run(defaults(own.params), 10)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for i in range(1, 4):
        equal(found[i], found[0])


@pytest.mark.parametrize("key", ["momentum", "adamw", "amos", "nadam", "schedule_free_prodigy"])
def test_nothing_piles_up(problem, key):
    own = problem(SHAPES)
    optimizer = CARDS[key].torch_class(own.params, **CARDS[key].preset)
    own.run(optimizer, 5)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(100):
        optimizer.step()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 20_000


def test_the_state_goes_with_the_optimizer(defaults, problem):
    own = problem(SHAPES)
    optimizer = defaults(own.params)
    own.run(optimizer, 2)
    alive = weakref.ref(optimizer)
    gc.disable()  # at once: it does not wait for the collector
    try:
        del optimizer
        assert alive() is None
    finally:
        gc.enable()


def test_a_closure_that_fails_leaves_everything_as_it_was(defaults, problem, equal):
    own = problem(SHAPES)
    optimizer = defaults(own.params)
    before, state = own.run(optimizer, 2), str(optimizer.state_dict())

    def closure():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        optimizer.step(closure)
    equal(own.values(), before)
    assert str(optimizer.state_dict()) == state


@pytest.mark.parametrize("flat", [False, True])
def test_distributed_checkpoints_of_the_state(defaults, equal, flat):
    options = checkpoint.StateDictOptions(flatten_optimizer_state_dict=flat)
    model = torch.nn.Linear(3, 2)
    optimizer = defaults(model.parameters())

    def steps():
        for _ in range(2):
            for p in model.parameters():
                p.grad = torch.full_like(p, 0.5)
            optimizer.step()
        return [p.detach().clone() for p in model.parameters()]

    steps()
    saved = copy.deepcopy(checkpoint.get_optimizer_state_dict(model, optimizer, options=options))
    weights = copy.deepcopy(model.state_dict())
    expected = steps()
    model.load_state_dict(weights)
    optimizer = defaults(model.parameters())
    optimizer.zero_grad()  # torch fills a new optimizer's state only where there is no gradient
    checkpoint.set_optimizer_state_dict(model, optimizer, saved, options=options)
    equal(steps(), expected)
