"""Execute lectures in parallel, each in its own process, into the cache that jupyter-book reads.

jupyter-cache has a parallel executor too, but Ctrl-C leaves it hanging.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from nbclient.exceptions import DeadKernelError


def isolate_kernels(folder: Path) -> None:
    """Keep the user's own IPython settings out, and a warning about local sockets away."""
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text('c.IPKernelApp.log_level = "ERROR"\n')
    os.environ["IPYTHONDIR"] = str(folder)


def execute(lectures: list[Path], cache_folder: Path, timeout: int) -> bool:
    """Execute the lectures that the cache lacks; False if one raised.

    Args:
        lectures: the notebooks; each runs in the folder that it lies in.
        cache_folder: where jupyter-cache keeps the executed copies.
        timeout: seconds for one cell.
    """
    cache = get_cache(str(cache_folder))
    for path in lectures:
        cache.add_nb_to_project(str(path))
    waiting = [record.uri for record in cache.list_unexecuted([str(p) for p in lectures])]
    print(f"lectures: {len(lectures) - len(waiting)} in the cache, {len(waiting)} to execute")
    cores = os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // max(1, len(waiting)))))
    isolate_kernels(cache_folder / "ipython")
    running: dict[str, subprocess.Popen] = {}
    failed = 0
    try:
        while waiting or running:
            while waiting and len(running) < cores:
                path = waiting.pop(0)
                print(f"lectures: {Path(path).stem} ...", flush=True)
                command = [sys.executable, __file__, str(cache_folder), path, str(timeout)]
                running[path] = subprocess.Popen(command)
            for path in [path for path, process in running.items() if process.poll() is not None]:
                failed += running.pop(path).returncode != 0
            time.sleep(0.1)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    return not failed


def execute_one(cache_folder: str, path: str, timeout: str) -> int:
    """Execute one lecture and cache it; prints the traceback of a cell that raises."""
    cache = get_cache(cache_folder)
    notebook = cache.get_project_notebook(path).nb
    try:
        result = single_nb_execution(
            notebook, cwd=str(Path(path).parent), timeout=int(timeout), allow_errors=False
        )
    except (DeadKernelError, AssertionError):  # the latter from nbclient, after Ctrl-C
        print(f"lectures: the kernel of {path} was stopped or died", file=sys.stderr)
        return 1
    if result.err:
        print(f"\n{path}\n{result.exc_string}", file=sys.stderr)
        return 1
    bundle = CacheBundleIn(notebook, path, data={"execution_seconds": result.time})
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    print(f"lectures: {Path(path).stem} executed in {result.time:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(execute_one(*sys.argv[1:]))
