"""Marks of sources: read before a source is, and committed with what was read of it."""

from collections.abc import Iterator, Mapping

import polars as pl

from graphsvc.errors import LoadError, SourceError
from graphsvc.model.columns import BundleParts
from graphsvc.model.marks import Mark, MarkKind
from graphsvc.store.connection import Row, Store
from graphsvc.store.loads import build_finish, build_steps

KEPT_DAYS = 3
"""Days that records of a topic's loads are kept: longer than between two runs, at most 50,000 of them."""

_ADDING = {"load/edges": "source/edges", "load/activity": "source/activity"}
"""Statements that add counts, in the place of those that take observations for repeated ones."""

Marks = Mapping[str, Mark]
"""Marks of a source by part: a table, or a partition."""


def read_marks(store: Store, source: str) -> dict[str, Mark]:
    """Read the marks of a source, by part."""
    rows = store.read("source/marks", source=source)
    return {row["part"]: Mark(MarkKind(row["kind"]), row["value"], row["column"]) for row in rows}


def is_loaded(store: Store, bundle: str) -> bool:
    """Return whether a bundle of this content was loaded wholly."""
    return bool(store.read("source/loaded", bundle=bundle))


def build_claim(source: str, parts: Mapping[str, Mark | None]) -> tuple[str, Row]:
    """Build the guard of a transaction that moves marks: closed if they are no longer what was read."""
    values = {part: mark.value if mark else "" for part, mark in parts.items()}
    return "source/claim", {"source": source, "marks": values}


def build_advance(source: str, marks: Marks) -> tuple[str, Row]:
    """Build the statement that sets marks."""
    return "source/advance", {
        "source": source,
        "part": list(marks),
        "kind": [mark.kind.value for mark in marks.values()],
        "value": [mark.value for mark in marks.values()],
        "column": [mark.column for mark in marks.values()],
    }


def check_marks(store: Store, source: str, marks: Marks) -> None:
    """Check that marks are set, after a transaction whose guard was closed: the driver repeats one that committed.

    Raises:
        SourceError: another load of the source committed meanwhile.
    """
    now = read_marks(store, source)
    if any(now.get(part) != mark for part, mark in marks.items()):
        raise SourceError(
            f"Another load of {source} committed while this one was reading; what this one read last is not committed.",
            "Let one process at a time load a source, then run this again: it continues from there.",
        )


def commit_marks(
    store: Store,
    source: str,
    kept: Mapping[str, Mark | None],
    marks: Marks,
    finish: tuple[str, BundleParts] | None,
) -> None:
    """Commit the marks of a source with the end of its load, in one transaction.

    Args:
        store: the database.
        source: its name.
        kept: marks that were read before, by part.
        marks: new ones.
        finish: id and columns of the load; None: it was finished before.

    Raises:
        SourceError: another load of the source committed meanwhile.
        LoadError: the record of the load is gone.
    """
    guards = [build_claim(source, kept), *([build_finish(*finish)] if finish else [])]
    closed = store.write_all_guarded(guards, build_advance(source, marks))
    if closed == guards[0][0]:
        check_marks(store, source, marks)
    elif closed:
        raise LoadError(
            "The database was emptied or replaced while this source was being loaded.", "Load it again."
        )


def write_messages(
    store: Store,
    source: str,
    load: str,
    columns: BundleParts,
    before: Mapping[str, Mark | None],
    after: Marks,
) -> None:
    """Write messages and the marks behind them in one transaction. The load stays open (`find_unfinished`).

    Raises:
        SourceError: another process loads the topic.
    """

    def plan(begun: Row) -> Iterator[tuple[str, Row]]:
        """Yield the statements of the load, whose number the transaction has just given."""
        yield "source/open", {"source": source, "load": load}
        for step in build_steps(columns, begun["number"]):
            # One statement a step: a batch of messages is small, unlike a bundle.
            rows = pl.concat(step.read())
            if rows.height:
                lists = rows.to_dict(as_series=False)
                yield _ADDING.get(step.statement, step.statement), {**lists, **step.fixed}
        # An account's message says what the exporter knows; its newest outcome counts all the same.
        people = columns.accounts.collect()["account_id"]
        stated = pl.concat([people, columns.outcomes["account_id"]]).unique().sort()
        if len(stated):
            yield "outcomes/settle", {"account_id": stated.to_list(), "number": begun["number"]}
        yield build_record(source, load, columns)
        yield build_advance(source, after)

    guards = [build_claim(source, before), ("load/begin", {"id": load, "bundle": load})]
    if store.write_all_guarded(guards, plan=plan):
        check_marks(store, source, after)


def build_record(source: str, load: str, columns: BundleParts) -> tuple[str, Row]:
    """Build the statement that records what a load of messages wrote."""
    _, counts = build_finish(load, columns)
    del counts["id"]
    return "source/record", {"source": source, "load": load, **counts}


def find_unfinished(store: Store, source: str) -> tuple[str, int] | None:
    """Find the load of a source that is open, as (id, number)."""
    rows = store.read("source/unfinished", source=source)
    return (rows[0]["id"], rows[0]["number"]) if rows else None


def close_load(store: Store, load: str) -> None:
    """Close a load of messages."""
    store.write("source/close", load=load)


def prune_loads(store: Store, source: str) -> None:
    """Remove the records of a topic's loads that are older than `KEPT_DAYS`."""
    store.write("source/prune", source=source, days=KEPT_DAYS)
