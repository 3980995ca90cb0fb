"""The bare training loop of torch models."""

import math

import numpy as np
import pytest
import torch

from adaopt.nn import GPT, MLP, GPTConfig
from adaopt.torch import SGD
from adaopt.training import DivergenceError, History, fit


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
        ({"generator": 3}, TypeError, "generator must be a torch.Generator, not 3"),
        ({"optimizer": "sgd"}, TypeError, "optimizer must be a torch optimizer"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(changed, error, message):
    arguments = {"model": model(), "optimizer": sgd, "data": blobs(), "epochs": 1} | changed
    with pytest.raises(error, match=message):
        fit(**arguments)


def test_progress_bar_counts_steps(capsys):
    fit(model(), sgd, blobs(), 2, batch_size=25, progress=True)
    assert "6/6" in capsys.readouterr().err
