"""Compare how often members and others agree with a cluster: the worth of each class of agreement, in bits.

The weight is log2(m/u) of Fellegi & Sunter (1969), with pseudo-counts that decide where little is seen.
"""

import numpy as np

from graphsvc.campaigns.agreement import ABSENT, CLASSES, FINE, GRANDPARENT, PARENT
from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints

MAX_ABSENCE_BITS = 4.0
"""Cost of not agreeing in a family, at most."""
MAX_PRIOR = 0.3
"""However large a cluster, an account is not presumed to be in it with more than this."""
# Pseudo-counts by class, of members and of others: they decide where little of a cluster is seen. Finer agreement is
# presumed to be commoner in campaigns and rarer outside.
_MEMBERS = np.array([1.6, .1, .1, .15, .2, .3, .3, .2, .1, .1, .1, .15, .2, .1, .1, .15, .2])  # fmt: skip
_OTHERS = np.array([0., 2., 1., .7, .5, .5, .4, .2, .1, 2., 1., .7, .5, 3., 2., 1., .7])  # fmt: skip


def count_classes(
    cluster: Ints, family: Ints, kind: Ints, shape: tuple[int, int, int], weights: Ints | Floats | None = None
) -> Floats:
    """Count the rows in each class, or sum their `weights`; float64 of `shape` (clusters, families, classes)."""
    cells = np.ravel_multi_index((cluster, family, kind), shape)
    found: Floats = np.bincount(cells, weights, minlength=int(np.prod(shape))).reshape(shape).astype(float)
    return found


def compare_classes(inside: Floats, outside: Floats, having: Floats, others: Floats, accounts: int) -> Floats:
    """Compare how often members and others are in each class, in bits; shape (clusters, families, classes).

    Args:
        inside: members in each class that agrees, of the same shape.
        outside: others in each, likewise.
        having: members that have the family at all, shape (clusters, families).
        others: others that do, likewise.
        accounts: all there are.
    """
    inside = inside.copy()
    # Counts on a grid can exceed the accounts that have the family at all.
    outside = np.minimum(coarse(outside.astype(np.int64)), others[:, :, None])
    inside[:, :, ABSENT] = np.maximum(having - inside.sum(axis=2), 0.0)
    outside[:, :, ABSENT] = np.maximum(others - outside.sum(axis=2), 0.0)
    m = (inside + _MEMBERS) / (having[:, :, None] + _MEMBERS.sum())
    u = (outside + _OTHERS) / (others[:, :, None] + _OTHERS.sum())
    worth: Floats = np.log2(m / np.maximum(u, 0.5 / coarse(accounts)))
    worth[:, :, ABSENT] = np.clip(worth[:, :, ABSENT], -MAX_ABSENCE_BITS, 0.0)
    for level in (slice(FINE, PARENT), slice(PARENT, GRANDPARENT), slice(GRANDPARENT, CLASSES)):
        # A larger share of members among a value's users never says less.
        worth[:, :, level] = np.maximum.accumulate(worth[:, :, level], axis=2)
    # Where no member agrees in a family, its absence tells nothing apart either.
    worth[inside[:, :, FINE:].sum(axis=2) == 0] = 0.0
    return worth


def compute_prior(size: Ints, accounts: int) -> Floats:
    """Compute log2 of the odds that an account is in a cluster of this `size`, before any evidence."""
    share = np.minimum(size / coarse(accounts), MAX_PRIOR)
    prior: Floats = np.log2(share / (1.0 - share))
    return prior
