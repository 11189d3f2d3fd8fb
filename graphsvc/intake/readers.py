"""From files to chunks of raw columns. A broken record costs the record, a broken file the load."""

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from graphsvc.errors import BundleError
from graphsvc.intake.column_map import Entry, build_missing_error, list_source_columns, rename_columns
from graphsvc.intake.dialects import (
    GZIP_MAGIC,
    Encoding,
    Header,
    check_doubled,
    find_encoding,
    match_columns,
    read_header,
)
from graphsvc.intake.files import BundleFile, open_binary
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.parquet import read_table
from graphsvc.intake.records import BLOCK, read_lines, read_records
from graphsvc.intake.streams import NOT_UTF8, MendedStream, SpacedStream

TextStream = MendedStream | SpacedStream

_ROWS = 1 << 17
"""Rows of a Parquet file that are read at once; four times as many of a `book` world took 1.7 GiB until they were
spooled."""
_HEAD = 1 << 22
"""Bytes by which encoding and form of a file are told; the header of a CSV file must end in them."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a file, as raw columns (n rows).

    - `rows`: their 1-based numbers within the file (Int64).
    - `malformed`: the numbers of records that could not be split into fields.
    - `share`: the part of the file read so far.
    - `found`: all columns of the file.
    - `notes`: how the file was read, in words.
    - `seen`: its dialect, for an error.
    - `blank`: records of only separators, which are left out.
    - `mapped`: columns that the caller's column map gave.
    """

    frame: pl.DataFrame
    rows: pl.Series
    malformed: pl.Series
    share: float
    found: frozenset[str]
    notes: tuple[str, ...] = ()
    seen: str = ""
    blank: int = field(default=0)
    mapped: frozenset[str] = frozenset()


def read_chunks(
    file: BundleFile, columns: Sequence[str], options: ReadOptions | None = None
) -> Iterator[Chunk]:
    """Yield the records of a file, in order, in chunks of bounded size; at least one chunk.

    Args:
        file: the file.
        columns: those to read. `Chunk.found` holds all that the file has. In JSON these are the columns of
            any record so far; unknown ones must be in one of the first hundred.
        options: what the caller says of the file; None: nothing.

    Raises:
        BundleError: the file cannot be read or is damaged; names the file, never its content.
    """
    options = options or ReadOptions()
    try:
        entries = options.names.list_entries(file.table, columns)
        names = list_source_columns(columns, entries)
        if file.rows is not None:
            chunks = _read_rows(file, names, file.rows())
        elif file.suffix == ".parquet":
            chunks = _read_parquet(file, names)
        else:
            chunks = _read_text(file, names, options)
        for chunk in chunks:
            yield _map_columns(file, _add_folder_columns(file, chunk, names), columns, entries)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BundleError(
            f"{file.name} is damaged: its compressed content is broken or cut off.", "Export it again."
        ) from None
    except (pa.ArrowException, pl.exceptions.PolarsError, csv.Error) as error:
        raise _build_damage_error(file, error) from None
    except OSError as error:
        if error.strerror is None:  # of a library, which may quote content
            raise _build_damage_error(file, error) from None
        raise BundleError(
            f"{file.name} cannot be read: {error.strerror}.", "Check the file and its rights."
        ) from None


def _build_damage_error(file: BundleFile, error: Exception) -> BundleError:
    if "straddling" in str(error):
        return BundleError(
            f"{file.name} has a record longer than {BLOCK >> 20} MiB; most likely a quote is never closed.",
            "Correct the record, or export the table as Parquet.",
        )
    form = file.suffix.removesuffix(".gz").removeprefix(".")
    return BundleError(f"{file.name} is not a readable {form} file.", "Export it again.")


def _add_folder_columns(file: BundleFile, chunk: Chunk, columns: Sequence[str]) -> Chunk:
    """Return a chunk with the columns that folder names give. The file's own columns win."""
    if not file.fixed:
        return chunk
    places = match_columns([name for name, _ in file.fixed], columns, file.table)
    said = {name: file.fixed[place][1] for place, name in places.items() if name not in chunk.found}
    others = {name for place, (name, _) in enumerate(file.fixed) if place not in places}
    frame = chunk.frame.with_columns(pl.lit(value, pl.String).alias(name) for name, value in said.items())
    return replace(chunk, frame=frame, found=chunk.found | set(said) | others)


def _map_columns(file: BundleFile, chunk: Chunk, columns: Sequence[str], entries: Sequence[Entry]) -> Chunk:
    """Return a chunk whose columns have the names of the contract.

    Raises:
        BundleError: a column is missing that an entry for this table names. In JSON it may still come.
    """
    if not entries:
        return chunk
    for entry in entries:
        if entry.table is not None and entry.theirs not in chunk.found and not file.is_json:
            raise build_missing_error(file.name, entry, chunk.found)
    frame, found, mapped = rename_columns(chunk.frame, chunk.found, columns, entries)
    said = [f"{entry.ours} from {entry.theirs!r}, as mapped" for entry in entries if entry.ours in mapped]
    return replace(chunk, frame=frame, found=found, mapped=mapped, notes=(*chunk.notes, *said))


def _read_parquet(file: BundleFile, columns: Sequence[str]) -> Iterator[Chunk]:
    with open_binary(file.path) as raw, pa_parquet.ParquetFile(raw) as source:
        # Only these columns are read from the file.
        schema = source.schema_arrow
        wanted = [schema.names[place] for place in match_columns(schema.names, columns, file.table)]
        batches = source.iter_batches(batch_size=_ROWS, columns=wanted)
        tables = (pa.Table.from_batches([batch]) for batch in batches)
        yield from _read_tables(file, columns, schema, tables, source.metadata.num_rows)


def _read_rows(file: BundleFile, columns: Sequence[str], rows: Iterator[pa.Table]) -> Iterator[Chunk]:
    first = next(rows)
    yield from _read_tables(file, columns, first.schema, itertools.chain([first], rows), None)


def _read_tables(
    file: BundleFile, columns: Sequence[str], schema: pa.Schema, tables: Iterable[pa.Table], total: int | None
) -> Iterator[Chunk]:
    """Yield Arrow tables as chunks; `total` None: their rows are not known before the last."""
    matched = match_columns(schema.names, columns, file.table)
    check_doubled(file, matched)
    wanted = {schema.names[place]: name for place, name in matched.items()}
    renamed = [f"{there!r} as {name}" for there, name in wanted.items() if there != name]
    notes = (f"column {', '.join(renamed)}",) if renamed else ()
    found = frozenset(
        {*wanted.values(), *schema.names} - {there for there in wanted if there != wanted[there]}
    )
    empty = read_table(file, schema.empty_table(), wanted)
    # An empty chunk first, so that a file without rows still shows its columns and notes.
    yield replace(_build_whole_chunk(empty, 0, 0.0, found), notes=notes)
    done = 0
    for table in tables:
        frame = read_table(file, table, wanted)
        after = done + table.num_rows
        yield _build_whole_chunk(frame, done, after / total if total else 1.0, found)
        done = after


def _build_whole_chunk(frame: pl.DataFrame, before: int, share: float, found: frozenset[str]) -> Chunk:
    rows = pl.int_range(before + 1, before + frame.height + 1, dtype=pl.Int64, eager=True)
    return Chunk(frame, rows, pl.Series(dtype=pl.Int64), share, found)


def _read_text(file: BundleFile, columns: Sequence[str], options: ReadOptions) -> Iterator[Chunk]:
    with open_binary(file.path) as raw:
        # By content: names lie about compression.
        compressed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        head = (gzip.GzipFile(fileobj=raw) if compressed else raw).read(_HEAD)
        raw.seek(0)
        encoding = find_encoding(head, options)
        stream = MendedStream(raw, compressed=compressed, size=file.size, encoding=encoding.codec)
        notes: tuple[str, ...] = (encoding.note,) if encoding.note else ()
        if compressed != file.suffix.endswith(".gz"):
            notes += (("compressed" if compressed else "not compressed") + ", other than its name says",)
        if not file.is_json:
            yield from _read_csv(file, stream, columns, options, notes, encoding)
            return
        records = (
            read_lines(file, stream) if file.suffix.startswith(".ndjson") else read_records(file, stream)
        )
        for found in records.read_frames(file.table, columns):
            yield Chunk(*found, share=stream.share, found=records.found, notes=notes)


def _read_csv(
    file: BundleFile, stream: MendedStream, columns: Sequence[str], options: ReadOptions, notes: tuple[str, ...],
    encoding: Encoding,
) -> Iterator[Chunk]:  # fmt: skip
    start = stream.peek(_HEAD).decode(errors="ignore")
    if "\0" in start and not start.strip("\ufeff\r\n \t\0"):
        # A file system that lost power, or a download that set room aside and broke off, leaves such a file.
        raise BundleError(
            f"{file.name} holds zero bytes and nothing else; it is damaged.", "Export it again."
        )
    if not start.strip("\ufeff\r\n \t"):
        if file.table == "accounts":
            raise BundleError(
                f"{file.name} is empty; it has not even a header with account_id and created_at.",
                "Export it again.",
            )
        empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.Binary))
        yield replace(
            _build_whole_chunk(empty, 0, 1.0, frozenset(columns)), notes=("empty: no row and no header",)
        )
        return
    header = read_header(file, start, columns, options)
    # In bytes of UTF-8, which the stream always gives.
    stream.skip(len(start[: header.skip].encode()))
    wanted = [name for name in columns if name in header.names]
    seen = f"{header.seen}, in {encoding.codec.upper()}"
    nothing = _build_whole_chunk(pl.DataFrame(schema=dict.fromkeys(wanted, pl.Binary)), 0, 0.0, header.found)
    yield replace(nothing, notes=(*notes, *header.notes), seen=seen)
    source = SpacedStream(stream, header.delimiter) if header.spaced else stream
    for chunk in _read_csv_records(source, header, wanted):
        yield replace(chunk, share=stream.share)


def _read_csv_records(stream: TextStream, header: Header, wanted: list[str]) -> Iterator[Chunk]:
    malformed: list[int] = []
    mended: dict[int, list[str]] = {}

    # Arrow calls this from its parser, ahead of the batch that the record belongs to.
    def skip_record(record: pa_csv.InvalidRow) -> str:
        malformed.append(record.number)
        fields = _drop_surplus(record, header.delimiter)
        if fields is not None:
            mended[record.number] = fields
        return "skip"

    batches = pa_csv.open_csv(
        pa.PythonFile(stream, mode="r"),
        # Records are numbered only when one thread reads.
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=list(header.names)),
        parse_options=pa_csv.ParseOptions(
            delimiter=header.delimiter,
            newlines_in_values=True,
            invalid_row_handler=skip_record,
            escape_char="\\" if header.escaped else False,
        ),
        convert_options=pa_csv.ConvertOptions(
            include_columns=wanted,
            # As bytes, since one value that is not UTF-8 would break the file.
            column_types={name: pa.binary() for name in wanted},
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    last = 0
    for batch in batches:
        broken, malformed[:] = np.array(malformed, dtype=np.int64), []
        numbers = np.arange(last + 1, last + 1 + batch.num_rows + len(broken), dtype=np.int64)
        rows = np.setdiff1d(numbers, broken, assume_unique=True)[: batch.num_rows]
        # Records are taken apart ahead of the batches: those behind this one belong to a later one.
        last = int(rows[-1]) if len(rows) else last
        malformed[:0] = broken[broken > last].tolist()
        broken = broken[broken <= last]
        frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        yield _build_chunk(stream, header, wanted, frame, pl.Series(rows), broken.tolist(), mended)
    nothing = pl.DataFrame(schema=dict.fromkeys(wanted, pl.Binary))
    yield _build_chunk(stream, header, wanted, nothing, pl.Series(dtype=pl.Int64), malformed, mended)


def _build_chunk(
    stream: TextStream, header: Header, wanted: list[str], frame: pl.DataFrame, rows: pl.Series,
    broken: list[int], mended: dict[int, list[str]],
) -> Chunk:  # fmt: skip
    """Build a chunk of CSV: with mended records, without blank ones."""
    more = {number: mended.pop(number) for number in broken if number in mended}
    if more:
        places = [header.names.index(name) for name in wanted]
        cells = [[fields[at].encode() or None for fields in more.values()] for at in places]
        extra = pl.DataFrame(dict(zip(wanted, cells, strict=True)), schema=dict.fromkeys(wanted, pl.Binary))
        frame = pl.concat([frame, extra])
        rows = pl.concat([rows, pl.Series(list(more), dtype=pl.Int64)])
    if stream.mended:
        # Only where bytes were replaced: it goes through Python value by value.
        frame = pl.DataFrame([_restore_bytes(column) for column in frame])
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if blank.any():
        frame, rows = frame.filter(~blank), rows.filter(~blank)
    rejected = pl.Series([number for number in broken if number not in more], dtype=pl.Int64)
    return Chunk(frame, rows, rejected, 0.0, header.found, blank=int(blank.sum()))


def _drop_surplus(record: pa_csv.InvalidRow, delimiter: str) -> list[str] | None:
    """Return the fields of a record that is too long only by empty fields, else None."""
    if record.text is None or record.actual_columns < record.expected_columns:
        return None
    try:
        fields = next(csv.reader(io.StringIO(record.text, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return None
    surplus = fields[record.expected_columns :]
    return fields[: record.expected_columns] if surplus and not "".join(surplus).strip() else None


def _restore_bytes(column: pl.Series) -> pl.Series:
    """Restore bytes that are not UTF-8, so that the value is judged by them."""
    values = [value and value.replace(NOT_UTF8, b"\xff") for value in column]
    return pl.Series(column.name, values, dtype=pl.Binary)
