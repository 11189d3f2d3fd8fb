"""Promise: the newest outcome or statement of the exporter gives an account its status, in whatever order they come.

Each outcome counts once, a withdrawn one no more, and a run reads what it would of the same statuses in a bundle."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from graphs import ring_bundle, write_bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from published import person

from graphsvc.errors import Forbidden, NotFound
from graphsvc.intake import read_bundle
from graphsvc.loading import load_bundle
from graphsvc.model.marks import Mark, MarkKind
from graphsvc.model.outcomes import STATUSES, Outcome, OutcomeKind, OutcomeResult, make_outcome
from graphsvc.scoring.files import IndexFiles
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.audit_log import stream_entries
from graphsvc.store.forgetting import forget_accounts
from graphsvc.store.graph import KeptGraph, read_graph, read_graph_since
from graphsvc.store.loads import find_known_accounts
from graphsvc.store.outcomes import list_outcomes, read_outcome, record_outcomes, withdraw_outcome
from graphsvc.store.snapshots import Snapshots
from graphsvc.store.sources import write_messages

START = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = st.integers(0, 5)
LOADED = st.tuples(st.just("load"), st.sampled_from(["active", "banned", "suspended"]), st.none() | HOURS)
REPORTED = st.tuples(st.just("outcome"), st.sampled_from(list(OutcomeKind)), HOURS)
WITHDRAWN = st.tuples(st.just("withdraw"), st.integers(0, 3), st.just(0))
State = tuple[str, datetime | None]
NUMBERS = itertools.count()


def at(hour: int | None) -> datetime | None:
    return None if hour is None else START + timedelta(hours=hour)


def follow_exporter(before: State, status: str, changed: datetime | None) -> State:
    """The rule of `load/accounts`: a status moves forward in time, and is never erased."""
    held, since = before
    newer = (changed is not None and (since is None or changed >= since)) or (
        since is None and status != "active"
    )
    return (status if newer else held), max((each for each in (since, changed) if each), default=None)


def find_status(exported: State, outcomes: list[Outcome]) -> State:
    """What the status is to be, written down anew in plain Python."""
    said = [(each.at, STATUSES[each.kind]) for each in outcomes if STATUSES[each.kind]]
    if not said:
        return exported
    newest = max(said, key=lambda each: (each[0], each[1] == "banned"))
    return (newest[1] or "", newest[0]) if exported[1] is None or newest[0] >= exported[1] else exported


def read_state(store: Store, account: str) -> State:
    (row,) = store.read("query/account_by_id", ids=[account])
    since = row["account"]["statusChangedAt"]
    return row["account"]["status"], None if since is None else datetime.fromtimestamp(since / 1000, UTC)


@pytest.fixture(scope="module")
def load(
    open_database: Store, tokens: Tokeniser, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., None]:
    """Loads an account in a bundle of its own."""
    open_database.run_autocommit("bench/wipe")
    place = tmp_path_factory.mktemp("bundles")

    def write(account: str, status: str, changed: datetime | None) -> None:
        row = {"account_id": account, "created_at": START.isoformat(), "status": status}
        if changed is not None:
            row["status_changed_at"] = changed.isoformat()
        bundle = write_bundle(place / str(next(NUMBERS)), accounts=[row])  # type: ignore[list-item]
        # Two equal bundles are one load, so each says which it is.
        load_bundle(open_database, bundle, tokens, place / "dead", again=True)

    return write


@settings(max_examples=max(8, settings().max_examples // 3))  # each is a few transactions of a real database
@given(st.lists(LOADED | REPORTED | WITHDRAWN, min_size=1, max_size=6))
def test_the_newest_statement_counts_in_whatever_order_they_come(
    load: Callable[..., None], open_database: Store, events: list[tuple[str, str | int, int | None]]
) -> None:
    account = f"acct-{next(NUMBERS)}"
    load(account, "active", None)
    exported: State = ("active", None)
    reported: list[Outcome] = []
    for what, said, hour in events:
        if what == "load":
            load(account, said, at(hour))
            exported = follow_exporter(exported, str(said), at(hour))
        elif what == "outcome":
            new = make_outcome(account, OutcomeKind(said), at(hour) or START, f"desk {next(NUMBERS)}")
            assert record_outcomes(open_database, person("desk"), [new]) == [OutcomeResult.RECORDED]
            reported.append(new)
        elif reported:
            gone = reported.pop(int(said) % len(reported))
            assert withdraw_outcome(open_database, person("desk"), gone.id).withdrawn_by == "desk"
            # Sent again it stays withdrawn.
            assert record_outcomes(open_database, person("desk"), [gone]) == [OutcomeResult.KNOWN]
        assert read_state(open_database, account) == find_status(exported, reported)


@pytest.fixture
def accounts(database: Store, tokens: Tokeniser, tmp_path: Path) -> Iterator[Store]:
    """Accounts a and b."""
    rows: list[dict[str, object]] = [{"account_id": n, "created_at": START.isoformat()} for n in "ab"]
    load_bundle(database, write_bundle(tmp_path / "b", accounts=rows), tokens, tmp_path / "dead")
    return database


def ban(account: str, **others: object) -> Outcome:
    return dataclasses.replace(make_outcome(account, OutcomeKind.BANNED, START, "desk"), **others)  # type: ignore[arg-type]


def test_an_outcome_counts_once_and_an_unknown_account_is_said(accounts: Store) -> None:
    wanted = [ban("a"), ban("nobody"), ban("b", id="case-7")]
    said = [OutcomeResult.RECORDED, OutcomeResult.UNKNOWN_ACCOUNT, OutcomeResult.RECORDED]
    assert record_outcomes(accounts, person("desk"), wanted) == said
    entries = len(list(stream_entries(accounts)))
    again = record_outcomes(accounts, person("desk"), wanted)
    assert again == [OutcomeResult.KNOWN, OutcomeResult.UNKNOWN_ACCOUNT, OutcomeResult.KNOWN]
    # Nothing was written, so nothing is in the log.
    assert len(list(stream_entries(accounts))) == entries
    other = ban("a", id="case-7")
    assert record_outcomes(accounts, person("desk"), [other]) == [OutcomeResult.CONFLICT]
    assert read_outcome(accounts, "case-7").account == "b"
    assert [each.id for each in list_outcomes(accounts, "a")] == [wanted[0].id]
    with pytest.raises(NotFound):
        list_outcomes(accounts, "nobody")


def test_only_who_reported_it_or_an_analyst_withdraws_it(accounts: Store) -> None:
    outcome = ban("a")
    record_outcomes(accounts, person("desk"), [outcome])
    with pytest.raises(Forbidden):
        withdraw_outcome(accounts, person("other"), outcome.id, reported_by="other")
    assert read_state(accounts, "a") == ("banned", START)
    withdraw_outcome(accounts, person("desk"), outcome.id, "mistaken identity", reported_by="desk")
    withdraw_outcome(accounts, person("late"), outcome.id)
    assert read_outcome(accounts, outcome.id).withdrawn_by == "desk"
    assert read_state(accounts, "a") == ("active", None)
    with pytest.raises(NotFound):
        withdraw_outcome(accounts, person("desk"), "never-seen")


def test_a_run_reads_outcomes_as_the_same_statuses_in_a_bundle(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    """Once in the table `accounts`, once as a table of outcomes, once reported after a first reading."""
    ring_bundle(tmp_path / "plain", singles=20)
    stopped = [f"acct-{number:05}" for number in range(0, 12, 2)]
    table = [
        {"account_id": each, "kind": "banned", "at": START.isoformat(), "by": "desk"} for each in stopped
    ]
    prints = []
    stated = ring_bundle(tmp_path / "stated", singles=20)
    rows = (stated / "accounts.ndjson").read_text(encoding="utf-8").splitlines()
    (stated / "accounts.ndjson").write_text(
        "".join(
            line[:-1] + f', "status": "banned", "status_changed_at": "{START.isoformat()}"}}\n'
            if any(each in line for each in stopped)
            else line + "\n"
            for line in rows
        ),
        encoding="utf-8",
    )
    load_bundle(database, stated, tokens, tmp_path / "dead")
    prints.append(read_graph(database).fingerprint())

    database.run_autocommit("bench/wipe")
    tabled = ring_bundle(tmp_path / "tabled", singles=20)
    write_bundle(tabled, outcomes=table)  # type: ignore[arg-type]
    load_bundle(database, tabled, tokens, tmp_path / "dead")
    prints.append(read_graph(database).fingerprint())

    database.run_autocommit("bench/wipe")
    load_bundle(database, tmp_path / "plain", tokens, tmp_path / "dead")
    first = read_graph_since(database)
    assert first.watermark is not None
    record_outcomes(database, person("desk"), [ban(each) for each in stopped])
    second = read_graph_since(
        database, base=KeptGraph(first.graph, first.watermark, "first", first.graph.fingerprint())
    )
    # Only the accounts whose status changed were read.
    assert (second.accounts, second.why) == (len(stopped), "")
    prints += [second.graph.fingerprint(), read_graph(database).fingerprint()]
    assert len(set(prints)) == 1
    assert first.graph.fingerprint() not in prints


def test_a_bundle_of_outcomes_counts_what_it_cannot_record(
    accounts: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    record_outcomes(accounts, person("desk"), [ban("a", id="case-1")])
    good = {"kind": "chargeback", "at": START.isoformat(), "by": "bank"}
    bundle = write_bundle(
        tmp_path / "more",
        accounts=[{"account_id": "c", "created_at": START.isoformat()}],
        outcomes=[
            {**good, "account_id": "b"},
            {**good, "account_id": "c", "outcome_id": "case-1"},
            {**good, "account_id": "nobody"},
            {**good, "account_id": "b", "kind": "exploded"},
            {**good, "account_id": "b", "outcome_id": "not an id", "at": "2026-03-02T00:00:00Z"},
        ],
    )
    report = load_bundle(accounts, bundle, tokens, tmp_path / "dead")
    assert report.rejected == {("outcomes", "not_one_of"): 1, ("outcomes", "unknown_account"): 1}
    assert [cell.reason for cell in report.cells] == ["not_an_id"]
    assert [note for note in report.notes if "1 outcomes have the id of another one" in note]
    assert read_outcome(accounts, "case-1").account == "a"
    # A chargeback is on record, and says nothing of the status.
    assert [each.kind for each in list_outcomes(accounts, "b")] == [OutcomeKind.CHARGEBACK] * 2
    assert read_state(accounts, "b") == ("active", None)


def test_outcomes_of_a_forgotten_account_are_gone(accounts: Store, tmp_path: Path) -> None:
    record_outcomes(accounts, person("desk"), [ban("a"), ban("b")])
    report = forget_accounts(
        accounts, person("desk"), Snapshots(tmp_path / "runs", 0), IndexFiles(tmp_path / "score"), ["a"]
    )
    assert [each.outcomes for each in report.accounts] == [1]
    with pytest.raises(NotFound):
        read_outcome(accounts, ban("a").id)
    assert len(list_outcomes(accounts, "b")) == 1


def test_messages_of_a_topic_settle_as_a_load_does(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    def send(number: int, **tables: list[dict[str, object]]) -> None:
        bundle = write_bundle(tmp_path / str(number), **tables)
        columns = read_bundle(bundle, tokens, lambda ids: find_known_accounts(database, ids))
        before = {"t/0": Mark(MarkKind.OFFSET, str(number)) if number else None}
        after = {"t/0": Mark(MarkKind.OFFSET, str(number + 1))}
        write_messages(database, "kafka://t", f"load {number}", columns.split(), before, after)

    account = {"account_id": "a", "created_at": START.isoformat(), "status": "active"}
    banned = {"account_id": "a", "kind": "banned", "at": (START + timedelta(hours=2)).isoformat(), "by": "b"}
    send(0, accounts=[account])
    send(1, accounts=[account], outcomes=[{"outcome_id": "o1", **banned}])
    assert read_state(database, "a") == ("banned", at(2))
    send(2, accounts=[{**account, "status_changed_at": (START + timedelta(hours=1)).isoformat()}])
    assert read_state(database, "a") == ("banned", at(2)), "the outcome is newer"
    send(3, accounts=[{**account, "status_changed_at": (START + timedelta(hours=3)).isoformat()}])
    assert read_state(database, "a") == ("active", at(3))
