"""Promise: a load killed at any moment and run again ends in the same graph as an unbroken one."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from graphs import checksum, ring_bundle, write_bundle

from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store, addresses, loads

SMALL = 100
"""Rows of a batch here, so that a small bundle has several in its larger steps."""
LOAD = f"""
import itertools, os, sys, threading, time
from graphsvc.cli import main
from graphsvc.store import addresses, loads
from graphsvc.store import Store

addresses.BATCH = loads.BATCH = {SMALL}
last, seconds = int(sys.argv.pop(1)), float(sys.argv.pop(1))
count, guarded = itertools.count(), Store.write_guarded

def write(*given):
    number = next(count)
    if number == last:
        threading.Timer(seconds, os.kill, (os.getpid(), 9)).start()
    elif number == last + 1 and last >= 0:
        time.sleep(60)  # it wrote the batch before it was killed; it is to come no further
    return guarded(*given)

Store.write_guarded = write
main()
"""
"""The command with small batches, killed some seconds after it began to write the batch `last`; -1: never."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Large enough for several batches of the larger steps."""
    made = ring_bundle(tmp_path / "bundle", rings=4, size=12, singles=250)
    reported = {"kind": "banned", "at": "2026-03-05T00:00:00Z", "by": "desk"}
    return write_bundle(made, outcomes=[{**reported, "account_id": f"acct-{n:05}"} for n in range(150)])


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of that size in this process too."""
    for module in (addresses, loads):
        monkeypatch.setattr(module, "BATCH", SMALL)


def load(store: Store, bundle: Path, installation: Settings, *, again: bool = False) -> int:
    """Load the bundle; returns how many batches that wrote."""
    stages: list[str] = []
    load_bundle(
        store,
        bundle,
        load_or_create_key(installation),
        installation.dead_letters_dir,
        again=again,
        progress=lambda stage, *_: stages.append(stage),
    )
    return sum(not stage.startswith("read ") for stage in stages)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
@pytest.mark.usefixtures("cli_environment", "small_batches")
def test_killed_and_run_again(database: Store, bundle: Path, installation: Settings, seed: int) -> None:
    batches = load(database, bundle, installation)
    unbroken = checksum(database)
    database.run_autocommit("bench/wipe")

    def run(last: int, seconds: float) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", LOAD, str(last), str(seconds), "load", str(bundle)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    moment = random.Random(seed)
    for _ in range(3):
        # Before the batch is written, while it is, or right after: one takes some 20 ms.
        killed = run(moment.randrange(batches // 4), moment.choice([0.0, moment.uniform(0.0, 0.05)]))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = run(-1, 0.0)
    assert finished.returncode == 0, finished.stderr
    assert checksum(database) == unbroken


@pytest.mark.usefixtures("small_batches")
def test_the_same_bundle_again_changes_nothing(database: Store, bundle: Path, installation: Settings) -> None:
    assert load(database, bundle, installation) > 10
    once = checksum(database)
    load(database, bundle, installation)
    assert checksum(database) == once
    load(database, bundle, installation, again=True)
    assert checksum(database) == once
