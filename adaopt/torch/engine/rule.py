"""The base of every optimizer of the working edition."""

from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, NamedTuple
from weakref import proxy

import torch
from torch import Tensor

from adaopt.ranges import checked

from .compiled import Compiler, require_compiler
from .eager import PLAIN, Row, as_real, blocks
from .hyper import ENGINE, Hyper, bind, refuse_misspelt, signature

PLAIN_VALUES = frozenset({float, int, bool, str, tuple, type(None)})


class Batch(NamedTuple):
    """Rows that take the same step: hyper-parameters, further numbers, step count, and how."""

    h: Hyper
    numbers: dict[str, float]
    k: int
    fused: bool
    cut: bool
    rows: list[Row]


class Rule(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` that is a table, a tuple and a formula.

    A subclass declares

    - ``hyper``: its hyper-parameters and their defaults, in the order of the constructor. A default
      also says what is expected: a float, an integer, a flag, a tuple of floats;
    - ``buffers``: the names of the tensors it keeps per parameter, under torch's names;
    - ``rule(x, g, h, k, *buffers)``: the update, written in place with torch's own words.

    In the rule, ``x`` is the parameter (or a cache-sized view of it), ``g`` its gradient, which
    must not be written, ``h`` the hyper-parameters as attributes, ``k`` the number of this step
    counted from 1 when the buffers were made (0 if there are none), then the buffers, None in
    place of one not needed. The same lines are the eager path and, traced by torch.compile, the
    path of ``fused=True``. ``h`` and ``k`` hold numbers; a branch may ask only whether one is zero
    or whether ``k == 1``.

    Where a method needs more it also declares

    - ``choices``: the values that a word among the hyper-parameters may take, and ``ranges``: the
      closed interval of a number that is this method's alone;
    - ``fixed``: hyper-parameters that are no keyword of this class, and their values; ``absent``:
      the values of the keywords that torch.optim's class of this name, and its state dicts, lack;
    - ``numbers(h, k, memory)``: what the formula needs of ``h`` and ``k`` alone (a bias correction,
      a power of beta), computed once and not in each kernel, and found in the rule as attributes of
      ``h``; ``remembers`` names those that it carries from step to step in ``memory``;
    - ``measure(x, g, h, k, *buffers)``: sums over one block of which the step needs the totals over
      all parameters, a pass of its own before the rule; ``advance(groups, totals)`` takes them;
    - ``kept``: what is kept with each parameter group, by name: its first value, or the name of the
      hyper-parameter that it starts from; ``prepare(groups)`` begins a step with it.

    Every subclass takes besides, as keywords:

    - ``maximize=False``: ascend;
    - ``foreach=None``: on CPU the rule runs on cache-sized views; ``False``: on whole tensors;
    - ``fused=None``: ``True`` compiles the rule into one kernel for each kind of tensor, at the
      second step and when a new kind appears (seconds); tensor subclasses (DTensor) are stepped as
      without it;
    - ``differentiable=False``: ``True`` is refused.

    Raises:
        ValueError: a hyper-parameter out of range, with torch.optim's message, at construction, in
            a parameter group, or at the next step if it was set later.
        TypeError: a hyper-parameter of a wrong type, an unknown keyword.
        RuntimeError: a sparse gradient, a conjugate view as parameter, ``fused`` without a
            compiler, ``fused`` with ``foreach``.
    """

    hyper: ClassVar[dict[str, Any]] = {}
    buffers: ClassVar[tuple[str, ...]] = ()
    choices: ClassVar[dict[str, tuple]] = {}
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}
    fixed: ClassVar[dict[str, Any]] = {}
    absent: ClassVar[dict[str, Any]] = {}
    remembers: ClassVar[tuple[str, ...]] = ()
    kept: ClassVar[dict[str, Any]] = {}
    elementwise: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__signature__ = signature(cls.hyper)
        cls._names = (*cls.hyper, *ENGINE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        defaults = bind(type(self).__name__, self.__signature__, args, kwargs)
        params = defaults.pop("params")
        self._read(defaults)
        super().__init__(params, defaults)

    # What a method declares or overrides.

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, *buffers: Tensor | None) -> None:
        """The update of one parameter, in place."""
        raise NotImplementedError

    def needs(self, h: Hyper, p: Tensor) -> tuple[str, ...]:
        """The buffers that these hyper-parameters and this parameter call for."""
        return self.buffers

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        """The first value of a buffer."""
        return torch.zeros_like(p, memory_format=torch.preserve_format)

    def cuts(self, h: Hyper) -> bool:
        """Whether the rule may run on views of a tensor, and gains by it: not if it reads and
        writes each tensor once, and not if it needs a statistic of the whole tensor."""
        return True

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        """Numbers that the rule needs, of the hyper-parameters and the step alone.

        ``memory`` holds what ``remembers`` names, empty before the first step; it may be updated.
        """
        return {}

    def prepare(self, groups: list[tuple[dict[str, Any], Hyper]]) -> None:
        """Begin a step: refuse groups that do not go together; put what is ``kept`` into ``h``.

        Called before anything changes. What is not put into ``h`` the rule does not see.
        """

    def measure(
        self, x: Tensor, g: Tensor, h: Hyper, k: int, *buffers: Tensor | None
    ) -> tuple[Tensor, ...] | None:
        """Sums over this block, 0-dim, or None; the buffers may be updated, x and g may not."""
        raise NotImplementedError

    def advance(
        self, groups: list[tuple[dict[str, Any], Hyper]], totals: tuple[float, ...]
    ) -> None:
        """Take the totals of ``measure``, empty if there was nothing to sum: move on what is
        ``kept`` with the groups, and give their ``h`` what the rule needs."""

    def check(self, h: Hyper) -> None:
        """Refuse values that do not go together."""

    # The machinery.

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; return the loss if a ``closure`` recomputes it, with gradients, first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        # All groups are read, and refused if need be, before the first parameter changes.
        work = [(group, self._read(group), self._gradients(group)) for group in self.param_groups]
        groups = [(group, h) for group, h, _ in work]
        self.prepare(groups)
        batches = [batch for entry in work for batch in self._batches(*entry)]
        if type(self).measure is not Rule.measure:
            parts = [sums for batch in batches for sums in self._apply("measure", batch)]
            self.advance(groups, tuple(map(sum, zip(*parts, strict=True))))
        for batch in batches:
            self._apply("rule", batch)
        return loss

    def _read(self, group: dict[str, Any]) -> Hyper:
        """The group's hyper-parameters, checked; as read before, if nothing has changed since."""
        values = [group[name] for name in self._names]
        plain = PLAIN_VALUES.issuperset(map(type, values))  # a tensor may have changed in place
        if plain:
            before, h = self._known.get(id(group), (None, None))
            if before == values:
                return h
        h = self._checked(group)
        if plain and all(PLAIN_VALUES.issuperset(map(type, v)) for v in values if type(v) is tuple):
            self._known[id(group)] = values, h
        return h

    def _checked(self, group: dict[str, Any]) -> Hyper:
        h = Hyper(self.fixed)
        for name, default in self.hyper.items():
            value = checked(
                name, group[name], default, self.choices.get(name), self.ranges.get(name)
            )
            setattr(h, name, value)
        for name, default in ENGINE.items():
            if group[name] is not default:
                checked(name, group[name], False)
        h.maximize = bool(group["maximize"])
        self.check(h)
        if group["differentiable"]:
            raise RuntimeError(f"{type(self).__name__} does not support `differentiable`")
        if group["fused"]:
            if group["foreach"]:
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        return h

    def _gradients(self, group: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
        """The parameters that have a gradient, with it."""
        pairs = [(p, g) for p in group["params"] if (g := p.grad) is not None]
        name = type(self).__name__
        for p, g in pairs:
            if g.layout is not torch.strided:
                raise RuntimeError(f"{name} does not support sparse gradients")
            if g.dtype is not p.dtype or g.shape != p.shape:
                raise RuntimeError(
                    f"{name} wants a gradient of its parameter's shape and dtype, "
                    f"{tuple(p.shape)} and {p.dtype}, not {tuple(g.shape)} and {g.dtype}"
                )
            if p.is_complex():
                if not self.elementwise:
                    raise RuntimeError(f"{name} does not support complex parameters")
                if p.is_conj():  # as pairs of reals it would be a copy
                    raise RuntimeError(
                        f"{name} does not support a conjugate view as parameter: "
                        "make it one of its own by resolve_conj()"
                    )
        return pairs

    def _batches(
        self, group: dict[str, Any], h: Hyper, pairs: list[tuple[Tensor, Tensor]]
    ) -> Iterable[Batch]:
        """The rows of a group, those together that share device, step count and numbers."""
        batches: dict[Hashable, Batch] = {}
        numbers: dict[int, dict[str, float]] = {}
        compiled, cut = bool(group["fused"]), group["foreach"] is not False
        for p, g in pairs:
            k, kept, memory = self._advance(p, h)
            if memory is not None:
                own = self.numbers(h, k, memory)
                alike = tuple(own.values())
            else:
                if (own := numbers.get(k)) is None:
                    own = numbers[k] = self.numbers(h, k, {})
                alike = ()
            row = (p, g, *kept)
            if self.elementwise and p.is_complex():
                row = as_real(row)
            if not p.dim():  # one element, as a number of its own in the state is
                row = tuple(t if t is None or t.dim() else t.view(1) for t in row)
            # A first step is taken once: not worth a compilation of its own.
            fused = compiled and k != 1 and type(p) in PLAIN
            key = (p.device, k, fused, alike)
            if (batch := batches.get(key)) is None:
                batch = batches[key] = Batch(h, own, k, fused, cut, [])
            batch.rows.append(row)
        return batches.values()

    def _apply(self, name: str, batch: Batch) -> list[tuple[float, ...]]:
        """Call ``rule`` or ``measure`` on every row; what ``measure`` found, else nothing."""
        h, own, k, fused, cut, rows = batch
        vars(h).update(own)
        if fused:
            return self._compiler(name, vars(h), k, rows)
        call = getattr(self, name)
        if cut and self.elementwise and self.cuts(h):
            rows = chain.from_iterable(map(blocks, rows))
        found = [call(x, -g if h.maximize else g, h, k, *kept) for x, g, *kept in rows]
        # From a device the sums come in one transfer, not one by one.
        columns = zip(*(sums for sums in found if sums is not None), strict=True)
        return list(zip(*(torch.stack(column).tolist() for column in columns), strict=True))

    def _advance(self, p: Tensor, h: Hyper) -> tuple[int, Iterable, dict[str, Any] | None]:
        """Count the parameter's step; its buffers, those missing made, None if not needed."""
        needed = self.needs(h, p)
        if not needed:
            return 0, (None,) * len(self.buffers), None
        state = self.state[p]
        try:
            kept = [state[name] for name in needed]
        except KeyError:
            with torch.inference_mode(False):
                missing = {n: self.start(n, p, h) for n in needed if n not in state}
            state.update(missing)
            kept = [state[name] for name in needed]
        if len(needed) < len(self.buffers):
            kept = [state[name] if name in needed else None for name in self.buffers]
        k = state["step"] = state.get("step", 0) + 1
        return k, kept, state if self.remembers else None

    @cached_property
    def _known(self) -> dict[int, tuple[list, Hyper]]:
        """What was read last, by the group's id; never copied or saved with the optimizer."""
        return {}

    @property
    def _compiler(self) -> Compiler:
        """Made when first wanted; never copied or saved with the optimizer."""
        if "_compiled" not in self.__dict__:
            # It holds the optimizer weakly: a cycle would keep the state of one that is let go.
            self._compiled = Compiler(proxy(self))
        return self._compiled

    # Groups and state.

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group, its hyper-parameters checked as the constructor's are."""
        if isinstance(param_group, dict):
            group = {**self.defaults, **param_group}
            refuse_misspelt(param_group, self._names)
            self._read(group)
            for name, first in self.kept.items():
                first = group[first] if isinstance(first, str) else first
                param_group = {name: first, **param_group}
            if group["fused"]:
                require_compiler()
        super().add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """The state and the parameter groups, as torch.optim has them, and the method's name."""
        return {**super().state_dict(), "method": type(self).__name__}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` returned, or the same method's of torch.optim.

        Raises:
            ValueError: the state dict is of another method or layout, or does not fit the
                parameters; the optimizer is left as it was.
        """
        name = type(self).__name__
        if (method := state_dict.get("method", name)) != name:
            raise ValueError(f"the state dict is of {method}, not of {name}")
        try:
            super().load_state_dict(state_dict)
        except KeyError as error:  # found out only now, as a hook may bring what is missing
            if error.args[0] not in ("state", "param_groups", "params"):
                raise
            raise ValueError(f"not the state dict of an optimizer: {error} is missing") from error

    def __setstate__(self, state: dict[str, Any]) -> None:
        # load_state_dict commits through here, pickle and deepcopy restore through here.
        read: dict[Any, Hyper] = {}
        for group in state["param_groups"]:
            h = self._check_group(group)
            read.update(dict.fromkeys(group["params"], h))
        for p, values in state["state"].items():
            self._check_state(p, values, read.get(p))
        super().__setstate__(state)

    def _check_group(self, group: dict[str, Any]) -> Hyper:
        for name, value in self.absent.items():
            group.setdefault(name, value)
        missing = [name for name in (*self.hyper, *self.kept) if name not in group]
        if missing:
            raise ValueError(
                f"the state dict is not of {type(self).__name__}: its parameter groups lack "
                f"{', '.join(missing)} and have {', '.join(n for n in group if n != 'params')}"
            )
        for name, value in self.fixed.items():
            if name not in self.hyper and group.get(name, value) != value:
                raise ValueError(
                    f"the state dict is not of {type(self).__name__}: it has {name}={group[name]!r}"
                )
        for name, default in ENGINE.items():
            group.setdefault(name, default)
        return self._read(group)

    def _check_state(self, p: Tensor, values: dict[str, Any], h: Hyper | None) -> None:
        name = type(self).__name__
        if not isinstance(p, Tensor):
            raise ValueError(f"the state dict has a state for parameter {p}, which does not exist")
        foreign = set(values) - {*self.buffers, *self.remembers, "step"}
        if foreign:
            raise ValueError(
                f"the state dict is not of {name}: unknown state {', '.join(sorted(foreign))}"
            )
        for key in [key for key, value in values.items() if value is None]:
            del values[key]  # torch.optim.SGD once wrote None for a buffer not made yet
        if values and h is not None:
            # What the defaults need too; what other settings need may be made at the next step.
            usual = Hyper({**self.fixed, **self.hyper})
            required = {*self.needs(h, p)} & {*self.needs(usual, p)} | {*self.remembers}
            lacking = (required | {"step"} if required else required) - values.keys()
            if lacking:
                raise ValueError(
                    f"the state dict is not of {name}: the state of a parameter lacks "
                    f"{', '.join(sorted(lacking))}"
                )
        for key in values.keys() & set(self.buffers):
            shape = self.start(key, torch.empty_like(p, device="meta"), h).shape
            if values[key].shape != shape:
                raise ValueError(
                    f"the state dict does not fit: {key} has shape {tuple(values[key].shape)}, "
                    f"its parameter {tuple(p.shape)} wants {tuple(shape)}"
                )
        for key in values.keys() & set(self.remembers):
            values[key] = float(values[key])
        if values:  # torch.optim keeps the count as a tensor, and its SGD none
            values["step"] = int(values.get("step", 1))
