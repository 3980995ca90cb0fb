"""Schedules of :mod:`adaopt.schedules` as a scheduler of ``torch.optim``."""

from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from adaopt.schedules import Schedule


class ScheduleLR(LRScheduler):
    """Sets ``lr`` to ``schedule(k)``, k being the number of ``scheduler.step()`` so far.

    The first parameter group gets ``schedule(k)``; the others keep the ratio to it that they had
    when the scheduler was made, and a group added later the ratio that it comes with. The state
    dict holds all but the schedule, as torch's ``LambdaLR``, and resumes exactly.

    Args:
        optimizer: any ``torch.optim.Optimizer``.
        schedule: a function of k = 0, 1, ... that gives the step size of the step after k steps,
            for instance ``schedules.warmup_cosine(1e-3, steps=1000, warmup=20)``.
        last_epoch: k of the last step, to go on from a checkpoint; -1 starts anew.

    Raises:
        TypeError: ``schedule`` is not a function, ``optimizer`` not an optimizer.
        ValueError: the first group has ``lr = 0`` and another has not: there is no ratio.
    """

    def __init__(self, optimizer: Optimizer, schedule: Schedule, last_epoch: int = -1) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule must be a function of the step number, not {schedule!r}")
        self.schedule = schedule
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The step sizes of the groups after ``last_epoch`` steps."""
        groups = self.optimizer.param_groups
        rates = [float(group.setdefault("initial_lr", group["lr"])) for group in groups]
        if rates[0] == 0 and any(rates):
            raise ValueError(f"the learning rates {rates} have no ratio to the first one, 0")
        lr = self.schedule(self.last_epoch)
        return [lr if rate == rates[0] else lr * (rate / rates[0]) for rate in rates]

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer and the schedule."""
        return {name: value for name, value in super().state_dict().items() if name != "schedule"}
