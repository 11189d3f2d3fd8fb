"""Promise: a run can be stopped at any moment, says what it took, and leaves what was published whole."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from api import Api
from fastapi.testclient import TestClient
from graphs import ring_bundle

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.gds import GdsDetector
from graphsvc.detection import Outcome, detect
from graphsvc.errors import Cancelled, NotFound, ResourceError
from graphsvc.host import read_memory
from graphsvc.loading import estimate_memory, load_bundle
from graphsvc.measure import Clock, MemoryNeed, parse_size
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.control import cancel_run
from graphsvc.store.published import read_members
from graphsvc.types import Progress

STAGES = (
    "read",
    "keep",
    "links",
    "communities",
    "campaigns",
    "scores",
    "certify",
    "identities",
    "succession",
    "publish",
)


def run(store: Store, progress: Progress = lambda _stage, _done, _total: None) -> Outcome:
    return detect(store, GdsDetector(store.driver, store.address.database), Parameters(), progress)


@pytest.fixture(scope="module")
def published(open_database: Store, tokens: Tokeniser, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A published run; tests try to run again, which publishes the same or nothing."""
    open_database.run_autocommit("bench/wipe")
    place = tmp_path_factory.mktemp("rings")
    load_bundle(open_database, ring_bundle(place / "bundle"), tokens, place / "dead")
    return run(open_database)


def newest(store: Store) -> dict[str, object]:
    return store.read("detect/runs")[0]


@pytest.mark.parametrize("where", ["read edges", "links", "clusters", "write members"])
def test_ctrl_c_in_any_stage_leaves_the_last_result_whole(
    open_database: Store, published: Outcome, where: str
) -> None:
    before = read_members(open_database)

    def interrupt(stage: str, _done: int, _total: int) -> None:
        if stage == where:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(open_database, interrupt)
    assert (newest(open_database)["status"], newest(open_database)["error"]) == ("failed", "cancelled")
    assert read_members(open_database).equals(before)
    # And the next run is none the worse for it.
    assert run(open_database).members == published.members


def test_a_run_stops_when_its_record_asks_it_to(
    open_database: Store, published: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphsvc.store.control.LOOKING_SECONDS", 0.0)
    before = read_members(open_database)
    asked: list[str] = []

    def ask(stage: str, _done: int, _total: int) -> None:
        if stage == "links":
            asked.extend(cancel_run(open_database))

    with pytest.raises(Cancelled):
        run(open_database, ask)
    assert asked == [newest(open_database)["id"]]
    assert newest(open_database)["error"] == "cancelled"
    assert read_members(open_database).equals(before)


def test_there_must_be_a_run_to_cancel(open_database: Store, published: Outcome) -> None:
    with pytest.raises(NotFound):
        cancel_run(open_database)
    with pytest.raises(NotFound):
        cancel_run(open_database, published.run.id)


@pytest.fixture
def clients(open_database: Store, installation: Settings) -> Iterator[dict[str, Api]]:
    with TestClient(create_app(installation, open_database.address)) as client:
        yield {role: Api(client, keys.create_key(installation.keys_dir, role)) for role in keys.Role}


CANCEL = "mutation ($id: String!) { cancelRun(id: $id) { id status stages } }"


def test_an_analyst_cancels_through_the_api_and_a_viewer_may_not(
    open_database: Store, published: Outcome, clients: dict[str, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphsvc.store.control.LOOKING_SECONDS", 0.0)
    answers: list[object] = []

    def ask(stage: str, _done: int, _total: int) -> None:
        if stage == "links" and not answers:
            id = newest(open_database)["id"]
            assert clients[keys.Role.VIEWER].error(CANCEL, id=id)["extensions"]["code"] == "forbidden"
            answers.append(clients[keys.Role.ANALYST].data(CANCEL, id=id)["cancelRun"])

    with pytest.raises(Cancelled):
        run(open_database, ask)
    assert answers == [{"id": newest(open_database)["id"], "status": "RUNNING", "stages": []}]
    refused = clients[keys.Role.ADMIN].error(CANCEL, id=published.run.id)
    assert refused["extensions"]["code"] == "not_found"


def test_a_run_records_time_rows_and_memory_of_every_stage(open_database: Store, published: Outcome) -> None:
    (row,) = open_database.read("query/published_run")
    stages = json.loads(row["run"]["stages"])
    assert [stage["name"] for stage in stages] == list(STAGES)
    assert all(stage["peak_bytes"] > 1 << 20 and stage["seconds"] >= 0 for stage in stages)
    rows = {stage["name"]: stage["rows"] for stage in stages}
    assert rows["publish"] == published.members
    assert rows["links"] == published.links
    assert json.loads(row["run"]["timings"]) == {stage["name"]: stage["seconds"] for stage in stages}


def test_the_peak_of_a_stage_is_what_it_held() -> None:
    clock = Clock()
    with clock.measure_stage("large"):
        held = bytearray(200 << 20)
    del held
    with clock.measure_stage("small"):
        pass
    assert clock.stages[0].peak_bytes >= 200 << 20
    assert clock.stages[1].peak_bytes <= clock.stages[0].peak_bytes - (100 << 20)


@pytest.mark.parametrize(
    ("expected", "free", "ceiling"), [(5 << 30, 4 << 30, None), (5 << 30, 9 << 30, 4 << 30)]
)
def test_too_little_memory_is_refused_with_both_figures(
    expected: int, free: int, ceiling: int | None
) -> None:
    MemoryNeed(expected, expected, expected).check()
    with pytest.raises(ResourceError, match=r"5\.0 GiB .* 4\.0 GiB"):
        MemoryNeed(expected, free, ceiling).check()


def test_a_run_that_may_not_take_what_it_needs_is_not_begun(open_database: Store, published: Outcome) -> None:
    runs = len(open_database.read("detect/runs"))
    detector = GdsDetector(open_database.driver, open_database.address.database)
    with pytest.raises(ResourceError, match="may take 100 MiB"):
        detect(open_database, detector, Parameters(), memory=100 << 20)
    assert len(open_database.read("detect/runs")) == runs


def test_a_bundle_that_does_not_fit_into_memory_is_refused_and_nothing_is_written(
    database: Store, tokens: Tokeniser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pl.DataFrame({"account_id": [f"a{n}" for n in range(100_000)]})
    rows.with_columns(created_at=pl.lit("2026-03-01T00:00:00Z")).write_parquet(tmp_path / "accounts.parquet")
    assert estimate_memory(tmp_path).expected >= 60_000_000
    free = replace(read_memory(), available=200 << 20)
    monkeypatch.setattr("graphsvc.loading.common.read_memory", lambda: free)
    with pytest.raises(
        ResourceError, match=r"Loading this bundle takes about 0\.\d GiB .* 0\.2 GiB are free"
    ):
        load_bundle(database, tmp_path, tokens, tmp_path / "dead")
    assert not database.read("load/known_accounts", ids=["a1"])


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4 << 30), ("4Gi", 4 << 30), ("800 MB", 800_000_000), ("1.5g", 1_500_000_000), ("4096", 4096)],
)
def test_sizes_of_memory_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-4GiB", "4 GiBs", "4XB"])
def test_what_is_no_size_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no size of memory"):
        parse_size(text)
