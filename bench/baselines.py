"""What others do, on the same graph: components, modularity, and the rule of Neo4j's fraud demo.

Each baseline is a function from a graph to its members: account_id, cluster_id (text), membership and cluster_score
(1.0: none of them grades what it finds). Groups of fewer than `SMALLEST` accounts are not published, as a run does not
publish them. Where a world has no cards, devices or addresses, a rule about these takes whatever kinds there are.
Communities come from igraph, one thread, seeded: the same graph gives the same members.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from graphsvc.model.graph import SignalGraph

SMALLEST = 8
SEED = 42
FEW = 10
"""Accounts of a value that the rules for rare values still take."""
PROJECTED = 30
"""Accounts of a value whose pairs are still made; with 50, Louvain takes a minute and more on 120,000 accounts."""
OTHERS = 2
"""Further identifiers that the demo's rule wants shared."""
INFRASTRUCTURE = ("instrument", "device", "ip")

Baseline = Callable[[SignalGraph], pl.DataFrame]
Ints = NDArray[np.int64]


def wcc_any(graph: SignalGraph) -> pl.DataFrame:
    """Components of accounts that share any card, device or address."""
    return _members(graph, _components(graph, _edges_of(graph, INFRASTRUCTURE)))


def wcc_rare(graph: SignalGraph) -> pl.DataFrame:
    """The same by values of at most ten accounts."""
    few = _degrees(graph)[graph.signal] <= FEW
    return _members(graph, _components(graph, few & _edges_of(graph, INFRASTRUCTURE)))


def louvain_projection(graph: SignalGraph) -> pl.DataFrame:
    """Louvain on account pairs, each shared value weighing 1/(k−1) for its k accounts (Newman 2001).

    Values of more than `PROJECTED` accounts make no pairs; uncapped, 120,000 accounts have thousands of millions.
    """
    degree = _degrees(graph)
    kept = ((degree > 1) & (degree <= PROJECTED))[graph.signal]
    rows = graph.accounts.height
    ones = np.ones(int(kept.sum()), dtype=np.float32)
    weights = 1.0 / (degree[graph.signal[kept]] - 1)
    shape = (rows, graph.signals.height)
    has = csr_array((ones, (graph.account[kept], graph.signal[kept])), shape=shape)
    weighing = csr_array((weights, (graph.account[kept], graph.signal[kept])), shape=shape)
    pairs = coo_array(weighing @ has.T)
    upper = pairs.row < pairs.col
    ends = np.stack([pairs.row[upper], pairs.col[upper]], axis=1)
    import igraph  # takes matplotlib along: 2 s that tests of other rules need not pay

    network = igraph.Graph(n=rows, edges=ends)
    with _seeded():
        found = network.community_multilevel(weights=pairs.data[upper].astype(np.float64))
    return _members(graph, np.array(found.membership, dtype=np.int64))


def leiden_bipartite(graph: SignalGraph) -> pl.DataFrame:
    """Leiden by modularity on accounts and the values that more than one account has, unweighted."""
    return _leiden(graph, weighted=False)


def leiden_weighted(graph: SignalGraph) -> pl.DataFrame:
    """The same, each edge weighing the bits of its value: log2(accounts / accounts that have it)."""
    return _leiden(graph, weighted=True)


def neo4j_demo(graph: SignalGraph) -> pl.DataFrame:
    """The rule of Neo4j's demo of fraud detection in peer-to-peer payments, then components.

    Two accounts are one when they share a card or device of at most ten accounts, and two more identifiers.
    """
    edges = pl.DataFrame({"account": graph.account, "signal": graph.signal})
    few = _degrees(graph)[graph.signal] <= FEW
    anchors = edges.filter(pl.Series(few & _edges_of(graph, ("instrument", "device")))).lazy()
    counted = edges.filter(pl.Series(_edges_of(graph, INFRASTRUCTURE))).lazy()
    pairs = (
        anchors.join(anchors, on="signal", suffix="_other")
        .filter(pl.col("account") < pl.col("account_other"))
        .select("account", "account_other")
        .unique()
        .join(counted, on="account")
        .join(
            counted,
            left_on=["account_other", "signal"],
            right_on=["account", "signal"],
            how="semi",
        )
        .group_by("account", "account_other")
        .agg(shared=pl.len())
        .filter(pl.col("shared") >= 1 + OTHERS)
        .collect()
    )
    source, target = pairs["account"].to_numpy(), pairs["account_other"].to_numpy()
    rows = graph.accounts.height
    tied = coo_array((np.ones(len(source), dtype=np.int8), (source, target)), shape=(rows, rows))
    return _members(graph, connected_components(tied, directed=False)[1].astype(np.int64))


def two_rare_values(graph: SignalGraph) -> pl.DataFrame:
    """Components of accounts that share two values of at most ten accounts, of whatever kind: a rule of two lines."""
    few = ((_degrees(graph) > 1) & (_degrees(graph) <= FEW))[graph.signal]
    shape = (graph.accounts.height, graph.signals.height)
    has = csr_array(
        (np.ones(int(few.sum()), dtype=np.int32), (graph.account[few], graph.signal[few])), shape=shape
    )
    shared = coo_array(has @ has.T)
    two = shared.data >= 2
    linked = coo_array((shared.data[two], (shared.row[two], shared.col[two])), shape=shared.shape)
    return _members(graph, connected_components(linked, directed=False)[1].astype(np.int64))


BASELINES: dict[str, Baseline] = {
    "WCC, any shared card, device or address": wcc_any,
    "WCC, values shared by ≤ 10 only": wcc_rare,
    "Louvain on 1/(k−1) projection": louvain_projection,
    "Leiden on accounts and signals": leiden_bipartite,
    "Leiden on accounts and signals, weighted by bits": leiden_weighted,
    "Neo4j demo's rule": neo4j_demo,
}


def _leiden(graph: SignalGraph, *, weighted: bool) -> pl.DataFrame:
    degree = _degrees(graph)
    kept = (degree > 1)[graph.signal]
    rows = graph.accounts.height
    used, column = np.unique(graph.signal[kept], return_inverse=True)
    ends = np.stack([graph.account[kept].astype(np.int64), rows + column], axis=1)
    import igraph

    network = igraph.Graph(n=rows + len(used), edges=ends)
    # A value that everybody has weighs nothing, and modularity wants a sum above nothing.
    bits = np.log2(rows / degree[used])[column] if weighted and len(used) else None
    if bits is not None and not bits.any():
        bits = None
    with _seeded():
        found = network.community_leiden(objective_function="modularity", weights=bits, n_iterations=2)
    return _members(graph, np.array(found.membership, dtype=np.int64)[:rows])


def _degrees(graph: SignalGraph) -> Ints:
    return np.bincount(graph.signal, minlength=graph.signals.height)


def _edges_of(graph: SignalGraph, kinds: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which edges are of signals of `kinds`; all, if the graph has none of cards, devices and addresses."""
    kind = graph.signals["kind"]
    if not kind.is_in(INFRASTRUCTURE).any():
        return np.ones(len(graph.account), dtype=np.bool_)
    of_kind: NDArray[np.bool_] = kind.is_in(kinds).to_numpy()[graph.signal]
    return of_kind


def _components(graph: SignalGraph, kept: NDArray[np.bool_]) -> Ints:
    """Component of each account over the edges that are kept."""
    rows = graph.accounts.height
    size = rows + graph.signals.height
    ends = (graph.account[kept], rows + graph.signal[kept].astype(np.int64))
    adjacency = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(size, size))
    return connected_components(adjacency, directed=False)[1][:rows].astype(np.int64)


def _members(graph: SignalGraph, group: Ints) -> pl.DataFrame:
    return (
        pl.DataFrame({"account_id": graph.accounts["id"], "group": group})
        .filter(pl.len().over("group") >= SMALLEST)
        .select(
            "account_id",
            cluster_id=pl.format("g{}", "group"),
            membership=pl.lit(1.0),
            cluster_score=pl.lit(1.0),
        )
        .sort("cluster_id", "account_id")
    )


@contextmanager
def _seeded() -> Iterator[None]:
    """igraph draws from Python's generator unless it is given another."""
    import igraph

    igraph.set_random_number_generator(random.Random(SEED))
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)
