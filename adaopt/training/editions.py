"""An optimizer of either edition, holding one vector, behind one interface."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np

from adaopt.numpy import Rule, State


def edition_of(optimizer: Any, x: np.ndarray) -> NumpyEdition | TorchEdition:
    """The optimizer, copied, in the words that both editions share: x, lr, point, step, save, load.

    Raises:
        TypeError: neither a rule, nor a torch optimizer, nor a function that makes one.
        ValueError: a torch optimizer that has not exactly one parameter of x's shape.
    """
    if isinstance(optimizer, Rule):
        return NumpyEdition(optimizer, x)
    if isinstance(optimizer, type) and issubclass(optimizer, Rule):
        name = optimizer.__name__
        raise TypeError(f"optimizer is the class {name}: pass an instance, {name}(lr=...)")
    if hasattr(optimizer, "param_groups") or callable(optimizer):
        return TorchEdition(optimizer, x)
    raise TypeError(f"optimizer must be a rule of adaopt.numpy or of torch, not {optimizer!r}")


def split_state(state: State) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a rule remembers of one array, as plain values and arrays; of a list each by its place.

    In the plain values None stands where an array was in a list.
    """
    numbers, arrays = {}, {}
    for name, value in vars(state).items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, list | tuple):
            found = {i: a for i, a in enumerate(value) if isinstance(a, np.ndarray)}
            numbers[name] = [None if i in found else a for i, a in enumerate(value)]
            arrays |= {f"{name}.{i}": a for i, a in found.items()}
        else:
            numbers[name] = value
    return numbers, arrays


def joined_state(numbers: dict[str, Any], arrays: dict[str, np.ndarray]) -> State:
    """The state that :func:`split_state` took apart."""
    state = State(**numbers)
    for label, value in arrays.items():
        name, _, place = label.partition(".")
        if place:
            getattr(state, name)[int(place)] = value
        else:
            setattr(state, name, value)
    return state


class NumpyEdition:
    """A rule of ``adaopt.numpy`` and its x."""

    def __init__(self, rule: Rule, x: np.ndarray) -> None:
        self.optimizer, self.x = copy.deepcopy(rule), x.copy()

    @property
    def lr(self) -> float:
        return self.optimizer.lr

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimizer.lr = value

    def point(self) -> np.ndarray:
        return self.optimizer.point(self.x)

    def step(self, g: np.ndarray) -> None:
        self.x = self.optimizer.step(self.x, g)

    def save(self) -> tuple[dict, dict[str, np.ndarray]]:
        numbers, arrays = split_state(self.optimizer.state) if self.optimizer.k else ({}, {})
        shared = vars(self.optimizer.shared)
        return {"k": self.optimizer.k, "numbers": numbers, "shared": shared}, arrays

    def load(self, x: np.ndarray, meta: dict, arrays: dict[str, np.ndarray]) -> None:
        self.x, rule = x, self.optimizer
        if meta["k"]:
            rule.state, rule.k = joined_state(meta["numbers"], arrays), meta["k"]
            rule.layout = {"": (x.shape, x.dtype)}
            rule.shared = State(**meta.get("shared", {}))


class TorchEdition:
    """A torch optimizer and its one parameter, which x is copied into.

    One with ``train()`` and ``eval()`` is kept in training; x is what it shows in evaluation.
    """

    def __init__(self, optimizer: Any, x: np.ndarray) -> None:
        import torch

        self.torch = torch
        if hasattr(optimizer, "param_groups"):
            self.optimizer = copy.deepcopy(optimizer)
        else:
            self.optimizer = optimizer([torch.nn.Parameter(torch.tensor(x))])
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        shapes = [tuple(p.shape) for p in parameters]
        if shapes != [x.shape]:
            raise ValueError(
                f"the optimizer must have exactly one parameter of x0's shape {x.shape}; "
                f"it has the shapes {shapes}"
            )
        self.parameter = parameters[0]
        self.modes = hasattr(self.optimizer, "train") and hasattr(self.optimizer, "eval")
        if self.modes:
            self.optimizer.train()
        self.write(x)

    def write(self, x: np.ndarray) -> None:
        with self.torch.no_grad():
            self.parameter.copy_(self.torch.tensor(x))

    def point(self) -> np.ndarray:
        return self.parameter.detach().to("cpu", self.torch.float64).numpy().copy()

    @property
    def x(self) -> np.ndarray:
        if not self.modes:
            return self.point()
        point = self.parameter.detach().clone()
        self.optimizer.eval()
        x = self.point()
        self.optimizer.train()
        with self.torch.no_grad():
            self.parameter.copy_(point)  # there and back would round
        return x

    @property
    def lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimizer.param_groups[0]["lr"] = value

    def step(self, g: np.ndarray) -> None:
        self.parameter.grad = self.torch.tensor(g).to(self.parameter)
        self.optimizer.step()

    def save(self) -> tuple[dict, dict[str, np.ndarray]]:
        file = io.BytesIO()
        self.torch.save(self.optimizer.state_dict(), file)
        state = np.frombuffer(file.getvalue(), np.uint8)
        return {}, {"state_dict": state, "point": self.point()}

    def load(self, x: np.ndarray, meta: dict, arrays: dict[str, np.ndarray]) -> None:
        self.write(arrays.get("point", x))
        file = io.BytesIO(arrays["state_dict"].tobytes())
        self.optimizer.load_state_dict(self.torch.load(file, weights_only=True))
