"""Record once what programs do that are too heavy to be test dependencies: ``golden/paths.json``.

They are optax, the authors' code of Amos and two submissions to AlgoPerf v0.5, which run on JAX. To
record them anew, in an environment of its own::

    pip install optax flax chex
    git clone https://github.com/google-research/jestimator
    git clone https://github.com/mlcommons/submissions_algorithms
    PYTHONPATH=.:jestimator python tests/proof/golden/record.py submissions_algorithms

and then ``record_prodigy.py``.

An entry holds the hyper-parameters under the names of this package, the function that was called,
the points where each gradient was wanted, and what was found at the end, all in float64.
"""

import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import jax
import numpy as np
import optax
from jestimator.amos import amos
from optax import contrib

from tests.proof import golden
from tests.proof.parity import Problem

jax.config.update("jax_enable_x64", True)

SHAPES = {"matrix": (2, 2), "vector": (3,)}
STEPS = 20
ADAM = {"lr": 0.03, "betas": (0.8, 0.97), "eps": 1e-3}
B = {"b1": 0.8, "b2": 0.97}
FREE = {"lr": 0.05, "betas": (0.8, 0.97), "eps": 1e-3, "weight_decay": 0.1}

SUBMISSIONS = "previous_leaderboards/algoperf_v05/submissions/external_tuning"


def submission(name: str) -> ModuleType:
    """The functions of a submission to AlgoPerf, without the framework and data it imports."""
    sys.modules.update(dict.fromkeys(("algorithmic_efficiency", "jraph"), MagicMock()))
    jax.tree_map = jax.tree.map  # what it was called then
    found = spec_from_file_location(name, Path(sys.argv[1]) / SUBMISSIONS / name / "submission.py")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


nadamp, generalized_adam = submission("nadamp"), submission("generalized_adam")

# Key of the card, hyper-parameters under our names, the call, its transformation.
CALLS: list[tuple[str, dict[str, Any], str, Any]] = [
    (
        "adagrad",
        {"lr": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-3},
        "optax.adagrad",
        optax.adagrad(0.1, initial_accumulator_value=0.2, eps=1e-3),
    ),
    (
        "rmsprop",
        {"lr": 0.02, "alpha": 0.83, "eps": 1e-3},
        "optax.rmsprop",
        optax.rmsprop(0.02, decay=0.83, eps=1e-3),
    ),
    (
        "rmsprop",
        {"lr": 0.02, "alpha": 0.83, "eps": 1e-2, "centered": True, "momentum": 0.7},
        "optax.rmsprop(centered=True, momentum=0.7)",
        optax.rmsprop(0.02, decay=0.83, eps=1e-2, centered=True, momentum=0.7),
    ),
    (
        "rmsprop",
        {"lr": 0.02, "alpha": 0.83, "eps": 1e-2, "eps_inside": False},
        "optax.rmsprop(eps_in_sqrt=False)",
        optax.rmsprop(0.02, decay=0.83, eps=1e-2, eps_in_sqrt=False),
    ),
    (
        "adadelta",
        {"lr": 1.0, "rho": 0.83, "eps": 1e-3},
        "optax.adadelta",
        optax.adadelta(1.0, rho=0.83, eps=1e-3),
    ),
    ("adam", ADAM, "optax.adam", optax.adam(0.03, **B, eps=1e-3)),
    ("adam", ADAM | {"amsgrad": "hat"}, "optax.amsgrad", optax.amsgrad(0.03, **B, eps=1e-3)),
    (
        "adam",
        ADAM | {"amsgrad": "paper"},
        "optax.amsgrad without bias correction",
        optax.amsgrad(0.03, **B, eps=1e-3, bias_correction_mu=False, bias_correction_nu=False),
    ),
    (
        "amsgrad",
        ADAM,
        "optax.amsgrad without bias correction",
        optax.amsgrad(0.03, **B, eps=1e-3, bias_correction_mu=False, bias_correction_nu=False),
    ),
    (
        "adamw",
        ADAM | {"weight_decay": 0.1},
        "optax.adamw",
        optax.adamw(0.03, **B, eps=1e-3, weight_decay=0.1),
    ),
    ("nadam", ADAM | {"variant": "dozat"}, "optax.nadam", optax.nadam(0.03, **B, eps=1e-3)),
    (
        "nadam",
        ADAM | {"variant": "dozat", "weight_decay": 0.1, "decoupled_weight_decay": True},
        "optax.nadamw",
        optax.nadamw(0.03, **B, eps=1e-3, weight_decay=0.1),
    ),
    (
        "nadamw",
        {"lr": 0.03, "betas": (0.8, 0.97), "eps": 1e-8, "weight_decay": 0.1},
        "AlgoPerf submission NadamP",
        nadamp.instantiate_optimizer(0.03, **B, weight_decay=0.1),
    ),
    (
        "nadamp",
        {"lr": 0.03, "betas": (0.8, 0.97), "eps": 1e-8, "weight_decay": 0.1, "power": 1.5},
        "AlgoPerf submission NadamP(power=1.5)",
        nadamp.instantiate_optimizer(0.03, **B, weight_decay=0.1, power=1.5),
    ),
    (
        "generalized_adam",
        {"lr": 0.03, "betas": (0.8, 0.97), "eps": 1e-8, "weight_decay": 0.1},
        "AlgoPerf submission Generalized Adam",
        generalized_adam.instantiate_optimizer(0.03, **B, weight_decay=0.1),
    ),
    (
        "generalized_adam",
        {"lr": 0.03, "betas": (0.8, 0.97), "weight_decay": 0.1, "nesterov": False},
        "AlgoPerf submission Generalized Adam(nesterov=False)",
        generalized_adam.instantiate_optimizer(0.03, **B, weight_decay=0.1, nesterov=False),
    ),
    (
        "generalized_adam",
        {"lr": 0.03, "betas": (0.8, 0.97), "weight_decay": 0.1, "preconditioning": False},
        "AlgoPerf submission Generalized Adam(disable_preconditioning=True)",
        generalized_adam.instantiate_optimizer(
            0.03, **B, weight_decay=0.1, disable_preconditioning=True
        ),
    ),
    ("signsgd", {"lr": 0.03}, "optax.sign_sgd", optax.sign_sgd(0.03)),
    (
        "lion",
        {"lr": 0.03, "betas": (0.8, 0.97), "weight_decay": 0.1},
        "optax.lion",
        optax.lion(0.03, **B, weight_decay=0.1),
    ),
    (
        "ademamix",
        {
            "lr": 0.03,
            "betas": (0.8, 0.97, 0.995),
            "alpha": 3.0,
            "eps": 1e-3,
            "weight_decay": 0.1,
        },
        "optax.contrib.ademamix",
        contrib.ademamix(0.03, **B, b3=0.995, alpha=3.0, eps=1e-3, weight_decay=0.1),
    ),
    (
        "schedule_free_sgd",
        {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.1},
        "optax.contrib.schedule_free_sgd",
        contrib.schedule_free_sgd(0.05, b1=0.8, weight_decay=0.1),
    ),
    (
        "schedule_free_adamw",
        FREE,
        "optax.contrib.schedule_free_adamw",
        contrib.schedule_free_adamw(0.05, **B, eps=1e-3, weight_decay=0.1),
    ),
    (
        "schedule_free_adamw (differs)",
        FREE | {"warmup_steps": 7},
        "optax.contrib.schedule_free_adamw(warmup_steps=7)",
        contrib.schedule_free_adamw(0.05, 7, **B, eps=1e-3, weight_decay=0.1),
    ),
    (
        "prodigy",
        {
            "lr": 0.7,
            "betas": (0.8, 0.97),
            "eps": 1e-3,
            "d0": 1e-2,
            "weight_decay": 0.1,
            "use_bias_correction": True,
        },
        "optax.contrib.prodigy",
        contrib.prodigy(0.7, (0.8, 0.97), eps=1e-3, estim_lr0=1e-2, weight_decay=0.1),
    ),
    (
        "amos",
        {"lr": 0.3, "scale": 0.7, "beta": 0.83},
        "jestimator.amos",
        amos(0.3, lambda name, shape: 0.7, lambda name, shape: (1,) * len(shape), beta=0.83),
    ),
]


def record(transformation: Any, problem: Problem, evaluated: Callable) -> dict[str, list]:
    """The path of a transformation: the points, and what is evaluated at the end."""
    x = {name: jax.numpy.asarray(value) for name, value in problem.start.items()}
    state, points = transformation.init(x), [listed(x)]
    for k in range(problem.steps):
        g = {n: jax.numpy.asarray(g) for n, g in problem.gradient(k, x).items()}
        updates, state = transformation.update(g, state, x)
        x = optax.apply_updates(x, updates)
        points.append(listed(x))
    return {"points": points, "x": listed(evaluated(state, x))}


def listed(arrays: dict[str, Any]) -> dict[str, list]:
    return {name: np.asarray(value).tolist() for name, value in arrays.items()}


def main() -> None:
    drawn = Problem(SHAPES, steps=STEPS, seed=1)
    rounded = [{n: np.round(x, 4) for n, x in a.items()} for a in (drawn.start, *drawn.noise)]
    problem = Problem.recorded(rounded[0], rounded[1:])
    entries = []
    for key, hyper, call, transformation in CALLS:
        free = key.startswith("schedule_free")
        evaluated = contrib.schedule_free_eval_params if free else (lambda state, x: x)
        path = record(transformation, problem, evaluated)
        entries.append({"key": key, "hyper": hyper, "call": call, **path})
    made = {name: version(name) for name in ("optax", "jax", "numpy")}
    made["submissions_algorithms"] = "commit 12c8e4ea93dc41a1ff6abc3debba9accd8ac1e3a"
    made["jestimator"] = "commit 326824a477feef6d92e6f44175000907a72899ca"
    start, noise = listed(problem.start), [listed(noise) for noise in problem.noise]
    golden.write({"made by": made, "start": start, "noise": noise, "paths": entries})


if __name__ == "__main__":
    main()
