"""Who uses what, looked up from either end: a look costs what it finds, not what there is."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.model.graph import SignalGraph

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Uses:
    """Uses of signals by accounts, twice: sorted by account, and sorted by signal (compressed sparse rows and columns).

    `signal` (int32) and `passing` (bool: a use begun and ended at once) are the uses sorted by account, those of
    account a from `of_account[a]` to `of_account[a + 1]`; `account` (int32) and `brief` (as `passing`) the same uses
    sorted by signal, those of signal s from `of_signal[s]` to `of_signal[s + 1]`.
    """

    of_account: Rows
    signal: NDArray[np.int32]
    passing: NDArray[np.bool_]
    of_signal: Rows
    account: NDArray[np.int32]
    brief: NDArray[np.bool_]

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
        """From parallel arrays, one a use.

        Args:
            account, signal: int32, sorted by account; no pair twice.
            passing: bool.
            accounts, signals: how many there are of each.
        """
        starts = np.concatenate([[0], np.cumsum(np.bincount(account, minlength=accounts))])
        by_account = csr_array((passing.view(np.int8), signal, starts), shape=(accounts, signals))
        by_signal = by_account.tocsc()
        return cls(
            starts,
            signal,
            passing,
            by_signal.indptr.astype(np.int64),
            by_signal.indices.astype(np.int32, copy=False),
            by_signal.data.view(np.bool_),
        )

    @property
    def signals(self) -> int:
        """Number of signals."""
        return len(self.of_signal) - 1

    def by(self, account: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32], NDArray[np.bool_]]:
        """What each of some accounts uses: place (in `account`), signal, passing; in the order of `account`."""
        place, row = _slices(self.of_account, account)
        return place, self.signal[row], self.passing[row]

    def users(self, signal: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32], NDArray[np.bool_]]:
        """Who uses each of some signals: place (in `signal`), account, passing; in the order of `signal`."""
        place, row = _slices(self.of_signal, signal)
        return place, self.account[row], self.brief[row]

    def pooled(self, rows: pl.DataFrame, pool: pl.DataFrame) -> tuple[Rows, Rows, NDArray[np.bool_]]:
        """Uses of what is in the pool of an account's cluster.

        Args:
            rows: cluster, account (int32).
            pool: cluster, signal (int32), sorted by these.

        Returns: row (of `rows`), value (row of `pool`), passing; in the order of `rows`.
        """
        asked = np.zeros(self.signals, dtype=np.bool_)
        asked[pool["signal"].to_numpy()] = True
        place, signal, passing = self.by(rows["account"].to_numpy())
        near = asked[signal]
        place, signal, passing = place[near], signal[near], passing[near]
        keys = self._keys(pool["cluster"].to_numpy(), pool["signal"].to_numpy())
        wanted = self._keys(rows["cluster"].to_numpy()[place], signal)
        value = np.searchsorted(keys, wanted)
        found = np.append(keys, -1)[value] == wanted
        return place[found], value[found], passing[found]

    def shared(self, left: NDArray[np.int32], right: NDArray[np.int32]) -> tuple[Rows, Rows]:
        """The signals that two accounts both use, in passing or not: pair (place in `left` and `right`), signal;
        sorted."""
        ends = [self.by(end)[:2] for end in (left, right)]
        keys = np.sort(np.concatenate([self._keys(pair, signal) for pair, signal in ends]))
        both = keys[:-1][keys[1:] == keys[:-1]]
        return both // self.signals, both % self.signals

    def _keys(self, number: NDArray[np.integer], signal: NDArray[np.int32]) -> Rows:
        keys: Rows = number.astype(np.int64) * self.signals + signal
        return keys


def used_by(graph: SignalGraph, account: NDArray[np.int32]) -> tuple[Rows, NDArray[np.int32]]:
    """What each of some accounts uses, of all there is in a graph: place (in `account`), signal."""
    starts = np.stack([np.searchsorted(graph.account, account, side) for side in ("left", "right")])
    place, row = between(starts[0], starts[1])
    return place, graph.signal[row]


def _slices(starts: Rows, which: NDArray[np.int32]) -> tuple[Rows, Rows]:
    return between(starts[which], starts[which.astype(np.int64) + 1])


def between(first: Rows, end: Rows) -> tuple[Rows, Rows]:
    """All row numbers from each `first` to before its `end`: place (of the slice), row."""
    count = end - first
    place = np.repeat(np.arange(len(first)), count)
    row = np.arange(len(place)) + np.repeat(first - (np.cumsum(count) - count), count)
    return place, row
