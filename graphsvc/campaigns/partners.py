"""Pair groups that belong together, the strongest pairs first."""

import numpy as np

from graphsvc.types import Floats, Ints


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
