"""Find a cheap evidence cut: evidence whose removal makes a cluster two.

**Definition.** Evidence is removed in pieces: a value entirely, or one account's use of it. Each piece costs
the value's bits. The cut ends when no value links two sides that each keep a connected part of at least a
given number of accounts. A value that both sides use goes entirely, or its uses on one side go. That is
stricter than what separates two parts. Where two values are needed to connect, the last one left must go too.
Even without the parts, this is a minimum cut of a hypergraph with a bound on its sides, which is NP-hard. So
the result is the cheapest cut that the search found, an upper bound on the smallest one.

**Search.** Accounts are ordered along slowly mixing directions of a random walk between accounts and values
(Dhillon 2001, "Co-clustering documents and words"). Each order is cut at its cheapest place. A maximum flow
from one end to the other improves the cut, with ends as large as a side must be. It gives the cheapest of all
cuts that separate these ends (Lang & Rao 2004; Andersen & Lang 2008). In the flow network, a value is two
vertices with its bits between them (Lawler 1973, "Cutsets and partitions of hypergraphs"). A second variant
makes it dearer to divide many users of a value than few. Otherwise a value that connects all of a part is
cheap to remove, and leaves no part.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphsvc.analysis.cut_candidates import (
    ENOUGH,
    PRECISION,
    Shared,
    find_components,
    find_sides,
    find_tight_groups,
    order_by_closeness,
    split_by_flow,
)
from graphsvc.types import Flags, Ints

Parting = Callable[[Flags], Ints]
"""Function from removed uses (bool, one a use) to the part of each account without them."""

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


@dataclass(frozen=True, slots=True)
class Cut:
    """The cheapest cut found.

    Attributes:
        uses: uses to remove, bool, one a use.
        bits: cost. A value that goes entirely costs its bits once.
        part: part of each account that remains, int64.
    """

    uses: Flags
    bits: float
    part: Ints


def find_cheapest_cut(
    accounts: int,
    account: NDArray[np.int32],
    value: NDArray[np.int32],
    bits: NDArray[np.float64],
    least: int,
    parting: Parting | None = None,
    hints: Sequence[Flags] = (),
) -> Cut | None:
    """Find cheap evidence without which nothing links two parts of at least `least` accounts.

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
        The cheapest cut that the search found; None if it found none.
    """
    if accounts < 2 * least:
        return None
    # Integer costs: sums are exact, and the flow needs integers.
    cost = np.round(bits * PRECISION).astype(np.int64)
    shared = Shared(accounts, account.astype(np.int64), value.astype(np.int64), cost)
    search = _Search(shared, least, parting)
    order, close = order_by_closeness(shared)
    for side in (*hints, *find_sides(shared, order, least), *find_tight_groups(shared, order, close, least)):
        search.evaluate_side(side)
    search.update_by_flows()
    return search.build_cut(bits)


class _Search:
    """State of a search: the cheapest cut so far."""

    def __init__(self, shared: Shared, least: int, parting: Parting | None) -> None:
        self.best = ENOUGH
        self._shared = shared
        self._least = least
        self._parting = parting or self._find_components
        self._size = np.bincount(shared.value, minlength=len(shared.cost))
        self._gone = np.zeros(len(shared.node), dtype=np.bool_)
        self._part = np.zeros(shared.nodes, dtype=np.int64)

    def _find_components(self, gone: Flags) -> Ints:
        """Find what the remaining uses connect."""
        return find_components(self._shared, gone)

    def evaluate_side(self, side: Flags) -> None:
        """Take the division if it is a cut and cheaper than the best."""
        sides: list[Flags] = [side]
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
            self.evaluate_side(split_by_flow(self._shared, ends[0], ends[1]))
            if self.best == before:
                return

    def _find_largest_parts(self, part: Ints, side: Flags) -> tuple[int, int] | None:
        """Return the largest part of either side if both are large enough, else None."""
        if side.all() or not side.any():
            return None
        largest = int(np.argmax(np.bincount(part[side]))), int(np.argmax(np.bincount(part[~side])))
        size = np.bincount(part)
        return largest if min(size[largest[0]], size[largest[1]]) >= self._least else None

    def _count_users(self, side: Flags) -> Ints:
        """Count the users of each value on one side."""
        return np.bincount(self._shared.value[side[self._shared.node]], minlength=len(self._size))

    def _list_ways(self, side: Flags, ways: tuple[int, ...]) -> list[tuple[int, int, Flags]]:
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

    def build_cut(self, bits: NDArray[np.float64]) -> Cut | None:
        """Build the result, or None if no cut was found."""
        if self.best == ENOUGH:
            return None
        number = np.bincount(self._shared.value[self._gone], minlength=len(bits))
        # A value that goes entirely costs its bits once, however many uses it has.
        pieces = np.where(number == self._size, np.minimum(number, 1), number)
        return Cut(self._gone, float(np.add.reduce(bits * pieces)), self._part)
