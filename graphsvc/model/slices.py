"""Take many slices of an array at once."""

import numpy as np
from numpy.typing import NDArray

from graphsvc.types import Ints


def expand_slices(first: NDArray[np.integer], end: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Return all row numbers of many slices.

    Args:
        first: first row of each slice.
        end: row after the last one of each slice, parallel, not below `first`.

    Returns:
        Number of the slice and row, int64, parallel, in the order of the slices.
    """
    # One `repeat` and one `arange` for all slices: a row is its place in the result, shifted by its slice's
    # offset.
    count = end - first
    place = np.repeat(np.arange(len(first)), count)
    return place, np.arange(len(place)) + (first - np.cumsum(count) + count)[place]
