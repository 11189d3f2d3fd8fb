"""Find candidate cuts of a cluster, for `analysis.cut`."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from graphsvc.model.arrays import label_components
from graphsvc.types import Flags, Ints

ENOUGH = 2**30
"""Capacity that no flow reaches, and cost that no cut has."""
PRECISION = 1_000
"""Units a bit: costs are thousandths of a bit, so that sums are exact."""
DIRECTIONS, STEPS = 4, 60
"""Number of directions of the walk, and steps to find them."""
FLOWS = 2
"""Best orders that flows improve, and groups returned by `find_tight_groups`."""
PER_USER = (0.0, 1.0)
"""Extra cost of each user of a value on the smaller side, as a share of its cost, while candidates are
searched."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Accounts that use values; they are the nodes of the graphs here.

    Attributes:
        nodes: number of accounts.
        node: of each use, int64, sorted by node, then value.
        value: of each use, int64, parallel.
        cost: of each value, in thousandths of a bit, int64.
    """

    nodes: int
    node: Ints
    value: Ints
    cost: Ints

    def build_matrix(self) -> csr_array:
        """Build the matrix of nodes by values, with ones."""
        shape = (self.nodes, len(self.cost))
        return coo_array((np.ones(len(self.node)), (self.node, self.value)), shape=shape).tocsr()


def find_components(shared: Shared, gone: Flags) -> Ints:
    """Find what the uses connect without some (`gone`, bool, one a use): the part of each node, int64."""
    size = shared.nodes + len(shared.cost)
    part = label_components(size, shared.node[~gone], shared.nodes + shared.value[~gone])
    found: Ints = part[: shared.nodes].astype(np.int64)
    return found


def find_sides(shared: Shared, order: Ints, least: int) -> list[Flags]:
    """Find sides worth trying: orders cut at their cheapest places, and flows between the ends of the best orders.

    Args:
        shared: nodes and values.
        order: of `order_by_closeness`, which is cut too.
        least: accounts of either side.
    """
    orders = [np.lexsort((np.arange(len(along)), along)) for along in _compute_directions(shared)]
    found: list[Flags] = []
    for extra in PER_USER:
        swept = [
            (*_find_cheapest_place(shared, along, least, extra), number)
            for number, along in enumerate(orders)
        ]
        for _, place, number in sorted(swept)[:FLOWS]:
            along = orders[number]
            found += [
                _select_first(along, place),
                split_by_flow(shared, along[:least], along[-least:], extra),
            ]
        found.append(_select_first(order, _find_cheapest_place(shared, order, least, extra)[1]))
    return found


def _select_first(order: Ints, place: int) -> Flags:
    """Return the side of the first `place` nodes of an order."""
    side = np.zeros(len(order), dtype=np.bool_)
    side[order[:place]] = True
    return side


def _compute_directions(shared: Shared) -> list[NDArray[np.float64]]:
    """Compute positions of the nodes along the slowest directions of the walk node, value, node.

    Sums run in the order of rows, so that they are the same whatever the number of threads.

    Returns:
        One float64 array, one value a node, for each direction.
    """
    uses = shared.build_matrix()
    size = np.bincount(shared.value, minlength=len(shared.cost))
    per_use = shared.cost / np.maximum(size, 1)
    degree = np.maximum(uses @ shared.cost.astype(np.float64), 1.0)
    found: list[NDArray[np.float64]] = []
    base = [np.ones(len(degree))]
    # Power iteration from a fixed random start, so that every run finds the same directions.
    walk = np.random.default_rng(0).standard_normal((len(degree), DIRECTIONS))
    back = uses.T.tocsr()
    for _ in range(STEPS):
        walk = 0.5 * (walk + (uses @ (per_use[:, None] * (back @ walk))) / degree[:, None])
        found = []
        for column in range(DIRECTIONS):
            along = walk[:, column].copy()
            # Gram-Schmidt against the constant direction and the slower ones found before.
            for other in (*base, *found):
                weighted = degree * other
                along -= other * (np.add.reduce(along * weighted) / np.add.reduce(other * weighted))
            norm = np.sqrt(np.add.reduce(degree * along * along))
            found.append(along / norm if norm > 0.0 else along)
        walk = np.column_stack(found)
    return [along for along in found if np.ptp(along) > 0.0] or [np.arange(len(degree), dtype=np.float64)]


def _find_cheapest_place(shared: Shared, order: Ints, least: int, extra: float) -> tuple[int, int]:
    """Return the cost of cutting an order at its cheapest place, and that place."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    at = place[shared.node]
    by_value = np.lexsort((at, shared.value))
    value, at = shared.value[by_value], at[by_value]
    size = np.bincount(value, minlength=len(shared.cost))
    rank = np.arange(len(value)) - (np.cumsum(size) - size)[value] + 1
    # A value costs from its first user on, until its last. The extra cost grows with its users on the smaller
    # side.
    once = (rank == 1).astype(np.int64) - (rank == size[value])
    each = np.sign(size[value] + 1 - 2 * rank)
    change = np.zeros(len(order) + 1, dtype=np.int64)
    np.add.at(
        change, at + 1, shared.cost[value] * once + (extra * shared.cost[value]).astype(np.int64) * each
    )
    total = np.cumsum(change)[least : len(order) - least + 1]
    best = int(np.argmin(total))
    return int(total[best]), least + best


def split_by_flow(shared: Shared, these: Ints, those: Ints, extra: float = 0.0) -> Flags:
    """Compute the cheapest cut between two sets of nodes by a maximum flow.

    Args:
        shared: nodes and values.
        these: nodes of one side, int64.
        those: nodes of the other side, int64.
        extra: of `PER_USER`.

    Returns:
        The side of `these`, bool, one a node.
    """
    # Each set is one vertex, 0 and 1. A value is two vertices with its cost as capacity between them. A third
    # vertex has capacity for what each of its users adds. A value of only two users is an edge between them.
    vertex = np.full(shared.nodes, -1, dtype=np.int64)
    vertex[these], vertex[those] = 0, 1
    free = vertex < 0
    vertex[free] = 2 + np.arange(int(free.sum()))
    vertices = 2 + int(free.sum())
    keys, times = np.unique(shared.value * vertices + vertex[shared.node], return_counts=True)
    value, end = keys // vertices, keys % vertices
    size = np.bincount(value, minlength=len(shared.cost))
    users = np.bincount(shared.value, minlength=len(shared.cost))
    edge, many = size[value] == 2, size[value] > 2
    left, right, pair = end[edge][0::2], end[edge][1::2], value[edge][0::2]
    fewer = np.minimum(times[edge][0::2], users[pair] - times[edge][0::2])
    cost = shared.cost[pair] + (extra * shared.cost[pair] * fewer).astype(np.int64)
    names, number = np.unique(value[many], return_inverse=True)
    enter, leave, middle = (vertices + place * len(names) + number for place in range(3))
    inner = vertices + np.arange(len(names))
    added = (extra * shared.cost[value[many]] * times[many]).astype(np.int64)
    room = np.full(int(many.sum()), ENOUGH)
    rows = np.concatenate([left, right, end[many], leave, inner, end[many], middle])
    columns = np.concatenate([right, left, enter, end[many], inner + len(names), middle, end[many]])
    capacity = np.concatenate([cost, cost, room, room, shared.cost[names], added, added])
    total = vertices + 3 * len(names)
    network = coo_array((capacity, (rows, columns)), shape=(total, total)).tocsr()
    network.data = np.minimum(network.data, ENOUGH)
    network = network.astype(np.int32)
    flow = maximum_flow(network, 0, 1)
    # The side of the cut: all that the first set still reaches through unused capacity.
    rest = (network - flow.flow).tocsr()
    rest.eliminate_zeros()
    reached = np.zeros(total, dtype=np.bool_)
    reached[breadth_first_order(rest, 0, return_predecessors=False)] = True
    side: Flags = reached[vertex]
    return side


def order_by_closeness(shared: Shared) -> tuple[Ints, Ints]:
    """Order nodes so that each next one shares most with all before it.

    Returns:
        Order, int64, and the cost shared with all before, int64, 0 for the first; both in that order.
    """
    by_value = shared.build_matrix().T.tocsr()
    values_of = np.split(shared.value, np.cumsum(np.bincount(shared.node, minlength=shared.nodes))[:-1])
    nodes_of = np.split(by_value.indices, by_value.indptr[1:-1])
    values = [each.tolist() for each in values_of]
    nodes = [each.tolist() for each in nodes_of]
    cost = shared.cost.tolist()
    bits = [0] * len(values)
    done = [False] * len(values)
    seen = [False] * len(cost)
    heap = [(0, node) for node in range(len(values))]
    order = []
    while heap:
        key, node = heapq.heappop(heap)
        # A stale entry: the node was taken, or its cost has grown since it was pushed.
        if done[node] or -key != bits[node]:
            continue
        done[node] = True
        order.append(node)
        for value in values[node]:
            # A value counts once, when its first user is taken.
            if seen[value]:
                continue
            seen[value] = True
            for other in nodes[value]:
                if not done[other]:
                    bits[other] += cost[value]
                    heapq.heappush(heap, (-bits[other], other))
    ordered = np.array(order, dtype=np.int64)
    return ordered, np.array(bits, dtype=np.int64)[ordered]


def find_tight_groups(shared: Shared, order: Ints, close: Ints, least: int) -> list[Flags]:
    """Find a few groups of at least `least` accounts that share most inside and least with others."""
    run = np.full(len(order), -1, dtype=np.int64)
    for number, (begin, end) in enumerate(_find_runs(close, least)):
        run[order[begin : end + 1]] = number
    runs = int(run.max(initial=-1)) + 1
    inside = run[shared.node] >= 0
    pairs, users = np.unique(
        shared.value[inside] * max(runs, 1) + run[shared.node[inside]], return_counts=True
    )
    value, number = pairs // max(runs, 1), pairs % max(runs, 1)
    crossing = users < np.bincount(shared.value, minlength=len(shared.cost))[value]
    cost = np.bincount(number[crossing], weights=shared.cost[value[crossing]], minlength=runs)
    # The other side needs `least` accounts too.
    fits = np.bincount(run[run >= 0], minlength=runs) <= len(order) - least
    best = [each for each in np.argsort(cost, kind="stable") if fits[each]][:FLOWS]
    return [run == each for each in best]


def _find_runs(close: Ints, least: int) -> list[tuple[int, int]]:
    """Find stretches of the order that grow from the closest neighbours until they have `least` accounts.

    Returns:
        First and last place of each; none inside another.
    """
    first = np.arange(len(close))
    last = first.copy()
    found: list[tuple[int, int]] = []
    for place in np.argsort(-close[1:], kind="stable") + 1:
        begin, end = first[place - 1], last[place]
        before, after = place - begin, end - place + 1
        first[end], last[begin] = begin, end
        if before < least and after < least <= before + after:
            found.append((int(begin), int(end)))
    return found
