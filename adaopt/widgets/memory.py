"""The memory budget of training a GPT-2: choose, and read what it takes and whether it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adaopt import memory
from adaopt.widgets.explorer import explorer, ipywidgets

if TYPE_CHECKING:
    from ipywidgets import VBox
    from matplotlib.figure import Figure

# As in book/_static/live/memory.js.
CONTROLS: dict[str, tuple[str, list, Any]] = {
    "model": ("Model", ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"], "gpt2-xl"),
    "batch": ("Sequences per device", [1, 2, 4, 8, 16, 32, 64, 128], 1),
    "seq": ("Tokens per sequence", [128, 256, 384, 512, 640, 768, 896, 1024], 1024),
    "optimizer": ("Optimizer", ["sgd", "momentum", "lion", "adamw", "ademamix"], "adamw"),
    "precision": ("Precision", ["fp32", "fp16", "bf16", "bf16-pure"], "fp16"),
    "attention": ("Attention", ["eager", "flash"], "eager"),
    "checkpoint": ("Layers per checkpoint", [0, 1, 2, 3, 4, 7], 0),
    "zero": ("ZeRO stage", [0, 1, 2, 3], 0),
    "devices": ("Devices", [2**k for k in range(11)], 1),
    "room": ("GB of a device", [8, 16, 24, 32, 40, 48, 80, 141, 192], 32),
}


def memory_explorer() -> VBox:
    """Menus above the figure of :func:`memory_figure`.

    Raises:
        ImportError: ipywidgets is missing; the message says how to install it.
    """
    widgets = ipywidgets("memory_explorer")
    style = {"description_width": "11em"}
    menus = {
        name: widgets.Dropdown(options=options, value=start, description=label, style=style)
        for name, (label, options, start) in CONTROLS.items()
    }
    grid = widgets.GridBox(
        list(menus.values()), layout={"grid_template_columns": "repeat(auto-fit, 22em)"}
    )
    return explorer(memory_figure, menus, [grid])


def memory_figure(
    model: str,
    batch: int,
    seq: int,
    optimizer: str,
    precision: str,
    attention: str,
    checkpoint: int,
    zero: int,
    devices: int,
    room: float,
) -> tuple[Figure, str]:
    """The stacked bar of one budget, by formula, and one sentence that says whether it fits.

    Args: as for :func:`adaopt.memory.budget`; ``room`` is the device's memory in GB.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    from adaopt.figures import memory_bars
    from adaopt.figures.style import STYLE

    states = memory.model_states(model, optimizer, precision, zero, devices)
    how = model, batch, seq, precision, attention, checkpoint
    saved = sum(memory.activations_formula(*how).values())
    parts = {
        "weights": states.parameters,
        "gradients": states.gradients,
        "master copy": states.master,
        "optimizer state": states.optimizer,
        "saved activations": saved,
        "backward pass": memory.peak_formula(*how) - saved,
    }
    with matplotlib.rc_context(STYLE):
        figure = memory_bars({model: parts}, room * 1e9, f"{room} GB")
        plt.close(figure)
    total = sum(parts.values()) / 1e9
    verdict = "fits" if total <= room else "does not fit"
    return figure, f"Each device needs {total:.2f} GB: that {verdict} into {room} GB."
