"""Classify how accounts agree with clusters in each family: by the level of a value, and by how exclusive it is.

In each family an account agrees with a cluster in one of some classes: not at all, or through a value of a level (an
address before its prefix before its system) whose other users are members to some degree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.arrays import find_ends
from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints, Rows

MIN_POOL_BITS = 2.0
"""A value is in a cluster's pool when it is four times as common inside as outside."""
ODDS = (-3.0, -1.0, 0.5, 1.5, 2.5)
"""Ends of the classes of a value: log2 of its other users inside over those outside. Values in the last class are
nearly all a cluster's own; a second and a third of them in one family make further classes."""
COARSE_ODDS = (-1.0, 0.5, 2.0)
"""The same for prefixes, systems, BINs and e-mail domains, which strangers share more often."""
# The classes of a level follow each other. FINE has six by odds, and two more for a second and a third own value.
ABSENT, FINE, PARENT, GRANDPARENT, CLASSES = 0, 1, 9, 13, 17

_FIRST = np.array([GRANDPARENT, PARENT, FINE])
"""The first class of each level, the coarsest level first."""
_STEP = 8
"""More than the classes of a level without what counts on. Ranks are `_STEP` a level, finer levels above coarser."""
_RANKS = 32
"""More than there are ranks."""
_OWN = 2 * _STEP + len(ODDS)
"""Rank of a value that is nearly all a cluster's own."""
Pool = Mapping[str, NDArray[Any]]
"""Columns of `membership.pools` as arrays: those of `POOL`."""
POOL = ("cluster", "family", "level", "inside", "degree", "size")


def pool_arrays(pool: pl.DataFrame) -> Pool:
    """Return the columns of a pool that agreement reads, as arrays."""
    return {name: pool[name].to_numpy() for name in POOL}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Classes of agreement of accounts with clusters, by family: parallel arrays sorted by cluster, account, family.

    All are int64; `kind` is the class. An account that does not agree in a family has no row.
    """

    cluster: Ints
    account: Ints
    family: Ints
    kind: Ints

    def keys(self, accounts: int, families: int) -> Ints:
        """Return one number for cluster, account and family; ascending."""
        keys: Ints = (self.cluster * accounts + self.account) * families + self.family
        return keys

    def rows(self, which: NDArray[np.bool_]) -> "Agreement":
        """Return some of the rows."""
        return Agreement(self.cluster[which], self.account[which], self.family[which], self.kind[which])


def agreement(
    pool: Pool,
    value: Rows,
    account: NDArray[np.int32],
    passing: NDArray[np.bool_],
    home: NDArray[np.int32],
    families: int,
    ranks: NDArray[np.int64] | None = None,
) -> Agreement:
    """Find the class of each account's agreement with each cluster and family, by the finest level that agrees.

    Each account is seen without its own use of the value (leave one out). A use in passing is not among those uses.

    Args:
        pool: of `membership.pools`, as arrays (`pool_arrays`).
        value: (uses,) row of `pool` of each use.
        account: (uses,) int32, the account of each use.
        passing: (uses,) bool, true for a use in passing.
        home: (accounts,) int32, the cluster that each account is a member of, -1 = of none.
        families: how many there are.
        ranks: of the values (`rank_values`), where they are known already. None: `home` has all accounts.

    Returns:
        The classes, one row for each cluster, account and family that agree.
    """
    accounts = len(home)
    cluster, family = pool["cluster"], pool["family"]
    member = home[account] == cluster[value]
    if ranks is None:
        ranks = rank_values(pool, accounts)
    rank = ranks[value, np.where(passing, 2, member)]
    met = rank >= 0
    value = value[met]
    keys = (cluster[value].astype(np.int64) * accounts + account[met]) * families + family[value]
    # Sorted with its rank, the last row of a cluster, account and family is the finest and highest.
    keys = np.sort(keys * _RANKS + rank[met])
    group = keys // _RANKS
    last = find_ends(group)
    rank, group = keys[last] % _RANKS, group[last]
    kind = _FIRST[rank // _STEP] + rank % _STEP
    # Keys are sorted, so that a second and a third own value stand right before the last.
    for more in (1, 2):
        kind += (rank == _OWN) & (last >= more) & (keys[np.maximum(last - more, 0)] == keys[last])
    who = group // families
    return Agreement(who // accounts, who % accounts, group % families, kind)


def rank_values(pool: Pool, accounts: int) -> NDArray[np.int64]:
    """Rank how finely and strongly values agree with an account; int64, shape (values, 3).

    The columns are for an account that is no member, for a member, and for a use in passing. A rank of -1 means that
    the value would be in no pool without the account's own use.
    """
    inside, degree, size = (pool[name][:, None] for name in ("inside", "degree", "size"))
    # A stranger's own use counts outside, a member's inside, and one in passing in neither.
    others = inside - np.array([0, 1, 0])
    outside = degree - np.array([1, 1, 0]) - others
    level = pool["level"].astype(np.int64)[:, None]
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
    """Return log2 of the share inside over that outside, half a stranger added, counts outside on a grid."""
    others = np.maximum(coarse(accounts) - size, 0) + 1.0
    with np.errstate(divide="ignore"):
        bits: Floats = np.log2((inside / size) / ((coarse(np.maximum(outside, 0)) + 0.5) / others))
    return bits


def odds(inside: Ints, outside: Ints) -> Floats:
    """Return log2 of users inside over those outside, half a stranger added, those outside on a grid (`coarse`)."""
    with np.errstate(divide="ignore"):
        found: Floats = np.log2(inside / (coarse(np.maximum(outside, 0)) + 0.5))
    return found


def class_of(strength: Floats, level: NDArray[np.int8]) -> Ints:
    """Return the class of values of a `strength` (`odds`) and a level."""
    fine = FINE + np.searchsorted(ODDS, strength, side="right")
    coarse = np.where(level == 1, PARENT, GRANDPARENT) + np.searchsorted(COARSE_ODDS, strength, side="right")
    found: Ints = np.where(level == 0, fine, coarse)
    return found
