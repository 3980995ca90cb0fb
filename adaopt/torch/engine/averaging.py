"""The base of averages of the iterates, around any ``torch.optim.Optimizer``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor

from adaopt.ranges import checked

from .hyper import Hyper

KEY = "average"  # in the state dict, beside the optimizer's own entries


class Averaging(torch.optim.Optimizer):
    """An optimizer and an average of its iterates; the optimizer does not notice.

    A subclass declares ``settings`` and their defaults, with ``choices`` and ``ranges`` as a rule
    does, and defines ``add(values)`` and ``average()``. What it remembers is ``kept``, lists of one
    tensor per parameter, and ``n``, how often ``add`` has been called.

    Whatever is not of the average (parameter groups, state, hooks, ``zero_grad``, ``train`` and
    ``eval`` of methods that have modes) is the optimizer's own; a scheduler may be given either.

    Attributes:
        optimizer: the optimizer around which it is.
        steps: steps taken through it.
    """

    settings: ClassVar[dict[str, Any]] = {}
    choices: ClassVar[dict[str, tuple]] = {}
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}

    def __init__(self, optimizer: torch.optim.Optimizer, device: Any, settings: tuple) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"optimizer must be a torch optimizer, not {optimizer!r}")
        if isinstance(optimizer, Averaging):
            raise TypeError(f"optimizer is averaged already, by {optimizer!r}")
        self.optimizer = optimizer
        self.device = None if device is None else torch.device(device)
        self.h = self._checked(dict(zip(self.settings, settings, strict=True)))
        self.steps, self.n, self.kept, self.held = 0, 0, [], False

    # What a method defines.

    def due(self, j: int) -> bool:
        """Whether the iterate after the step that j others came before enters the average."""
        return j >= self.h.start

    def add(self, values: list[Tensor]) -> None:
        """Let the parameters' values enter; they are views and not to be kept or written."""
        raise NotImplementedError

    def average(self) -> list[Tensor] | None:
        """The average, one tensor per parameter in the groups' order; None if there is none."""
        raise NotImplementedError

    # Steps and evaluation.

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step of the optimizer; its iterate enters the average if it is due.

        Raises:
            RuntimeError: inside ``with averaged()``: the parameters are not the iterate.
        """
        if self.held:
            raise RuntimeError(
                f"{type(self).__name__}.step() while the parameters hold the average: leave "
                "`with averaged()` first"
            )
        loss = self.optimizer.step(closure)
        if self.due(self.steps):
            self.n += 1
            with self._answer(changes=False) as values, torch.no_grad():
                self.add(values)
        self.steps += 1
        return loss

    @contextmanager
    def averaged(self) -> Iterator[bool]:
        """Within this context the parameters hold the average; then again what they held, exactly.

        As long as there is no average they hold the iterate. Yields whether there is one. Buffers
        of the model, as the statistics of batch normalization, are not averaged.

        Raises:
            RuntimeError: it is entered twice, or the parameters were changed inside it.
        """
        if self.held:
            raise RuntimeError("the parameters hold the average already")
        average = self.average()
        with self._answer(changes=True) as values:
            if average is not None:
                _copy(values, average)
            versions = [value._version for value in values]
            self.held = True
            try:
                yield average is not None
            finally:
                self.held = False
                changed = versions != [value._version for value in values]
        if changed:
            raise RuntimeError(
                "the parameters were changed while they held the average; the change is undone"
            )

    @contextmanager
    def _answer(self, changes: bool) -> Iterator[list[Tensor]]:
        """Have the parameters hold the method's answer: for a method with modes, that of eval().

        Yields them; afterwards they hold exactly what they held, also if the caller changes them.
        """
        values, training = self._values(), getattr(self.optimizer, "training", False)
        own = [value.clone() for value in values] if changes or training else values
        if training:
            self.optimizer.eval()
        try:
            yield values
        finally:
            if training:
                self.optimizer.train()
            if own is not values:
                _copy(values, own)

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _values(self) -> list[Tensor]:
        return [p.detach() for p in self._parameters()]

    def _copies(self, values: list[Tensor], exact: bool) -> list[Tensor]:
        """Copies where the average is kept, in at least float32 if not to be exact ones."""
        copies = []
        for value in values:
            dtype = value.dtype if exact else torch.promote_types(value.dtype, torch.float32)
            copies.append(value.to(self.device or value.device, dtype, copy=True))
        return copies

    # The state.

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state dict, which the optimizer alone can load too, and the average."""
        own = dict(kind=type(self).__name__, settings=vars(self.h).copy(), steps=self.steps)
        own.update(n=self.n, kept=[list(tensors) for tensors in self.kept])
        return {**self.optimizer.state_dict(), KEY: own}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` returned, settings included.

        Raises:
            ValueError: it is not of this kind of average or does not fit the parameters; nothing
                is changed.
        """
        name, own = type(self).__name__, state_dict.get(KEY)
        if own is None:
            raise ValueError(f"not the state dict of {name}: {KEY!r} is missing")
        if own.get("kind") != name:
            raise ValueError(f"the state dict is of {own.get('kind')}, not of {name}")
        expected = {"settings", "steps", "n", "kept"}, {*self.settings}
        for there, wanted in zip((own, own.get("settings", {})), expected, strict=True):
            if missing := wanted - there.keys():
                raise ValueError(
                    f"the average of the state dict lacks {', '.join(sorted(missing))}"
                )
        h, values = self._checked(own["settings"]), self._values()
        shapes = [tuple(value.shape) for value in values]
        for tensors in own["kept"]:
            if (found := [tuple(tensor.shape) for tensor in tensors]) != shapes:
                raise ValueError(f"the average has the shapes {found}, the parameters {shapes}")
        self.optimizer.load_state_dict({k: v for k, v in state_dict.items() if k != KEY})
        self.h, self.steps, self.n = h, own["steps"], own["n"]
        self.kept = [
            [t.to(self.device or v.device, copy=True) for t, v in zip(tensors, values, strict=True)]
            for tensors in own["kept"]
        ]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group; its past values, as it has not been stepped, are its present."""
        before = self._parameters()
        self.optimizer.add_param_group(param_group)
        for i, tensors in enumerate(self.kept):
            old = dict(zip(before, tensors, strict=True))
            self.kept[i] = [
                old[p] if p in old else self._copies([p.detach()], exact=self.exact)[0]
                for p in self._parameters()  # a new group need not be the last
            ]

    def _checked(self, settings: dict[str, Any]) -> Hyper:
        return Hyper(
            {
                name: checked(
                    name, settings[name], default, self.choices.get(name), self.ranges.get(name)
                )
                for name, default in self.settings.items()
            }
        )

    @property
    def exact(self) -> bool:
        """Whether ``kept`` are copies of iterates (else sums, kept in at least float32)."""
        return False

    # The optimizer's own.

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The optimizer's."""
        return self.optimizer.param_groups

    @property
    def state(self) -> dict[Tensor, Any]:
        """The optimizer's."""
        return self.optimizer.state

    @property
    def defaults(self) -> dict[str, Any]:
        """The optimizer's."""
        return self.optimizer.defaults

    def __getattr__(self, name: str) -> Any:
        if name == "optimizer":  # not there yet while a copy is made
            raise AttributeError(name)
        return getattr(self.optimizer, name)

    def __getstate__(self) -> dict[str, Any]:
        names = ("optimizer", "device", "h", "steps", "n", "kept", "held")
        return {name: self.__dict__[name] for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self.h).items())
        return f"{type(self).__name__}({settings}) of {self.optimizer!r}"


def _forward(name: str) -> Callable[..., Any]:
    def method(self: Averaging, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.optimizer, name)(*args, **kwargs)

    method.__doc__ = f"``{name}`` of the optimizer."
    method.__name__ = name
    return method


for _name in (
    "zero_grad",
    "register_step_pre_hook",
    "register_step_post_hook",
    "register_state_dict_pre_hook",
    "register_state_dict_post_hook",
    "register_load_state_dict_pre_hook",
    "register_load_state_dict_post_hook",
):
    setattr(Averaging, _name, _forward(_name))


def _copy(to: list[Tensor], values: list[Tensor]) -> None:
    with torch.no_grad():
        for a, b in zip(to, values, strict=True):
            a.copy_(b)
