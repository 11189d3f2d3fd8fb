"""From a bundle on disk to columns for the graph. Writes nothing, and returns no raw personal value."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from graphsvc.intake.account_numbers import AccountNumbers
from graphsvc.intake.codes import NOWHERE
from graphsvc.intake.dead_letters import build_dead_letters
from graphsvc.intake.files import BundleFile, BundleFiles, find_files, hash_content
from graphsvc.intake.hubs import RARE_EDGES, HubFinder
from graphsvc.intake.identity import hash_parts
from graphsvc.intake.merging import merge_accounts, merge_networks, replace_text, sum_activity
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.outcomes import build_outcomes
from graphsvc.intake.readers import Chunk, read_chunks
from graphsvc.intake.report import ReadingReport, check_required
from graphsvc.intake.schemas import SCHEMAS, list_columns
from graphsvc.intake.signal_runs import SignalRuns
from graphsvc.intake.signals import (
    list_uses,
)
from graphsvc.intake.spool import Spool
from graphsvc.intake.validation import Reading, check_columns, validate_chunk
from graphsvc.intake.values import mask_personal
from graphsvc.model.columns import (
    ACCOUNTS,
    ACTIVITY,
    DEAD_LETTERS,
    NUMBERED_ACTIVITY,
    OUTCOMES,
    REJECTIONS,
    BundleColumns,
    BundleParts,
    count_rejections,
)
from graphsvc.signals.kinds import KINDS
from graphsvc.signals.tokens import Tokeniser
from graphsvc.types import Progress

Known = Callable[[pl.Series], pl.Series]

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
        self._signals = SignalRuns(spool, tokens)
        self._activity = spool.open_runs({**ACTIVITY, "use": pl.UInt64}, "account_id")
        self._small: dict[str, list[pl.DataFrame]] = {}
        self._dead_letters = spool.open_log(DEAD_LETTERS)
        self._rejections = pl.DataFrame(schema=REJECTIONS)
        self._rejected_of_table = self._messages = 0
        self._seed = secrets.randbits(64)
        self._reading_report = ReadingReport()

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
                    check_required(part, chunk.found, entries, some_rows=True)
                    check_columns(part, chunk, some_rows=True)
                    checked = True
                self.add_rows(part, *validate_chunk(part, chunk, reading))
                in_file += chunk.frame.height + len(chunk.malformed)
                self._reading_report.add_chunk(reading, chunk, entries)
                # By bytes, since the number of rows is not known before the end.
                share = (sum(sizes[:number]) + chunk.share * sizes[number]) / sum(sizes)
                self._report(
                    table, count + in_file, max(count + in_file, round((count + in_file) / max(share, 1e-9)))
                )
            if part.is_json and not part.is_stream:
                check_required(part, chunk.found, entries, some_rows=in_file > 0)
                check_columns(part, chunk, some_rows=in_file > 0)
            self._reading_report.end_file(part, reading)
            # Over all files of a table: parts may differ in their columns.
            unknown |= chunk.found.difference(list_columns(table))
            count += in_file
        # Messages of a topic come in batches: a later one may have what this one lacks.
        if count and not any(part.is_stream for part in parts):
            self._reading_report.check_entries(table, entries, unknown)
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
            self._signals.add(kind, uses)
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
        self._reading_report.end_table(table, count, self._rejected_of_table, unknown)
        self._rejected_of_table = 0
        self._report(table, count, count)

    def _number_accounts(self) -> None:
        """Merge the rows of each account, and number accounts in the order of their ids."""
        for piece in self._people.read_ranges():
            self._accounts.add(merge_accounts(piece))
        self._numbers.number(
            lambda: (frame["account_id"] for frame in self._accounts.get_parts().read("account_id"))
        )

    def check_names(self) -> None:
        """Check that some table has each column that the caller's map names.

        Raises:
            BundleError: none has; names the nearest.
        """
        self._reading_report.check_names(self._options.names.columns)

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
            if kind in self._signals:
                merged = self._signals.merge(kind, self._numbers, networks, hubs)
                values[kind.name], edges[kind.name] = merged
        self._report("signals", len(KINDS), len(KINDS))
        parts = BundleParts(
            id=content,
            accounts=self._accounts.get_parts(),
            foreign=self._spool.merge_runs(self._foreign, lambda piece: piece.unique().sort("account_id")),
            values=values,
            edges=edges,
            networks=networks,
            activity=self._spool.merge_runs(self._activity, self._sum_activity),
            outcomes=build_outcomes(small["outcomes"])
            if "outcomes" in small
            else pl.DataFrame(schema=OUTCOMES),
            dead_letters=self._dead_letters.get_parts(),
            rejections=self._rejections,
            tables=tuple(self._reading_report.tables),
            unknown_files=tuple(mask_personal(pl.Series(files.unknown, dtype=pl.String))),
            cells=self._reading_report.list_cells(),
            notes=self._reading_report.list_notes(files),
            hubs=hubs.find(edges),
            former=self._signals.merge_former(),
        )
        if any(part.rows is not None for parts in files.tables.values() for part in parts):
            return replace(parts, id=hash_parts(parts))
        return parts

    def _sum_activity(self, piece: pl.DataFrame) -> pl.DataFrame:
        summed = sum_activity(piece.unique())
        account = pl.Series("account", self._numbers.find(summed["account_id"]), pl.Int64)
        return summed.with_columns(account).select(*NUMBERED_ACTIVITY)
