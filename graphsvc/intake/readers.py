"""Files to chunks of raw columns. A broken record costs the record, a broken file the load."""

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from numpy.typing import NDArray

from graphsvc.errors import BundleError
from graphsvc.intake.files import BundleFile
from graphsvc.intake.streams import NOT_UTF8, MendedStream, Stream

Flags = NDArray[np.bool_]

_BLOCK = 32 << 20  # bytes of text read at once; no single record may be longer
_ROWS = 1 << 19  # rows of a Parquet file read at once
_HEADER = 1 << 20  # bytes in which the header of a CSV file must end
_SAMPLE = 100  # lines of an NDJSON file looked through for columns nobody knows


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a file: raw columns (n rows), their 1-based numbers within the file (Int64),
    the numbers of records that could not be taken apart, and the share of the file read so far."""

    frame: pl.DataFrame
    rows: pl.Series
    malformed: pl.Series
    share: float
    found: frozenset[str]


def read(file: BundleFile, columns: Sequence[str]) -> Iterator[Chunk]:
    """The records of a file, in order, in chunks of bounded size; at least one chunk.

    Args:
        columns: those to read; `Chunk.found` holds all that the file has (for NDJSON: that any
            record so far has, of unknown ones that one of the first hundred has).

    Raises:
        BundleError: the file cannot be read or is damaged; names the file, never its content.
    """
    try:
        if file.suffix == ".parquet":
            yield from _parquet(file, columns)
            return
        with file.path.open("rb") as raw:
            compressed = file.suffix.endswith(".gz")
            if file.suffix.startswith(".csv"):
                yield from _csv(file, MendedStream(raw, compressed=compressed, size=file.size), columns)
            else:
                yield from _ndjson(Stream(raw, compressed=compressed, size=file.size), columns)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BundleError(
            f"{file.name} is damaged: its compressed content is broken or cut off.", "Export it again."
        ) from None
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise _damaged(file, error) from None
    except OSError as error:
        if error.strerror is None:  # of a library, which may quote content
            raise _damaged(file, error) from None
        raise BundleError(
            f"{file.name} cannot be read: {error.strerror}.", "Check the file and its rights."
        ) from None


def _damaged(file: BundleFile, error: Exception) -> BundleError:
    if "straddling" in str(error):
        return BundleError(
            f"{file.name} has a record longer than {_BLOCK >> 20} MiB; most likely a quote is never closed.",
            "Correct the record, or export the table as Parquet.",
        )
    form = file.suffix.removesuffix(".gz").removeprefix(".")
    return BundleError(f"{file.name} is not a readable {form} file.", "Export it again.")


def _parquet(file: BundleFile, columns: Sequence[str]) -> Iterator[Chunk]:
    with pa_parquet.ParquetFile(file.path) as source:
        schema = source.schema_arrow
        found = frozenset(schema.names)
        wanted = [name for name in columns if name in found]
        yield _whole_chunk(_frame(schema.empty_table().select(wanted)), 0, 0.0, found)
        done, total = 0, source.metadata.num_rows
        for batch in source.iter_batches(batch_size=_ROWS, columns=wanted):
            frame = _frame(pa.Table.from_batches([batch]))
            yield _whole_chunk(frame, done, (done + batch.num_rows) / total, found)
            done += batch.num_rows


def _frame(table: pa.Table) -> pl.DataFrame:
    """An Arrow table as a frame; text comes as bytes, because nobody has checked that it is UTF-8."""
    columns = {}
    for field in table.schema:
        column = table.column(field.name)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = column.cast(pa.large_binary())
        elif pa.types.is_string_view(column.type):
            column = column.cast(pa.binary_view())
        columns[field.name] = column
    return pl.DataFrame({name: pl.Series(name, pl.from_arrow(column)) for name, column in columns.items()})


def _whole_chunk(frame: pl.DataFrame, before: int, share: float, found: frozenset[str]) -> Chunk:
    rows = pl.int_range(before + 1, before + frame.height + 1, dtype=pl.Int64, eager=True)
    return Chunk(frame, rows, pl.Series(dtype=pl.Int64), share, found)


def _csv(file: BundleFile, stream: MendedStream, columns: Sequence[str]) -> Iterator[Chunk]:
    found = _header(file, stream)
    wanted = [name for name in columns if name in found]
    yield _whole_chunk(pl.DataFrame(schema=dict.fromkeys(wanted, pl.Binary)), 0, 0.0, found)
    malformed: list[int] = []

    def skip(record: pa_csv.InvalidRow) -> str:
        malformed.append(record.number - 1)  # the header is the first
        return "skip"

    batches = pa_csv.open_csv(
        pa.PythonFile(stream, mode="r"),
        # Records are numbered only when one thread reads.
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
        convert_options=pa_csv.ConvertOptions(
            include_columns=wanted,
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
        frame = _frame(pa.Table.from_batches([batch]))
        if stream.mended:
            frame = pl.DataFrame([_unmended(column) for column in frame])
        yield Chunk(frame, pl.Series(rows), pl.Series(broken), stream.share, found)
    nothing = _frame(pa.Table.from_batches([], batches.schema))
    yield Chunk(nothing, pl.Series(dtype=pl.Int64), pl.Series(malformed, dtype=pl.Int64), 1.0, found)


def _unmended(column: pl.Series) -> pl.Series:
    """Bytes that were not UTF-8 are so again, so that the value is judged by them."""
    values = [value and value.replace(NOT_UTF8, b"\xff") for value in column]
    return pl.Series(column.name, values, dtype=pl.Binary)


def _header(file: BundleFile, stream: Stream) -> frozenset[str]:
    start = stream.peek(_HEADER).decode("utf-8-sig", errors="replace")
    names = next((row for row in csv.reader(io.StringIO(start, newline="")) if row), [])
    if len(set(names)) < len(names):
        raise BundleError(f"{file.name} has two columns of one name.", "Name each column once.")
    return frozenset(names)


def _ndjson(stream: Stream, columns: Sequence[str]) -> Iterator[Chunk]:
    schema = dict.fromkeys(columns, pl.String)
    found: set[str] = set()
    before, tail = 0, b""
    while block := stream.read(_BLOCK):
        text = tail + block
        if before == 0:
            text = text.removeprefix(codecs.BOM_UTF8)
        *lines, tail = text.split(b"\n")
        given = np.array([bool(line.strip()) for line in lines], dtype=np.bool_)
        numbers = before + 1 + np.flatnonzero(given)
        if not given.all():
            lines = [line for line in lines if line.strip()]
        if before == 0:
            found |= _keys(lines[:_SAMPLE])
        found.update(name for name in columns if name not in found and f'"{name}"'.encode() in text)
        before += len(given)
        frames, good = _objects(lines, schema)
        yield Chunk(
            pl.concat([pl.DataFrame(schema=schema), *frames]),
            pl.Series(numbers[good], dtype=pl.Int64),
            pl.Series(numbers[~good], dtype=pl.Int64),
            stream.share,
            frozenset(found),
        )


def _keys(lines: Sequence[bytes]) -> set[str]:
    keys: set[str] = set()
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            keys.update(record)
    return keys


def _objects(lines: Sequence[bytes], schema: dict[str, type[pl.String]]) -> tuple[list[pl.DataFrame], Flags]:
    """The records of some lines and which lines hold one. Where a line is broken, halves are tried,
    and their halves: a few broken lines among very many cost little, and one parser judges all."""
    if not lines:
        return [], np.zeros(0, dtype=np.bool_)
    try:
        frame = pl.read_ndjson(b"\n".join(lines), schema=schema)
        if frame.height == len(lines):
            return [frame], np.ones(len(lines), dtype=np.bool_)
    except pl.exceptions.PolarsError:
        pass
    if len(lines) == 1:
        return [], np.zeros(1, dtype=np.bool_)
    half = len(lines) // 2
    first, first_good = _objects(lines[:half], schema)
    second, second_good = _objects(lines[half:], schema)
    return first + second, np.concatenate([first_good, second_good])
