"""Every card and variant of the catalog as a case, so that a new method is tested by its card."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from adaopt.catalog import CARDS, Card
from adaopt.torch.engine import eager

SHAPES = ((5, 3), (7,), (), (0, 3), (2, 3, 4))


class Case(NamedTuple):
    """A method at one setting."""

    card: Card
    hyper: dict[str, Any]

    def __call__(self, params: Iterable, **more: Any) -> torch.optim.Optimizer:
        return self.card.torch_class(params, **{**self.card.preset, **self.hyper, **more})


CASES = {
    f"{card.key}-{i}": Case(card, dict(hyper))
    for card in CARDS.values()
    for i, hyper in enumerate(({}, *card.variants))
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``case``: every card at its defaults and at each of its variants, unless the card says why
    this test cannot hold for it."""
    if "case" in metafunc.fixturenames:
        name = metafunc.function.__name__
        kept = [key for key, case in CASES.items() if name not in case.card.exempt]
        metafunc.parametrize("case", [CASES[key] for key in kept], ids=kept)


class Problem:
    """Parameters, and gradients that change sign and scale; the same ones for the same seed."""

    def __init__(self, shapes: Iterable = SHAPES, dtype: torch.dtype = torch.float64) -> None:
        self.generator = torch.Generator().manual_seed(0)
        self.dtype = dtype
        self.params = [Parameter(self.draw(shape)) for shape in shapes]
        self.steps = 0

    def draw(self, shape: Iterable[int]) -> Tensor:
        size = (*shape, 2) if self.dtype.is_complex else tuple(shape)
        drawn = torch.randn(size, generator=self.generator, dtype=torch.float64)
        return (torch.view_as_complex(drawn) if self.dtype.is_complex else drawn).to(self.dtype)

    def gradients(self) -> None:
        """Set the gradients of the next step."""
        for p in self.params:
            p.grad = self.draw(p.shape) * (-1) ** self.steps * (1 + self.steps % 3)
        self.steps += 1

    def run(self, optimizer: torch.optim.Optimizer, steps: int) -> list[Tensor]:
        """Step, and return copies of the parameters."""
        for _ in range(steps):
            self.gradients()
            optimizer.step()
        return self.values()

    def values(self) -> list[Tensor]:
        return [p.detach().clone() for p in self.params]


@pytest.fixture
def problem() -> type[Problem]:
    """The class of problems: ``problem()``, ``problem(shapes, dtype)``."""
    return Problem


@pytest.fixture
def equal() -> Callable[..., None]:
    """``equal(ours, theirs, tolerance=0)``: two lists of tensors agree; 0 means bit for bit."""

    def check(ours: Iterable[Tensor], theirs: Iterable[Tensor], tolerance: float = 0.0) -> None:
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)

    return check


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Views of two elements, so that small tensors go the way of large ones."""
    monkeypatch.setattr(eager, "BLOCK", 2)
