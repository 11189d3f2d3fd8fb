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
    accounts, old_account, new_account = _united(base.accounts, part.accounts, "id")
    signals, old_signal, new_signal = _united(base.signals, part.signals, "key")
    kept = np.ones(base.accounts.height, dtype=np.bool_)
    kept[base.accounts["id"].search_sorted(_shared(base.accounts, part.accounts, "id")).to_numpy()] = False
    # Both sides stay sorted, since ranks keep their order; accounts are in one of them only.
    edges = np.flatnonzero(kept[base.account])
    order = _interleaved(old_account[base.account[edges]], new_account[part.account])

    def column(mine: NDArray[np.int32], theirs: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.concatenate([mine, theirs])[order]

    rows = np.flatnonzero(kept[base.activity["account"].to_numpy()])
    activity = [
        base.activity[rows].with_columns(account=old_account[base.activity["account"].to_numpy()[rows]]),
        part.activity.with_columns(account=new_account[part.activity["account"].to_numpy()]),
    ]
    return SignalGraph(
        accounts,
        signals,
        column(old_account[base.account[edges]], new_account[part.account]),
        column(old_signal[base.signal[edges]], new_signal[part.signal]),
        np.concatenate([base.first_seen[edges], part.first_seen])[order],
        np.concatenate([base.last_seen[edges], part.last_seen])[order],
        pl.concat(activity)[
            _interleaved(activity[0]["account"].to_numpy(), activity[1]["account"].to_numpy())
        ],
    )


def _shared(base: pl.DataFrame, part: pl.DataFrame, key: str) -> pl.Series:
    return part.join(base, on=key, how="semi")[key]


def _united(
    base: pl.DataFrame, part: pl.DataFrame, key: str
) -> tuple[pl.DataFrame, NDArray[np.int32], NDArray[np.int32]]:
    """Rows of both by key, those of `part` where both have one; and the rank of each row of either in it."""
    old = base.join(part.select(key), on=key, how="anti", maintain_order="left")
    united = old.merge_sorted(part, key).rechunk()
    ranks = [united[key].search_sorted(frame[key]).to_numpy().astype(np.int32) for frame in (base, part)]
    return united, ranks[0], ranks[1]


def _interleaved(mine: NDArray[np.int32], theirs: NDArray[np.int32]) -> NDArray[np.int64]:
    """The order that sorts the two, one behind the other, when each is sorted and no value is in both."""
    places = np.searchsorted(mine, theirs)
    return np.insert(np.arange(len(mine)), places, len(mine) + np.arange(len(theirs)))
