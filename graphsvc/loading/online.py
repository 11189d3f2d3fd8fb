"""The steps of a load: bundle → validated, tokenised columns → batches in Neo4j, each written exactly once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from graphsvc.errors import LoadError
from graphsvc.intake.acceptance import MAX_REJECTED
from graphsvc.intake.files import BundleFiles
from graphsvc.intake.options import ReadOptions
from graphsvc.loading.common import LoadReport, ReadBundle, read_for_load
from graphsvc.model.columns import BundleParts
from graphsvc.model.events import NewEvent
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.store.addresses import place_addresses
from graphsvc.store.forgetting import list_forgotten
from graphsvc.store.loads import (
    OpenLoad,
    begin_load,
    build_steps,
    find_known_accounts,
    finish_load,
    write_step,
)
from graphsvc.store.outcomes import count_conflicts, settle_loaded
from graphsvc.types import Progress, ignore_progress


@dataclass(slots=True)
class Written:
    """Rows written by step; edges of signals among them, and the seconds that these took."""

    rows: dict[str, int] = field(default_factory=dict)
    edges: int = 0
    edge_seconds: float = 0.0


def load_bundle(
    store: Store,
    bundle: Path | BundleFiles,
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
        bundle: directory, or its tables, where `accounts` may be missing.
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
    with read_for_load(
        bundle, tokens, dead_letters_dir, lambda ids: find_known_accounts(store, ids),
        make_forgotten_filter(store, signer), progress, options or ReadOptions(), max_rejected,
    ) as read:  # fmt: skip
        return write_load(store, read, again=again, progress=progress)


def write_load(
    store: Store,
    read: ReadBundle,
    *,
    again: bool = False,
    progress: Progress = ignore_progress,
    bundle: str | None = None,
    events: Sequence[NewEvent] = (),
) -> LoadReport:
    """Write what was read, each batch exactly once.

    Args:
        store: the database.
        read: columns, and the id of their load.
        again: as `load_bundle` takes it.
        progress: likewise.
        bundle: what the load's record names as its bundle; None: the hash of its content.
        events: written in the transaction that ends the load.
    """
    columns, load_id = read.columns, read.id
    load = begin_load(store, load_id, bundle or columns.id, again=again)
    written = Written()
    if not load.finished:
        written = write_columns(store, load, columns, progress)
        finish_load(store, load_id, columns, events)
    return build_written_report(store, read, written, already_loaded=load.finished)


def build_written_report(
    store: Store, read: ReadBundle, written: Written, *, already_loaded: bool
) -> LoadReport:
    """Build the report of a load, with the outcomes that others' ids kept out."""
    report = read.build_report(
        written.rows, already_loaded=already_loaded, edges=written.edges, edge_seconds=written.edge_seconds
    )
    # The bundle's own rows were merged by id, so only earlier outcomes can be in the way.
    if conflicts := count_conflicts(store, read.columns.outcomes):
        said = f"{conflicts:,} outcomes have the id of another one, which stays: give them ids of their own."
        report = replace(report, notes=(*report.notes, said))
    return report


def write_columns(store: Store, load: OpenLoad, columns: BundleParts, progress: Progress) -> Written:
    """Write the columns of an open load, step by step, continuing where it stopped."""
    written = Written()
    # Each batch records how far its step is in the same transaction, so that none is written twice.
    for step in build_steps(columns, load.number):
        began = time.monotonic()
        written.rows[step.name] = write_step(store, load, step, progress)
        if step.is_edges:
            written.edges += written.rows[step.name]
            written.edge_seconds += time.monotonic() - began
    # After all networks are there: the most specific one may come in the last bundle.
    place_addresses(store, load.number, progress)
    settle_loaded(store, load.number, columns.outcomes["account_id"].unique().to_list(), progress)
    return written


def make_forgotten_filter(store: Store, signer: Signer | None) -> Callable[[pl.Series], pl.Series]:
    """Return a function that selects the forgotten ones of account ids (text).

    Raises:
        LoadError: there are forgotten accounts, and no signer to recognize them.
    """
    names = list_forgotten(store)
    if names and signer is None:
        raise LoadError(
            "Accounts were forgotten here, and this way of loading does not know them.",
            "Load with `graphsvc load`, or use a fresh GRAPHSVC_DATA_DIR.",
        )
    if signer is None or not names:
        return lambda ids: ids.clear()
    name_of = signer.derive_pseudonym
    return lambda ids: ids.filter(pl.Series([name_of(each) in names for each in ids], dtype=pl.Boolean))
