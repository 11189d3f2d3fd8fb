"""Weigh how strongly an account's signals speak for its belonging to a cluster: naive Bayes over families, in bits.

In each family an account agrees with a cluster in one of some classes (`agreement`). The weight of a class is learned
for each cluster: how often members are in it, against how often all others are (Fellegi & Sunter 1969). Each account
is seen without its own use of the value (leave one out). Those outside are counted as finely as they matter
(`model.scale.coarse`), so that strangers who come elsewhere leave a cluster's evidence as it was, to the last bit.
Members that a cluster does not have yet are counted with the others only to the extent that they are others (`hidden`).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.agreement import (
    CLASSES,
    COARSE_ODDS,
    MIN_POOL_BITS,
    ODDS,
    Agreement,
    agreement,
    class_of,
    lift,
    odds,
    pool_arrays,
)
from graphsvc.campaigns.hidden import find_several
from graphsvc.campaigns.learned import Asked, Learned
from graphsvc.campaigns.worth import compare_classes, compute_prior, count_classes
from graphsvc.linkage.signals import SignalTable
from graphsvc.linkage.timing import Population, fit_signups, signup_bits
from graphsvc.linkage.uses import Uses
from graphsvc.model.arrays import find_starts, flag_starts
from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints

STRONG_BITS = 3.0
"""Bits of a tying family with which an account is a candidate at all."""
LEAST_SEARCHING = 50
"""Members from which a cluster looks for others of its campaign (`hidden`). A small one has too few to tell them by:
among contributors to one project a core of 24 to 49 grew into a blob of 21 people (pair F .763 for .905 of the
identities). Pieces of campaigns that need it have hundreds."""
HIDDEN_ROUNDS = 3
"""Rounds in which members among all others are found (`hidden`). On hard:3 of 60,000 without devices 3, 5 and 10 rounds
give the same recall (.888)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Signals and sign-ups that accounts are weighed by.

    `uses`: of signals that more than one account has. `signals`: all signals; `degree` (int64): accounts with a lasting
    use of each. `has`, shape
    (accounts, families): whether an account has any value of a family; `having` (int64): how many do. `ties`, shape
    (families,): whether a family ties accounts, or only supports. `signups`: the sign-ups of all
    accounts; None leaves the moment of sign-up out.
    """

    uses: Uses
    signals: SignalTable
    degree: Ints
    has: NDArray[np.bool_]
    having: Ints
    ties: NDArray[np.bool_]
    signups: Population | None

    @property
    def accounts(self) -> int:
        """Number of accounts."""
        return len(self.has)

    @property
    def family(self) -> NDArray[np.int32]:
        """Family of each signal, int32."""
        return self.signals.family

    @property
    def level(self) -> NDArray[np.int8]:
        """Level of each signal, int8: 0 the value itself, 1 its parent, 2 its grandparent."""
        return self.signals.level


def pools(given: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Find the pool of each cluster: the values that it uses more than others do.

    A use in passing puts no value into a pool: one visit to an address does not make it an operator's own.

    Args:
        given: what accounts are weighed by.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, signal, family, level, inside (members with the value), degree (accounts with it), size, bits; sorted
        by cluster and signal. bits = log2(m/u) with m = inside / size and u the share of accounts outside the cluster
        that have it. The cluster's own use is taken out, so that a large ring cannot make its values look common.
    """
    of = members["cluster"].to_numpy().astype(np.int64)
    place, signal, passing = given.uses.by(members["account"].to_numpy())
    keys = np.sort((of[place] * given.uses.signals + signal)[~passing])
    first = find_starts(keys)
    inside = np.diff(np.append(first, len(keys)))
    # A value that one member has holds nothing together.
    several = inside > 1
    cluster, signal = np.divmod(keys[first[several]], max(given.uses.signals, 1))
    inside, degree = inside[several], given.degree[signal]
    size = np.bincount(of)[cluster]
    bits = lift(inside, degree - inside, size, given.accounts)
    pool = pl.DataFrame(
        {
            "cluster": cluster.astype(np.int32),
            "signal": signal.astype(np.int32),
            "family": given.family[signal],
            "level": given.level[signal],
            "inside": inside,
            "degree": degree,
            "size": size,
            "bits": bits,
        }
    )
    return pool.filter(pl.Series(bits >= MIN_POOL_BITS))


@dataclass(frozen=True, slots=True)
class Weighed:
    """Candidates of clusters, parallel arrays sorted by cluster, then account.

    `families` has the bits by family (candidates, families), 0 where nothing is known. `time` has those of the moment
    of sign-up, `prior` log2 of the odds before any evidence. `membership` is the posterior probability, 0–1. `member`
    is true for an account that is in the cluster now.
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
        """Sum of evidence and prior."""
        total: Floats = self.families.sum(axis=1, dtype=np.float64) + self.time + self.prior
        return total

    def without(self, clusters: Collection[int]) -> "Weighed":
        """Return the candidates of all other clusters."""
        return self.rows(~np.isin(self.cluster, np.fromiter(clusters, dtype=np.int32)))

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Weighed":
        """Return some of the rows."""
        return Weighed(*(getattr(self, name)[which] for name in Weighed.__slots__))

    def with_rows(self, other: "Weighed") -> "Weighed":
        """Return the candidates of both, sorted."""
        both = Weighed(
            *(np.concatenate([getattr(self, name), getattr(other, name)]) for name in Weighed.__slots__)
        )
        # Two sorted pieces after each other: a stable sort merges them.
        keys = both.cluster.astype(np.int64) << 32 | both.account
        return both.rows(np.argsort(keys, kind="stable"))


def weigh(given: Evidence, members: pl.DataFrame, backbone: pl.DataFrame | None = None) -> Weighed:
    """Weigh members against their cluster, and every account against those it agrees with strongly in a tying family.

    Accounts agree with the backbone alone; the worth of agreement is learned from all members.

    Args:
        given: what accounts are weighed by.
        members: cluster, account (int32), sorted; an account is in one cluster at most.
        backbone: those of the members that make the pools, of every cluster some (`backbone.find_backbone`); all,
            where none is given.
    """
    learned, asked, fine = learn(given, members, backbone)
    popular = learned.pool.filter(~pl.col("leading"))

    def find_supporting(cluster: NDArray[np.int32], account: NDArray[np.int32]) -> Agreement:
        candidates = pl.DataFrame({"cluster": cluster, "account": account})
        return _supporting(given, candidates, popular, asked.home)

    return weigh_asked(learned, asked, fine, find_supporting)


def learn(
    given: Evidence, members: pl.DataFrame, backbone: pl.DataFrame | None = None
) -> tuple[Learned, Asked, Agreement]:
    """Learn from members what agreement with each cluster is worth.

    Args:
        given: as for `weigh`.
        members: likewise.
        backbone: likewise.

    Returns:
        The lessons, all accounts of the run as they stand to them, and their agreement through leading values.
    """
    accounts, families = given.has.shape
    # Tables by cluster have a row for each that is asked for, whatever its number.
    numbers, place, size = np.unique(members["cluster"].to_numpy(), return_inverse=True, return_counts=True)
    members = members.select(cluster=pl.Series(place, dtype=pl.Int32), account="account")
    if backbone is None:
        backbone = members
    else:
        within = np.searchsorted(numbers, backbone["cluster"].to_numpy())
        backbone = backbone.select(cluster=pl.Series(within, dtype=pl.Int32), account="account")
    belongs, home = find_homes(members, accounts), find_homes(backbone, accounts)
    pool = pools(given, backbone)
    leads = find_leading(given, pool)
    leading, popular = pool.filter(leads), pool.filter(~leads)
    fine = agreement(pool_arrays(leading), *given.uses.users(leading["signal"].to_numpy()), home, families)
    worth = _learn(given, members, fine, popular, home, belongs)
    signups = None if given.signups is None else fit_signups(given.signups, members)
    pool = pool.with_columns(leading=pl.Series(leads, dtype=pl.Boolean))
    return (
        Learned(numbers, size, pool, worth, signups, accounts),
        Asked(given.has, belongs, home, signups),
        fine,
    )


def weigh_asked(
    learned: Learned,
    asked: Asked,
    fine: Agreement,
    supporting: Callable[[NDArray[np.int32], NDArray[np.int32]], Agreement],
) -> Weighed:
    """Weigh accounts against clusters: the one place where a run and a score at sign-up do so.

    Args:
        learned: lessons of the clusters.
        asked: the accounts.
        fine: their agreement through leading values of the pools.
        supporting: finds the agreement of candidates (cluster and account, both int32, sorted) through the other
            values.

    Returns:
        The members among the accounts against their cluster, and every account against those clusters that it agrees
        with strongly in a tying family.
    """
    worth, size = learned.worth, learned.size
    accounts, families = asked.has.shape
    strong = worth[fine.cluster, fine.family, fine.kind] >= STRONG_BITS
    pairs = (fine.cluster * accounts + fine.account)[strong]
    # Members stay candidates: those that came in one burst with the others may agree strongly with none of them.
    own = np.flatnonzero(asked.belongs >= 0)
    pairs = np.sort(np.concatenate([pairs, asked.belongs[own].astype(np.int64) * accounts + own]))
    pairs = pairs[flag_starts(pairs)]
    cluster, account = (
        (pairs // max(accounts, 1)).astype(np.int32),
        (pairs % max(accounts, 1)).astype(np.int32),
    )
    classes = np.zeros((len(pairs), families), dtype=np.int8)
    for part in (supporting(cluster, account), fine):
        # The finest level that agrees counts: coarser classes only where nothing finer was found.
        key = part.cluster * accounts + part.account
        row = np.searchsorted(pairs, key)
        known = np.append(pairs, -1)[row] == key
        classes[row[known], part.family[known]] = part.kind[known]
    bits = worth[cluster[:, None], np.arange(families)[None, :], classes]
    # An account without any value of a family does not disagree: missing data say nothing.
    bits[~asked.has[account]] = 0.0
    time = np.zeros(len(pairs))
    if asked.signups is not None and len(pairs):
        time = signup_bits(asked.signups, cluster, account)
    prior = compute_prior(size[cluster], learned.accounts)
    total = bits.sum(axis=1) + time + prior
    return Weighed(
        learned.numbers[cluster],
        account,
        asked.belongs[account] == cluster,
        # Every candidate of every cluster is held while clusters grow: half the memory of doubles.
        bits.astype(np.float32),
        time.astype(np.float32),
        prior.astype(np.float32),
        1.0 / (1.0 + np.exp2(-total)),
    )


def find_homes(members: pl.DataFrame, accounts: int) -> NDArray[np.int32]:
    """Find the cluster of each account, -1 where it is in none; int32, one an account.

    Args:
        members: cluster, account (int32); an account is in one cluster at most.
        accounts: all there are.
    """
    home = np.full(accounts, -1, dtype=np.int32)
    home[members["account"].to_numpy()] = members["cluster"].to_numpy()
    return home


def _learn(
    given: Evidence,
    members: pl.DataFrame,
    fine: Agreement,
    popular: pl.DataFrame,
    home: NDArray[np.int32],
    belongs: NDArray[np.int32],
) -> Floats:
    """Learn the bits of each class, shape (clusters, families, classes).

    Args:
        given: what accounts are weighed by.
        members: clusters numbered from 0.
        fine: agreement through values that lead, of all accounts.
        popular: the rest of the pools.
        home: the cluster whose backbone each account is in, -1 = in none.
        belongs: the cluster each account is a member of, -1 = of none.
    """
    accounts, families = given.has.shape
    of = members["cluster"].to_numpy()
    shape = (int(of.max(initial=-1)) + 1, families, CLASSES)

    own = belongs[fine.account] == fine.cluster
    mine, strange = fine.rows(own), fine.rows(~own)
    inside, outside = (count_classes(part.cluster, part.family, part.kind, shape) for part in (mine, strange))

    # Of supporting values only members' hits are looked at one by one; how many others hit is a sum over values.
    named = _supporting(given, members, popular, home)
    finer = np.isin(named.keys(accounts, families), fine.keys(accounts, families), assume_unique=True)
    # In a family an account is in one class alone, the finest.
    named = named.rows(~finer)
    inside += count_classes(named.cluster, named.family, named.kind, shape)
    others_with = (popular["degree"] - popular["inside"]).to_numpy()
    stranger = odds(popular["inside"].to_numpy(), others_with - 1)
    kind = class_of(stranger, popular["level"].to_numpy())
    outside += count_classes(
        popular["cluster"].to_numpy(), popular["family"].to_numpy(), kind, shape, others_with
    )

    having = np.zeros(shape[:2])
    np.add.at(having, of, given.has[members["account"].to_numpy()].astype(float))
    others = np.maximum(coarse(given.having)[None, :] - having, 1.0)
    worth = compare_classes(inside, outside, having, others, accounts)
    # Members that were not found yet are among all others. They agree in several families.
    size = np.bincount(of, minlength=shape[0])
    strange = strange.rows(size[strange.cluster] >= LEAST_SEARCHING)
    # Few clusters search, and the others' worth stays as it is.
    searching, place = np.unique(strange.cluster, return_inverse=True)
    several = find_several(replace(strange, cluster=place))
    inside, outside, having, others = (part[searching] for part in (inside, outside, having, others))
    prior, found = compute_prior(size[searching], accounts), worth[searching]
    shape = (len(searching), families, CLASSES)
    for _ in range(HIDDEN_ROUNDS if len(several.account) else 0):
        hidden = several.weigh(found, prior, given.has)
        seen = np.maximum(outside - several.count_classes(hidden, shape), 0.0)
        visible = np.maximum(others - several.count_families(hidden, given.has, shape[0]), 1.0)
        found = compare_classes(inside, seen, having, visible, accounts)
    worth[searching] = found
    return worth


def find_leading(given: Evidence, pool: pl.DataFrame) -> NDArray[np.bool_]:
    """Find the values of the pools that can make a candidate: those of linking kinds that are not mostly others'.

    The many who have a hub of a cluster in common with it are weighed by it only where something else leads to them. Of
    coarser values those lead that are mostly the cluster's own, as a domain that was bought for it.
    """
    inside, degree, level = (pool[name].to_numpy() for name in ("inside", "degree", "level"))
    # Autonomous systems (level 2) never lead: too many strangers are in each.
    least = np.select([level == 0, level == 1], [ODDS[0], COARSE_ODDS[1]], np.inf)
    leads: NDArray[np.bool_] = given.ties[pool["family"].to_numpy()] & (
        odds(inside, degree - inside) >= least
    )
    return leads


def _supporting(
    given: Evidence, candidates: pl.DataFrame, popular: pl.DataFrame, home: NDArray[np.int32]
) -> Agreement:
    """Find candidates' agreement through coarser levels and families that only support.

    The look-up begins with the candidates' own uses, since such values have very many users.
    """
    row, value, passing = given.uses.pooled(candidates, popular)
    account = candidates["account"].to_numpy()[row]
    return agreement(pool_arrays(popular), value, account, passing, home, given.has.shape[1])
