"""From a bundle on disk to columns for the graph. Writes nothing, and returns no raw personal value."""

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from graphsvc.errors import BundleError
from graphsvc.intake.account_numbers import AccountNumbers
from graphsvc.intake.codes import NOWHERE
from graphsvc.intake.column_map import Entry, build_missing_error
from graphsvc.intake.dead_letters import build_dead_letters
from graphsvc.intake.files import BundleFile, BundleFiles, find_files, hash_content
from graphsvc.intake.hubs import RARE_EDGES, HubFinder
from graphsvc.intake.merging import merge_accounts, merge_networks, replace_text, sum_activity
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.outcomes import build_outcomes
from graphsvc.intake.readers import Chunk, read_chunks
from graphsvc.intake.schemas import SCHEMAS, list_columns
from graphsvc.intake.signals import (
    USES,
    add_order,
    describe_values,
    get_stated_schema,
    list_former,
    list_order,
    list_uses,
    merge_uses,
    summarize_stated,
)
from graphsvc.intake.spool import Log, Runs, Spool
from graphsvc.intake.times import NAIVE
from graphsvc.intake.validation import Reading, check_columns, validate_chunk
from graphsvc.intake.values import mask_personal
from graphsvc.model.columns import (
    ACCOUNTS,
    ACTIVITY,
    DEAD_LETTERS,
    FORMER,
    NUMBERED_ACTIVITY,
    NUMBERED_EDGES,
    OUTCOMES,
    REJECTIONS,
    BundleColumns,
    BundleParts,
    CellReport,
    Parts,
    TableReport,
    count_rejections,
    get_values_schema,
)
from graphsvc.signals.kinds import KINDS, SignalKind
from graphsvc.signals.tokens import Tokeniser
from graphsvc.types import Progress

Known = Callable[[pl.Series], pl.Series]

_SAID = {
    "epoch": "counted since 1970, units by magnitude",
    "day-first": "written day first",
    "month-first": "written month first",
}
_SMALL = ("networks", "outcomes")
"""Tables that are held in memory: there are thousands of rows, however many accounts."""


def read_bundle(
    bundle: Path | BundleFiles,
    tokens: Tokeniser,
    known_accounts: Known | None = None,
    report: Progress | None = None,
    forgotten: Known = lambda ids: ids.clear(),
    options: ReadOptions | None = None,
) -> BundleColumns:
    """Read, validate and tokenise a bundle that fits into memory; the arguments are those of `read_parts`.

    Raises:
        BundleError: the bundle, one of its files or a required column cannot be read.
    """
    with TemporaryDirectory(prefix="graphsvc-intake-") as directory:
        spool = Spool(Path(directory))
        return read_parts(bundle, tokens, spool, known_accounts, report, forgotten, options).collect()


def read_parts(
    bundle: Path | BundleFiles,
    tokens: Tokeniser,
    spool: Spool,
    known_accounts: Known | None = None,
    report: Progress | None = None,
    forgotten: Known = lambda ids: ids.clear(),
    options: ReadOptions | None = None,
) -> BundleParts:
    """Read, validate and tokenise a bundle of any size, in bounded memory.

    Args:
        bundle: the directory that holds the tables, or the tables themselves, where `accounts` may be missing.
        tokens: of the installation's key.
        spool: takes what does not fit into memory; no raw personal value is written there.
        known_accounts: selects the accounts that the database knows, of ids (String, distinct, sorted) that
            tables name but the bundle's `accounts` lacks. Rows of the others become dead letters
            `unknown_account`. None keeps all rows.
        report: called with table, rows read so far, and rows in total (an estimate until the last); then with
            `signals` and the number of kinds that are merged.
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
        intake = _Intake(tokens, spool, known_accounts, forgotten, report or (lambda *_: None), options)
        for table, parts in files.tables.items():
            intake.read_table(table, parts)
        # Parts of a bundle need not have all that is mapped.
        if not isinstance(bundle, BundleFiles):
            intake.check_names()
        return intake.build_parts(content.result(), files)


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
        known_accounts: as `read_parts` takes it.
        forgotten: as `read_parts` takes it.
    """
    with TemporaryDirectory(prefix="graphsvc-intake-") as directory:
        intake = _Intake(
            tokens, Spool(Path(directory)), known_accounts, forgotten, lambda *_: None, ReadOptions()
        )
        for table, frame in frames.items():
            file = BundleFile(table, Path(), "sign-ups", ".ndjson", 0)
            rows = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)
            chunk = Chunk(frame, rows, pl.Series([], dtype=pl.Int64), 1.0, frozenset(frame.columns))
            intake.add_rows(file, *validate_chunk(file, chunk, Reading(ReadOptions())))
            intake.end_table(table, frame.height, set())
        return intake.build_parts(content, BundleFiles({}, ())).collect()


class _Intake:
    """The tables of a bundle while they are read: tokenised rows on the spool, dead letters, and counts.

    All that needs the accounts of the bundle needs them when its rows are read, since `accounts` comes first.
    """

    def __init__(
        self, tokens: Tokeniser, spool: Spool, known_accounts: Known | None, forgotten: Known, report: Progress,
        options: ReadOptions,
    ) -> None:  # fmt: skip
        self._tokens = tokens
        self._spool = spool
        self._known_accounts = known_accounts
        self._forgotten = forgotten
        self._report = report
        self._options = options
        self._people = spool.open_runs(ACCOUNTS, "account_id")
        self._accounts = spool.open_log(ACCOUNTS)
        self._numbers = AccountNumbers()
        self._foreign = spool.open_runs({"account_id": pl.String}, "account_id")
        self._uses: dict[str, Runs] = {}
        self._stated: dict[str, Runs] = {}
        self._former = {each.key_id: spool.open_runs(FORMER, "key") for each in tokens.older}
        self._activity = spool.open_runs({**ACTIVITY, "use": pl.UInt64}, "account_id")
        self._small: dict[str, list[pl.DataFrame]] = {}
        self._dead_letters = spool.open_log(DEAD_LETTERS)
        self._rejections = pl.DataFrame(schema=REJECTIONS)
        self._rejected_of_table = self._messages = 0
        self._seed = secrets.randbits(64)
        self._reports: list[TableReport] = []
        self._cells: list[CellReport] = []
        self._notes: list[str] = []
        self._naive: list[str] = []
        # Names that the files have and no column of the contract, and entries of the caller's map that were used.
        self._others: set[str] = set()
        self._mapped: set[Entry] = set()

    def read_table(self, table: str, parts: tuple[BundleFile, ...]) -> None:
        """Read all files of a table. `accounts` comes first."""
        unknown, count = set[str](), 0
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
                self.add_rows(part, *validate_chunk(part, chunk, reading))
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
        self.end_table(table, count, unknown)

    def add_rows(self, file: BundleFile, rows: pl.DataFrame, rejected: pl.DataFrame) -> None:
        """Add valid rows of a file, and the dead letters of others."""
        table = file.table
        letters = [rejected]
        if "account_id" in rows.columns:
            for reason, ids in self._find_unwanted(table, rows["account_id"].unique()):
                of_these = rows["account_id"].is_in(ids.implode())
                lost = rows.filter(of_these)
                rows = rows.filter(~of_these)
                letters.append(
                    build_dead_letters(
                        table, file.name, lost["row"], reason, "account_id", lost["account_id"]
                    )
                )
        self._add_letters(pl.concat(letters).sort("row", maintain_order=True))
        if rows.is_empty():
            return
        # Before the texts are gone. Exports repeat rows: those with equal values are one, and so are their uses.
        rows = self._identify(file, replace_text(table, rows.drop("row", "fault")))
        if table == "accounts":
            self._people.add(rows)
        if table in _SMALL:
            self._small.setdefault(table, []).append(rows)
            return
        named = [rows["account_id"]] if table == "activity" else []
        if table == "activity":
            self._activity.add(rows)
        for kind, uses in list_uses(table, rows, self._tokens) if table != "activity" else ():
            self._add_uses(kind, uses)
            named.append(uses["account_id"])
        if table != "accounts" and named:
            ids = pl.concat(named).unique()
            foreign = self._numbers.find(ids) >= self._accounts.height
            self._foreign.add(ids.filter(pl.Series(foreign)).to_frame())

    def _identify(self, file: BundleFile, rows: pl.DataFrame) -> pl.DataFrame:
        """Add `use`, which is the same for equal rows; two equal messages of a topic are two."""
        if not file.is_stream:
            # Seeded by chance, so that nobody can compare what is on the spool with values of their own.
            return rows.with_columns(use=rows.hash_rows(self._seed))
        self._messages += rows.height
        first = self._messages - rows.height
        return rows.with_columns(use=pl.int_range(first, self._messages, dtype=pl.UInt64))

    def _add_uses(self, kind: SignalKind, uses: pl.DataFrame) -> None:
        by = list_order(kind)
        uses = add_order(kind, uses)
        if kind.name not in self._uses:
            own = dict.fromkeys(by, pl.String)
            first = by[0] if by else "key"
            self._uses[kind.name] = self._spool.open_runs({**USES, **own}, first, "account_id")
            stated = {"key": pl.String, **own, **get_stated_schema(kind), "last_seen": USES["last_seen"]}
            self._stated[kind.name] = self._spool.open_runs(stated, first)
        self._uses[kind.name].add(uses)
        if get_stated_schema(kind):
            self._stated[kind.name].add(summarize_stated(kind, uses, *by))
        for key_id, former in list_former(uses).items():
            self._former[key_id].add(former)

    def _add_letters(self, letters: pl.DataFrame) -> None:
        if letters.is_empty():
            return
        self._dead_letters.add(letters)
        self._rejected_of_table += letters.height
        self._rejections = (
            pl.concat([self._rejections, count_rejections(letters)])
            .group_by("table", "column", "reason", maintain_order=True)
            .agg(pl.col("count").sum(), pl.col("file", "row", "shape").first())
        )

    def end_table(self, table: str, count: int, unknown: set[str]) -> None:
        """End a table: its number of rows, and unknown columns."""
        if table == "accounts":
            self._number_accounts()
        # Headers are input, too: a file without one has its first row of data in their place.
        names = mask_personal(pl.Series(sorted(unknown), dtype=pl.String).str.slice(0, 64))
        self._reports.append(TableReport(table, count, self._rejected_of_table, tuple(names)))
        self._rejected_of_table = 0
        self._report(table, count, count)

    def _number_accounts(self) -> None:
        """Merge the rows of each account, and number accounts in the order of their ids."""
        for piece in _read_ranges(self._people):
            self._accounts.add(merge_accounts(piece))
        self._numbers.number(
            lambda: (frame["account_id"] for frame in self._accounts.get_parts().read("account_id"))
        )

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
        tables = [report.table for report in self._reports]
        for entry in self._options.names.columns:
            if entry.table is not None and entry.table not in tables:
                raise BundleError(
                    f"There is no table {entry.table}, whose {entry.ours} is mapped to {entry.theirs}.",
                    f"The tables here are {', '.join(tables)}.",
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

    def _find_unwanted(self, table: str, named: pl.Series) -> Iterator[tuple[str, pl.Series]]:
        """Yield those of account ids in a table whose rows are rejected, by reason."""
        if table == "accounts":
            yield "forgotten_account", self._forgotten(named)
            return
        foreign = named.filter(pl.Series(self._numbers.find(named) == NOWHERE)).sort()
        if foreign.is_empty():
            return
        forgotten = self._forgotten(foreign)
        # Forgotten ones are reported as such, and not as unknown, although the database knows neither.
        yield "forgotten_account", forgotten
        known = foreign if self._known_accounts is None else self._known_accounts(foreign)
        wanted = foreign.is_in(known.implode()) & ~foreign.is_in(forgotten.implode())
        # Numbered, so that they are looked up once.
        self._numbers.add(foreign.filter(wanted))
        yield "unknown_account", foreign.filter(~wanted & ~foreign.is_in(forgotten.implode()))

    def build_parts(self, content: str, files: BundleFiles) -> BundleParts:
        """Build the parts of all that was read."""
        small = {table: pl.concat(frames) for table, frames in self._small.items()}
        networks = merge_networks(small.get("networks"))
        hubs = HubFinder(len(self._numbers), self._spool.open_log(RARE_EDGES))
        values, edges = {}, {}
        for done, kind in enumerate(KINDS):
            self._report("signals", done, len(KINDS))
            if kind.name in self._uses:
                values[kind.name], edges[kind.name] = self._merge_kind(kind, networks, hubs)
        self._report("signals", len(KINDS), len(KINDS))
        notes = [*_describe_unread(files), *self._notes]
        if self._naive:
            notes.append(f"Times without a zone are read as UTC: {', '.join(self._naive)}.")
        parts = BundleParts(
            id=content,
            accounts=self._accounts.get_parts(),
            foreign=self._collect_runs(self._foreign, lambda piece: piece.unique().sort("account_id")),
            values=values,
            edges=edges,
            networks=networks,
            activity=self._collect_runs(self._activity, self._sum_activity),
            outcomes=build_outcomes(small["outcomes"])
            if "outcomes" in small
            else pl.DataFrame(schema=OUTCOMES),
            dead_letters=self._dead_letters.get_parts(),
            rejections=self._rejections,
            tables=tuple(self._reports),
            unknown_files=tuple(mask_personal(pl.Series(files.unknown, dtype=pl.String))),
            cells=_merge_reports(self._cells),
            notes=tuple(notes),
            hubs=hubs.find(edges),
            former={
                key_id: self._collect_runs(runs, lambda piece: piece.unique().sort("key", "former"))
                for key_id, runs in self._former.items()
            },
        )
        if any(part.rows is not None for parts in files.tables.values() for part in parts):
            return replace(parts, id=hash_parts(parts))
        return parts

    def _merge_kind(self, kind: SignalKind, networks: pl.DataFrame, hubs: HubFinder) -> tuple[Parts, Parts]:
        """Merge the uses of a kind into its values and edges."""
        uses, stated, by = self._uses.pop(kind.name), self._stated.pop(kind.name), list_order(kind)
        values = self._spool.open_log(get_values_schema(kind.name))
        edges = self._spool.open_log(NUMBERED_EDGES)
        for within in uses.list_ranges():
            # In one piece, unless a value has very many uses: then all is read twice, first for the keys.
            pieces = () if within.cuts else (*uses.read_pieces(within),)
            found = [piece.select(*by, "key").unique() for piece in pieces or uses.read_pieces(within)]
            keys = pl.concat(found).unique().sort(*by, "key")["key"]
            said = pl.concat(stated.read_pieces(within._replace(cuts=())))
            numbered = keys.to_frame().with_row_index("signal", values.height)
            values.add(describe_values(kind, keys, summarize_stated(kind, said), networks))
            for piece in pieces or uses.read_pieces(within):
                merged = merge_uses(piece)
                account = pl.Series("account", self._numbers.find(merged["account_id"]))
                placed = merged.with_columns(account).join(numbered, on="key").sort("signal", "account_id")
                placed = placed.select(pl.col(name).cast(dtype) for name, dtype in NUMBERED_EDGES.items())
                edges.add(placed)
                hubs.add(kind.name, placed)
            hubs.end_values(kind.name)
        uses.close()
        stated.close()
        return values.get_parts(), edges.get_parts()

    def _sum_activity(self, piece: pl.DataFrame) -> pl.DataFrame:
        summed = sum_activity(piece.unique())
        account = pl.Series("account", self._numbers.find(summed["account_id"]), pl.Int64)
        return summed.with_columns(account).select(*NUMBERED_ACTIVITY)

    def _collect_runs(self, runs: Runs, merge: Callable[[pl.DataFrame], pl.DataFrame]) -> Parts:
        """Merge runs range by range, and return the merged rows."""
        merged: Log | None = None
        for piece in _read_ranges(runs):
            rows = merge(piece)
            merged = merged or self._spool.open_log(rows.schema)
            merged.add(rows)
        runs.close()
        return merged.get_parts() if merged else Parts.of(merge(pl.DataFrame(schema=runs.schema)))


def _read_ranges(runs: Runs) -> Iterator[pl.DataFrame]:
    for within in runs.list_ranges():
        yield from runs.read_pieces(within)


def hash_parts(parts: BundleParts) -> str:
    """Compute SHA-256, hex, of what would be written: rows of a query have no bytes of their own, and no order."""
    whole = hashlib.sha256(parts.id.encode())
    tables = {
        "accounts": parts.accounts, "networks": Parts.of(parts.networks), "activity": parts.activity,
        **{f"values {kind}": each for kind, each in parts.values.items()},
        **{f"edges {kind}": each for kind, each in parts.edges.items()},
    }  # fmt: skip
    for name, table in tables.items():
        whole.update(f"\0{name}\0".encode())
        columns = [column for column in table.schema if column not in ("account", "signal")]
        for frame in table.read(*columns):
            # As text, so that it does not matter where one part ends and the next begins.
            whole.update(frame.write_csv(None, include_header=False).encode())
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
