"""The base of every optimizer of the working edition."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar
from weakref import proxy

import torch
from torch import Tensor

from .compiled import Compiler, require_compiler
from .eager import PLAIN, Row, as_real, blocks
from .hyper import ENGINE, Hyper, bind, checked, signature


class Rule(torch.optim.Optimizer):
    """A ``torch.optim.Optimizer`` that is a table, a tuple and a formula.

    A subclass declares

    - ``hyper``: its hyper-parameters and their defaults, in the order of the constructor. A default
      also says what is expected: a float, a flag, a tuple of floats;
    - ``buffers``: the names of the tensors it keeps per parameter, under torch's names;
    - ``rule(x, g, h, k, *buffers)``: the update, written in place with torch's own words.

    In the rule, ``x`` is the parameter (or a cache-sized view of it), ``g`` its gradient, which
    must not be written, ``h`` the hyper-parameters as attributes, ``k`` the number of this step
    counted from 1 when the buffers were made (0 if there are none), then the buffers, None in
    place of one not needed. The same lines are the eager path and, traced by torch.compile, the
    path of ``fused=True``. ``h`` and ``k`` hold numbers; a branch may ask only whether one is zero
    or whether ``k == 1``.

    Every subclass takes besides, as keywords:

    - ``maximize=False``: ascend;
    - ``foreach=None``: on CPU the rule runs on cache-sized views; ``False``: on whole tensors;
    - ``fused=None``: ``True`` compiles the step of the whole list of parameters into one, at the
      second step and whenever the list changes (seconds; tens of seconds for 100 tensors);
      tensor subclasses (DTensor) are stepped as without it;
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
    elementwise: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__signature__ = signature(cls.hyper)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        defaults = bind(type(self).__name__, self.__signature__, args, kwargs)
        params = defaults.pop("params")
        self._read(defaults)
        super().__init__(params, defaults)

    # What a method declares or overrides.

    def rule(self, x: Tensor, g: Tensor, h: Hyper, k: int, *buffers: Tensor | None) -> None:
        """The update of one parameter, in place."""
        raise NotImplementedError

    def needs(self, h: Hyper) -> tuple[str, ...]:
        """The buffers that these hyper-parameters call for."""
        return self.buffers

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        """The first value of a buffer."""
        return torch.zeros_like(p, memory_format=torch.preserve_format)

    def single_pass(self, h: Hyper) -> bool:
        """Whether the rule reads and writes each tensor once: then cutting gains nothing."""
        return False

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
        for group, h, pairs in work:
            self._update(group, h, pairs)
        return loss

    def _read(self, group: dict[str, Any]) -> Hyper:
        """The group's hyper-parameters, checked."""
        h = Hyper(
            {name: checked(name, group[name], default) for name, default in self.hyper.items()}
        )
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
        for p, g in pairs:
            if p.is_conj():  # as pairs of reals it would be a copy
                raise RuntimeError(
                    f"{type(self).__name__} does not support a conjugate view as parameter: "
                    "make it one of its own by resolve_conj()"
                )
            if g.layout is not torch.strided:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
        return pairs

    def _update(self, group: dict[str, Any], h: Hyper, pairs: list[tuple[Tensor, Tensor]]) -> None:
        needed = self.needs(h)
        kept = (None,) * len(self.buffers)
        k, elementwise, fused, rule = 0, self.elementwise, group["fused"], self.rule
        cut = elementwise and group["foreach"] is not False and not self.single_pass(h)
        buckets: dict[tuple[torch.device, int], list[Row]] = {}
        for p, g in pairs:
            if needed:
                k, kept = self._advance(p, h, needed)
            row = (p, g, *kept)
            if elementwise and p.is_complex():
                row = as_real(row)
            if fused and k != 1 and type(p) in PLAIN:
                buckets.setdefault((p.device, k), []).append(row)
            else:  # a first step is taken once: not worth a compilation of its own
                for x, g, *kept in blocks(row) if cut else (row,):
                    rule(x, -g if h.maximize else g, h, k, *kept)
        for (_, k), rows in buckets.items():
            self._compiler(vars(h), k, rows)

    def _advance(self, p: Tensor, h: Hyper, needed: tuple[str, ...]) -> tuple[int, list]:
        """Count the step of the parameter; its buffers, those missing made, None if not needed."""
        state = self.state[p]
        for name in needed:
            if name not in state:
                with torch.inference_mode(False):
                    state[name] = self.start(name, p, h)
        k = state["step"] = state.get("step", 0) + 1
        return k, [state[name] if name in needed else None for name in self.buffers]

    @property
    def _compiler(self) -> Compiler:
        """Made when first wanted; never copied or saved with the optimizer."""
        if "_compiled" not in self.__dict__:
            # It holds the optimizer weakly: a cycle would keep the state of one that is let go.
            self._compiled = Compiler(partial(type(self).rule, proxy(self)))
        return self._compiled

    # Groups and state.

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group, its hyper-parameters checked as the constructor's are."""
        if isinstance(param_group, dict):
            group = {**self.defaults, **param_group}
            self._read(group)
            if group["fused"]:
                require_compiler()
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` returned, or the same method's of torch.optim.

        Raises:
            ValueError: the state dict is of another method or layout, or does not fit the
                parameters; the optimizer is left as it was.
        """
        try:
            super().load_state_dict(state_dict)
        except KeyError as error:  # found out only now, as a hook may bring what is missing
            if error.args[0] not in ("state", "param_groups", "params"):
                raise
            raise ValueError(f"not the state dict of an optimizer: {error} is missing") from error

    def __setstate__(self, state: dict[str, Any]) -> None:
        # load_state_dict commits through here, pickle and deepcopy restore through here.
        for group in state["param_groups"]:
            self._check_group(group)
        for p, values in state["state"].items():
            self._check_state(p, values)
        super().__setstate__(state)

    def _check_group(self, group: dict[str, Any]) -> None:
        missing = [name for name in self.hyper if name not in group]
        if missing:
            raise ValueError(
                f"the state dict is not of {type(self).__name__}: its parameter groups lack "
                f"{', '.join(missing)} and have {', '.join(n for n in group if n != 'params')}"
            )
        for name, default in ENGINE.items():
            group.setdefault(name, default)
        self._read(group)

    def _check_state(self, p: Tensor, values: dict[str, Any]) -> None:
        name = type(self).__name__
        if not isinstance(p, Tensor):
            raise ValueError(f"the state dict has a state for parameter {p}, which does not exist")
        foreign = set(values) - {*self.buffers, "step"}
        if foreign:
            raise ValueError(
                f"the state dict is not of {name}: unknown state {', '.join(sorted(foreign))}"
            )
        for key in [key for key, value in values.items() if value is None]:
            del values[key]  # torch.optim.SGD once wrote None for a buffer not made yet
        for key in values.keys() & set(self.buffers):
            if self.elementwise and values[key].shape != p.shape:
                raise ValueError(
                    f"the state dict does not fit: {key} has shape {tuple(values[key].shape)}, "
                    f"its parameter {tuple(p.shape)}"
                )
        if values:  # torch.optim keeps the count as a tensor, and its SGD none
            values["step"] = int(values.get("step", 1))
