"""A graph brought up to date with what was read anew of it."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.graph import SignalGraph


def merged(base: SignalGraph, part: SignalGraph) -> SignalGraph:
    """`base` with the accounts and signals of `part` in place of its own, and with those that are new.

    Of an account in `part` all edges and all traffic are those of `part`. The result is the same, column for column,
    as if all had been read at once.
    """
    accounts, old_account, new_account, replaced = _united(base.accounts, part.accounts, "id")
    signals, old_signal, new_signal, _ = _united(base.signals, part.signals, "key")
    kept = np.ones(base.accounts.height, dtype=np.bool_)
    kept[replaced] = False
    account, theirs = old_account[base.account], new_account[part.account]
    edges = _interleaved(account, kept[base.account], theirs)
    busy = base.activity["account"].to_numpy()
    traffic = _interleaved(old_account[busy], kept[busy], new_account[part.activity["account"].to_numpy()])
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


def _united(
    base: pl.DataFrame, part: pl.DataFrame, key: str
) -> tuple[pl.DataFrame, NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Rows of both by key, those of `part` where both have one; the rank in it of each row of either; and which rows of
    `base` were replaced."""
    places = base[key].search_sorted(part[key]).to_numpy().astype(np.int64)
    there = places < base.height
    there[there] = (base[key].gather(places[there]) == part[key].filter(pl.Series(there))).to_numpy()
    fresh = np.flatnonzero(~there)
    rows = np.arange(base.height)
    rows[places[there]] = base.height + np.flatnonzero(there)
    rows = np.insert(rows, places[fresh], base.height + fresh)
    before = np.zeros(base.height + 1, dtype=np.int64)
    np.add.at(before, places[fresh], 1)
    old = np.arange(base.height) + np.cumsum(before)[:-1]
    new = np.empty(part.height, dtype=np.int64)
    new[there] = old[places[there]]
    new[fresh] = places[fresh] + np.arange(len(fresh))
    united = pl.concat([base, part], rechunk=True)[rows]
    return united, old.astype(np.int32), new.astype(np.int32), places[there]


def _interleaved(
    mine: NDArray[np.int32], kept: NDArray[np.bool_], theirs: NDArray[np.int32]
) -> NDArray[np.int64]:
    """The rows of the two, one behind the other, in sorted order and without those of `mine` that are not kept; each is
    sorted, and no value that is kept is in both."""
    rows = np.flatnonzero(kept)
    places = np.searchsorted(mine[rows], theirs)
    return np.insert(rows, places, len(mine) + np.arange(len(theirs)))
