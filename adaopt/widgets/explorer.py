"""What the explorers share: controls above a picture and a sentence, drawn anew at each change."""

from collections.abc import Callable
from html import escape
from io import BytesIO
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import VBox, Widget
    from matplotlib.figure import Figure


def ipywidgets(needed_by: str) -> ModuleType:
    """The module, or an ImportError that says who needs it and how to install it."""
    try:
        import ipywidgets
    except ImportError as error:
        raise ImportError(f"{needed_by} needs ipywidgets: pip install ipywidgets") from error
    return ipywidgets


def explorer(
    draw: "Callable[..., tuple[Figure, str]]",
    controls: "dict[str, Widget]",
    layout: "list[Widget] | None" = None,
    **fixed: Any,
) -> "VBox":
    """Controls above the figure and the sentence that ``draw(**values, **fixed)`` returns."""
    widgets = ipywidgets("an explorer")
    picture = widgets.Image(format="png", layout={"max_width": "100%"})
    finding = widgets.HTML()

    def redraw(change: object = None) -> None:
        values = {name: control.value for name, control in controls.items()}
        figure, sentence = draw(**values, **fixed)
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        picture.value, finding.value = buffer.getvalue(), escape(sentence)

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    return widgets.VBox([*(layout or controls.values()), picture, finding])
