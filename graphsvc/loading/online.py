"""The steps of a load: bundle → validated, tokenised columns → batches in Neo4j, each written exactly once."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import polars.selectors as cs

from graphsvc.errors import LoadError
from graphsvc.intake.acceptance import MAX_REJECTED
from graphsvc.intake.options import ReadOptions
from graphsvc.loading.addresses import place_addresses
from graphsvc.loading.common import BATCH, LoadReport, finish_load, pack_activity, read_for_load
from graphsvc.model.columns import BundleColumns
from graphsvc.signals.kinds import BY_NAME
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.types import Progress, ignore_progress


@dataclass(frozen=True, slots=True)
class Step:
    """One statement over one frame: columns become parallel lists, `fixed` stays the same in all batches."""

    name: str
    statement: str
    frame: pl.DataFrame
    fixed: dict[str, str | int] = field(default_factory=dict)


def load_bundle(
    store: Store,
    bundle: Path,
    tokens: Tokeniser,
    dead_letters_dir: Path,
    *,
    again: bool = False,
    progress: Progress = ignore_progress,
    signer: Signer | None = None,
    options: ReadOptions | None = None,
    max_rejected: float = MAX_REJECTED,
) -> LoadReport:
    """Load a bundle into the graph. Killed at any time and run again, it ends in the same graph.

    Args:
        store: the database.
        bundle: directory.
        tokens: of the installation's key.
        dead_letters_dir: for rejected rows.
        again: write all rows again even if this very bundle was loaded before. Correct data stay unchanged.
        progress: called with stage, rows done and rows in total.
        signer: knows forgotten accounts, whose rows are rejected; None means that none is forgotten.
        options: how to read the files.
        max_rejected: share of a table's rows that may be rejected, 0–1.

    Raises:
        LoadError: there are forgotten accounts and no signer; nothing was written.
        BundleError: the bundle cannot be read; nothing was written.
        NothingLoaded: too many rows are rejected; nothing was written.
        ResourceError: there is too little memory to read it; nothing was written.
        DatabaseUnavailable, DatabaseRefused: committed batches stay, and the next call continues after them.
    """
    read = read_for_load(
        bundle, tokens, dead_letters_dir, lambda ids: find_known_accounts(store, ids),
        make_forgotten_filter(store, signer), progress, options or ReadOptions(), max_rejected,
    )  # fmt: skip
    columns, load_id = read.columns, read.id
    reopen = [("load/reopen", {"id": load_id})] if again else []
    book = store.run_transaction(*reopen, ("load/begin", {"id": load_id, "bundle": columns.id}))[0]
    finished, number = book["finishedAt"] is not None, book["number"]
    written: dict[str, int] = {}
    edges, edge_seconds = 0, 0.0
    if not finished:
        reached = {row["step"]: row["next"] for row in store.read("load/progress", id=load_id)}
        # Each batch records how far its step is in the same transaction, so that none is written twice.
        for step in build_steps(columns, number):
            began = time.monotonic()
            written[step.name] = write_step(store, load_id, step, reached.get(step.name, 0), progress)
            if step.statement == "load/edges":
                edges += written[step.name]
                edge_seconds += time.monotonic() - began
        # After all networks are there: the most specific one may come in the last bundle.
        place_addresses(store, number, progress)
        finish_load(store, load_id, columns)
    return read.build_report(written, already_loaded=finished, edges=edges, edge_seconds=edge_seconds)


def build_steps(columns: BundleColumns, number: int) -> Iterator[Step]:
    """Yield the statements of load `number` in an order that creates both ends of an edge before the edge.

    Accounts and signals carry the number of the last load that wrote to them.
    """
    mark: dict[str, str | int] = {"number": number}
    # An account gets its number before its edges, so that a reader does not take a half-written account for
    # read.
    yield Step("accounts", "load/accounts", columns.accounts, mark)
    yield Step("accounts of earlier bundles", "load/touch", _find_foreign_accounts(columns), mark)
    for key_id, former in columns.former.items():  # a step each: two of them may meet in one signal
        yield Step(f"tokens of the key {key_id}", "keeping/move_tokens", former, mark)
    systems = columns.networks.filter(pl.col("cidr").is_null()).drop("cidr")
    yield Step("autonomous systems", "load/autonomous_systems", systems)
    yield Step("networks", "load/networks", columns.networks.filter(pl.col("cidr").is_not_null()))
    for name, values in columns.values.items():
        keys = values.select("key", "kind", "value")
        yield Step(f"{name} values", "load/signals", keys, {**mark, "label": BY_NAME[name].label})
    if (instruments := columns.values.get("instrument")) is not None:
        known = instruments.select("key", "bin", "instrument_kind", "issuer_country")
        yield Step("instruments", "load/instruments", known, mark)
    for name, values in columns.values.items():
        if "words" in values.columns:
            worded = values.select("key", "words").drop_nulls()
            yield Step(f"{name} words", "load/words", worded, mark)
    if (addresses := columns.values.get("ip")) is not None:
        announced = addresses.select("prefix", "asn").unique().sort("prefix", "asn")
        yield Step("prefixes", "load/prefixes", announced, mark)
        yield Step("addresses", "load/addresses", addresses.select("key", "prefix"), mark)
    for name, edges in columns.edges.items():
        yield Step(f"{name} edges", "load/edges", edges, {"type": BY_NAME[name].relationship})
    yield Step("activity", "load/activity", pack_activity(columns.activity))


def _find_foreign_accounts(columns: BundleColumns) -> pl.DataFrame:
    """Return the accounts (`account_id`) in edges or activity that the table `accounts` lacks."""
    named = [frame["account_id"].unique() for frame in (*columns.edges.values(), columns.activity)]
    foreign = pl.concat(named).unique().to_frame().join(columns.accounts, on="account_id", how="anti")
    return foreign.select("account_id").sort("account_id")


def write_step(store: Store, load_id: str, step: Step, start: int, progress: Progress) -> int:
    """Write the batches of a step from number `start` on, and return the rows written."""
    frame = step.frame.with_columns(cs.datetime().dt.epoch("ms"))
    for batch in range(start, -(-frame.height // BATCH)):
        rows = frame.slice(batch * BATCH, BATCH).to_dict(as_series=False)
        # The claim and the batch commit together, so each batch is written exactly once.
        claim = {"load": load_id, "key": f"{load_id}/{step.name}", "batch": batch}
        store.write_guarded(("load/advance", claim), (step.statement, {**rows, **step.fixed}))
        progress(step.name, min((batch + 1) * BATCH, frame.height), frame.height)
    return max(0, frame.height - start * BATCH)


def find_known_accounts(store: Store, ids: pl.Series) -> pl.Series:
    """Return those of `ids` (text) that are accounts in the graph."""
    found = [
        row["id"]
        for start in range(0, ids.len(), BATCH)
        for row in store.read("load/known_accounts", ids=ids.slice(start, BATCH).to_list())
    ]
    return pl.Series(ids.name, found, dtype=pl.String)


def make_forgotten_filter(store: Store, signer: Signer | None) -> Callable[[pl.Series], pl.Series]:
    """Return a function that selects the forgotten ones of account ids (text).

    Raises:
        LoadError: there are forgotten accounts, and no signer to recognize them.
    """
    names = {row["name"] for row in store.read("keeping/listed")}
    if names and signer is None:
        raise LoadError(
            "Accounts were forgotten here, and this way of loading does not know them.",
            "Load with `graphsvc load`, or use a fresh GRAPHSVC_DATA_DIR.",
        )
    if signer is None or not names:
        return lambda ids: ids.clear()
    name_of = signer.derive_pseudonym
    return lambda ids: ids.filter(pl.Series([name_of(each) in names for each in ids], dtype=pl.Boolean))
