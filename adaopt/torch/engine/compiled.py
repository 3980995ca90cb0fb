"""The compiled path (``fused=True``): one kernel list for the whole step, made by torch.compile.

The rule is traced as it stands. Its numbers (learning rate, step count, every float) enter as
scalars that are read at run time, so that a schedule does not compile anew; flags, words, integers
and zeros are constants of the trace, so that ``if h.weight_decay:`` in a rule is decided there.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .eager import Row
from .hyper import Hyper


class Slot(NamedTuple):
    """The place of a number that is read at run time."""

    index: int


class Traceable(TorchFunctionMode):
    """Writes what a rule says in the words that torch.compile carries; the kernels are the same.

    ``x.add_(g, alpha=a)`` becomes ``x.add_(g * a)``: inductor hands keyword scalars to a kernel in
    float32, which would spoil float64; as factors they stay in float64. ``out=v`` becomes
    ``v.copy_``: dynamo takes only a contiguous ``out``.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        for word in ("alpha", "value"):
            if word in kwargs:
                args = (args[0], args[1] * kwargs.pop(word), *args[2:])
        if func is Tensor.lerp_:  # its decomposition branches on the weight
            x, end, weight = args
            return x.add_((end - x) * weight)
        out = kwargs.pop("out", None)
        result = func(*args, **kwargs)
        return result if out is None else out.copy_(result)


def require_compiler() -> None:
    """Raise RuntimeError naming what torch.compile lacks on this machine."""
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if shutil.which(compiler) is None:
        raise RuntimeError(
            f"`fused=True` compiles the step and needs a C++ compiler: {compiler!r} was not found. "
            "Install one (Debian: apt install g++), set CXX, or leave out `fused`"
        )
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        raise RuntimeError(
            f"`fused=True` compiles the step and needs Python's headers: {header} was not found. "
            "Install them (Debian: apt install python3-dev), or leave out `fused`"
        )


class Compiler:
    """Compiled steps of one optimizer, one for each list of tensors and set of constants."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.reading = torch._dynamo.config.patch(capture_scalar_outputs=True)
        self.steps: dict[Hashable, Callable[..., None]] = {}

    def __call__(
        self, name: str, hyper: dict[str, Any], k: int, rows: list[Row]
    ) -> list[tuple[float, ...]]:
        """Call ``rule`` or ``measure`` on every row ``(x, g, *buffers)``, all at step ``k``."""
        numbers: list[float] = []
        constants = tuple((name, _separate(value, numbers)) for name, value in hyper.items())
        count = _separate(float(k), numbers)
        rows = [row for row in rows if row[0].numel()]
        key = (name, constants, count, *[row[0].shape for row in rows])
        step = self.steps.get(key)
        if step is None:
            step = self.steps[key] = self._compile(name, constants, count)
        with self.reading:
            found = step(rows, torch.tensor(numbers, dtype=torch.float64))
        return [tuple(s.item() for s in sums) for sums in found if sums is not None]

    def _compile(self, name: str, constants: tuple, count: Slot | float) -> Callable[..., list]:
        require_compiler()
        call = partial(getattr(self.optimizer.__class__, name), self.optimizer)

        def step(rows: list[Row], numbers: Tensor) -> list:
            scalars = [number.item() for number in numbers.unbind()]
            for scalar in scalars:
                torch._check(scalar != 0)
            h = Hyper({name: _fill(value, scalars) for name, value in constants})
            k = _fill(count, scalars)
            torch._check(k != 1)  # first steps are never compiled
            with Traceable():
                return [call(x, -g if h.maximize else g, h, k, *kept) for x, g, *kept in rows]

        # Compilations are kept, and limited in number, per code object: each step gets its own.
        own = FunctionType(step.__code__.replace(), step.__globals__, closure=step.__closure__)
        options = {"size_asserts": False, "guard_filter_fn": _guards}
        return torch.compile(own, fullgraph=True, dynamic=False, options=options)


# What dynamo would check at every call although the Compiler's key has decided it.
DECIDED = {
    "BUILTIN_MATCH",
    "CLASS_MATCH",
    "CLOSURE_MATCH",
    "CONSTANT_MATCH",
    "MODULE_MATCH",
    "SEQUENCE_LENGTH",
    "TYPE_MATCH",
}


def _guards(found: Sequence[Any]) -> list[bool]:
    """Keep the checks of tensors and of torch's state; leave out what the key decides."""
    return [guard.guard_type not in DECIDED for guard in found]


def _separate(value: Any, numbers: list[float]) -> Any:
    """The value with every float but zero moved to ``numbers`` and its Slot left in its place."""
    if isinstance(value, tuple):
        return tuple(_separate(v, numbers) for v in value)
    if isinstance(value, float) and value != 0:
        numbers.append(value)
        return Slot(len(numbers) - 1)
    return value


def _fill(value: Any, scalars: list[Any]) -> Any:
    """The inverse of :func:`_separate`."""
    if isinstance(value, Slot):
        return scalars[value.index]
    if isinstance(value, tuple):
        return tuple(_fill(v, scalars) for v in value)
    return value
