"""Explorers for a live kernel, made of ipywidgets: move a slider, the picture is computed anew.

They do nothing without a kernel, so they never enter the built book: its pages have live figures of
their own (``book/_static/live``).
"""

from adaopt.widgets.memory import memory_explorer, memory_figure
from adaopt.widgets.race import race_explorer, race_figure
from adaopt.widgets.sgd import sgd_explorer, sgd_figure

__all__ = [
    "memory_explorer",
    "memory_figure",
    "race_explorer",
    "race_figure",
    "sgd_explorer",
    "sgd_figure",
]
