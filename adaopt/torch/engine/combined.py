"""Several optimizers as one: one step, one state dict."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import LBFGS, Optimizer

from .averaging import Averaging


class Combined(Optimizer):
    """A ``torch.optim.Optimizer`` made of others, each with parameters of its own.

    ::

        matrices, others = split_parameters(model)
        optimizer = Combined([Muon(matrices, lr=0.02), AdamW(others, lr=3e-4)], model)

    Its parameter groups are theirs, in order, so that a scheduler sets each; its state dict is one
    of torch's form over all groups. A step is theirs in the order given: if one refuses (a sparse
    gradient), those before it have stepped. Their own step hooks, and global ones, are called too.
    A method with modes follows ``train()`` and ``eval()``.

    Args:
        optimizers: torch optimizers, of this package or others.
        model: if given, each of its parameters that requires a gradient must have an optimizer.

    Attributes:
        optimizers: the list of them.

    Raises:
        ValueError: no optimizer; a parameter in two of them, or in none, by its name.
        TypeError: not an optimizer; one that steps several times (LBFGS), is an average (which
            goes around: ``LAWA(Combined(...))``) or combined already.
    """

    def __init__(
        self, optimizers: Iterable[Optimizer], model: torch.nn.Module | None = None
    ) -> None:
        optimizers = list(optimizers)
        if not optimizers:
            raise ValueError("Combined got an empty list of optimizers")
        for one in optimizers:
            if not isinstance(one, Optimizer) or isinstance(one, LBFGS | Averaging | Combined):
                raise TypeError(f"Combined takes torch optimizers that step once, not {one!r}")
        # Groups and state are the optimizers' own, so the base's constructor is not called.
        self.__setstate__({"optimizers": optimizers, "defaults": {}})
        names = {} if model is None else {p: n for n, p in model.named_parameters()}
        owned = self._refuse_overlap(names)
        if missing := [n for p, n in names.items() if p.requires_grad and p not in owned]:
            raise ValueError(f"parameters without an optimizer: {', '.join(missing)}")

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of all optimizers, in order."""
        return [group for one in self.optimizers for group in one.param_groups]

    @property
    def state(self) -> dict[Tensor, Any]:
        """That of all optimizers; a parameter that has none is not in it."""
        return {p: state for one in self.optimizers for p, state in one.state.items()}

    @property
    def training(self) -> bool:
        """Whether one of them has modes and is in training."""
        return any(getattr(one, "training", False) for one in self.optimizers)

    def train(self, mode: bool = True) -> None:
        """Have those that have modes go to training, or with False to evaluation."""
        for one in self.optimizers:
            getattr(one, "train" if mode else "eval", bool)()

    def eval(self) -> None:
        """Have those that have modes go to evaluation."""
        self.train(False)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each; return the loss if a ``closure`` recomputes it, once, first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for one in self.optimizers:
            one.step()
        return loss

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group to the optimizer that its key ``"optimizer"`` counts, from 0.

        Raises:
            ValueError: no such key or optimizer; a parameter that has an optimizer already.
        """
        group = {**param_group}
        place = group.pop("optimizer", None)
        if type(place) is not int or place not in range(len(self.optimizers)):
            places = ", ".join(f"{i} ({name})" for i, name in enumerate(self._methods))
            raise ValueError(f'Invalid "optimizer" of the group: {place!r} (expected {places})')
        self.optimizers[place].add_param_group(group)
        try:
            self._refuse_overlap({})
        except ValueError:
            self.optimizers[place].param_groups.pop()
            raise

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what ``state_dict`` returned: to each optimizer its own part.

        Raises:
            ValueError: it does not fit; nothing is changed.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            state_dict = hook(self, state_dict) or state_dict
        for key in ("state", "param_groups"):
            if key not in state_dict:
                raise ValueError(f"not the state dict of an optimizer: {key!r} is missing")
        state, groups = dict(state_dict["state"]), list(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        before = [(one.state, one.param_groups) for one in self.optimizers]
        try:
            for one in self.optimizers:
                own = [groups.pop(0) for _ in one.param_groups]
                mine = {i: state.pop(i) for group in own for i in group["params"] if i in state}
                one.load_state_dict({"state": mine, "param_groups": own})
            if state:
                raise ValueError(f"the state dict has a state for {[*state]}, which do not exist")
        except Exception:
            for one, (mine, own) in zip(self.optimizers, before, strict=True):
                one.__setstate__({"state": mine, "param_groups": own})
            raise
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {"optimizers": self.optimizers, "defaults": self.defaults}

    def __repr__(self) -> str:
        return f"Combined({self.optimizers!r})"

    @property
    def _methods(self) -> list[str]:
        return [type(one).__name__ for one in self.optimizers]

    def _refuse_overlap(self, names: dict[Tensor, str]) -> dict[Tensor, int]:
        """The place of every parameter's optimizer, if each has one only."""
        for group in self.param_groups:
            names = dict(zip(group["params"], group.get("param_names", ()), strict=False)) | names
        owned: dict[Tensor, int] = {}
        for place, one in enumerate(self.optimizers):
            for p in (p for group in one.param_groups for p in group["params"]):
                if owned.setdefault(p, place) != place:
                    name = names.get(p, f"a parameter of {tuple(p.shape)}")
                    first = f"{self._methods[owned[p]]} ({owned[p]})"
                    raise ValueError(
                        f"{name} is both in {first} and {self._methods[place]} ({place})"
                    )
        return owned
