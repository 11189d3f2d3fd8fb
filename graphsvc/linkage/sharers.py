"""Lay out values and the accounts that have them, so that pairs can be made and compared a piece at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphsvc.model.arrays import find_starts, flag_starts
from graphsvc.types import Ints

BYTES_A_PAIR = 40
"""Memory of one value shared by one pair while pairs are made."""

Accounts = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Sharers:
    """Accounts of each value, laid out to make the pairs that share one.

    `account` (int32) has the accounts of each value, ascending, one value after the other. `later` (int64) says how
    many of the same value come after each; `ordered` (int64) are the places in `account`, sorted by account. `accounts`
    is the number of all.
    """

    account: Accounts
    later: Ints
    ordered: Ints
    accounts: int

    @classmethod
    def of(cls, account: Accounts, signal: NDArray[np.int32], accounts: int) -> "Sharers":
        """Lay out uses of signals that are sorted by account."""
        order = np.argsort(signal, kind="stable")
        account, signal = account[order], signal[order]
        begins = find_starts(signal)
        size = np.diff(begins, append=len(signal))
        later = np.repeat(begins + size - 1, size) - np.arange(len(signal))
        return cls(account, later, np.argsort(account, kind="stable"), accounts)

    def pieces(self, memory: int) -> Iterator[tuple[int, int]]:
        """Divide the accounts into stretches (first, end) whose pairs can be made within so many bytes.

        An account that takes more by itself is a stretch.
        """
        work = np.bincount(self.account, weights=self.later, minlength=self.accounts).astype(np.int64)
        yield from stretches(work, memory // BYTES_A_PAIR)

    def pairs(self, first: int, end: int) -> tuple[Accounts, Accounts]:
        """Make the pairs that share a value and whose smaller account is from `first` to before `end`.

        Returns:
            source, target; each pair once, sorted.
        """
        bounds = np.searchsorted(self.account[self.ordered], (first, end))
        use = self.ordered[bounds[0] : bounds[1]]
        many = self.later[use]
        place = np.repeat(use + 1 - (np.cumsum(many) - many), many)
        place += np.arange(len(place))
        # Both accounts in one integer: one sort orders the pairs and brings equal ones together.
        key = np.repeat((self.account[use].astype(np.int64) - first) << 32, many)
        key |= self.account[place]
        # Freed before the copies below, which are the peak of memory.
        del place
        key.sort()
        key = key[flag_starts(key)]
        return (first + (key >> 32)).astype(np.int32), key.astype(np.int32)


def stretches(work: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Divide rows of so much work each into stretches (first, end) of at most `most`, or of one row."""
    until = np.cumsum(work)
    first = 0
    while first < len(work):
        before = int(until[first - 1]) if first else 0
        end = max(int(np.searchsorted(until, before + most, side="right")), first + 1)
        yield first, end
        first = end
