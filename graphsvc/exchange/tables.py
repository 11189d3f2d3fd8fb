"""Tables as files, written atomically."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl

from graphsvc.errors import ExportError
from graphsvc.files import open_draft

NESTED = (pl.List, pl.Struct)
TEXT = (pl.String, pl.Categorical, pl.Enum)
_TIME = "%Y-%m-%dT%H:%M:%S%.3fZ"
_EXECUTED = r"^[=+\-@\t\r\n\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}]"
"""How a cell begins that a spreadsheet executes (OWASP, "CSV Injection"; the last four are full-width)."""


def check_format(path: Path, formats: tuple[str, ...]) -> None:
    """Raise ExportError unless the file's ending is one of `formats` and its directory exists."""
    if path.suffix not in formats:
        raise ExportError(f"{path.name} is of no format this table has.", f"Use one of {', '.join(formats)}.")
    if not path.resolve().parent.is_dir():
        raise ExportError(f"The directory of {path} does not exist.", "Create it, or write elsewhere.")


def write_table(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Write a table in the format of the file's ending, and return it. The same table gives the same bytes.

    Raises:
        ExportError: the file cannot be written.
    """
    with _open_draft(path) as file:
        _write_frame(frame, path.suffix, file)
    return frame


def write_bytes(content: bytes, path: Path) -> None:
    """Write bytes atomically. Raise as `write_table`."""
    with _open_draft(path) as file:
        file.write(content)


def encode_csv(frame: pl.DataFrame) -> bytes:
    """Return a table as CSV. All exports as CSV use this function.

    Times are ISO 8601 in UTC, nested columns JSON. A text that a spreadsheet would execute gets an
    apostrophe.

    Args:
        frame: any table.
    """
    nested = [
        pl.Series(name, [json.dumps(value) for value in frame[name].to_list()], dtype=pl.String)
        for name, kind in frame.schema.items()
        if isinstance(kind, NESTED)
    ]
    texts = [
        pl.when(pl.col(name).cast(pl.String).str.contains(_EXECUTED))
        .then("'" + pl.col(name).cast(pl.String))
        .otherwise(pl.col(name).cast(pl.String))
        .alias(name)
        for name, kind in frame.schema.items()
        if isinstance(kind, TEXT)
    ]
    out = io.BytesIO()
    frame.with_columns(nested).with_columns(texts).write_csv(out, datetime_format=_TIME)
    return out.getvalue()


@contextmanager
def _open_draft(path: Path) -> Iterator[IO[bytes]]:
    try:
        with open_draft(path) as file:
            yield file
    except OSError as error:
        raise ExportError(f"{path} cannot be written ({error.strerror}).", "Write elsewhere.") from None


def _write_frame(frame: pl.DataFrame, suffix: str, file: IO[bytes]) -> None:
    if suffix == ".parquet":
        frame.write_parquet(file, compression="zstd", statistics=True)
    elif suffix == ".csv":
        file.write(encode_csv(frame))
    else:
        rows = frame.with_columns(pl.col(pl.Datetime).dt.strftime(_TIME)).to_dicts()
        file.write(json.dumps(rows, indent=1).encode())
