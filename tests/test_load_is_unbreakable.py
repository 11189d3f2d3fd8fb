"""Promise: a load killed at any moment and run again ends in the same graph as an unbroken one."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from graphs import checksum, ring_bundle

from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store

COMMAND = [sys.executable, "-m", "graphsvc", "load"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Large enough for several batches of the larger steps."""
    return ring_bundle(tmp_path / "bundle", rings=20, size=12, singles=11_000)


def load(store: Store, bundle: Path, installation: Settings, *, again: bool = False) -> None:
    load_bundle(store, bundle, load_or_create_key(installation), installation.dead_letters_dir, again=again)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_killed_and_run_again(
    database: Store, bundle: Path, installation: Settings, cli_environment: Path, seed: int
) -> None:
    began = time.monotonic()
    load(database, bundle, installation)
    unbroken, took = checksum(database), time.monotonic() - began
    database.autocommit("maintenance/wipe")

    moment = random.Random(seed)
    for _ in range(3):
        process = subprocess.Popen(
            [*COMMAND, str(bundle)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # From the first second (still starting) to what an unbroken load takes, start of Python included.
        time.sleep(moment.uniform(0.5, took + 2.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finished = subprocess.run([*COMMAND, str(bundle)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert checksum(database) == unbroken


def test_the_same_bundle_again_changes_nothing(database: Store, bundle: Path, installation: Settings) -> None:
    load(database, bundle, installation)
    once = checksum(database)
    load(database, bundle, installation)
    assert checksum(database) == once
    load(database, bundle, installation, again=True)
    assert checksum(database) == once
