"""Promise: what happens to clusters, decisions and runs is in the outbox once, or not at all, and names no person."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import run_command
from lives import names
from published import Days, person, populate

from graphsvc.errors import Conflict, DatabaseRefused
from graphsvc.model.decisions import On, Topic
from graphsvc.model.events import Event, EventType
from graphsvc.signals.tokens import Tokeniser
from graphsvc.statements import load_text
from graphsvc.store import Store, publish
from graphsvc.store.control import mark_failed
from graphsvc.store.decisions import DecisionRequest, record_decision, undo_decision
from graphsvc.store.events import build_append_step, read_events_after, take_complete
from graphsvc.store.publish import begin_run, fail_run
from graphsvc.store.retention import find_old, remove_old
from graphsvc.store.snapshots import Snapshots

A, B = names("a", 30), names("b", 24)
T = EventType


@pytest.fixture
def days(database: Store, tokens: Tokeniser, tmp_path: Path) -> Days:
    populate(database, tokens, tmp_path, [*A, *B])
    return Days(database)


def outbox(store: Store, after: int = 0) -> list[Event]:
    return read_events_after(store, after, 1_000)


def told(store: Store, after: int = 0) -> list[tuple[EventType, str, str]]:
    return [(each.type, each.subject, each.related) for each in outbox(store, after)]


def request(cluster: str, value: str = "confirmed", topic: Topic = Topic.DISPOSITION) -> DecisionRequest:
    return DecisionRequest(On.CLUSTER, cluster, topic, value, "a note of Ada's")


def test_a_run_is_told_before_its_clusters_and_numbers_have_no_gaps(days: Days) -> None:
    days.day(A, B)
    one, other = days.ids
    events = outbox(days.store)
    assert [each.type for each in events] == [T.RUN_PUBLISHED, T.CLUSTER_BORN, T.CLUSTER_BORN]
    assert {each.subject for each in events[1:]} == {one, other}
    assert [each.number for each in events] == [1, 2, 3]
    born = next(each for each in events if each.subject == one)
    assert (born.data["accountsBefore"], born.data["accountsAfter"], born.data["runId"]) == (0, 30, "run-1")
    assert events[0].data["clusters"] == 2


def test_each_turn_of_a_life_is_told(days: Days) -> None:
    days.day(A[:24], B)
    one, other = days.ids
    days.day(A, B)  # a quarter more
    days.day(A + B)
    days.day(A, B)
    days.day(A[:12], A[12:], B)
    parts = set(days.ids) - {one, other}
    days.day()
    clusters = [each for each in told(days.store) if each[0] is not T.RUN_PUBLISHED]
    assert clusters[2:6] == [
        (T.CLUSTER_GROWN, one, ""),
        (T.CLUSTER_GROWN, one, ""),  # by what it took in
        (T.CLUSTER_MERGED, one, other),
        (T.CLUSTER_REVIVED, other, ""),
    ]
    assert clusters[6][0] is T.CLUSTER_SPLIT
    assert {clusters[6][1]} == parts
    assert {each[:2] for each in clusters[7:]} == {(T.CLUSTER_ENDED, each) for each in [one, other, *parts]}


def test_a_little_growth_is_not_told(days: Days) -> None:
    days.day(A[:28])
    days.day(A)
    assert T.CLUSTER_GROWN not in {each[0] for each in told(days.store)}


def test_a_publication_that_fails_writes_no_event(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    run = days.begin()
    monkeypatch.setattr(
        publish, "build_append_step", lambda events: ("tests/divide", {**build_append_step(events)[1]})
    )
    with pytest.raises(DatabaseRefused):
        days.day(A, run=run)
    assert told(days.store) == []
    assert not days.store.read("query/published_run")
    fail_run(days.store, run, "database_refused")
    (event,) = outbox(days.store)
    assert (event.type, event.subject, event.data["error"]) == (T.RUN_FAILED, run.id, "database_refused")


def test_a_failure_is_told_once_and_not_of_a_run_that_was_published(days: Days) -> None:
    run = days.begin()
    days.day(A, run=run)
    before = told(days.store)
    mark_failed(days.store, run.id, "late")
    assert told(days.store) == before
    late = days.begin()
    fail_run(days.store, late, "cancelled")
    fail_run(days.store, late, "cancelled")
    assert told(days.store, len(before)) == [(T.RUN_FAILED, late.id, "")]


def test_a_run_that_died_is_told_when_the_next_begins(days: Days) -> None:
    dead = days.begin()
    days.begin()
    (event,) = outbox(days.store)
    assert (event.type, event.subject, event.data["error"]) == (T.RUN_FAILED, dead.id, "interrupted")


def test_a_decision_and_its_undo_are_told_without_a_person(days: Days) -> None:
    days.day(A)
    before = len(outbox(days.store))
    (one,) = days.ids
    made = record_decision(days.store, person("ada"), request(one), datetime.now(UTC))
    undo_decision(days.store, person("bob"), made.id, datetime.now(UTC))
    undo_decision(days.store, person("bob"), made.id, datetime.now(UTC))
    record_decision(days.store, person("ada"), request(one, "eve", Topic.ASSIGNMENT), datetime.now(UTC))
    record_decision(days.store, person("ada"), request(one, "watched", Topic.WATCH), datetime.now(UTC))
    pair = DecisionRequest(On.PAIR, A[0], Topic.PIN, "same", "secret", A[1])
    record_decision(days.store, person("ada"), pair, datetime.now(UTC))
    events = outbox(days.store, before)
    assert [(each.type, each.subject) for each in events] == [
        (T.DECISION_MADE, one),
        (T.DECISION_UNDONE, one),
        (T.DECISION_MADE, one),
        (T.DECISION_MADE, ""),
    ]
    assert [each.data.get("value") for each in events] == ["confirmed", "confirmed", None, "same"]
    written = str(events)
    assert not [word for word in ("ada", "bob", "eve", "Ada", "secret", A[0], A[1]) if word in written]


def test_a_decision_that_is_refused_writes_no_event(days: Days) -> None:
    days.day(A)
    before = told(days.store)
    with pytest.raises(Conflict):
        record_decision(days.store, person("ada"), request(days.ids[0]), datetime.now(UTC), expected=7)
    assert told(days.store) == before


def test_an_event_that_is_written_again_stays_one(days: Days) -> None:
    days.day(A)
    (one,) = days.ids
    made = record_decision(days.store, person("ada"), request(one), datetime.now(UTC))
    before = outbox(days.store)
    step = publish.build_append_step([publish.NewEvent(f"{made.id}_made", T.DECISION_MADE, one, "", {})])
    days.store.run_transaction(step)
    assert outbox(days.store) == before


def test_retention_takes_old_events(days: Days, tmp_path: Path) -> None:
    days.day(A, B)
    later = datetime.now(UTC) + timedelta(days=2)
    assert [each.rows for each in find_old(days.store, {"events": timedelta(days=3)}, later)] == [0]
    found = find_old(days.store, {"events": timedelta(days=1)}, later)
    assert [each.rows for each in found] == [3]
    remove_old(days.store, person("ann"), Snapshots(tmp_path / "runs", 1), found)
    assert outbox(days.store) == []
    days.day(A, B)
    assert [each.number for each in outbox(days.store)] == [4]  # numbers are never given twice


@pytest.mark.usefixtures("cli_environment")
def test_the_command_takes_an_age_of_events(days: Days) -> None:
    days.day(A)
    shown = run_command("retention", "--events", "1d", "--dry-run").stdout
    assert shown.split()[:3] == ["events", "0", "events"]


def test_a_reader_waits_for_a_writer_that_is_under_way(database: Store) -> None:
    plain = {"type": "run.failed", "subject": "r", "related": "", "data": {}}
    first, second = ({"events": [{"id": each, **plain}]} for each in "ab")
    database.run_transaction(("events/append", first))
    heard: list[list[str]] = []
    with database.driver.session() as session, session.begin_transaction() as writing:
        writing.run(load_text("events/append"), second).consume()
        reader = threading.Thread(
            target=lambda: heard.append([each.id for each in read_events_after(database, 0, 10)])
        )
        reader.start()
        reader.join(0.5)
        assert heard == []
        writing.commit()
        reader.join()
    assert heard == [["a", "b"]]


def test_what_follows_without_a_gap_is_complete() -> None:
    events = [Event(f"e{n}", n, datetime.now(UTC), T.RUN_FAILED, "") for n in (4, 5, 7, 8)]
    assert [each.number for each in take_complete(events, 3)] == [4, 5]
    assert take_complete(events, 2) == []
    assert take_complete([], 2) == []


def test_begin_needs_no_outbox(database: Store) -> None:
    begin_run(database, Days(database).begin(), datetime.now(UTC))
    assert outbox(database) == []
