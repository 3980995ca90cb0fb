"""Which parameters are matrices, and several optimizers as one."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.distributed.checkpoint import state_dict as checkpoint
from torch.nn import Parameter
from torch.optim import LBFGS, lr_scheduler

from adaopt.nn import GPT, MLP, GPTConfig
from adaopt.torch import LAWA, SGD, AdamW, Combined, ScheduleFreeSGD, Shampoo, split_parameters


def named(model, **keywords):
    """The names in both lists, and that each parameter is in one."""
    names = {p: name for name, p in model.named_parameters()}
    matrices, others = split_parameters(model, **keywords)
    assert set(matrices) | set(others) == set(names)
    assert len(matrices) + len(others) == len(names)
    return [names[p] for p in matrices], [names[p] for p in others]


class Zoo(nn.Module):
    """One of everything, the head tied to an embedding under its second name."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(11, 4)
        self.bags = nn.EmbeddingBag(5, 4)
        self.positions = Parameter(torch.zeros(1, 6, 4))
        self.scale = Parameter(torch.ones(()))
        self.conv = nn.Conv2d(4, 4, 3)
        self.depthwise = nn.Conv1d(4, 4, 3, groups=4)
        self.recurrent = nn.GRU(4, 3)
        self.attention = nn.MultiheadAttention(4, 2)
        self.norm = nn.LayerNorm((3, 4))
        self.position_bias = Parameter(torch.zeros(5, 4))
        self.gate = nn.Linear(4, 1)
        self.frozen = Parameter(torch.zeros(3, 3), requires_grad=False)
        self.head = nn.Linear(4, 11, bias=False)
        self.head.weight = self.tokens.weight


def test_matrices_are_the_weights_between_layers():
    matrices, others = named(Zoo())
    assert matrices == [
        "positions",
        "frozen",
        "conv.weight",
        "depthwise.weight",
        "recurrent.weight_ih_l0",
        "recurrent.weight_hh_l0",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
    ]
    assert {"tokens.weight", "bags.weight", "scale", "norm.weight", "gate.weight"} <= set(others)


def test_the_head_is_the_last_layer_if_it_is_linear():
    assert named(MLP((784, 100, 10)))[0] == ["layers.0.weight"]
    # The embedding is the head of this one; its last linear layer writes to the residual stream.
    gpt = GPT(GPTConfig(layers=2, heads=2, width=8, context=4, vocabulary=13))
    matrices, others = named(gpt)
    assert len(matrices) == 8
    assert "blocks.1.feed_forward.out.weight" in matrices
    assert {"tokens.weight", "positions.weight", "norm.weight"} <= set(others)
    conv = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3), nn.LogSoftmax(1))
    assert named(conv)[0] == ["0.weight"]


def test_heads_can_be_named():
    mlp = MLP((5, 4, 3))
    assert named(mlp, heads=())[0] == ["layers.0.weight", "layers.1.weight"]
    assert named(mlp, heads="layers.0")[0] == ["layers.1.weight"]
    assert named(mlp, heads=["layers"])[0] == []
    assert named(mlp, heads=["layers.0.weight", "layers.1"])[0] == []
    assert "frozen" not in named(Zoo(), heads=["frozen"])[0]
    assert named(nn.Linear(3, 2))[0] == []
    assert named(nn.Linear(3, 2), heads=())[0] == ["weight"]
    with pytest.raises(ValueError, match=r"Invalid heads: the model has no 'out', 'layers.7'"):
        split_parameters(mlp, heads=["out", "layers.0", "layers.7"])


def test_a_tied_parameter_is_an_embedding_by_either_name():
    first, second = nn.Linear(4, 11, bias=False), nn.Embedding(11, 4)
    first.weight = second.weight
    assert named(nn.ModuleDict({"a": first, "b": second, "c": nn.Linear(4, 4)}), heads=()) == (
        ["c.weight"],
        ["a.weight", "c.bias"],
    )


# Combined

METHODS = {
    "ours": (SGD, AdamW),
    "torch's": (torch.optim.SGD, torch.optim.AdamW),
    "both": (SGD, torch.optim.AdamW),
}


@pytest.fixture(params=METHODS)
def methods(request):
    return METHODS[request.param]


class Trained:
    """A small model on a fixed batch, trained by ``made(matrices, others)``."""

    def __init__(self, methods, joined=True):
        self.model = MLP((6, 5, 4, 3), dtype=torch.float64)
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(7, 6, generator=generator, dtype=torch.float64)
        matrices, others = split_parameters(self.model)
        first, second = methods
        self.optimizers = [first(matrices, lr=0.1, momentum=0.9), second(others, lr=0.01)]
        if joined:
            self.optimizers = [Combined(self.optimizers, self.model)]
        self.optimizer = self.optimizers[0]

    def loss(self):
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss = self.model(self.x).square().mean()
        loss.backward()
        return loss

    def run(self, steps):
        for _ in range(steps):
            self.loss()
            for optimizer in self.optimizers:
                optimizer.step()
        return [p.detach().clone() for p in self.model.parameters()]


def saved(optimizer):
    """The state dict through a file, loaded as safely as torch can."""
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_a_step_is_the_step_of_each(methods, equal):
    together, apart = Trained(methods), Trained(methods, joined=False)
    equal(together.run(5), apart.run(5))
    assert isinstance(together.optimizer, torch.optim.Optimizer)
    assert len(together.optimizer.state) == 6


def test_the_state_dict_is_of_torchs_form(methods):
    trained = Trained(methods)
    trained.run(1)
    state = trained.optimizer.state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2, 3, 4, 5]]
    assert set(state["state"]) == set(range(6))
    assert set(state["state"][0]) >= {"momentum_buffer"}
    assert set(state["state"][5]) >= {"exp_avg", "exp_avg_sq"}


@pytest.mark.parametrize("way", ["state_dict", "pickle", "deepcopy"])
def test_resume_is_exact(methods, equal, way):
    straight, broken = Trained(methods), Trained(methods)
    expected = straight.run(6)
    broken.run(3)
    if way == "state_dict":
        fresh = Trained(methods)
        fresh.model.load_state_dict(broken.model.state_dict())
        fresh.optimizer.load_state_dict(saved(broken.optimizer))
        broken = fresh
    elif way == "pickle":
        trained = pickle.loads(pickle.dumps((broken.model, broken.optimizer)))
        broken.model, broken.optimizer = trained
    else:
        broken.model, broken.optimizer = copy.deepcopy((broken.model, broken.optimizer))
    broken.optimizers = [broken.optimizer]
    equal(broken.run(3), expected)


def test_statistics_keep_more_digits_than_their_parameters(equal):
    """Of bfloat16 matrices Shampoo's are float32; torch's own loading would round them."""
    params = [Parameter(torch.eye(3, dtype=torch.bfloat16)) for _ in range(2)]
    shampoo = Combined([Shampoo(params[:1]), AdamW(params[1:])])
    for k in range(3):
        for p in params:
            p.grad = torch.full_like(p, 0.3 + k)
        shampoo.step()
    fresh = Combined([Shampoo(params[:1]), AdamW(params[1:])])
    fresh.load_state_dict(saved(shampoo))
    kept, loaded = (one.state[params[0]]["statistics"] for one in (shampoo, fresh))
    assert loaded.dtype == torch.float32
    equal([loaded], [kept])


@pytest.mark.parametrize("flat", [False, True])
def test_a_distributed_checkpoint_resumes(methods, equal, flat):
    options = checkpoint.StateDictOptions(flatten_optimizer_state_dict=flat)
    straight, broken, fresh = (Trained(methods) for _ in range(3))
    expected = straight.run(4)
    broken.run(2)
    kept = checkpoint.get_optimizer_state_dict(broken.model, broken.optimizer, options=options)
    fresh.model.load_state_dict(broken.model.state_dict())
    checkpoint.set_optimizer_state_dict(fresh.model, fresh.optimizer, kept, options=options)
    equal(fresh.run(2), expected)


def test_a_scheduler_sets_every_group(methods, equal):
    together, apart = Trained(methods), Trained(methods, joined=False)
    schedulers = [
        lr_scheduler.CosineAnnealingLR(optimizer, 4)
        for optimizer in (*together.optimizers, *apart.optimizers)
    ]
    for _ in range(4):
        equal(together.run(1), apart.run(1))
        for scheduler in schedulers:
            scheduler.step()
    assert [group["initial_lr"] for group in together.optimizer.param_groups] == [0.1, 0.01]
    assert all(group["lr"] == 0 for group in together.optimizer.param_groups)
    cycle = lr_scheduler.OneCycleLR(
        together.optimizer, max_lr=[0.1, 0.2], total_steps=3, cycle_momentum=False
    )
    together.run(1)
    cycle.step()
    assert [group["lr"] for group in together.optimizer.param_groups] != [0, 0]
    with pytest.raises(ValueError, match="must support momentum or beta1"):
        lr_scheduler.OneCycleLR(together.optimizer, max_lr=0.1, total_steps=3)


def test_a_closure_is_called_once(methods, equal):
    plain, closed = Trained(methods), Trained(methods)
    calls = []

    def closure():
        assert torch.is_grad_enabled()
        calls.append(closed.loss())
        return calls[-1]

    with torch.no_grad():
        assert closed.optimizer.step(closure) is calls[0]
    assert len(calls) == 1
    equal(plain.run(1), [p.detach() for p in closed.model.parameters()])
    assert closed.optimizer.step() is None


def test_the_scaler_skips_steps_of_both(methods, equal):
    scaled, plain = Trained(methods), Trained(methods)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for overflow in (False, True, False):
        scaled.optimizer.zero_grad()
        loss = scaled.model(scaled.x).square().mean()
        scaler.scale(loss).backward()
        if overflow:
            scaled.model.layers[0].weight.grad[0, 0] = float("inf")
        else:
            plain.run(1)
        scaler.step(scaled.optimizer)
        scaler.update()
    assert scaler.get_scale() == 2.0
    equal(list(scaled.model.parameters()), list(plain.model.parameters()))


def test_hooks_and_gradients(methods):
    trained, seen = Trained(methods), []
    optimizer = trained.optimizer
    handles = [
        optimizer.register_step_pre_hook(lambda *_: seen.append("pre")),
        optimizer.register_step_post_hook(lambda *_: seen.append("post")),
        optimizer.register_state_dict_pre_hook(lambda _: seen.append("save")),
        optimizer.register_load_state_dict_pre_hook(lambda _, saved: saved["optimizer"]),
        optimizer.register_load_state_dict_post_hook(lambda _: seen.append("load")),
        optimizer.optimizers[1].register_step_pre_hook(lambda *_: seen.append("own")),
    ]
    trained.run(1)
    optimizer.load_state_dict({"optimizer": optimizer.state_dict()})
    for handle in handles:
        handle.remove()
    trained.run(1)
    assert seen == ["pre", "own", "post", "save", "load"]
    optimizer.zero_grad()
    assert all(p.grad is None for p in trained.model.parameters())


def test_an_average_goes_around(methods, equal):
    trained = Trained(methods)
    combined = trained.optimizer
    trained.optimizers = [LAWA(combined, k=2, interval=1)]
    values = [trained.run(1) for _ in range(2)]
    with trained.optimizers[0].averaged():
        mean = [(a + b) / 2 for a, b in zip(*values, strict=True)]
        equal(list(trained.model.parameters()), mean, 1e-15)
    with pytest.raises(TypeError, match="Combined takes torch optimizers that step once"):
        Combined(trained.optimizers)


def test_modes_are_followed():
    p, q = (Parameter(torch.ones(2)) for _ in range(2))
    combined = Combined([SGD([p], lr=0.1), ScheduleFreeSGD([q], lr=0.1)])
    assert combined.training
    for _ in range(2):
        p.grad, q.grad = torch.ones(2), torch.ones(2)
        combined.step()
    at = q.detach().clone()
    combined.eval()
    assert not combined.training
    assert not torch.equal(q, at)
    combined.train()
    torch.testing.assert_close(q.detach(), at)
    assert not Combined([SGD([p], lr=0.1)]).training


# What is refused


def test_a_parameter_in_two_optimizers():
    model = MLP((4, 3, 2))
    matrices, others = split_parameters(model)
    both = [SGD(matrices), AdamW([*others, matrices[0]])]
    with pytest.raises(ValueError, match=r"^layers.0.weight is both in SGD \(0\) and AdamW \(1\)"):
        Combined(both, model)
    with pytest.raises(ValueError, match=r"^a parameter of \(3, 4\) is both in SGD"):
        Combined(both)
    with pytest.raises(ValueError, match=r"^layers.0.weight is both in SGD \(0\) and SGD \(1\)"):
        Combined([SGD(model.named_parameters()), SGD(matrices)])


def test_a_parameter_in_none():
    model = MLP((4, 3, 2))
    matrices, others = split_parameters(model)
    with pytest.raises(ValueError, match=r"without an optimizer: layers.0.bias, layers.1.bias$"):
        Combined([SGD(matrices), AdamW(others[1:2])], model)
    model.layers[0].bias.requires_grad_(False)
    model.layers[1].bias.requires_grad_(False)
    Combined([SGD(matrices), AdamW(others[1:2])], model)


@pytest.mark.parametrize(
    ("optimizers", "error", "message"),
    [
        (lambda p: [], ValueError, "Combined got an empty list of optimizers"),
        (lambda p: [p], TypeError, "takes torch optimizers that step once, not Parameter"),
        (lambda p: [SGD], TypeError, "takes torch optimizers"),
        (lambda p: [LBFGS([p])], TypeError, "that step once, not LBFGS"),
        (lambda p: [Combined([SGD([p])])], TypeError, "that step once, not Combined"),
    ],
)
def test_what_cannot_be_combined(optimizers, error, message):
    with pytest.raises(error, match=message):
        Combined(optimizers(Parameter(torch.ones(2))))


def test_a_group_says_whose_it_is(methods, equal):
    trained = Trained(methods)
    trained.run(1)
    new = Parameter(torch.ones(2, dtype=torch.float64))
    optimizer = trained.optimizer
    for place in (None, 2, -1, "AdamW"):
        with pytest.raises(ValueError, match=r'Invalid "optimizer".*0 \(SGD\), 1 \(AdamW\)'):
            optimizer.add_param_group({"params": [new], "optimizer": place})
    with pytest.raises(TypeError, match="not a mapping"):
        optimizer.add_param_group([new])
    with pytest.raises(ValueError, match=r"is both in SGD \(0\) and AdamW \(1\)"):
        optimizer.add_param_group({"params": [trained.model.layers[0].weight], "optimizer": 1})
    assert len(optimizer.param_groups) == 2
    optimizer.add_param_group({"params": [new], "optimizer": 0, "lr": 0.5, "momentum": 0.0})
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5, 0.01]
    new.grad = torch.ones_like(new)
    optimizer.step()
    equal([new], [torch.full_like(new, 0.5)])


def test_a_foreign_state_dict_changes_nothing(equal):
    trained, untouched = (Trained(METHODS["ours"]) for _ in range(2))
    trained.run(2)
    good = trained.optimizer.state_dict()

    def broken(**entries):
        return copy.deepcopy(good) | entries

    swapped = Combined(
        [AdamW([*map(Parameter, torch.ones(2))]), SGD([*map(Parameter, torch.ones(4))])]
    )
    swapped = swapped.state_dict()
    late = broken()
    late["param_groups"][0]["lr"] = 0.75
    late["param_groups"][1]["lr"] = float("nan")  # found when the first optimizer has loaded
    unknown = broken()
    unknown["state"][99] = {}
    for state, message in (
        (swapped, "not of SGD: its parameter groups lack momentum"),
        (SGD([Parameter(torch.ones(2))]).state_dict(), "different number of parameter groups"),
        (broken(param_groups=good["param_groups"][:1]), "different number of parameter groups"),
        (late, "Invalid learning rate: nan"),
        (unknown, r"has a state for \[99\], which do not exist"),
    ):
        with pytest.raises(ValueError, match=message):
            trained.optimizer.load_state_dict(state)
    untouched.run(2)
    equal(trained.run(2), untouched.run(2))


def test_it_says_what_it_is(methods):
    text = repr(Trained(methods).optimizer)
    assert text.startswith("Combined([SGD (")
    assert "AdamW (" in text


def test_what_is_no_state_dict_is_refused():
    optimizer = Combined([SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1)])
    with pytest.raises(ValueError, match="not the state dict of an optimizer: 'state' is missing"):
        optimizer.load_state_dict({})
    with pytest.raises(ValueError, match='Invalid "optimizer" of the group: True'):
        optimizer.add_param_group({"params": [], "optimizer": True})
