"""Every card and every variant agrees with somebody else's program of the method, in float64.

The references are torch.optim, the authors' packages, collections, paths recorded from optax and
oracles in plain Python numbers; none of them shares a line with either edition.
"""

import json

import numpy as np
import pytest

from adaopt.catalog import CARDS
from tests.proof import (
    REFERENCES,
    Reference,
    golden,
    numpy_path,
    reference_error,
    reference_errors,
    references,
    settings,
)
from tests.proof.references import takes, usual

CASES = {f"{key}-{i}": (key, hyper) for key in CARDS for i, hyper in enumerate(settings(key))}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple:
    """Every card at its defaults, at its variants and at the settings of its references."""
    return CASES[request.param]


def test_every_setting_has_a_reference(case):
    assert references(*case)


@pytest.mark.parametrize("edition", ["numpy", "torch"])
def test_agrees_with_its_references(case, edition):
    for reference, error in reference_errors(*case, edition=edition).items():
        assert error <= reference.tolerance, reference.name


def test_references_are_of_cards():
    assert set(REFERENCES) <= set(CARDS)


def test_a_mistake_is_seen():
    class Wrong(CARDS["adam"].numpy_class):
        def update(self, x, g, s, k):
            return super().update(x, g, s, k + 1)

    assert reference_error("adam") < 1e-12 < 1e-4 < reference_error("adam", numpy_class=Wrong)


def test_not_finite_is_infinitely_far():
    class Wrong(CARDS["sgd"].numpy_class):
        def update(self, x, g, s, k):
            return x / np.zeros_like(x)

    assert reference_error("sgd", numpy_class=Wrong) == np.inf


def test_a_translation_covers_only_what_it_can_express():
    translate = takes("lr", "alpha", given={"momentum": 0.0}, alpha=(0.9, 0.5), eps_inside=(True,))
    hyper = {"lr": 0.1, "alpha": 0.9, "eps_inside": True}
    assert translate(hyper) == {"lr": 0.1, "alpha": 0.9, "momentum": 0.0}
    assert translate({**hyper, "momentum": 0.5}) is None
    assert translate({**hyper, "eps_inside": False}) is None
    assert translate({**hyper, "alpha": 0.7}) is None


def test_a_missing_package_is_named():
    from tests.proof.references import program

    missing = program("nosuchpackage.Adam", takes("lr"))
    with pytest.raises(ImportError, match=r"nosuchpackage, of the extra `test`"):
        missing.path({"lr": 0.1})


def test_a_setting_without_reference_has_no_error():
    assert reference_error("sgd", {"lr": 0.1}) is not None
    unknown = Reference("none", takes("lr"), lambda keywords, problem: None)
    assert not unknown.covers({"lr": 0.1, "momentum": 0.5})


def test_recorded_paths_are_wholly_recorded():
    file = json.loads(golden.FILE.read_text())
    assert {"optax", "jax", "jestimator"} <= set(file["made by"])
    for entry in file["paths"]:
        assert len(entry["points"]) == len(file["noise"]) + 1
        assert entry["key"].split()[0] in CARDS


def test_ascent_is_descent_upside_down():
    card, problem = CARDS["sgd"], usual()
    up = numpy_path(card.numpy_class(lr=0.1, maximize=True), problem)
    down = numpy_path(card.numpy_class(lr=0.1), problem.upside_down())
    assert all((up.x[n] == down.x[n]).all() for n in up.x)
