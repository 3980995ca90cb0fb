"""Explorers for a live kernel, made of ipywidgets: move a slider, the picture is computed anew.

They do nothing without a kernel, so they never enter the built book: its pages have live figures of
their own (``book/_static/live``).
"""

from adaopt.widgets.sgd import sgd_explorer, sgd_figure

__all__ = ["sgd_explorer", "sgd_figure"]
