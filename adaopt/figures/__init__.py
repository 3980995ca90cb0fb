"""The course's figures: they draw what they are given and compute nothing of the subject.

Imports matplotlib. Every function returns the figure; call :func:`use_style` once before.
"""

from adaopt.figures.adamw import tuning_tables
from adaopt.figures.curves import curves
from adaopt.figures.fashion_mnist import confusion, families, image_row, rankings
from adaopt.figures.finite_sums import noise_floor, race, sgd_paths, step_limit, step_schedules
from adaopt.figures.matrix import loss_races, singular_value_maps
from adaopt.figures.memory import memory_bars, memory_over_time, segment_lengths
from adaopt.figures.networks import landscapes
from adaopt.figures.style import GREY, PALETTE, label_lines, method_style, use_style
from adaopt.figures.zoo import (
    comparison,
    order_before_and_after,
    surface_race,
)

__all__ = [
    "GREY",
    "PALETTE",
    "comparison",
    "confusion",
    "curves",
    "families",
    "image_row",
    "label_lines",
    "landscapes",
    "loss_races",
    "memory_bars",
    "memory_over_time",
    "method_style",
    "noise_floor",
    "order_before_and_after",
    "race",
    "rankings",
    "segment_lengths",
    "sgd_paths",
    "singular_value_maps",
    "step_limit",
    "step_schedules",
    "surface_race",
    "tuning_tables",
    "use_style",
]
