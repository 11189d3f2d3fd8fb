"""Write the audit log: an entry and the change that it describes are one transaction.

After each entry its number and hash are also kept next to the signing key. That shows if the end of the log
was cut off. The kept file stays unchanged if the log does not continue from it.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from graphsvc.errors import Busy, VerificationError
from graphsvc.files import lock_in_turn, write_atomically
from graphsvc.model.audit import GENESIS, Act, Entry, Head
from graphsvc.signing import Signer
from graphsvc.store.connection import Row, Store

log = logging.getLogger("graphsvc.audit")

HEAD_FILE = "audit-head.json"
"""File next to the keys with the head of the log."""
_HASH = re.compile(r"[0-9a-f]{64}")
TURNS = 50
"""Attempts of a writer whose number others take first."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that has an entry of its own, among several of one transaction.

    Attributes:
        action: a word or two, such as `decide`.
        subject: of the act.
        guards: statements that must each return a row, or nothing is written.
        details: further facts for the entry.
    """

    action: str
    subject: str
    guards: tuple[tuple[str, Row], ...]
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Auditor:
    """Writer of the audit log for one person.

    Attributes:
        signer: signs the entries.
        actor: the person.
        role: of the actor.
        request: id of the request, if any.
    """

    signer: Signer
    actor: str
    role: str
    request: str = ""

    def write(
        self,
        store: Store,
        action: str,
        subject: str,
        *steps: tuple[str, Row],
        guards: tuple[tuple[str, Row], ...] = (),
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> bool:
        """Run `steps` and log them in one transaction.

        Args:
            store: the database.
            action: a word or two, such as `decide`.
            subject: of the act.
            steps: statements with their parameters.
            guards: statements that must each return a row, or nothing is written.
            reason: that the actor gave.
            details: further facts for the entry.

        Returns:
            False if one of `guards` was closed.

        Raises:
            DatabaseUnavailable, DatabaseRefused, Busy: the log cannot be written, so nothing was.
        """
        return self._write(store, [(self._build_act(action, subject, reason, details), guards)], steps)

    def write_all(self, store: Store, changes: Sequence[Change]) -> bool:
        """Make several changes and log each of them, all in one transaction.

        Args:
            store: the database.
            changes: at least one, in their order.

        Returns:
            False if a guard of one of them was closed; then nothing was written.

        Raises:
            DatabaseUnavailable, DatabaseRefused, Busy: the log cannot be written, so nothing was.
        """
        acts = [
            (self._build_act(each.action, each.subject, "", each.details), each.guards) for each in changes
        ]
        return self._write(store, acts, ())

    def _build_act(self, action: str, subject: str, reason: str, details: Mapping[str, Any] | None) -> Act:
        # Round trip through JSON: a tuple becomes a list as it will be read back, so that the hash is the
        # same.
        plain = json.loads(json.dumps(dict(details or {})))
        return Act(self.actor, self.role, action, subject, reason, self.request, plain)

    def _write(
        self,
        store: Store,
        acts: Sequence[tuple[Act, tuple[tuple[str, Row], ...]]],
        steps: Sequence[tuple[str, Row]],
    ) -> bool:
        """Log acts, each with its guards, and run `steps`, in one transaction. False: a guard was closed."""
        # Ids are chosen once, so that a later attempt recognizes what an earlier one committed.
        names = [uuid4().hex for _ in acts]
        turn = "audit/turn"
        for _ in range(TURNS):
            head = store.read("audit/head", id=names[0])
            if head and head[0]["there"]:  # by us: the answer to the commit was lost
                return True
            number, before = (head[0]["number"], head[0]["hash"]) if head else (0, GENESIS)
            entries: list[Entry] = []
            guards: list[tuple[str, Row]] = []
            for name, (act, own) in zip(names, acts, strict=True):
                # The guard claims the next number. If another writer took it, start again from the new head.
                guards += [(turn, {"number": number}), *own]
                number += 1
                entries.append(Entry(name, number, datetime.now(UTC), act, before))
                before = entries[-1].hash()
            appended = [("audit/append", self._build_row(each)) for each in entries]
            closed = store.write_all_guarded(guards, *steps, *appended)
            if closed is None:
                for entry in entries:
                    _keep_head(self.signer.directory, entry)
                return True
            # Only a number that was taken is tried again here: a closed guard of the change is the caller's to judge.
            if closed != turn:
                return False
        raise Busy("Others kept writing to the audit log.", "Nothing was changed. Try again in a moment.")

    def _build_row(self, entry: Entry) -> Row:
        """Build the parameters of `audit/append`, with hash and signature."""
        act, digest = entry.act, entry.hash()
        return {
            "id": entry.id,
            "number": entry.number,
            "at": entry.at,
            "actor": act.actor,
            "role": act.role,
            "action": act.action,
            "subject": act.subject,
            "reason": act.reason,
            "request": act.request,
            "details": json.dumps(act.details, sort_keys=True, ensure_ascii=False),
            "before": entry.before,
            "hash": digest,
            "signature": self.signer.sign(digest),
            "signer": self.signer.public,
        }


def read_kept_head(directory: Path | None) -> Head | None:
    """Read number and hash of the last entry, as kept next to the keys; None if none were ever kept.

    Raises:
        VerificationError: the file cannot be read, or is empty, cut off or changed.
    """
    if directory is None:
        return None
    path = directory / HEAD_FILE
    try:
        content = path.read_bytes()
        kept = json.loads(content.decode("ascii"))
        head = Head(int(kept["number"]), str(kept["hash"]))
        if not _HASH.fullmatch(head.hash) or head.number < 1:
            raise ValueError("no hash")
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or type(error).__name__
    except (ValueError, TypeError, KeyError):
        why = "it is damaged" if content.strip() else "it is empty"
    else:
        return head
    raise VerificationError(
        f"The head of the audit log that is kept next to the keys, {path}, cannot be used: {why}. "
        "Whether the end of the log was cut off is not known.",
        "Restore it from a backup. If it is lost, export the log (`graphsvc audit export`), then delete the file.",
    ) from None


def _keep_head(directory: Path | None, entry: Entry) -> None:
    """Keep the head if possible. The entry is written in any case."""
    if directory is None:
        return
    try:
        with lock_in_turn(directory / f".{HEAD_FILE}.lock"):
            # Under the lock: another process may have kept a later head since.
            kept = read_kept_head(directory)
            # Only the next entry names the hash of the kept one; later ones cannot be compared.
            if kept and entry.number == kept.number + 1 and entry.before != kept.hash:
                log.error("the audit log does not continue from the kept entry %s", kept.number)
            elif kept is None or entry.number > kept.number:
                content = json.dumps({"number": entry.number, "hash": entry.hash()})
                write_atomically(directory / HEAD_FILE, content.encode() + b"\n")
    except VerificationError as error:
        log.error("%s", error.what)
    except OSError as error:
        # The entry is committed, and the next one keeps a later head.
        log.warning("the head of the audit log cannot be kept: %s", type(error).__name__)
