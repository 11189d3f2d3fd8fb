"""Blocks of a graph: what stays connected whichever one vertex is taken out. Linear in the size of the graph.

Tarjan & Vishkin 1985, "An efficient parallel biconnectivity algorithm", which needs no search in depth and so is a few
operations on whole arrays a level of a tree. Vertices that lie in more than one block are those whose removal parts
something (Hopcroft & Tarjan 1973).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Forest:
    """A breadth-first spanning forest. `order` lists the vertices level by level, each tree's root on the first level.

    `parent` of each vertex (-1: a root); `levels`: where each level begins in `order`, and its end.
    """

    order: Ints
    parent: Ints
    levels: list[int]

    def sum_subtrees(self, weights: Ints) -> Ints:
        """The sum of `weights` (one a vertex) over each vertex's subtree."""
        total = weights.copy()
        for lower, upper in zip(self.levels[-2:0:-1], self.levels[:1:-1], strict=True):
            level = self.order[lower:upper]
            np.add.at(total, self.parent[level], total[level])
        return total


def build_forest(vertices: int, one: Ints, other: Ints) -> Forest:
    """A spanning forest of the graph whose edges are between `one` and `other` (parallel, vertex numbers)."""
    _, component = connected_components(_build_matrix(vertices, one, other), directed=False)
    roots = np.unique(component, return_index=True)[1]
    # A vertex of its own above the roots makes one tree of all.
    top = np.full(len(roots), vertices, dtype=np.int64)
    whole = _build_matrix(vertices + 1, np.concatenate([one, top]), np.concatenate([other, roots]))
    found = breadth_first_order(whole, vertices, directed=True)
    order, parent = (each.astype(np.int64) for each in found)
    place = np.empty(vertices + 1, dtype=np.int64)
    place[order] = np.arange(vertices + 1)
    above = place[parent[order[1:]]]
    levels = [1]
    while levels[-1] < len(order):
        # A level ends where the parents are on it.
        levels.append(1 + int(np.searchsorted(above, levels[-1])))
    parent = np.where(parent[:vertices] == vertices, -1, parent[:vertices])
    return Forest(order[1:], parent, [level - 1 for level in levels])


def find_blocks(vertices: int, one: Ints, other: Ints) -> Ints:
    """The block of each edge of a bipartite graph without repeated edges; numbers below that of vertices, int64, one
    an edge.

    Two edges are in one block when a circle goes through both; an edge on no circle is a block of its own.
    """
    if not len(one):
        return np.empty(0, dtype=np.int64)
    tree = build_forest(vertices, one, other)
    parent = tree.parent
    size = tree.sum_subtrees(np.ones(vertices, dtype=np.int64))
    first = _compute_preorder(tree, size)
    in_tree = (parent[one] == other) | (parent[other] == one)
    left, right = one[~in_tree], other[~in_tree]
    low, high = first.copy(), first.copy()
    for a, b in ((left, right), (right, left)):
        np.minimum.at(low, a, first[b])
        np.maximum.at(high, a, first[b])
    for lower, upper in zip(tree.levels[-2:0:-1], tree.levels[:1:-1], strict=True):
        level = tree.order[lower:upper]
        np.minimum.at(low, parent[level], low[level])
        np.maximum.at(high, parent[level], high[level])
    # A tree edge goes by the name of its lower end. One and the one above it lie on a circle when something below
    # leaves the subtree of the vertex between; the two that an edge outside the tree joins always do, as in a
    # breadth-first tree of a bipartite graph neither of its ends is above the other.
    below = np.flatnonzero(parent >= 0)
    between = parent[below]
    leaves = (parent[between] >= 0) & (
        (low[below] < first[between]) | (high[below] >= first[between] + size[between])
    )
    joined = _build_matrix(
        vertices,
        np.concatenate([below[leaves], left]),
        np.concatenate([between[leaves], right]),
    )
    _, block = connected_components(joined, directed=False)
    # Of an edge's ends the one that was numbered later names its tree edge.
    name = np.where(first[one] > first[other], one, other)
    return block[name].astype(np.int64)


def _compute_preorder(tree: Forest, size: Ints) -> Ints:
    """The number of each vertex in an order in which a subtree is one stretch."""
    first = np.zeros(len(tree.parent), dtype=np.int64)
    for number, (lower, upper) in enumerate(zip(tree.levels[:-1], tree.levels[1:], strict=True)):
        level = tree.order[lower:upper]
        before = np.cumsum(size[level]) - size[level]
        if number == 0:
            first[level] = before
            continue
        # Those of one parent stand together.
        above = tree.parent[level]
        starts = np.flatnonzero(np.diff(above, prepend=-2))
        family = np.repeat(before[starts], np.diff(np.append(starts, len(level))))
        first[level] = first[above] + 1 + before - family
    return first


def _build_matrix(vertices: int, one: Ints, other: Ints) -> csr_array[Any, Any]:
    ends = (np.concatenate([one, other]), np.concatenate([other, one]))
    return coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(vertices, vertices)).tocsr()
