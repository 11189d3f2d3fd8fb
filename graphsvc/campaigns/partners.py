"""Pair groups that belong together, the strongest pairs first, and merge the pairs."""

import numpy as np
import polars as pl

from graphsvc.types import Floats, Ints, Ints32

ROUNDS = 40
"""Most rounds of joining. Each halves the pieces of a campaign at best: 40 are far beyond any campaign."""


def pair_groups(one: Ints, other: Ints, strength: Floats, groups: int) -> tuple[Ints, Ints, Floats]:
    """Pair groups by falling strength, each with one other at most.

    Args:
        one: (pairs,) int64, the smaller group of each pair.
        other: (pairs,) int64, the larger group of each pair.
        strength: (pairs,) float64.
        groups: how many there are.

    Returns:
        The smaller and the larger group of each pair that is left, int64, and its strength; by falling strength.
    """
    free = np.ones(groups, dtype=np.bool_)
    chosen: list[int] = []
    # Equal strengths are ordered by the groups, or the order of the rows would decide.
    for place in np.lexsort((other, one, -strength)).tolist():
        if free[one[place]] and free[other[place]]:
            free[one[place]] = free[other[place]] = False
            chosen.append(place)
    return one[chosen], other[chosen], strength[chosen]


def merge_groups(groups: int, one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """Merge pairs of groups; a group is in one pair at most.

    Args:
        groups: how many there are.
        one: (pairs,) int64, the group that stays.
        other: (pairs,) int64, the group that becomes a part of it.

    Returns:
        The groups that stay, ascending, and the place among these of each group; int64. Without gaps in the numbers,
        the matrices of a next round are as small as the groups that are left.
    """
    renamed = np.arange(groups)
    renamed[other] = one
    kept, place = np.unique(renamed, return_inverse=True)
    return kept, place


def name_members(name: Ints32, account: Ints32) -> pl.DataFrame:
    """Return cluster and account (int32), sorted; `name` has the cluster of each account."""
    cluster = pl.Series(name, dtype=pl.Int32)
    return pl.DataFrame({"cluster": cluster, "account": account}).sort("cluster", "account")
