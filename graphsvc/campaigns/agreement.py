"""In which class an account agrees with a cluster in a family: through what, and how far that is the cluster's own.

In each family an account agrees with a cluster in one of some classes: not at all, or through a value of a level (an
address before its prefix before its system) whose other users are members to some degree.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.scale import coarse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = NDArray[np.integer]

MIN_POOL_BITS = 2.0
"""A value is in a cluster's pool when it is four times as common inside as outside."""
ODDS = (-3.0, -1.0, 0.5, 1.5, 2.5)
"""Where classes of a value end: log2 of its other users inside over those outside. Of values in the last class, which
are nearly all a cluster's own, a second and a third in the same family count on."""
COARSE_ODDS = (-1.0, 0.5, 2.0)
"""The same for prefixes, systems, BINs and e-mail domains, of which chance shares more."""
ABSENT, FINE, PARENT, GRANDPARENT, CLASSES = 0, 1, 9, 13, 17

_FIRST = np.array([GRANDPARENT, PARENT, FINE])
"""The first class of each level, the coarsest level first."""
_STEP = 8
"""More than the classes of a level without what counts on. Ranks are `_STEP` a level, finer levels above coarser."""
_RANKS = 32
"""More than there are ranks."""
_OWN = 2 * _STEP + len(ODDS)
"""Rank of a value that is nearly all a cluster's own."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """In which class accounts agree with clusters, by family: parallel arrays sorted by cluster, account, family.

    All are int64; `kind` is the class. Who does not agree in a family has no row.
    """

    cluster: Ints
    account: Ints
    family: Ints
    kind: Ints

    def keys(self, accounts: int, families: int) -> Ints:
        """One number for cluster, account and family; ascending."""
        keys: Ints = (self.cluster * accounts + self.account) * families + self.family
        return keys

    def rows(self, which: NDArray[np.bool_]) -> "Agreement":
        """Some of the rows."""
        return Agreement(self.cluster[which], self.account[which], self.family[which], self.kind[which])


def agreement(
    pool: pl.DataFrame,
    value: Rows,
    account: NDArray[np.int32],
    passing: NDArray[np.bool_],
    home: NDArray[np.int32],
    families: int,
) -> Agreement:
    """The class in which each account agrees with each cluster and family, through the finest level that agrees.

    Each account is seen without its own use of the value (leave one out). A use in passing is none of a value's.

    Args:
        pool: of `membership.pools`.
        value, account, passing: parallel, one a use: row of `pool`, account, whether it is in passing.
        home: the cluster each account is a member of, -1 = of none; int32, one an account.
        families: how many there are.
    """
    accounts = len(home)
    cluster, family = pool["cluster"].to_numpy(), pool["family"].to_numpy()
    member = home[account] == cluster[value]
    rank = _ranks(pool, accounts)[value, np.where(passing, 2, member)]
    met = rank >= 0
    value = value[met]
    keys = (cluster[value].astype(np.int64) * accounts + account[met]) * families + family[value]
    # Sorted with its rank, the last row of a cluster, account and family is the finest and highest.
    keys = np.sort(keys * _RANKS + rank[met])
    group = keys // _RANKS
    last = np.flatnonzero(np.append(group[1:] != group[:-1], True)) if len(group) else np.empty(0, np.int64)
    rank, group = keys[last] % _RANKS, group[last]
    kind = _FIRST[rank // _STEP] + rank % _STEP
    for more in (1, 2):
        kind += (rank == _OWN) & (last >= more) & (keys[np.maximum(last - more, 0)] == keys[last])
    who = group // families
    return Agreement(who // accounts, who % accounts, group % families, kind)


def _ranks(pool: pl.DataFrame, accounts: int) -> NDArray[np.int64]:
    """How finely and strongly a value agrees, shape (values, 3): for one who is no member, for a member, and for whom
    it was in passing; -1 where without its own use it would be in no pool."""
    inside, degree, size = (pool[name].to_numpy()[:, None] for name in ("inside", "degree", "size"))
    others = inside - np.array([0, 1, 0])
    outside = degree - np.array([1, 1, 0]) - others
    level = pool["level"].to_numpy().astype(np.int64)[:, None]
    strength = odds(others, outside)
    step = np.where(
        level == 0,
        np.searchsorted(ODDS, strength, side="right"),
        np.searchsorted(COARSE_ODDS, strength, side="right"),
    )
    pooled = lift(others, outside, size, accounts) >= MIN_POOL_BITS
    ranks: NDArray[np.int64] = np.where(pooled, (2 - level) * _STEP + step, -1)
    return ranks


def lift(inside: Ints, outside: Ints, size: Ints, accounts: int) -> Floats:
    """log2 of the share inside over the share outside, half a stranger added; others as finely as they matter."""
    others = np.maximum(coarse(accounts) - size, 0) + 1.0
    with np.errstate(divide="ignore"):
        bits: Floats = np.log2((inside / size) / ((coarse(np.maximum(outside, 0)) + 0.5) / others))
    return bits


def odds(inside: Ints, outside: Ints) -> Floats:
    """log2 of users inside over those outside, half a stranger added; those outside as finely as they matter."""
    with np.errstate(divide="ignore"):
        found: Floats = np.log2(inside / (coarse(np.maximum(outside, 0)) + 0.5))
    return found


def class_of(strength: Floats, level: NDArray[np.int8]) -> Ints:
    """The class of a value of `strength` (`odds`) and level."""
    fine = FINE + np.searchsorted(ODDS, strength, side="right")
    coarse = np.where(level == 1, PARENT, GRANDPARENT) + np.searchsorted(COARSE_ODDS, strength, side="right")
    found: Ints = np.where(level == 0, fine, coarse)
    return found
