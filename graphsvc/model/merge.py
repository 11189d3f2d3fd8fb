"""Update a graph with what was read since."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.graph import SignalGraph


def merge_graphs(base: SignalGraph, part: SignalGraph) -> SignalGraph:
    """Return `base` with the accounts and signals of `part` in place of its own, and with new ones added.

    All edges and all traffic of an account in `part` are those of `part`. The result equals, column for
    column, one reading of everything.
    """
    accounts, old_account, new_account, replaced = _merge_rows(base.accounts, part.accounts, "id")
    signals, old_signal, new_signal, _ = _merge_rows(base.signals, part.signals, "key")
    kept = np.ones(base.accounts.height, dtype=np.bool_)
    kept[replaced] = False
    # Edges of `part` replace all edges of its accounts, so that none is doubled.
    account, theirs = old_account[base.account], new_account[part.account]
    edges = _merge_sorted(account, kept[base.account], theirs)
    # Traffic is merged like edges, by account.
    busy = base.activity["account"].to_numpy()
    traffic = _merge_sorted(old_account[busy], kept[busy], new_account[part.activity["account"].to_numpy()])
    activity = [
        frame.with_columns(account=ranks[frame["account"].to_numpy()])
        for frame, ranks in ((base.activity, old_account), (part.activity, new_account))
    ]
    return SignalGraph(
        accounts,
        signals,
        np.concatenate([account, theirs])[edges],
        np.concatenate([old_signal[base.signal], new_signal[part.signal]])[edges],
        np.concatenate([base.first_seen, part.first_seen])[edges],
        np.concatenate([base.last_seen, part.last_seen])[edges],
        pl.concat(activity, rechunk=True)[traffic],
    )


def _merge_rows(
    base: pl.DataFrame, part: pl.DataFrame, key: str
) -> tuple[pl.DataFrame, NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Merge the rows of both by key. Where both have a key, take the row of `part`.

    Returns:
        The rows; the new number of each row of `base` and of `part` (int32); and the rows of `base` that were
        replaced (int64).
    """
    # Both are sorted by key: one binary search a row of `part`, instead of a join.
    places = base[key].search_sorted(part[key]).to_numpy().astype(np.int64)
    there = places < base.height
    there[there] = (base[key].gather(places[there]) == part[key].filter(pl.Series(there))).to_numpy()
    fresh = np.flatnonzero(~there)
    rows = np.arange(base.height)
    rows[places[there]] = base.height + np.flatnonzero(there)
    rows = np.insert(rows, places[fresh], base.height + fresh)
    # Each row of `base` moves down by the number of new rows before it.
    before = np.zeros(base.height + 1, dtype=np.int64)
    np.add.at(before, places[fresh], 1)
    old = np.arange(base.height) + np.cumsum(before)[:-1]
    new = np.empty(part.height, dtype=np.int64)
    new[there] = old[places[there]]
    new[fresh] = places[fresh] + np.arange(len(fresh))
    united = pl.concat([base, part], rechunk=True)[rows]
    return united, old.astype(np.int32), new.astype(np.int32), places[there]


def _merge_sorted(
    mine: NDArray[np.int32], kept: NDArray[np.bool_], theirs: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Merge two sorted arrays, without the rows of `mine` that are not kept.

    No kept value is in both.

    Args:
        mine: sorted, int32.
        kept: bool, one a row of `mine`.
        theirs: sorted, int32.

    Returns:
        Row numbers of the two arrays in one sequence, in sorted order; int64.
    """
    rows = np.flatnonzero(kept)
    places = np.searchsorted(mine[rows], theirs)
    return np.insert(rows, places, len(mine) + np.arange(len(theirs)))
