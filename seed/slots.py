"""How members fill their slots: from what their group shares, or with something of their own."""

from dataclasses import dataclass

import numpy as np

from seed.members import NONE, Members
from seed.profiles import Pool
from seed.streams import Bools, Floats, Ints, between


@dataclass(frozen=True, slots=True)
class PoolLayout:
    """The values of a population's pools: group g has values first[g] … first[g]+count[g]-1."""

    first: Ints
    count: Ints

    @property
    def group(self) -> Ints:
        """Group of each value, shape (number of values,)."""
        return np.repeat(np.arange(len(self.count)), self.count)


def layout(members: Members, pool: Pool, counts: Ints | None = None) -> PoolLayout:
    """Number the values of all groups; `counts` overrules the number that follows from the group's size."""
    sizes = np.bincount(members.group, minlength=members.groups)
    count = np.ceil(sizes / pool.members_per_value).astype(np.int64) if counts is None else counts
    return PoolLayout(np.cumsum(count) - count, count)


def slot_owners(rng: np.random.Generator, members: int, mean: float, most: int) -> Ints:
    """Owner of each slot: one and a Poisson number more for each member, ascending, shape (slots,)."""
    counts = 1 + np.minimum(rng.poisson(max(mean - 1, 0.0), members), most - 1)
    return np.repeat(np.arange(members), counts)


def reuse(rng: np.random.Generator, members: Members, pool: Pool) -> Floats:
    """Each member's probability to fill a slot from the pool, shape (n,)."""
    return between(rng, pool.reuse, len(members)) * members.eagerness


def share_out(
    rng: np.random.Generator, members: Members, owner: Ints, pool: Pool, values: PoolLayout
) -> Ints:
    """A value of their group's pool for each of the slots of `owner`, shape (slots,).

    Values are dealt in blocks, so that all of a pool's values have nearly equal numbers of slots (nobody puts
    forty accounts on one card while another lies idle). With locality near 1 the order is that of the sign-ups.
    """
    if len(owner) == 0:
        return np.empty(0, dtype=np.int64)
    group = members.group[owner]
    age = np.argsort(np.argsort(members.created[owner], kind="stable"), kind="stable") / len(owner)
    order = np.lexsort((pool.locality * age + (1 - pool.locality) * rng.random(len(owner)), group))
    slots = np.bincount(group, minlength=members.groups)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(slots) - slots, slots)
    sorted_group = group[order]
    dealt = np.empty(len(owner), dtype=np.int64)
    dealt[order] = values.first[sorted_group] + place * values.count[sorted_group] // slots[sorted_group]
    return dealt


def pooled_or_own(
    rng: np.random.Generator, members: Members, owner: Ints, pool: Pool, own: Ints
) -> tuple[Ints, Bools]:
    """Fill each slot from the pool or with `own` (numbers apart from the pool's), and say which were pooled.

    Values of the pool are returned as -1 - value, so that they cannot be taken for a member's own.
    """
    pooled = rng.random(len(owner)) < reuse(rng, members, pool)[owner]
    filled = own.copy()
    filled[pooled] = -1 - share_out(rng, members, owner[pooled], pool, layout(members, pool))
    return filled, pooled


def inherit(rng: np.random.Generator, members: Members, owner: Ints, filled: Ints, share: float) -> Ints:
    """Let replacements take over some slots of the account they follow: a copy of `filled`, shape (slots,).

    `owner` must be ascending. Predecessors are settled before their successors, along chains of replacements.
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
    generation = _generations(members)[owner[waiting]]
    for g in range(1, int(generation.max(initial=0)) + 1):
        now = generation == g
        filled[waiting[now]] = filled[chosen[now]]
    return filled


def _generations(members: Members) -> Ints:
    """0 for accounts that follow nobody, one more than the predecessor's for the others."""
    generation = np.zeros(len(members), dtype=np.int64)
    follows = members.predecessor != NONE
    for i in np.flatnonzero(follows):  # predecessors have lower numbers, so one pass is enough
        generation[i] = generation[members.predecessor[i]] + 1
    return generation
