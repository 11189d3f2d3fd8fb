"""Look up uses of signals from either end: a look-up costs what it finds, not what there is."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.model.arrays import expand_slices
from graphsvc.model.graph import SignalGraph
from graphsvc.types import Rows


@dataclass(frozen=True, slots=True)
class Uses:
    """Uses of signals by accounts, arranged twice.

    `by_account` has shape (accounts, signals), `by_signal` has shape (signals, accounts). Both hold bool: true for a
    use in passing, which began and ended at once.
    """

    by_account: csr_array
    by_signal: csr_array

    @classmethod
    def of(
        cls,
        account: NDArray[np.int32],
        signal: NDArray[np.int32],
        passing: NDArray[np.bool_],
        *,
        accounts: int,
        signals: int,
    ) -> "Uses":
        """Build from parallel arrays, one entry a use.

        Args:
            account: (uses,) int32, sorted.
            signal: (uses,) int32; no pair of account and signal twice.
            passing: (uses,) bool.
            accounts: number of accounts.
            signals: number of signals.
        """
        starts = np.concatenate([[0], np.cumsum(np.bincount(account, minlength=accounts))])
        by_account = csr_array((passing, signal, starts), shape=(accounts, signals))
        return cls(by_account, by_account.tocsc().T)

    @property
    def signals(self) -> int:
        """Number of signals."""
        return int(self.by_account.shape[1])

    def by(self, account: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32], NDArray[np.bool_]]:
        """Return the uses of some accounts: place (in `account`), signal, passing; in the order of `account`."""
        return _slices(self.by_account, account)

    def users(self, signal: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32], NDArray[np.bool_]]:
        """Return the uses of some signals: place (in `signal`), account, passing; in the order of `signal`."""
        return _slices(self.by_signal, signal)

    def pooled(self, rows: pl.DataFrame, pool: pl.DataFrame) -> tuple[Rows, Rows, NDArray[np.bool_]]:
        """Return the uses of values in the pool of an account's cluster.

        Args:
            rows: cluster, account (int32), sorted by cluster.
            pool: cluster, signal (int32), sorted by cluster.

        Returns:
            row (of `rows`), value (row of `pool`), passing; in the order of `rows`.
        """
        place, signal, passing = self.by(rows["account"].to_numpy())
        value = np.full(len(signal), -1, dtype=np.int32)
        # Cluster by cluster, so that each use is looked up in one table, at once.
        table = np.full(self.signals, -1, dtype=np.int32)
        pooled, number = pool["signal"].to_numpy(), np.arange(pool.height, dtype=np.int32)
        clusters = pool["cluster"].unique(maintain_order=True).to_numpy()
        bounds = [
            np.searchsorted(column, clusters, side)
            for column in (pool["cluster"].to_numpy(), rows["cluster"].to_numpy())
            for side in ("left", "right")
        ]
        bounds[2:] = (np.searchsorted(place, bound) for bound in bounds[2:])
        for first, end, begin, stop in zip(*(bound.tolist() for bound in bounds), strict=True):
            table[pooled[first:end]] = number[first:end]
            # The table is cleared after each cluster: a new one would cost as much as all signals.
            value[begin:stop] = table[signal[begin:stop]]
            table[pooled[first:end]] = -1
        found = np.flatnonzero(value >= 0)
        return place[found], value[found], passing[found]

    def shared(self, left: NDArray[np.int32], right: NDArray[np.int32]) -> tuple[Rows, Rows]:
        """Return the signals that two accounts both use: pair (place in `left` and `right`), signal; sorted."""
        ends = [self.by(end)[:2] for end in (left, right)]
        keys = np.sort(np.concatenate([self._keys(pair, signal) for pair, signal in ends]))
        # An account uses a signal once, so a key that comes twice is of both accounts.
        both = keys[:-1][keys[1:] == keys[:-1]]
        return both // self.signals, both % self.signals

    def _keys(self, number: Rows, signal: NDArray[np.int32]) -> Rows:
        keys: Rows = number.astype(np.int64) * self.signals + signal
        return keys


def used_by(graph: SignalGraph, account: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32]]:
    """Return the uses of some accounts in the whole graph: place (in `account`), signal."""
    first, end = (np.searchsorted(graph.account, account, side) for side in ("left", "right"))
    place, row = expand_slices(first, end)
    return place, graph.signal[row]


def _slices(matrix: csr_array, which: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32], NDArray[np.bool_]]:
    """Return the entries of some rows of a matrix: place (in `which`), column, value."""
    rows = matrix[which]
    place = np.repeat(np.arange(len(which), dtype=np.int32), np.diff(rows.indptr))
    # scipy chooses 64 bits for the columns of a matrix of few rows, whatever they were.
    return place, rows.indices.astype(np.int32, copy=False), rows.data
