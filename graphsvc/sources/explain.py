"""Explain what of a source would be read as what, on a sample of its rows. Nothing is loaded, no value is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import dataframely as dy
import polars as pl

from graphsvc.intake.column_map import ColumnMap
from graphsvc.intake.dead_letters import mask_values
from graphsvc.intake.files import BundleFile, BundleFiles
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.readers import read_chunks
from graphsvc.intake.schemas import ONE_OF, SCHEMAS, are_card_numbers, list_columns
from graphsvc.intake.values import mask_personal, read_values
from graphsvc.sources.guess import Confidence, Guess, guess_columns, list_names, measure_likeness
from graphsvc.sources.mapping import format_map

SAMPLE = 1_000
"""Rows of a table that are looked at: enough to tell a form, and read in a moment."""
SHOWN = 5
_TABLE_NAMES: dict[str, tuple[str, ...]] = {
    "accounts": ("users", "customers", "members", "signups", "registrations", "profiles"),
    "payments": ("payment_methods", "cards", "instruments", "charges", "billing"),
    "sessions": ("logins", "session_log", "devices", "access_log"),
    "prompts": ("messages", "completions", "conversations", "requests"),
    "activity": ("usage", "traffic", "hourly_usage"),
    "networks": ("asns", "ip_ranges", "ranges"),
    "identifiers": ("ids", "other_ids", "attributes"),
    "outcomes": ("enforcement", "bans", "appeals", "chargebacks", "enforcement_actions"),
}
"""Names that exports use for tables of the contract."""
_LEAST = 0.8  # likeness of a table's name from which it is taken for one
_CARD = "refused"
"""Stands for what looks like a card number. Not even its length is shown."""


@dataclass(frozen=True, slots=True)
class ColumnReading:
    """A column of the contract, and what of the source would be read as it.

    `theirs` None: the source has none. `asked`: what it is mapped to and the source does not have. `guess`: what it was
    most likely meant as, which nothing reads before it is mapped. `empty`, `unreadable`: shares of the sample, 0–1.
    """

    name: str
    required: bool
    theirs: str | None = None
    confidence: Confidence | None = None
    guess: Guess | None = None
    asked: str | None = None
    empty: float = 0.0
    unreadable: float = 0.0


@dataclass(frozen=True, slots=True)
class TableReading:
    """A table of a source: what it is read as, its columns, those that are ignored, and masked rows.

    `stem` is what a mapping calls it.

    `table` None: nothing reads it; `guess` says what it may be.
    """

    source: str
    stem: str
    table: str | None
    guess: str | None
    rows: int
    columns: tuple[ColumnReading, ...]
    ignored: tuple[str, ...]
    masked: pl.DataFrame

    @property
    def missing(self) -> list[str]:
        """Return the required columns that the source does not have under a known name."""
        lacking = [each.name for each in self.columns if each.required and each.theirs is None]
        either = ONE_OF.get(self.table or self.guess or "", ())
        if either and not any(each.theirs for each in self.columns if each.name in either):
            lacking.append(" or ".join(either))
        return lacking


def explain_files(files: BundleFiles, options: ReadOptions) -> list[TableReading]:
    """Explain the tables of a bundle by the first file of each, and the files that no table is named like.

    Args:
        files: of the bundle.
        options: how they are written, and what columns are called.

    Raises:
        BundleError, SourceError: one cannot be read.
    """
    readings = [_explain_part(parts[0], options, frozenset()) for parts in files.tables.values()]
    first = {part.table: part for part in reversed(files.others)}
    for part in (first[name] for name in sorted(first)):
        # Two files are not guessed to be one table: a mapping names one file for each.
        taken = frozenset(each.table or each.guess or "" for each in readings)
        readings.append(_explain_part(part, options, taken))
    return readings


def _explain_part(part: BundleFile, options: ReadOptions, taken_tables: frozenset[str]) -> TableReading:
    # Without the map first, so that a name in it that is not there shows as missing, and is no error.
    plain = replace(options, names=ColumnMap())
    sample = read_sample(part, plain)
    known = part.table if part.table in SCHEMAS else None
    guess = None if known else _guess_table(part, sample)
    guess = None if guess in taken_tables else guess
    stem = part.table if part.rows else part.name.partition("/")[0].partition(".")[0]
    table = known or guess
    if table is None:
        return TableReading(
            part.name, stem, None, None, sample.height, (), _mask_names(sample.columns), _mask_rows(sample)
        )
    contract = list_columns(table)
    own = {name.strip().lower().removeprefix(f"{table}."): name for name in sample.columns}
    mapped = {entry.ours: entry for entry in options.names.list_entries(table, list(contract))}
    chosen: dict[str, tuple[str, Confidence]] = {}
    for name in contract:
        entry = mapped.get(name)
        if entry is not None and (theirs := own.get(entry.theirs.lower())) is not None:
            chosen[name] = (theirs, Confidence.MAPPED)
        elif name in own and (entry is None or entry.table is None):
            chosen[name] = (own[name], Confidence.EXACT)
    taken = {theirs for theirs, _ in chosen.values()}
    rest = [name for name in sample.columns if name not in taken]
    guesses = guess_columns(contract, [name for name in contract if name not in chosen], sample.select(rest))
    columns = tuple(
        _read_column(
            ColumnReading(
                name,
                not column.nullable,
                chosen[name][0] if name in chosen else None,
                chosen[name][1] if name in chosen else None,
                guesses.get(name),
                mapped[name].theirs if name in mapped and name not in chosen else None,
            ),
            column,
            sample,
        )
        for name, column in contract.items()
    )
    shown = {name: theirs for name, (theirs, _) in chosen.items()}
    shown |= {name: guess.theirs for name, guess in guesses.items()}
    rows = sample.select(pl.col(theirs).alias(name) for name, theirs in shown.items())
    return TableReading(
        part.name, stem, known, guess, sample.height, columns, _mask_names(rest), _mask_rows(rows)
    )


def read_sample(part: BundleFile, options: ReadOptions) -> pl.DataFrame:
    """Read the first rows of a file, with all its columns under their own names."""
    names = list_columns(part.table) if part.table in SCHEMAS else _list_all_columns()
    # The first chunk tells which columns there are; then all of them are read.
    found = sorted(next(iter(read_chunks(part, list(names), options))).found)
    rows, count = [], 0
    for chunk in read_chunks(part, found, options):
        rows.append(chunk.frame.head(SAMPLE - count))
        count += rows[-1].height
        if count >= SAMPLE:
            break
    return pl.concat(rows, how="diagonal_relaxed")


def _list_all_columns() -> dict[str, None]:
    return {name: None for table in SCHEMAS for name in list_columns(table)}


def _guess_table(part: BundleFile, sample: pl.DataFrame) -> str | None:
    """Guess which table a file is: by its name, else by the required columns that it has."""
    likeness = {table: measure_likeness(part.table, (table, *_TABLE_NAMES[table])) for table in SCHEMAS}
    best = max(likeness, key=lambda table: likeness[table])
    if likeness[best] >= _LEAST:
        return best
    fitting = []
    for table in SCHEMAS:
        required = [name for name, column in list_columns(table).items() if not column.nullable]
        near = [
            max((measure_likeness(theirs, list_names(name)) for theirs in sample.columns), default=0.0)
            for name in required
        ]
        # A table with one required column fits anything.
        if len(required) > 1 and min(near) >= _LEAST:
            fitting.append(table)
    return fitting[0] if len(fitting) == 1 else None


def _read_column(reading: ColumnReading, column: dy.Column, sample: pl.DataFrame) -> ColumnReading:
    """Add to a reading which shares of the sample are empty and unreadable."""
    theirs = reading.theirs or (reading.guess.theirs if reading.guess else None)
    if theirs is None or not sample.height:
        return reading
    typed = read_values(sample[theirs], column.dtype, (column.metadata or {}).get("form"))
    unread = 0 if typed.faults is None else len(typed.faults) - typed.faults.null_count()
    empty = typed.values.null_count() - unread
    return replace(reading, empty=empty / sample.height, unreadable=unread / sample.height)


def _mask_names(names: Sequence[str]) -> tuple[str, ...]:
    """Mask names of columns: a file without a header has its first row of data in their place."""
    return tuple(mask_personal(pl.Series(sorted(names), dtype=pl.String).str.slice(0, 64)))


def _mask_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the first rows with letters as `a` and digits as `9`; of card numbers nothing at all."""
    masked = []
    for column in rows.head(SHOWN):
        text = column
        if column.dtype == pl.Binary:
            text = pl.Series(column.name, [v and v.decode(errors="replace") for v in column], dtype=pl.String)
        shape = mask_values(text)
        if text.dtype == pl.String or text.dtype.is_integer():
            shape = shape.set(are_card_numbers(text.cast(pl.String)), _CARD)
        masked.append(shape.alias(column.name))
    return pl.DataFrame(masked)


def write_map(readings: Sequence[TableReading], source: str) -> str:
    """Return a mapping file to start from: what is recognized and guessed, with how sure it is."""
    tables = [(table, reading.stem) for reading in readings if (table := reading.table or reading.guess)]
    columns = []
    for reading in readings:
        table = reading.table or reading.guess
        if table is None:
            continue
        for each in reading.columns:
            if each.confidence is Confidence.EXACT:
                continue
            if each.theirs is not None:
                columns.append((table, each.name, each.theirs, ""))
            elif each.guess is not None:
                columns.append((table, each.name, each.guess.theirs, each.guess.confidence))
            elif each.required:
                columns.append((table, each.name, "", "required, and nothing looks like it"))
    head = (
        f"Mapping of {source}: the bundle's name of a column, then the source's. Read it through, then load with\n"
        "--mapping. sure: by name and form; likely: by name; guess: by the form of the values alone."
    )
    return format_map(tables, columns, head)
