"""The book of decisions: read whole, written in turn.

Who writes gives the version that was read; if somebody wrote since, nothing is written, and it is read and thought over
again. So a decision that is taken while a run publishes is neither lost nor set on what has just been superseded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from graphsvc.campaigns.lineage.decisions import around, status
from graphsvc.errors import DatabaseRefused, NotFound
from graphsvc.model.decisions import Decision, Merger, Verdict
from graphsvc.store.connection import Row, Store

TURNS = 20
"""How often a writer that others forestall thinks again before it gives up."""
BUSY = DatabaseRefused(
    "Others kept deciding, or publishing, while this was to be written.", "Try again in a moment."
)


@dataclass(frozen=True, slots=True)
class Book:
    """All decisions in the order of their numbers, which identities are part of which, and the version of it all: the
    highest number used."""

    version: int
    decisions: list[Decision]
    mergers: list[Merger]


@dataclass(frozen=True, slots=True)
class Identity:
    """What an identity is now: `state` as in `model.lineage`, `size` of its last cluster, `status` from decisions."""

    id: str
    state: str
    size: int
    status: str
    merged_into: str | None


def read_book(store: Store) -> Book:
    """The book as it is now."""
    (row,) = store.read("decisions/book")
    decisions = sorted((_decision(each) for each in row["decisions"]), key=lambda each: each.number)
    mergers = sorted((Merger(**each) for each in row["mergers"]), key=lambda each: each.id)
    return Book(row["version"], decisions, mergers)


def read_identity(store: Store, cluster: str) -> Identity:
    """The identity `cluster`.

    Raises:
        NotFound: there never was one of this id.
    """
    rows = store.read("decisions/identity", id=cluster)
    if not rows:
        raise NotFound(
            f"There is no cluster {cluster}.",
            "`graphsvc export clusters` lists those that are published now.",
        )
    return Identity(cluster, **rows[0])


def decide(store: Store, cluster: str, verdict: Verdict, by: str, note: str, at: datetime) -> Decision:
    """Records what a person decided on a cluster, active, dormant or merged, and sets the status that follows.

    Args:
        at: the moment, UTC.

    Raises:
        NotFound: there is no such cluster.
        DatabaseRefused: others kept writing.
    """
    name = f"d{uuid4().hex[:15]}"

    def written(book: Book) -> tuple[Decision, list[tuple[str, Row]]]:
        size = read_identity(store, cluster).size
        decision = Decision(name, book.version + 1, cluster, cluster, verdict, by, at, note, size)
        return decision, [record([decision]), _statuses(cluster, [*book.decisions, decision], book.mergers)]

    return _in_turn(store, lambda book: next((d for d in book.decisions if d.id == name), None), written)


def undo(store: Store, decision: str, by: str, at: datetime) -> Decision:
    """Takes a decision back: it stays on record with who undid it and when, and is in force no more.

    Undoing what is undone already changes nothing.

    Raises:
        NotFound: there is no such decision.
        DatabaseRefused: others kept writing.
    """

    def undone(book: Book) -> Decision | None:
        kept = _named(book, decision)
        return kept if kept.undone else None

    def written(book: Book) -> tuple[Decision, list[tuple[str, Row]]]:
        kept = replace(_named(book, decision), undone_at=at, undone_by=by)
        left = [kept if each.id == decision else each for each in book.decisions]
        step = ("decisions/undo", {"id": decision, "by": by, "at": at})
        return kept, [step, _statuses(kept.cluster, left, book.mergers)]

    return _in_turn(store, undone, written)


def record(decisions: Sequence[Decision], run: str | None = None) -> tuple[str, Row]:
    """The step that records decisions; `run`: which copied them."""
    columns = {
        name: [getattr(each, name) for each in decisions]
        for name in ("id", "number", "cluster", "origin", "by", "at", "note", "size", "copied_from")
    }
    return "decisions/record", {**columns, "verdict": [each.verdict.value for each in decisions], "run": run}


def _statuses(cluster: str, decisions: Sequence[Decision], mergers: Sequence[Merger]) -> tuple[str, Row]:
    changed = around(cluster, mergers)
    found = [status(each, decisions, mergers).value for each in changed]
    return "decisions/status", {"id": changed, "status": found}


def _in_turn(
    store: Store,
    done: Callable[[Book], Decision | None],
    written: Callable[[Book], tuple[Decision, list[tuple[str, Row]]]],
) -> Decision:
    """Writes into the book what is not `done`, as often as it takes to do so on the version that was read."""
    for _ in range(TURNS):
        book = read_book(store)
        if kept := done(book):
            return kept
        decision, steps = written(book)
        if store.guarded(("decisions/turn", {"version": book.version}), *steps):
            return decision
    raise BUSY


def _named(book: Book, decision: str) -> Decision:
    for each in book.decisions:
        if each.id == decision:
            return each
    raise NotFound(f"There is no decision {decision}.", "`graphsvc decisions` lists all of them.")


def _decision(row: Row) -> Decision:
    return Decision(
        id=row["id"],
        number=row["number"],
        cluster=row["cluster"],
        origin=row["origin"],
        verdict=Verdict(row["verdict"]),
        by=row["by"],
        at=row["at"].to_native(),
        note=row["note"],
        size=row["size"],
        copied_from=row.get("copiedFrom"),
        undone_at=row["undoneAt"].to_native() if row.get("undoneAt") else None,
        undone_by=row.get("undoneBy"),
    )
