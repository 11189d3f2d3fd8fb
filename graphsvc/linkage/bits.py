"""Measure how much a shared value says, in bits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray

from graphsvc.model.arrays import find_starts
from graphsvc.model.graph import SignalGraph
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import LEVELS, kind_of
from graphsvc.types import Floats, Ints, Rows


def with_levels(graph: SignalGraph) -> SignalGraph:
    """Return the graph with prefixes and systems of addresses and BINs of cards as signals of their own.

    They belong to the family of the signal they come from. Only the strongest agreement of a family counts, so that a
    shared address is not counted twice. An account has seen one from the first to the last moment at which it saw any
    part of it.
    """
    signals, levels, count = [graph.signals], [], graph.signals.height
    for kind, names in LEVELS.items():
        of_kind = (graph.signals["kind"] == kind).to_numpy()
        for name, column in zip(names, ("parent", "grandparent"), strict=True):
            has = of_kind & (graph.signals[column] != "").to_numpy()
            if not name or not has.any():
                continue
            wholes = graph.signals[column].filter(pl.Series(has))
            values = wholes.unique().sort()
            level = np.full(graph.signals.height, -1, dtype=np.int32)
            level[has] = wholes.cast(pl.Enum(values)).to_physical().to_numpy()
            levels.append(_uses_of_wholes(graph, level, len(values), count))
            nothing = dict.fromkeys(("parent", "grandparent", "class"), pl.lit(""))
            keys = pl.lit(f"{name}:") + pl.col(column)
            signals.append(values.to_frame(column).select(key=keys, kind=pl.lit(name), **nothing))
            count += len(values)
    if not levels:
        return graph
    account, signal, first_seen, last_seen = (np.concatenate(arrays) for arrays in zip(*levels, strict=True))
    if len(levels) > 1:
        # Each kind's uses are sorted by account, and kinds follow each other as their numbers do.
        order = np.argsort(account, kind="stable")
        account, signal = account[order], signal[order]
        first_seen, last_seen = first_seen[order], last_seen[order]
    # Levels have the highest numbers: an account's come after all else it has, and nothing needs sorting.
    until = np.cumsum(np.bincount(graph.account, minlength=graph.accounts.height))
    added = np.zeros(len(graph.account) + len(account), dtype=np.bool_)
    added[until[account] + np.arange(len(account))] = True
    there = ~added

    def merged(own: NDArray[Any], derived: NDArray[Any]) -> NDArray[Any]:
        whole = np.empty(len(added), dtype=own.dtype)
        whole[there], whole[added] = own, derived
        return whole

    return SignalGraph(
        graph.accounts,
        pl.concat(signals),
        merged(graph.account, account),
        merged(graph.signal, signal),
        merged(graph.first_seen, first_seen),
        merged(graph.last_seen, last_seen),
        graph.activity,
    )


def _uses_of_wholes(
    graph: SignalGraph, level: NDArray[np.int32], count: int, offset: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the uses of wholes that signals are part of: account, signal, first and last seen; sorted by these.

    Args:
        graph: as `SignalGraph` says.
        level: number of the whole that each signal is part of, 0 … count - 1; -1 = of none.
        count: number of wholes.
        offset: number of the first whole among the signals.
    """
    edge = np.flatnonzero(level[graph.signal] >= 0)
    key = graph.account[edge].astype(np.int64) * count + level[graph.signal[edge]]
    order = np.argsort(key, kind="stable")
    key, edge = key[order], edge[order]
    begins = find_starts(key)
    # Times that are not known come last of all as unsigned numbers.
    first_seen = np.minimum.reduceat(graph.first_seen[edge].view(np.uint64), begins).view(np.int64)
    account, whole = np.divmod(key[begins], count)
    return (
        account.astype(np.int32),
        (whole + offset).astype(np.int32),
        first_seen,
        np.maximum.reduceat(graph.last_seen[edge], begins),
    )


@dataclass(frozen=True, slots=True)
class KindColumn:
    """The kind of each signal: `place` among `names`, which are sorted; integers as narrow as the names are few."""

    place: Rows
    names: list[str]

    @classmethod
    def of(cls, kinds: pl.Series) -> "KindColumn":
        """Build from the kinds' names, one a signal."""
        names = kinds.unique().sort()
        return cls(kinds.cast(pl.Enum(names)).to_physical().to_numpy(), names.to_list())

    def apply(self, attribute: Callable[[str], Any], dtype: DTypeLike) -> NDArray[Any]:
        """Apply a function to the kind of each signal; called once a kind; one a signal, of `dtype`."""
        found: NDArray[Any] = np.array([attribute(name) for name in self.names], dtype=dtype)[self.place]
        return found


def by_kind(kinds: pl.Series, attribute: Callable[[str], Any], dtype: DTypeLike) -> NDArray[Any]:
    """Apply a function to each of `kinds`; called once a kind."""
    return KindColumn.of(kinds).apply(attribute, dtype)


def count_users(graph: SignalGraph) -> Ints:
    """Count the accounts of each signal; int64, one a signal."""
    return np.bincount(graph.signal, minlength=graph.signals.height)


def measure_bits(kinds: KindColumn, share: Floats) -> Floats:
    """Measure the bits that sharing a signal adds to the odds of one operator; float64, one a signal.

    log2(m/u) (Fellegi & Sunter 1969): m is the kind's prior that two accounts of one campaign share a value, u the
    share of other accounts that have the value. Never negative: not to share something is no evidence here.

    Args:
        kinds: of the signals.
        share: u of each signal, above 0 (`share_of_others`).
    """
    prior = kinds.apply(lambda kind: kind_of(kind).prior_m, np.float64)
    bits: Floats = np.maximum(measure_strengths(kinds) * np.log2(prior / share), 0.0)
    return bits


def measure_strengths(kinds: KindColumn) -> Floats:
    """Return the declared strength of each signal's kind, 0–1; float64, one a signal."""
    found: Floats = kinds.apply(lambda kind: kind_of(kind).strength, np.float64)
    return found


def sharing_bits(kinds: Sequence[str], degrees: Sequence[int], accounts: int) -> list[float]:
    """Measure the same for some signals by their kinds and degrees alone, among so many accounts."""
    share = share_of_others(np.array(degrees, dtype=np.int64), accounts)
    column = KindColumn.of(pl.Series(kinds, dtype=pl.String))
    return [float(each) for each in measure_bits(column, share)]


def share_of_others(degree: Ints, accounts: int) -> Floats:
    """Compute the share of other accounts that have a value which an account has, of counts on a grid (`coarse`).

    Args:
        degree: accounts that have each value.
        accounts: all there are.

    Returns:
        Above 0, at most 1; float64, shape as `degree`.
    """
    # The account itself is left out. At least one other is presumed, so that the logarithm stays finite.
    share: Floats = coarse(np.maximum(degree - 1, 1)) / coarse(max(accounts - 1, 1))
    return np.minimum(share, 1.0)
