"""Promise: what happened to identities is published with the run that says so, whole or not at all."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from graphs import ring_bundle
from lives import Ring, names
from published import Days, addresses, populate
from typer.testing import CliRunner

from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.commands import app
from graphsvc.community.gds import GdsDetector
from graphsvc.detection import detect
from graphsvc.errors import DatabaseRefused, DetectionError
from graphsvc.loading import load_bundle
from graphsvc.model.lineage import Known
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.identities import read_known
from graphsvc.store.lineage import read_history, read_run_events
from graphsvc.store.published import read_members

A, B, C = names("a", 30), names("b", 24), names("c", 20)


@pytest.fixture
def days(database: Store, tokens: Tokeniser, tmp_path: Path) -> Days:
    populate(database, tokens, tmp_path, [*A, *B, *C])
    return Days(database)


def same(one: Known, other: Known) -> bool:
    frames = ("identities", "members", "signals")
    return all(getattr(one, name).equals(getattr(other, name)) for name in frames)


def test_the_database_knows_what_memory_knows_and_tells_what_a_run_said(days: Days) -> None:
    script: list[list[Ring]] = [
        [],
        [Ring(A, addresses(1, 4)), Ring(B, addresses(5, 8))],
        [Ring(A, addresses(1, 4)), Ring(B, addresses(5, 8))],
        [Ring(A + B, addresses(1, 8))],
        [Ring(A, addresses(1, 4)), Ring(B, addresses(5, 8)), Ring(C[:9])],
        [Ring(C, addresses(1, 4)), Ring(B[:12]), Ring(B[12:])],
        [Ring(B[:12])],
        [],
        [Ring(A, addresses(1, 4)), Ring(B)],
    ]
    seen = set()
    for rings in script:
        followed = days.day(*rings)
        assert same(read_known(days.store), followed.known)
        assert read_run_events(days.store, f"run-{days.number}").equals(followed.events)
        seen |= set(followed.events["kind"])
    assert seen == {"born", "split", "revived", "merged", "dormant", "grew", "shrank", "continued"}


def test_the_same_graph_twice_is_the_same_clusters(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    load_bundle(database, ring_bundle(tmp_path / "bundle"), tokens, tmp_path / "dead")
    detector = GdsDetector(database.driver, database.address.database)
    first = detect(database, detector, Parameters())
    assert set(first.lineage["kind"]) == {"born"}
    before = read_members(database)
    second = detect(database, detector, Parameters())
    assert set(second.lineage["kind"]) == {"continued"}
    assert second.lineage["overlap"].to_list() == [1.0, 1.0]
    assert read_members(database).equals(before)


def test_since_when_an_account_is_a_member_is_carried_on(days: Days) -> None:
    days.day(A[:20], B)
    one, other = days.ids
    before = since(days.store)
    days.day(A, B)
    now = since(days.store)
    assert all(now[one, name] == before[one, name] for name in A[:20])
    assert min(now[one, name] for name in A[20:]) > max(before.values())
    days.day(A)
    days.day(A, B)
    # Dormant and back: who was a member is one since then.
    assert all(since(days.store)[other, name] == before[other, name] for name in B)


def since(store: Store) -> dict[tuple[str, str], Any]:
    rows = [row for name in A + B for row in store.read("query/account_membership", ids=[name])]
    return {(row["cluster"]["id"], row["owner"]): row["since"] for row in rows}


def test_a_switch_that_fails_at_any_step_changes_nothing(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    days.day(A, B, C)
    before, told = whole(days.store), days.ids
    guarded = days.store.write_all_guarded
    for place in range(1, 8):

        def broken(
            guards: Sequence[tuple[str, dict]], *steps: tuple[str, dict], place: int = place
        ) -> str | None:
            # A statement without its parameters fails in the database, after those before it were done.
            return guarded(guards, *steps[: place - 1], ("publish/links", {}), *steps[place - 1 :])

        with monkeypatch.context() as patch:
            patch.setattr(days.store, "write_all_guarded", broken)
            with pytest.raises(DatabaseRefused):
                days.day(A + B)
        assert whole(days.store) == before
        assert [state for _, state in states(days.store)] == ["active"] * 3
    followed = days.day(A + B)
    assert sorted(followed.events["kind"]) == ["dormant", "grew", "merged"]
    assert days.ids == told[:1]


def whole(store: Store) -> tuple[list[object], list[object]]:
    """What readers see: members, and the history of each cluster."""
    ids = [name for name, _ in states(store)]
    return read_members(store).rows(), [read_history(store, name, 100).rows() for name in ids]


def states(store: Store) -> list[tuple[str, str]]:
    return read_known(store).identities.select("id", "state").rows()


def test_a_commit_whose_answer_was_lost_is_done_once(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    days.day(A, B)
    one, _ = days.ids
    guarded = days.store.write_all_guarded

    def twice(guards: Sequence[tuple[str, dict]], *steps: tuple[str, dict]) -> str | None:
        assert guarded(guards, *steps) is None
        return guarded(guards, *steps)

    with monkeypatch.context() as patch:
        patch.setattr(days.store, "write_all_guarded", twice)
        followed = days.day(A + B)
    assert read_run_events(days.store, "run-2").equals(followed.events)
    assert read_history(days.store, one, 100)["kind"].to_list() == ["grew", "merged", "born"]
    # The batches of members were run twice, too.
    assert sorted(read_members(days.store)["account_id"]) == sorted(A + B)


def test_of_two_runs_at_once_the_later_one_publishes(days: Days) -> None:
    days.day(A, B)
    ids = days.ids
    early, late = days.begin(), days.begin()
    with pytest.raises(DetectionError, match="Another run began"):
        days.day(A, run=early)
    assert set(read_members(days.store)["cluster_id"]) == set(ids)
    followed = days.day(A, B, run=late)
    assert set(followed.events["kind"]) == {"continued"}


def test_the_history_of_a_cluster_tells_what_it_took_in_gave_off_and_became(days: Days) -> None:
    days.day(A, B)
    one, other = days.ids
    days.day(A + B)
    days.day(A, B)
    days.day(A[:18], A[18:], B)
    new = days.ids[1]
    days.day(A[:18])
    mine = read_history(days.store, one, 100).select("id", "before", "kind").rows()
    assert mine == [
        (one, one, "continued"),
        (one, one, "shrank"),
        (new, one, "split"),
        (one, one, "shrank"),
        (one, one, "grew"),
        (one, other, "merged"),
        (one, None, "born"),
    ]
    theirs = read_history(days.store, other, 100)
    assert theirs["kind"].to_list() == ["dormant", "continued", "revived", "merged", "born"]
    assert theirs["at"].is_sorted(descending=True)
    assert theirs.row(3, named=True)["says"] == f"24 of the 24 accounts of {other} are part of its 54 now."
    assert read_history(days.store, other, 2).height == 2
    assert read_history(days.store, "nobody", 100).is_empty()


def test_the_command_tells_one_history_and_the_last_run(days: Days, cli_environment: Path) -> None:
    run = CliRunner().invoke
    nothing = run(app, ["lineage"])
    assert nothing.exit_code != 0
    assert "No run has published" in str(nothing.exception)
    days.day(A, B)
    one, other = days.ids
    days.day(A)
    last = run(app, ["lineage"]).stdout.splitlines()
    assert [line.split()[:2] for line in last] == [[other, "dormant"]]
    days.day(A)
    assert "Nothing happened" in run(app, ["lineage"]).stdout
    told = json.loads(run(app, ["lineage", other, "--json"]).stdout)
    assert [(row["kind"], row["run"]) for row in told] == [("dormant", "run-2"), ("born", "run-1")]
    assert "New, with 30 accounts." in run(app, ["lineage", one]).stdout
    assert run(app, ["lineage", one, "--limit", "1"]).stdout.splitlines()[1:] == ["and 2 more (--limit)"]
    unknown = run(app, ["lineage", "nobody"])
    assert "There is no cluster nobody" in str(unknown.exception)


def test_a_large_cluster_is_read_back_in_a_moment(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    accounts = names("h", 6_000)
    populate(database, tokens, tmp_path, accounts)
    days = Days(database)
    days.day(Ring(accounts, addresses(1, 8)))
    known = read_known(database)
    assert known.members.select("account").equals(pl.DataFrame({"account": accounts}))
