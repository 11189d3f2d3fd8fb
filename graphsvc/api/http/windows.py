"""Counts in windows of time, in memory that all processes of a service share.

The memory is a table of fixed size, so a flood of addresses cannot fill it.
"""

import fcntl
import mmap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from graphsvc.files import open_draft

SETS, WAYS = 8_192, 8
"""Windows are found by a hash, in a set of eight: 65,536 windows in 1.5 MiB."""
_FILE = "windows"
_FIELDS = 3
"""Numbers of a window: who, count, end (monotonic nanoseconds, which all processes of a machine share)."""
_BYTES = SETS * WAYS * _FIELDS * 8


def create_windows(directory: Path) -> None:
    """Create the file of an empty table in a directory that all processes share."""
    with open_draft(directory / _FILE) as file:
        file.truncate(_BYTES)


class Windows:
    """Counts that end with their window, which begins with the first hit."""

    def __init__(self, shared: Path | None = None) -> None:
        """Map the table in a directory that all processes share; None: the process has one of its own."""
        self._file = (shared / _FILE).open("r+b") if shared is not None else None
        self._cells = memoryview(mmap.mmap(self._file.fileno() if self._file else -1, _BYTES)).cast("q")

    def count(self, who: tuple[str, ...], cost: int, seconds: int) -> tuple[int, float]:
        """Count a cost, and return the count of the window and the seconds until it ends.

        Args:
            who: counted apart from all others.
            cost: to add.
            seconds: of a window that begins now.
        """
        digest = blake2b("\0".join(who).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        name = int.from_bytes(digest, signed=True)
        first = name % SETS * WAYS * _FIELDS
        cells, now = self._cells, time.monotonic_ns()
        with self._lock():
            places = range(first, first + WAYS * _FIELDS, _FIELDS)
            # A new window takes the place of the one that ends first; those that ended come before all others.
            place = next((each for each in places if cells[each] == name), -1)
            if place < 0:
                place = min(places, key=lambda each: cells[each + 2])
            if cells[place] != name or cells[place + 2] <= now:
                cells[place], cells[place + 1], cells[place + 2] = name, 0, now + seconds * 10**9
            cells[place + 1] += cost
            return cells[place + 1], (cells[place + 2] - now) / 1e9

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Keep other processes from the table. The lock of one that dies ends with it."""
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
