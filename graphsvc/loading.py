"""The steps of a load: bundle → validated, tokenised columns → batches in Neo4j, each written exactly once."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import polars.selectors as cs

from graphsvc.errors import LoadError
from graphsvc.host import read_memory
from graphsvc.intake import read_bundle, write_dead_letters
from graphsvc.intake.acceptance import MAX_REJECTED, check_loaded
from graphsvc.intake.files import estimate_rows, find_files
from graphsvc.intake.networks import assign_networks
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.schemas import SCHEMAS
from graphsvc.measure import MemoryNeed
from graphsvc.model.columns import BundleColumns, CellReport, Hub, TableReport
from graphsvc.signals.kinds import BY_NAME
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.types import Progress, ignore_progress

FORMAT = "3"
"""Part of a load's id: raised when the same bundle would be written differently."""
BATCH = 10_000
"""Rows a transaction; larger ones no longer gain speed and hold locks longer. One session writes them: two or three,
each with accounts of its own, were measured to be slower (docs/loading.md)."""

READING, A_ROW, AN_HOUR = 300 << 20, 600, 80
"""Memory that reading a bundle takes at its peak, a row, and an hour of traffic; fitted to worlds of 100,000 and
1,000,000 accounts; bytes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement over one frame: columns become parallel lists, `fixed` stays the same in all batches."""

    name: str
    statement: str
    frame: pl.DataFrame
    fixed: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The report of a load.

    `tables`: rows a table. `rejected`: rejected rows by (table, reason). `written`: rows a step; `edges` of
    them are edges of signals, written in `edge_seconds`. `cells`: cells that became null. `notes`: how files
    were read. `hubs`: values that too many accounts share.
    """

    id: str
    tables: tuple[TableReport, ...]
    rejected: dict[tuple[str, str], int]
    written: dict[str, int]
    dead_letters: Path | None
    already_loaded: bool
    edges: int = 0
    edge_seconds: float = 0.0
    cells: tuple[CellReport, ...] = ()
    notes: tuple[str, ...] = ()
    hubs: tuple[Hub, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadBundle:
    """A bundle that was read and may be loaded: its columns, the load's id, and the file of its rejected rows."""

    columns: BundleColumns
    id: str
    dead_letters: Path | None

    def build_report(
        self, written: dict[str, int], *, already_loaded: bool, edges: int = 0, edge_seconds: float = 0.0
    ) -> LoadReport:
        """Return the report of loading it."""
        columns = self.columns
        return LoadReport(
            self.id, columns.tables, count_rejected(columns), written, self.dead_letters, already_loaded, edges,
            edge_seconds, columns.cells, columns.notes, columns.hubs,
        )  # fmt: skip


def read_for_load(
    bundle: Path,
    tokens: Tokeniser,
    dead_letters_dir: Path,
    known: Callable[[pl.Series], pl.Series],
    forgotten: Callable[[pl.Series], pl.Series],
    progress: Progress,
    options: ReadOptions,
    max_rejected: float,
) -> ReadBundle:
    """Read a bundle, keep its rejected rows, and check that enough of it is left. Both ways of loading begin so.

    Args:
        bundle: directory.
        tokens: of the installation's key.
        dead_letters_dir: for rejected rows.
        known: as `read_bundle` takes it.
        forgotten: as `read_bundle` takes it.
        progress: called with stage, done and total.
        options: how to read the files.
        max_rejected: share of a table's rows that may be rejected, 0–1.

    Raises:
        BundleError: the bundle cannot be read.
        NothingLoaded: too many rows are rejected.
        ResourceError: there is too little memory to read it.
    """
    estimate_memory(bundle).check()
    columns = read_bundle(
        bundle, tokens, known, lambda table, done, total: progress(f"read {table}", done, total), forgotten, options
    )  # fmt: skip
    load_id = compute_load_id(columns, tokens)
    dead_letters = keep_dead_letters(columns, load_id, dead_letters_dir)
    check_loaded(columns, max_rejected, dead_letters)
    return ReadBundle(columns, load_id, dead_letters)


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


def estimate_memory(bundle: Path) -> MemoryNeed:
    """Estimate the memory of this process while it reads a bundle.

    Raises:
        BundleError: it is no bundle.
    """
    files = find_files(bundle, list(SCHEMAS)).tables
    hours = estimate_rows(files.get("activity", ()))
    # Hours are numbers, and take far less than rows of text.
    rows = sum(map(estimate_rows, files.values())) - hours
    return MemoryNeed(
        READING + A_ROW * rows + AN_HOUR * hours,
        read_memory().available,
        doing="Loading this bundle",
        instead="Close other programs, or load it in parts, each of some accounts with all their rows.",
    )


def finish_load(store: Store, load_id: str, columns: BundleColumns) -> None:
    """Record the end of a load.

    Raises:
        LoadError: its record is gone, because the database was emptied or replaced meanwhile.
    """
    closed = store.write(
        "load/finish",
        id=load_id,
        accounts=columns.accounts.height,
        signals=sum(frame.height for frame in columns.values.values()),
        edges=sum(frame.height for frame in columns.edges.values()),
        rejected=columns.dead_letters.height,
    )
    # The record of the load was found at its beginning, so its absence means another database.
    if not closed:
        raise LoadError(
            "The database was emptied or replaced while this bundle was being loaded.", "Load it again."
        )


def keep_dead_letters(columns: BundleColumns, load_id: str, directory: Path) -> Path | None:
    """Write the dead letters of a load, if it has any; return where they are.

    Raises:
        LoadError: they cannot be written.
    """
    if columns.dead_letters.is_empty():
        return None
    path = directory / f"{load_id}.ndjson"
    try:
        write_dead_letters(columns.dead_letters, path)
    except OSError as error:
        raise LoadError(
            f"The rejected rows of this bundle cannot be written to {directory}: "
            f"{error.strerror or type(error).__name__}. Nothing was loaded.",
            "It must be a directory that is writable for you, with room on its disk.",
        ) from None
    return path


def count_rejected(columns: BundleColumns) -> dict[tuple[str, str], int]:
    """Count rejected rows by (table, reason)."""
    counts = columns.dead_letters.group_by("table", "reason").len().sort("table", "reason")
    return {(table, reason): n for table, reason, n in counts.rows()}


def compute_load_id(columns: BundleColumns, tokens: Tokeniser) -> str:
    """Compute the id of a load: the same for the same bundle, token key and accepted rows."""
    # Rows of unknown accounts are part of the id, because an earlier bundle may bring those accounts later.
    # So are rows of forgotten accounts, because these may be allowed again.
    unknown = columns.dead_letters.filter(pl.col("reason").is_in(("unknown_account", "forgotten_account")))
    rows = unknown.select("table", "file", "row").sort("table", "file", "row").write_csv()
    return hashlib.sha256(f"{FORMAT}/{tokens.key_id}/{columns.id}/{rows}".encode()).hexdigest()[:24]


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


def place_addresses(store: Store, number: int, progress: Progress = ignore_progress) -> int:
    """Give every address the class of the narrowest named network that holds it, else of its autonomous system.

    Only changed addresses are written, marked with the load's `number`. Return their count.
    """
    networks = _read_networks(store)
    by = _hash_networks(networks)
    last = store.read("load/placed_by")
    # The networks may come from any bundle. Addresses that no load has touched since are skipped only while
    # the networks are unchanged.
    whole = store.read("detect/watermark") if last and last[0]["networks"] == by else []
    found = (
        store.stream("load/unplaced_since", after=whole[0]["number"])
        if whole
        else store.stream("load/unplaced")
    )
    schema = {"key": pl.String, "value": pl.String, "class": pl.String, "network": pl.String, "asn": pl.Int64}
    addresses = pl.DataFrame(list(found), schema=schema, orient="row")
    placed = assign_networks(addresses["value"], addresses["asn"], networks)
    changed = addresses.select("key", was="class", named="network").with_columns(
        placed["class"], placed["network"]
    )
    changed = changed.filter(
        pl.col("class").ne_missing(pl.col("was")) | pl.col("network").ne_missing(pl.col("named"))
    ).select("key", "class", "network")
    for start in range(0, changed.height, BATCH):
        rows = changed.slice(start, BATCH).to_dict(as_series=False)
        store.write("load/place", **rows, number=number)
        progress("network classes", min(start + BATCH, changed.height), changed.height)
    store.write("load/placed", networks=by)
    return changed.height


def record_placing(store: Store) -> None:
    """Record that all addresses are placed by the present networks."""
    store.write("load/placed", networks=_hash_networks(_read_networks(store)))


def _read_networks(store: Store) -> pl.DataFrame:
    schema = {"cidr": pl.String, "asn": pl.Int64, "name": pl.String, "class": pl.String}
    return pl.DataFrame(store.read("load/known_networks"), schema=schema).sort("cidr", "asn")


def _hash_networks(networks: pl.DataFrame) -> str:
    return hashlib.sha256(networks.write_json().encode()).hexdigest()[:24]
