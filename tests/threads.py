"""Run a script here and in a process with more threads: what it prints is not to depend on their number."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout


def print_twice(script: str, *arguments: str) -> tuple[str, str]:
    """Return what a script prints in this process, and in one with more threads than the machine has cores.

    Args:
        script: the text of a program.
        *arguments: strings that it finds as `ARGUMENTS`.
    """
    text = f"ARGUMENTS = {list(arguments)!r}\n{script}"
    more = str((os.cpu_count() or 1) + 1)
    names = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, more), "PYTHONPATH": os.pathsep.join(sys.path)}
    there = subprocess.run(
        [sys.executable, "-c", text], env=environment, check=True, capture_output=True, text=True
    )
    with redirect_stdout(io.StringIO()) as here:
        exec(text, {"__name__": "here"})  # noqa: S102 - the same text on both sides
    return here.getvalue(), there.stdout
