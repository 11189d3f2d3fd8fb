"""Lay out values and the accounts that have them, so that pairs can be made and compared a piece at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.model.arrays import find_starts, flag_starts
from graphsvc.types import Ints

BYTES_A_PAIR = 40
"""Memory of one value shared by one pair while pairs are made."""
BYTES_A_USE = 40
"""Memory of one signal of one account of a pair while the two are compared."""

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


class Uses:
    """Signals of each account, laid out to compare account with account.

    Args:
        account: (uses,) int32, sorted.
        signal: (uses,) int32.
        order: (signals,) int32, sorts what two accounts share; few different numbers.
        rows: number of accounts.
    """

    def __init__(
        self, account: Accounts, signal: NDArray[np.int32], order: NDArray[np.int32], rows: int
    ) -> None:
        self._signal = np.argsort(order, kind="stable").astype(np.int32)
        column = np.empty_like(self._signal)
        column[self._signal] = np.arange(len(order), dtype=np.int32)
        self._held = np.bincount(account, minlength=rows)
        # scipy takes the type of the wider of its arrays of places: 32 bits wherever they suffice.
        places = np.int32 if len(account) < 1 << 31 else np.int64
        self._matrix = csr_array(
            (
                np.ones(len(account), dtype=np.int8),
                column[signal],
                np.append(0, np.cumsum(self._held)).astype(places),
            ),
            shape=(rows, len(order)),
        )
        self._matrix.sort_indices()

    def shared(
        self, one: Accounts, other: Accounts, memory: int
    ) -> Iterator[tuple[slice, Ints, NDArray[np.int32]]]:
        """Find the signals that both accounts of each pair have, for as many pairs at a time as fit into `memory`.

        Yields:
            The pairs (a slice), and one row a pair and shared signal: the pair's number in the slice (int64), the
            signal (int32); sorted by pair, then the signal's `order`.
        """
        for first, end in stretches(self._held[one] + self._held[other], memory // BYTES_A_USE):
            both = self._matrix[one[first:end]].multiply(self._matrix[other[first:end]]).tocsr()
            pair = np.repeat(np.arange(end - first), np.diff(both.indptr))
            yield slice(first, end), pair, self._signal[both.indices]


def stretches(work: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Divide rows of so much work each into stretches (first, end) of at most `most`, or of one row."""
    until = np.cumsum(work)
    first = 0
    while first < len(work):
        before = int(until[first - 1]) if first else 0
        end = max(int(np.searchsorted(until, before + most, side="right")), first + 1)
        yield first, end
        first = end
