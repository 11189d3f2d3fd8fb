"""Promise: whenever a run is killed around the switch of the index, scores are of a run that was published, by an index
that is complete, and the next run leaves nothing of the dead one."""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from graphs import ring_bundle

from graphsvc.errors import IndexMissing
from graphsvc.loading import load_bundle
from graphsvc.scoring.answers import Recommendation, Thresholds, score_signups
from graphsvc.scoring.files import IndexFiles
from graphsvc.scoring.signups import read_signups
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.control import mark_failed
from graphsvc.store.runs import list_runs

PROGRAM = """
import json, os, sys
import numpy as np, polars as pl
from pathlib import Path
from pydantic import SecretStr
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.campaigns.parameters import Parameters
from graphsvc.detection import detect
from graphsvc.scoring import files
from graphsvc.store import Address, Store

asked = json.load(sys.stdin)
left = asked["step"]

def count(work):
    def step(*given, **named):
        global left
        if is_open[0]:
            left -= 1
            if not left:
                os.kill(os.getpid(), 9)
        return work(*given, **named)
    return step

is_open, keep = [False], files.IndexFiles.keep

def keep_index(self, index):
    is_open[0] = True  # what comes before the index is kept is no matter of it
    keep(self, index)

files.IndexFiles.keep = keep_index
np.save, Path.rename, files.write_atomically = count(np.save), count(Path.rename), count(files.write_atomically)
files.shutil.rmtree, Path.write_text = count(files.shutil.rmtree), count(Path.write_text)
pl.DataFrame.write_ipc, Path.iterdir = count(pl.DataFrame.write_ipc), count(Path.iterdir)
Store._open_session = count(Store._open_session)
indexes = files.IndexFiles(Path(asked["directory"]))
with Store(Address(asked["uri"], asked["user"], SecretStr(asked["password"]))) as store:
    detect(store, InProcessDetector(), Parameters(), indexes=indexes, name=asked["run"])
print(asked["step"] - left)
"""
MOST = 60
"""Steps from the first file of an index to the end of its run, about."""


def run_killed(store: Store, directory: Path, run: str, step: int) -> bool:
    """Detect in a process of its own that is killed at a step, and return whether it was; -1: never."""
    address = store.address
    asked = {
        "uri": address.uri, "user": address.user, "password": address.password.get_secret_value(),
        "directory": str(directory), "run": run, "step": step,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(asked),
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def detect_under_kills(store: Store, directory: Path, tokens: Tokeniser, kills: int, seed: int) -> None:
    """Detect while the run is killed so often, and look at the index after each kill."""
    chosen, files = random.Random(seed), IndexFiles(directory)
    signup = pl.DataFrame({"instrument": ["fp_ring0_1"], "signup_device": ["dev_ring0_1"]})
    left: Counter[str] = Counter()
    number, before = 0, None
    while left.total() < kills:
        number += 1
        run = f"run-{number}"
        if not run_killed(store, directory, run, chosen.randint(1, MOST)):
            assert files.load().run == run  # it came to its end before
            before = run
            continue
        status = {each["id"]: each["status"] for each in list_runs(store)}
        current = files.find_current()
        # Killed between the commit and the switch, scores are of the run before; never of one that is not published.
        assert current in (before, run)
        assert current is None or status[current] in ("published", "superseded")
        left[
            "the new index" if current == run
            else "the index before, the new result" if status[run] == "published"
            else "the index before, the result before"
        ] += 1  # fmt: skip
        if current is None:
            with pytest.raises(IndexMissing):
                files.load()
        else:
            (score,) = score_signups(files.load(), read_signups(signup, tokens), Thresholds())
            assert score.recommendation is Recommendation.REVIEW
        if status[run] == "running":
            mark_failed(store, run, "lost")
        before = current
    assert not run_killed(store, directory, "last", -1)
    assert files.load().run == "last"
    assert sorted(path.name for path in directory.iterdir()) == ["current", "last"]
    print(f"\nindex: {kills} kills left {dict(left)}; {number - kills} runs came to their end before")


@pytest.fixture
def loaded(database: Store, tokens: Tokeniser, tmp_path: Path) -> Store:
    load_bundle(database, ring_bundle(tmp_path / "bundle"), tokens, tmp_path / "dead")
    return database


def test_a_run_that_is_killed_leaves_an_index_of_a_published_one(
    loaded: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    detect_under_kills(loaded, tmp_path / "score", tokens, kills=2, seed=1)


@pytest.mark.kills
def test_a_run_that_is_killed_fifty_times_leaves_an_index_of_a_published_one(
    loaded: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    detect_under_kills(loaded, tmp_path / "score", tokens, kills=50, seed=2)
