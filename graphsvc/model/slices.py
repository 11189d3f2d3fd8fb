"""Many slices of an array taken at once."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def between(first: NDArray[np.integer], end: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """All row numbers from each `first` to before its `end`: place (of the slice), row; int64, in the slices' order.

    Args:
        first, end: parallel; `end` not below `first`.
    """
    count = end - first
    place = np.repeat(np.arange(len(first)), count)
    return place, np.arange(len(place)) + (first - np.cumsum(count) + count)[place]
