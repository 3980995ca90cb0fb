"""The page that proves the rules: every number on it is measured when the book is built."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

HEAD = """\
# Proof of the rules

Every rule of the [catalog](catalog.md) is written twice, by different means: in NumPy, to be read,
and in torch, to work.
No number on this page is typed: the build of the book runs every method, in both editions and at
every setting below, along {steps} gradients in float64, and writes down how far the paths come
apart.
The gradients change sign and scale, so that no two terms of a formula stay proportional.
An error is the largest $|a - b| / (1 + |b|)$ of all coordinates and steps;
{tolerance:.0e} is allowed between the editions.

"""
SUMMARY = """\
- **editions**: NumPy against torch.
- **references**: against implementations that we did not write, or an oracle that repeats the
  paper's formula in plain Python numbers; the largest error.
- **state**: bytes kept for each float32 parameter, counted after a step on {shape} parameters.
- **time**: of a step at 10 million parameters, divided by that of `torch.optim` with `foreach`;
  **compiled**: of the step with `fused=True`, divided by the time that torch's fused AdamW would
  need to move as many bytes. Both come from the [benchmarks](performance.md), where they were run.

| method | settings | editions | references | state | time | compiled |
| --- | --- | --- | --- | --- | --- | --- |
"""
SETTINGS = """
## Every setting

The defaults of each method, and the settings that reach every branch of its rule.

"""
MISTAKE_HEAD = """
## The mistakes

Each of the mistakes below was written into the rule, a few words at a time, and the comparisons
were made again: they must fail. {known} of the {all} are known from public code, courses and papers
or are the rule of another method, as the lists say; the rest are slips of one symbol. They are kept
as data, so that an exercise can say which mistake a wrong answer makes.

| method | mistakes injected | noticed by the other edition | noticed by the references |
| --- | --- | --- | --- |
"""
AVERAGES = """
## The averages

The averages that go around any optimizer are compared, in both editions, with lists of iterates
averaged by hand; of the mistakes injected all must be noticed.

| average | NumPy edition | torch edition | mistakes injected | noticed |
| --- | --- | --- | --- | --- |
"""
SHAPE = (64, 64)


def measure() -> dict[str, Any]:
    """Every number of the page: of the methods and of the averages, by key."""
    from joblib import Parallel, delayed

    from adaopt.catalog import CARDS, WRAPPERS

    methods = dict(Parallel(n_jobs=-1)(delayed(measure_card)(key) for key in CARDS))
    return {"methods": methods, "averages": {key: measure_average(key) for key in WRAPPERS}}


def measure_average(key: str) -> dict[str, Any]:
    """How far both editions are from an oracle, and how far the mistakes are."""
    from adaopt.grading.mistakes import AVERAGES, mutated
    from tests.proof import average_error
    from tests.proof.injection import NOTICED

    errors = [average_error(key, numpy_class=mutated(key, mistake)) for mistake in AVERAGES[key]]
    return {
        "errors": [average_error(key, edition=edition) for edition in ("numpy", "torch")],
        "mistakes": [error > NOTICED for error in errors],
    }


def measure_card(key: str) -> tuple[str, dict[str, Any]]:
    """The key, and the numbers of its method."""
    from adaopt.grading.mistakes import MISTAKES
    from tests import proof
    from tests.proof.injection import NOTICED, inject

    settings = [
        {
            "hyper": {n: repr(v) for n, v in hyper.items()},
            "parity": proof.parity_error(key, hyper),
            "references": {r.name: e for r, e in proof.reference_errors(key, hyper).items()},
            "bytes": state_bytes(key, hyper),
        }
        for hyper in proof.settings(key)
    ]
    found = {mistake.name: inject(key, mistake) for mistake in MISTAKES[key]}
    mistakes = {name: [error > NOTICED for error in errors] for name, errors in found.items()}
    notes = {reference.name: reference.note for reference in proof.references(key)}
    return key, {"settings": settings, "notes": notes, "mistakes": mistakes}


def state_bytes(key: str, hyper: dict[str, Any]) -> float:
    """Bytes of state for each float32 parameter, the step counter aside."""
    import torch

    from adaopt.catalog import card

    p = torch.nn.Parameter(torch.ones(SHAPE))
    optimizer = card(key).torch_class([p], **hyper)
    p.grad = torch.ones(SHAPE)
    optimizer.step()
    kept = [v for n, v in optimizer.state[p].items() if torch.is_tensor(v) and n != "step"]
    return sum(tensor.nbytes for tensor in kept) / p.numel()


def measured(root: Path, cache: Path) -> dict[str, Any]:
    """What :func:`measure` returns, from the cache while the package is the same."""
    rooms = root / "adaopt", root / "tests" / "proof"
    sources = [
        path for room in rooms for kind in ("*.py", "*.json") for path in sorted(room.rglob(kind))
    ]
    total = hashlib.sha256()
    for path in [*sources, root / "requirements.txt", Path(__file__)]:
        total.update(path.read_bytes())
    made_from = total.hexdigest()
    if cache.is_file() and (known := json.loads(cache.read_text()))["made from"] == made_from:
        return known["numbers"]
    numbers = measure()
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps({"made from": made_from, "numbers": numbers}))
    return numbers


def number(error: float | None) -> str:
    return "–" if error is None else "0" if error == 0 else f"{error:.0e}"


def text(words: str) -> str:
    """Plain words in a cell of a table."""
    return words.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*").replace("<", "&lt;")


def sources(words: str) -> str:
    """Where a mistake was met; ``owner/repository#number`` becomes a link to the thread."""
    thread = r"([\w.-]+/[\w.-]+)#(\d+)"
    parts = re.split(thread, words)
    links = (
        f"[{text(name)}#{number}](https://github.com/{name}/issues/{number})"
        for name, number in zip(parts[1::3], parts[2::3], strict=True)
    )
    return "".join(f"{text(before)}{next(links, '')}" for before in parts[::3])


def worst(found: dict[str, Any], name: str) -> float | None:
    """The largest error over all settings; of ``references``, over those too."""
    errors = [s[name] for s in found["settings"]]
    if name == "references":
        errors = [error for each in errors for error in each.values()]
    return max(errors, default=None)


def times(root: Path) -> dict[str, tuple[str, str]]:
    """By key: the ratio of a step at 10 million parameters, and of the compiled one."""
    path = root / "benchmarks" / "results" / "step.json"
    rows = json.loads(path.read_text())["rows"] if path.is_file() else []
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["size"].startswith("10M") and not row["hyper"]:  # at the card's own settings
            ratio = {"adaopt": "to_foreach", "adaopt fused": "to_fused_by_bytes"}
            value = row.get(ratio.get(row["candidate"], ""))
            if value is not None:
                found.setdefault(row["key"], {})[row["candidate"]] = f"{value:.2f}"
    return {k: (v.get("adaopt", "–"), v.get("adaopt fused", "–")) for k, v in found.items()}


def summary(root: Path, numbers: dict[str, Any]) -> str:
    from adaopt.catalog import CARDS

    ratios, rows = times(root), ""
    for key, found in numbers.items():
        cells = (
            f"[{CARDS[key].name}](#catalog-{key.replace('_', '-')})",
            str(len(found["settings"])),
            number(worst(found, "parity")),
            number(worst(found, "references")),
            f"{found['settings'][0]['bytes']:.3g}",
            *ratios.get(key, ("–", "–")),
        )
        rows += "| " + " | ".join(cells) + " |\n"
    return rows


def folded(name: str, rows: str) -> str:
    return f":::{{dropdown}} {name}\n{rows}:::\n\n"


def settings_table(key: str, found: dict[str, Any]) -> str:
    rows = "| setting | editions | references | state |\n| --- | --- | --- | --- |\n"
    for setting in found["settings"]:
        hyper = ", ".join(f"{n}={v}" for n, v in setting["hyper"].items())
        errors = "<br>".join(f"{number(e)} {text(n)}" for n, e in setting["references"].items())
        cells = (
            f"`{hyper}`" if hyper else "defaults",
            number(setting["parity"]),
            errors or "none covers it",
            f"{setting['bytes']:.3g}",
        )
        rows += "| " + " | ".join(cells) + " |\n"
    notes = (f"- {text(name)}: {text(note)}\n" for name, note in found["notes"].items() if note)
    return rows + "\n" + "".join(notes)


def mistakes_table(numbers: dict[str, Any]) -> str:
    """The section's beginning, with a row for each method."""
    from adaopt.catalog import CARDS
    from adaopt.grading.mistakes import MISTAKES, SLIP

    listed = [mistake for key in numbers for mistake in MISTAKES[key]]
    known = sum(mistake.source != SLIP for mistake in listed)
    rows = MISTAKE_HEAD.format(known=known, all=len(listed))
    for key, found in numbers.items():
        noticed = [sum(each) for each in zip(*found["mistakes"].values(), strict=True)]
        cells = (CARDS[key].name, str(len(found["mistakes"])), *map(str, noticed))
        rows += "| " + " | ".join(cells) + " |\n"
    return rows + "\n"


def mistakes_list(key: str, found: dict[str, Any]) -> str:
    from adaopt.grading.mistakes import MISTAKES, SLIP

    rows = ""
    for mistake in MISTAKES[key]:
        known = f" Known from {sources(mistake.source)}." if mistake.source != SLIP else ""
        missed = "" if all(found["mistakes"][mistake.name]) else " **Not noticed.**"
        rows += f"- **{text(mistake.name)}**. The step {text(mistake.message)}{known}{missed}\n"
    return rows


def averages_table(numbers: dict[str, Any]) -> str:
    from adaopt.catalog import WRAPPERS

    rows = ""
    for key, found in numbers.items():
        mistakes = found["mistakes"]
        cells = (*map(number, found["errors"]), str(len(mistakes)), str(sum(mistakes)))
        rows += "| " + " | ".join((WRAPPERS[key].name, *cells)) + " |\n"
    return AVERAGES + rows


def page(root: Path, cache: Path) -> str:
    """The whole page as MyST markdown."""
    from adaopt.catalog import CARDS
    from tests.proof import STEPS, TOLERANCE

    found = measured(root, cache)
    numbers, names = found["methods"], {key: card.name for key, card in CARDS.items()}
    shape = " x ".join(map(str, SHAPE))
    parts = [HEAD.format(steps=STEPS, tolerance=TOLERANCE), SUMMARY.format(shape=shape)]
    parts += [summary(root, numbers), SETTINGS]
    parts += [folded(names[key], settings_table(key, found)) for key, found in numbers.items()]
    parts.append(mistakes_table(numbers))
    parts += [folded(names[key], mistakes_list(key, found)) for key, found in numbers.items()]
    parts.append(averages_table(found["averages"]))
    return "".join(parts)
