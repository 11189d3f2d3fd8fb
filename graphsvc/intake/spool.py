"""Rows that may be too many for memory: kept in the order of arrival, or sorted by runs and read back by ranges.

All tables of a spool share one budget. Rows stay in memory until it is spent; then the largest table goes to a file.
A small bundle never touches the disk.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from graphsvc.model.columns import Parts

Columns = Mapping[str, pl.DataType | type[pl.DataType]]

BUDGET = 384 << 20
"""Bytes of all rows in memory. Sorting and writing takes as much again; larger runs were not measurably faster."""
PART = 48 << 20
"""Bytes of a range that is read back, about. Merging one takes several times as much."""
_SAMPLED = 512
"""Of as many sorted rows one is remembered, to divide all rows into ranges of equal size."""
_GROUP = 16_384
"""Rows of a row group: a range reads the groups of each run that overlap it, so they must be small."""


class Range(NamedTuple):
    """Rows whose first sort column is in [low, high); None: without bound.

    `cuts` divide them by the second sort column: a value that very many rows have is read in pieces.
    """

    low: str | None
    high: str | None
    cuts: tuple[str, ...] = ()


class Spool:
    """A directory and a budget of memory for tables that are written while a bundle is read.

    Args:
        directory: for files; it exists, and who made it removes it.
        budget: bytes of rows in memory.
        part: bytes of a range that is read back.
    """

    def __init__(self, directory: Path, budget: int = BUDGET, part: int = PART) -> None:
        self.part = part
        self._directory = directory
        self._budget = budget
        self._names = count()
        self._logs: list[Log] = []

    def open_log(self, schema: Columns) -> "Log":
        """Open a table that keeps its rows in their order of arrival."""
        log = Log(self, schema)
        self._logs.append(log)
        return log

    def open_runs(self, schema: Columns, first: str, second: str | None = None) -> "Runs":
        """Open a table that is read back by ranges of `first`, and within one value by ranges of `second`."""
        runs = Runs(self, schema, [first, second] if second else [first])
        self._logs.append(runs)
        return runs

    def merge_runs(self, runs: "Runs", merge: Callable[[pl.DataFrame], pl.DataFrame]) -> Parts:
        """Merge runs range by range, and return the merged rows; the runs are dropped."""
        merged: Log | None = None
        for piece in runs.read_ranges():
            rows = merge(piece)
            merged = merged or self.open_log(rows.schema)
            merged.add(rows)
        runs.close()
        return merged.get_parts() if merged else Parts.of(merge(pl.DataFrame(schema=runs.schema)))

    def make_room(self) -> None:
        """Write tables to files until the rest is within the budget."""
        while sum(log.size for log in self._logs) > self._budget:
            # The largest table frees the most memory with one file.
            max(self._logs, key=lambda log: log.size).seal()

    def write(self, frame: pl.DataFrame) -> Path:
        """Write a file."""
        path = self._directory / f"{next(self._names)}.parquet"
        frame.write_parquet(path, compression="lz4", row_group_size=_GROUP)
        return path


class Log:
    """A table of rows in their order of arrival."""

    def __init__(self, spool: Spool, schema: Columns) -> None:
        self._spool = spool
        self.schema = schema
        self._files: list[Path] = []
        # As Arrow: a frame of Polars would keep all texts of the chunk that it was taken from.
        self._rows: list[pa.Table] = []
        self.size = self.height = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        if frame.height:
            rows = frame.select(*self.schema).to_arrow(compat_level=pl.CompatLevel.oldest())
            self._rows.append(rows)
            self.height += frame.height
            self.size += rows.nbytes
            self._spool.make_room()

    def seal(self) -> None:
        """Write the rows in memory to a file."""
        self._files.append(self._spool.write(self._take_rows()))

    def get_parts(self) -> Parts:
        """Return the rows so far."""
        frames = tuple(pl.DataFrame(pl.from_arrow(rows)) for rows in self._rows)
        return Parts(self.schema, self.height, tuple(self._files), frames)

    def _take_rows(self) -> pl.DataFrame:
        rows, self._rows, self.size = pa.concat_tables(self._rows), [], 0
        return pl.DataFrame(pl.from_arrow(rows))


class Runs(Log):
    """A table in sorted runs, which is read back by ranges."""

    def __init__(self, spool: Spool, schema: Columns, by: Sequence[str]) -> None:
        super().__init__(spool, schema)
        self._by = list(by)
        self._samples: list[pl.DataFrame] = []
        self._bytes = 0

    def seal(self) -> None:
        """Write the rows in memory to a sorted file."""
        # Before the rows are taken, which sets the size to 0.
        self._bytes += self.size
        rows = self._take_rows().sort(self._by)
        self._samples.append(rows.select(self._by).gather_every(_SAMPLED))
        self._files.append(self._spool.write(rows))

    def list_ranges(self) -> list[Range]:
        """Divide all rows into ranges of about a part's size. No more rows can be added then."""
        if not self._files:
            return [Range(None, None)] if self._rows else []
        if self._rows:
            self.seal()
        most = max(1, self._spool.part * self.height // max(self._bytes, 1) // _SAMPLED)
        samples = pl.concat(self._samples).sort(self._by)
        counts = samples[self._by[0]].rle().struct.unnest()
        ranges: list[Range] = []
        low, held, at = None, 0, 0
        for many, value in counts.iter_rows():
            # A value of more rows than a part is a range of its own, as far as samples can tell.
            if held and held + many > most:
                ranges.append(Range(low, value))
                low, held = value, 0
            held += many
            at += many
            if many > most and len(self._by) > 1:
                inside = samples[self._by[1]][at - many : at].gather_every(most)
                following = samples[self._by[0]][at] if at < samples.height else None
                # The first sample is where the first piece begins, and cuts nothing.
                ranges.append(Range(low, following, tuple(inside[1:].unique(maintain_order=True))))
                low, held = following, 0
        if held or not ranges:
            ranges.append(Range(low, None))
        return ranges

    def read_ranges(self) -> Iterator[pl.DataFrame]:
        """Yield the rows of one range after the other, each in one piece or several."""
        for within in self.list_ranges():
            yield from self.read_pieces(within)

    def read_pieces(self, within: Range) -> Iterator[pl.DataFrame]:
        """Yield the rows of a range, in one piece or several, in no order. Each has all rows of its second values."""
        rows = self.get_parts().scan()
        first = pl.col(self._by[0])
        if within.low is not None:
            rows = rows.filter(first >= within.low)
        if within.high is not None:
            rows = rows.filter(first < within.high)
        for low, high in zip((None, *within.cuts), (*within.cuts, None), strict=True):
            piece = rows
            if low is not None:
                piece = piece.filter(pl.col(self._by[-1]) >= low)
            if high is not None:
                piece = piece.filter(pl.col(self._by[-1]) < high)
            yield piece.collect()

    def close(self) -> None:
        """Remove the rows."""
        for path in self._files:
            path.unlink()
        self._files, self._rows, self.size, self.height = [], [], 0, 0
