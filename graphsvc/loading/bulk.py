"""The steps of a bulk load: bundle → the same columns as online → import files → a new database, checked.

Only an empty database of the managed server can be loaded so. `neo4j-admin database import` writes the
store's files directly. That is many times faster than transactions, and needs the server stopped.
"""

import re
import shutil
import time
from pathlib import Path

import polars as pl

from graphsvc import server
from graphsvc.database import open_store
from graphsvc.errors import ExportError, LoadError, ResourceError
from graphsvc.intake.acceptance import MAX_REJECTED
from graphsvc.intake.networks import assign_networks
from graphsvc.intake.options import ReadOptions
from graphsvc.loading.common import LoadReport, ReadBundle, open_workspace, read_for_load
from graphsvc.measure import estimate_need
from graphsvc.model.columns import BundleParts
from graphsvc.model.graph import SignalGraph, Watermark
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.addresses import record_placing
from graphsvc.store.graph import read_watermark
from graphsvc.store.import_files import FIRST, ImportFiles, write_files
from graphsvc.store.imported import read_import_files
from graphsvc.store.loads import (
    begin_load,
    build_outcome_step,
    count_imported,
    find_occupant,
    finish_load,
    list_bulk_loads,
    list_offline_indexes,
    write_step,
)
from graphsvc.store.outcomes import settle_loaded
from graphsvc.store.snapshots import Snapshots
from graphsvc.types import Progress, Report, ignore_progress, ignore_report

_HEAP = _OFF_HEAP = 1 << 30
"""Bytes that the import tool may take on and off its heap."""
_MOST_KEPT = 4 << 30
"""Memory of a detection up to which the graph is kept, some two million accounts: a load takes no more than that."""
_NODE_BYTES, _EDGE_BYTES, _LOG_BYTES = 400, 260, 768 << 20
"""Disk that a node takes with its indexes and import file, an edge with its import file, and the transaction log."""
_PHASE, _PERCENT = re.compile(r"^\((\d)/(\d)\) "), re.compile(r" (\d+)% ∆")
_NAMES = {"accounts": "Account", "signals": "Signal", "months of activity": "Activity"}
_INSTEAD = "Load the bundle without --bulk."


def load_bulk(
    settings: Settings,
    bundle: Path,
    tokens: Tokeniser,
    *,
    say: Report = ignore_report,
    progress: Progress = ignore_progress,
    options: ReadOptions | None = None,
    max_rejected: float = MAX_REJECTED,
) -> LoadReport:
    """Import `bundle` into the empty database of the managed server.

    The graph is the same as after an online load.

    Killed at any time and run again, it ends in the same graph. Until the import is complete, the database is
    empty to any other process. From then on the load is open until it has been checked.

    Args:
        settings: of the installation.
        bundle: directory.
        tokens: of the installation's key.
        say: called with lines of progress.
        progress: called with stage, done and total.
        options: how to read the files.
        max_rejected: share of a table's rows that may be rejected, 0–1.

    Raises:
        LoadError: the database is not the managed one or not empty, or the import is incomplete.
        BundleError: the bundle cannot be read; nothing was written.
        NothingLoaded: too many rows are rejected; nothing was written.
        ResourceError: too little memory or disk; nothing was written.
        ServerError, DatabaseUnavailable, DatabaseRefused
    """
    if not settings.managed:
        raise LoadError(
            "--bulk imports into the managed Neo4j only; GRAPHSVC_NEO4J_URI names one of your own.", _INSTEAD
        )
    bulk_loads = _require_empty(settings, say)
    with read_for_load(
        bundle, tokens, settings.dead_letters_dir, lambda ids: ids.clear(), lambda ids: ids.clear(), progress,
        options or ReadOptions(), max_rejected,
    ) as read:  # fmt: skip
        # The same bundle, finished: a second call is answered like a second online load.
        if bulk_loads.get(read.id):
            return read.build_report({}, already_loaded=True)
        if bulk_loads and read.id not in bulk_loads:
            raise _build_not_empty_error("another bundle")
        return _import_bundle(settings, read, is_imported=read.id in bulk_loads, say=say, progress=progress)


def _import_bundle(
    settings: Settings, read: ReadBundle, *, is_imported: bool, say: Report, progress: Progress
) -> LoadReport:
    columns, began = read.columns, time.monotonic()
    # On the disk of the data, where the room was checked, and not in a small /tmp.
    with open_workspace(settings.data_dir) as directory:
        files = _write_import_files(columns, read.id, directory, progress, say)
        # An import that was killed after its end has its load open. Only the checks are left to do.
        if not is_imported:
            _run_import(settings, files, say, progress)
        graph = _read_graph(settings, columns, files)
    with open_store(settings, say) as store:
        _check_import(store, files.counts, progress)
        # The import placed all addresses, but wrote no record of the networks that it did so with.
        record_placing(store)
        # The import tool knows no outcomes: they are few, and statuses follow from them by a statement.
        write_step(
            store, begin_load(store, read.id, columns.id, again=False), build_outcome_step(columns), progress
        )
        settle_loaded(store, FIRST, columns.outcomes["account_id"].unique().to_list(), progress)
        finish_load(store, read.id, columns)
        if graph is not None:
            _keep_graph(settings, graph, read.id, read_watermark(store), say)
    edges = columns.count_edges()
    written = {name: files.counts[label] for name, label in _NAMES.items() if label in files.counts}
    return read.build_report(
        {**written, "edges": edges}, already_loaded=False, edges=edges, edge_seconds=time.monotonic() - began
    )


def _require_empty(settings: Settings, say: Report) -> dict[str, bool]:
    """Return the bulk loads in the database, by id: whether each was finished; none in an empty database.

    Raises:
        LoadError: the database holds something else.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not server.has_database(settings):
        return {}
    with open_store(settings, say) as store:
        found = list_bulk_loads(store)
        if not found and (occupied := find_occupant(store)):
            raise _build_not_empty_error(f":{occupied} nodes")
        return found


def _build_not_empty_error(what: str) -> LoadError:
    return LoadError(
        f"--bulk imports into an empty database, and there is {what} in this one already.",
        f"{_INSTEAD[:-1]}, or set GRAPHSVC_DATA_DIR to a fresh directory.",
    )


def _write_import_files(
    columns: BundleParts, load_id: str, directory: Path, progress: Progress, say: Report
) -> ImportFiles:
    month = pl.col("hour").dt.truncate("1mo")
    months = sum(
        part.select("account", month).n_unique() for part in columns.activity.read("account", "hour")
    )
    nodes = columns.accounts.height + columns.count_signals() + months
    _require_room(directory, nodes, columns.count_edges() + months, say)
    load = {"id": load_id, "bundle": columns.id, "number": FIRST, "bulk": True}
    return write_files(columns, load, assign_networks, directory, progress)


def _require_room(directory: Path, nodes: int, edges: int, say: Report) -> None:
    needed = nodes * _NODE_BYTES + edges * _EDGE_BYTES + _LOG_BYTES
    free = shutil.disk_usage(directory).free
    say(
        f"bulk load of {nodes:,} nodes and {edges:,} edges: about {needed / 1e9:.1f} GB of disk "
        f"({free / 1e9:.1f} GB free), {(_HEAP + _OFF_HEAP) / 1e9:.1f} GB of memory for the import tool"
    )
    if free < needed:
        raise ResourceError(
            f"{directory.parent} has {free / 1e9:.1f} GB free, and the import needs about {needed / 1e9:.1f} GB.",
            "Make room there, or choose another place with GRAPHSVC_DATA_DIR.",
        )


def _run_import(settings: Settings, files: ImportFiles, say: Report, progress: Progress) -> None:
    # The tool reports percent of a phase, of which there are four by default.
    phase, phases = 0, 4

    def read_progress(line: str) -> None:
        nonlocal phase, phases
        # The output is for people and may change with a version. Lines that do not match are ignored.
        if found := _PHASE.match(line):
            phase, phases = int(found[1]) - 1, int(found[2])
        elif found := _PERCENT.search(line):
            progress("import (percent)", (100 * phase + int(found[1])) // phases, 100)

    server.stop_server(settings, say)
    database = settings.local_database
    server.run_admin(
        settings, "database", "import", "full", database, "--overwrite-destination=true", "--input-type=parquet",
        # Ids are node numbers that we assign: the tool then needs no map of ids in memory.
        "--id-type=actual", "--path-pattern-style=none", f"--max-off-heap-memory={_OFF_HEAP}", *files.build_arguments(),
        report=read_progress, heap=_HEAP, replaces=database,
    )  # fmt: skip


def _read_graph(settings: Settings, columns: BundleParts, files: ImportFiles) -> SignalGraph | None:
    """Read the graph that the first detection would, if it is to be kept and is not too large."""
    counts = files.counts
    needed = estimate_need(
        accounts=counts.get("Account", 0),
        signals=counts.get("Signal", 0),
        edges=columns.count_edges(),
        months=counts.get("Activity", 0),
    )
    # Statuses follow from outcomes in the database alone.
    if not settings.keep_runs or needed.expected > _MOST_KEPT or not columns.outcomes.is_empty():
        return None
    return read_import_files(files)


def _keep_graph(
    settings: Settings, graph: SignalGraph, load_id: str, watermark: Watermark | None, say: Report
) -> None:
    """Keep the graph next to those of runs, so that the first run reads only what is loaded after it."""
    try:
        Snapshots(settings.runs_dir, settings.keep_runs).keep(load_id, graph, watermark)
    except ExportError as error:
        # Loaded it is. The first run then reads the graph from the database.
        say(f"not kept for the first detection: {error}")


def _check_import(store: Store, counts: dict[str, int], progress: Progress) -> None:
    """Check that the database holds as many of everything as were imported, and its indexes."""
    progress("indexes", 0, 1)
    found = count_imported(store)
    progress("indexes", 1, 1)
    wrong = [
        f"{found[name]:,} {name} instead of {counts.get(name, 0):,}"
        for name in found
        if found[name] != counts.get(name, 0)
    ]
    wrong += [f"the index {name} is {state.lower()}" for name, state in list_offline_indexes(store).items()]
    if wrong:
        raise LoadError(
            f"The import did not bring what it should: {', '.join(wrong)}.",
            "Set GRAPHSVC_DATA_DIR to a fresh directory and load again, or load without --bulk.",
        )
