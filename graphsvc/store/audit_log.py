"""The audit log read back: a page of it, all of it, and whether it is what was written."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from graphsvc.model.audit import Act, Entry, LogCheck, LoggedEntry, check_log
from graphsvc.signing import Signer
from graphsvc.store.audit import read_kept_head
from graphsvc.store.connection import Row, Store

LAST = 2**62
"""Beyond every number."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries: by whom, which action, on what (or naming it in their details), from when on; None: any.

    `account`: the name that stands for the subject if that is an account's id (`Signer.name_of`).
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    account: str | None = None


def read_page(store: Store, before: int, limit: int, wanted: EntryFilter) -> list[LoggedEntry]:
    """The entries with numbers below `before`, newest first."""
    rows = store.read("audit/page", before=before, limit=limit, **asdict(wanted))
    return [_parse_logged_entry(row["entry"]) for row in rows]


def stream_entries(store: Store) -> Iterator[LoggedEntry]:
    """All entries in the order of their numbers, one by one."""
    for (row,) in store.stream("audit/entries"):
        yield _parse_logged_entry(row)


def verify_log(store: Store, signer: Signer, others: Collection[str] = ()) -> LogCheck:
    """Checks the whole log, and it against the head that this installation kept.

    Args:
        others: public keys (hex) that are trusted beside the installation's own.
    """
    kept = read_kept_head(signer.directory)
    counted = store.read("audit/counted")
    return check_log(
        stream_entries(store), {signer.public, *others}, counted[0]["number"] if counted else 0, kept
    )


def format_line(logged: LoggedEntry) -> str:
    """An entry as one line of JSON: what was hashed, and hash, signature and signer beside it."""
    content = json.loads(logged.entry.to_json()) if logged.entry else {"number": logged.number}
    proof = {"hash": logged.hash, "signature": logged.signature, "signer": logged.signer}
    return json.dumps({**content, **proof}, ensure_ascii=False)


def _parse_logged_entry(row: Row) -> LoggedEntry:
    number = row.get("number")
    return LoggedEntry(
        number if isinstance(number, int) else 0,
        _parse_entry(row),
        str(row.get("hash", "")),
        str(row.get("signature", "")),
        str(row.get("signer", "")),
    )


def _parse_entry(row: Row) -> Entry | None:
    try:
        act = Act(
            row["actor"],
            row["role"],
            row["action"],
            row["subject"],
            row["reason"],
            row["request"],
            json.loads(row["details"]),
        )
        moment: datetime = row["at"].to_native().astimezone(UTC)
        return Entry(row["id"], row["number"], moment, act, row["before"])
    except (KeyError, TypeError, ValueError, AttributeError):  # somebody changed it
        return None
