"""From a bundle on disk to columns for the graph. Writes nothing, and returns no raw personal value."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import polars as pl

from graphsvc.errors import BundleError
from graphsvc.intake.codes import Dictionaries, list_distinct
from graphsvc.intake.column_map import Entry, build_missing_error
from graphsvc.intake.dead_letters import build_dead_letters
from graphsvc.intake.files import BundleFile, BundleFiles, find_files, hash_content
from graphsvc.intake.hubs import find_hubs
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.outcomes import build_outcomes
from graphsvc.intake.readers import Chunk, read_chunks
from graphsvc.intake.schemas import SCHEMAS, list_columns
from graphsvc.intake.signals import BANDED, build_signals
from graphsvc.intake.times import NAIVE
from graphsvc.intake.validation import Reading, check_columns, validate_chunk
from graphsvc.intake.values import mask_personal
from graphsvc.model.columns import (
    ACCOUNTS,
    ACTIVITY,
    FORMER,
    NETWORKS,
    OUTCOMES,
    BundleColumns,
    CellReport,
    TableReport,
)
from graphsvc.signals.kinds import KINDS
from graphsvc.signals.prompts import compute_bands
from graphsvc.signals.tokens import Tokeniser
from graphsvc.types import Progress

Known = Callable[[pl.Series], pl.Series]

_SAID = {
    "epoch": "counted since 1970, units by magnitude",
    "day-first": "written day first",
    "month-first": "written month first",
}
_WITHOUT_SIGNALS = frozenset(("networks", "activity", "outcomes"))
_STATUSES = ("active", "closed", "suspended", "banned")  # where two rows differ, the later here counts


def read_bundle(
    bundle: Path | BundleFiles,
    tokens: Tokeniser,
    known_accounts: Known | None = None,
    report: Progress | None = None,
    forgotten: Known = lambda ids: ids.clear(),
    options: ReadOptions | None = None,
) -> BundleColumns:
    """Read, validate and tokenise a bundle.

    Args:
        bundle: the directory that holds the tables, or the tables themselves, where `accounts` may be missing.
        tokens: of the installation's key.
        known_accounts: selects the accounts that the database knows, of ids (String, distinct, sorted) that
            tables name but the bundle's `accounts` lacks. Rows of the others become dead letters
            `unknown_account`. None keeps all rows.
        report: called with table, rows read so far, and rows in total (an estimate until the last); then with
            `signals` and the number of kinds that are tokenised.
        forgotten: selects the forgotten ones of account ids (String, distinct); their rows become dead
            letters `forgotten_account`.
        options: what the caller says of the files; None: nothing.

    Raises:
        BundleError: the bundle, one of its files or a required column cannot be read.
    """
    options = options or ReadOptions()
    files = bundle if isinstance(bundle, BundleFiles) else find_files(bundle, list(SCHEMAS), options.names)
    # Hashing waits for the disk while this thread parses.
    with ThreadPoolExecutor(1) as pool:
        # The digest of the content identifies the load, so a bundle under another name is still the same.
        content = pool.submit(hash_content, files, tokens.key_id, options.compute_digest())
        intake = _Intake(known_accounts, forgotten, report or (lambda *_: None), options)
        for table, parts in files.tables.items():
            intake.read_table(table, parts)
        # Parts of a bundle need not have all that is mapped.
        if not isinstance(bundle, BundleFiles):
            intake.check_names()
        return intake.build_columns(content.result(), tokens, files)


def read_frames(
    frames: Mapping[str, pl.DataFrame],
    content: str,
    tokens: Tokeniser,
    known_accounts: Known,
    forgotten: Known,
) -> BundleColumns:
    """Read tables that are in memory, by the same rules as the files of a bundle.

    Args:
        frames: raw columns by table, `accounts` first; the number of a row is its place, from 1 on.
        content: identifies them, as a hash does a bundle's content.
        tokens: of the installation's key.
        known_accounts: as `read_bundle` takes it.
        forgotten: as `read_bundle` takes it.
    """
    intake = _Intake(known_accounts, forgotten, lambda *_: None, ReadOptions())
    for table, frame in frames.items():
        file = BundleFile(table, Path(), "sign-ups", ".ndjson", 0)
        rows = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)
        chunk = Chunk(frame, rows, pl.Series([], dtype=pl.Int64), 1.0, frozenset(frame.columns))
        good, rejected = validate_chunk(file, chunk, Reading(ReadOptions()))
        intake.add_rows(table, (file,), [intake.encode_rows(table, good, 0)], [rejected], frame.height, set())
    return intake.build_columns(content, tokens, BundleFiles({}, ()))


class _Intake:
    """The tables of a bundle while they are read: typed rows as codes, dead letters, and counts."""

    def __init__(
        self, known_accounts: Known | None, forgotten: Known, report: Progress, options: ReadOptions
    ) -> None:
        self._known_accounts = known_accounts
        self._forgotten = forgotten
        self._report = report
        self._options = options
        self._codes = Dictionaries()
        self._tables: dict[str, pl.DataFrame] = {}
        self._dead_letters: list[pl.DataFrame] = []
        self._reports: list[TableReport] = []
        self._cells: list[CellReport] = []
        self._notes: list[str] = []
        self._naive: list[str] = []
        # Names that the files have and no column of the contract, and entries of the caller's map that were used.
        self._others: set[str] = set()
        self._mapped: set[Entry] = set()

    def read_table(self, table: str, parts: tuple[BundleFile, ...]) -> None:
        """Read all files of a table. `accounts` comes first."""
        frames, letters_of_table, unknown, count = [], [], set[str](), 0
        entries = self._options.names.list_entries(table, list_columns(table))
        sizes = [max(part.size, 1) for part in parts]
        for number, part in enumerate(parts):
            # JSON names its columns row by row, so they are known only at the end of the file.
            in_file, checked = 0, part.is_json
            reading = Reading(self._options)
            for chunk in read_chunks(part, list(list_columns(table)), self._options):
                if not checked:
                    self._check_required(part, chunk.found, entries, some_rows=True)
                    check_columns(part, chunk, some_rows=True)
                    checked = True
                good, rejected = validate_chunk(part, chunk, reading)
                frames.append(self.encode_rows(table, good, number))
                letters_of_table.append(rejected)
                in_file += chunk.frame.height + len(chunk.malformed)
                reading.blank += chunk.blank
                self._mapped |= {entry for entry in entries if entry.ours in chunk.mapped}
                reading.said |= dict.fromkeys(chunk.notes)
                # By bytes, since the number of rows is not known before the end.
                share = (sum(sizes[:number]) + chunk.share * sizes[number]) / sum(sizes)
                self._report(
                    table, count + in_file, max(count + in_file, round((count + in_file) / max(share, 1e-9)))
                )
            if part.is_json and not part.is_stream:
                self._check_required(part, chunk.found, entries, some_rows=in_file > 0)
                check_columns(part, chunk, some_rows=in_file > 0)
            self._cells += reading.cells.values()
            self._note_reading(part, reading)
            # Over all files of a table: parts may differ in their columns.
            unknown |= chunk.found.difference(list_columns(table))
            count += in_file
        is_stream = any(part.is_stream for part in parts)
        for entry in entries if count and not is_stream else ():
            if entry.table is not None and entry not in self._mapped:
                raise build_missing_error(table, entry, unknown)
        self._others |= unknown
        self.add_rows(table, parts, frames, letters_of_table, count, unknown)

    def encode_rows(self, table: str, rows: pl.DataFrame, number: int) -> pl.DataFrame:
        """Return valid rows of a file as codes, without any prompt text."""
        return self._codes.encode(replace_text(table, rows).with_columns(file=pl.lit(number)))

    def add_rows(
        self, table: str, parts: tuple[BundleFile, ...], frames: list[pl.DataFrame], letters: list[pl.DataFrame],
        count: int, unknown: set[str],
    ) -> None:  # fmt: skip
        """Add a table that was read: its valid rows, dead letters, number of rows, and unknown columns."""
        letters_of_table = list(letters)
        frame = pl.concat(frames)
        if "account_id" in frame.columns:
            for reason, ids in self._find_unwanted(table, frame):
                if ids.is_empty():
                    continue
                frame, rejected = _reject_accounts(table, parts, frame, reason, ids)
                letters_of_table.append(rejected)
        # After accounts were checked: what is rejected there counts, too.
        self._dead_letters += letters_of_table
        frame = frame.drop("row", "file", "fault")
        # Exports repeat rows. Without the row number, repeated ones are equal.
        self._tables[table] = frame if any(part.is_stream for part in parts) else frame.unique()
        # Headers are input, too: a file without one has its first row of data in their place.
        names = mask_personal(pl.Series(sorted(unknown), dtype=pl.String).str.slice(0, 64))
        self._reports.append(TableReport(table, count, sum(map(len, letters_of_table)), tuple(names)))
        self._report(table, count, count)

    def _check_required(
        self, part: BundleFile, found: frozenset[str], entries: list[Entry], *, some_rows: bool
    ) -> None:
        """Check that a file has what required columns are mapped to.

        Raises:
            BundleError: it lacks one.
        """
        columns = list_columns(part.table)
        for entry in entries if some_rows else ():
            if not columns[entry.ours].nullable and entry.ours not in found:
                raise build_missing_error(part.name, entry, found)

    def check_names(self) -> None:
        """Check that some table has each column that the caller's map names.

        Raises:
            BundleError: none has; names the nearest.
        """
        for entry in self._options.names.columns:
            if entry.table is not None and entry.table not in self._tables:
                raise BundleError(
                    f"There is no table {entry.table}, whose {entry.ours} is mapped to {entry.theirs}.",
                    f"The tables here are {', '.join(self._tables)}.",
                )
            if entry.table is None and entry.ours not in {used.ours for used in self._mapped}:
                raise build_missing_error(None, entry, self._others)

    def _note_reading(self, part: BundleFile, reading: Reading) -> None:
        """Note how a file was read, where that is not plain."""
        said = [*reading.said]
        for column, notes in reading.notes.items():
            said += [f"{column} {_SAID[note]}" for note in sorted(notes - {NAIVE})]
            if NAIVE in notes and (name := f"{part.table}.{column}") not in self._naive:
                self._naive.append(name)
        if reading.blank:
            said.append(f"{reading.blank:,} blank records left out")
        if said:
            self._notes.append(mask_personal(pl.Series([f"{part.name}: {'; '.join(said)}."])).item())

    def _find_unwanted(self, table: str, frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
        """Yield account ids in a table whose rows are rejected, by reason."""
        named = list_distinct(frame["account_id"]).cast(pl.String)
        if table == "accounts":
            yield "forgotten_account", self._forgotten(named)
            return
        foreign = named.sort()
        if "accounts" in self._tables:
            own = self._tables["accounts"]["account_id"].cast(pl.String)
            foreign = foreign.filter(~foreign.is_in(own.implode()))
        if foreign.is_empty():
            return
        forgotten = self._forgotten(foreign)
        # Forgotten ones are reported as such, and not as unknown, although the database knows neither.
        yield "forgotten_account", forgotten
        if self._known_accounts is not None:
            known = self._known_accounts(foreign)
            yield "unknown_account", foreign.filter(~foreign.is_in(pl.concat([known, forgotten]).implode()))

    def build_columns(self, content: str, tokens: Tokeniser, files: BundleFiles) -> BundleColumns:
        """Build the columns of all that was read."""
        tables = self._tables
        networks = merge_networks(tables.get("networks"))
        named = [list_distinct(t["account_id"]) for t in tables.values() if "account_id" in t.columns]
        everyone = pl.concat(named) if named else pl.Series("account_id", [], pl.Categorical)
        # Sorted by text, since categories are in the order of their first occurrence.
        ids = everyone.unique().cast(pl.String).sort().cast(everyone.dtype)
        sources = {name: table for name, table in tables.items() if name not in _WITHOUT_SIGNALS}
        signals = {}
        for kind, signal in build_signals(sources, ids, networks, tokens):
            signals[kind] = signal
            self._report("signals", min(len(signals), len(KINDS) - 1), len(KINDS))
        self._report("signals", len(KINDS), len(KINDS))
        notes = [*_describe_unread(files), *self._notes]
        if self._naive:
            notes.append(f"Times without a zone are read as UTC: {', '.join(self._naive)}.")
        edges = {kind: signal.edges for kind, signal in signals.items()}
        columns = BundleColumns(
            id=content,
            accounts=merge_accounts(tables["accounts"])
            if "accounts" in tables
            else pl.DataFrame(schema=ACCOUNTS),
            values={kind: signal.values for kind, signal in signals.items()},
            edges=edges,
            networks=networks,
            activity=sum_activity(tables.get("activity")),
            outcomes=build_outcomes(tables["outcomes"])
            if "outcomes" in tables
            else pl.DataFrame(schema=OUTCOMES),
            dead_letters=pl.concat(self._dead_letters),
            tables=tuple(self._reports),
            unknown_files=tuple(mask_personal(pl.Series(files.unknown, dtype=pl.String))),
            cells=_merge_reports(self._cells),
            notes=tuple(notes),
            hubs=find_hubs(edges),
            former={
                older.key_id: pl.concat(
                    [
                        pl.DataFrame(schema=FORMER),
                        *(s.former[older.key_id] for s in signals.values() if s.former),
                    ]
                )
                for older in tokens.older
            },
        )
        if any(part.rows is not None for parts in files.tables.values() for part in parts):
            return replace(columns, id=hash_columns(columns))
        return columns


def hash_columns(columns: BundleColumns) -> str:
    """Compute SHA-256, hex, of what would be written: rows of a query have no bytes of their own, and no order."""
    whole = hashlib.sha256(columns.id.encode())
    frames = {
        "accounts": columns.accounts, "networks": columns.networks, "activity": columns.activity,
        **{f"values {kind}": frame for kind, frame in columns.values.items()},
        **{f"edges {kind}": frame for kind, frame in columns.edges.items()},
    }  # fmt: skip
    for name, frame in frames.items():
        # Sorted, since merging leaves the order of some frames open.
        content = frame.sort(frame.columns).write_ipc_stream(None, compat_level=pl.CompatLevel.oldest())
        whole.update(f"\0{name}\0".encode() + content.getvalue())
    return whole.hexdigest()


def _describe_unread(files: BundleFiles) -> list[str]:
    """Return a sentence for each file of the bundle that is not read."""
    names = mask_personal(pl.Series(files.unknown, dtype=pl.String))
    return [
        f"{name} is not read" + (f"; did you mean {hint}?" if hint else ": it is no table of a bundle.")
        for name, hint in zip(names, files.hints, strict=True)
    ]


def _merge_reports(cells: list[CellReport]) -> tuple[CellReport, ...]:
    """Merge reports of one table, column and reason; the first file's example stays."""
    merged: dict[tuple[str, str, str], CellReport] = {}
    for cell in cells:
        key = (cell.table, cell.column, cell.reason)
        before = merged.get(key)
        merged[key] = cell if before is None else replace(before, count=before.count + cell.count)
    return tuple(merged.values())


def _reject_accounts(
    table: str, parts: tuple[BundleFile, ...], frame: pl.DataFrame, reason: str, ids: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows without those of some accounts, and these as dead letters."""
    of_these = frame["account_id"].is_in(ids.cast(frame["account_id"].dtype).implode())
    lost = frame.filter(of_these)
    names = pl.Series([part.name for part in parts], dtype=pl.String).gather(lost["file"])
    lost_ids = lost["account_id"].cast(pl.String)
    return frame.filter(~of_these), build_dead_letters(
        table, names, lost["row"], reason, "account_id", lost_ids
    )


def replace_text(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Replace prompt text by its bands, and by a hash that tells rows apart in this process."""
    if table != "prompts":
        return rows
    texts = rows["text"].drop_nulls().unique()
    # Here, chunk by chunk: the texts themselves are the largest part of a bundle, and are dropped at once.
    found = compute_bands(texts).group_by("row").agg(pl.col("band").sort().str.join(" "))
    by_text = pl.DataFrame(
        {"text": texts.gather(found["row"]), BANDED: found["band"]},
        schema={"text": pl.String, BANDED: pl.String},
    )
    joined = rows.join(by_text, on="text", how="left", maintain_order="left")
    # Rows of different texts with equal bands are different uses, and must not be taken for repeated rows.
    return joined.with_columns(pl.col("text").hash())


def merge_accounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Merge rows of one account: the earliest creation, the latest status, the latest plan and country."""
    # A row that says when the status changed, but no status, states that the account is active again.
    stated = pl.when(pl.col("status_changed_at").is_not_null()).then(pl.lit("active"))
    rows = rows.select(*ACCOUNTS).cast({pl.Categorical: pl.String})
    rows = rows.with_columns(status=pl.coalesce("status", stated))
    # Only those: grouping all accounts would sort millions for a few.
    several = pl.col("account_id").is_duplicated()
    order = pl.col("status").cast(pl.Enum(_STATUSES))
    merged = (
        rows.filter(several)
        .sort("account_id", "status_changed_at", order, "created_at", "plan", "country")
        .group_by("account_id")
        .agg(
            pl.col("created_at").min(),
            pl.col("status").drop_nulls().last(),
            pl.col("status_changed_at").max(),
            pl.col("plan", "country").drop_nulls().last(),
        )
    )
    everyone = pl.concat([rows.filter(~several), merged.select(*ACCOUNTS)])
    return everyone.with_columns(pl.col("status").fill_null("active")).sort("account_id")


def merge_networks(rows: pl.DataFrame | None) -> pl.DataFrame:
    """Merge rows of one network (by CIDR) or autonomous system; of differing rows keep the one that says most."""
    if rows is None:
        return pl.DataFrame(schema=NETWORKS)
    rows = (
        rows.select(*NETWORKS)
        .cast({pl.Categorical: pl.String})
        .with_columns(which=pl.coalesce("cidr", pl.col("asn").cast(pl.String)))
    )
    # `unknown` last: a row that names a class says more.
    vague = pl.col("network_class") == "unknown"
    ordered = rows.sort("which", vague, "network_class", "asn", "name", "country", nulls_last=True)
    return ordered.unique("which", keep="first", maintain_order=True).select(*NETWORKS)


def sum_activity(rows: pl.DataFrame | None) -> pl.DataFrame:
    """Sum activity to one row an account, hour and model."""
    if rows is None:
        return pl.DataFrame(schema=ACTIVITY)
    key = ["account_id", "hour", "model"]
    merged = rows.group_by(key).agg(pl.col("requests").sum())
    return merged.cast({pl.Categorical: pl.String}).sort(key).select(*ACTIVITY)
