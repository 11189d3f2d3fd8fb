"""Packed records as columns."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import polars as pl

from graphsvc.model.columns import Schema


def frame(records: Iterable[tuple[Any, ...]], schema: Schema) -> pl.DataFrame:
    """A frame from records that have the number of their pack first and then a list a column, in the schema's
    order."""
    packs = [record[1:] for record in records]
    return pl.DataFrame(
        {name: list(chain.from_iterable(pack[i] for pack in packs)) for i, name in enumerate(schema)},
        schema=schema,
    )
