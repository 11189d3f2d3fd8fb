"""Text columns as codes: small numbers, with each distinct text stored once."""

from collections import defaultdict

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ranks = NDArray[np.uint32]
NOWHERE = np.uint32(2**32 - 1)


class Dictionaries:
    """Codes of text columns. Columns of the same name share codes across tables and chunks."""

    def __init__(self) -> None:
        self._types: defaultdict[str, pl.Categorical] = defaultdict(
            lambda: pl.Categorical(pl.Categories.random(namespace="graphsvc"))
        )

    def encode(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with every String column as Categorical."""
        text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
        return frame.cast({name: self._types[name] for name in text})


def list_distinct(column: pl.Series) -> pl.Series:
    """Return distinct values of a Categorical column, nulls aside, in no particular order."""
    return column.drop_nulls().unique()


def find_places(column: pl.Series, values: pl.Series, places: pl.Series) -> Ranks:
    """Return the place of each row's value.

    Args:
        column: Categorical, n rows.
        values: distinct values of it (Categorical).
        places: UInt32, as long as `values`, nulls allowed.

    Returns:
        n places; `NOWHERE` where the row is null, or its value is not among `values` or has no place.
    """
    codes = values.to_physical().to_numpy()
    # A lookup table by code is many times faster than a join. Its last entry serves nulls and unknown codes.
    table = np.full(int(codes.max(initial=0)) + 2, NOWHERE, dtype=np.uint32)
    table[codes] = places.fill_null(int(NOWHERE)).to_numpy()
    code = pl.col("code").to_physical().fill_null(len(table) - 1)
    wanted = column.to_frame("code").select(code).to_series().to_numpy()
    placed: Ranks = table[np.minimum(wanted, len(table) - 1)]
    return placed
