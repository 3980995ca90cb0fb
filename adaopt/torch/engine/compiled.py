"""The compiled path (``fused=True``): torch's inductor makes one kernel of the whole rule.

The rule is traced as it stands, for one parameter and its buffers, and the kernel serves all
parameters of the same kind: contiguous tensors are plain memory of any length to an elementwise
rule; others have a kernel of their own shape and strides. What Python computes of numbers alone (a
learning rate times a decay) it computes at every step, as on the eager path, and the kernel reads
the results, so that a schedule does not compile anew. Flags, words, integers and zeros are
constants of the trace, so that ``if h.weight_decay:`` in a rule is decided there.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Hashable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.autograd.graph import increment_version
from torch.func import functionalize
from torch.utils._pytree import tree_leaves

from .eager import Row
from .hyper import Hyper
from .tracing import Number, Traceable

WIDTH = 64  # the most numbers that a kernel reads
SMALL = 2**13  # a tensor of fewer elements is not worth a second thread
LISTS = 8  # lists of tensors that an optimizer remembers for each set of constants
LOW = (torch.float16, torch.bfloat16)


def require_compiler() -> None:
    """Raise RuntimeError naming what torch's compiler lacks on this machine."""
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


class Slot(NamedTuple):
    """The place of a number that is read at run time."""

    index: int


class Kernel(NamedTuple):
    """Code for rows of one kind: called with their size, the numbers and the tensors."""

    call: Callable[[list], tuple]
    numbers: Callable[[list[float]], tuple[float, ...]]  # what it reads, of the step's numbers
    dtype: torch.dtype


class Call(NamedTuple):
    """One row's part of a step; ``reach`` is how many bytes its parameter spans."""

    call: Callable[[list], tuple]
    size: int
    numbers: Tensor
    reach: int


class Plan(NamedTuple):
    """The step of a list of tensors, and of all lists that ``fits`` finds to be like it."""

    fits: Callable[..., bool]
    numbers: list[tuple[Kernel, Tensor, Tensor]]  # computed on the host, read on the device
    calls: list[Call]


# The kernels of each class serve all its instances.
KERNELS: WeakKeyDictionary[type, dict[Hashable, Kernel | None]] = WeakKeyDictionary()


class Compiler:
    """Compiled steps of one optimizer."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.plans: dict[Hashable, list[Plan]] = {}

    def __call__(
        self, name: str, hyper: dict[str, Any], k: int, rows: list[Row]
    ) -> list[tuple[float, ...]]:
        """Call ``rule`` or ``measure`` on every row ``(x, g, *buffers)``, all at step ``k > 1``."""
        values = [float(k)]
        constants = (name, *[(word, _separate(v, values)) for word, v in hyper.items()])
        flat = [t for t in chain.from_iterable(rows) if t is not None]
        missing: tuple[bool, ...] = ()
        if len(flat) < len(rows) * len(rows[0]):
            missing = tuple([t is None for t in chain.from_iterable(rows)])
        plans = self.plans.setdefault((constants, missing), [])
        plan = next((plan for plan in plans if plan.fits(*flat)), None)
        if plan is None:
            plan = self._plan(constants, rows, flat)
            plans[:] = [plan, *plans[: LISTS - 1]]
        for kernel, host, there in plan.numbers:
            found = kernel.numbers(values)
            host.numpy()[: len(found)] = found
            if there is not host:
                there.copy_(host)
        if missing:
            rows = [tuple([t for t in row if t is not None]) for row in rows]
        sums = []
        for (call, size, numbers, reach), row in zip(plan.calls, rows, strict=True):
            if abs(row[0].data_ptr() - row[1].data_ptr()) < reach:
                row = (row[0], row[1].clone(), *row[2:])  # the gradient as it was before the step
            sums.append(call([size, numbers, *row]))
        if name == "rule":
            increment_version([row[0] for row in rows])  # as every write in place does
        return [tuple([s.item() for s in found]) for found in sums if found]

    def _plan(self, constants: tuple, rows: list[Row], flat: list[Tensor]) -> Plan:
        """Find or compile the kernel of each row."""
        from torch._C._dynamo.guards import TensorGuards

        numbers: dict[int, tuple[Kernel, Tensor, Tensor]] = {}
        calls = []
        for row in rows:
            x = row[0]
            if not x.numel():
                calls.append(Call(lambda inputs: (), 0, x, 0))
                continue
            kernel = self._kernel(constants, row, self.optimizer.elementwise and _is_memory(row))
            if id(kernel) not in numbers:
                host = torch.zeros(WIDTH, dtype=kernel.dtype)
                numbers[id(kernel)] = (kernel, host, host.to(x.device))
            span = sum((n - 1) * s for n, s in zip(x.shape, x.stride(), strict=True)) + 1
            reach = span * x.element_size()
            calls.append(Call(kernel.call, x.numel(), numbers[id(kernel)][2], reach))
        fits = TensorGuards(*flat, dynamic_dims_sizes=None, dynamic_dims_strides=None).check
        return Plan(fits, list(numbers.values()), calls)

    def _kernel(self, constants: tuple, row: Row, memory: bool) -> Kernel:
        """The kernel for rows like this one; as ``memory`` of any size if the rule lets it."""
        kernels = KERNELS.setdefault(self.optimizer.__class__, {})
        x = row[0]
        kinds = [
            t
            if t is None
            else (
                t.dtype,
                t.is_neg(),
                *((t.shape == x.shape,) if memory else (t.shape, t.stride())),
            )
            for t in row
        ]
        kind = (constants, memory, x.numel() < SMALL, x.device, *kinds)
        if kind not in kernels:
            kernels[kind] = self._compile(constants, row, memory)
        return kernels[kind] or self._kernel(constants, row, False)

    def _compile(self, constants: tuple, row: Row, memory: bool) -> Kernel | None:
        """Trace and compile; None if the rule asks for the size of what is plain memory."""
        require_compiler()
        try:
            from torch._dynamo.source import ConstantSource
            from torch._inductor import config
            from torch._inductor.compile_fx import compile_fx_inner
            from torch._inductor.decomposition import select_decomp_table
            from torch._subclasses import FakeTensorMode
            from torch.fx.experimental.proxy_tensor import make_fx
            from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv
        except ImportError as error:
            raise RuntimeError(
                f"`fused=True` does not know the compiler of torch {torch.__version__} ({error}): "
                "leave out `fused`"
            ) from error
        x = row[0]
        if x.is_neg():
            raise RuntimeError("`fused=True` does not support a negative view as parameter")
        if any(n > 1 and not s for n, s in zip(x.shape, x.stride(), strict=True)):
            raise RuntimeError("`fused=True` does not support an expanded parameter")
        given = [t for t in row if t is not None]
        dtype = torch.float64 if x.dtype is torch.float64 else torch.float32
        trace = _Trace(self.optimizer, constants, row, dtype)
        env = ShapeEnv()
        with torch.inference_mode(False), torch.no_grad():
            size: Any = 0
            if memory:  # a size unknown to the trace; the hint decides on threads
                source = ConstantSource("size")
                hint = 64 if x.numel() < SMALL else 2**20
                symbol = env.create_symbol(hint, source, dynamic_dim=DimDynamic.DYNAMIC)
                size = env.create_symintnode(symbol, hint=hint, source=source)
            with FakeTensorMode(shape_env=env):
                inputs = [size, torch.empty(WIDTH, dtype=dtype, device=x.device)]
                for t in given:
                    shape, strides = t.shape, t.stride()
                    if memory:
                        shape, strides = ((size,) if shape == x.shape else shape), (1,)
                    inputs.append(
                        torch.empty_strided(shape, strides, dtype=t.dtype, device=t.device)
                    )
                functional = functionalize(trace)
                graph = make_fx(functional, decomposition_table=select_decomp_table())(*inputs)
            if env.guards or env.replacements:
                return None
            for node in graph.graph.nodes:
                if any(isinstance(v, float) and math.isnan(v) for v in tree_leaves(node.args)):
                    raise TypeError(
                        f"{self.optimizer.__class__.__name__}: `{constants[0]}` computes with a "
                        "number in a way that cannot be compiled: compute it in `numbers`"
                    )
            with config.patch(size_asserts=False, compile_threads=1):
                compiled = compile_fx_inner(graph, inputs, is_inference=True)
        text = "".join(f"{text}, " for text in trace.texts)
        numbers = eval(f"lambda n: ({text})", {"inf": math.inf})  # text made by Number
        return Kernel(compiled.current_callable, numbers, dtype)


class _Trace:
    """``rule`` or ``measure`` as a function of the size, the numbers and a row's tensors."""

    def __init__(self, optimizer: Any, constants: tuple, row: Row, dtype: torch.dtype) -> None:
        name, *words = constants
        self.call = partial(getattr(optimizer.__class__, name), optimizer)
        self.h = Hyper({word: _fill(value) for word, value in words})
        self.row = row
        self.texts: list[str] = []

    def __call__(self, size: Any, numbers: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = iter(tensors)
        row = [None if t is None else next(given) for t in self.row]
        # Low precision is computed in float32 and rounded once.
        wide = [t.float() if t is not None and t.dtype in LOW else t for t in row]
        mode = Traceable(numbers)
        with mode:
            x, g, *kept = wide
            g = -g if self.row[1].is_neg() else g
            found = self.call(x, -g if self.h.maximize else g, self.h, Number("n[0]", 0, 1), *kept)
        for t, w in zip(row, wide, strict=True):
            if w is not t and w is not g:
                t.copy_(w)
        self.texts = list(mode.elements)
        return tuple(found or ())


def _is_memory(row: Row) -> bool:
    """Whether one stretch of memory per tensor is all that an elementwise rule needs to see.

    All tensors have the parameter's shape and are contiguous, or dense with the same strides;
    single numbers besides are allowed.
    """
    x = row[0]
    others = [t for t in row[1:] if t is not None and t.shape != x.shape]
    if any(t.shape != (1,) or x.numel() == 1 for t in others):
        return False
    same = [t for t in row if t is not None and t.shape == x.shape]
    if all(t.is_contiguous() for t in same):
        return True
    order = sorted(range(x.dim()), key=x.stride, reverse=True)
    return x.permute(order).is_contiguous() and all(t.stride() == x.stride() for t in same)


def _separate(value: Any, values: list[float]) -> Any:
    """The value with every float but zero moved to ``values`` and its place left behind."""
    if type(value) is float and value != 0:
        values.append(value)
        return Slot(len(values) - 1)
    if type(value) is tuple:
        return tuple([_separate(v, values) for v in value])
    return value


def _fill(value: Any) -> Any:
    """The inverse of :func:`_separate`, with Numbers for the values."""
    if isinstance(value, Slot):
        return Number(f"n[{value.index}]", 0)
    if isinstance(value, tuple):
        return tuple([_fill(v) for v in value])
    return value
