"""Sums that are the same to the last digit whatever the number of threads."""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def summed(frame: pl.DataFrame, keys: list[str], values: str) -> NDArray[np.float64]:
    """The sum of each run of rows with equal keys, added up in the order of the rows.

    Polars divides the rows of a group between its threads, also where it maintains their order, and what is added in
    another order differs in its last digit.

    Args:
        frame: sorted by `keys`, or at least each group in one piece; keys are never null.
        values: a column of numbers.

    Returns: float64, one a group, in their order.
    """
    begins = np.zeros(frame.height, dtype=np.bool_)
    for key in keys:
        column = frame[key].to_numpy()
        begins[1:] |= column[1:] != column[:-1]
    sums = np.bincount(np.cumsum(begins), frame[values].to_numpy())
    return sums.astype(np.float64)
