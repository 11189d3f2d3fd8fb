"""Weigh accounts against the clusters of a run: the run's own weighing (`membership.weigh_asked`), on an index."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.agreement import Agreement, agreement
from graphsvc.campaigns.learned import Asked, Learned
from graphsvc.campaigns.membership import Weighed, weigh_asked
from graphsvc.linkage.timing import WIDTHS, Population, Signups, count_between, measure_reach
from graphsvc.model.arrays import expand_slices
from graphsvc.scoring.index import ScoreIndex, find_digests
from graphsvc.types import Flags, Ints, Ints32


@dataclass(frozen=True, slots=True)
class Values:
    """Values of some accounts, as digests; parallel arrays, one entry a use, sorted by account.

    Attributes:
        account: place of the account, int32.
        digest: of the value's key, uint64, (uses, 2).
        transient: whether the run has counted the use as transient (`linkage.transience`); read only where the
            accounts are counted.
        place: of each key in the index, int64, -1 = not there. None: it is looked up.
    """

    account: Ints32
    digest: NDArray[np.uint64]
    transient: Flags
    place: Ints | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Accounts as they stand to the run. By default it has not read them, as a sign-up that comes after it.

    Attributes:
        has: whether each has any value of a family of the index, (accounts, families).
        created_at: sign-up of each, ms since 1970, -1 = not known; int64.
        counted: whether the run has read them. Then each is among those who use its values and among the sign-ups
            around its own, and is left out of both. Else there is nothing to leave out.
        belongs: number of the grown cluster that each is a member of, -1 = of none; int32. None: of none.
        home: number of the cluster whose pool each has made, likewise.
    """

    has: NDArray[np.bool_]
    created_at: Ints
    counted: bool = False
    belongs: Ints32 | None = None
    home: Ints32 | None = None


def weigh_accounts(index: ScoreIndex, standing: Standing, values: Values) -> Weighed:
    """Weigh accounts against the clusters of an index.

    Same population: clusters are as the run learned them, counts of accounts and values are those that the run read.
    For accounts that the run has read (`counted`), the result is that of the run, to the last bit. For others it is
    what the run would have said of them, had they changed nothing of what its clusters learned.

    Args:
        index: of a run.
        standing: the accounts.
        values: theirs.

    Returns:
        Candidates as of `membership.weigh`: `cluster` is the number of the grown cluster.
    """
    accounts = len(standing.has)
    belongs, home = (_find_places(index, number, accounts) for number in (standing.belongs, standing.home))
    use, row = _look_up(index, values)
    account = values.account[use]
    # A use that the run has not counted is in neither side of the counts, as one in passing.
    passing = values.transient[use] if standing.counted else np.ones(len(use), dtype=np.bool_)
    leading = index.pool["leading"][row].astype(np.bool_)
    learned = Learned(index.numbers, index.size, _NO_POOL, index.worth, None, index.accounts)

    def find_agreement(which: Flags) -> Agreement:
        return agreement(
            index.pool, row[which], account[which], passing[which], home, len(index.families), index.ranks
        )

    def find_supporting(clusters: Ints32, whom: Ints32) -> Agreement:
        keys = clusters.astype(np.int64) * accounts + whom
        mine = index.pool["cluster"][row].astype(np.int64) * accounts + account
        return find_agreement(~leading & np.isin(mine, keys))

    asked = Asked(standing.has, belongs, home, _place_signups(index, standing, belongs))
    return weigh_asked(learned, asked, find_agreement(leading), find_supporting)


_NO_POOL = pl.DataFrame()


def _find_places(index: ScoreIndex, numbers: Ints32 | None, accounts: int) -> Ints32:
    """Return the place of each cluster number, -1 where it is -1; int32."""
    if numbers is None:
        return np.full(accounts, -1, dtype=np.int32)
    place = np.searchsorted(index.numbers, numbers).astype(np.int32)
    return np.where(numbers >= 0, place, np.int32(-1))


def _look_up(index: ScoreIndex, values: Values) -> tuple[Ints, Ints]:
    """Return the rows of the pools that hold the values: use (place in `values`), row."""
    place = find_digests(index.digests, values.digest) if values.place is None else values.place
    known = np.flatnonzero(place >= 0)
    slot, row = expand_slices(index.first[place[known]], index.first[place[known] + 1])
    return known[slot], row


def _place_signups(index: ScoreIndex, standing: Standing, belongs: Ints32) -> Signups | None:
    """Return the clusters' sign-ups with the moments of the accounts, or None where none of these says anything.

    A moment before or after all that the run has read is not known: who else signed up around it is not, either.
    """
    if not len(index.moments):
        return None
    inside = (standing.created_at >= index.moments[0]) & (standing.created_at <= index.moments[-1])
    if not inside.any():
        return None
    created_at = np.where(inside, standing.created_at, -1)
    absent = int(not standing.counted)
    around = np.empty((len(WIDTHS), len(created_at)), dtype=np.int32)
    for k, width in enumerate(WIDTHS):
        reach = measure_reach(width, index.resolution)
        around[k] = count_between(index.moments, created_at - reach, created_at + reach) + absent
    population = Population(created_at, index.moments, index.resolution, around, absent)
    member = np.flatnonzero((belongs >= 0) & inside)
    place = np.searchsorted(index.signup_clusters, belongs[member])
    # Never empty: the first entry is of no cluster and no account.
    pairs = np.sort(np.append(place * len(created_at) + member, -1))
    return Signups(
        population, index.signup_clusters, index.signup_size, index.signup_weights, index.signup_keys, pairs
    )
