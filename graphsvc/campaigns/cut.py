"""The smallest evidence cut: what would have to be left out of account for a cluster to be two.

**Definition.** Values are discarded, each for its bits once, however many use it, so that two parts of at least so
many accounts each remain, connected in themselves; the cut is the cheapest set of values that does it. So it is also
the cheapest division of the accounts into two sides that each still hold such a part when everything is discarded
that both sides use: a minimum cut of a hypergraph, whose edges are the values, with a bound on its sides, which is
NP-hard. A cut is found, and apart from that as much as can be is proved.

**Found.** Accounts are laid in the order of slowly mixing directions of a random walk between accounts and values
(Dhillon 2001, "Co-clustering documents and words", section 4). Each order is cut at its cheapest place, and improved
by a maximum flow from one end to the other, with the ends as large as a side must be: the cheapest of all cuts that
leave these ends apart (Lang & Rao 2004; Andersen & Lang 2008). A value becomes two vertices with its bits between
them (Lawler 1973, "Cutsets and partitions of hypergraphs"). That it costs more to divide many users of a value than
few is tried too, since a value that all of a part hangs by is cheap to discard, and leaves no part.

**Proved.** In an order in which each next account is the one that shares most bits with all before it, no cut between
one and the next is cheaper than those bits (Klimmek & Wagner 1996, for hypergraphs; Nagamochi & Ibaraki 1992). So
accounts that no cheaper cut than the one found can part are made one, again and again. When few are left, all
divisions of them are tried, and the result is exact. Otherwise it is an upper bound, beside the most bits below which
no cut can part so many of the accounts.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Parting = Callable[[Bools], Ints]
"""The part of each account when some of the values (bool, one a value) are gone."""

PRECISION = 1_000
"""Bits are counted in thousandths, so that sums are exact."""
FEW = 12
"""Of so many accounts, or groups of them, all divisions are tried."""
DIRECTIONS, STEPS = 4, 60
"""Orders of accounts that are tried, and steps of the walk by which they are found."""
FLOWS = 2
"""The best orders are improved by flows."""
PER_USER = (0.0, 0.2)
"""What each user of a value on the smaller side adds to its cost, as a share of it, while a cut is looked for."""
CHECKS = 100
"""Cheaper divisions of a large cluster that are tried at most, to prove a cut the smallest."""
ENOUGH = 2**30
"""A capacity that is never reached, a cost that no cut has."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The cheapest way found to make one two.

    `values` (int64): what must go; `bits` what that costs. `part` (int64, one an account): the parts that remain. No
    cut costs less than `at_least`; `exact`: this one costs no more.
    """

    values: Ints
    bits: float
    part: Ints
    at_least: float
    exact: bool


@dataclass(frozen=True, slots=True)
class _Shared:
    """Nodes of `weight` accounts each, which use values: parallel `node`, `value`, sorted by node, then value; `cost`
    of each value in thousandths of a bit."""

    weight: Ints
    node: Ints
    value: Ints
    cost: Ints

    def matrix(self) -> csr_array:
        """Nodes by values, ones."""
        shape = (len(self.weight), len(self.cost))
        return coo_array((np.ones(len(self.node)), (self.node, self.value)), shape=shape).tocsr()

    def merged(self, label: Ints) -> "_Shared":
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
        return _Shared(weight, node[order], of[order], cost)


def smallest_cut(
    accounts: int,
    account: NDArray[np.int32],
    value: NDArray[np.int32],
    bits: NDArray[np.float64],
    least: int,
    parting: Parting | None = None,
    hints: Sequence[Bools] = (),
) -> Cut | None:
    """The cheapest values without which two parts of at least `least` accounts remain of connected ones.

    Args:
        accounts: how many there are.
        account, value: parallel, who uses what, no pair twice, sorted by account, then value.
        bits: of each value, positive.
        parting: what is connected without some values; None: what any other value connects. Never more than that.
        hints: sides (bool, one an account) that are tried too.

    Returns: None if no such cut was found.
    """
    if accounts < 2 * least:
        return None
    cost = np.round(bits * PRECISION).astype(np.int64)
    ones = np.ones(accounts, dtype=np.int64)
    shared = _Shared(ones, account.astype(np.int64), value.astype(np.int64), cost)
    search = _Search(shared, least, parting or _components(shared))
    if accounts <= FEW:
        proved = search.enumerate(np.arange(accounts), shared, 1 << FEW)
        return search.cut(bits, ENOUGH if proved else 0)
    for side in (*hints, *_candidates(shared, least)):
        search.consider(side)
    order, close = _closest_first(shared)
    label, groups = _inseparable(shared, order, close, search.best)
    if len(groups.weight) <= FEW and search.enumerate(label, groups, CHECKS):
        return search.cut(bits, ENOUGH)
    return search.cut(bits, _bound(close, accounts - least))


class _Search:
    """The cheapest cut so far."""

    def __init__(self, shared: _Shared, least: int, parting: Parting) -> None:
        self.best = ENOUGH
        self._shared = shared
        self._least = least
        self._parting = parting
        self._size = np.bincount(shared.value, minlength=len(shared.cost))
        self._gone = np.zeros(len(shared.cost), dtype=np.bool_)
        self._part = np.zeros(len(shared.weight), dtype=np.int64)

    def _crossing(self, side: Bools) -> tuple[Bools, int]:
        """The values that both sides use, and what they cost."""
        inside = np.bincount(self._shared.value[side[self._shared.node]], minlength=len(self._size))
        gone = (inside > 0) & (inside < self._size)
        return gone, int(self._shared.cost[gone].sum())

    def consider(self, side: Bools) -> None:
        """Takes the division if it is a cut and cheaper, or better what remains of it as a part."""
        sides = [side]
        while sides:
            tried = sides.pop()
            gone, cost = self._crossing(tried)
            if cost >= self.best:
                continue
            part = self._parting(gone)
            largest = [self._largest(part, tried), self._largest(part, ~tried)]
            if min(int((part == number).sum()) for number in largest) < self._least:
                continue
            self.best, self._gone, self._part = cost, gone, part
            # What else is on a side with the part may hang more cheaply on the other.
            sides = [part == number for number in largest]

    @staticmethod
    def _largest(part: Ints, side: Bools) -> int:
        return int(np.argmax(np.bincount(part[side], minlength=1))) if side.any() else -1

    def enumerate(self, label: Ints, groups: _Shared, most: int) -> bool:
        """Tries the divisions of a few groups, the cheapest first. Returns whether all that are cheaper were tried."""
        sides, costs = _divisions(groups, self._least)
        for tried, (side, cost) in enumerate(zip(sides, costs.tolist(), strict=True)):
            if cost >= self.best:
                return True
            if tried >= most:
                return False
            self.consider((side >> np.arange(len(groups.weight)) & 1).astype(np.bool_)[label])
        return True

    def cut(self, bits: NDArray[np.float64], at_least: int) -> Cut | None:
        """The result, if there is one; `at_least` is a cost that no cut is below."""
        if self.best == ENOUGH:
            return None
        total = float(np.add.reduce(bits[self._gone]))
        exact = at_least >= self.best
        return Cut(
            np.flatnonzero(self._gone), total, self._part, total if exact else at_least / PRECISION, exact
        )


def _components(shared: _Shared) -> Parting:
    def parts(gone: Bools) -> Ints:
        uses = ~gone[shared.value]
        nodes = len(shared.weight)
        size = nodes + len(gone)
        ends = (shared.node[uses], nodes + shared.value[uses])
        graph = coo_array((np.ones(int(uses.sum()), dtype=np.int8), ends), shape=(size, size))
        _, part = connected_components(graph, directed=False)
        return part[:nodes].astype(np.int64)

    return parts


def _divisions(shared: _Shared, least: int) -> tuple[Ints, Ints]:
    """All divisions of a few nodes with enough accounts on both sides, as bits, and their costs, the cheapest
    first."""
    nodes = len(shared.weight)
    mask = np.zeros(len(shared.cost), dtype=np.int64)
    np.add.at(mask, shared.value, 1 << shared.node)
    # The last node stands on the other side: each division once.
    sides = np.arange(1, 1 << (nodes - 1))
    weight = np.zeros(len(sides), dtype=np.int64)
    for node in range(nodes - 1):
        weight += (sides >> node & 1) * shared.weight[node]
    sides = sides[(weight >= least) & (weight <= shared.weight.sum() - least)]
    masks, where = np.unique(mask, return_inverse=True)
    total = np.zeros(len(sides), dtype=np.int64)
    for one, cost in zip(masks, np.bincount(where, weights=shared.cost).astype(np.int64), strict=True):
        common = sides & one
        total += cost * ((common != 0) & (common != one))
    order = np.argsort(total, kind="stable")
    return sides[order], total[order]


def _candidates(shared: _Shared, least: int) -> list[Bools]:
    """Sides worth trying: orders cut at their cheapest places, and flows between the ends of the best orders."""
    orders = [np.lexsort((np.arange(len(along)), along)) for along in _directions(shared)]
    found: list[Bools] = []
    for extra in PER_USER:
        swept = [(*_sweep(shared, order, least, extra), number) for number, order in enumerate(orders)]
        for cost, place, number in sorted(swept)[:FLOWS]:
            order = orders[number]
            side = np.zeros(len(order), dtype=np.bool_)
            side[order[:place]] = True
            found += [side, _parted(shared, order[:least], order[-least:], extra)]
            del cost
    return found


def _directions(shared: _Shared) -> list[NDArray[np.float64]]:
    """Positions of the nodes along the slowest directions of the walk node, value, node; one array a direction.

    Sums run in the order of rows, so that they are the same whatever the number of threads.
    """
    uses = shared.matrix()
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


def _sweep(shared: _Shared, order: Ints, least: int, extra: float) -> tuple[int, int]:
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


def _parted(shared: _Shared, these: Ints, those: Ints, extra: float) -> Bools:
    """The cheapest cut between two sets of nodes, a maximum flow: the side of `these`."""
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
    rest = (network - maximum_flow(network, 0, 1).flow).tocsr()
    rest.eliminate_zeros()
    reached = np.zeros(total, dtype=np.bool_)
    reached[breadth_first_order(rest, 0, return_predecessors=False)] = True
    side: Bools = reached[vertex]
    return side


def _inseparable(shared: _Shared, order: Ints, close: Ints, cost: int) -> tuple[Ints, _Shared]:
    """Groups of nodes that no cut cheaper than `cost` parts. Returns the group of each node, and the groups.

    Args:
        order, close: of `_closest_first`.
    """
    label = np.arange(len(shared.weight), dtype=np.int64)
    while (close[1:] >= cost).any():
        group = np.zeros(len(order), dtype=np.int64)
        group[order[1:]] = np.cumsum(close[1:] < cost)
        shared, label = shared.merged(group), group[label]
        order, close = _closest_first(shared)
    return label, shared


def _closest_first(shared: _Shared) -> tuple[Ints, Ints]:
    """Nodes in the order in which each next shares most with all before it, and how much (the first: nothing)."""
    by_value = shared.matrix().T.tocsr()
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


def _bound(close: Ints, most: int) -> int:
    """A cost that no cut is below which leaves at most `most` accounts on either side.

    Neighbours in the order are joined, the closest first, until more are together than fit on a side: every cut parts
    them.

    Args:
        close: of `_closest_first`, of single accounts.
    """
    first = np.arange(len(close))
    last = first.copy()
    for place in np.argsort(-close[1:], kind="stable") + 1:
        begin, end = first[place - 1], last[place]
        first[end], last[begin] = begin, end
        if end - begin + 1 > most:
            return int(close[place])
    return 0
