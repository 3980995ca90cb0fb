"""The compiled path (``fused=True``): torch's inductor makes one kernel of the whole rule.

The rule is traced as it stands, for one parameter and its buffers, and the kernel serves all
parameters of the same kind: contiguous tensors are plain memory of any length to an elementwise
rule; others have a kernel of their own shape and strides. What Python computes of numbers alone (a
learning rate times a decay) it computes at every step, as on the eager path, and the kernel reads
the results, so that a schedule does not compile anew. Flags, words, integers and zeros are
constants of the trace, so that ``if h.weight_decay:`` in a rule is decided there.

Nothing of torch.compile but the kernel runs at a step: one check in C++ that the tensors are like
those that the kernels were chosen for, and a call for each parameter.
"""

import math
import os
import shutil
import sys
import sysconfig
import threading
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.autograd.graph import increment_version
from torch.func import functionalize
from torch.utils._pytree import tree_leaves

from .eager import Row
from .tracing import Traced

WIDTH = 64  # the most numbers that a kernel reads
SMALL = 2**13  # a tensor of fewer elements is not worth a second thread
LISTS = 8  # lists of tensors that an optimizer remembers for each set of constants


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


class Kernel(NamedTuple):
    """Code for rows of one kind, called with their size, the numbers and the tensors."""

    call: Callable[[list], tuple]
    numbers: Callable[[list[float]], tuple[float, ...]]  # what it reads, of the step's numbers
    dtype: torch.dtype


class Numbers(NamedTuple):
    """The numbers of one kernel: computed, written into host memory, read ``there``."""

    compute: Callable[[list[float]], tuple[float, ...]]
    memory: Any
    host: Tensor
    there: Tensor


class Call(NamedTuple):
    """One row's part of a step; ``reach`` is how many bytes its parameter spans."""

    call: Callable[[list], tuple]
    size: int
    numbers: Tensor
    reach: int


class Plan(NamedTuple):
    """The step of a list of tensors, and of all lists that ``fits`` finds to be like it."""

    fits: Callable[..., bool]
    numbers: list[Numbers]
    calls: list[Call]


# The kernels of each class serve all its instances.
KERNELS: WeakKeyDictionary[type, dict[Hashable, Kernel | None]] = WeakKeyDictionary()
LOCK = threading.RLock()  # torch traces in one thread at a time


class Compiler:
    """Compiled steps of one optimizer."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.plans: dict[Hashable, list[Plan]] = {}

    def __call__(
        self, name: str, hyper: dict[str, Any], k: int, rows: list[Row]
    ) -> list[tuple[float, ...]]:
        """Call ``rule`` or ``measure`` on every row ``(x, g, *buffers)``, all at step ``k != 1``;
        what ``measure`` found."""
        values = [float(k)]
        constants = (name, *hyper, *_separate(hyper.values(), values), torch.get_num_threads())
        flat = [t for row in rows for t in row if t is not None]
        key: Hashable = (constants, len(rows))
        full = rows
        if len(flat) < len(rows) * len(rows[0]):
            key = (key, *[t is None for row in rows for t in row])
            rows = [tuple([t for t in row if t is not None]) for row in rows]
        plans = self.plans.setdefault(key, [])
        plan = next((plan for plan in plans if plan.fits(*flat)), None)
        if plan is None:
            plan = self._plan(Traced(self.optimizer, name, hyper), constants, full, flat)
            plans[:] = [plan, *plans[: LISTS - 1]]
        for compute, memory, host, there in plan.numbers:
            numbers = compute(values)
            memory[: len(numbers)] = numbers
            if there is not host:
                there.copy_(host)
        found = []
        for (call, size, numbers, reach), row in zip(plan.calls, rows, strict=True):
            if abs(row[0].data_ptr() - row[1].data_ptr()) < reach:
                row = (row[0], row[1].clone(), *row[2:])  # the gradient as it was before the step
            found.append(call([size, numbers, *row]))
        if name == "rule":
            increment_version([row[0] for row in rows])  # as every write in place does
        columns = zip(*filter(None, found), strict=True)
        return list(zip(*(torch.stack(column).tolist() for column in columns), strict=True))

    def _plan(self, rule: Traced, constants: Hashable, rows: list[Row], flat: list[Tensor]) -> Plan:
        """Find or compile the kernel of each row."""
        from torch._C._dynamo.guards import TensorGuards

        numbers: dict[int, Numbers] = {}
        calls = []
        for row in rows:
            x = row[0]
            if not x.numel():
                calls.append(Call(lambda inputs: (), 0, x, 0))
                continue
            memory = self.optimizer.elementwise and _is_memory(row)
            kernel = self._kernel(rule, constants, row, memory)
            if id(kernel) not in numbers:
                host = torch.zeros(WIDTH, dtype=kernel.dtype, device="cpu")
                there = host.to(x.device)
                numbers[id(kernel)] = Numbers(kernel.numbers, host.numpy(), host, there)
            span = sum((n - 1) * s for n, s in zip(x.shape, x.stride(), strict=True)) + 1
            there = numbers[id(kernel)].there
            calls.append(Call(kernel.call, x.numel(), there, span * x.element_size()))
        fits = TensorGuards(*flat, dynamic_dims_sizes=None, dynamic_dims_strides=None).check
        return Plan(fits, list(numbers.values()), calls)

    def _kernel(self, rule: Traced, constants: Hashable, row: Row, memory: bool) -> Kernel:
        """The kernel for rows like this one; as ``memory`` of any size if the rule lets it."""
        kernels = KERNELS.setdefault(self.optimizer.__class__, {})
        x = row[0]
        form = [
            t is not None
            and (t.dtype, t.is_neg(), *([t.shape == x.shape] if memory else [t.shape, t.stride()]))
            for t in row
        ]
        kind = (constants, memory, x.numel() < SMALL, x.device, *form)
        with LOCK:
            if kind not in kernels:
                kernels[kind] = _compile(rule, row, memory)
        return kernels[kind] or self._kernel(rule, constants, row, False)


def _compile(rule: Traced, row: Row, memory: bool) -> Kernel | None:
    """Trace and compile; None if the rule asks for the size of what is plain memory.

    Raises:
        RuntimeError: no compiler, or not one that is known here; a parameter that shows its
            memory more than once, or negated.
        TypeError: the rule does what cannot be traced.
    """
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
    if x.is_neg() or any(n > 1 and not s for n, s in zip(x.shape, x.stride(), strict=True)):
        raise RuntimeError("`fused=True` does not support an expanded or negated parameter")
    dtype = torch.float64 if x.dtype is torch.float64 else torch.float32
    shapes = ShapeEnv()
    size: Any = 0
    if memory:  # unknown to the trace; the hint decides on threads
        source, hint = ConstantSource("size"), 64 if x.numel() < SMALL else 2**20
        symbol = shapes.create_symbol(hint, source, dynamic_dim=DimDynamic.DYNAMIC)
        size = shapes.create_symintnode(symbol, hint=hint, source=source)
    with torch.inference_mode(False), torch.no_grad():
        with FakeTensorMode(shape_env=shapes):
            inputs = [size, torch.empty(WIDTH, dtype=dtype, device=x.device)]
            for t in row:
                if t is not None:
                    form = (((size,) if t.shape == x.shape else t.shape), (1,))
                    form = form if memory else (t.shape, t.stride())
                    inputs.append(torch.empty_strided(*form, dtype=t.dtype, device=t.device))
            step = functionalize(partial(rule, row))
            graph = make_fx(step, decomposition_table=select_decomp_table())(*inputs)
        if shapes.guards or shapes.replacements:
            return None
        for node in graph.graph.nodes:
            if any(isinstance(v, float) and math.isnan(v) for v in tree_leaves(node.args)):
                raise TypeError(
                    f"{rule.name} computes with a number in a way that cannot be compiled: "
                    "compute it in `numbers`"
                )
        with config.patch(size_asserts=False, compile_threads=1):
            compiled = compile_fx_inner(graph, inputs, is_inference=True)
    # Of a rule that has nothing to do inductor makes a plain function.
    call = getattr(compiled, "current_callable", compiled)
    return Kernel(call, rule.numbers(), dtype)


def _is_memory(row: Row) -> bool:
    """Whether one stretch of memory per tensor is all that an elementwise rule needs to see.

    All tensors have the parameter's shape and are contiguous, or dense with the same strides;
    single numbers besides are allowed.
    """
    x, *others = [t for t in row if t is not None]
    same = [x, *(t for t in others if t.shape == x.shape)]
    if any(t.shape != x.shape and (t.shape != (1,) or x.numel() == 1) for t in others):
        return False
    if all(t.is_contiguous() for t in same):
        return True
    order = sorted(range(x.dim()), key=x.stride, reverse=True)
    return x.permute(order).is_contiguous() and all(t.stride() == x.stride() for t in same)


def _separate(given: Iterable[Any], values: list[float]) -> list[Any]:
    """What was given; its floats but zeros are moved to ``values``, their type in their place."""
    found: list[Any] = []
    for value in given:
        kind = type(value)
        if kind is float and value:
            values.append(value)
            found.append(float)
        else:
            found.append(tuple(_separate(value, values)) if kind is tuple else value)
    return found
