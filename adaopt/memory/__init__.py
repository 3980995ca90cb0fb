"""Where the memory of training goes: counted, computed by formulas, and measured without a GPU.

All sizes are bytes, and 1 GB is 10^9 of them. The names below are loaded when they are first asked
for, because most of them need torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "models": ("count_parameters", "gpt_config"),
    "states": ("PRECISIONS", "States", "model_states", "optimizer_state", "zero_states"),
    "formulas": (
        "ATTENTION",
        "activations_formula",
        "best_segment",
        "peak_formula",
        "recomputation_formula",
    ),
    "measure": ("Ledger", "Saved", "activations_measured", "recomputation_measured"),
    "trace": ("Trace", "activations_peak", "activations_trace", "joined"),
    "allocator": ("Outcome", "best_fit", "capacity_needed", "segments"),
    "planning": ("Budget", "Line", "Plan", "budget"),
    "cuda": ("Comparison", "verify"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
