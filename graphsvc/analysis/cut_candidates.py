"""Where a cluster could be cut, and which of its accounts no cheap cut parts: the search behind `campaigns.cut`."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ENOUGH = 2**30
"""A capacity that is never reached, a cost that no cut has."""
PRECISION = 1_000
"""Bits are counted in thousandths, so that sums are exact."""
DIRECTIONS, STEPS = 4, 60
"""Orders of accounts that are tried, and steps of the walk by which they are found."""
FLOWS = 2
"""The best orders are improved by flows."""
ROUNDS, SOON = 2, 2_000
"""How often groups are made larger, unless there are so few of them that it is soon done."""
PER_USER = (0.0, 1.0)
"""What each user of a value on the smaller side adds to its cost, as a share of it, while a cut is looked for."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Nodes of `weight` accounts each, which use values: parallel `node`, `value`, sorted by node, then value; `cost`
    of each value in thousandths of a bit."""

    weight: Ints
    node: Ints
    value: Ints
    cost: Ints

    def build_matrix(self) -> csr_array:
        """Nodes by values, ones."""
        shape = (len(self.weight), len(self.cost))
        return coo_array((np.ones(len(self.node)), (self.node, self.value)), shape=shape).tocsr()

    def merge_nodes(self, label: Ints) -> "Shared":
        """Nodes of one label (numbers from 0) made one; values of a single node, or of the same nodes, are merged."""
        weight = np.bincount(label, weights=self.weight).astype(np.int64)
        values = len(self.cost)
        pairs = np.unique(self.value * len(weight) + label[self.node])
        value, node = pairs // len(weight), pairs % len(weight)
        size = np.bincount(value, minlength=values)
        kept = size[value] > 1
        value, node = value[kept], node[kept]
        starts = np.flatnonzero(np.diff(value, prepend=-1))
        sizes = np.diff(np.append(starts, len(value)))
        same: dict[bytes, int] = {}
        number = np.array(
            [
                same.setdefault(node[a:b].tobytes(), len(same))
                for a, b in zip(starts, starts + sizes, strict=True)
            ],
            dtype=np.int64,
        )
        cost = np.bincount(number, weights=self.cost[value[starts]]).astype(np.int64)
        stays = np.zeros(len(starts), dtype=np.bool_)
        stays[np.unique(number, return_index=True)[1]] = True
        which = np.repeat(stays, sizes)
        of = np.repeat(number, sizes)[which]
        node = node[which]
        order = np.lexsort((of, node))
        return Shared(weight, node[order], of[order], cost)


def find_components(shared: Shared, gone: Bools) -> Ints:
    """What any use connects but for some (bool, one a use): the part of each node."""
    nodes = len(shared.weight)
    size = nodes + len(shared.cost)
    ends = (shared.node[~gone], nodes + shared.value[~gone])
    graph = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    found: Ints = part[:nodes].astype(np.int64)
    return found


def find_sides(shared: Shared, order: Ints, least: int) -> list[Bools]:
    """Sides worth trying: orders cut at their cheapest places, and flows between the ends of the best orders.

    Args:
        order: of `closest_first`, which is cut too.
    """
    orders = [np.lexsort((np.arange(len(along)), along)) for along in _compute_directions(shared)]
    found: list[Bools] = []
    for extra in PER_USER:
        swept = [
            (*_find_cheapest_place(shared, along, least, extra), number)
            for number, along in enumerate(orders)
        ]
        for _, place, number in sorted(swept)[:FLOWS]:
            along = orders[number]
            found += [
                _select_first(along, place),
                split_by_flow(shared, along[:least], along[-least:], extra)[0],
            ]
        found.append(_select_first(order, _find_cheapest_place(shared, order, least, extra)[1]))
    return found


def _select_first(order: Ints, place: int) -> Bools:
    """The side of those before a place."""
    side = np.zeros(len(order), dtype=np.bool_)
    side[order[:place]] = True
    return side


def _compute_directions(shared: Shared) -> list[NDArray[np.float64]]:
    """Positions of the nodes along the slowest directions of the walk node, value, node; one array a direction.

    Sums run in the order of rows, so that they are the same whatever the number of threads.
    """
    uses = shared.build_matrix()
    size = np.bincount(shared.value, minlength=len(shared.cost))
    per_use = shared.cost / np.maximum(size, 1)
    degree = np.maximum(uses @ shared.cost.astype(np.float64), 1.0)
    found: list[NDArray[np.float64]] = []
    base = [np.ones(len(degree))]
    walk = np.random.default_rng(0).standard_normal((len(degree), DIRECTIONS))
    back = uses.T.tocsr()
    for _ in range(STEPS):
        walk = 0.5 * (walk + (uses @ (per_use[:, None] * (back @ walk))) / degree[:, None])
        found = []
        for column in range(DIRECTIONS):
            along = walk[:, column].copy()
            for other in (*base, *found):
                weighted = degree * other
                along -= other * (np.add.reduce(along * weighted) / np.add.reduce(other * weighted))
            norm = np.sqrt(np.add.reduce(degree * along * along))
            found.append(along / norm if norm > 0.0 else along)
        walk = np.column_stack(found)
    return [along for along in found if np.ptp(along) > 0.0] or [np.arange(len(degree), dtype=np.float64)]


def _find_cheapest_place(shared: Shared, order: Ints, least: int, extra: float) -> tuple[int, int]:
    """What it costs to cut an order at the cheapest place, and which that is."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    at = place[shared.node]
    by_value = np.lexsort((at, shared.value))
    value, at = shared.value[by_value], at[by_value]
    size = np.bincount(value, minlength=len(shared.cost))
    rank = np.arange(len(value)) - (np.cumsum(size) - size)[value] + 1
    # A value costs from its first user on and no more from its last; its users on the smaller side, one by one.
    once = (rank == 1).astype(np.int64) - (rank == size[value])
    each = np.sign(size[value] + 1 - 2 * rank)
    change = np.zeros(len(order) + 1, dtype=np.int64)
    np.add.at(
        change, at + 1, shared.cost[value] * once + (extra * shared.cost[value]).astype(np.int64) * each
    )
    total = np.cumsum(change)[least : len(order) - least + 1]
    best = int(np.argmin(total))
    return int(total[best]), least + best


def split_by_flow(shared: Shared, these: Ints, those: Ints, extra: float = 0.0) -> tuple[Bools, int]:
    """The cheapest cut between two sets of nodes, a maximum flow: the side of `these`, and what it costs.

    Args:
        extra: of `PER_USER`.
    """
    # All of a set are one vertex: 0 and 1. Between a value's two vertices there is room for its cost, and a third one
    # has room for what each of its users adds; where only two use it, that is an edge between them.
    vertex = np.full(len(shared.weight), -1, dtype=np.int64)
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
    rest = (network - flow.flow).tocsr()
    rest.eliminate_zeros()
    reached = np.zeros(total, dtype=np.bool_)
    reached[breadth_first_order(rest, 0, return_predecessors=False)] = True
    return reached[vertex], int(flow.flow_value)


def group_inseparable(shared: Shared, order: Ints, close: Ints, cost: int) -> tuple[Ints, Shared]:
    """Groups of nodes that no cut cheaper than `cost` parts. Returns the group of each node, and the groups.

    Args:
        order, close: of `closest_first`.
    """
    label = np.arange(len(shared.weight), dtype=np.int64)
    rounds = 0
    while (close[1:] >= cost).any() and (rounds < ROUNDS or len(order) < SOON):
        rounds += 1
        group = np.zeros(len(order), dtype=np.int64)
        group[order[1:]] = np.cumsum(close[1:] < cost)
        shared, label = shared.merge_nodes(group), group[label]
        order, close = order_by_closeness(shared)
    return label, shared


def order_by_closeness(shared: Shared) -> tuple[Ints, Ints]:
    """Nodes in the order in which each next shares most with all before it, and how much (the first: nothing)."""
    by_value = shared.build_matrix().T.tocsr()
    values_of = np.split(shared.value, np.cumsum(np.bincount(shared.node, minlength=len(shared.weight)))[:-1])
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
        if done[node] or -key != bits[node]:
            continue
        done[node] = True
        order.append(node)
        for value in values[node]:
            if seen[value]:
                continue
            seen[value] = True
            for other in nodes[value]:
                if not done[other]:
                    bits[other] += cost[value]
                    heapq.heappush(heap, (-bits[other], other))
    ordered = np.array(order, dtype=np.int64)
    return ordered, np.array(bits, dtype=np.int64)[ordered]


def find_tight_groups(shared: Shared, order: Ints, close: Ints, least: int) -> list[Bools]:
    """The groups of accounts that share most among each other and least with all others; a few, of at least
    `least`."""
    run = np.full(len(order), -1, dtype=np.int64)
    for number, (begin, end, _) in enumerate(_find_runs(close, least)):
        run[order[begin : end + 1]] = number
    runs = int(run.max(initial=-1)) + 1
    inside = run[shared.node] >= 0
    pairs, users = np.unique(
        shared.value[inside] * max(runs, 1) + run[shared.node[inside]], return_counts=True
    )
    value, number = pairs // max(runs, 1), pairs % max(runs, 1)
    crossing = users < np.bincount(shared.value, minlength=len(shared.cost))[value]
    cost = np.bincount(number[crossing], weights=shared.cost[value[crossing]], minlength=runs)
    fits = np.bincount(run[run >= 0], minlength=runs) <= len(order) - least
    best = [each for each in np.argsort(cost, kind="stable") if fits[each]][:FLOWS]
    return [run == each for each in best]


def _find_runs(close: Ints, least: int) -> list[tuple[int, int, int]]:
    """Stretches of the order that grow, the closest neighbours first, until they have `least` accounts: first, last
    and the least closeness in it; none in another."""
    first = np.arange(len(close))
    last = first.copy()
    found: list[tuple[int, int, int]] = []
    for place in np.argsort(-close[1:], kind="stable") + 1:
        begin, end = first[place - 1], last[place]
        before, after = place - begin, end - place + 1
        first[end], last[begin] = begin, end
        if before < least and after < least <= before + after:
            found.append((int(begin), int(end), int(close[place])))
    return found


def compute_bound(close: Ints, most: int) -> int:
    """A cost that no cut is below which leaves at most `most` accounts on either side.

    More accounts than fit on a side, whose neighbours are all as close as this, are parted by every cut.

    Args:
        close: of `closest_first`, of single accounts.
    """
    return max((least for _, _, least in _find_runs(close, most + 1)), default=0)
