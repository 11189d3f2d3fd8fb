"""Read and write the decision log.

It is read in full, and written in turn with an entry in the audit log. A writer names the version that it
read. If another one wrote since, nothing is written, and the writer starts again. So a decision made while a
run publishes is neither lost nor applied to what was just superseded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from graphsvc.errors import Busy, Conflict, NotFound
from graphsvc.events.build import build_decision_event
from graphsvc.lineage.decisions import (
    compute_version,
    derive_status,
    find_active_decisions,
    list_affected_identities,
    select_decisions,
)
from graphsvc.model.decisions import WATCHED, Decision, Merger, On, Topic, get_strand
from graphsvc.model.rows import parse_row
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Row, Store
from graphsvc.store.events import build_append_step
from graphsvc.store.queries.query import Query

TURNS = 20
"""Attempts of a writer whose version others change first."""


@dataclass(frozen=True, slots=True)
class DecisionLog:
    """All decisions by number, all mergers, and the version of both: the highest number used."""

    version: int
    decisions: list[Decision]
    mergers: list[Merger]

    def select_about(self, on: On, subject: str, other: str = "") -> list[Decision]:
        """Return all decisions on a subject, active or not, by number; for a cluster, those on its parts too."""
        if on is On.CLUSTER:
            return select_decisions(subject, [each for each in self.decisions if each.on is on], self.mergers)
        return [
            each for each in self.decisions if (each.on, each.subject, each.other) == (on, subject, other)
        ]

    def find_active(self, on: On, subject: str, other: str = "") -> list[Decision]:
        """Return the active decisions on a subject, in the order they came to it."""
        mergers = self.mergers if on is On.CLUSTER else ()
        return find_active_decisions(subject, self.select_about(on, subject, other), mergers)

    def get_last_value(self, topic: Topic, on: On, subject: str, other: str = "") -> str:
        """Return the value of the last active decision of a topic; '' if there is none."""
        forced = self.find_active(on, subject, other)
        return next((each.value for each in reversed(forced) if each.topic is topic), "")

    def list_watchers(self, on: On, subject: str, other: str = "") -> list[str]:
        """List the names of those who watch a subject."""
        forced = [each for each in self.find_active(on, subject, other) if each.topic is Topic.WATCH]
        # In the order of the decisions, so that the last one of each person stays.
        last = {each.by: each.value for each in forced}
        return sorted(by for by, value in last.items() if value == WATCHED)

    def list_watched(self, name: str) -> list[str]:
        """List the ids of the identities that a person watches, including those that they became part of; sorted."""
        own = {each.subject for each in self.decisions if each.topic is Topic.WATCH and each.by == name}
        heads = sorted({head for subject in own for head in list_affected_identities(subject, self.mergers)})
        # A merger passes watches on, so the log of the whole identity decides, not only the person's own
        # entries.
        return [head for head in heads if name in self.list_watchers(On.CLUSTER, head)]

    def list_followed(self) -> set[str]:
        """List the clusters that anyone watches or is assigned to, with the identities that they became part of."""
        topics = (Topic.WATCH, Topic.ASSIGNMENT)
        own = {each.subject for each in self.decisions if each.on is On.CLUSTER and each.topic in topics}
        heads = {head for subject in own for head in list_affected_identities(subject, self.mergers)}
        return {
            head
            for head in own | heads
            if self.list_watchers(On.CLUSTER, head) or self.get_last_value(Topic.ASSIGNMENT, On.CLUSTER, head)
        }

    def compute_version(self, on: On, subject: str, other: str = "") -> int:
        """Return the number of the last change to the decisions on a subject; 0 if there is none."""
        return compute_version(
            subject, self.select_about(on, subject, other), self.mergers if on is On.CLUSTER else ()
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """State of an identity: `state` as in `model.lineage`, `size` of its last cluster, `status` from decisions."""

    id: str
    state: str
    size: int
    status: str
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """A decision to be recorded; fields as of `Decision`. `other`: second account of a pair."""

    on: On
    subject: str
    topic: Topic
    value: str
    note: str = ""
    other: str = ""


def read_decision_log(store: Store) -> DecisionLog:
    """Read the decision log as it is now."""
    (row,) = store.read(DECISION_LOG.statement)
    return _parse_decision_log(row)


def _parse_decision_log(row: Row) -> DecisionLog:
    """Parse the row of `decisions/book`."""
    decisions = sorted((parse_row(Decision, each) for each in row["decisions"]), key=lambda each: each.number)
    mergers = sorted((Merger(**each) for each in row["mergers"]), key=lambda each: each.id)
    return DecisionLog(row["version"], decisions, mergers)


DECISION_LOG = Query("decisions/book", DecisionLog, _parse_decision_log)


def read_identity(store: Store, cluster: str) -> Identity:
    """Read the identity `cluster`.

    Raises:
        NotFound: there never was one with this id.
    """
    rows = store.read("decisions/identity", id=cluster)
    if not rows:
        raise NotFound(
            f"There is no cluster {cluster}.",
            "`graphsvc export clusters` lists those that are published now.",
        )
    return Identity(cluster, **rows[0])


def record_decision(
    store: Store, auditor: Auditor, request: DecisionRequest, at: datetime, expected: int | None = None
) -> Decision:
    """Record a person's decision and set the statuses that follow from it.

    A cluster can be active, dormant or merged.

    Args:
        store: the database.
        auditor: the person; the audit log gets an entry in the same transaction.
        request: the decision.
        at: time, UTC.
        expected: version of the subject that the person has seen; None: any.

    Raises:
        NotFound: there is no such cluster or account.
        Conflict: the subject changed since that version.
        Busy: others kept writing.
    """
    # The id is chosen before the first attempt. It shows whether an earlier attempt was committed although
    # its answer was lost.
    name = f"d{uuid4().hex[:15]}"
    # Once, outside of the turn: another writer's decision does not change whether an account exists.
    if request.on is not On.CLUSTER:
        _check_accounts(store, [request.subject, *([request.other] if request.other else [])])

    def build_steps(book: DecisionLog) -> tuple[Decision, list[tuple[str, Row]]]:
        """Build the decision and its steps for a version of the log."""
        # Read again at each turn: the identity may have been merged since the last one.
        size = read_identity(store, request.subject).size if request.on is On.CLUSTER else 0
        _check_version(book, request.on, request.subject, request.other, expected)
        decision = Decision(
            id=name,
            number=book.version + 1,
            subject=request.subject,
            origin=request.subject,
            value=request.value,
            by=auditor.actor,
            at=_drop_microseconds(at),
            note=request.note,
            size=size,
            on=request.on,
            topic=request.topic,
            strand=get_strand(request.topic, auditor.actor, name),
            other=request.other,
        )
        return decision, [
            build_record_step([decision]),
            *_build_status_steps(decision, [*book.decisions, decision], book.mergers),
            *_build_event_steps(decision),
        ]

    def find_done(book: DecisionLog) -> Decision | None:
        """Find the decision in the log if an earlier attempt recorded it."""
        return next((each for each in book.decisions if each.id == name), None)

    return _write_in_turn(store, auditor, request.topic.value, find_done, build_steps)


def undo_decision(
    store: Store, auditor: Auditor, decision: str, at: datetime, expected: int | None = None
) -> Decision:
    """Undo a decision. It stays on record with the person and the time of the undo, and is not active.

    Undoing it again changes nothing.

    Raises:
        NotFound: there is no such decision.
        Conflict: its subject changed since the version `expected`.
        Busy: others kept writing.
    """

    def find_undone(book: DecisionLog) -> Decision | None:
        """Find the decision in the log if it is undone."""
        kept = _find_decision(book, decision)
        return kept if kept.undone else None

    def build_steps(book: DecisionLog) -> tuple[Decision, list[tuple[str, Row]]]:
        """Build the undone decision and its steps for a version of the log."""
        found = _find_decision(book, decision)
        _check_version(book, found.on, found.subject, found.other, expected)
        kept = replace(
            found, undone_at=_drop_microseconds(at), undone_by=auditor.actor, undone_number=book.version + 1
        )
        # Statuses are derived from the log as it will be after the undo.
        left = [kept if each.id == decision else each for each in book.decisions]
        step = {"id": decision, "by": auditor.actor, "at": kept.undone_at, "number": kept.undone_number}
        return kept, [
            ("decisions/undo", step),
            *_build_status_steps(kept, left, book.mergers),
            *_build_event_steps(kept),
        ]

    return _write_in_turn(store, auditor, "undo", find_undone, build_steps)


def build_record_step(decisions: Sequence[Decision], run: str | None = None) -> tuple[str, Row]:
    """Build the step that records decisions; `run`: the one that copied them."""
    names = (
        "id",
        "number",
        "subject",
        "other",
        "origin",
        "strand",
        "by",
        "at",
        "note",
        "size",
        "copied_from",
    )
    columns: dict[str, Any] = {name: [getattr(each, name) for each in decisions] for name in names}
    words = {name: [str(getattr(each, name)) for each in decisions] for name in ("on", "topic", "value")}
    return "decisions/record", {**columns, **words, "run": run}


def build_seen_guard(book: DecisionLog) -> tuple[str, Row]:
    """Build the guard that lets nothing be written unless the decisions are those of the log that was read.

    It follows a turn. A reading may see the version of a commit before its decision; under the lock of the turn both
    are seen.
    """
    changes = sum(each.changed for each in book.decisions)
    return "decisions/seen", {"decisions": len(book.decisions), "changes": changes}


def _build_status_steps(
    decision: Decision, decisions: Sequence[Decision], mergers: Sequence[Merger]
) -> list[tuple[str, Row]]:
    """Build the steps that update statuses of clusters after a decision or its undo."""
    if decision.on is not On.CLUSTER or decision.topic is not Topic.DISPOSITION:
        return []
    changed = list_affected_identities(decision.subject, mergers)
    found = [derive_status(each, decisions, mergers).value for each in changed]
    return [("decisions/status", {"id": changed, "status": found})]


def _build_event_steps(decision: Decision) -> list[tuple[str, Row]]:
    """Build the step that writes the event of a decision or its undo."""
    event = build_decision_event(decision)
    return [] if event is None else [build_append_step([event])]


def _write_in_turn(
    store: Store,
    auditor: Auditor,
    action: str,
    find_done: Callable[[DecisionLog], Decision | None],
    build_steps: Callable[[DecisionLog], tuple[Decision, list[tuple[str, Row]]]],
) -> Decision:
    """Write a decision on the version of the log that was read, and start again if another writer was first.

    Args:
        store: the database.
        auditor: the person.
        action: for the audit log.
        find_done: finds the decision if it is in the log already, as after a lost answer.
        build_steps: builds the decision and its steps.

    Raises:
        Busy: others kept writing.
    """
    for _ in range(TURNS):
        book = read_decision_log(store)
        # Before anything is built: a commit with a lost answer must not be repeated, nor reported as a
        # conflict.
        if kept := find_done(book):
            return kept
        decision, steps = build_steps(book)
        turn = ("decisions/turn", {"version": book.version})
        logged = _replace_account_ids(decision, auditor)
        # The guard compares the version that was read; no row means that another writer was first.
        if auditor.write(
            store,
            action,
            logged.subject,
            *steps,
            guards=(turn, build_seen_guard(book)),
            details=_describe_decision(logged),
        ):
            return decision
    raise Busy("Others kept deciding, or publishing, while this was to be written.", "Try again in a moment.")


def _replace_account_ids(decision: Decision, auditor: Auditor) -> Decision:
    """Return the decision for the audit log, with pseudonyms for account ids: the log never erases anything."""
    if decision.on is On.CLUSTER:
        return decision
    name_of = auditor.signer.derive_pseudonym
    other = decision.other and name_of(decision.other)
    return replace(decision, subject=name_of(decision.subject), other=other)


def _describe_decision(decision: Decision) -> Mapping[str, Any]:
    """Return the audit log's details of a decision, without its note."""
    names = ("id", "on", "topic", "value", "other")
    return {name: str(getattr(decision, name)) for name in names if getattr(decision, name)}


def _check_version(book: DecisionLog, on: On, subject: str, other: str, expected: int | None) -> None:
    """Raise Conflict if the subject's version is not the expected one."""
    now = book.compute_version(on, subject, other)
    if expected is None or expected == now:
        return
    # The message names the person who was faster, so that both can talk.
    last = max(book.select_about(on, subject, other), key=lambda each: each.changed, default=None)
    by = f" by {last.undone_by if last.undone else last.by}" if last else ""
    raise Conflict(
        f"It has changed since it was read: version {now}{by}, not {expected}. Nothing was written.",
        "Read it again, and decide on what it is now.",
    )


def _check_accounts(store: Store, accounts: Sequence[str]) -> None:
    """Raise NotFound if one of the accounts does not exist."""
    found = {row["id"] for row in store.read("decisions/accounts", ids=accounts)}
    if missing := [each for each in accounts if each not in found]:
        raise NotFound(
            f"There is no account called {', '.join(missing)}.", "Ids are those of the bundle's accounts."
        )


def _drop_microseconds(at: datetime) -> datetime:
    """Round a time down to milliseconds, the precision stored."""
    # Neo4j keeps milliseconds here. Otherwise the decision returned would differ from the one read later.
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _find_decision(book: DecisionLog, decision: str) -> Decision:
    """Find a decision by id, or raise NotFound."""
    for each in book.decisions:
        if each.id == decision:
            return each
    raise NotFound(f"There is no decision {decision}.", "`graphsvc decisions` lists all of them.")
