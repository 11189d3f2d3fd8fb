"""Read the audit log: a page, all entries, and a check against hashes and signatures."""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from graphsvc.model.audit import Act, Entry, LogCheck, LoggedEntry, check_log
from graphsvc.signing import Signer
from graphsvc.store.audit import read_kept_head
from graphsvc.store.connection import Row, Store

LAST = 2**62
"""Larger than every number of an entry."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Filter of entries; None: any.

    Attributes:
        actor: person who acted.
        action: of the entry.
        subject: of the entry, or named in its details.
        since: earliest time.
        account: pseudonym of the subject if that is an account's id (`Signer.derive_pseudonym`).
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    account: str | None = None


def read_page(store: Store, before: int, limit: int, wanted: EntryFilter) -> list[LoggedEntry]:
    """Read the entries with numbers below `before`, newest first."""
    rows = store.read("audit/page", before=before, limit=limit, **asdict(wanted))
    return [_parse_logged_entry(row["entry"]) for row in rows]


def stream_entries(store: Store) -> Iterator[LoggedEntry]:
    """Stream all entries by number."""
    for (row,) in store.stream("audit/entries"):
        yield _parse_logged_entry(row)


def verify_log(store: Store, signer: Signer, others: Collection[str] = ()) -> LogCheck:
    """Check the log, also against the head that this installation kept.

    Args:
        store: the database.
        signer: of this installation.
        others: public keys (hex) that are trusted in addition.
    """
    # Read head and count before the entries: entries written meanwhile then never look cut off.
    kept = read_kept_head(signer.directory)
    counted = store.read("audit/counted")
    return check_log(
        stream_entries(store), {signer.public, *others}, counted[0]["number"] if counted else 0, kept
    )


def format_line(logged: LoggedEntry) -> str:
    """Format an entry as one line of JSON: the hashed content, then hash, signature and signer."""
    content = json.loads(logged.entry.to_json()) if logged.entry else {"number": logged.number}
    proof = {"hash": logged.hash, "signature": logged.signature, "signer": logged.signer}
    return json.dumps({**content, **proof}, ensure_ascii=False)


def _parse_logged_entry(row: Row) -> LoggedEntry:
    """Parse a row of the log."""
    number = row.get("number")
    return LoggedEntry(
        number if isinstance(number, int) else 0,
        _parse_entry(row),
        str(row.get("hash", "")),
        str(row.get("signature", "")),
        str(row.get("signer", "")),
    )


def _parse_entry(row: Row) -> Entry | None:
    """Parse the entry of a row; None if the row was changed so that it is no entry."""
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
    except (KeyError, TypeError, ValueError, AttributeError):  # changed by hand in the database
        return None
