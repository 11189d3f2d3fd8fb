"""Report how the files of a bundle were read: rows and columns by table, nulled cells, and sentences for people."""

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from graphsvc.errors import BundleError
from graphsvc.intake.column_map import Entry, build_missing_error
from graphsvc.intake.files import BundleFile, BundleFiles
from graphsvc.intake.readers import Chunk
from graphsvc.intake.schemas import list_columns
from graphsvc.intake.times import NAIVE
from graphsvc.intake.validation import Reading
from graphsvc.intake.values import mask_personal
from graphsvc.model.columns import CellReport, TableReport

_SAID = {
    "epoch": "counted since 1970, units by magnitude",
    "day-first": "written day first",
    "month-first": "written month first",
}


class ReadingReport:
    """What is known of the files while they are read; `tables` has a report for each table that ended."""

    def __init__(self) -> None:
        self.tables: list[TableReport] = []
        self._cells: list[CellReport] = []
        self._notes: list[str] = []
        self._naive: list[str] = []
        # Names that the files have and no column of the contract, and entries of the caller's map that were used.
        self._others: set[str] = set()
        self._mapped: set[Entry] = set()

    def add_chunk(self, reading: Reading, chunk: Chunk, entries: Iterable[Entry]) -> None:
        """Add what a chunk tells of its file; `entries`: those of the caller's map for the table."""
        reading.blank += chunk.blank
        self._mapped |= {entry for entry in entries if entry.ours in chunk.mapped}
        reading.said |= dict.fromkeys(chunk.notes)

    def end_file(self, part: BundleFile, reading: Reading) -> None:
        """Add a file's nulled cells, and how it was read, where that is not plain."""
        self._cells += reading.cells.values()
        said = [*reading.said]
        for column, notes in reading.notes.items():
            said += [f"{column} {_SAID[note]}" for note in sorted(notes - {NAIVE})]
            if NAIVE in notes and (name := f"{part.table}.{column}") not in self._naive:
                self._naive.append(name)
        if reading.blank:
            said.append(f"{reading.blank:,} blank records left out")
        if said:
            self._notes.append(mask_personal(pl.Series([f"{part.name}: {'; '.join(said)}."])).item())

    def check_entries(self, table: str, entries: Iterable[Entry], unknown: set[str]) -> None:
        """Check that a table with rows has each column that the caller's map names for it.

        Raises:
            BundleError: it lacks one; names the nearest of `unknown`, the names that are no columns.
        """
        for entry in entries:
            if entry.table is not None and entry not in self._mapped:
                raise build_missing_error(table, entry, unknown)

    def end_table(self, table: str, count: int, rejected: int, unknown: set[str]) -> None:
        """End a table: its number of rows, of rejected ones, and unknown columns."""
        self._others |= unknown
        # Headers are input, too: a file without one has its first row of data in their place.
        names = mask_personal(pl.Series(sorted(unknown), dtype=pl.String).str.slice(0, 64))
        self.tables.append(TableReport(table, count, rejected, tuple(names)))

    def check_names(self, columns: Iterable[Entry]) -> None:
        """Check that some table has each column that the caller's map names.

        Raises:
            BundleError: none has; names the nearest.
        """
        tables = [report.table for report in self.tables]
        for entry in columns:
            if entry.table is not None and entry.table not in tables:
                raise BundleError(
                    f"There is no table {entry.table}, whose {entry.ours} is mapped to {entry.theirs}.",
                    f"The tables here are {', '.join(tables)}.",
                )
            if entry.table is None and entry.ours not in {used.ours for used in self._mapped}:
                raise build_missing_error(None, entry, self._others)

    def list_cells(self) -> tuple[CellReport, ...]:
        """List the nulled cells, one report each table, column and reason; the first file's example stays."""
        merged: dict[tuple[str, str, str], CellReport] = {}
        for cell in self._cells:
            key = (cell.table, cell.column, cell.reason)
            before = merged.get(key)
            merged[key] = cell if before is None else replace(before, count=before.count + cell.count)
        return tuple(merged.values())

    def list_notes(self, files: BundleFiles) -> tuple[str, ...]:
        """List a sentence for each thing that people should know of how `files` were read."""
        notes = [*_describe_unread(files), *self._notes]
        if self._naive:
            notes.append(f"Times without a zone are read as UTC: {', '.join(self._naive)}.")
        return tuple(notes)


def check_required(part: BundleFile, found: frozenset[str], entries: list[Entry], *, some_rows: bool) -> None:
    """Check that a file has what required columns are mapped to.

    Raises:
        BundleError: it lacks one.
    """
    columns = list_columns(part.table)
    for entry in entries if some_rows else ():
        if not columns[entry.ours].nullable and entry.ours not in found:
            raise build_missing_error(part.name, entry, found)


def _describe_unread(files: BundleFiles) -> list[str]:
    """Return a sentence for each file of the bundle that is not read."""
    names = mask_personal(pl.Series(files.unknown, dtype=pl.String))
    return [
        f"{name} is not read" + (f"; did you mean {hint}?" if hint else ": it is no table of a bundle.")
        for name, hint in zip(names, files.hints, strict=True)
    ]
