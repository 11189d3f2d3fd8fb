"""Promise: a decision is kept with the cluster it is about from run to run, whoever decides while a run publishes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from api import Api
from fastapi.testclient import TestClient
from lives import names
from published import Days, person, populate, statuses
from typer.testing import CliRunner

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.cli.commands import app
from graphsvc.errors import Conflict, NotFound
from graphsvc.model.decisions import Disposition, On, Topic
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store, decisions, publish
from graphsvc.store.decisions import (
    DecisionRequest,
    read_decision_log,
    read_identity,
    record_decision,
    undo_decision,
)
from graphsvc.store.lineage import read_run_events
from graphsvc.store.published import read_members

A, B = names("a", 30), names("b", 24)
CONFIRMED, DISMISSED, MONITORING = Disposition.CONFIRMED, Disposition.DISMISSED, Disposition.MONITORING


@pytest.fixture
def days(database: Store, tokens: Tokeniser, tmp_path: Path) -> Days:
    populate(database, tokens, tmp_path, [*A, *B])
    return Days(database)


def say(store: Store, cluster: str, verdict: Disposition, note: str = "") -> str:
    return record_decision(store, person("ada"), wish(cluster, verdict, note), datetime.now(UTC)).id


def wish(cluster: str, disposition: Disposition, note: str = "") -> DecisionRequest:
    return DecisionRequest(On.CLUSTER, cluster, Topic.DISPOSITION, disposition.value, note)


def test_a_status_follows_the_last_decision_and_outlives_runs(days: Days) -> None:
    days.day(A, B)
    one, other = days.ids
    say(days.store, one, MONITORING)
    last = say(days.store, one, CONFIRMED, "cards of the same batch")
    assert statuses(days.store) == {one: "confirmed", other: "open"}
    assert set(read_members(days.store)["status"]) == {"confirmed", "open"}
    days.day(A[:25], B)
    assert statuses(days.store) == {one: "confirmed", other: "open"}
    undo_decision(days.store, person("bob"), last, datetime.now(UTC))
    assert statuses(days.store)[one] == "monitoring"
    days.day(A, B)
    assert statuses(days.store)[one] == "monitoring"
    kept = {each.id: each for each in read_decision_log(days.store).decisions}[last]
    assert (kept.undone_by, kept.by, kept.note, kept.size) == ("bob", "ada", "cards of the same batch", 30)


def test_undoing_twice_is_undoing_once(days: Days) -> None:
    days.day(A)
    made = say(days.store, days.ids[0], DISMISSED)
    first = undo_decision(days.store, person("bob"), made, datetime.now(UTC))
    second = undo_decision(days.store, person("eve"), made, datetime.now(UTC))
    assert second == first
    assert len(read_decision_log(days.store).decisions) == 1


def test_who_sleeps_can_be_decided_on_and_wakes_with_it(days: Days) -> None:
    days.day(A, B)
    one, other = days.ids
    say(days.store, other, DISMISSED)
    days.day(A)
    assert read_identity(days.store, other).status == "dismissed"
    say(days.store, other, CONFIRMED)
    assert (read_identity(days.store, other).state, read_identity(days.store, other).status) == (
        "dormant",
        "confirmed",
    )
    days.day(A, B)
    assert statuses(days.store) == {one: "open", other: "confirmed"}


def test_a_split_copies_once_and_the_copies_live_on_their_own(days: Days) -> None:
    days.day(A)
    (one,) = days.ids
    made = say(days.store, one, CONFIRMED, "why")
    days.day(A[:12], A[12:])
    new = days.ids[0]
    assert statuses(days.store) == {one: "confirmed", new: "confirmed"}
    days.day(A[:12], A[12:])
    (copy,) = [each for each in read_decision_log(days.store).decisions if each.subject == new]
    assert (copy.copied_from, copy.origin, copy.note, copy.by) == (made, one, "why", "ada")
    undo_decision(days.store, person("bob"), made, datetime.now(UTC))
    assert statuses(days.store) == {one: "open", new: "confirmed"}


def test_a_merger_keeps_both_and_shows_the_conflict(days: Days) -> None:
    days.day(A, B)
    one, other = days.ids
    say(days.store, one, CONFIRMED)
    say(days.store, other, DISMISSED)
    days.day(A + B)
    assert statuses(days.store) == {one: "conflict"}
    assert read_identity(days.store, other).status == "dismissed"
    assert read_identity(days.store, other).merged_into == one
    days.day(A + B)
    assert statuses(days.store) == {one: "conflict"}
    # A decision on the part shows on the whole, at once.
    say(days.store, other, CONFIRMED)
    assert statuses(days.store) == {one: "confirmed"}
    say(days.store, one, MONITORING)
    assert statuses(days.store) == {one: "monitoring"}
    days.day(A, B)
    # It was decided on while it was part of the other.
    assert statuses(days.store) == {one: "monitoring", other: "conflict"}


def test_a_few_accounts_taken_in_keep_what_was_decided_on_them_in_sight(days: Days) -> None:
    days.day(A[:25], A[25:])
    one, bit = days.ids
    say(days.store, one, CONFIRMED)
    say(days.store, bit, DISMISSED)
    followed = days.day(A)
    assert (bit, one, "dormant") in followed.events.select("id", "into", "kind").rows()
    assert read_run_events(days.store, "run-2").equals(followed.events)
    assert statuses(days.store) == {one: "conflict"}
    assert (read_identity(days.store, bit).state, read_identity(days.store, bit).merged_into) == (
        "dormant",
        one,
    )
    days.day(A[:25], A[25:])
    assert statuses(days.store) == {one: "confirmed", bit: "dismissed"}


@pytest.mark.parametrize("verdict", list(Disposition))
def test_who_decides_while_a_run_publishes_is_heard(
    days: Days, monkeypatch: pytest.MonkeyPatch, verdict: Disposition
) -> None:
    days.day(A)
    (one,) = days.ids
    guarded = days.store.write_all_guarded
    said: list[str] = []

    def interrupted(guards: Sequence[tuple[str, dict]], *steps: tuple[str, dict]) -> str | None:
        if guards[0][0] == "publish/turn" and not said:
            said.append("now")
            say(days.store, one, verdict)
        return guarded(guards, *steps)

    monkeypatch.setattr(days.store, "write_all_guarded", interrupted)
    days.day(A[:12], A[12:])
    assert set(statuses(days.store).values()) == {verdict.value}
    assert len(read_decision_log(days.store).decisions) == 2


def test_many_who_decide_at_once_are_all_heard_in_turn(days: Days) -> None:
    days.day(A)
    (one,) = days.ids
    people = [
        Thread(
            target=record_decision, args=(days.store, person(f"p{n}"), wish(one, verdict), datetime.now(UTC))
        )
        for n, verdict in enumerate([CONFIRMED, DISMISSED] * 3)
    ]
    for each in people:
        each.start()
    for each in people:
        each.join()
    book = read_decision_log(days.store)
    assert [each.number for each in book.decisions[-6:]] == list(range(book.version - 5, book.version + 1))
    assert {each.by for each in book.decisions} == {f"p{n}" for n in range(6)}
    assert statuses(days.store) == {one: book.decisions[-1].value}


def test_who_reads_a_version_before_its_decision_does_not_decide_on_it(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading beside a commit may see the version of the log and not yet the decision of that version."""
    store = days.store
    days.day(A, B)
    cluster = days.ids[0]
    say(store, cluster, MONITORING)
    seen = decisions.read_decision_log(store)
    version = seen.compute_version(On.CLUSTER, cluster, "")
    say(store, cluster, CONFIRMED)
    after = decisions.read_decision_log(store)
    torn = iter([replace(after, decisions=seen.decisions)])
    monkeypatch.setattr(decisions, "read_decision_log", lambda _: next(torn, after))
    with pytest.raises(Conflict):
        record_decision(store, person("kim"), wish(cluster, DISMISSED), datetime.now(UTC), expected=version)
    assert next(torn, None) is None


def test_a_run_that_reads_a_version_before_its_decision_carries_the_decision(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.day(A)
    before = decisions.read_decision_log(days.store)
    say(days.store, days.ids[0], MONITORING)
    after = decisions.read_decision_log(days.store)
    torn = iter([replace(after, decisions=before.decisions)])
    monkeypatch.setattr(publish, "read_decision_log", lambda _: next(torn, after))
    days.day(A[:12], A[12:])
    assert next(torn, None) is None
    assert set(statuses(days.store).values()) == {MONITORING.value}


def test_there_must_be_something_to_decide_on_and_to_undo(days: Days) -> None:
    with pytest.raises(NotFound, match="no cluster nobody"):
        say(days.store, "nobody", DISMISSED)
    with pytest.raises(NotFound, match="no decision nothing"):
        undo_decision(days.store, person("bob"), "nothing", datetime.now(UTC))
    assert not read_decision_log(days.store).decisions


def test_the_commands_decide_list_and_undo(days: Days, cli_environment: Path) -> None:
    run = CliRunner().invoke
    days.day(A, B)
    one, other = days.ids
    assert "There are no decisions yet" in run(app, ["decisions"]).stdout
    said = run(app, ["decide", one, "confirmed", "--by", "ada", "--note", "one hand"]).stdout
    assert f"Cluster {one} (30 accounts, active) is confirmed." in said
    made = said.split("Decision ")[1].split(";")[0]
    run(app, ["decide", other, "dismissed", "--by", "bob"])
    days.day(A + B)
    told = run(app, ["decisions", one]).stdout.splitlines()
    assert ["dismissed" in told[0], "confirmed" in told[1], "one hand" in told[1]] == [True] * 3
    rows = json.loads(run(app, ["decisions", one, "--json"]).stdout)
    assert [(row["subject"], row["value"], row["in_force"]) for row in rows] == [
        (other, "dismissed", True),
        (one, "confirmed", True),
    ]
    assert statuses(days.store) == {one: "conflict"}
    assert "is open." in run(app, ["undo", made, "--by", "eve"]).stdout
    assert "undone by eve" in run(app, ["decisions", one]).stdout
    assert run(app, ["decide", one, "guilty"]).exit_code == 2
    assert run(app, ["decide", one, "dismissed", "--by", " "]).exit_code == 2


def test_status_and_lineage_over_graphql(days: Days, installation: Settings) -> None:
    days.day(A, B)
    one, other = days.ids
    say(days.store, one, CONFIRMED)
    say(days.store, other, DISMISSED)
    days.day(A + B)
    question = """query($id: String!) { cluster(id: $id) { status lineage(first: 3) {
      kind clusterId previousId accountsInCommon accountsBefore accountsAfter description } } }"""
    key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
    with TestClient(create_app(installation, days.store.address)) as client:
        api = Api(client, key)
        found = api.data(question, id=one)["cluster"]
        wanted = api.data("{ clusters(filter: {status: CONFLICT}) { edges { node { id } } } }")
    assert found["status"] == "CONFLICT"
    assert [(row["kind"], row["clusterId"], row["previousId"]) for row in found["lineage"]] == [
        ("GREW", one, one),
        ("MERGED", one, other),
        ("BORN", one, None),
    ]
    assert found["lineage"][1]["accountsInCommon"] == 24
    assert [edge["node"]["id"] for edge in wanted["clusters"]["edges"]] == [one]
