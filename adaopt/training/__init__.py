"""One loop for both editions: steps, trace, progress bar, checkpoint and exact resume.

:func:`minimize` runs an optimizer on a finite sum, :func:`fit` trains a network, :func:`tune`
chooses a step size. Importing this package imports no torch.
"""

from adaopt.training.common import DivergenceError
from adaopt.training.fitting import History, RateSearch, find_lr, fit
from adaopt.training.minimizing import Trace, minimize
from adaopt.training.trainers import best_device
from adaopt.training.tuning import Tuned, tune

__all__ = [
    "DivergenceError",
    "History",
    "RateSearch",
    "Trace",
    "Tuned",
    "best_device",
    "find_lr",
    "fit",
    "minimize",
    "tune",
]
