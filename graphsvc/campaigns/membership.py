"""How strongly an account's signals speak for its belonging to a cluster: naive Bayes over families, in bits.

In each family an account agrees with a cluster in one of some classes: not at all, or through a value of a level (an
address before its prefix before its system) whose other users are members to some degree. What a class is worth is
learned for each cluster: how often members are in it, against how often all others are (Fellegi & Sunter 1969), each
account seen without its own use of the value (leave one out).
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.linkage.timing import fit_signups, signup_bits

Floats = NDArray[np.float64]

MIN_POOL_BITS = 2.0
"""A value is in a cluster's pool when it is four times as common inside as outside."""
STRONG_BITS = 3.0
"""Bits of a tying family with which an account is a candidate at all."""
MAX_ABSENCE_BITS = 4.0
"""What not to agree in a family costs at most."""
MAX_PRIOR = 0.3
"""However large a cluster, an account is not presumed to be in it with more than this."""
ODDS = (-3.0, -1.0, 0.5, 1.5, 2.5)
"""Where classes of a value end: log2 of its other users inside over those outside."""
SHARED = ODDS[-1]
"""Of a value that is nearly all a cluster's own, a second and a third in the same family count on."""
COARSE_ODDS = (-1.0, 0.5, 2.0)
"""The same for prefixes, systems, BINs and e-mail domains, of which chance shares more."""
ABSENT, FINE, PARENT, GRANDPARENT, CLASSES = 0, 1, 9, 13, 17

# Pseudo-counts by class, of members and of others: what is presumed of a cluster of which little is seen. Finer
# agreement is presumed to be commoner in campaigns and rarer outside.
_MEMBERS = np.array([1.6, .1, .1, .15, .2, .3, .3, .2, .1, .1, .1, .15, .2, .1, .1, .15, .2])  # fmt: skip
_OTHERS = np.array([0., 2., 1., .7, .5, .5, .4, .2, .1, 2., 1., .7, .5, 3., 2., 1., .7])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """What accounts can be weighed by.

    `edges`: account, signal, family (int32), level (int8; 0 the value itself, 1 its parent, 2 its grandparent),
    passing (bool: a use begun and ended at once), of signals that more than one account has. `degree`: accounts a
    signal that did not use it in passing (int64). `has`, shape (accounts, families): whether an account has any value
    of a family. `ties`, shape (families,): whether a family ties accounts, or only supports. `created_at`: ms since
    1970, a row an account; None leaves the moment of sign-up out.
    """

    edges: pl.DataFrame
    degree: NDArray[np.int64]
    has: NDArray[np.bool_]
    ties: NDArray[np.bool_]
    created_at: NDArray[np.int64] | None

    @property
    def accounts(self) -> int:
        """Number of accounts."""
        return len(self.has)


def pools(given: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """What clusters use more than others do.

    A use in passing puts no value into a pool: an operator who visits somebody's address has not made it his.

    Args:
        members: cluster, account (int32); an account is in one cluster at most.

    Returns: cluster, signal, family, level, inside (members with the value), degree (accounts with it), size,
    bits = log2(m/u) with m = inside / size and u the share of accounts outside the cluster that have it: the
    cluster's own use is taken out, so a large ring cannot make its values look common. Sorted by cluster, signal.
    """
    size = members.group_by("cluster").agg(size=pl.len().cast(pl.Int64))
    inside = (
        given.edges.lazy()
        .filter(~pl.col("passing"))
        .join(members.lazy().select("cluster", "account"), on="account")
        .group_by("cluster", "signal")
        .agg(pl.col("family", "level").first(), inside=pl.len().cast(pl.Int64))
        .filter(pl.col("inside") > 1)
        .collect()
    )
    return (
        inside.with_columns(degree=pl.Series(given.degree[inside["signal"].to_numpy()], dtype=pl.Int64))
        .join(size, on="cluster")
        .with_columns(bits=_lift(pl.col("inside"), pl.col("degree") - pl.col("inside"), given.accounts))
        .filter(pl.col("bits") >= MIN_POOL_BITS)
        .sort("cluster", "signal")
    )


def _lift(inside: pl.Expr, outside: pl.Expr, accounts: int) -> pl.Expr:
    """log2 of the share inside over the share outside, half a stranger added."""
    return ((inside / pl.col("size")) / ((outside + 0.5) / (accounts - pl.col("size") + 1.0))).log(2.0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """Candidates of clusters, parallel arrays sorted by cluster, then account.

    `families` has the bits by family (candidates, families), 0 where nothing is known; `time` those of the moment of
    sign-up, `prior` log2 of the odds before any evidence; `membership` is the posterior probability, 0–1, and `member`
    whether the account is in that cluster now.
    """

    cluster: NDArray[np.int32]
    account: NDArray[np.int32]
    member: NDArray[np.bool_]
    families: NDArray[np.float32]
    time: NDArray[np.float32]
    prior: NDArray[np.float32]
    membership: Floats

    @property
    def bits(self) -> Floats:
        """Evidence and prior together."""
        total: Floats = self.families.sum(axis=1, dtype=np.float64) + self.time + self.prior
        return total

    def without(self, clusters: Collection[int]) -> "Weighed":
        """The candidates of all other clusters."""
        return self.rows(~np.isin(self.cluster, np.fromiter(clusters, dtype=np.int32)))

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Weighed":
        """Some of the rows."""
        return Weighed(*(getattr(self, name)[which] for name in Weighed.__slots__))

    def with_rows(self, other: "Weighed") -> "Weighed":
        """The candidates of both, sorted."""
        both = Weighed(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in Weighed.__slots__)
        )
        return both.rows(np.lexsort((both.account, both.cluster)))


def weigh(given: Evidence, members: pl.DataFrame) -> Weighed:
    """Weighs every account against every cluster with which it agrees strongly in some tying family.

    Args:
        members: cluster, account (int32), sorted; an account is in one cluster at most.
    """
    accounts, families = given.has.shape
    clusters = int(members["cluster"].max() or 0) + 1  # type: ignore[arg-type]
    home = np.full(accounts, -1, dtype=np.int32)
    home[members["account"].to_numpy()] = members["cluster"].to_numpy()
    pool = pools(given, members)
    leads = _leading(given, pool)
    leading, coarse = pool.filter(leads), pool.filter(~leads)
    worth, fine, candidates = _learn(given, members, leading, coarse, home, clusters)
    cluster, account = candidates["cluster"].to_numpy(), candidates["account"].to_numpy()
    classes = np.zeros((len(cluster), families), dtype=np.int8)
    row = candidates.with_row_index("row")
    for part in (fine, _supporting(given, coarse, candidates, home)):
        placed = part.join(row, on=["cluster", "account"])
        at, family = placed["row"].to_numpy(), placed["family"].to_numpy()
        kind = placed["class"].to_numpy()
        # The finest level that agrees counts: coarser classes only where nothing finer was found.
        free = classes[at, family] == 0
        classes[at[free], family[free]] = kind[free]
    bits = worth[cluster[:, None], np.arange(families)[None, :], classes]
    bits[~given.has[account]] = 0.0
    time = np.zeros(len(cluster))
    if given.created_at is not None and len(cluster):
        time = signup_bits(fit_signups(given.created_at, members), cluster, account)
    share = np.bincount(members["cluster"].to_numpy(), minlength=clusters)[cluster] / accounts
    share = np.minimum(share, MAX_PRIOR)
    prior = np.log2(share / (1.0 - share)) if len(cluster) else share
    total = bits.sum(axis=1) + time + prior
    return Weighed(
        cluster,
        account,
        home[account] == cluster,
        bits.astype(np.float32),
        time.astype(np.float32),
        prior.astype(np.float32),
        1.0 / (1.0 + np.exp2(-total)),
    )


def _learn(
    given: Evidence,
    members: pl.DataFrame,
    leading: pl.DataFrame,
    coarse: pl.DataFrame,
    home: NDArray[np.int32],
    clusters: int,
) -> tuple[Floats, pl.DataFrame, pl.DataFrame]:
    """Bits of each class, shape (clusters, families, classes); the fine hits; who agrees strongly with whom."""
    accounts, families = given.has.shape
    fine = _hits(given.edges.lazy(), leading.lazy(), home, accounts, ["signal"]).collect()
    cells = (
        fine["cluster"].to_numpy().astype(np.int64) * families + fine["family"].to_numpy()
    ) * CLASSES + fine["class"].to_numpy()
    own = home[fine["account"].to_numpy()] == fine["cluster"].to_numpy()
    shape = (clusters, families, CLASSES)
    inside = np.bincount(cells[own], minlength=clusters * families * CLASSES).reshape(shape).astype(float)
    outside = np.bincount(cells[~own], minlength=clusters * families * CLASSES).reshape(shape).astype(float)

    # Of supporting values only members' hits are looked at one by one; how many others hit is a sum over values.
    named = _hits(
        given.edges.lazy().join(members.lazy().select("cluster", "account"), on="account"),
        coarse.lazy(), home, accounts, ["cluster", "signal"],
    ).join(fine.lazy(), on=["cluster", "account", "family"], how="anti").collect()  # fmt: skip
    at = (named["cluster"].to_numpy(), named["family"].to_numpy(), named["class"].to_numpy())
    np.add.at(inside, at, 1.0)
    stranger = _odds(coarse["inside"], coarse["degree"] - coarse["inside"] - 1)
    at = (
        coarse["cluster"].to_numpy(),
        coarse["family"].to_numpy(),
        _class(stranger, coarse["level"].to_numpy()),
    )
    np.add.at(outside, at, (coarse["degree"] - coarse["inside"]).to_numpy().astype(float))

    having = np.zeros((clusters, families))
    np.add.at(having, members["cluster"].to_numpy(), given.has[members["account"].to_numpy()].astype(float))
    others = np.maximum(given.has.sum(axis=0)[None, :] - having, 1.0)
    outside = np.minimum(outside, others[:, :, None])
    inside[:, :, ABSENT] = np.maximum(having - inside.sum(axis=2), 0.0)
    outside[:, :, ABSENT] = np.maximum(others - outside.sum(axis=2), 0.0)
    m = (inside + _MEMBERS) / (having[:, :, None] + _MEMBERS.sum())
    u = (outside + _OTHERS) / (others[:, :, None] + _OTHERS.sum())
    worth: Floats = np.log2(m / np.maximum(u, 0.5 / accounts))
    worth[:, :, ABSENT] = np.clip(worth[:, :, ABSENT], -MAX_ABSENCE_BITS, 0.0)
    for level in (slice(FINE, PARENT), slice(PARENT, GRANDPARENT), slice(GRANDPARENT, CLASSES)):
        # A value of which members are a larger part never says less.
        worth[:, :, level] = np.maximum.accumulate(worth[:, :, level], axis=2)
    worth[inside[:, :, FINE:].sum(axis=2) == 0] = 0.0

    strong = worth[fine["cluster"].to_numpy(), fine["family"].to_numpy(), fine["class"].to_numpy()]
    candidates = fine.filter(pl.Series(strong >= STRONG_BITS)).select("cluster", "account").unique()
    return worth, fine.select("cluster", "account", "family", "class"), candidates.sort("cluster", "account")


def _leading(given: Evidence, pool: pl.DataFrame) -> NDArray[np.bool_]:
    """Which values of the pools can make a candidate: those of tying kinds that are not mostly other people's.

    The many who have a hub of a cluster in common with it are weighed by it only where something else leads to them. Of
    coarser values those lead that are mostly the cluster's own, as a domain that was bought for it.
    """
    odds = _odds(pool["inside"], pool["degree"] - pool["inside"])
    least = np.select(
        [pool["level"].to_numpy() == 0, pool["level"].to_numpy() == 1], [ODDS[0], COARSE_ODDS[1]], np.inf
    )
    leads: NDArray[np.bool_] = given.ties[pool["family"].to_numpy()] & (odds >= least)
    return leads


def _supporting(
    given: Evidence, coarse: pl.DataFrame, candidates: pl.DataFrame, home: NDArray[np.int32]
) -> pl.DataFrame:
    """Classes of candidates' agreement through coarser levels and families that only support."""
    edges = given.edges.lazy().join(candidates.lazy(), on="account")
    return (
        _hits(edges, coarse.lazy(), home, given.accounts, ["cluster", "signal"])
        .select("cluster", "account", "family", "class")
        .collect()
    )


def _hits(
    edges: pl.LazyFrame, pool: pl.LazyFrame, home: NDArray[np.int32], accounts: int, on: list[str]
) -> pl.LazyFrame:
    """The class in which each account agrees with each cluster and family: cluster, account, family, class; sorted."""
    owned = pl.LazyFrame({"account": np.arange(accounts, dtype=np.int32), "home": home})
    counted = ~pl.col("passing")
    inside = pl.col("inside") - ((pl.col("home") == pl.col("cluster")) & counted).cast(pl.Int64)
    odds = (pl.col("inside") / (pl.col("outside") + 0.5)).log(2.0)
    return (
        edges.drop("family", "level")
        .join(pool.drop("bits"), on=on)
        .join(owned, on="account")
        .with_columns(inside=inside)
        .with_columns(outside=pl.col("degree") - counted.cast(pl.Int64) - pl.col("inside"))
        .filter(_lift(pl.col("inside"), pl.col("outside"), accounts) >= MIN_POOL_BITS)
        .with_columns(odds=odds)
        .group_by("cluster", "account", "family")
        .agg(
            pl.col("level").min(),
            odds=pl.col("odds").filter(pl.col("level") == pl.col("level").min()).max(),
            own=(pl.col("odds") >= SHARED).filter(pl.col("level") == 0).sum(),
        )
        .with_columns(
            pl.struct("odds", "level", "own").map_batches(_classes, return_dtype=pl.Int8).alias("class")
        )
        .select("cluster", "account", "family", "class")
        .sort("cluster", "account", "family")
    )


def _classes(rows: pl.Series) -> pl.Series:
    parts = rows.struct.unnest()
    found = _class(parts["odds"].to_numpy(), parts["level"].to_numpy())
    more = np.minimum(parts["own"].to_numpy().astype(np.int64), 3) - 1
    found = np.where((parts["level"].to_numpy() == 0) & (more > 0), found + more, found)
    return pl.Series(found.astype(np.int8))


def _class(odds: Floats, level: NDArray[np.int8]) -> NDArray[np.int64]:
    fine = FINE + np.searchsorted(ODDS, odds, side="right")
    coarse = np.where(level == 1, PARENT, GRANDPARENT) + np.searchsorted(COARSE_ODDS, odds, side="right")
    found: NDArray[np.int64] = np.where(level == 0, fine, coarse)
    return found


def _odds(inside: pl.Series, outside: pl.Series) -> Floats:
    odds: Floats = np.log2(inside.to_numpy() / (np.maximum(outside.to_numpy(), 0) + 0.5))
    return odds
