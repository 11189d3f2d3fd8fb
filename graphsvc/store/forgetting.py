"""Forget accounts: remove the account, its activity and every signal that only it used.

Decisions, clusters and the audit log stay, under a pseudonym of its id (`Signer.derive_pseudonym`). The
removal from the database and its audit entry are one transaction. See docs/decisions/keeping.md.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphsvc.errors import KeepingError, NotFound
from graphsvc.scoring.files import IndexFiles
from graphsvc.signing import Signer
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Row, Store
from graphsvc.store.decisions import read_decision_log
from graphsvc.store.snapshots import Snapshots


@dataclass(frozen=True, slots=True)
class AccountTraces:
    """Traces of an account. `forgotten`: no load brings it back.

    - `signals`: its `uses` of signals that no other account uses.
    - `months`: of activity. `outcomes`: reported ones. `clusters`: memberships, past ones included. `decisions`: on it.
    - `entries`: of the audit log that contain its id, most likely in texts of people.
    - `snapshots`: graphs of runs that hold it.
    """

    account: str
    there: bool
    forgotten: bool
    uses: int
    signals: int
    months: int
    outcomes: int
    clusters: int
    decisions: int
    entries: int
    snapshots: int


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """Forgotten accounts, and ids of running detections that may have read them before."""

    accounts: list[AccountTraces]
    runs: list[str]


def find_traces(
    store: Store, signer: Signer, snapshots: Snapshots, accounts: Sequence[str]
) -> list[AccountTraces]:
    """Find the traces of accounts.

    Raises:
        NotFound: there is no such account, and it was not forgotten either.
    """
    found = []
    for account in dict.fromkeys(accounts):
        row = store.read("keeping/held", account=account, name=signer.derive_pseudonym(account))[0]
        found.append(AccountTraces(account, snapshots=snapshots.count_holding(account), **row))
    unknown = [each.account for each in found if not each.there and not each.forgotten]
    if unknown:
        raise NotFound(
            f"There is no account called {', '.join(unknown)}; nothing was changed.",
            "Ids are those of the bundle's accounts.",
        )
    return found


def forget_accounts(
    store: Store,
    auditor: Auditor,
    snapshots: Snapshots,
    indexes: IndexFiles,
    accounts: Sequence[str],
    reason: str = "",
) -> ForgetReport:
    """Forget accounts. Killed at any time and run again, it ends in the same state.

    Raises:
        ExportError: files that hold the accounts cannot be rewritten; the next call continues.
        NotFound: one of them never existed; nothing was changed.
        KeepingError: a load is open.
        DatabaseUnavailable, DatabaseRefused: earlier ones are forgotten, and the next call continues with the
            rest.
    """
    gone = find_traces(store, auditor.signer, snapshots, accounts)
    for each in gone:
        if each.there:
            _forget_account(store, auditor, each, reason)
    # Files go after the database: a run that began in between would else keep the accounts again.
    snapshots.drop(accounts)
    indexes.forget(accounts)
    return ForgetReport(gone, [row["id"] for row in store.read("keeping/running")])


def allow_accounts(store: Store, auditor: Auditor, accounts: Sequence[str], reason: str = "") -> None:
    """Let loads bring forgotten accounts back.

    Raises:
        NotFound: one of them is not on the list; those before it were taken off.
    """
    for account in dict.fromkeys(accounts):
        name = auditor.signer.derive_pseudonym(account)
        guard = ("keeping/allow", {"name": name})
        if not auditor.write(store, "allow", name, guards=(guard,), reason=reason):
            raise NotFound(f"{account} is not on the list of forgotten accounts.", "There is nothing to do.")


def list_forgotten(store: Store) -> set[str]:
    """List the pseudonyms of forgotten accounts."""
    return {row["name"] for row in store.read("keeping/listed")}


def _forget_account(store: Store, auditor: Auditor, what: AccountTraces, reason: str) -> None:
    name = auditor.signer.derive_pseudonym(what.account)
    account: Row = {"account": what.account}
    # The id a1 must not match inside a12.
    word = re.compile(rf"(?<![\w-]){re.escape(what.account)}(?![\w-])")
    notes = {
        each.id: word.sub(name, each.note)
        for each in read_decision_log(store).decisions
        if what.account in each.note
    }
    texts = {"decision": list(notes), "note": list(notes.values())}
    # The id may stand in stored JSON with or without escapes.
    quoted = sorted({json.dumps(what.account, ensure_ascii=plain) for plain in (True, False)})
    names = ("uses", "signals", "months", "outcomes", "clusters", "decisions")
    counts = {key: getattr(what, key) for key in names}
    write_unless_loading(
        store,
        auditor,
        "forget",
        name,
        ("keeping/forget_signals", account),
        ("keeping/forget_in_decisions", {**account, **texts, "name": name}),
        ("keeping/forget_in_runs", {"quoted": quoted, "name": json.dumps(name)}),
        ("keeping/forget_account", account),
        ("keeping/list", {"name": name}),
        reason=reason,
        details=counts,
    )


def write_unless_loading(
    store: Store,
    auditor: Auditor,
    action: str,
    subject: str,
    *steps: tuple[str, Row],
    reason: str = "",
    details: Mapping[str, Any],
) -> None:
    """Run `steps` and log them in one transaction (`Auditor.write`), unless a load is open.

    Raises:
        KeepingError: a load is open; nothing was changed.
        DatabaseUnavailable, DatabaseRefused, Busy: nothing was changed.
    """
    guard: tuple[str, Row] = ("keeping/no_open_load", {})
    if not auditor.write(store, action, subject, *steps, guards=(guard,), reason=reason, details=details):
        raise KeepingError(
            "A bundle is being loaded, or its load was interrupted; nothing was changed.",
            "Wait for it, or finish it by loading it again, then try again.",
        )
