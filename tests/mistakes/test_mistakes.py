"""Mistakes injected into the rules: each one changes the method, and every check notices it."""

import numpy as np
import pytest

from adaopt.catalog import CARDS, WRAPPERS
from adaopt.grading.mistakes import AVERAGES, MISTAKES, TOPICS, RuleMistake, mutated
from tests.proof import TOLERANCE, Problem, average_error, distance, numpy_path, settings
from tests.proof.injection import NOTICED, errors, inject

CASES = [(key, mistake) for key, mistakes in MISTAKES.items() for mistake in mistakes]
RANDOM = Problem({"matrix": (3, 2)}, steps=24)
# half of the gradients keep their sign, so that an estimate of the distance has something to learn
STEADY = [{"matrix": np.abs(noise["matrix"])} for noise in RANDOM.noise[12:]]
PROBLEM = Problem.recorded(RANDOM.start, RANDOM.noise[:12] + STEADY)


def test_every_method_has_its_mistakes():
    assert MISTAKES.keys() == CARDS.keys()
    assert AVERAGES.keys() == WRAPPERS.keys()
    assert min(len(mistakes) for mistakes in (MISTAKES | AVERAGES).values()) >= 3
    assert len(MISTAKES["adam"]) >= 8


@pytest.mark.parametrize("key", MISTAKES | AVERAGES)
def test_mistakes_have_names_topics_and_sentences(key):
    mistakes = (MISTAKES | AVERAGES)[key]
    names = [mistake.name for mistake in mistakes]
    assert len(set(names)) == len(names)
    for mistake in mistakes:
        assert mistake.topic in TOPICS
        assert mistake.message[0].islower() and mistake.message.endswith(".")
        assert mistake.source


@pytest.mark.parametrize("key, mistake", CASES, ids=lambda case: getattr(case, "name", case))
def test_a_mistake_is_noticed_by_both_comparisons(key, mistake):
    found = inject(key, mistake)
    assert found.parity > NOTICED
    assert found.reference > NOTICED


@pytest.mark.parametrize("key", MISTAKES)
def test_a_rule_that_is_injected_unchanged_passes(key):
    unchanged = mutated(key, RuleMistake("none", {}, "is right.", "gradient"))
    found = errors(key, unchanged)
    assert found.parity <= TOLERANCE
    assert found.reference <= 1e-9


@pytest.mark.parametrize("key", AVERAGES)
def test_a_mistake_in_an_average_is_noticed_and_no_other(key):
    unchanged = RuleMistake("none", {}, "is right.", "averaging", method="add")
    assert average_error(key, numpy_class=mutated(key, unchanged)) <= TOLERANCE
    errors = [average_error(key, numpy_class=mutated(key, m)) for m in AVERAGES[key]]
    assert min(errors) > NOTICED


def path(key, rule, hyper):
    """Where the rule goes, or None if it runs into a number that is none."""
    with np.errstate(all="ignore"):
        try:
            return numpy_path(rule(**{**CARDS[key].preset, **hyper}), PROBLEM)
        except FloatingPointError:
            return None


@pytest.mark.parametrize("key", MISTAKES)
def test_no_two_mistakes_are_the_same(key):
    paths = {}
    for mistake in MISTAKES[key]:
        rule = mutated(key, mistake)
        paths[mistake.name] = [path(key, rule, hyper) for hyper in settings(key)]
    names = list(paths)
    for i, one in enumerate(names):
        for other in names[:i]:
            pairs = zip(paths[one], paths[other], strict=True)
            apart = [a is not b if None in (a, b) else distance(a, b) > 1e-9 for a, b in pairs]
            assert any(apart), f"{one} = {other}"


def test_words_that_are_not_in_the_source_once_are_refused():
    twice = RuleMistake("twice", {"x - alpha": "x + alpha"}, "is wrong.", "gradient")
    with pytest.raises(ValueError, match="SGD, 'twice': update has 'x - alpha' 2 times"):
        mutated("sgd", twice)


def test_an_unknown_mistake_is_refused():
    with pytest.raises(ValueError, match=r"Unknown mistake 'nonsense' of 'gd'\. There are: ascent"):
        mutated("gd", "nonsense")
