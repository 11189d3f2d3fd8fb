"""Find the blocks of a graph, which stay connected without any one vertex. Linear in the size of the graph.

The method is Tarjan & Vishkin 1985, "An efficient parallel biconnectivity algorithm". It needs no depth-first
search, only a few operations on whole arrays for each level of a tree. Vertices in more than one block are
the articulation points: without one of them, something comes apart (Hopcroft & Tarjan 1973).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order

from graphsvc.model.arrays import label_components
from graphsvc.types import Ints


@dataclass(frozen=True, slots=True)
class Forest:
    """A breadth-first spanning forest.

    Attributes:
        order: vertices level by level, roots first; int64.
        parent: of each vertex, -1 for a root; int64.
        levels: where each level starts in `order`, and the end of the last.
    """

    order: Ints
    parent: Ints
    levels: list[int]

    def sum_subtrees(self, weights: Ints) -> Ints:
        """Sum `weights` (int64, one a vertex) over each vertex's subtree."""
        total = weights.copy()
        # From the lowest level up, so that each level's sums are complete before its parents take them.
        for lower, upper in zip(self.levels[-2:0:-1], self.levels[:1:-1], strict=True):
            level = self.order[lower:upper]
            np.add.at(total, self.parent[level], total[level])
        return total


def build_forest(vertices: int, one: Ints, other: Ints) -> Forest:
    """Build a spanning forest of the graph with edges between `one` and `other` (parallel, vertex numbers)."""
    component = label_components(vertices, one, other)
    roots = np.unique(component, return_index=True)[1]
    # One extra vertex above all roots turns the forest into a single tree.
    top = np.full(len(roots), vertices, dtype=np.int64)
    whole = _build_matrix(vertices + 1, np.concatenate([one, top]), np.concatenate([other, roots]))
    found = breadth_first_order(whole, vertices, directed=True)
    order, parent = (each.astype(np.int64) for each in found)
    place = np.empty(vertices + 1, dtype=np.int64)
    place[order] = np.arange(vertices + 1)
    above = place[parent[order[1:]]]
    levels = [1]
    while levels[-1] < len(order):
        # A level ends where the next vertices' parents are on it.
        levels.append(1 + int(np.searchsorted(above, levels[-1])))
    parent = np.where(parent[:vertices] == vertices, -1, parent[:vertices])
    return Forest(order[1:], parent, [level - 1 for level in levels])


def find_blocks(vertices: int, one: Ints, other: Ints) -> Ints:
    """Find the block of each edge of a bipartite graph without repeated edges.

    Two edges are in one block if a cycle goes through both. An edge on no cycle is a block of its own.

    Args:
        vertices: number of vertices.
        one: one end of each edge, int64.
        other: the other end, int64, parallel.

    Returns:
        Block of each edge, int64; numbers below `vertices`.
    """
    if not len(one):
        return np.empty(0, dtype=np.int64)
    tree = build_forest(vertices, one, other)
    parent = tree.parent
    size = tree.sum_subtrees(np.ones(vertices, dtype=np.int64))
    first = _compute_preorder(tree, size)
    in_tree = (parent[one] == other) | (parent[other] == one)
    left, right = one[~in_tree], other[~in_tree]
    # For each subtree: the lowest and highest preorder number that an edge outside the tree reaches from it.
    low, high = first.copy(), first.copy()
    for a, b in ((left, right), (right, left)):
        np.minimum.at(low, a, first[b])
        np.maximum.at(high, a, first[b])
    for lower, upper in zip(tree.levels[-2:0:-1], tree.levels[:1:-1], strict=True):
        level = tree.order[lower:upper]
        np.minimum.at(low, parent[level], low[level])
        np.maximum.at(high, parent[level], high[level])
    # A tree edge is named by its lower end. A tree edge and the one above it lie on a cycle if something
    # below leaves the subtree of the vertex between them. The two tree edges that an edge outside the tree
    # joins always do: in a breadth-first tree of a bipartite graph, neither of its ends is above the other.
    below = np.flatnonzero(parent >= 0)
    between = parent[below]
    leaves = (parent[between] >= 0) & (
        (low[below] < first[between]) | (high[below] >= first[between] + size[between])
    )
    block = label_components(
        vertices, np.concatenate([below[leaves], left]), np.concatenate([between[leaves], right])
    )
    # The end with the higher preorder number names the tree edge.
    name = np.where(first[one] > first[other], one, other)
    return block[name].astype(np.int64)


def _compute_preorder(tree: Forest, size: Ints) -> Ints:
    """Compute the number of each vertex in an order that keeps each subtree contiguous."""
    first = np.zeros(len(tree.parent), dtype=np.int64)
    for number, (lower, upper) in enumerate(zip(tree.levels[:-1], tree.levels[1:], strict=True)):
        level = tree.order[lower:upper]
        before = np.cumsum(size[level]) - size[level]
        if number == 0:
            first[level] = before
            continue
        # Vertices of one parent are adjacent in a level.
        above = tree.parent[level]
        starts = np.flatnonzero(np.diff(above, prepend=-2))
        family = np.repeat(before[starts], np.diff(np.append(starts, len(level))))
        first[level] = first[above] + 1 + before - family
    return first


def _build_matrix(vertices: int, one: Ints, other: Ints) -> csr_array[Any, Any]:
    """Build the symmetric adjacency matrix."""
    ends = (np.concatenate([one, other]), np.concatenate([other, one]))
    return coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(vertices, vertices)).tocsr()
