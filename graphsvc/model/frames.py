"""Schemas of frames, from the dataclasses that their rows are."""

import types
from typing import Any, get_args

import polars as pl

from graphsvc.model.columns import Schema
from graphsvc.model.rows import list_hints

_POLARS = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}


def build_schema(kind: type) -> Schema:
    """Build the schema of a frame from the fields of a dataclass that are read from a column of it."""
    found: dict[str, Any] = {}
    for name, (hint, column, text) in list_hints(kind).items():
        plain = next(each for each in (*get_args(hint), hint) if each is not types.NoneType)
        source = column.source if column else name
        if text and isinstance(source, str):
            found[source] = _POLARS[plain]
    return found
