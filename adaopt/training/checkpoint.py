"""Checkpoint files: arrays and plain values in one ``.npz``, without pickle."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = "adaopt checkpoint 1"


def plain(value: Any) -> Any:
    """The value as JSON gives it back: tuples and arrays become lists."""
    return json.loads(json.dumps(value, default=np.ndarray.tolist))


def write(path: Path, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write beside the file, then rename: at no moment is there half a checkpoint."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        np.savez(file, meta=np.array(json.dumps(plain({"format": FORMAT} | meta))), **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """All that a checkpoint holds, read whole (and so checked) before any of it is used.

    Raises:
        ValueError: the file is broken or is no checkpoint; it is left as it is.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive.items())
        meta = json.loads(str(arrays.pop("meta")))
        if meta["format"] != FORMAT:
            raise ValueError(f"its format is {meta['format']!r}, not {FORMAT!r}")
    except Exception as error:  # a damaged archive fails in many ways
        raise ValueError(
            f"checkpoint {path} is broken or no checkpoint of adaopt "
            f"({type(error).__name__}: {error}). It is left as it is: move it or name another file"
        ) from error
    return meta, arrays


@contextmanager
def interrupts_between_steps(enabled: bool = True) -> Iterator[Callable[[], None]]:
    """Let the first Ctrl-C wait for the end of a step; yields the function that then raises it.

    A second Ctrl-C is raised at once. Outside the main thread, where none arrives, nothing changes.
    """
    old = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not (enabled and main and callable(old)):
        yield lambda: None
        return
    pending = []

    def wait(number: int, frame: Any) -> None:
        pending.append(number)
        signal.signal(signal.SIGINT, old)

    def raise_pending() -> None:
        if pending:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, wait)
    try:
        yield raise_pending
    finally:
        signal.signal(signal.SIGINT, old)
