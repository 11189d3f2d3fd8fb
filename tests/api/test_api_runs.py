"""Promise: runs are started, watched and stopped over the API, the record says by whom, and the dead look dead."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from api import Api, examples
from fastapi.testclient import TestClient
from graphs import ring_bundle

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store

START = "mutation($seed: Int!) { startDetection(seed: $seed) { id status requestedBy progress { stage } } }"
RUN = "query($id: String!) { run(id: $id) { status error seed requestedBy clusters progress { stage at } } }"


@pytest.fixture
def api(database: Store, tokens: Tokeniser, installation: Settings, tmp_path: Path) -> Iterator[Api]:
    load_bundle(database, ring_bundle(tmp_path / "bundle"), tokens, tmp_path / "dead")
    with TestClient(create_app(installation, database.address)) as client:
        yield Api(client, keys.create_key(installation.keys_dir, keys.Role.ANALYST, "ada"))


def ended(api: Api, run: str, seconds: float = 600.0) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found: dict[str, object] = api.data(RUN, id=run)["run"]
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.3)
    raise AssertionError("the run did not end")


def test_a_run_is_started_and_publishes(api: Api, database: Store) -> None:
    started = api.data(START, seed=7)["startDetection"]
    assert started["status"] == "RUNNING"
    assert started["requestedBy"].startswith("ada (")
    assert started["progress"]["stage"]
    again = api.error(START, seed=8)
    assert again["extensions"]["code"] == "conflict"
    done = ended(api, started["id"])
    assert (done["status"], done["seed"], done["clusters"]) == ("PUBLISHED", 7, 2)
    assert done["progress"] is None
    assert api.data("{ publishedRun { id } }")["publishedRun"]["id"] == started["id"]
    entries = database.read("audit/entries")
    assert [(row["entry"]["action"], row["entry"]["subject"]) for row in entries] == [
        ("startDetection", started["id"])
    ]


def test_runs_that_died_look_dead_and_are_in_nobodys_way(
    api: Api, database: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One died long ago with its service, another before our eyes; the examples of the page start a third."""
    database.apply_schema(
        "CREATE (:DetectionRun {id: 'r-dead', status: 'running', engine: 'gds', algorithm: 'leiden', "
        "startedAt: datetime('2026-01-01T00:00:00Z'), heartbeatAt: datetime('2026-01-01T00:01:00Z')})"
    )
    assert api.data(RUN, id="r-dead")["run"]["progress"]["at"].startswith("2026-01-01T00:01:00")
    monkeypatch.setattr("graphsvc.api.workers.detection_process.sys.executable", "/bin/false")
    died = ended(api, api.data(START, seed=1)["startDetection"]["id"])
    assert (died["status"], died["error"]) == ("FAILED", "the process ended")
    monkeypatch.undo()
    _, started, scheduled = examples(api, "runs")
    assert scheduled == {"schedule": None}
    assert ended(api, started["startDetection"]["id"])["status"] == "PUBLISHED"
