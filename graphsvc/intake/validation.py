"""Chunks of raw columns to typed rows that keep the contract, and dead letters for those that do not."""

import polars as pl

from graphsvc.errors import BundleError
from graphsvc.intake.dead_letters import letters, shapes
from graphsvc.intake.files import BundleFile
from graphsvc.intake.readers import Chunk
from graphsvc.intake.schemas import ONE_OF, SCHEMAS, columns_of
from graphsvc.intake.values import fits, typed

_REASONS = {"nullability": "missing", "max_length": "too_long"}
_CARD = "card_number"


def check_columns(file: BundleFile, chunk: Chunk, *, some_rows: bool) -> None:
    """Whether a file can be read as its table at all.

    Args:
        chunk: for Parquet and CSV any of the file, for NDJSON the last.
        some_rows: whether the file has records; an NDJSON file without any lacks no column.

    Raises:
        BundleError: a required column is missing or of an impossible type; names file and column.
    """
    columns = columns_of(file.table)
    if file.suffix.startswith(".ndjson") and not some_rows:
        return
    missing = [name for name, column in columns.items() if not column.nullable and name not in chunk.found]
    if missing:
        raise BundleError(
            f"{file.name} has no column {', '.join(missing)}.",
            f"The table {file.table} needs {'them' if len(missing) > 1 else 'it'}; names are exact.",
        )
    either = ONE_OF.get(file.table, ())
    if either and not chunk.found.intersection(either):
        raise BundleError(
            f"{file.name} has neither a column {either[0]} nor a column {either[1]}.", "Add one."
        )
    for name, column in columns.items():
        stored = chunk.frame.schema.get(name)
        if stored is not None and not column.nullable and not fits(stored, column.dtype):
            raise BundleError(
                f"The column {name} of {file.name} has the type {stored}, which cannot be read as {column.dtype}.",
                "Export it as another type.",
            )


def validate(file: BundleFile, chunk: Chunk) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Type and check the records of a chunk.

    Returns:
        The rows that keep the contract, with the columns of their table's schema in
        `graphsvc.intake.schemas`; and the dead letters of all others (schema `DEAD_LETTERS`).
        Together they are as many as the chunk has records.
    """
    schema = SCHEMAS[file.table]
    good, failure = schema.filter(_typed(file.table, chunk))
    broken = letters(file.table, file.name, chunk.malformed, "malformed_row")
    if len(failure) == 0:
        return good, broken
    faults = _faults(file.table, failure.details())
    return good, pl.concat([broken, _described(file, faults, chunk)]).sort("row")


def _typed(table: str, chunk: Chunk) -> pl.DataFrame:
    """All columns of the table, typed; `fault` lists the values that could not be read."""
    columns: list[pl.Series] = [chunk.rows.alias("row")]
    faults: list[pl.Expr] = []
    for name, column in columns_of(table).items():
        if name not in chunk.frame.columns:
            columns.append(pl.repeat(None, chunk.frame.height, dtype=column.dtype, eager=True).alias(name))
            continue
        values, unreadable = typed(chunk.frame[name], column.dtype, (column.metadata or {}).get("form"))
        columns.append(values.alias(name))
        if unreadable is not None:
            faults.append(pl.lit(f"{name}:") + pl.lit(unreadable))
    fault = pl.concat_str(faults, separator=" ", ignore_nulls=True) if faults else pl.lit(None, pl.String)
    frame = pl.DataFrame(columns).with_columns(fault=fault)
    # Joining no faults yields an empty text.
    return frame.with_columns(pl.col("fault").replace("", None))


def _faults(table: str, details: pl.DataFrame) -> pl.DataFrame:
    """First fault (`column`, `reason`) and further faults (`also`) of each `row` that has any."""
    columns = list(columns_of(table))
    unreadable = details.select("row", "fault").drop_nulls().with_columns(pl.col("fault").str.split(" "))
    parts = pl.col("fault").str.splitn(":", 2).struct
    found = [
        unreadable.explode("fault").select(
            "row", column=parts.field("field_0"), reason=parts.field("field_1")
        )
    ]
    for name in details.columns[len(SCHEMAS[table].column_names()) :]:
        column, reason = _parts_of(name)
        if column in columns:
            broken = details.filter(pl.col(name) == "invalid")
            found.append(broken.select("row", column=pl.lit(column), reason=pl.lit(reason)))
    place = pl.col("column").replace_strict(columns, range(len(columns)), return_dtype=pl.Int64)
    # A card number comes first whatever else is wrong; within a column the first fault explains the rest.
    ranked = pl.concat(found).sort(
        "row", pl.col("reason") != _CARD, place, maintain_order=True
    ).unique(["row", "column"], keep="first", maintain_order=True)  # fmt: skip
    fault = pl.col("column") + ":" + pl.col("reason")
    return ranked.group_by("row", maintain_order=True).agg(
        pl.col("column").first(), pl.col("reason").first(), also=fault.slice(1).str.join(" ").replace("", None)
    )  # fmt: skip


def _parts_of(rule: str) -> tuple[str, str]:
    """Column and reason of a rule: `column|check__reason` of a column's, `column__reason` of a row's."""
    column, bar, reason = rule.partition("|")
    if not bar:
        column, _, reason = rule.partition("__")
    reason = reason.removeprefix("check__")
    return column, _REASONS.get(reason, reason)


def _described(file: BundleFile, faults: pl.DataFrame, chunk: Chunk) -> pl.DataFrame:
    """Dead letters of faults, with the shape of the value at fault."""
    raw = chunk.frame.with_columns(chunk.rows.alias("row")).join(
        faults, on="row", how="semi", maintain_order="left"
    )  # fmt: skip
    shape = pl.Series([None] * faults.height, dtype=pl.String)
    for column, reason in faults.select("column", "reason").unique().iter_rows():
        if reason != _CARD and column in chunk.frame.columns:
            where = ((faults["column"] == column) & (faults["reason"] == reason)).arg_true()
            shape = shape.scatter(where, shapes(raw[column].gather(where)))
    return faults.select(
        pl.lit(file.table).alias("table"), pl.lit(file.name).alias("file"), "row", "column", "reason",
        shape.alias("shape"), "also",
    )  # fmt: skip
