"""Columns of Parquet as frames for typing: logical types as values, text as unchecked bytes."""

from collections.abc import Mapping

import polars as pl
import pyarrow as pa
import pyarrow.compute as pa_compute

from graphsvc.errors import BundleError
from graphsvc.intake import hosts
from graphsvc.intake.files import BundleFile

ADDRESS_COLUMNS = frozenset({"ip", "signup_ip"})
_UUID_BYTES = 16


def read_table(file: BundleFile, table: pa.Table, wanted: Mapping[str, str]) -> pl.DataFrame:
    """Return the columns `wanted` (name in the file: name in the contract) of an Arrow table.

    Raises:
        BundleError: a column has a type that this process cannot hold; names it.
    """
    columns = {}
    for there, name in wanted.items():
        column = table.column(there)
        try:
            columns[name] = _read_column(column, name)
        except (pa.ArrowException, pl.exceptions.PolarsError, NotImplementedError):
            raise BundleError(
                f"The column {there} of {file.name} has the type {column.type}, which cannot be read.",
                "Export it as text.",
            ) from None
    return pl.DataFrame(columns)


def _read_column(column: pa.ChunkedArray, name: str) -> pl.Series:  # noqa: PLR0911 - one return a kind of type
    is_uuid = False
    if isinstance(column.type, pa.BaseExtensionType):
        is_uuid = column.type.extension_name == "arrow.uuid"
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    stored = column.type
    if pa.types.is_string(stored) or pa.types.is_large_string(stored):
        # Writers do not always check that text is UTF-8. As bytes, a bad value costs its row, not the file.
        return _convert_arrow(column.cast(pa.large_binary()), name)
    if pa.types.is_string_view(stored):
        return _convert_arrow(column.cast(pa.binary_view()), name)
    if pa.types.is_timestamp(stored) and stored.tz is not None:
        # Only the name of the zone changes; Polars knows no fixed offsets of half an hour.
        return _convert_arrow(column.cast(pa.timestamp(stored.unit, "UTC")), name)
    if pa.types.is_decimal(stored):
        return _convert_arrow(column.cast(pa.large_string()), name).str.replace(r"\.0+$", "")
    if pa.types.is_float16(stored):
        return _convert_arrow(column.cast(pa.float32()), name)
    if pa.types.is_fixed_size_binary(stored):
        values = _convert_arrow(column.cast(pa.large_binary()), name)
        return _read_fixed(values, name, is_uuid=is_uuid)
    if _is_binary(stored) and name not in ADDRESS_COLUMNS:
        lengths = pa_compute.min_max(pa_compute.binary_length(column)).as_py()
        if lengths == {"min": _UUID_BYTES, "max": _UUID_BYTES}:
            return _read_fixed(_convert_arrow(column, name), name, is_uuid=False)
    return _convert_arrow(column, name)


def _is_binary(stored: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(stored) or pa.types.is_large_binary(stored) or pa.types.is_binary_view(stored)
    )


def _convert_arrow(column: pa.ChunkedArray, name: str) -> pl.Series:
    return pl.Series(name, pl.from_arrow(column))


def _read_fixed(values: pl.Series, name: str, *, is_uuid: bool) -> pl.Series:
    """Return values of a fixed number of bytes: addresses, UUIDs, text filled up with zeros, else hexadecimal."""
    if name in ADDRESS_COLUMNS and not is_uuid:
        found = hosts.read_packed(values)
        if found.null_count() == values.null_count():
            return found
    if not is_uuid:
        text = _decode_text(values)
        if text is not None:
            return text
    digits = values.bin.encode("hex")
    if not (digits.drop_nulls().str.len_bytes() == 2 * _UUID_BYTES).all():
        return digits
    parts = [digits.str.slice(at, length) for at, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    first, *rest = parts
    for part in rest:
        first = first + "-" + part
    return first.alias(name)


def _decode_text(values: pl.Series) -> pl.Series | None:
    """Return bytes as text without the zeros that fill them up, or None if any of them is no text."""
    try:
        text = values.cast(pl.String)
    except pl.exceptions.ComputeError:
        return None
    text = text.str.strip_chars_end("\0")
    return None if text.str.contains(r"[\x00-\x08\x0E-\x1F]").any() else text
