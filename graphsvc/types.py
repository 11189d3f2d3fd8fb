"""Types that many modules share: arrays, by the type of their elements, and callbacks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Rows = NDArray[np.integer]
"""Integers of any width, as row numbers are: int32 in the graph, int64 where numpy computed them."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Progress = Callable[[str, int, int], None]
"""Called with the stage, the number of items done, and their total."""

Report = Callable[[str], None]
"""Called with a line about what happens, for whoever waits."""


def ignore_progress(_stage: str, _done: int, _total: int) -> None:
    """Ignore progress; for callers that do not show it."""


def ignore_report(_line: str) -> None:
    """Ignore a line; for callers that do not show it."""
