"""Reads the account–signal graph from Neo4j as columns."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph
from graphsvc.store.connection import Store
from graphsvc.store.packs import frame

Progress = Callable[[str, int, int], None]


def read_graph(store: Store, progress: Progress = lambda _stage, _done, _total: None) -> SignalGraph:
    """The whole graph. Records are packs of parallel lists, because a record a row costs 30 times as much.

    Raises:
        DatabaseUnavailable, DatabaseRefused
    """
    accounts = frame(store.stream("detect/accounts"), {"node": pl.Int64, **ACCOUNT_COLUMNS}).sort("id")
    progress("read accounts", accounts.height, accounts.height)
    signals = frame(store.stream("detect/signals"), {"node": pl.Int64, **SIGNAL_COLUMNS}).sort("key")
    progress("read signals", signals.height, signals.height)
    edges = frame(
        store.stream("detect/edges"),
        {"account": pl.Int64, "signal": pl.Int64, "first_seen": pl.Int64, "last_seen": pl.Int64},
    )
    progress("read edges", edges.height, edges.height)
    activity = frame(store.stream("detect/activity"), {**ACTIVITY_COLUMNS, "account": pl.Int64})
    progress("read activity", activity.height, activity.height)
    ranks = _ranks(accounts["node"])
    account = ranks[edges["account"].to_numpy()]
    signal = _ranks(signals["node"])[edges["signal"].to_numpy()]
    order = np.lexsort((signal, account))
    return SignalGraph(
        accounts.drop("node"),
        signals.drop("node"),
        account[order],
        signal[order],
        edges["first_seen"].to_numpy()[order],
        edges["last_seen"].to_numpy()[order],
        activity.with_columns(account=pl.Series(ranks[activity["account"].to_numpy()])).sort(
            "account", "hour", "model"
        ),
    )


def _ranks(nodes: pl.Series) -> NDArray[np.int32]:
    """Position in the sorted frame by the database's node id, as a lookup table."""
    table = np.full(int(nodes.max() or 0) + 1 if nodes.len() else 0, -1, dtype=np.int32)  # type: ignore[arg-type]
    table[nodes.to_numpy()] = np.arange(nodes.len(), dtype=np.int32)
    return table
