"""Promise: the demo imports its world, shows all it is to show, and can be run again on what it left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run_demo(directory: Path) -> str:
    """Run `graphsvc demo` on an installation; return what it printed."""
    environment = {**os.environ, "GRAPHSVC_DATA_DIR": str(directory), "DEMO_EXIT": "1"}
    environment.pop("GRAPHSVC_NEO4J_URI", None)
    done = subprocess.run(
        [sys.executable, "-m", "graphsvc", "demo", "--accounts", "2000"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:]
    return done.stdout


@pytest.mark.slow
def test_it_imports_detects_scores_and_is_told_and_again_on_what_it_left(tmp_path: Path) -> None:
    first = run_demo(tmp_path)
    assert "import (percent)" in first
    for signup in ("replacement", "student", "customer"):
        assert f"  {signup}: " in first
    assert "run.published" in first
    assert "demo: done in" in first
    again = run_demo(tmp_path)
    assert "there from before" in again
    assert "This very bundle was loaded before" in again
    assert "import (percent)" not in again
    assert "demo: done in" in again
