"""Matrix methods in several processes: each computes its own part, then all have the result."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch._utils import _unflatten_dense_tensors

from ..engine.hyper import Hyper
from ..engine.rule import Batch
from .blocks import spread
from .rule import MatrixRule


class DistributedRule(MatrixRule):
    """A :class:`MatrixRule` that with ``distributed=True`` shares its work among processes.

    Every process of torch's default group has the whole model and, as DistributedDataParallel makes
    them, the same gradients. The parts of parameters that can be computed alone (a method says
    which) are assigned to the processes, the costliest first, each to the one with the least so
    far. A process takes the steps of its own parts, keeps what their matrices need and no more, and
    receives the new values of all others, so that all hold the same numbers.

    A gradient that some processes lack counts as zero there: the mean is taken. A parameter without
    a gradient in any process is skipped.

    A state dict is of one process, to be loaded by the same one of as many; one that was saved
    without ``distributed`` turns it off.

    Raises:
        RuntimeError: in a step, another process has ended, or does not come within the timeout that
            ``torch.distributed.init_process_group`` was given.
        ValueError: there is no process group; the state dict is of another process, or of another
            number of them.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.layout = {**cls.layout, "distributed": False}
        cls.absent = {**cls.absent, "distributed": False}
        super().__init_subclass__(**kwargs)

    def costs(self, h: Hyper, p: Tensor) -> Sequence[float]:
        """What the step of every part of p costs that can be computed alone: here, all of p."""
        return [p.numel() ** 1.5]

    def pieces(self, h: Hyper, p: Tensor) -> list[Tensor]:
        """Views of these parts."""
        return [p]

    def own(self, h: Hyper, p: Tensor) -> list[bool] | None:
        """Of each part of p whether it is this process's own; None if all are."""
        if not h.distributed:
            return None
        owners = self._owners().get(self.__dict__.get("_stands_for") if p.is_meta else p)
        return owners and [owner == place()[0] for owner in owners]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; see :meth:`Rule.step`. With ``distributed`` every process must."""
        self._stepped: list[tuple[Hyper, Tensor]] = []
        loss = super().step(closure)
        self._share()
        return loss

    # The machinery.

    def _gradients(self, group: dict[str, Any]) -> list[tuple[Tensor, Tensor]]:
        pairs, params = super()._gradients(group), group["params"]
        if not self._read(group).distributed or not params:
            return pairs
        group["process"] = place()  # whose state it is, for the state dict
        given, size = dict(pairs), place()[1]
        counts = torch.tensor([p in given for p in params], dtype=torch.int32)
        counts = self._together(dist.all_reduce, counts.to(params[0].device)).tolist()
        for p, count in zip(params, counts, strict=True):
            if 0 < count < size:
                mine = given[p].clone() if p in given else torch.zeros_like(p)
                given[p] = self._together(dist.all_reduce, mine) / size
        return [(p, given[p]) for p in params if p in given]

    def _batches(self, group: dict[str, Any], h: Hyper, pairs: list) -> Iterable[Batch]:
        if h.distributed:
            self._stepped += [(h, p) for p, _ in pairs]
            pairs = [(p, g) for p, g in pairs if any(self.own(h, p))]
        return super()._batches(group, h, pairs)

    @torch.no_grad()
    def _share(self) -> None:
        """Send the own parts of the parameters that have been stepped, receive the others."""
        (rank, size), kinds = place(), {}
        for h, p in self._stepped:
            units = kinds.setdefault((p.device, p.dtype), [[] for _ in range(size)])
            for owner, piece in zip(self._owners()[p], self.pieces(h, p), strict=True):
                units[owner].append(piece)
        for units in kinds.values():
            most = max(sum(x.numel() for x in own) for own in units)
            spare = next(chain(*units)).new_zeros(most)
            sent = torch.cat([*(x.reshape(-1) for x in units[rank]), spare])[:most]
            received = [torch.empty_like(sent) for _ in units]
            self._together(dist.all_gather, received, sent)
            for flat, own in zip(received, units, strict=True):
                for x, values in zip(own, _unflatten_dense_tensors(flat, own), strict=True):
                    x.copy_(values)

    def _together(self, collective: Callable[..., Any], *tensors: Any) -> Any:
        """Call it; the first tensor."""
        try:
            collective(*tensors)
        except RuntimeError as error:
            rank, size = place()
            raise RuntimeError(
                f"{type(self).__name__}: process {rank} of {size} has lost another one during a "
                f"step: it has ended, failed or not come in time. Start all again from their last "
                f"checkpoint ({error})"
            ) from error
        return tensors[0]

    def _owners(self) -> dict[Tensor, Sequence[int]]:
        """The owner of every part of every shared parameter."""
        size, groups = place()[1], self.param_groups
        key = size, [(id(group), len(group["params"]), group["distributed"]) for group in groups]
        if self.__dict__.get("_assigned", (None,))[0] != key:
            owners, loads = {}, [0] * size
            for group in groups:  # one by one: a group added later changes nothing before it
                h = self._read(group)
                costs = {p: self.costs(h, p) for p in group["params"] if h.distributed}
                chosen = iter(spread([*chain(*costs.values())], loads))
                owners |= {p: [*islice(chosen, len(own))] for p, own in costs.items()}
            self._assigned = key, owners
        return self._assigned[1]

    def _check_group(self, group: dict[str, Any]) -> Hyper:
        h, found = super()._check_group(group), group.get("process")
        if h.distributed and found not in (None, place()):
            said = ["process {} of {}".format(*process) for process in (found, place())]
            raise ValueError(f"the state dict is of {said[0]}, this is {said[1]}")
        return h

    def _check_state(self, p: Tensor, values: dict[str, Any], h: Hyper | None) -> None:
        self._stands_for = p  # whose likeness on the meta device is asked for shapes
        super()._check_state(p, values, h)
        self._stands_for = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.setdefault("param_groups", state["param_groups"])  # a copy has none yet
        super().__setstate__(state)


def place() -> tuple[int, int]:
    """This process's number and how many there are."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
