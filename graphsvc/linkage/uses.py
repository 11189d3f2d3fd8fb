"""Look up uses of signals from either end: a look-up costs what it finds, not what there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from graphsvc.linkage.sharers import stretches
from graphsvc.model.arrays import expand_slices
from graphsvc.model.graph import SignalGraph
from graphsvc.types import Flags, Ints, Ints32, Rows

BYTES_A_USE = 40
"""Memory of one signal of one account of a pair while the two are compared."""
_LASTING, _TRANSIENT = 1, 2
"""Entries of the matrices. Neither is 0, so that no product of two of them is lost."""


@dataclass(frozen=True)
class Uses:
    """Uses of signals by accounts: the incidence matrix of accounts and signals, looked up from either end.

    `by_account` has shape (accounts, signals) and holds int8, sorted within rows: 2 for a transient use, 1 for others.
    """

    by_account: csr_array

    @classmethod
    def of(cls, account: Ints32, signal: Ints32, transient: Flags, *, accounts: int, signals: int) -> "Uses":
        """Build from parallel arrays, one entry a use.

        Args:
            account: (uses,) int32, sorted.
            signal: (uses,) int32, in any order within an account; no pair of account and signal twice.
            transient: (uses,) bool.
            accounts: number of accounts.
            signals: number of signals.
        """
        # scipy takes the type of the wider of its arrays of places: 32 bits wherever they suffice.
        places = np.int32 if len(account) < 1 << 31 else np.int64
        starts = np.append(0, np.cumsum(np.bincount(account, minlength=accounts))).astype(places)
        kind = np.where(transient, np.int8(_TRANSIENT), np.int8(_LASTING))
        matrix = csr_array((kind, signal, starts), shape=(accounts, signals))
        # Sorted in a copy, if at all: the arrays are the caller's.
        return cls(matrix if matrix.has_sorted_indices else matrix.sorted_indices())

    @cached_property
    def by_signal(self) -> csr_array:
        """The same from the other end, of shape (signals, accounts)."""
        return self.by_account.tocsc().T

    @property
    def signals(self) -> int:
        """Number of signals."""
        return int(self.by_account.shape[1])

    def by(self, account: Ints32) -> tuple[Rows, Ints32, Flags]:
        """Return the uses of some accounts: place (in `account`), signal, transient; in the order of `account`."""
        return _slices(self.by_account, account)

    def users(self, signal: Ints32) -> tuple[Rows, Ints32, Flags]:
        """Return the uses of some signals: place (in `signal`), account, transient; in the order of `signal`."""
        return _slices(self.by_signal, signal)

    def pooled(self, rows: pl.DataFrame, pool: pl.DataFrame) -> tuple[Rows, Rows, Flags]:
        """Return the uses of values in the pool of an account's cluster.

        Args:
            rows: cluster, account (int32), sorted by cluster.
            pool: cluster, signal (int32), sorted by cluster.

        Returns:
            row (of `rows`), value (row of `pool`), transient; in the order of `rows`.
        """
        place, signal, transient = self.by(rows["account"].to_numpy())
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
        return place[found], value[found], transient[found]

    def compare(self, one: Ints32, other: Ints32, memory: int) -> Iterator[tuple[slice, Ints, Ints32]]:
        """Find the signals that both accounts of each pair use, for as many pairs at a time as fit into `memory`.

        Args:
            one: (pairs,) int32, one account of each pair.
            other: (pairs,) int32, the other.
            memory: bytes, one pair's at least.

        Yields:
            The pairs (a slice), and one row a pair and shared signal: the pair's number in the slice (int64), the
            signal (int32); sorted by both.
        """
        size = np.diff(self.by_account.indptr).astype(np.int64)
        for first, end in stretches(size[one] + size[other], memory // BYTES_A_USE):
            yield slice(first, end), *self.shared(one[first:end], other[first:end])

    def shared(self, one: Ints32, other: Ints32) -> tuple[Ints, Ints32]:
        """Return the signals that both accounts of each pair use: pair (place in `one` and `other`), signal; sorted."""
        both = csr_array(self.by_account[one].multiply(self.by_account[other]))
        return np.repeat(np.arange(len(one)), np.diff(both.indptr)), both.indices.astype(np.int32, copy=False)


def used_by(graph: SignalGraph, account: Ints32) -> tuple[Rows, Ints32]:
    """Return the uses of some accounts in the whole graph: place (in `account`), signal."""
    place, edge = find_edges(graph, account)
    return place, graph.signal[edge]


def find_edges(graph: SignalGraph, account: Ints32) -> tuple[Ints, Ints]:
    """Find the edges of some accounts in the whole graph: place (in `account`), edge (row of the graph's arrays)."""
    first, end = (np.searchsorted(graph.account, account, side) for side in ("left", "right"))
    return expand_slices(first, end)


def _slices(matrix: csr_array, which: Ints32) -> tuple[Rows, Ints32, Flags]:
    """Return the entries of some rows of a matrix: place (in `which`), column, transient."""
    rows = matrix[which]
    place = np.repeat(np.arange(len(which), dtype=np.int32), np.diff(rows.indptr))
    # scipy chooses 64 bits for the columns of a matrix of few rows, whatever they were.
    return place, rows.indices.astype(np.int32, copy=False), rows.data == _TRANSIENT
