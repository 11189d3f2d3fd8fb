"""Print what `graphsvc load --explain` found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl
import typer

if TYPE_CHECKING:
    from graphsvc.intake.files import BundleFiles
    from graphsvc.sources.explain import ColumnReading, TableReading


def print_readings(readings: Sequence["TableReading"], files: "BundleFiles") -> None:
    """Print each table of a source: its columns, what is ignored and missing, and masked rows."""
    for reading in readings:
        _print_table(reading)
    named = {reading.source.partition("/")[0] for reading in readings}
    for name in files.unknown:
        if name.partition("/")[0] not in named:
            typer.echo(f"{name}: not read, it is no table.\n")
    present = {reading.table for reading in readings}
    if "accounts" not in present:
        typer.echo("No table accounts is recognized: a bundle needs one.")
    typer.echo("Nothing was loaded.")


def _print_table(reading: "TableReading") -> None:
    if reading.table:
        head = f"read as the table {reading.table}"
    elif reading.guess:
        head = f"not read; it may be the table {reading.guess}: name it so, or map it in [tables]"
    else:
        head = "not read; it looks like no table"
    typer.echo(f"{reading.source}: {head} ({reading.rows:,} rows looked at)")
    for column in reading.columns:
        if line := _describe_column(column):
            typer.echo(f"  {column.name:<18}{line}")
    absent = [
        each.name for each in reading.columns if not each.theirs and not each.guess and not each.required
    ]
    if absent:
        typer.echo(f"  not there: {', '.join(absent)}")
    if reading.ignored:
        typer.echo(f"  ignored:   {', '.join(reading.ignored)}")
    if reading.missing:
        typer.echo(f"  MISSING:   {', '.join(reading.missing)}")
    if reading.masked.height:
        typer.echo("  masked rows (a for letters, 9 for digits):")
        with pl.Config(
            tbl_rows=-1, tbl_cols=-1, tbl_width_chars=1_000, fmt_str_lengths=24, tbl_formatting="NOTHING",
            tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True,
        ):  # fmt: skip
            typer.echo("\n".join(f"  {line}".rstrip() for line in str(reading.masked).splitlines()))
    typer.echo("")


def _describe_column(column: "ColumnReading") -> str:
    """Return how a column is read; the empty text where there is nothing to say."""
    asked = f"mapped to {column.asked}, which is not there" if column.asked else ""
    if column.theirs is not None:
        said = f"{column.theirs} ({column.confidence})"
    elif column.guess is not None:
        said = f"{asked or 'not mapped'}; maybe {column.guess.theirs} ({column.guess.confidence})"
    else:
        return asked or ("not there, and required" if column.required else "")
    for share, what in ((column.empty, "empty"), (column.unreadable, "unreadable")):
        if share:
            said += f", {share:.0%} {what}"
    return said
