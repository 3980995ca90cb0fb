"""What every test folder shares: the hypothesis profile, the GPU rule, the missing-tool rule."""

import os
import shutil
from collections.abc import Callable

import pytest
from hypothesis import settings

# Same examples on every machine, and no deadline: a slow machine is not a failing test.
settings.register_profile("adaopt", derandomize=True, deadline=None, database=None)
settings.load_profile("adaopt")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the tests marked ``gpu`` where there is no CUDA device."""
    gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu:
        return
    import torch

    if not torch.cuda.is_available():
        config.hook.pytest_deselected(items=gpu)
        items[:] = [item for item in items if item not in gpu]


@pytest.fixture(scope="session")
def require() -> Callable[[object, str], None]:
    """``require(found, how)`` skips with the remedy when something is missing, and fails in CI."""

    def check(found: object, how: str) -> None:
        if found:
            return
        if os.environ.get("CI"):
            pytest.fail(f"CI must not skip: {how}")
        pytest.skip(how)

    return check


@pytest.fixture(scope="session")
def chromium(require: Callable[[object, str], None]) -> str:
    """The path of an installed Chromium (or Chrome)."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = next(filter(None, map(shutil.which, names)), None)
    require(path, "no Chromium found: install it (Debian and Ubuntu: apt install chromium)")
    return path


@pytest.fixture(scope="session")
def node(require: Callable[[object, str], None]) -> str:
    """The path of an installed Node.js."""
    path = shutil.which("node")
    require(path, "no Node.js found: install it (Debian and Ubuntu: apt install nodejs)")
    return path


@pytest.fixture(scope="session")
def compiler(require: Callable[[object, str], None]) -> None:
    """What torch.compile needs: a C++ compiler and Python's headers."""
    from adaopt.torch.engine import compiled

    try:
        compiled.require_compiler()
    except RuntimeError as error:
        require(False, str(error))
