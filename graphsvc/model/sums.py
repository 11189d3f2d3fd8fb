"""Sum groups of rows to the same last digit, whatever the number of threads."""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def summed(frame: pl.DataFrame, keys: list[str], values: str) -> NDArray[np.float64]:
    """Sum each run of rows with equal keys, in the order of the rows.

    Polars divides the rows of a group between threads, even where it maintains their order. A sum in another
    order differs in its last digit.

    Args:
        frame: sorted by `keys`, or at least with each group contiguous; keys are never null.
        keys: columns whose equal values make a group.
        values: a column of numbers.

    Returns:
        float64, one a group, in their order.
    """
    begins = np.zeros(frame.height, dtype=np.bool_)
    for key in keys:
        column = frame[key].to_numpy()
        begins[1:] |= column[1:] != column[:-1]
    # `bincount` adds one row after another, in a single thread.
    sums = np.bincount(np.cumsum(begins), frame[values].to_numpy())
    return sums.astype(np.float64)
