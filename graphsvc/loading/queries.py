"""The steps of a load from a database: marks → queries → the same columns as from a folder → batches → new marks."""

from contextlib import ExitStack
from pathlib import Path

from graphsvc.intake.acceptance import MAX_REJECTED
from graphsvc.intake.options import ReadOptions
from graphsvc.loading.common import LoadReport, read_for_load
from graphsvc.loading.online import Written, build_written_report, make_forgotten_filter, write_columns
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.sources.sql import SqlSource
from graphsvc.store import Store
from graphsvc.store.loads import begin_load, find_known_accounts
from graphsvc.store.sources import commit_marks, read_marks
from graphsvc.types import Progress, ignore_progress


def load_queries(
    store: Store,
    source: SqlSource,
    tokens: Tokeniser,
    dead_letters_dir: Path,
    *,
    again: bool = False,
    progress: Progress = ignore_progress,
    signer: Signer | None = None,
    options: ReadOptions | None = None,
    max_rejected: float = MAX_REJECTED,
) -> LoadReport:
    """Load what the queries of a database give since the last load. Killed at any time and run again, nothing is lost.

    The marks are committed with the end of the load, after its last batch. Until then the next load reads from the old
    marks, and writes again what this one wrote, which changes nothing.

    Args:
        store: the database that is written.
        source: the database that is read.
        tokens: of the installation's key.
        dead_letters_dir: for rejected rows.
        again: read from the start of each query, and write all rows again.
        progress: called with stage, rows done and rows in total.
        signer: knows forgotten accounts, whose rows are rejected; None means that none is forgotten.
        options: how to read values, and what columns are called.
        max_rejected: share of a table's rows that may be rejected, 0–1.

    Raises:
        SourceError: the source cannot be read, or another load of it committed meanwhile.
        BundleError, NothingLoaded, ResourceError, LoadError: as of `load_bundle`; nothing was written.
        DatabaseUnavailable, DatabaseRefused: committed batches stay, and the next call continues after them.
    """
    kept = read_marks(store, source.name)
    with ExitStack() as stack:
        with source:
            read = stack.enter_context(
                read_for_load(
                    source.list_tables({} if again else kept), tokens, dead_letters_dir,
                    lambda ids: find_known_accounts(store, ids), make_forgotten_filter(store, signer), progress,
                    options or ReadOptions(), max_rejected, may_be_empty=True,
                )
            )  # fmt: skip
        marks = source.highest
        if not any(table.read for table in read.columns.tables):
            return read.build_report({}, already_loaded=True)
        load = begin_load(store, read.id, read.columns.id, again=again, source=source.name)
        written = Written() if load.finished else write_columns(store, load, read.columns, progress)
        finish = None if load.finished else (read.id, read.columns)
        commit_marks(store, source.name, {table: kept.get(table) for table in source.tables}, marks, finish)
        return build_written_report(store, read, written, already_loaded=load.finished)
