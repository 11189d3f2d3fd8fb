"""Retention: what was last seen longer ago than is kept goes, table by table, and signals that nobody uses with it.

Accounts themselves, what was found and decided, and the audit log stay; accounts go by forgetting them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from graphsvc.keeping.forgetting import LOADING, NO_OPEN_LOAD
from graphsvc.signals.kinds import kind_of
from graphsvc.store import Store
from graphsvc.store.audit import Auditor
from graphsvc.store.snapshots import Snapshots

ACTIVITY = "activity"
TABLES = ("accounts", "sessions", "payments", "prompts", "identifiers", ACTIVITY)
"""Tables of a bundle with an age; of `accounts`, what was registered with: e-mail, phone, names."""


@dataclass(frozen=True, slots=True)
class OldRows:
    """What of a table was last seen before a moment (UTC): `rows` are uses of signals of the `kinds`, or hours of
    activity."""

    table: str
    before: datetime
    kinds: list[str]
    rows: int


def find_old(store: Store, ages: Mapping[str, timedelta], now: datetime) -> list[OldRows]:
    """What is older than `ages` (by table), in the order of `TABLES`. What has no time is never old."""
    kinds = [row["kind"] for row in store.read("keeping/kinds")]
    found = []
    for table in (each for each in TABLES if each in ages):
        before = now - ages[table]
        if table == ACTIVITY:
            rows, of_table = store.read("keeping/old_hours", hour=_compute_hour(before))[0]["hours"], []
        else:
            of_table = list_kinds(table, kinds)
            rows = store.read("keeping/old_uses", kinds=of_table, before=before)[0]["uses"]
        found.append(OldRows(table, before, of_table, rows))
    return found


def list_kinds(table: str, kinds: Sequence[str]) -> list[str]:
    """Return those of `kinds` whose values come from a table first; sorted."""
    return sorted(kind for kind in kinds if kind_of(kind).sources[0].table == table)


def remove_old(store: Store, auditor: Auditor, snapshots: Snapshots, what: Sequence[OldRows]) -> int:
    """Remove what is old, in batches, and the kept graphs that may hold it. Killed and run again, it goes on.

    The log says what is to go before anything does. Returns how many signals went because nobody uses them any more.

    Raises:
        KeepingError: a load is open; nothing was changed.
        DatabaseUnavailable, DatabaseRefused: what was removed stays removed.
    """
    details = {each.table: {"before": each.before.isoformat(), "rows": each.rows} for each in what}
    if not auditor.write(store, "retention", "graph", guards=(NO_OPEN_LOAD,), details=details):
        raise LOADING
    last = store.read("keeping/last_load")[0]["number"]
    for each in what:
        if each.table == ACTIVITY:
            for statement in ("keeping/remove_months", "keeping/remove_hours"):
                store.run_autocommit(statement, hour=_compute_hour(each.before))
        else:
            store.run_autocommit("keeping/remove_uses", kinds=each.kinds, before=each.before)
    unused = store.run_autocommit("keeping/remove_unused_signals", number=last)[0]["signals"]
    store.run_autocommit("keeping/remove_unused_prefixes")
    snapshots.drop()
    return int(unused)


def _compute_hour(moment: datetime) -> int:
    """Return the first whole hour, since 1970, that is not before a moment."""
    return -int(-moment.timestamp() // 3600)
