"""The training loop of networks."""

import math

import numpy as np
import pytest
import torch

from adaopt import numpy as rules
from adaopt import schedules
from adaopt.nn import GPT, MLP, GPTConfig, by_hand
from adaopt.torch import SGD, build
from adaopt.training import DivergenceError, History, best_device, find_lr, fit


def blobs(n=60, seed=0):
    """Three well separated classes in the plane, as arrays."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    angles = 2 * np.pi * labels / 3
    points = 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.normal(size=(n, 2)) / 3
    return points, labels.astype(np.uint8)


def model(seed=0):
    return MLP((2, 8, 3), generator=torch.Generator().manual_seed(seed))


def sgd(parameters):
    return SGD(parameters, lr=0.1, momentum=0.9)


def test_learns_and_records_every_epoch():
    network = model()
    history = fit(network, sgd, blobs(), 8, batch_size=16, validation=blobs(seed=1))
    assert history.epochs == [1, 2, 3, 4, 5, 6, 7, 8]
    assert history.loss[-1] < 0.1 < 0.8 < history.loss[0]
    assert history.accuracy[-1] == history.validation_accuracy[-1] == 1.0
    assert len(history.validation_loss) == len(history.seconds) == 8
    assert min(history.seconds) > 0
    lines = history.table().splitlines()
    assert lines[0].split() == list(vars(history))
    assert lines[-1].split()[:3] == ["8", f"{history.loss[-1]:.4f}", "1.0000"]
    assert len({len(line) for line in lines}) == 1


def test_the_run_is_the_loop_written_out():
    points, labels = (torch.tensor(a) for a in blobs(10))
    points, labels = points.float(), labels.long()
    network, by_hand = model(), model()
    history = fit(network, sgd, (points, labels), 2, torch.Generator().manual_seed(5), batch_size=4)
    optimizer, generator = sgd(by_hand.parameters()), torch.Generator().manual_seed(5)
    for epoch in range(2):
        total = right = 0.0
        for batch in torch.randperm(10, generator=generator).split(4):  # 4, 4 and a rest of 2
            outputs = by_hand(points[batch])
            loss = torch.nn.functional.cross_entropy(outputs, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            right += (outputs.argmax(1) == labels[batch]).sum().item()
        assert history.loss[epoch] == pytest.approx(total / 10, rel=1e-12)
        assert history.accuracy[epoch] == pytest.approx(right / 10, rel=1e-6)
    for ours, theirs in zip(network.parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_order_comes_from_the_generator_and_global_state_is_left_alone():
    state = torch.get_rng_state()
    losses = [
        fit(model(), sgd, blobs(), 1, g, batch_size=7).loss
        for g in (None, None, torch.Generator().manual_seed(0), torch.Generator().manual_seed(1))
    ]
    assert losses[0] == losses[1] == losses[2] != losses[3]
    assert torch.equal(torch.get_rng_state(), state)


def test_an_optimizer_may_be_given_ready_made():
    network = model()
    history = fit(network, torch.optim.Adam(network.parameters(), lr=0.05), blobs(), 5)
    assert history.loss[-1] < history.loss[0]


def test_validation_is_in_evaluation_mode_without_gradients_and_over_all_batches():
    seen = []

    class Spy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.ones(1))

        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled(), len(x)))
            return self.w * x

    X, y = torch.arange(10.0)[:, None], torch.zeros(10, 1)
    history = fit(
        Spy(),
        lambda p: SGD(p, lr=0.0),
        (X, y),
        1,
        batch_size=4,
        validation=(X, y),
        loss=torch.nn.functional.mse_loss,
    )
    training, evaluation = (True, True), (False, False)
    assert seen == [(*mode, n) for mode in (training, evaluation) for n in (4, 4, 2)]
    assert history.validation_loss == [pytest.approx(28.5)]  # the mean of 0, 1, 4, ..., 81
    assert history.loss == [pytest.approx(28.5)]
    assert math.isnan(history.accuracy[0])  # a regression has no share of right answers


def test_trains_a_language_model_on_token_ids():
    config = GPTConfig(layers=1, heads=2, width=8, context=6, vocabulary=5)
    tokens = torch.arange(70).reshape(10, 7) % 5
    data = (tokens[:, :-1], tokens[:, 1:])
    history = fit(GPT(config), lambda p: torch.optim.Adam(p, lr=0.02), data, 20, batch_size=5)
    assert history.loss[-1] < history.loss[0]
    assert history.accuracy[-1] > 0.9


@pytest.mark.parametrize("batch_size", [20, 1000])
def test_a_loss_that_is_not_finite_names_epoch_and_step(batch_size):
    points, labels = blobs()
    points[7] = np.nan
    with pytest.raises(DivergenceError, match=r"nan in epoch 1, step \d\. .*lr than 0\.1"):
        fit(model(), sgd, (points, labels), 2, batch_size=batch_size)
    with pytest.raises(DivergenceError, match="in epoch 2, step 1") as raised:
        fit(model(), lambda p: SGD(p, lr=1e30), blobs(), 9, batch_size=60)
    assert isinstance(raised.value.trace, History)
    assert raised.value.trace.epochs == [1]


def test_a_nan_gradient_never_reaches_the_parameters():
    network, before = model(), model()
    points, labels = blobs()
    points[:] = np.inf
    with pytest.raises(DivergenceError):
        fit(network, sgd, (points, labels), 1)
    for ours, old in zip(network.parameters(), before.parameters(), strict=True):
        assert torch.equal(ours, old)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1, not 0"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be an integer, not 2.5"),
        ({"data": np.ones((3, 2))}, TypeError, r"data must be a pair \(inputs, targets\), not nd"),
        (
            {"data": (np.ones((3, 2)), np.ones(2, int))},
            ValueError,
            "data has 3 inputs and 2 targets",
        ),
        ({"data": (np.ones((0, 2)), np.ones(0, int))}, ValueError, "data has 0 inputs"),
        (
            {"validation": (np.ones((3, 2)), np.ones(2, int))},
            ValueError,
            "validation has 3 inputs and 2 targets",
        ),
        ({"generator": 3}, TypeError, "generator must be a torch.Generator or NumPy's, not 3"),
        ({"optimizer": "sgd"}, TypeError, "optimizer must be a torch optimizer"),
        ({"optimizer": rules.SGD()}, TypeError, r"SGD\(.* steps a network of adaopt.nn.by_hand"),
        ({"precision": "float8"}, ValueError, "Invalid precision: 'float8'. Expected one of"),
        ({"clip": 0}, ValueError, "Invalid clip: 0"),
        ({"clip": "a"}, ValueError, "Invalid clip: 'a'"),
        ({"limit": np.nan}, ValueError, "Invalid limit: nan"),
        ({"schedule": 0.1}, TypeError, r"schedule must be a function of the step number, not 0\.1"),
        ({"schedule": lambda k: None}, ValueError, r"schedule\(0\) is None"),
        ({"model": torch.nn.Flatten()}, ValueError, "model has no parameters to train"),
        ({"optimizer": sgd(model().parameters())}, ValueError, "none of the model's parameters"),
        ({"checkpoint_every": 0}, ValueError, "checkpoint_every must be at least 1"),
        ({"schedule": lambda k: -1}, ValueError, r"schedule\(0\) is -1:"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(changed, error, message):
    arguments = {"model": model(), "optimizer": sgd, "data": blobs(), "epochs": 1} | changed
    with pytest.raises(error, match=message):
        fit(**arguments)


def test_progress_bar_counts_steps(capsys):
    fit(model(), sgd, blobs(), 2, batch_size=25, progress=True)
    assert "6/6" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["momentum", "adam", "schedule_free_adamw", "prodigy", "adafactor"])
def test_both_editions_give_the_same_curve(key):
    points, labels = blobs()
    network = MLP((2, 8, 3), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    by_torch = fit(
        network,
        lambda parameters: build(key, parameters, lr=0.03),
        (points, labels),
        5,
        np.random.default_rng(3),
        batch_size=16,
        validation=blobs(seed=1),
        schedule=schedules.inverse_sqrt(0.03, 9.0),
    )
    by_numpy = fit(
        other := by_hand.MLP((2, 8, 3), seed=4),
        rules.build(key, lr=0.03),
        (points, labels),
        5,
        np.random.default_rng(3),
        batch_size=16,
        validation=blobs(seed=1),
        schedule=schedules.inverse_sqrt(0.03, 9.0),
    )
    for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert getattr(by_numpy, name) == pytest.approx(getattr(by_torch, name), abs=1e-10)
    for name, p in network.named_parameters():
        np.testing.assert_allclose(other.parameters[name], p.detach().numpy(), atol=1e-10)


def test_a_rule_steps_only_a_network_by_hand():
    with pytest.raises(ValueError, match="device='cpu' is for torch models, and SGD"):
        fit(by_hand.MLP((2, 3)), rules.SGD(), blobs(), 1, device="cpu")


def test_a_schedule_sets_every_groups_rate():
    network, seen = model(), []
    first, *rest = network.parameters()
    optimizer = SGD([{"params": [first], "lr": 0.2}, {"params": rest, "lr": 0.1}])
    optimizer.register_step_post_hook(
        lambda *_: seen.append([group["lr"] for group in optimizer.param_groups])
    )
    fit(network, optimizer, blobs(), 1, batch_size=30, schedule=lambda k: [0.4, 0.02][k])
    assert seen == [[0.4, 0.2], [0.02, 0.01]]


def test_clipping_bounds_the_whole_gradient():
    network, norms = model(), []
    optimizer = SGD(network.parameters(), lr=0.0)
    optimizer.register_step_pre_hook(
        lambda *_: norms.append(
            torch.cat([p.grad.flatten() for p in network.parameters()]).norm().item()
        )
    )
    fit(network, optimizer, blobs(), 1, batch_size=30)
    fit(network, optimizer, blobs(), 1, batch_size=30, clip=0.01)
    assert min(norms[:2]) > 0.1
    assert norms[2:] == pytest.approx([0.01, 0.01], rel=1e-3)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_computes_in_it_and_learns(precision):
    network, seen = model(), []
    network.layers[0].register_forward_hook(lambda _, args, out: seen.append(out.dtype))
    history = fit(network, sgd, blobs(), 8, batch_size=16, precision=precision)
    assert set(seen) == {getattr(torch, precision)}
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert history.accuracy[-1] == 1.0


def test_the_device_is_chosen():
    network = model()
    fit(network, sgd, blobs(), 1, device="auto")
    assert next(network.parameters()).device.type == best_device()
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert best_device() == ("mps" if torch.backends.mps.is_available() else expected)


def test_a_loss_far_above_the_first_is_divergence():
    with pytest.raises(DivergenceError, match=r"the loss is \d.* in epoch \d, step \d"):
        fit(model(), lambda p: SGD(p, lr=300.0), blobs(), 50, batch_size=16, limit=100)


def test_the_rate_search_brackets_good_rates_and_changes_nothing():
    points, labels = blobs(3000)
    labels[::3] = np.random.default_rng(0).integers(0, 3, 1000)  # no network gets these right
    network, before = model(), model()
    optimizer = SGD(network.parameters(), lr=0.1)
    found = find_lr(network, optimizer, (points, labels), batch_size=16, high=1e4)
    assert found.rates[0] == 1e-6
    assert len(found.rates) == len(found.losses) < 100  # it stopped when the loss blew up
    assert found.losses[-1] > 4 * found.losses.min()

    def trained(lr):
        return fit(model(), lambda p: SGD(p, lr=lr), (points, labels), 1, batch_size=16).loss[0]

    assert trained(found.best) < trained(found.best / 100)
    with pytest.raises(DivergenceError):
        trained(found.best * 100)
    for ours, old in zip(network.parameters(), before.parameters(), strict=True):
        assert torch.equal(ours, old)
    assert optimizer.param_groups[0]["lr"] == 0.1
    made = find_lr(model(), lambda p: SGD(p, lr=1.0), (points, labels), batch_size=16, high=1e4)
    np.testing.assert_array_equal(made.losses, found.losses)
    network = by_hand.MLP((2, 8, 3))
    by_rule = find_lr(network, rules.SGD(), (points, labels), batch_size=16, high=1e4)
    assert found.best / 10 < by_rule.best < found.best * 10


def test_the_rate_search_refuses():
    with pytest.raises(ValueError, match=r"Invalid rates: low 1\.0, high 0\.1, steps 100"):
        find_lr(model(), sgd, blobs(), low=1.0, high=0.1)
    with pytest.raises(ValueError, match="not finite at the lowest rate, 1e-06"):
        find_lr(model(), sgd, (blobs()[0] * np.inf, blobs()[1]))


def test_a_frozen_first_group_stays_frozen_under_a_schedule():
    network = model()
    first, *rest = network.parameters()
    before = first.detach().clone()
    optimizer = SGD([{"params": [first], "lr": 0.0}, {"params": rest, "lr": 0.1}])
    fit(network, optimizer, blobs(), 1, schedule=lambda k: 0.05)
    assert [group["lr"] for group in optimizer.param_groups] == [0.0, 0.05]
    assert torch.equal(first, before)


def test_arrays_of_another_byte_order_are_taken():
    points, labels = blobs()
    swapped = points.astype(">f8"), labels.astype(">i4")
    assert fit(model(), sgd, swapped, 1).loss == fit(model(), sgd, (points, labels), 1).loss
