"""The browser's rules, schedules and problem compute what the NumPy edition computes."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import adaopt.numpy
from adaopt import problems, schedules
from adaopt.catalog import CARDS
from adaopt.training import DivergenceError, minimize

LIVE = Path(__file__).parents[2] / "book/_static/live"
COLORS = dict(re.findall(r"--live-(\w+): (#[0-9a-f]{6});", (LIVE / "live.css").read_text()))
NODE = """
    const adaopt = require("./setup.js");
    const plane = new adaopt.LeastSquares(adaopt.plane.A, adaopt.plane.b);
"""
STEPS = 50


def test_the_problem_is_the_plane(js):
    got = js("return {...plane, grad: plane.grad([0.3, 2]), f: plane.f([0.3, 2])}")
    plane = problems.plane()
    np.testing.assert_array_equal(got["A"], plane.A)
    np.testing.assert_array_equal(got["b"], plane.b)
    x = np.array([0.3, 2.0])
    noise = np.mean(np.sum(plane.grad_i(np.arange(plane.n), plane.minimizer) ** 2, axis=1))
    for name, expected in {
        "grad": plane.grad(x),
        "f": plane.f(x),
        "hessian": plane.hessian(x),
        "smoothness": plane.smoothness,
        "strongConvexity": plane.strong_convexity,
        "componentSmoothness": plane.component_smoothness,
        "minimizer": plane.minimizer,
        "minimum": plane.minimum,
        "noise": noise,
    }.items():
        np.testing.assert_allclose(got[name], expected, rtol=1e-12, err_msg=name)


def test_the_gap_is_the_value_above_the_minimum(js):
    points = np.random.default_rng(0).normal(size=(20, 2))
    plane = problems.plane()
    expected = [plane.f(x) - plane.minimum for x in points]
    np.testing.assert_allclose(
        js("return input.map((x) => plane.gap(x))", points.tolist()), expected, rtol=1e-12
    )


RULES = [
    {"lr": 0.3},
    {"lr": 0.21, "weight_decay": 0.13},
    {"lr": 0.05, "momentum": 0.83},
    {"lr": 0.07, "momentum": 0.9, "dampening": 0.37, "weight_decay": 0.02},
    {"lr": 0.03, "momentum": 0.77, "nesterov": True, "weight_decay": 0.05},
]
TRACE = """
    const { hyper, batch, replace, steps } = input;
    const sampler = () => adaopt.sampler(plane.n, batch, 7, replace);
    const draw = sampler();
    const batches = Array.from({ length: steps }, () => [...draw()]);
    const optimizer = adaopt.build("sgd", hyper);
    return { batches, ...adaopt.minimize(plane, optimizer, adaopt.plane.x0, steps, sampler()) };
"""


def numpy_iterates(hyper, batches):
    plane, rule = problems.plane(), adaopt.numpy.SGD(**hyper)
    iterates = [np.array([-1.0, 1.0])]
    for batch in batches:
        x = iterates[-1]
        iterates.append(rule.step(x, plane.grad_batch(np.array(batch), x)))
    return np.array(iterates)


@pytest.mark.parametrize("hyper", RULES, ids=str)
@pytest.mark.parametrize(("batch", "replace"), [(12, False), (3, False), (2, True)])
def test_iterates_equal_the_numpy_edition(js, hyper, batch, replace):
    trace = js(TRACE, {"hyper": hyper, "batch": batch, "replace": replace, "steps": STEPS})
    expected = numpy_iterates(hyper, trace["batches"])
    assert trace["divergedAt"] is None
    np.testing.assert_allclose(trace["iterates"], expected, rtol=1e-12, atol=1e-13)
    assert trace["evaluations"] == list(range(0, STEPS * batch + 1, batch))


@pytest.mark.parametrize("hyper", [{"lr": 3.2}, {"lr": 1.4, "momentum": 0.9}], ids=str)
@pytest.mark.parametrize("batch", [1, 4])
def test_divergence_at_the_same_step(js, hyper, batch):
    trace = js(TRACE, {"hyper": hyper, "batch": batch, "replace": False, "steps": 500})
    plane = problems.plane()
    iterates = numpy_iterates(hyper, trace["batches"][: trace["divergedAt"] + 1])
    values = np.array([plane.f(x) for x in iterates])
    assert trace["divergedAt"] == np.argmax(values > 1e6 * max(1, values[0])) > 0
    assert len(trace["iterates"]) == trace["divergedAt"] + 1


def test_divergence_at_the_step_that_the_training_loop_names(js):
    trace = js(TRACE, {"hyper": {"lr": 2.6}, "batch": 12, "replace": False, "steps": 500})
    with pytest.raises(DivergenceError) as error:
        minimize(problems.plane(), adaopt.numpy.GD(lr=2.6), np.array([-1.0, 1.0]), 500, limit=1e6)
    assert trace["divergedAt"] == error.value.step


SURFACES = {
    "quadratic": problems.Quadratic(7, 33),
    "rosenbrock": problems.Rosenbrock(),
    "beale": problems.Beale(),
    "himmelblau": problems.Himmelblau(),
}
RUNS = """
    const problem = adaopt[input.problem]({ condition: 7, angle: 33, c: 3 });
    return input.hypers.map((hyper) => {
        const optimizer = adaopt.build(input.method, hyper);
        const schedule = problem.schedule && problem.schedule(hyper.lr);
        return adaopt.minimize(
            problem, optimizer, problem.start, input.steps, null, schedule, input.limit);
    });
"""
METHODS = re.findall(r"(\w+): method\(", (LIVE / "methods.js").read_text())
EVERY_METHOD = pytest.mark.parametrize("key", METHODS)
FIRST_MOMENT = {"betas": [0, 0.9], "momentum": 0, "weight_decay": 0}


@pytest.fixture(scope="module")
def defaults(js):
    """The hyper-parameters that the browser knows of each method, with their defaults."""
    methods, rules = js("return [adaopt.methods, adaopt.rules]")
    assert list(methods) == METHODS
    return {key: rules[method["rule"]]["defaults"] for key, method in methods.items()}


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces_are_the_packages(js, name):
    points = np.random.default_rng(0).uniform(-2, 2, size=(20, 2))
    got = js(
        "const p = adaopt[input.name]({ condition: 7, angle: 33 });"
        "return {...p, f: input.points.map(p.f), grad: input.points.map((x) => p.grad(x))}",
        {"name": name, "points": points.tolist()},
    )
    surface = SURFACES[name]
    np.testing.assert_allclose(got["f"], surface.f(points.T), rtol=1e-12)
    np.testing.assert_allclose(got["grad"], [surface.grad(x) for x in points], rtol=1e-11)
    np.testing.assert_allclose(got["minimizers"], surface.minimizers, rtol=1e-15)
    np.testing.assert_allclose(got["start"], surface.start, rtol=1e-15)
    assert got["window"] == [list(side) for side in surface.window]


@EVERY_METHOD
def test_defaults_are_the_numpy_editions(defaults, key):
    rule = CARDS[key].numpy_class()
    found = {n: list(v) if isinstance(v, tuple) else v for n, v in vars(rule).items()}
    assert defaults[key].items() <= found.items()


def settings(key, known):
    """A useful step size, odd values, and the card's variants that the browser can have."""
    lr = {"adadelta": 1.0, "adagrad": 0.3}.get(key, 0.05)
    odd = {"weight_decay": 0.03, "eps": 1e-3, "betas": (0.83, 0.97), "momentum": 0.71}
    preset = {} if key in ("gd", "sgd") else CARDS[key].preset
    odd = {n: v for n, v in odd.items() if n in known and (n != "momentum" or preset)}
    variants = [v for v in CARDS[key].variants if v.keys() <= known | {"maximize"}]
    return [preset | {"lr": lr}, preset | odd | {"lr": 0.7 * lr}, *variants]


def walk(rule, surface, steps):
    iterates = [surface.start]
    for _ in range(steps):
        iterates.append(rule.step(iterates[-1], surface.grad(iterates[-1])))
    return iterates


@EVERY_METHOD
def test_every_method_equals_the_numpy_edition(js, defaults, key):
    hypers, surface = settings(key, defaults[key].keys()), SURFACES["quadratic"]
    assert len(hypers) >= 2 + (key != "gd")
    given = {"problem": "quadratic", "method": key, "hypers": hypers, "steps": STEPS}
    for hyper, trace in zip(hypers, js(RUNS, given | {"limit": 1e300}), strict=True):
        expected = walk(CARDS[key].numpy_class(**hyper), surface, STEPS)
        np.testing.assert_allclose(trace["iterates"], expected, rtol=1e-12, atol=1e-13)


@EVERY_METHOD
def test_the_effective_step_size_multiplies_the_gradient(js, defaults, key):
    """Where nothing is averaged and no weight decays, a step is the rate times the gradient."""
    hyper = {n: v for n, v in FIRST_MOMENT.items() if n in defaults[key]} | {"lr": 0.03}
    given = {"problem": "himmelblau", "method": key, "hypers": [hyper], "steps": 9, "limit": 1e9}
    (trace,) = js(RUNS, given)
    x = np.array(trace["iterates"])
    gradients = [SURFACES["himmelblau"].grad(point) for point in x[:-1]]
    np.testing.assert_allclose(trace["rates"] * np.array(gradients), x[:-1] - x[1:], rtol=1e-9)


@EVERY_METHOD
def test_every_method_diverges_at_the_same_step(js, key):
    """At the smallest power of ten at which the NumPy edition diverges within 200 steps."""
    surface, preset, step = SURFACES["rosenbrock"], dict(CARDS[key].preset), None
    for lr in 10.0 ** np.arange(-3, 7):
        try:
            minimize(
                surface, CARDS[key].numpy_class(lr=lr, **preset), surface.start, 200, limit=1e6
            )
        except DivergenceError as error:
            step = error.step
            break
    given = {"problem": "rosenbrock", "method": key, "hypers": [{"lr": lr}], "steps": 200}
    (trace,) = js(RUNS, given | {"limit": 1e6})
    assert trace["divergedAt"] == step > 0
    assert len(trace["iterates"]) == step + 1


@EVERY_METHOD
def test_the_counterexample_is_the_packages(js, defaults, key):
    game = problems.OnlineLinear(C=3)
    hyper = {"betas": [0, 0.1]} if "betas" in defaults[key] else {}
    given = {"problem": "counterexample", "method": key, "hypers": [hyper | {"lr": 0.1}]}
    (trace,) = js(RUNS, given | {"steps": 300, "limit": 1e6})
    rule = CARDS[key].numpy_class(**dict(CARDS[key].preset) | hyper)
    x = game.play(rule, 300)
    np.testing.assert_allclose(np.ravel(trace["iterates"])[:-1], x, rtol=1e-12, atol=1e-13)
    mean = (game.C - 2) / 3
    np.testing.assert_allclose(trace["gaps"][:-1], mean * (x + 1), rtol=0, atol=1e-13)


def test_maximize_ascends(js):
    step = js("return adaopt.build('sgd', {lr: 0.5, maximize: true}).step([1, 2], [3, -4])")
    rule = adaopt.numpy.SGD(lr=0.5, maximize=True)
    assert step == rule.step(np.array([1.0, 2.0]), np.array([3.0, -4.0])).tolist()


@pytest.mark.parametrize("name", ["constant", "inverse", "inverse_sqrt"])
def test_schedules(js, name):
    more = () if name == "constant" else (7.0,)
    got = js(
        "const s = adaopt.schedules[input.name](0.3, ...input.more);"
        "return Array.from({length: 60}, (_, k) => s(k))",
        {"name": name, "more": more},
    )
    expected = [getattr(schedules, name)(0.3, *more)(k) for k in range(60)]
    np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_methods_are_the_catalog_cards(js):
    for key, method in js("return adaopt.methods").items():
        card = CARDS[key]
        assert method["name"] == card.name
        assert method["preset"] == dict(card.preset)
        assert method["line"] == card.linestyle
        if card.color != "#000000":  # black is the page's ink: white in dark mode
            assert COLORS[method["color"]] == card.color.lower()


def test_the_generator_is_mulberry32(js):
    def mulberry32(seed):
        while True:
            seed = (seed + 0x6D2B79F5) % 2**32
            t = (seed ^ seed >> 15) * (seed | 1) % 2**32
            t ^= (t + (t ^ t >> 7) * (t | 61)) % 2**32
            yield (t ^ t >> 14) / 2**32

    for seed in (0, 1, 12345):
        got = js("const r = adaopt.mulberry32(input); return [r(), r(), r(), r(), r()]", seed)
        assert got == list(itertools.islice(mulberry32(seed), 5))


@pytest.mark.parametrize("replace", [True, False])
def test_sampling_is_uniform(js, replace):
    """Each index comes equally often; distinct minibatches have no index twice."""
    draws = 20_000
    batches = np.array(
        js(
            "const draw = adaopt.sampler(12, 4, 3, input.replace);"
            "return Array.from({length: input.draws}, () => [...draw()])",
            {"replace": replace, "draws": draws},
        )
    )
    share = np.bincount(batches.ravel(), minlength=12) / batches.size
    assert np.abs(share - 1 / 12).max() < 5 * np.sqrt(1 / 12 / batches.size)
    distinct = [len(set(batch)) == 4 for batch in batches.tolist()]
    assert all(distinct) is not replace


@pytest.mark.parametrize("replace", [True, False])
def test_the_predicted_floor_is_where_small_steps_end(js, replace):
    """alpha tr(S_B) / 4, against 100,000 steps: the error is a few per cent of each kind."""
    floor, measured = js(
        "const sampler = adaopt.sampler(plane.n, 4, 1, input), step = 0.05;"
        "const optimizer = adaopt.build('sgd', {lr: step});"
        "const { gaps } = adaopt.minimize(plane, optimizer, adaopt.plane.x0, 1e5, sampler);"
        "const late = gaps.slice(2000);"
        "return [plane.floor(step, 4, input), late.reduce((a, b) => a + b) / late.length]",
        replace,
    )
    plane = problems.plane()
    noise = np.mean(np.sum(plane.grad_i(np.arange(plane.n), plane.minimizer) ** 2, axis=1))
    population = 1 if replace else (plane.n - 4) / (plane.n - 1)
    assert floor == pytest.approx(0.05 * noise / 16 * population, rel=1e-12)
    assert measured == pytest.approx(floor, rel=0.1)
