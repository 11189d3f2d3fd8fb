"""Decide whether enough of a bundle was read to load it."""

from pathlib import Path

import polars as pl

from graphsvc.errors import NothingLoaded, SettingsError
from graphsvc.model.columns import BundleParts, TableReport

MAX_REJECTED = 0.5
"""Share of a table's rows from which on an export is taken for broken (the contract's default)."""


_FORGOTTEN = "forgotten_account"
_ADVICE = {
    "nested_object": "Export a plain value as {column}, for example {column}.id AS {column}.",
    "lost_digits": "Export {column} as text: a spreadsheet or a float column rounded it.",
    "ambiguous_date": "Say whether the day or the month comes first with --dates.",
    "not_utf8": "Name the encoding of the file with --encoding.",
    "malformed_row": "Say what separates the columns with --delimiter, or export the table as Parquet.",
    "not_a_time": "Export {column} as ISO 8601, for example 2026-01-05T10:00:00Z.",
    "unknown_account": "Load the bundle that has these accounts, or add them to the table accounts.",
}


def advise(reason: str, column: str | None) -> str:
    """Return the advice for a reason of rejection, or the empty text."""
    return _ADVICE.get(reason, "").format(column=column)


def parse_share(text: str) -> float:
    """Parse a share that a person typed: `0.2`, `20%` or `20`.

    Raises:
        SettingsError: it is no number, or not within 0–100 %.
    """
    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    # A number above 1 can only mean percent.
    share = number / 100 if text.strip().endswith("%") or number > 1 else number
    if not 0 <= share <= 1:
        raise SettingsError(f"{text!r} is no share of rows.", "Pass for example --max-rejected 20%.")
    return share


def is_broken(rejected: int, read: int, max_rejected: float) -> bool:
    """Return whether a table is a broken export: too many of its rows were rejected, or all, whatever share may be."""
    return bool(rejected) and (rejected == read or rejected > max_rejected * read)


def check_loaded(
    columns: BundleParts, max_rejected: float, dead_letters: Path | None, *, may_be_empty: bool = False
) -> None:
    """Check that each table with rows keeps some of them, and enough.

    Args:
        columns: the bundle as it was read.
        max_rejected: the share of a table's rows that may be rejected, 0–1.
        dead_letters: the file with the rejected rows, for the message.
        may_be_empty: whether no row at all is no fault: a source may have nothing new.

    Raises:
        NothingLoaded: a table keeps no row, or too few. Names the most frequent reason, and an example
            without its value.
    """
    # Rows of forgotten accounts do not count: they are left out on purpose, and the export is sound.
    asked = columns.rejections.filter(pl.col("reason") == _FORGOTTEN)
    left_out = dict(asked.group_by("table").agg(pl.col("count").sum()).rows())
    for table in columns.tables:
        rejected = table.rejected - left_out.get(table.table, 0)
        of = table.read - left_out.get(table.table, 0)
        if is_broken(rejected, of, max_rejected):
            raise _build_rejection(columns, table, max_rejected, dead_letters)
    if not may_be_empty and not any(table.read for table in columns.tables):
        empty = ", ".join(table.table for table in columns.tables)
        raise NothingLoaded(f"Nothing was loaded: no row in {empty}.", "Check the export, and load it again.")


def _build_rejection(
    columns: BundleParts, table: TableReport, max_rejected: float, dead_letters: Path | None
) -> NothingLoaded:
    letters = columns.rejections.filter((pl.col("table") == table.table) & (pl.col("reason") != _FORGOTTEN))
    ordered = letters.sort("count", "column", "reason", descending=[True, False, False])
    column, reason, count, file, row, shape = ordered.select(
        "column", "reason", "count", "file", "row", "shape"
    ).row(0)
    where = f"{column}: {reason}" if column else str(reason)
    like = f", which looks like {shape!r} (letters as a, digits as 9)" if shape else ""
    kept = table.read - table.rejected
    what = (
        f"Nothing was loaded: {table.table} keeps {kept:,} of {table.read:,} rows. "
        f"The commonest reason is {where} ({count:,} rows), for example row {row:,} of {file}{like}."
    )
    allow = "" if kept == 0 else f", or allow more than {max_rejected:.0%} with --max-rejected"
    todo = f"{advise(reason, column)} Correct the export{allow}.".strip()
    return NothingLoaded(what, f"{todo} Rejected rows: {dead_letters}" if dead_letters else todo)
