"""Find the smallest evidence cut: the cheapest evidence whose removal makes a cluster two.

**Definition.** Evidence is removed in pieces: a value entirely, or one account's use of it. Each piece costs
the value's bits. The cut ends when no value links two sides that each keep a connected part of at least a
given number of accounts. A value that both sides use goes entirely, or its uses on one side go. That is
stricter than what separates two parts. Where two values are needed to connect, the last one left must go too.
Even without the parts, this is a minimum cut of a hypergraph with a bound on its sides, which is NP-hard. So
the search finds a cut, and apart from that proves as much as it can.

**Found.** Accounts are ordered along slowly mixing directions of a random walk between accounts and values
(Dhillon 2001, "Co-clustering documents and words"). Each order is cut at its cheapest place. A maximum flow
from one end to the other improves the cut, with ends as large as a side must be. It gives the cheapest of all
cuts that separate these ends (Lang & Rao 2004; Andersen & Lang 2008). In the flow network, a value is two
vertices with its bits between them (Lawler 1973, "Cutsets and partitions of hypergraphs"). A second variant
makes it dearer to divide many users of a value than few. Otherwise a value that connects all of a part is
cheap to remove, and leaves no part.

**Proved.** A division costs at least the bits of the values that both sides use. Order the accounts so that
each next one shares most bits with all before it. Then no cut between one and the next is cheaper than those
bits (Klimmek & Wagner 1996, for hypergraphs; Nagamochi & Ibaraki 1992). So accounts that no cheaper cut can
separate are merged, repeatedly. When few are left, all cheaper divisions of them are tried. The result is
exact if each costs what it must, or leaves no such parts whatever goes. Otherwise it is an upper bound,
reported with a lower bound on every cut.
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
"""Function from removed uses (bool, one a use) to the part of each account without them."""

FEW = 12
"""Accounts, or groups of them, up to which all divisions are tried."""
KEEP_SIDE, KEEP_OTHER = -1, -2
WAYS = (1, 2, 4, ENOUGH, KEEP_SIDE, KEEP_OTHER)
"""Ways to remove values that both sides use.

A positive number: values with at most so many users on a side lose their uses there, others go entirely.
`KEEP_SIDE` and `KEEP_OTHER`: the uses on one side go, whatever they cost, so that the other side stays
connected."""
TRIES = 4
"""Divisions tried near one that is a cut, including itself."""
POLISHED = 3
"""Rounds that improve the best cut by flows."""
LARGE = 4
"""Largest number of groups between which cuts are computed for the lower bound."""
CHECKS = 100
"""Cheaper divisions of a large cluster that are tried, at most, to prove a cut the smallest."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The cheapest cut found.

    Attributes:
        uses: uses to remove, bool, one a use.
        bits: cost. A value that goes entirely costs its bits once.
        part: part of each account that remains, int64.
        at_least: cost that no cut is below.
        exact: whether no cut costs less than this one.
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
    """Find the cheapest evidence without which nothing links two parts of at least `least` accounts.

    Args:
        accounts: number of accounts, all connected.
        account: account of each use, int32, no pair twice, sorted by account, then value.
        value: value of each use, int32, parallel.
        bits: of each value, positive, float64.
        least: accounts of either part.
        parting: finds the parts without some uses. They must lie within those that any use connects, which is
            the default.
        hints: sides (bool, one an account) to try in addition.

    Returns:
        None if no such cut was found.
    """
    if accounts < 2 * least:
        return None
    # Integer costs: sums are exact, and the flow needs integers.
    cost = np.round(bits * PRECISION).astype(np.int64)
    ones = np.ones(accounts, dtype=np.int64)
    shared = Shared(ones, account.astype(np.int64), value.astype(np.int64), cost)
    search = _Search(shared, least, parting)
    # Few accounts: trying all divisions is a proof.
    if accounts <= FEW:
        proved = search.enumerate_divisions(np.arange(accounts), shared, 1 << FEW)
        return search.build_cut(bits, ENOUGH if proved else 0)
    order, close = order_by_closeness(shared)
    for side in (*hints, *find_sides(shared, order, least), *find_tight_groups(shared, order, close, least)):
        search.evaluate_side(side)
    search.update_by_flows()
    # Accounts that no cheaper cut can separate become one group, which often leaves few enough to try all.
    label, groups = group_inseparable(shared, order, close, search.best)
    if len(groups.weight) <= FEW and search.enumerate_divisions(label, groups, CHECKS):
        return search.build_cut(bits, ENOUGH)
    return search.build_cut(
        bits, max(compute_bound(close, accounts - least), _compute_lower_bound(groups, least))
    )


class _Search:
    """State of a search: the cheapest cut so far."""

    def __init__(self, shared: Shared, least: int, parting: Parting | None) -> None:
        self.best = ENOUGH
        self._shared = shared
        self._least = least
        self._parting = parting or self._find_components
        self._size = np.bincount(shared.value, minlength=len(shared.cost))
        self._gone = np.zeros(len(shared.node), dtype=np.bool_)
        self._part = np.zeros(len(shared.weight), dtype=np.int64)

    def _find_components(self, gone: Bools) -> Ints:
        """Find what the remaining uses connect."""
        return find_components(self._shared, gone)

    def evaluate_side(self, side: Bools) -> bool:
        """Take the division if it is a cut and cheaper than the best.

        Returns:
            Whether no cut that divides the accounts so can be cheaper than the best.
        """
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
                # The cheap test first: `parting` only makes parts smaller.
                if self._find_largest_parts(self._find_components(gone), tried) is None:
                    continue
                part = self._parting(gone)
                if (largest := self._find_largest_parts(part, tried)) is not None:
                    self.best, self._gone, self._part = cost, gone, part
                    # Other accounts of a side may connect more cheaply to the other part: try the parts as
                    # sides.
                    sides, ways = [part == each for each in largest], (way,)
                    break
        return settled or self._compute_least_cost(side) >= self.best or not self._is_divisible(side)

    def update_by_flows(self) -> None:
        """Improve the best cut by flows between the interiors of its two parts, while that helps."""
        for _ in range(POLISHED):
            before = self.best
            if before == ENOUGH:
                return
            # Interior accounts lose no use by the cut, so they may stay on their side.
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
        """Return the largest part of either side if both are large enough, else None."""
        if side.all() or not side.any():
            return None
        largest = int(np.argmax(np.bincount(part[side]))), int(np.argmax(np.bincount(part[~side])))
        size = np.bincount(part)
        return largest if min(size[largest[0]], size[largest[1]]) >= self._least else None

    def _compute_least_cost(self, side: Bools) -> int:
        """Compute the least cost of a division: the values that both sides use."""
        inside = self._count_users(side)
        return int(self._shared.cost[(inside > 0) & (inside < self._size)].sum())

    def _count_users(self, side: Bools) -> Ints:
        """Count the users of each value on one side."""
        return np.bincount(self._shared.value[side[self._shared.node]], minlength=len(self._size))

    def _list_ways(self, side: Bools, ways: tuple[int, ...]) -> list[tuple[int, int, Bools]]:
        """List cost, way (of `WAYS`) and removed uses (bool, one a use), the cheapest first."""
        value, here = self._shared.value, side[self._shared.node]
        inside = self._count_users(side)
        outside = self._size - inside
        crossing = (inside > 0) & (outside > 0)
        found = []
        for way in ways:
            # A value with a single user on a side always loses that use.
            ours = np.where(
                way == KEEP_SIDE, inside == 1, np.where(way == KEEP_OTHER, outside > 1, inside <= outside)
            )
            fewer = np.where(ours, inside, outside)
            whole = crossing & (fewer > way) & (way > 0)
            cost = self._shared.cost[crossing] * np.where(whole, 1, fewer)[crossing]
            found.append((int(cost.sum()), way, whole[value] | (crossing[value] & (here == ours[value]))))
        return sorted(found, key=lambda each: each[:2])

    def _is_divisible(self, side: Bools) -> bool:
        """Return whether both sides have a large enough part if each keeps all that connects it."""
        here = side[self._shared.node]
        part = [self._find_components(here), self._find_components(~here)]
        return all(int(np.bincount(each).max()) >= self._least for each in part)

    def enumerate_divisions(self, label: Ints, groups: Shared, most: int) -> bool:
        """Try the divisions of a few groups, the cheapest first.

        Args:
            label: group of each account, int64.
            groups: the groups as nodes.
            most: divisions to try.

        Returns:
            Whether no other cut can be cheaper.
        """
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
        """Build the result, or None if no cut was found; `at_least` is a cost that no cut is below."""
        if self.best == ENOUGH:
            return None
        number = np.bincount(self._shared.value[self._gone], minlength=len(bits))
        whole = number == self._size
        # A value that goes entirely costs its bits once, however many uses it has.
        total = float(np.add.reduce(bits * np.where(whole, np.minimum(number, 1), number)))
        exact = at_least >= self.best
        return Cut(self._gone, total, self._part, total if exact else at_least / PRECISION, exact)


def _compute_lower_bound(groups: Shared, least: int) -> int:
    """Compute a cost that no cut of some groups is below; 0 if nothing is known.

    When all but a few large groups are too small for a side, every cut separates two of these. Then it
    separates the first from another.
    """
    order = np.argsort(-groups.weight, kind="stable")
    rest = groups.weight.sum() - np.cumsum(groups.weight[order])
    large = order[: int(np.argmax(rest < least)) + 1]
    if len(large) > LARGE:
        return 0
    return min((split_by_flow(groups, large[:1], other[None])[1] for other in large[1:]), default=ENOUGH)


def _enumerate_divisions(shared: Shared, least: int) -> tuple[Ints, Ints]:
    """List all divisions of a few nodes with enough accounts on both sides, the cheapest first.

    Returns:
        Sides, as bits of an int64, and their costs, parallel.
    """
    nodes = len(shared.weight)
    mask = np.zeros(len(shared.cost), dtype=np.int64)
    np.add.at(mask, shared.value, 1 << shared.node)
    # The last node is always on the other side, so that each division occurs once.
    sides = np.arange(1, 1 << (nodes - 1))
    weight = np.zeros(len(sides), dtype=np.int64)
    for node in range(nodes - 1):
        weight += (sides >> node & 1) * shared.weight[node]
    sides = sides[(weight >= least) & (weight <= shared.weight.sum() - least)]
    # Values of the same nodes cost together, which makes far fewer masks than values.
    masks, where = np.unique(mask, return_inverse=True)
    total = np.zeros(len(sides), dtype=np.int64)
    for one, cost in zip(masks, np.bincount(where, weights=shared.cost).astype(np.int64), strict=True):
        common = sides & one
        total += cost * ((common != 0) & (common != one))
    order = np.argsort(total, kind="stable")
    return sides[order], total[order]
