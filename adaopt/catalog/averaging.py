"""Cards of the averages that go around any optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from adaopt.catalog.card import Hyper


@dataclass(frozen=True)
class Wrapper:
    """What the course knows of one average of the iterates.

    ``class_name`` is the class in both editions, ``preset`` the keywords that make this average out
    of it, ``changed`` the parts of the formula to be pointed at; ``extra_bytes`` is the memory
    besides the optimizer's own, in bytes per float32 parameter, at the defaults. The torch classes
    have one keyword more, ``device``: where the average is kept.
    """

    key: str
    name: str
    class_name: str
    paper: str
    year: int
    formula: str
    hyper: tuple[Hyper, ...]
    extra_bytes: int
    lecture: int
    algoperf: str
    differences: str = ""
    preset: Mapping[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()

    @property
    def numpy_class(self) -> type:
        """The class of the reading edition."""
        return getattr(import_module("adaopt.numpy"), self.class_name)

    @property
    def torch_class(self) -> type:
        """The class of the working edition (imports torch)."""
        return getattr(import_module("adaopt.torch"), self.class_name)


LAWA = (
    Hyper("mode", "queue", "'queue' or 'ema'", "mean of the last k snapshots, or moving average"),
    Hyper("k", 10, "k >= 1", "length of the queue"),
    Hyper("interval", 100, "interval >= 1", "steps from one snapshot to the next"),
    Hyper("start", 0, "start >= 0", "steps before the first snapshot may be taken"),
    Hyper("beta", 0.9, "0 <= beta < 1", "weight of the old average in mode 'ema'"),
)

WRAPPERS = {
    wrapper.key: wrapper
    for wrapper in (
        Wrapper(
            key="polyak",
            name="Polyak averaging",
            class_name="PolyakAverage",
            paper="polyak1992",
            year=1992,
            formula=r"\bar x_n = \bar x_{n-1} + (x_n - \bar x_{n-1}) / n",
            hyper=(Hyper("start", 0, "start >= 0", "steps whose iterates are left out"),),
            extra_bytes=4,
            lecture=6,
            algoperf="no submission to v0.5",
        ),
        Wrapper(
            key="lawa_queue",
            name="LAWA queue",
            class_name="LAWA",
            paper="kaddour2022",
            year=2022,
            formula=r"\bar x_n = \frac1k \sum_{i=n-k+1}^n s_i",
            hyper=LAWA,
            extra_bytes=40,
            lecture=6,
            algoperf=(
                "9th of the external ruleset, 0.3699: NAdamW and a cosine, k = 10, snapshots every "
                "0.2% of the steps after the first 2%"
            ),
            differences="the paper takes a snapshot at the end of each epoch",
            preset={"mode": "queue"},
            changed=(r"\frac1k \sum_{i=n-k+1}^n s_i",),
        ),
        Wrapper(
            key="lawa_ema",
            name="LAWA EMA",
            class_name="LAWA",
            paper="kaddour2022",
            year=2022,
            formula=r"e_1 = s_1, \qquad e_n = \beta e_{n-1} + (1 - \beta) s_n",
            hyper=LAWA,
            extra_bytes=4,
            lecture=6,
            algoperf=(
                "10th of the external ruleset, 0.3384: snapshots every 0.5% of the steps. Its code "
                "makes beta an integer, so that 0.2 became 0 and the last snapshot was evaluated"
            ),
            preset={"mode": "ema"},
        ),
    )
}
