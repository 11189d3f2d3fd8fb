"""Promise: of several detections at once one runs, and the others are told which."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command import run_command
from graphs import ring_bundle

from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.detect import run_certified
from graphsvc.cli.progress import Stages
from graphsvc.detection import Outcome
from graphsvc.errors import Conflict
from graphsvc.files import lock_or_fail
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.published import read_members


def test_a_second_holder_is_told_the_process_of_the_first_and_a_dead_one_holds_nothing(
    tmp_path: Path,
) -> None:
    lock = tmp_path / "new" / "detect.lock"
    with lock_or_fail(lock):
        with pytest.raises(BlockingIOError) as raised, lock_or_fail(lock):
            pytest.fail("two held it")
        assert lock.read_text() == f"{raised.value.filename}\n"
    with lock_or_fail(lock):
        assert lock.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("cli_environment")
def test_of_three_detections_at_once_one_publishes(
    database: Store, tokens: Tokeniser, installation: Settings, tmp_path: Path
) -> None:
    load_bundle(database, ring_bundle(tmp_path / "bundle"), tokens, tmp_path / "dead")
    together = threading.Barrier(3)

    def detect(_: int) -> Outcome | Conflict:
        together.wait(600)
        try:
            with Stages() as stages:
                return run_certified(installation, database, Parameters(), stages)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(detect, range(3)))
    outcomes = [answer for answer in answers if isinstance(answer, Outcome)]
    refusals = [answer for answer in answers if isinstance(answer, Conflict)]
    assert outcomes  # two, if one began when another had ended
    assert refusals
    assert all("is under way (process " in refusal.what for refusal in refusals)
    assert read_members(database).height == outcomes[-1].members
    statuses = [row["status"] for row in database.read("detect/runs")]
    assert statuses == ["published"] * len(outcomes)


def test_the_command_names_the_run_that_is_under_way(
    database: Store, installation: Settings, cli_environment: Path
) -> None:
    database.apply_schema("CREATE (:DetectionRun {id: 'r-first', status: 'running', startedAt: datetime()})")
    with lock_or_fail(cli_environment / "detect.lock"):
        done = run_command("detect")
    assert done.returncode == Conflict.exit_status
    assert "Run r-first is under way (process " in done.stderr
    assert "graphsvc cancel" in done.stderr
    assert installation.data_dir == cli_environment
