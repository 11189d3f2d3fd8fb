"""Rejected rows, with masked shapes instead of values, and the file that keeps them."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from graphsvc.files import open_draft
from graphsvc.model.columns import DEAD_LETTERS

_LONGEST_SHAPE = 40


def mask_values(values: pl.Series) -> pl.Series:
    """Mask values: letters as `a`, digits as `9`, the rest unchanged, 40 characters."""
    if isinstance(values.dtype, pl.Binary):
        values = pl.Series([v and v.decode(errors="replace") for v in values], dtype=pl.String)
    elif values.dtype.is_nested() or isinstance(values.dtype, pl.Object):
        return pl.Series([None] * len(values), dtype=pl.String)
    text = values.cast(pl.String).str.slice(0, _LONGEST_SHAPE)
    masked = text.str.replace_all(r"[\p{L}\p{M}]", "a").str.replace_all(r"\p{N}", "9")
    return masked.str.replace_all(r"[\p{C}\p{Z}]", " ")


def build_dead_letters(
    table: str, file: pl.Series | str, rows: pl.Series, reason: str, column: str | None = None,
    values: pl.Series | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Build dead letters (schema `DEAD_LETTERS`) of rows that all have one fault."""
    return pl.DataFrame(
        {
            "table": pl.repeat(table, len(rows), dtype=pl.String, eager=True),
            "file": pl.repeat(file, len(rows), dtype=pl.String, eager=True)
            if isinstance(file, str)
            else file,
            "row": rows,
            "column": pl.repeat(column, len(rows), dtype=pl.String, eager=True),
            "reason": pl.repeat(reason, len(rows), dtype=pl.String, eager=True),
            "shape": None if values is None else mask_values(values),
            "also": None,
        },
        schema=DEAD_LETTERS,
    )


def write_dead_letters(frames: Iterable[pl.DataFrame], path: Path) -> None:
    """Write dead letters as NDJSON, one object a row; mode 0600, whole or not at all.

    Args:
        frames: schema `DEAD_LETTERS`.
        path: the file; one that exists is replaced.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_draft(path) as file:
        for frame in frames:
            frame.write_ndjson(file)
