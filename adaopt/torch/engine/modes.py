"""Methods that train at one point and are evaluated at another: the modes, and who watches them."""

from collections.abc import Callable
from typing import Any
from weakref import ref

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from adaopt.ranges import NON_NEGATIVE, words

from .hyper import Hyper
from .rule import Rule


class ScheduleFree(Rule):
    r"""A rule whose answer x is the mean of its iterates z, with gradients between the two.

    The parameters hold :math:`y = (1 - \beta) z + \beta x` in training and x in evaluation; the
    buffer ``z`` is kept in either mode. An optimizer starts in training. Call ``eval()`` before
    the model is evaluated or saved and ``train()`` before it is trained further; the mode is part
    of the state dict, so save and load parameters and state dict together.
    """

    ranges = {"warmup_steps": NON_NEGATIVE, "r": NON_NEGATIVE, "weight_lr_power": NON_NEGATIVE}
    remembers = ("lr_max", "weight_sum")
    kept = {"training": True}

    def beta(self, h: Hyper) -> float:
        r"""The weight :math:`\beta` of x in y."""
        return h.betas[0]

    def check(self, h: Hyper) -> None:
        if not 0 < self.beta(h) < 1:  # x could not be found again from y and z
            name = words("betas", 0) if "betas" in self.hyper else words("momentum")
            raise ValueError(f"Invalid {name}: {self.beta(h)} (between 0 and 1, both excluded)")

    def numbers(self, h: Hyper, k: int, memory: dict[str, float]) -> dict[str, float]:
        gamma = h.lr * min(1.0, k / max(1, h.warmup_steps))
        largest = memory["lr_max"] = max(gamma, memory.get("lr_max", 0.0))
        weight = k**h.r * largest**h.weight_lr_power
        total = memory["weight_sum"] = memory.get("weight_sum", 0.0) + weight
        return {"gamma": gamma, "c": weight / total if weight else 0.0}

    def start(self, name: str, p: Tensor, h: Hyper) -> Tensor:
        if name == "z":
            return p.detach().clone(memory_format=torch.preserve_format)
        return super().start(name, p, h)

    @property
    def training(self) -> bool:
        """Whether the parameters are where gradients are wanted (else where to evaluate)."""
        return all(group["training"] for group in self.param_groups)

    def train(self, mode: bool = True) -> None:
        """Move the parameters to where gradients are wanted; ``train(False)`` is ``eval()``."""
        work = [(group, self.beta(self._read(group))) for group in self.param_groups]
        with torch.no_grad():
            for group, beta in work:
                if group["training"] != mode:
                    for p in group["params"]:
                        if "z" in self.state.get(p, ()):
                            p.lerp_(self.state[p]["z"], 1 - beta if mode else 1 - 1 / beta)
                    group["training"] = mode

    def eval(self) -> None:
        """Move the parameters to the mean x, the point to evaluate and to save."""
        self.train(False)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; see :meth:`Rule.step`.

        Raises:
            RuntimeError: in evaluation mode, before the closure is called.
        """
        if not self.training:
            raise RuntimeError(
                f"{type(self).__name__}.step() in evaluation mode: the gradients are not those at "
                "the training point. Call train() of the optimizer before the forward pass"
            )
        return super().step(closure)

    def watch(self, model: torch.nn.Module) -> RemovableHandle:
        """Let every forward pass of the model fail that is made in the wrong mode.

        In evaluation mode of the model the optimizer must be in its own; a forward pass with
        gradients in training mode needs the optimizer's training mode. (Without gradients it may
        be in evaluation mode, as when the statistics of batch normalization are taken anew.)

        Neither keeps the other alive, and a copied or unpickled model is not watched.

        Returns:
            A handle whose ``remove()`` ends the watch.
        """
        return model.register_forward_pre_hook(Watch(self))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group; it joins in the mode that the optimizer is in."""
        if isinstance(param_group, dict):
            param_group = {"training": self.training, **param_group}
        super().add_param_group(param_group)


class Watch:
    """A forward hook that compares the model's mode with the optimizer's."""

    def __init__(self, optimizer: ScheduleFree | None = None) -> None:
        self.optimizer = ref(optimizer) if optimizer is not None else lambda: None

    def __call__(self, model: torch.nn.Module, inputs: Any) -> None:
        optimizer = self.optimizer()
        if optimizer is None:
            return
        name, training = type(optimizer).__name__, optimizer.training
        if not model.training and training:
            raise RuntimeError(
                f"the model is in evaluation mode, but {name} is in training mode: its parameters "
                "are not the ones to evaluate. Call eval() of the optimizer too"
            )
        if model.training and not training and torch.is_grad_enabled():
            raise RuntimeError(
                f"the model is in training mode, but {name} is in evaluation mode: its gradients "
                "would be taken at the wrong point. Call train() of the optimizer too"
            )

    def __reduce__(self) -> tuple:
        return Watch, ()  # a copy of the model belongs to no optimizer
