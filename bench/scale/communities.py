"""What peers find in the same links: igraph and networkx, and what a partition is worth. No I/O."""

import random
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.baselines import SEED, SMALLEST
from graphsvc.model.links import Links

if TYPE_CHECKING:
    from graphsvc.model.graph import SignalGraph

Ints = NDArray[np.int64]


def igraph_leiden(links: Links) -> Ints:
    """igraph's Leiden by modularity, two rounds as its documentation advises; community of each account."""
    import igraph

    ends = np.stack([links.source, links.target], axis=1)
    network = igraph.Graph(n=links.nodes, edges=ends)
    igraph.set_random_number_generator(random.Random(SEED))
    found = network.community_leiden(objective_function="modularity", weights=links.bits, n_iterations=2)
    return np.array(found.membership, dtype=np.int64)


def networkx_louvain(links: Links) -> Ints:
    """networkx's Louvain; community of each account."""
    import networkx as nx

    network = nx.Graph()
    network.add_weighted_edges_from(
        zip(links.source.tolist(), links.target.tolist(), links.bits.tolist(), strict=True)
    )
    community = np.arange(links.nodes, dtype=np.int64) + links.nodes
    for number, group in enumerate(nx.community.louvain_communities(network, seed=SEED)):
        community[list(group)] = number
    return community


def modularity(links: Links, community: NDArray[np.integer]) -> float:
    """Weighted modularity of a partition of the linked accounts (Newman & Girvan 2004), resolution 1."""
    total = float(links.bits.sum())
    if not total:
        return 0.0
    _, label = np.unique(community, return_inverse=True)
    strength = np.bincount(links.source, links.bits, links.nodes) + np.bincount(
        links.target, links.bits, links.nodes
    )
    inside = links.bits[label[links.source] == label[links.target]].sum()
    of_group = np.bincount(label, strength)
    return float(inside / total - ((of_group / (2 * total)) ** 2).sum())


def members(graph: "SignalGraph", community: NDArray[np.integer]) -> pl.DataFrame:
    """Communities of `SMALLEST` accounts or more as members: account_id, cluster_id, membership, cluster_score.

    Nothing here grades what it finds, so the last two are 1.
    """
    found = pl.DataFrame({"account_id": graph.accounts["id"], "cluster_id": community})
    return (
        found.filter((pl.len().over("cluster_id") >= SMALLEST) & (pl.col("cluster_id") >= 0))
        .with_columns(pl.col("cluster_id").cast(pl.String), membership=pl.lit(1.0), cluster_score=pl.lit(1.0))
        .sort("cluster_id", "account_id")
    )
