"""Promise: what was last seen before the age of its table goes, what is younger or has no time stays, and signals that
nobody uses go with it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command import run_command
from graphs import write_bundle
from published import SIGNER, person

from graphsvc.errors import KeepingError
from graphsvc.loading import load_bundle
from graphsvc.signals.kinds import KINDS
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.audit_log import stream_entries, verify_log
from graphsvc.store.retention import TABLES, find_old, list_kinds, remove_old
from graphsvc.store.snapshots import Snapshots

NOW = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
MARCH = {"first_seen": "2026-03-01T00:00:00Z", "last_seen": "2026-03-02T00:00:00Z"}
MAY = {"first_seen": "2026-03-01T00:00:00Z", "last_seen": "2026-05-20T00:00:00Z"}


@pytest.fixture
def loaded(database: Store, tokens: Tokeniser, tmp_path: Path) -> Store:
    """Two accounts that share what is old and what is not, in every table."""
    accounts = [
        {"account_id": each, "created_at": "2026-03-01T00:00:00Z", "email": f"{each}@example.org"}
        for each in "ab"
    ]
    shared = [("198.51.100.1", MARCH), ("198.51.100.2", MAY)]
    sessions = [{"account_id": who, "ip": ip, **seen} for who in "ab" for ip, seen in shared]
    sessions += [
        {"account_id": "b", "ip": "203.0.113.1", **MARCH},
        {"account_id": "a", "ip": "203.0.113.1", **MAY},
    ]
    payments = [{"account_id": "a", "instrument": "fp", "kind": "card", **MARCH}]
    hours = ["2026-04-30T23:00:00Z", "2026-05-01T23:00:00Z", "2026-05-02T00:00:00Z", "2026-05-02T01:00:00Z"]
    activity = [{"account_id": "a", "hour": hour, "requests": 1 + place} for place, hour in enumerate(hours)]
    bundle = write_bundle(
        tmp_path / "bundle", accounts=accounts, sessions=sessions, payments=payments, activity=activity
    )
    load_bundle(database, bundle, tokens, tmp_path / "dead")
    return database


def kept(store: Store) -> set[tuple[str, str]]:
    """Which account uses which address, card or e-mail."""
    rows = store.stream("bench/checksum_edges")
    return {
        (start, end.split(".")[-1] if "." in end else end)
        for kind, start, end, _ in rows
        if kind == "SEEN_AT"
    }


def nodes(store: Store, label: str) -> list[dict[str, Any]]:
    """Properties of the nodes of a label."""
    return [properties for labels, properties in store.stream("bench/checksum") if label in labels]


def test_what_is_old_goes_and_what_is_not_stays(loaded: Store, tmp_path: Path) -> None:
    ages = {"sessions": timedelta(days=30), "activity": timedelta(days=30)}
    found = find_old(loaded, ages, NOW)
    # An hour is as old as its start.
    assert [(each.table, each.rows) for each in found] == [("sessions", 3), ("activity", 3)]
    snapshots = Snapshots(tmp_path / "runs", 1)
    (tmp_path / "runs" / "a-run").mkdir(parents=True)
    assert remove_old(loaded, person("ann"), snapshots, found) == 1
    assert kept(loaded) == {("a", "2"), ("b", "2"), ("a", "1")}  # 198.51.100.2 twice, 203.0.113.1
    assert {each["key"] for each in nodes(loaded, "Prefix")} == {"198.51.100.0/24", "203.0.113.0/24"}
    assert len(nodes(loaded, "PaymentInstrument")) == 1  # of another table
    assert len(nodes(loaded, "Account")) == 2
    (month,) = nodes(loaded, "Activity")
    assert (month["month"], month["requests"], len(month["hours"])) == ("2026-05", [4], 1)
    assert month["models"] == [""]
    assert not list((tmp_path / "runs").iterdir())  # they held what is gone
    assert verify_log(loaded, SIGNER).holds
    (entry,) = [each.entry for each in stream_entries(loaded) if each.entry]
    assert (entry.act.action, entry.act.details["sessions"]["rows"]) == ("retention", 3)
    assert [each.rows for each in find_old(loaded, ages, NOW)] == [0, 0]


def test_the_last_use_of_a_signal_takes_it_and_its_prefix(loaded: Store, tmp_path: Path) -> None:
    everything = dict.fromkeys(TABLES, timedelta(days=1))
    found = find_old(loaded, everything, NOW)
    remove_old(loaded, person("ann"), Snapshots(tmp_path / "runs", 1), found)
    assert not [label for label in ("Signal", "Prefix", "Activity") if nodes(loaded, label)]
    assert len(nodes(loaded, "Account")) == 2


def test_a_table_without_an_age_is_kept(loaded: Store) -> None:
    assert find_old(loaded, {}, NOW) == []
    assert [each.rows for each in find_old(loaded, {"payments": timedelta(days=3650)}, NOW)] == [0]


def test_an_open_load_is_waited_for(loaded: Store, tmp_path: Path) -> None:
    found = find_old(loaded, {"sessions": timedelta(days=30)}, NOW)
    loaded.run_transaction(("load/begin", {"id": "open", "bundle": "b"}))
    with pytest.raises(KeepingError, match="being loaded"):
        remove_old(loaded, person("ann"), Snapshots(tmp_path / "runs", 1), found)
    assert len(kept(loaded)) == 4


def test_every_kind_is_of_one_table() -> None:
    names = [kind.name for kind in KINDS] + ["tls_fingerprint"]
    found = [name for table in TABLES for name in list_kinds(table, names)]
    assert sorted(found) == sorted(names)


@pytest.mark.usefixtures("cli_environment")
def test_the_command_takes_its_ages_from_options_and_the_environment(
    loaded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphsvc = partial(run_command, "retention")
    assert graphsvc().returncode == 2
    monkeypatch.setenv("GRAPHSVC_RETENTION", "nothing=1d")
    assert "GRAPHSVC_RETENTION" in graphsvc().stderr
    monkeypatch.setenv("GRAPHSVC_RETENTION", "activity=1d, payments=36500d")
    shown = graphsvc("--payments", "1d", "--dry-run").stdout
    assert [line.split()[:2] for line in shown.splitlines()] == [["payments", "1"], ["activity", "4"]]
    assert len(nodes(loaded, "PaymentInstrument")) == 1
    assert graphsvc("--payments", "1d").returncode == 0
    assert not nodes(loaded, "PaymentInstrument")
    assert not nodes(loaded, "Activity")
