"""Find the members that hold a cluster together, and leave those that hang on by a single value or account.

A family whose card was stolen by one member of a campaign, or through whose router the campaign goes, hangs on at one
place. Inside it is tied closely, by its own card, devices and address. Were these taken for the campaign's, the family
would vouch for itself. Only what is connected in two independent ways makes the pools that others are weighed by.
"""

from itertools import chain

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import Evidence, find_leading, pools
from graphsvc.model.arrays import find_starts, flag_starts, sign_values
from graphsvc.types import Ints

LARGE_PART = 0.2
"""Share of a cluster's members that make a part of its backbone by themselves, however they hang on: hands of a few
accounts with a card each, connected by one account. Of families in development worlds 98 % are smaller parts."""


def find_backbone(given: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Find the members of each cluster that its pools connect in two independent ways.

    Members and the values of their cluster's pool are a bipartite graph. Its blocks (Hopcroft & Tarjan 1973) hang
    together by more than one member or value. The largest block, and others that are large parts of the cluster, are
    the backbone. Values that the same members have are one value. A cluster without a block is its own backbone.

    Args:
        given: what accounts are weighed by.
        members: cluster, account (int32), sorted; an account is in one cluster at most.

    Returns:
        The rows of the backbone, sorted.
    """
    pool = pools(given, members).filter(pl.col("level") == 0)
    pool = pool.filter(pl.Series(find_leading(given, pool), dtype=pl.Boolean))
    row, value, passing = given.uses.pooled(members, pool)
    row, value = (np.asarray(uses[~passing], dtype=np.int64) for uses in (row, value))
    if not len(row):
        return members
    block, member = find_blocks(row, _merge_equal(row, value, members.height), members.height)
    cluster = members["cluster"].to_numpy()
    size = np.bincount(block)
    of = np.zeros(len(size), dtype=np.int64)
    of[block] = cluster[member]
    # The largest block of each cluster; of equally large ones the first.
    order = np.lexsort((-size, of))
    largest = order[flag_starts(of[order])]
    chosen = size >= LARGE_PART * np.bincount(cluster, minlength=int(of.max(initial=0)) + 1)[of]
    chosen[largest] = True
    kept = np.zeros(members.height, dtype=np.bool_)
    kept[member[chosen[block]]] = True
    kept |= ~np.isin(cluster, of)
    return members.filter(pl.Series(kept))


def find_blocks(row: Ints, value: Ints, rows: int) -> tuple[Ints, Ints]:
    """Find the blocks (biconnected components) with at least two rows of a bipartite graph.

    Args:
        row: (edges,) int64, the row of each edge.
        value: (edges,) int64, the value of each edge; each edge once.
        rows: number of rows; rows that are in no edge are in no block.

    Returns:
        block, row: parallel, sorted. Blocks are numbered from 0 by their smallest rows; a row is in several where
        it connects them.
    """
    kept = _prune_leaves(row, value)
    row, value = row[kept], value[kept]
    if not len(row):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # Networkit and what it brings take a second to import, which no other command than a detection should wait for.
    from graphsvc.community.graphs import networkit

    names, row = np.unique(row, return_inverse=True)
    values, value = np.unique(value, return_inverse=True)
    # Values are numbered after the rows, so that one graph holds both sides.
    ends = (row.astype(np.uint64), (len(names) + value).astype(np.uint64))
    count = len(names) + len(values)
    graph = networkit.GraphFromCoo((np.ones(len(row)), ends), n=count, weighted=False, directed=False)
    found = networkit.components.BiconnectedComponents(graph).run().getComponents()
    block = np.repeat(np.arange(len(found)), [len(nodes) for nodes in found])
    node = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=len(block))
    block, node = block[node < len(names)], node[node < len(names)]
    several = np.bincount(block, minlength=len(found))[block] > 1
    block, node = block[several], node[several]
    order = np.lexsort((node, block))
    block, node = block[order], node[order]
    # Two blocks have one node in common at most, so that their two smallest rows tell them apart.
    first = find_starts(block)
    number = np.empty(len(first), dtype=np.int64)
    number[np.lexsort((node[first + 1], node[first]))] = np.arange(len(first))
    block = np.repeat(number, np.diff(np.append(first, len(block))))
    order = np.lexsort((node, block))
    return block[order], names[node[order]]


def _prune_leaves(row: Ints, value: Ints) -> Ints:
    """Prune rows and values with one edge until there are none: they are in no block of two rows.

    Returns:
        The edges that are left, int64, ascending.
    """
    left = np.arange(len(row))
    while True:
        ends = row[left], value[left]
        inner = (np.bincount(ends[0])[ends[0]] > 1) & (np.bincount(ends[1])[ends[1]] > 1)
        if inner.all():
            return left
        left = left[inner]


def _merge_equal(row: Ints, value: Ints, rows: int) -> Ints:
    """Give one number to all values that the same rows have: bands of one template are one value."""
    return np.unique(sign_values(row, value, rows), return_inverse=True)[1][value].astype(np.int64)
