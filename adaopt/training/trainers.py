"""A network, its optimizer and its data in either edition, behind one interface: step, evaluate."""

import copy
import io
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from adaopt.numpy import State
from adaopt.training.editions import joined_state, split_state

Check = Callable[[float], None]
NAN = float("nan")


class Means:
    """Loss and accuracy averaged over samples, batch by batch."""

    def __init__(self, samples: int = 0, total: float = 0.0, right: float = 0.0) -> None:
        self.samples, self.total, self.right = samples, total, right

    def add(self, loss: float, share: float, samples: int) -> None:
        """Count a batch: its mean loss and its share of right predictions."""
        self.samples += samples
        self.total += loss * samples
        self.right += share * samples

    @property
    def loss(self) -> float:
        return self.total / self.samples

    @property
    def accuracy(self) -> float:
        return self.right / self.samples


class NumpyTrainer:
    """A network of :mod:`adaopt.nn.by_hand` and a rule of :mod:`adaopt.numpy`."""

    def __init__(self, model: Any, rule: Any, data: Any, validation: Any, loss: Any) -> None:
        if loss is None:
            from adaopt.nn.by_hand import cross_entropy as loss
        self.model, self.optimizer, self.loss = model, rule, loss
        self.x = model.parameters
        dtype = next(iter(self.x.values())).dtype
        self.X, self.y = _arrays("data", data, dtype)
        self.held = None if validation is None else _arrays("validation", validation, dtype)

    @property
    def lr(self) -> float:
        return self.optimizer.lr

    @lr.setter
    def lr(self, value: float) -> None:
        self.optimizer.lr = value

    def step(self, batch: np.ndarray, check: Check) -> tuple[float, float]:
        """One step on these samples; their mean loss and share of right answers before it."""
        X, y, outputs = self.X[batch], self.y[batch], []

        def loss(prediction: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
            outputs.append(prediction)
            value, gradient = self.loss(prediction, target)
            check(float(value))
            return value, gradient

        self.model.parameters = self.optimizer.point(self.x)
        try:
            value, gradients = self.model.gradient(X, y, loss)
            self.x = self.optimizer.step(self.x, gradients)
        finally:
            self.model.parameters = self.x
        return value, _share(outputs[0], y)

    def evaluate(self, batch_size: int) -> Means:
        """Loss and accuracy on the validation data."""
        means, (X, y) = Means(), self.held
        for at in range(0, len(X), batch_size):
            target = y[at : at + batch_size]
            outputs = self.model.forward(X[at : at + batch_size])
            means.add(float(self.loss(outputs, target)[0]), _share(outputs, target), len(target))
        return means

    def finish(self) -> None:
        """The model holds the trained parameters already."""

    def describe(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be of this network and method."""
        shapes = {n: [list(x.shape), str(x.dtype)] for n, x in self.x.items()}
        return {"optimizer": f"NumPy's {type(self.optimizer).__name__}", "parameters": shapes}

    def save(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        rule, numbers = self.optimizer, {}
        arrays = {f"x/{n}": x for n, x in self.x.items()}
        for name, state in rule.state.items():
            numbers[name], found = split_state(state)
            arrays |= {f"{label}/{name}": a for label, a in found.items()}
        return {"k": rule.k, "numbers": numbers, "shared": vars(rule.shared)}, arrays

    def load(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        rule = self.optimizer
        self.x = self.model.parameters = {n: arrays.pop(f"x/{n}") for n in self.x}
        found: dict[str, dict] = {name: {} for name in meta["numbers"]}
        for label, value in arrays.items():
            key, name = label.split("/", 1)
            found[name][key] = value
        rule.state = {n: joined_state(numbers, found[n]) for n, numbers in meta["numbers"].items()}
        rule.k, rule.shared = meta["k"], State(**meta["shared"])
        rule.layout = {n: (x.shape, x.dtype) for n, x in self.x.items()} if rule.k else {}


class TorchTrainer:
    """A torch module and optimizer, their data on the model's device.

    In a module of ``DistributedDataParallel`` each process takes its part of a batch, and losses
    and accuracies are those of the joint batch.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        data: Any,
        validation: Any,
        loss: Any,
        device: Any,
        precision: str | None,
        clip: float | None,
    ) -> None:
        import torch

        self.torch, self.model, self.clip = torch, model, clip
        if not any(p.numel() for p in model.parameters() if not p.is_meta):
            raise ValueError("model has no parameters to train, or they are on the meta device")
        if loss is None:
            from adaopt.nn import cross_entropy as loss
        if device is not None:
            model.to(best_device() if device == "auto" else device)
        if not hasattr(optimizer, "param_groups"):
            if not callable(optimizer):
                raise TypeError(
                    f"optimizer must be a torch optimizer or make one, not {optimizer!r}"
                )
            optimizer = optimizer(model.parameters())
        self.optimizer, self.loss = optimizer, loss
        stepped = {p for group in optimizer.param_groups for p in group["params"]}
        if stepped.isdisjoint(model.parameters()):
            raise ValueError("optimizer has none of the model's parameters")
        self.X, self.y = self._tensors("data", data)
        self.held = None if validation is None else self._tensors("validation", validation)
        kind = self.X.device.type
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.scaler = torch.amp.GradScaler(kind, enabled=precision == "float16")
        self.half = None if precision is None else getattr(torch, precision)
        distributed = torch.nn.parallel.DistributedDataParallel
        self.dist = torch.distributed if isinstance(model, distributed) else None

    @property
    def lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        first = next((rate for rate in self.rates if rate), 0)  # a group with 0 is frozen
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = value if rate == first else value * float(rate / first)

    def step(self, batch: np.ndarray, check: Check) -> tuple[float, float]:
        """One step on these samples; their mean loss and share of right answers before it."""
        torch = self.torch
        at = torch.from_numpy(batch)
        if self.dist:
            at = at[self.dist.get_rank() :: self.dist.get_world_size()]
        part = len(at) / len(batch)
        at = (at if part else torch.from_numpy(batch[:1])).to(self.X.device)
        self._mode(True)
        with self._precision():
            outputs, targets = self.model(self.X[at]), self.y[at]
            loss = self.loss(outputs, targets)
        value, share = self._joint(loss.item(), _share(outputs, targets), part)
        check(value)
        self.optimizer.zero_grad()
        if self.dist:  # the gradients are averaged with equal weights, whatever the parts
            loss = loss * (part * self.dist.get_world_size())
        self.scaler.scale(loss).backward()
        if self.clip is not None:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return value, share

    def evaluate(self, batch_size: int) -> Means:
        """Loss and accuracy on the validation data, the model as it stands."""
        self._mode(False)
        means = Means()
        with self.torch.no_grad(), self._precision():
            for X, y in zip(*(t.split(batch_size) for t in self.held), strict=True):
                outputs = self.model(X)
                means.add(self.loss(outputs, y).item(), _share(outputs, y), len(y))
        return means

    def finish(self) -> None:
        """Leave the trained parameters in the model."""
        if hasattr(self.optimizer, "eval"):
            self.optimizer.eval()

    def describe(self) -> dict[str, Any]:
        """What must be equal for a checkpoint to be of this network and method."""
        state = self.model.state_dict().items()
        shapes = {n: [list(t.shape), str(t.dtype)] for n, t in state}
        return {"optimizer": type(self.optimizer).__name__, "parameters": shapes}

    def save(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        torch = self.torch
        self._mode(True)  # an optimizer with modes resumes from its training point
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),  # what dropout draws from
            "random cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        file = io.BytesIO()
        torch.save(state, file)
        return {}, {"state": np.frombuffer(file.getvalue(), np.uint8)}

    def load(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        torch = self.torch
        file = io.BytesIO(arrays["state"].tobytes())
        state = torch.load(file, map_location="cpu", weights_only=True)
        self._mode(True)
        self.optimizer.load_state_dict(state["optimizer"])  # refuses what does not fit
        self.model.load_state_dict(state["model"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        if state["random cuda"]:
            torch.cuda.set_rng_state_all(state["random cuda"])

    def _precision(self) -> Any:
        if self.half is None:
            return nullcontext()
        return self.torch.autocast(self.X.device.type, self.half)

    def _joint(self, value: float, share: float, part: float) -> tuple[float, float]:
        """The means over the batches of all processes."""
        if not self.dist:
            return value, share
        parts = [value * part, share * part] if part else [0.0, 0.0]  # NaN times zero is NaN
        sums = self.torch.tensor(parts, dtype=self.torch.float64, device=self.X.device)
        self.dist.all_reduce(sums)
        return tuple(sums.tolist())

    def _mode(self, training: bool) -> None:
        """Turn the model, and an optimizer that has modes too, to training or to evaluation."""
        if self.model.training is not training or hasattr(self.optimizer, "eval"):
            for each in (self.model, self.optimizer):
                if hasattr(each, "train") and hasattr(each, "eval"):
                    each.train() if training else each.eval()

    def _tensors(self, name: str, data: Any) -> tuple[Any, Any]:
        """Inputs and targets as tensors on the model's device, in dtypes it can take."""
        torch = self.torch
        X, y = (
            a if isinstance(a, torch.Tensor) else torch.from_numpy(_native(a))
            for a in _pair(name, data)
        )
        like = next(self.model.parameters())
        X = X.to(like) if X.is_floating_point() else X.to(like.device)
        return X, y.to(like) if y.is_floating_point() else y.to(like.device, torch.int64)


def best_device() -> str:
    """The fastest device of this machine: "cuda", else "mps", else "cpu"."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def on_copies(model: Any, optimizer: Any) -> tuple[Any, Any]:
    """The model and its optimizer copied together: the copy steps the copy's parameters."""
    return copy.deepcopy((model, optimizer))


def _native(a: Any) -> np.ndarray:
    """As an array that torch can take without a copy, where it is one."""
    a = np.asarray(a)
    return np.require(a.astype(a.dtype.newbyteorder("="), copy=False), requirements="CW")


def _share(outputs: Any, targets: Any) -> float:
    """The share of targets that are the largest output; NaN where there are no classes."""
    kind = getattr(targets.dtype, "kind", "f" if "float" in str(targets.dtype) else "i")
    if kind == "f" or outputs.shape[:-1] != targets.shape:
        return NAN
    return float((outputs.argmax(-1) == targets).sum()) / math.prod(targets.shape)


def _pair(name: str, data: Any) -> tuple[Any, Any]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"{name} must be a pair (inputs, targets), not {type(data).__name__}")
    X, y = data
    if len(X) != len(y) or len(X) == 0:
        raise ValueError(f"{name} has {len(X)} inputs and {len(y)} targets")
    return X, y


def _arrays(name: str, data: Any, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets as arrays, floating-point ones in the dtype of the parameters."""
    return tuple(
        a.astype(dtype, copy=False) if a.dtype.kind == "f" else a
        for a in map(np.asarray, _pair(name, data))
    )
