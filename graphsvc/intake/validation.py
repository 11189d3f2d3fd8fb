"""From chunks of raw columns to typed rows that meet the contract, nulled cells, and dead letters."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

import dataframely as dy
import polars as pl

from graphsvc.errors import BundleError
from graphsvc.intake.dead_letters import build_dead_letters, mask_values
from graphsvc.intake.files import BundleFile, suggest_name
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.readers import Chunk
from graphsvc.intake.schemas import IDENTIFYING, ONE_OF, SCHEMAS, list_columns
from graphsvc.intake.times import find_date_order
from graphsvc.intake.values import is_convertible, read_values
from graphsvc.model.columns import TIME, CellReport

_REASONS = {"nullability": "missing", "max_length": "too_long"}
_CARD = "card_number"


@dataclass(slots=True)
class Reading:
    """State of a file while its chunks are read.

    - `order`: of its local dates.
    - `notes`: forms of its times, by column.
    - `cells`: those that became null, by column and reason.
    - `said`: how the file was read, each sentence once.
    - `blank`: empty records that were left out.
    """

    options: ReadOptions
    order: str | None = None
    notes: dict[str, frozenset[str]] = field(default_factory=dict)
    cells: dict[tuple[str, str], CellReport] = field(default_factory=dict)
    said: dict[str, None] = field(default_factory=dict)
    blank: int = 0


class Validated(NamedTuple):
    """Rows that meet the contract, and dead letters of the others."""

    good: pl.DataFrame
    rejected: pl.DataFrame


def check_columns(file: BundleFile, chunk: Chunk, *, some_rows: bool) -> None:
    """Check that a file can be read as its table.

    Args:
        file: the file.
        chunk: for Parquet and CSV any of the file, for JSON the last.
        some_rows: whether the file has records; a JSON file without any lacks no column.

    Raises:
        BundleError: a required column is missing or of an impossible type; names file and column.
    """
    columns = list_columns(file.table)
    if file.is_json and not some_rows:
        return
    missing = [name for name, column in columns.items() if not column.nullable and name not in chunk.found]
    if missing:
        near = [
            f'Is "{there}" {name}?'
            for name in missing
            if (there := suggest_name(name, chunk.found - set(columns)))
        ]
        seen = f" It was read {chunk.seen}." if chunk.seen else ""
        hint = " ".join(near) + (" " if near else "")
        flags = " or pass --delimiter or --encoding" if chunk.seen else ""
        raise BundleError(
            f"{file.name} has no column {', '.join(missing)}.{seen}",
            f"{hint}The table {file.table} needs {'them' if len(missing) > 1 else 'it'}: rename a column{flags}.",
        )
    either = ONE_OF.get(file.table, ())
    if either and not chunk.found.intersection(either):
        raise BundleError(
            f"{file.name} has neither a column {either[0]} nor a column {either[1]}.", "Add one."
        )
    for name, column in columns.items():
        stored = chunk.frame.schema.get(name)
        if stored is not None and not column.nullable and not is_convertible(stored, column.dtype):
            what = "objects" if stored.is_nested() else f"the type {stored}"
            raise BundleError(
                f"The column {name} of {file.name} holds {what}, which cannot be read as {column.dtype}.",
                f"Export a plain value as {name}, for example account.id AS account_id.",
            )


def validate_chunk(file: BundleFile, chunk: Chunk, reading: Reading) -> Validated:
    """Type and check the records of a chunk. `reading` takes what is found out.

    Returns:
        The rows that meet the contract, with the columns of their table's schema in
        `graphsvc.intake.schemas`; and the dead letters of all others (schema `DEAD_LETTERS`). Together they
        are as many as the chunk has records.
    """
    broken = build_dead_letters(file.table, file.name, chunk.malformed, "malformed_row")
    if chunk.frame.is_empty():  # as the first and the last chunk of a CSV file are
        return Validated(_create_empty(file.table), broken)
    good, failure = SCHEMAS[file.table].filter(_convert_columns(file, chunk, reading))
    if len(failure) == 0:
        return Validated(good, broken)
    faults = _rank_faults(file.table, failure.details())
    return Validated(good, pl.concat([broken, _build_fault_letters(file, faults, chunk)]).sort("row"))


@cache
def _create_empty(table: str) -> pl.DataFrame:
    """Return no rows of a table, with the columns of its schema."""
    return SCHEMAS[table].create_empty()


def _convert_columns(file: BundleFile, chunk: Chunk, reading: Reading) -> pl.DataFrame:
    """Return all columns of the table, typed. `fault` lists keys and times that could not be read."""
    columns: list[pl.Series] = [chunk.rows.alias("row")]
    faults: list[pl.Expr] = []
    contract = list_columns(file.table)
    order = _find_order(contract, chunk, reading)
    for name, column in contract.items():
        if name not in chunk.frame.columns:
            columns.append(pl.repeat(None, chunk.frame.height, dtype=column.dtype, eager=True).alias(name))
            continue
        form = (column.metadata or {}).get("form")
        raw = chunk.frame[name]
        values, unreadable, notes = read_values(raw, column.dtype, form, reading.options, order)
        reading.notes[name] = reading.notes.get(name, frozenset()) | notes
        if column.nullable and (file.table, name) not in IDENTIFYING:
            values, unreadable = drop_invalid(values, unreadable, column)
            _count_nulled(file, raw, unreadable, chunk, reading)
        elif unreadable is not None:
            # A null word in a required column is a value that is missing.
            faults.append(pl.lit(f"{name}:") + pl.lit(unreadable.replace("null_word", "missing")))
        columns.append(values.alias(name))
    fault = pl.concat_str(faults, separator=" ", ignore_nulls=True) if faults else pl.lit(None, pl.String)
    frame = pl.DataFrame(columns).with_columns(fault=fault)
    # Joining no faults yields an empty text.
    return frame.with_columns(pl.col("fault").replace("", None))


def _find_order(contract: Mapping[str, dy.Column], chunk: Chunk, reading: Reading) -> str | None:
    """Return the order of dates such as 05/01/2024: the one asked for, else the one that this file proves."""
    if reading.options.dates is not None:
        return reading.options.dates
    if reading.order is None:
        times = [
            name for name, column in contract.items() if column.dtype == TIME and name in chunk.frame.columns
        ]
        texts = [chunk.frame[name] for name in times if chunk.frame[name].dtype in (pl.String, pl.Binary)]
        # Only few texts begin like a local date; the rest is not decoded for it.
        begins = [text.cast(pl.Binary).bin.head(6) for text in texts]
        local = [
            t.filter(b.bin.contains(b"/") | (b.bin.size() < 6)) for t, b in zip(texts, begins, strict=True)
        ]
        reading.order = find_date_order([text.cast(pl.String, strict=False) for text in local if len(text)])
    return reading.order


def drop_invalid(
    values: pl.Series, unreadable: pl.Series | None, column: dy.Column
) -> tuple[pl.Series, pl.Series | None]:
    """Return an optional column without values that break a rule of its own, and the reasons of all that is lost."""
    rules = dict(column.check or {}) if isinstance(column.check, dict) else {}
    if isinstance(column, dy.String) and column.max_length is not None:
        longest = column.max_length
        rules["too_long"] = lambda text: text.str.len_bytes() <= longest
    if not rules or values.null_count() == len(values):
        return values, unreadable
    frame = values.to_frame("value")
    held = frame.select(
        rule(pl.col("value")).fill_null(value=True).alias(name) for name, rule in rules.items()
    )
    for name in rules:
        if held[name].all():
            continue
        reason = pl.select(pl.when(~held[name] & values.is_not_null()).then(pl.lit(name))).to_series()
        # A cell keeps the first reason that it was lost for.
        values = values.set(~held[name], None)
        unreadable = reason if unreadable is None else unreadable.zip_with(unreadable.is_not_null(), reason)
    return values, unreadable


def _count_nulled(
    file: BundleFile, raw: pl.Series, unreadable: pl.Series | None, chunk: Chunk, reading: Reading
) -> None:
    """Count the cells of an optional column that became null, by reason."""
    if unreadable is None or unreadable.null_count() == len(unreadable):
        return
    lost = pl.DataFrame({"reason": unreadable}).with_row_index("place").drop_nulls("reason")
    for reason, count, place in (
        lost.group_by("reason").agg(pl.len(), pl.col("place").min()).sort("reason").rows()
    ):
        before = reading.cells.get((raw.name, reason))
        if before is not None:
            reading.cells[raw.name, reason] = replace(before, count=before.count + count)
            continue
        # Reports show the shape of the first such value, never the value: it may be personal.
        shape = mask_values(raw.slice(place, 1)).item()
        row = int(chunk.rows[place])
        reading.cells[raw.name, reason] = CellReport(
            file.table, raw.name, reason, count, file.name, row, shape
        )


def _rank_faults(table: str, details: pl.DataFrame) -> pl.DataFrame:
    """Return the first fault (`column`, `reason`) and further faults (`also`) of each faulty `row`."""
    columns = list(list_columns(table))
    unreadable = details.select("row", "fault").drop_nulls().with_columns(pl.col("fault").str.split(" "))
    parts = pl.col("fault").str.splitn(":", 2).struct
    found = [
        unreadable.explode("fault").select(
            "row", column=parts.field("field_0"), reason=parts.field("field_1")
        )
    ]
    for name in details.columns[len(SCHEMAS[table].column_names()) :]:
        column, reason = _parse_rule(name)
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


def _parse_rule(rule: str) -> tuple[str, str]:
    """Return column and reason of a rule: `column|check__reason` for a column's, `column__reason` for a row's."""
    column, bar, reason = rule.partition("|")
    if not bar:
        column, _, reason = rule.partition("__")
    reason = reason.removeprefix("check__")
    return column, _REASONS.get(reason, reason)


def _build_fault_letters(file: BundleFile, faults: pl.DataFrame, chunk: Chunk) -> pl.DataFrame:
    """Build dead letters of faults, with the shape of the faulty value."""
    raw = chunk.frame.with_columns(chunk.rows.alias("row")).join(
        faults, on="row", how="semi", maintain_order="left"
    )  # fmt: skip
    shape = pl.Series([None] * faults.height, dtype=pl.String)
    for column, reason in faults.select("column", "reason").unique().iter_rows():
        # Even the shape of a card number would reveal that there is one, and how long it is.
        if reason != _CARD and column in chunk.frame.columns:
            where = ((faults["column"] == column) & (faults["reason"] == reason)).arg_true()
            shape = shape.scatter(where, mask_values(raw[column].gather(where)))
    return faults.select(
        pl.lit(file.table).alias("table"), pl.lit(file.name).alias("file"), "row", "column", "reason",
        shape.alias("shape"), "also",
    )  # fmt: skip
