"""Retention: remove data that were last seen before their retention, and signals that no account uses then.

Accounts, results, decisions and the audit log stay. Accounts are removed by forgetting them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from graphsvc.signals.kinds import kind_of
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Store
from graphsvc.store.events import count_old_events, remove_old_events
from graphsvc.store.forgetting import write_unless_loading
from graphsvc.store.snapshots import Snapshots

ACTIVITY, EVENTS = "activity", "events"
TABLES = ("accounts", "sessions", "payments", "prompts", "identifiers", ACTIVITY, EVENTS)
"""Tables of a bundle with an age; of `accounts`, what was registered with: e-mail, phone, names. Events: the outbox."""


@dataclass(frozen=True, slots=True)
class OldRows:
    """Rows of a table last seen before a time (UTC): uses of signals of the `kinds`, hours of activity, or events."""

    table: str
    before: datetime
    kinds: list[str]
    rows: int


def find_old(store: Store, ages: Mapping[str, timedelta], now: datetime) -> list[OldRows]:
    """Find rows older than `ages` (by table), in the order of `TABLES`. Rows without a time are never old."""
    kinds = [row["kind"] for row in store.read("keeping/kinds")]
    found = []
    for table in (each for each in TABLES if each in ages):
        before, of_table = now - ages[table], list[str]()
        if table == ACTIVITY:
            rows = store.read("keeping/old_hours", hour=_compute_hour(before))[0]["hours"]
        elif table == EVENTS:
            rows = count_old_events(store, before)
        else:
            of_table = list_kinds(table, kinds)
            rows = store.read("keeping/old_uses", kinds=of_table, before=before)[0]["uses"]
        found.append(OldRows(table, before, of_table, rows))
    return found


def list_kinds(table: str, kinds: Sequence[str]) -> list[str]:
    """Return those of `kinds` whose values come from a table first; sorted."""
    return sorted(kind for kind in kinds if kind_of(kind).sources[0].table == table)


def remove_old(store: Store, auditor: Auditor, snapshots: Snapshots, what: Sequence[OldRows]) -> int:
    """Remove old rows, in batches, and the snapshots that may hold them. Return the number of signals removed.

    Killed and run again, it continues.

    Raises:
        KeepingError: a load is open; nothing was changed.
        DatabaseUnavailable, DatabaseRefused: what was removed stays removed.
    """
    # The log states the removal before anything is removed.
    details = {each.table: {"before": each.before.isoformat(), "rows": each.rows} for each in what}
    write_unless_loading(store, auditor, "retention", "graph", details=details)
    last = store.read("keeping/last_load")[0]["number"]
    for each in what:
        if each.table == ACTIVITY:
            for statement in ("keeping/remove_months", "keeping/remove_hours"):
                store.run_autocommit(statement, hour=_compute_hour(each.before))
        elif each.table == EVENTS:
            remove_old_events(store, each.before)
        else:
            store.run_autocommit("keeping/remove_uses", kinds=each.kinds, before=each.before)
    unused = store.run_autocommit("keeping/remove_unused_signals", number=last)[0]["signals"]
    store.run_autocommit("keeping/remove_unused_prefixes")
    snapshots.drop()
    return int(unused)


def count_tokens(store: Store, raw: Collection[str]) -> dict[str, int]:
    """Count the signals with tokens of each key; `raw`: kinds whose values are no tokens."""
    return {row["key"]: row["signals"] for row in store.read("keeping/token_keys", raw=raw)}


def _compute_hour(moment: datetime) -> int:
    """Return the first hour since 1970 that is not before a time."""
    return -int(-moment.timestamp() // 3600)
