"""The two editions agree: float64, 1e-12 over 50 steps, every card and variant, every path.

The rule is written twice, by different means; here the two must take the same steps, whatever the
shapes and settings, on gradients that change sign and scale by orders of magnitude.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from adaopt.catalog import CARDS
from adaopt.torch.engine import eager
from adaopt.torch.matrix.rule import MatrixRule
from tests.proof import TOLERANCE, Problem, parity_error
from tests.proof.parity import STEPS, usual

CASES = {
    f"{card.key}-{i}": (card, {**card.preset, **hyper})
    for card in CARDS.values()
    for i, hyper in enumerate(({}, *card.variants))
}
PROBLEMS = {float: usual(), complex: Problem(dtype=complex, steps=20)}
COMPILED = Problem({"matrix": (5, 3), "scalar": ()})
# Values for hypothesis to draw, by the hyper-parameter's name. Words and flags are all drawn; a
# number that is not listed keeps its default.
DECAY = [0.0, 0.5, 0.83, 0.97]
# A second moment of one gradient alone makes steps of any size, and their rounding with them.
BETAS = (DECAY, [0.5, 0.83, 0.97], [0.9, 0.999])
DRAWN = {
    "lr": [1e-4, 0.01, 0.07, 0.3],
    "momentum": DECAY,
    "dampening": [0.0, 0.3, -0.4],
    "weight_decay": [0.0, 0.07, 0.5],
    "eps": [1e-8, 1e-3, 0.1],
    "alpha": DECAY[1:],
    "rho": DECAY,
    "beta": DECAY,
    "lr_decay": [0.0, 0.05],
    "initial_accumulator_value": [0.0, 0.2],
    "momentum_decay": [0.0, 4e-3, 0.3],
    "power": [1.5, 2.0, 3.0],
    "scale": [0.4, 1.3],
    "warmup_steps": [0, 7],
    "r": [0.0, 0.75],
    "weight_lr_power": [0.0, 2.0],
    "d0": [1e-6, 1e-2],
    "d_coef": [0.5, 1.0],
    "growth_rate": [1.05, math.inf],
    "beta3": [None, 0.9],
    "alpha_warmup": [0, 7],
    "beta3_warmup": [0, 7],
    "beta2_decay": [-0.8, -0.5],
    "d": [0.5, 1.0],
}


# Matrix, vector, scalar and nothing, of reals and, where the method takes them, of pairs.
EACH = {
    f"{name}-{dtype.__name__}": (card, hyper, problem)
    for name, (card, hyper) in CASES.items()
    for dtype, problem in PROBLEMS.items()
    if dtype is float or card.torch_class.elementwise
}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple:
    """Every card at its defaults and at each of its variants."""
    return CASES[request.param]


@pytest.fixture(params=list(EACH))
def each(request: pytest.FixtureRequest) -> tuple:
    """Every case, with real and with complex numbers."""
    return EACH[request.param]


@pytest.mark.parametrize("way", [{"foreach": None}, {"foreach": False}], ids=["eager", "whole"])
def test_eager(each, way):
    card, hyper, problem = each
    assert parity_error(card, hyper, problem=problem, **way) <= TOLERANCE


def test_cache_sized_views(each, monkeypatch):
    monkeypatch.setattr(eager, "BLOCK", 2)
    card, hyper, problem = each
    assert parity_error(card, hyper, problem=problem, foreach=None) <= TOLERANCE


COMPILING = [n for n, (c, _) in CASES.items() if not issubclass(c.torch_class, MatrixRule)]


@pytest.mark.usefixtures("compiler")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # torch of itself
@pytest.mark.parametrize("name", COMPILING)
def test_compiled(name):
    assert parity_error(*CASES[name], problem=COMPILED, fused=True) <= TOLERANCE


def test_a_mistake_in_either_edition_is_seen():
    class Early(CARDS["adam"].numpy_class):
        def update(self, x, g, s, k):
            return super().update(x, g, s, k + 1)

    class Twice(CARDS["adam"].torch_class):
        def rule(self, x, g, *rest):
            super().rule(x, 2 * g, *rest)

    assert parity_error("adam") <= TOLERANCE
    assert parity_error("adam", numpy_class=Early) > 1e-4
    assert parity_error("adam", {"eps": 1e-3}, torch_class=Twice) > 1e-8


def test_what_is_not_finite_is_infinitely_far():
    class Divided(CARDS["sgd"].numpy_class):
        def update(self, x, g, s, k):
            return x / np.zeros_like(x)

    assert parity_error("sgd", numpy_class=Divided) == math.inf


@st.composite
def setting(draw: st.DrawFn, card: Any) -> dict[str, Any]:
    """The card's preset with hyper-parameters drawn at random."""
    hyper = dict(card.preset)
    choices, ranges = card.numpy_class.choices, card.numpy_class.ranges
    for h in card.hyper:
        low, high = ranges.get(h.name, (-math.inf, math.inf))
        if h.name in choices:
            hyper[h.name] = draw(st.sampled_from(choices[h.name]))
        elif isinstance(h.default, bool):
            hyper[h.name] = draw(st.booleans())
        elif h.name == "eps" and "graft_eps" in card.numpy_class.defaults:
            hyper[h.name] = draw(st.sampled_from([1e-4, 0.01, 0.1]))  # roots amplify rounding
        elif h.name == "betas":
            hyper[h.name] = tuple(draw(st.sampled_from(BETAS[i])) for i in range(len(h.default)))
        elif h.name in DRAWN and not isinstance(h.default, tuple):
            values = [v for v in DRAWN[h.name] if v is None or low <= v <= high]
            hyper[h.name] = draw(st.sampled_from(values))
    return hyper


@pytest.mark.parametrize("key", CARDS)
@settings(max_examples=25)
@given(data=st.data())
def test_any_shape_and_setting(key, data):
    shape = st.lists(st.integers(0, 6), max_size=3).map(tuple)
    shapes = data.draw(st.dictionaries(st.sampled_from("abc"), shape, min_size=1))
    hyper = data.draw(setting(CARDS[key]))
    try:
        CARDS[key].torch_class([torch.zeros(1)], **hyper)
    except ValueError:  # valid each alone, but not together
        reject()
    # SOAP's second basis is a QR decomposition, which finds what no gradient has had by rounding.
    steps = 10 if key == "soap" else STEPS
    assert parity_error(key, hyper, problem=Problem(shapes, steps=steps)) <= TOLERANCE
