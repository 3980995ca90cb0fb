"""The two editions agree: float64, 1e-12 over 50 steps, every card and variant, every path.

The rule is written twice, by different means; here the two must take the same steps, whatever the
shapes and settings, on gradients that change sign and scale by orders of magnitude.
"""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import Parameter

from adaopt.catalog import CARDS
from adaopt.torch.engine import eager

STEPS = 50
CASES = {
    f"{card.key}-{i}": (card, {**card.preset, **hyper})
    for card in CARDS.values()
    for i, hyper in enumerate(({}, *card.variants))
}
SHAPES = {"matrix": (5, 3), "scalar": (), "empty": (0, 2), "vector": (7,)}
# Values for hypothesis to draw, by the hyper-parameter's name; a name not listed keeps its default.
DRAWN = {
    "lr": st.floats(1e-4, 0.3),
    "momentum": st.sampled_from([0.0, 0.5, 0.83, 0.97]),
    "dampening": st.sampled_from([0.0, 0.3, -0.4]),
    "weight_decay": st.sampled_from([0.0, 0.07, 0.5]),
    "nesterov": st.booleans(),
    "maximize": st.booleans(),
}


def gradient(rng: np.random.Generator, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Normal numbers of either sign and of a random scale between 0.01 and 10."""
    scale = rng.choice([-1, 1]) * 10 ** rng.uniform(-2, 1)
    parts = [scale * rng.standard_normal(shape) for _ in range(1 + (dtype is complex))]
    return np.asarray(parts[0] + 1j * parts[1] if dtype is complex else parts[0])


def compare(
    card: Any, hyper: dict[str, Any], shapes: dict[str, tuple], dtype: type = float, **way: Any
) -> None:
    """Both editions from one start along the same gradients: the iterates agree at every step."""
    rng = np.random.default_rng(0)
    x = {name: gradient(rng, shape, dtype) for name, shape in shapes.items()}
    params = {name: Parameter(torch.from_numpy(value.copy())) for name, value in x.items()}
    reading = card.numpy_class(**hyper)
    working = card.torch_class(params.values(), **hyper, **way)
    for _ in range(STEPS):
        g = {name: gradient(rng, shape, dtype) for name, shape in shapes.items()}
        x = reading.step(x, g)
        for name, p in params.items():
            p.grad = torch.from_numpy(g[name])
        working.step()
        for name, p in params.items():
            np.testing.assert_allclose(p.detach().numpy(), x[name], rtol=1e-12, atol=1e-12)


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple:
    """Every card at its defaults and at each of its variants."""
    return CASES[request.param]


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("way", [{}, {"foreach": False}], ids=["eager", "whole"])
def test_eager(case, way, dtype):
    compare(*case, SHAPES, dtype, **way)


@pytest.mark.parametrize("dtype", [float, complex])
def test_cache_sized_views(case, dtype, monkeypatch):
    monkeypatch.setattr(eager, "BLOCK", 2)
    compare(*case, SHAPES, dtype)


@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch of itself
def test_compiled(case):
    compare(*case, {"matrix": (5, 3), "scalar": ()}, fused=True)


@st.composite
def setting(draw: st.DrawFn, card: Any) -> dict[str, Any]:
    """The card's preset with hyper-parameters drawn at random that go together."""
    names = [h.name for h in card.hyper if h.name in DRAWN]
    hyper = {**card.preset, **{name: draw(DRAWN[name]) for name in names}}
    if hyper.get("nesterov") and not (hyper["momentum"] > 0 and hyper["dampening"] == 0):
        hyper["nesterov"] = False
    return hyper


@pytest.mark.parametrize("key", CARDS)
@settings(max_examples=25)
@given(data=st.data())
def test_any_shape_and_setting(key, data):
    shape = st.lists(st.integers(0, 6), max_size=3).map(tuple)
    shapes = data.draw(st.dictionaries(st.sampled_from("abc"), shape, min_size=1))
    compare(CARDS[key], data.draw(setting(CARDS[key])), shapes)
