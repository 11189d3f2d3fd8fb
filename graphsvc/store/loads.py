"""Write loads: the steps of a bundle in batches, each written exactly once, and the record of the load."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl
import polars.selectors as cs

from graphsvc.errors import LoadError
from graphsvc.model.columns import ACTIVITY, EDGES, BundleParts, Parts
from graphsvc.model.events import NewEvent
from graphsvc.signals.kinds import BY_NAME
from graphsvc.store.connection import Row, Store
from graphsvc.store.events import build_append_step
from graphsvc.types import Progress

BATCH = 10_000
"""Rows a transaction; larger ones no longer gain speed and hold locks longer. One session writes them: two or three,
each with accounts of its own, were measured to be slower (docs/loading.md)."""

RECORDED = "sign-ups"
"""What the record of a load names as its bundle where it is of recorded sign-ups."""
_DEAD_SECONDS = 300
"""A load of recorded sign-ups takes a second; one that is open for so long has lost its process."""


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """The record of a load: its id and number, whether it was finished, and by step the batches written so far."""

    id: str
    number: int
    finished: bool
    reached: dict[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One statement over one table: columns become parallel lists, `fixed` stays the same in all batches.

    `change` makes the rows to write from the `columns` of each part of `table`; none: from all columns.
    """

    name: str
    statement: str
    table: Parts
    fixed: dict[str, str | int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    change: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows

    def read(self) -> Iterator[pl.DataFrame]:
        """Yield the rows to write, times as ms since 1970, in frames of any size."""
        for part in self.table.read(*self.columns):
            yield self.change(part).with_columns(cs.datetime().dt.epoch("ms"))

    @property
    def is_edges(self) -> bool:
        """Return whether it writes edges of signals."""
        return self.statement == "load/edges"


def begin_load(store: Store, load: str, bundle: str, *, again: bool, source: str | None = None) -> OpenLoad:
    """Open the record of a load, or find it.

    Args:
        store: the database.
        load: id of the load.
        bundle: hash of its content.
        again: whether to open a finished one, too.
        source: whose marks it will move; a load of it that was killed before is closed.
    """
    first = [("source/open", {"source": source, "load": load})] if source else []
    first += [("load/reopen", {"id": load})] if again else []
    (record,) = store.run_transaction(*first, ("load/begin", {"id": load, "bundle": bundle}))
    finished = record["finishedAt"] is not None
    reached = {} if finished else {row["step"]: row["next"] for row in store.read("load/progress", id=load)}
    return OpenLoad(load, record["number"], finished, reached)


def close_recordings(store: Store) -> None:
    """Close loads of recorded sign-ups whose process died: an open load holds up all later ones."""
    store.write("load/close_recordings", bundle=RECORDED, seconds=_DEAD_SECONDS)


def build_steps(columns: BundleParts, number: int) -> Iterator[Step]:
    """Yield the statements of load `number` in an order that creates both ends of an edge before the edge.

    Accounts and signals carry the number of the last load that wrote to them.
    """
    mark: dict[str, str | int] = {"number": number}
    # An account gets its number before its edges, so that a reader does not take a half-written account for
    # read.
    yield Step("accounts", "load/accounts", columns.accounts, mark)
    yield Step("accounts of earlier bundles", "load/touch", columns.foreign, mark)
    for key_id, former in columns.former.items():  # a step each: two of them may meet in one signal
        yield Step(f"tokens of the key {key_id}", "keeping/move_tokens", former, mark)
    systems = columns.networks.filter(pl.col("cidr").is_null()).drop("cidr")
    yield Step("autonomous systems", "load/autonomous_systems", Parts.of(systems))
    named = columns.networks.filter(pl.col("cidr").is_not_null())
    yield Step("networks", "load/networks", Parts.of(named))
    for name, values in columns.values.items():
        fixed = {**mark, "label": BY_NAME[name].label}
        yield Step(f"{name} values", "load/signals", values, fixed, ("key", "kind", "value"))
    if (instruments := columns.values.get("instrument")) is not None:
        known = ("key", "bin", "instrument_kind", "issuer_country")
        yield Step("instruments", "load/instruments", instruments, mark, known)
    for name, values in columns.values.items():
        if "words" in values.schema:
            yield Step(f"{name} words", "load/words", values, mark, ("key", "words"), pl.DataFrame.drop_nulls)
    if (addresses := columns.values.get("ip")) is not None:
        # No prefix is in two parts.
        yield Step("prefixes", "load/prefixes", addresses, mark, ("prefix", "asn"), _list_distinct)
        yield Step("addresses", "load/addresses", addresses, mark, ("key", "prefix"))
    for name, edges in columns.edges.items():
        yield Step(f"{name} edges", "load/edges", edges, {"type": BY_NAME[name].relationship}, tuple(EDGES))
    yield Step("activity", "load/activity", columns.activity, {}, tuple(ACTIVITY), pack_activity)
    # After the accounts, which may be new in this bundle.
    yield build_outcome_step(columns)


def _list_distinct(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.unique().sort(rows.columns)


def build_outcome_step(columns: BundleParts) -> Step:
    """Return the step that writes the outcomes of a bundle. `outcomes.settle_loaded` gives accounts their statuses."""
    fixed: dict[str, str | int] = {"recorded_by": "load", "call": f"load/{columns.id}"}
    return Step("outcomes", "outcomes/record", Parts.of(columns.outcomes), fixed)


def write_step(store: Store, load: OpenLoad, step: Step, progress: Progress) -> int:
    """Write the batches of a step that are not written yet, and return their rows."""
    start, done, written = load.reached.get(step.name, 0), 0, 0
    for batch, rows in enumerate(_cut_batches(step.read())):
        done += rows.height
        if batch < start:
            continue
        # The claim and the batch commit together, so each batch is written exactly once.
        claim = {"load": load.id, "key": f"{load.id}/{step.name}", "batch": batch}
        lists = rows.to_dict(as_series=False)
        store.write_guarded(("load/advance", claim), (step.statement, {**lists, **step.fixed}))
        written += rows.height
        # Of some steps the rows are not known before the last.
        last = rows.height < BATCH
        progress(step.name, done, done if last else max(done, step.table.height))
    return written


def _cut_batches(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield all rows in frames of `BATCH`; the last has the rest. Where frames end does not matter."""
    # A load that continues skips batches by their number, so each attempt must cut them alike.
    rest: pl.DataFrame | None = None
    for frame in frames:
        rows = frame if rest is None else pl.concat([rest, frame])
        full = rows.height - rows.height % BATCH
        for start in range(0, full, BATCH):
            yield rows.slice(start, BATCH)
        rest = rows.slice(full)
    if rest is not None and rest.height:
        yield rest


def find_known_accounts(store: Store, ids: pl.Series) -> pl.Series:
    """Return those of `ids` (text) that are accounts in the graph."""
    found = [
        row["id"]
        for start in range(0, ids.len(), BATCH)
        for row in store.read("load/known_accounts", ids=ids.slice(start, BATCH).to_list())
    ]
    return pl.Series(ids.name, found, dtype=pl.String)


def build_finish(load_id: str, columns: BundleParts) -> tuple[str, Row]:
    """Build the statement that records the end of a load; it returns no row if the load is not there."""
    return "load/finish", {
        "id": load_id,
        "accounts": columns.accounts.height,
        "signals": columns.count_signals(),
        "edges": columns.count_edges(),
        "rejected": columns.dead_letters.height,
    }


def finish_load(store: Store, load_id: str, columns: BundleParts, events: Sequence[NewEvent] = ()) -> None:
    """Record the end of a load, and what other systems are told of it.

    Raises:
        LoadError: its record is gone, because the database was emptied or replaced meanwhile.
    """
    told = [build_append_step(events)] if events else []
    closed = store.write_guarded(build_finish(load_id, columns), *told)
    # The record of the load was found at its beginning, so its absence means another database.
    if not closed:
        raise LoadError(
            "The database was emptied or replaced while this bundle was being loaded.", "Load it again."
        )


def list_bulk_loads(store: Store) -> dict[str, bool]:
    """List the bulk loads in the database by id: whether each was finished."""
    return {row["id"]: row["finishedAt"] is not None for row in store.read("load/bulk_loads")}


def find_occupant(store: Store) -> str | None:
    """Return a label of nodes that the database holds; None: it is empty."""
    rows = store.read("load/occupied")
    return str(rows[0]["label"]) if rows else None


def count_imported(store: Store) -> dict[str, int]:
    """Wait for the indexes, and count what an import brought, by label or type."""
    store.run_autocommit("load/await_indexes")
    return {row["name"]: row["count"] for row in store.read("load/imported_counts")}


def list_offline_indexes(store: Store) -> dict[str, str]:
    """List the indexes that cannot be used, with the state of each."""
    return {row["name"]: row["state"] for row in store.read("load/offline_indexes")}


def pack_activity(activity: pl.DataFrame) -> pl.DataFrame:
    """Pack hourly rows (schema `ACTIVITY`) into one row an account and month with parallel lists.

    `hours` are hours since 1970. A missing model is the empty text.
    """
    return (
        activity.with_columns(
            month=pl.col("hour").dt.strftime("%Y-%m"),
            hours=pl.col("hour").dt.epoch("s") // 3600,
            models=pl.col("model").fill_null(""),
        )
        .group_by("account_id", "month", "hours", "models")
        .agg(pl.col("requests").sum())
        .sort("account_id", "month", "hours", "models")
        .group_by("account_id", "month", maintain_order=True)
        .agg("hours", "requests", "models")
    )
