import pytest
import torch

from adaopt.nn import ConvNet


def seeded(seed, **sizes):
    return ConvNet(**sizes, generator=torch.Generator().manual_seed(seed))


def test_parameters_and_shapes():
    assert sum(p.numel() for p in ConvNet().parameters()) == 80 + 1168 + 7850
    assert ConvNet()(torch.zeros(5, 28, 28)).shape == (5, 10)
    assert ConvNet((4,), 3, side=7, colours=3)(torch.zeros(2, 3, 7, 7)).shape == (2, 3)


def test_is_the_layers_one_after_the_other():
    network, x = seeded(0), torch.randn(3, 28, 28, generator=torch.Generator().manual_seed(1))
    first, second = network.convolutions
    layers = torch.nn.Sequential(
        first, torch.nn.ReLU(), second, torch.nn.ReLU(), torch.nn.Flatten(), network.head
    )
    torch.testing.assert_close(network(x), layers(x[:, None]))


def test_initial_weights_come_from_the_generator_alone():
    state = torch.get_rng_state()
    weights = [torch.cat([p.flatten() for p in seeded(s).parameters()]) for s in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), state)
    bound = seeded(0).convolutions[1].weight.abs().max()
    assert 0.9 * 72**-0.5 < bound <= 72**-0.5


@pytest.mark.parametrize(
    "sizes, message",
    [
        (dict(channels=()), r"Invalid channels: \(\)"),
        (dict(channels=(8, 0)), r"Invalid channels: \(8, 0\)"),
        (dict(classes=0), r"Invalid classes: \[0\]"),
    ],
)
def test_bad_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        ConvNet(**sizes)


@pytest.mark.parametrize("shape", [(28, 28), (2, 3, 28, 28), (2, 28, 27)])
def test_bad_input(shape):
    with pytest.raises(ValueError, match=r"Expected \(n, 1, 28, 28\)"):
        ConvNet()(torch.zeros(shape))
