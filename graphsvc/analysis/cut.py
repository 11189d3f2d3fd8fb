"""The smallest evidence cut: what would have to be left out of account for a cluster to be two.

**Definition.** Evidence is discarded, a value as a whole or one account's use of it, each piece for the value's bits,
until no value ties two sides that each still hold a part of at least so many accounts, connected in itself; the cut
is the cheapest way. Of a value that both sides use all goes, or its uses on one side. That is more than what must go
for the two to count as two parts: of values of which it takes two to connect, the last one left is discarded too.
Even without the parts this is a minimum cut of a hypergraph, whose edges are the values, with a bound on its sides,
which is NP-hard. A cut is found, and apart from that as much as can be is proved.

**Found.** Accounts are laid in the order of slowly mixing directions of a random walk between accounts and values
(Dhillon 2001, "Co-clustering documents and words"). Each order is cut at its cheapest place, and improved
by a maximum flow from one end to the other, with the ends as large as a side must be: the cheapest of all cuts that
leave these ends apart (Lang & Rao 2004; Andersen & Lang 2008). A value becomes two vertices with its bits between
them (Lawler 1973, "Cutsets and partitions of hypergraphs"). That it costs more to divide many users of a value than
few is tried too, since a value that all of a part hangs by is cheap to discard, and leaves no part.

**Proved.** A division costs no less than the bits of what both sides use. In an order in which each next account is
the one that shares most bits with all before it, no cut between one and the next is cheaper than those bits (Klimmek
& Wagner 1996, for hypergraphs; Nagamochi & Ibaraki 1992). So accounts that no cheaper cut than the one found can part
are made one, again and again. When few are left, all cheaper divisions of them are tried, and if each costs what it
must or leaves no such parts whatever goes, the result is exact. Otherwise it is an upper bound, beside the most bits
below which no cut can part so many of the accounts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphsvc.analysis.cut_candidates import (
    ENOUGH,
    PRECISION,
    Bools,
    Ints,
    Shared,
    compute_bound,
    find_components,
    find_sides,
    find_tight_groups,
    group_inseparable,
    order_by_closeness,
    split_by_flow,
)

Parting = Callable[[Bools], Ints]
"""The part of each account without some of the uses (bool, one a use)."""

FEW = 12
"""Of so many accounts, or groups of them, all divisions are tried."""
KEEP_SIDE, KEEP_OTHER = -1, -2
WAYS = (1, 2, 4, ENOUGH, KEEP_SIDE, KEEP_OTHER)
"""What goes of values that both sides use: of those with no more users on a side than this their uses there, of others
the value; or the uses on one side, whatever they cost, so that the other keeps together."""
TRIES = 4
"""Divisions near one that is a cut that are tried, itself among them."""
POLISHED = 3
"""Times that the best is improved once more."""
LARGE = 4
"""Groups of accounts between which cuts are looked for to prove that there is no smaller one."""
CHECKS = 100
"""Cheaper divisions of a large cluster that are tried at most, to prove a cut the smallest."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The cheapest way found to make one two.

    `uses` (bool, one a use): what must go; `bits` what that costs, a value of which all uses go its bits once. `part`
    (int64, one an account): the parts that remain. No cut costs less than `at_least`; `exact`: this one costs no more.
    """

    uses: Bools
    bits: float
    part: Ints
    at_least: float
    exact: bool


def find_smallest_cut(
    accounts: int,
    account: NDArray[np.int32],
    value: NDArray[np.int32],
    bits: NDArray[np.float64],
    least: int,
    parting: Parting | None = None,
    hints: Sequence[Bools] = (),
) -> Cut | None:
    """The cheapest evidence without which nothing ties two parts of at least `least` accounts of connected ones.

    Args:
        accounts: how many there are.
        account, value: parallel, who uses what, no pair twice, sorted by account, then value.
        bits: of each value, positive.
        parting: what is connected without some uses; None: what any other use connects. Never more than that.
        hints: sides (bool, one an account) that are tried too.

    Returns: None if no such cut was found.
    """
    if accounts < 2 * least:
        return None
    cost = np.round(bits * PRECISION).astype(np.int64)
    ones = np.ones(accounts, dtype=np.int64)
    shared = Shared(ones, account.astype(np.int64), value.astype(np.int64), cost)
    search = _Search(shared, least, parting)
    if accounts <= FEW:
        proved = search.enumerate_divisions(np.arange(accounts), shared, 1 << FEW)
        return search.build_cut(bits, ENOUGH if proved else 0)
    order, close = order_by_closeness(shared)
    for side in (*hints, *find_sides(shared, order, least), *find_tight_groups(shared, order, close, least)):
        search.evaluate_side(side)
    search.update_by_flows()
    label, groups = group_inseparable(shared, order, close, search.best)
    if len(groups.weight) <= FEW and search.enumerate_divisions(label, groups, CHECKS):
        return search.build_cut(bits, ENOUGH)
    return search.build_cut(
        bits, max(compute_bound(close, accounts - least), _compute_lower_bound(groups, least))
    )


class _Search:
    """The cheapest cut so far."""

    def __init__(self, shared: Shared, least: int, parting: Parting | None) -> None:
        self.best = ENOUGH
        self._shared = shared
        self._least = least
        self._parting = parting or self._find_components
        self._size = np.bincount(shared.value, minlength=len(shared.cost))
        self._gone = np.zeros(len(shared.node), dtype=np.bool_)
        self._part = np.zeros(len(shared.weight), dtype=np.int64)

    def _find_components(self, gone: Bools) -> Ints:
        return find_components(self._shared, gone)

    def evaluate_side(self, side: Bools) -> bool:
        """Takes the division if it is a cut and cheaper. Returns whether there can be no cheaper cut that divides
        so."""
        settled = self._compute_least_cost(side) >= self.best
        sides: list[Bools] = [side]
        ways: tuple[int, ...] = WAYS
        for _ in range(TRIES):
            if not sides:
                break
            tried = sides.pop()
            for cost, way, gone in self._list_ways(tried, ways):
                if cost >= self.best:
                    break
                if self._find_largest_parts(self._find_components(gone), tried) is None:
                    continue
                part = self._parting(gone)
                if (largest := self._find_largest_parts(part, tried)) is not None:
                    self.best, self._gone, self._part = cost, gone, part
                    # What else is on a side with the part may hang more cheaply on the other.
                    sides, ways = [part == each for each in largest], (way,)
                    break
        return settled or self._compute_least_cost(side) >= self.best or not self._is_divisible(side)

    def update_by_flows(self) -> None:
        """Improves the best by flows between what lies well inside of its two parts, as long as that helps."""
        for _ in range(POLISHED):
            before = self.best
            if before == ENOUGH:
                return
            touched = np.zeros(len(self._part), dtype=np.bool_)
            touched[self._shared.node[self._gone]] = True
            one, other = np.argsort(-np.bincount(self._part), kind="stable")[:2]
            ends = [np.flatnonzero((self._part == each) & ~touched) for each in (one, other)]
            if min(map(len, ends)) < self._least:
                return
            self.evaluate_side(split_by_flow(self._shared, ends[0], ends[1])[0])
            if self.best == before:
                return

    def _find_largest_parts(self, part: Ints, side: Bools) -> tuple[int, int] | None:
        """The largest part of either side, if both are large enough."""
        if side.all() or not side.any():
            return None
        largest = int(np.argmax(np.bincount(part[side]))), int(np.argmax(np.bincount(part[~side])))
        size = np.bincount(part)
        return largest if min(size[largest[0]], size[largest[1]]) >= self._least else None

    def _compute_least_cost(self, side: Bools) -> int:
        """What a division costs at least: the values that both sides use."""
        inside = self._count_users(side)
        return int(self._shared.cost[(inside > 0) & (inside < self._size)].sum())

    def _count_users(self, side: Bools) -> Ints:
        return np.bincount(self._shared.value[side[self._shared.node]], minlength=len(self._size))

    def _list_ways(self, side: Bools, ways: tuple[int, ...]) -> list[tuple[int, int, Bools]]:
        """Cost, way (of `WAYS`) and uses that go (bool, one a use), the cheapest first."""
        value, here = self._shared.value, side[self._shared.node]
        inside = self._count_users(side)
        outside = self._size - inside
        crossing = (inside > 0) & (outside > 0)
        found = []
        for way in ways:
            # Where only one on a side has a value, that use goes in any way.
            ours = np.where(
                way == KEEP_SIDE, inside == 1, np.where(way == KEEP_OTHER, outside > 1, inside <= outside)
            )
            fewer = np.where(ours, inside, outside)
            whole = crossing & (fewer > way) & (way > 0)
            cost = self._shared.cost[crossing] * np.where(whole, 1, fewer)[crossing]
            found.append((int(cost.sum()), way, whole[value] | (crossing[value] & (here == ours[value]))))
        return sorted(found, key=lambda each: each[:2])

    def _is_divisible(self, side: Bools) -> bool:
        """Whether both sides have a part that is large enough, if each keeps all that connects it."""
        here = side[self._shared.node]
        part = [self._find_components(here), self._find_components(~here)]
        return all(int(np.bincount(each).max()) >= self._least for each in part)

    def enumerate_divisions(self, label: Ints, groups: Shared, most: int) -> bool:
        """Tries the divisions of a few groups, the cheapest first. Returns whether no other can be cheaper."""
        sides, costs = _enumerate_divisions(groups, self._least)
        settled = True
        for tried, (side, cost) in enumerate(zip(sides, costs.tolist(), strict=True)):
            if cost >= self.best:
                break
            if tried >= most:
                return False
            settled &= self.evaluate_side((side >> np.arange(len(groups.weight)) & 1).astype(np.bool_)[label])
        return settled

    def build_cut(self, bits: NDArray[np.float64], at_least: int) -> Cut | None:
        """The result, if there is one; `at_least` is a cost that no cut is below."""
        if self.best == ENOUGH:
            return None
        number = np.bincount(self._shared.value[self._gone], minlength=len(bits))
        whole = number == self._size
        total = float(np.add.reduce(bits * np.where(whole, np.minimum(number, 1), number)))
        exact = at_least >= self.best
        return Cut(self._gone, total, self._part, total if exact else at_least / PRECISION, exact)


def _compute_lower_bound(groups: Shared, least: int) -> int:
    """A cost that no cut of some groups is below; 0 if nothing is known.

    When all but a few large groups are too few for a side, every cut parts two of these, the first from another.
    """
    order = np.argsort(-groups.weight, kind="stable")
    rest = groups.weight.sum() - np.cumsum(groups.weight[order])
    large = order[: int(np.argmax(rest < least)) + 1]
    if len(large) > LARGE:
        return 0
    return min((split_by_flow(groups, large[:1], other[None])[1] for other in large[1:]), default=ENOUGH)


def _enumerate_divisions(shared: Shared, least: int) -> tuple[Ints, Ints]:
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
