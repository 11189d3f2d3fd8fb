"""Executes docs/notebooks/investigate.ipynb over the demo's world and writes what came out back into the file.

The installation of GRAPHSVC_DATA_DIR is used if that is set (the demo's world is loaded if it is not there), else a new
one that is removed afterwards. The new one has a token key that is no secret: where two signals say equally much the
order of their tokens decides, and so the same world gives the same file.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbformat import NotebookNode

from bench.console import demo
from bench.worlds import KEY
from graphsvc.cli.progress import Stages
from graphsvc.settings import load_settings
from graphsvc.signals.tokens import make_current

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebooks" / "investigate.ipynb"
SECONDS = 300
"""That a cell may take."""


def executed(
    notebook: NotebookNode, environment: Mapping[str, str], *, stop_at_errors: bool = True
) -> NotebookNode:
    """A copy of `notebook`, run from top to bottom in a new kernel of this interpreter; no times are kept.

    Nothing of the user's is used or written: no kernel, profile or style that is installed on this machine.

    Args:
        environment: of the kernel, beside that of this process.
        stop_at_errors: whether a cell that fails ends the run.

    Raises:
        CellExecutionError: a cell failed, and was to end the run.
    """
    copy: NotebookNode = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory(prefix="graphsvc-notebook-") as place:
        # Without directories to look in, `python3` is the kernel of the interpreter that runs this.
        kernel = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            connection_file=str(Path(place) / "kernel.json"),
            transport="ipc",
        )
        client = NotebookClient(
            copy,
            km=kernel,
            timeout=SECONDS,
            record_timing=False,
            coalesce_streams=True,
            allow_errors=not stop_at_errors,
        )
        own = {"IPYTHONDIR": place, "MPLCONFIGDIR": place}
        try:
            # Jupyter runs a notebook in its own directory too, where its statements are.
            client.execute(cwd=NOTEBOOK.parent, env={**os.environ, **own, **environment})
        finally:
            run_sync(kernel.shutdown_kernel)(now=True)
    copy.metadata = notebook.metadata
    return copy


def outputs(notebook: NotebookNode, kind: str) -> list[Any]:
    """All outputs of one kind (`stream`, `display_data`, `execute_result`, `error`), in order."""
    return [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if output.output_type == kind
    ]


def main() -> None:
    """Executes it and writes it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accounts", type=int, default=120_000, help="accounts of the demo's world")
    parser.add_argument(
        "--out", type=Path, default=NOTEBOOK, help="where it is written; by default over itself"
    )
    given = parser.parse_args()
    own = None if "GRAPHSVC_DATA_DIR" in os.environ else tempfile.mkdtemp(prefix="graphsvc-notebook-")
    if own is not None:
        os.environ["GRAPHSVC_DATA_DIR"] = own
        make_current(load_settings(), KEY)
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    try:
        with Stages() as stages, demo(given.accounts, stages) as service:
            stages.print_line(f"notebook: {NOTEBOOK.name}")
            done = executed(notebook, {"GRAPHSVC_URL": service.url, "GRAPHSVC_KEY": service.key})
    finally:
        if own is not None:
            shutil.rmtree(own, ignore_errors=True)
    if warned := [output.text for output in outputs(done, "stream") if output.name == "stderr"]:
        sys.exit("A cell wrote to standard error; nothing is written:\n" + "".join(warned))
    nbformat.write(done, given.out)  # type: ignore[no-untyped-call]
    print(f"notebook: {given.out.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
