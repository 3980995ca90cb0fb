"""Independent implementations of every method, and how far an edition is from them.

Of each method of the catalog :data:`REFERENCES` lists who else computes it: torch.optim, a package
of its authors, a package that collects methods, a recorded path, or an oracle written from the
paper's formula in plain Python numbers (:mod:`tests.proof.oracles`). A reference says which
hyper-parameters it can express; a setting that it cannot it does not cover.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import Any
from unittest.mock import patch

import numpy as np

from adaopt.catalog import Card, card
from tests.proof import golden, matrix_oracles, oracles
from tests.proof.parity import (
    TOLERANCE,
    Arrays,
    Path,
    Problem,
    distance,
    numpy_path,
    path_error,
    torch_path,
)

Keywords = dict[str, Any]
Translation = Callable[[Keywords], Keywords | None]
SHAPES = {"matrix": (4, 3), "stack": (2, 3, 2), "vector": (5,), "scalar": ()}
MATRICES = {"tall": (4, 3), "wide": (2, 5), "square": (3, 3)}
FULL_RANK = {"square": (4, 4), "small": (3, 3), "vector": (5,)}


@cache
def usual() -> Problem:
    """What most references descend."""
    return Problem(SHAPES)


@cache
def matrices() -> Problem:
    """For programs that take matrices only."""
    return Problem(MATRICES)


@cache
def full_rank() -> Problem:
    """One gradient leaves no direction of a matrix free."""
    return Problem(FULL_RANK)


@dataclass(frozen=True, eq=False)
class Reference:
    """Somebody else's program of a method.

    Attributes:
        name: of the program, as it is printed.
        translate: from all hyper-parameters under our names to its own keywords; None where it has
            no such setting.
        run: its path along a problem, with its own keywords.
        problem: what is descended, if not 50 steps on arrays of four shapes.
        settings: hyper-parameters to compare at besides the variants of the card.
        tolerance: of :func:`~tests.proof.parity.distance` between its path and ours.
        note: where the program departs from the paper, or covers only a part.
    """

    name: str
    translate: Translation
    run: Callable[[Keywords, Problem], Path]
    problem: Callable[[], Problem] = usual
    settings: tuple[Keywords, ...] = ()
    tolerance: float = TOLERANCE
    note: str = ""

    def covers(self, hyper: Keywords) -> bool:
        """Whether it can express these hyper-parameters (all of them, under our names)."""
        return self.translate(_descending(hyper)) is not None

    def path(self, hyper: Keywords) -> Path:
        """Its path at these hyper-parameters."""
        problem = self.problem()
        if hyper.get("maximize"):
            problem = problem.upside_down()
        return self.run(self.translate(_descending(hyper)), problem)


def reference_errors(
    key: str | Card,
    hyper: Mapping[str, Any] | None = None,
    *,
    numpy_class: type | None = None,
    torch_class: type | None = None,
    edition: str = "numpy",
) -> dict[Reference, float]:
    """How far an edition is from each reference that covers these hyper-parameters.

    Args:
        key: of the card in the catalog, or the card.
        hyper: keywords that replace the card's own settings.
        numpy_class, torch_class: classes to take in place of the card's.
        edition: ``"numpy"`` or ``"torch"``.

    Raises:
        ImportError: the reference's package is not installed; the message names it.
    """
    entry = key if isinstance(key, Card) else card(key)
    own = {**entry.preset, **(hyper or {})}
    errors = {}
    for reference in references(entry, own):
        problem = reference.problem()
        theirs = _recalled(reference, tuple(sorted(_all(entry, own).items())))
        if edition == "torch":
            working = torch_class or entry.torch_class
            errors[reference] = distance(torch_path(partial(working, **own), problem), theirs)
        elif numpy_class:
            errors[reference] = path_error(numpy_class, own, problem, theirs)
        else:
            errors[reference] = distance(numpy_path(entry.numpy_class(**own), problem), theirs)
    return errors


def reference_error(
    key: str | Card, hyper: Mapping[str, Any] | None = None, **how: Any
) -> float | None:
    """The largest of :func:`reference_errors`, with its arguments; None if no reference covers."""
    return max(reference_errors(key, hyper, **how).values(), default=None)


def references(key: str | Card, hyper: Mapping[str, Any] | None = None) -> tuple[Reference, ...]:
    """The references of a method: all, or those that cover these hyper-parameters."""
    entry = key if isinstance(key, Card) else card(key)
    known = REFERENCES.get(entry.key, ())
    if hyper is None:
        return known
    return tuple(reference for reference in known if reference.covers(_all(entry, hyper)))


def settings(key: str | Card) -> tuple[Keywords, ...]:
    """Every setting a method is compared at: defaults, variants, settings of its references."""
    entry = key if isinstance(key, Card) else card(key)
    own = [dict(hyper) for reference in references(entry) for hyper in reference.settings]
    found = []
    for hyper in ({}, *entry.variants, *own):
        if (whole := {**entry.preset, **hyper}) not in found:
            found.append(whole)
    return tuple(found)


@cache
def _recalled(reference: Reference, hyper: tuple) -> Path:
    return reference.path(dict(hyper))


def _all(entry: Card, hyper: Mapping[str, Any]) -> Keywords:
    return {**{h.name: h.default for h in entry.hyper}, **entry.preset, **hyper}


def _descending(hyper: Keywords) -> Keywords:
    return {name: value for name, value in hyper.items() if name != "maximize"}


# Translations.


def takes(*same: str, given: Mapping[str, Any] | None = None, **only: tuple) -> Translation:
    """The translation that hands on the keywords ``same``; anything else must be in ``only``.

    Args:
        same: names of keywords that the reference has too.
        given: keywords of the reference where we have none.
        only: the values of our keywords that the reference can express; of one that is not in
            ``same`` without saying so.
    """

    def translate(hyper: Keywords) -> Keywords | None:
        for name, value in hyper.items():
            allowed = only.get(name, (value,) if name in same else ())
            if not any(type(value) is type(a) and value == a for a in allowed):
                return None
        return {**(given or {}), **{name: v for name, v in hyper.items() if name in same}}

    return translate


# Ways to run a reference.


def program(
    name: str, translate: Translation, label: str = "", uncast: str = "", **how: Any
) -> Reference:
    """An optimizer class of an installed package, ``package.module.Class``.

    ``uncast`` is the lower precision that it casts to, whatever its parameters have; here it does
    not, so that its formula can be compared.
    """

    def run(keywords: Keywords, problem: Problem) -> Path:
        import torch

        chosen, default = _load(name), torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)  # NAdam keeps a product of scalars in the default
        with redirect_stdout(io.StringIO()), ExitStack() as stack:  # prodigyopt prints
            stack.callback(torch.set_default_dtype, default)
            if uncast:
                stack.enter_context(patch.object(torch, uncast, torch.float64))
            if uncast == "bfloat16":
                stack.enter_context(patch.object(torch.Tensor, uncast, torch.Tensor.clone))
            return torch_path(partial(chosen, **keywords), problem)

    return Reference(label or name, translate, run, **how)


def oracle(
    function: Callable, translate: Translation, scope: str = "coordinate", **how: Any
) -> Reference:
    """A generator of :mod:`tests.proof.oracles`; it knows a coordinate, a tensor or everything."""
    run = partial(_oracle_path, function, scope)
    return Reference(f"oracle {function.__name__}", translate, run, **how)


def matrix_oracle(function: Callable, translate: Translation, **how: Any) -> Reference:
    """A generator of :mod:`tests.proof.matrix_oracles`; it knows an array."""

    def run(keywords: Keywords, problem: Problem) -> Path:
        runs = {n: function(x, **keywords) for n, x in problem.start.items()}
        points = [{n: next(run) for n, run in runs.items()}]
        for k in range(problem.steps):
            g = problem.gradient(k, points[-1])
            points.append({n: run.send(g[n]) for n, run in runs.items()})
        return Path(points, points[-1])

    return Reference(f"oracle {function.__name__}", translate, run, **how)


def recorded(key: str) -> tuple[Reference, ...]:
    """The paths of ``golden/paths.json`` that belong to a card."""

    def one(entry: dict[str, Any]) -> Reference:
        hyper = entry["hyper"]

        def translate(asked: Keywords) -> Keywords | None:
            return {} if asked == _descending(_all(card(key), hyper)) else None

        return Reference(
            f"{entry['call']} (recorded)",
            translate,
            lambda keywords, problem: golden.path(entry),
            golden.problem,
            (hyper,),
        )

    return tuple(one(entry) for entry in golden.entries(key))


def _load(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        package = module.split(".")[0]
        raise ImportError(
            f"the comparison with {name} needs the package {package}, of the extra `test`: "
            "pip install 'adaopt[test]'"
        ) from error


def _oracle_path(function: Callable, scope: str, keywords: Keywords, problem: Problem) -> Path:
    """Drive the generators: all coordinates as one list, cut as the scope says."""
    shapes = {name: x.shape for name, x in problem.start.items()}
    ends = np.cumsum([x.size for x in problem.start.values()])

    def listed(arrays: Arrays) -> list[float]:
        return [float(a) for x in arrays.values() for a in x.ravel()]

    def shaped(numbers: list[float]) -> Arrays:
        parts = np.split(np.array(numbers), ends[:-1])
        return {n: part.reshape(shapes[n]) for n, part in zip(shapes, parts, strict=True)}

    start = listed(problem.start)
    if scope == "coordinate":
        parts = list(range(len(start)))
    elif scope == "tensor":
        parts = [slice(low, high) for low, high in zip([0, *ends], ends, strict=False)]
    else:
        parts = [slice(None)]

    def joined(found: list) -> list[float]:
        return found if scope == "coordinate" else [a for part in found for a in part]

    runs = [function(start[part], **keywords) for part in parts]
    asked, points = [next(run) for run in runs], []
    for k in range(problem.steps + 1):
        pairs = [a if isinstance(a, tuple) else (a, a) for a in asked]
        points.append(shaped(joined([point for point, _ in pairs])))
        x = shaped(joined([evaluated for _, evaluated in pairs]))
        if k < problem.steps:
            g = listed(problem.gradient(k, points[-1]))
            asked = [run.send(g[part]) for run, part in zip(runs, parts, strict=True)]
    return Path(points, x)


def momentum_only(hyper: Keywords) -> Keywords | None:
    """Generalized Adam in the words of torch.optim.SGD."""
    if hyper["preconditioning"] or hyper["weight_decay"]:
        return None
    return {"lr": hyper["lr"], "momentum": hyper["betas"][0], "nesterov": hyper["nesterov"]}


def sums_only(hyper: Keywords) -> Keywords | None:
    """Shampoo in the words of pytorch_optimizer."""
    own = {n: hyper[n] for n in ("lr", "weight_decay")}
    plain = {h.name: h.default for h in card("shampoo").hyper if h.name != "maximize"}
    if hyper != {**plain, **own, "beta": 1.0, "eps": hyper["eps"]}:
        return None
    return {**own, "matrix_eps": hyper["eps"], "weight_decouple": True}


def inside(translate: Translation, name: str) -> Translation:
    """The translation, where this hyper-parameter is neither 0 nor 1."""
    return lambda hyper: translate(hyper) if 0 < hyper[name] < 1 else None


def apart(translate: Translation) -> Translation:
    """The translation, with the two betas under names of their own."""

    def translated(hyper: Keywords) -> Keywords | None:
        if (keywords := translate(hyper)) is None:
            return None
        keywords["momentum"], keywords["beta2"] = keywords.pop("betas")
        return keywords

    return translated


# The list.

ADAM = ("lr", "betas", "eps", "weight_decay")
SGD = program("torch.optim.SGD", takes("lr", "momentum", "dampening", "weight_decay", "nesterov"))
NADAMW = {"variant": "algoperf", "decoupled_weight_decay": True, "momentum_decay": 0.0}
FREE = ("lr", "weight_decay", "warmup_steps", "r", "weight_lr_power")
PRODIGY = (
    *(*ADAM, "beta3", "decouple", "use_bias_correction", "safeguard_warmup"),
    *("d0", "d_coef", "growth_rate"),
)
MUON = ("lr", "weight_decay", "momentum", "nesterov", "ns_coefficients", "eps", "ns_steps")
SOAP = (*ADAM, "shampoo_beta", "precondition_frequency", "max_precondition_dim")
SHAMPOO = (
    *("lr", "beta", "eps", "exponent", "betas", "momentum", "nesterov", "weight_decay"),
    *("grafting", "graft_eps", "bias_correction", "precondition_frequency", "start_step"),
)
TORCH_NADAM = ("momentum_decay", "decoupled_weight_decay")

REFERENCES: dict[str, tuple[Reference, ...]] = {
    **dict.fromkeys(("gd", "sgd", "momentum", "nesterov"), (SGD,)),
    "adagrad": (
        program(
            "torch.optim.Adagrad",
            takes(
                *("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
                eps_inside=(False,),
            ),
            note="eps outside the root only",
        ),
        oracle(
            oracles.adagrad,
            takes(
                *("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
                "eps_inside",
            ),
        ),
        *recorded("adagrad"),
    ),
    "rmsprop": (
        program(
            "torch.optim.RMSprop",
            takes(
                *("lr", "alpha", "eps", "weight_decay", "momentum", "centered"),
                eps_inside=(False,),
            ),
            note="eps outside the root only",
        ),
        oracle(
            oracles.rmsprop,
            takes(*("lr", "alpha", "eps", "weight_decay", "momentum", "centered", "eps_inside")),
        ),
        *recorded("rmsprop"),
    ),
    "adadelta": (
        program("torch.optim.Adadelta", takes("lr", "rho", "eps", "weight_decay")),
        oracle(oracles.adadelta, takes("lr", "rho", "eps", "weight_decay")),
        *recorded("adadelta"),
    ),
    "adam": (
        program(
            "torch.optim.Adam",
            takes(*ADAM, "decoupled_weight_decay", "amsgrad", amsgrad=(False, True)),
            note="amsgrad=True: the maximum is of v, the bias correction follows",
        ),
        oracle(oracles.adam, takes(*ADAM, "amsgrad", "decoupled_weight_decay")),
        *recorded("adam"),
    ),
    "amsgrad": (
        oracle(
            oracles.adam,
            takes(
                *(*ADAM, "amsgrad", "decoupled_weight_decay"),
                given={"decoupled_weight_decay": False, "amsgrad": "paper"},
            ),
        ),
        *recorded("amsgrad"),
    ),
    "adamw": (
        program(
            "torch.optim.AdamW",
            takes(*ADAM, "amsgrad", amsgrad=(False, True), decoupled_weight_decay=(True,)),
            note="amsgrad=True: the maximum is of v, the bias correction follows",
        ),
        oracle(
            oracles.adam,
            takes(
                *(*ADAM, "amsgrad", "decoupled_weight_decay"),
                given={"decoupled_weight_decay": True},
            ),
        ),
        *recorded("adamw"),
    ),
    "nadam": (
        program(
            "torch.optim.NAdam",
            takes(*ADAM, *TORCH_NADAM, variant=("torch",)),
            note="keeps the product of momenta in the default dtype: float64 here",
        ),
        program(
            "torch.optim.NAdam",
            takes(
                *(*ADAM, "decoupled_weight_decay"),
                given={"momentum_decay": 1e9},
                momentum_decay=(4e-3,),
                variant=("dozat",),
            ),
            "torch.optim.NAdam(momentum_decay=1e9)",
        ),
        oracle(oracles.nadam, takes(*ADAM, *TORCH_NADAM, "variant")),
        *recorded("nadam"),
    ),
    "nadamw": (
        oracle(oracles.nadamp, takes(*ADAM, given={"power": 2.0})),
        oracle(oracles.nadam, takes(*ADAM, given=NADAMW)),
        *recorded("nadamw"),
    ),
    "nadamp": (oracle(oracles.nadamp, takes(*ADAM, "power")), *recorded("nadamp")),
    "generalized_adam": (
        *recorded("generalized_adam"),
        oracle(oracles.generalized_adam, takes(*ADAM, "preconditioning", "nesterov")),
        program(
            "torch.optim.SGD",
            momentum_only,
            note="without preconditioning and decay, which torch couples",
        ),
    ),
    "signsgd": (
        program("pytorch_optimizer.SignSGD", takes("lr", "weight_decay", given={"momentum": 0.0})),
        oracle(oracles.signum, takes("lr", "weight_decay", given={"momentum": 0.0})),
        *recorded("signsgd"),
    ),
    "signum": (
        program("pytorch_optimizer.SignSGD", takes("lr", "momentum", "weight_decay")),
        oracle(oracles.signum, takes("lr", "momentum", "weight_decay")),
    ),
    "lion": (
        program("pytorch_optimizer.Lion", takes("lr", "betas", "weight_decay")),
        oracle(oracles.lion, takes("lr", "betas", "weight_decay")),
        *recorded("lion"),
    ),
    "laprop": (
        oracle(oracles.laprop, takes(*ADAM)),
        program(
            "pytorch_optimizer.LaProp",
            takes(*ADAM, given={"foreach": False}, eps=(1e-15,), weight_decay=(0.0,)),
            tolerance=1e-9,
            note="adds 1e-15 under the root and eps before v is corrected; decays after the step",
        ),
    ),
    "ademamix": (
        oracle(oracles.ademamix, takes(*ADAM, "alpha", "alpha_warmup", "beta3_warmup")),
        program(
            "pytorch_optimizer.AdEMAMix",
            takes(
                *(*ADAM, "alpha"),
                given={"weight_decouple": True},
                alpha_warmup=(0,),
                beta3_warmup=(0,),
            ),
            note="one warm-up for both; decays through the gradient by default",
        ),
        *recorded("ademamix"),
    ),
    "adafactor": (
        program(
            "torch.optim.Adafactor",
            takes("lr", "beta2_decay", "eps", "d", "weight_decay"),
            note="eps1 at the division and not in the averages; lr bounds the relative step",
        ),
    ),
    "amos": (
        oracle(oracles.amos, takes("lr", "scale", "beta", "eps"), "tensor"),
        *recorded("amos"),
    ),
    "schedule_free_sgd": (
        program("schedulefree.SGDScheduleFree", inside(takes(*FREE, "momentum"), "momentum")),
        oracle(oracles.schedule_free, takes(*FREE, "momentum")),
        *recorded("schedule_free_sgd"),
    ),
    "schedule_free_adamw": (
        program("schedulefree.AdamWScheduleFree", takes(*FREE, "betas", "eps")),
        oracle(oracles.schedule_free, apart(takes(*FREE, "betas", "eps"))),
        *recorded("schedule_free_adamw"),
    ),
    "prodigy": (
        program(
            "prodigyopt.Prodigy",
            lambda hyper: takes(*PRODIGY)(hyper) if hyper["betas"][0] else None,
            note="without momentum (beta1 = 0) the step takes the new d once",
        ),
        oracle(oracles.prodigy, takes(*PRODIGY), "all"),
        *recorded("prodigy"),
    ),
    "schedule_free_prodigy": (
        oracle(oracles.schedule_free_prodigy, takes(*ADAM, "r", "d0", "d_coef"), "all"),
        *recorded("schedule_free_prodigy"),
    ),
    "shampoo": (
        program(
            "pytorch_optimizer.Shampoo",
            sums_only,
            problem=matrices,
            settings=({"beta": 1.0, "eps": 1e-3, "lr": 0.1, "weight_decay": 0.1},),
            note="sums, at every step, without momentum and grafting",
        ),
        matrix_oracle(matrix_oracles.shampoo, takes(*SHAMPOO)),
    ),
    "caspr": (
        matrix_oracle(
            matrix_oracles.caspr,
            takes(*SHAMPOO, "variant"),
            tolerance=1e-11,
            note="at eps = 1e-8 the roots, applied twice, make rounding 1e4 times larger",
        ),
    ),
    "soap": (
        program(
            "pytorch_optimizer.SOAP",
            takes(*SOAP),
            uncast="float32",
            problem=full_rank,
            note="square matrices, as eigenvectors of zero are any; no cast to float32 before QR",
        ),
    ),
    "muon": (
        program(
            "torch.optim.Muon",
            takes(
                *(*MUON, "adjust_lr_fn"),
                adjust_lr_fn=(None, "original", "match_rms_adamw"),
                polar=("quintic",),
                row_beta=(None,),
                cautious=(False,),
            ),
            uncast="bfloat16",
            problem=matrices,
            note="matrices only; without its cast to bfloat16",
        ),
        matrix_oracle(
            matrix_oracles.muon, takes(*MUON, "adjust_lr_fn", "polar", "row_beta", "cautious")
        ),
    ),
}
