"""Slots of members: filled from what their group shares, or with a value of their own."""

from dataclasses import dataclass

import numpy as np

from graphsvc_lab.worlds.markets import draw_offers
from graphsvc_lab.worlds.members import NONE, Members
from graphsvc_lab.worlds.profiles import Pool
from graphsvc_lab.worlds.streams import Bools, Floats, Ints, draw_between

MOST_SLOTS = 400
"""Slots of one kind beyond the first that the busiest account has: the tables stay of a size that fits in memory."""


@dataclass(frozen=True, slots=True)
class PoolLayout:
    """The values of a population's pools: group g has values first[g] … first[g]+count[g]-1."""

    first: Ints
    count: Ints

    @property
    def group(self) -> Ints:
        """Return the group of each value, shape (number of values,)."""
        return np.repeat(np.arange(len(self.count)), self.count)


def build_layout(members: Members, pool: Pool, counts: Ints | None = None) -> PoolLayout:
    """Give numbers to the values of all groups; `counts` overrules the number that follows from the group's size."""
    sizes = np.bincount(members.group, minlength=members.groups)
    count = np.ceil(sizes / pool.members_per_value).astype(np.int64) if counts is None else counts
    return PoolLayout(np.cumsum(count) - count, count)


def draw_owners(rng: np.random.Generator, members: Members, mean: float, most: int) -> Ints:
    """Draw the owner of each slot: one and a Poisson number more for each member, ascending, shape (slots,)."""
    more = max(mean - 1, 0.0)
    if members.busy is None:
        counts = 1 + np.minimum(rng.poisson(more, len(members)), most - 1)
    else:
        counts = 1 + np.minimum(rng.poisson(more * members.busy), MOST_SLOTS)
    return np.repeat(np.arange(len(members)), counts)


def draw_reuse(rng: np.random.Generator, members: Members, pool: Pool) -> Floats:
    """Draw each member's probability to fill a slot from the pool, shape (n,)."""
    return draw_between(rng, pool.reuse, len(members)) * members.eagerness


def assign_values(
    rng: np.random.Generator, members: Members, owner: Ints, pool: Pool, values: PoolLayout
) -> Ints:
    """Assign a value of their group's pool to each slot of `owner`, shape (slots,)."""
    if len(owner) == 0:
        return np.empty(0, dtype=np.int64)
    group = members.group[owner]
    # With locality near 1 the order is that of the sign-ups, so that neighbours share values.
    age = np.argsort(np.argsort(members.created[owner], kind="stable"), kind="stable") / len(owner)
    order = np.lexsort((pool.locality * age + (1 - pool.locality) * rng.random(len(owner)), group))
    slots = np.bincount(group, minlength=members.groups)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(slots) - slots, slots)
    sorted_group = group[order]
    dealt = np.empty(len(owner), dtype=np.int64)
    # Dealt in blocks, so that all values have nearly equal numbers of slots: no operator puts forty accounts
    # on one card while another lies idle.
    dealt[order] = values.first[sorted_group] + place * values.count[sorted_group] // slots[sorted_group]
    return dealt


def fill_slots(
    rng: np.random.Generator, members: Members, owner: Ints, pool: Pool, own: Ints
) -> tuple[Ints, Bools]:
    """Fill each slot from the pool or with `own` (numbers apart from the pool's), and say which were pooled.

    Values of the pool are returned as -1 - value, so that they cannot be taken for a member's own.
    """
    pooled = rng.random(len(owner)) < draw_reuse(rng, members, pool)[owner]
    if pool.at_signup:
        pooled &= np.diff(owner, prepend=-1) != 0
    sharers = members.group_for(pool)
    values = build_layout(sharers, pool)
    dealt = assign_values(rng, sharers, owner[pooled], pool, values)
    filled = own.copy()
    filled[pooled] = -1 - dealt
    if pool.rented:
        number = rent_values(rng, sharers, pool, values)
        filled[pooled] = np.where(number[dealt] == NONE, filled[pooled], number[dealt])
    return filled, pooled


def rent_values(rng: np.random.Generator, members: Members, pool: Pool, values: PoolLayout) -> Ints:
    """Rent some of the values of all groups' pools.

    A group rents as it grows: its first value when it begins, its last when its last member signs up.

    Returns:
        Number of the rented value in its market (see `markets.Shelf`) for each value of the pools, or -1 for a value
        that is the group's alone, shape (values,).
    """
    group = values.group
    born = np.full(len(values.count), np.iinfo(np.int64).max)
    grown = np.full(len(values.count), np.iinfo(np.int64).min)
    np.minimum.at(born, members.group, members.created)
    np.maximum.at(grown, members.group, members.created)
    part = (np.arange(len(group)) - values.first[group]) / np.maximum(values.count[group], 1)
    moments = born[group] + (part * (grown - born)[group]).astype(np.int64)
    offered = draw_offers(rng, pool.markets, members.shelves, moments)
    return np.where(rng.random(len(group)) < pool.rented, offered, NONE)


def rent_in_passing(
    rng: np.random.Generator, members: Members, pool: Pool, filled: Ints, free: Bools, moments: Ints
) -> Ints:
    """Put values on offer into some slots that the pool did not fill.

    Args:
        rng: Source of the choices.
        members: Whose slots they are; holds the world's markets.
        pool: Says which markets and what share of the free slots.
        filled: What the slots hold, shape (slots,).
        free: Which of them the pool did not fill, shape (slots,).
        moments: When each slot begins, seconds since 1970, shape (slots,).

    Returns:
        `filled` with numbers of rented values in some free slots.
    """
    if not pool.passing:
        return filled
    rented = np.flatnonzero(free & (rng.random(len(filled)) < pool.passing))
    filled = filled.copy()
    filled[rented] = draw_offers(rng, pool.markets, members.shelves, moments[rented])
    return filled


def inherit_slots(
    rng: np.random.Generator, members: Members, owner: Ints, filled: Ints, share: float
) -> Ints:
    """Let replacements take over some slots of the account they follow: a copy of `filled`, shape (slots,).

    `owner` must be ascending.
    """
    filled = filled.copy()
    counts = np.bincount(owner, minlength=len(members))
    starts = np.cumsum(counts) - counts
    previous = members.predecessor[owner]
    waiting = np.flatnonzero(previous != NONE)
    waiting = waiting[(rng.random(len(waiting)) < share) & (counts[previous[waiting]] > 0)]
    chosen = starts[previous[waiting]] + (rng.random(len(waiting)) * counts[previous[waiting]]).astype(
        np.int64
    )
    # Predecessors first: along a chain of replacements a value is passed on.
    generation = _count_generations(members)[owner[waiting]]
    for g in range(1, int(generation.max(initial=0)) + 1):
        now = generation == g
        filled[waiting[now]] = filled[chosen[now]]
    return filled


def _count_generations(members: Members) -> Ints:
    """Return 0 for accounts that follow none, one more than the predecessor's for the others."""
    generation = np.zeros(len(members), dtype=np.int64)
    follows = members.predecessor != NONE
    for i in np.flatnonzero(follows):  # predecessors have lower numbers, so one pass is enough
        generation[i] = generation[members.predecessor[i]] + 1
    return generation
