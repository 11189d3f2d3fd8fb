"""Measure how far cores draw from the same pools, family by family.

What two cores have in common is compared with what each has in common with itself. So neither their sizes nor the
popularity of values matters. Values that many cores use say little about any two of them: exits of a market that ten
operators rent from are no pool of one.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.pool_pairs import (
    Pools,
    count_accounts,
    find_pools,
    list_pairs,
    measure_pairs,
    select_pairs,
)
from graphsvc.model.arrays import flag_starts
from graphsvc.signals.kinds import INFRASTRUCTURE
from graphsvc.types import Floats, Ints


@dataclass(frozen=True, slots=True)
class FamilyUses:
    """Uses of one family's values; each use once.

    Attributes:
        place: (uses,) int64, place of the account.
        value: (uses,) int64, the value, numbered from 0 within the family: tables of these alone are small.
        signal: (values,) int64, the signal that each value is; ascending.
    """

    place: Ints
    value: Ints
    signal: Ints


Uses = dict[int, FamilyUses]
"""Uses by family."""
Closed = dict[int, Floats]
"""Weights of values by family, parallel to `FamilyUses.signal`."""
Listed = tuple[Ints, Ints | None]
"""Pairs of cores, and where they stand in products (`pool_pairs.list_pairs`)."""
LEAST_CLOSED = 1e-9
"""No value is closed less than this: products of sparse matrices must keep an entry for it."""
THREADS = 2
"""Families measured at once: two of them are most of the work, and each takes memory of its own."""
HELD_TOGETHER, OWN_SUPPLY = 0.3, 0.05
"""Share of either cluster's accounts that a family of infrastructure ties to others of it, and affinity in such
families below which two clusters have nothing of each other's (`find_apart`). Measured on pairs of grown clusters that
were to join, in worlds of two generators that knew nothing of the detection, random ones (seeds 100-159), hard:3 and
hard2:22: of 47 pairs of one campaign 2 lie below, of 9 pairs of two operators 6. From .01 to .08 it is 2, and 5 or 6.
Cores are too small for it: 314 of 1,128 pairs of one campaign lie below."""
HARDLY_TIED = 0.1
"""Share of the accounts of two cores up to which a family does not hold them together (`measure_alone`). At .3 and .2
the same cores of prompts join on worlds of two generators, and at .3 240 honest accounts join the largest campaign of
random:159 as well, a third of whose accounts share cards."""


def measure_affinity(evidence: Evidence, members: pl.DataFrame) -> csr_array:
    """Measure how far cores draw from the same pools.

    In one family, the affinity of two cores is the Morisita–Horn index (Horn 1966) of the values that each uses at
    least four times as often as others do: how often an account of one and one of the other share a value, over how
    often two accounts of the same core do beyond what connects it. A value counts one over the number of cores that use
    it. The index is multiplied by the smaller share of accounts that hold such values, so that a family that binds few
    of them says little. The affinity is the geometric mean of the two strongest families': one market makes one family
    alike.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); clusters are numbered from 0.

    Returns:
        Matrix of shape (cores, cores), symmetric, float64 from 0 to 1, nothing on the diagonal.
    """
    core = members["cluster"].to_numpy().astype(np.int64)
    uses = collect_uses(evidence, members["account"].to_numpy())
    return combine_families(uses, core, int(core.max(initial=-1)) + 1, evidence)


def collect_uses(evidence: Evidence, account: NDArray[np.int32]) -> Uses:
    """Collect the lasting uses of values that link, by family: place of the account in `account`, and signal."""
    place, signal, passing = evidence.uses.by(account)
    wanted = evidence.ties[evidence.family] & (evidence.level == 0) & (evidence.degree > 1)
    kept = ~passing & wanted[signal]
    place, signal = place[kept].astype(np.int64), signal[kept].astype(np.int64)
    family = evidence.family[signal]
    found = {}
    number = np.empty(len(evidence.degree), dtype=np.int64)
    for name in np.unique(family).tolist():
        of = np.flatnonzero(family == name)
        values = np.sort(signal[of])
        values = values[flag_starts(values)]
        number[values] = np.arange(len(values))
        found[name] = FamilyUses(place[of], number[signal[of]], values)
    return found


def measure_closedness(uses: Uses, accounts: int, evidence: Evidence) -> Closed:
    """Measure how far values are used by the accounts of clusters alone.

    Args:
        uses: of `collect_uses`.
        accounts: accounts in clusters.
        evidence: what accounts use.

    Returns:
        By family, (values,) float64: share of each value's users who are in any cluster, with the share that chance
        gives taken out; hardly above 0 (as of all accounts) to 1 (all).
    """
    usual = accounts / max(evidence.accounts, 1)
    found = {}
    for family, used in uses.items():
        inside = np.bincount(used.value, minlength=len(used.signal))
        share = inside / np.maximum(evidence.degree[used.signal], 1)
        found[family] = np.clip((share - usual) / max(1.0 - usual, LEAST_CLOSED), LEAST_CLOSED, 1.0)
    return found


def combine_families(
    uses: Uses,
    core: Ints,
    cores: int,
    evidence: Evidence,
    closed: Closed | None = None,
) -> csr_array:
    """Combine the affinities by family: the geometric mean of each pair's two strongest.

    Args:
        uses: of `collect_uses`.
        core: the core of each account.
        cores: how many there are.
        evidence: what accounts use.
        closed: of `measure_closedness`, where values count by it.
    """
    size = np.bincount(core, minlength=cores)

    def find(family: int) -> Pools:
        return _find_pools(uses, family, core, size, evidence, closed)

    # Sorting and products of matrices release the interpreter, so families are worked on side by side.
    with ThreadPoolExecutor(THREADS) as threads:
        pools = list(threads.map(find, uses))
        # The second strongest family must agree: one alone says that two operators rent from one market.
        listed = _list_agreeing(pools, threads)
        values = [np.empty(0), *threads.map(_measure_listed, pools, listed)]
    key, value = _collect_keys(listed), np.concatenate(values)
    order = np.lexsort((-value, key))
    key, value = key[order], value[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    following = np.minimum(first + 1, max(len(key) - 1, 0))
    second = np.where((following > first) & (key[following] == key[first]), value[following], 0.0)
    mean = np.sqrt(value[first] * second)
    return _mirror_pairs(key[first], mean, cores)


def _list_agreeing(pools: list[Pools], threads: ThreadPoolExecutor) -> list[Listed]:
    """List the pairs of cores in each family that share enough in another one as well, as `list_pairs` does.

    Where a pair stands in products is None for a family whose product was not made.
    """
    # The fingerprint of a tool is in very many pools and would make most of all pairs. So the family with the largest
    # product is asked for the pairs of the others alone.
    densest = max(range(len(pools)), key=lambda number: pools[number].products, default=-1)
    rest = [pool for number, pool in enumerate(pools) if number != densest]
    listed: list[Listed] = list(threads.map(list_pairs, rest))
    if pools:
        known = np.unique(_collect_keys(listed))
        listed.insert(densest, (select_pairs(pools[densest], known), None))
    keys = np.sort(_collect_keys(listed))
    several = np.unique(keys[1:][keys[1:] == keys[:-1]])
    return [_keep_pairs(pairs, np.isin(pairs[0], several)) for pairs in listed]


def _collect_keys(listed: list[Listed]) -> Ints:
    """Collect the pairs of all lists, one list after the other."""
    return np.concatenate([np.empty(0, np.int64), *(key for key, _ in listed)])


def _keep_pairs(listed: Listed, kept: NDArray[np.bool_]) -> Listed:
    """Keep some pairs (bool, one a pair)."""
    key, spot = listed
    return key[kept], None if spot is None else spot[kept]


def _measure_listed(pools: Pools, listed: Listed) -> Floats:
    """Measure the affinities of listed pairs."""
    key, spot = listed
    one, other = np.divmod(key, max(len(pools.share), 1))
    return measure_pairs(pools, one, other, spot)


def measure_alone(uses: Uses, core: Ints, cores: int, evidence: Evidence, closed: Closed) -> csr_array:
    """Measure the affinities of pairs of cores that one family alone holds together, if that is no infrastructure.

    Where several families tie the accounts of either core, two of them must agree (`combine_families`). Where one does,
    there is no second to ask. Infrastructure alone can be a supplier's, from whom rivals rent.

    Args:
        uses: of `collect_uses`.
        core: (places,) int64, the core of each account.
        cores: how many there are.
        evidence: what accounts use.
        closed: of `measure_closedness`.

    Returns:
        Matrix of shape (cores, cores), symmetric, float64 from 0 to 1: the affinity by closed values in the family that
        ties `HELD_TOGETHER` of the accounts of both; nothing where there is none, or where another ties more than
        `HARDLY_TIED`.
    """
    size = np.bincount(core, minlength=cores)
    tied = {family: _measure_tied(core, used, size) for family, used in uses.items()}
    found, values = [], [np.empty(0)]
    for family in uses:
        if evidence.signals.families[family] in INFRASTRUCTURE:
            continue
        # Both cores of a pair must be held together, so that others need not be listed.
        pools = _find_pools(uses, family, core, size, evidence, closed).keep_cores(
            tied[family] >= HELD_TOGETHER
        )
        listed: Listed = list_pairs(pools)
        one, other = np.divmod(listed[0], max(cores, 1))
        several = np.zeros(len(one), dtype=np.int64)
        for share in tied.values():
            several += np.minimum(share[one], share[other]) > HARDLY_TIED
        listed = _keep_pairs(listed, several == 1)
        found.append(listed)
        values.append(_measure_listed(pools, listed))
    return _mirror_pairs(_collect_keys(found), np.concatenate(values), cores)


def _mirror_pairs(key: Ints, value: Floats, cores: int) -> csr_array:
    """Make a symmetric matrix of pairs, each given once as smaller · cores + larger; shape (cores, cores)."""
    one, other = np.divmod(key, max(cores, 1))
    upper = csr_array((value, (one, other)), shape=(cores, cores))
    whole = csr_array(upper + upper.T)
    whole.eliminate_zeros()
    return whole


def _measure_tied(core: Ints, used: FamilyUses, size: Ints) -> Floats:
    """Measure the share of each core's accounts that share a value of a family with another one of it; (cores,)."""
    home = core[used.place]
    key = home * len(used.signal) + used.value
    order = np.argsort(key)
    starts = flag_starts(key[order])
    # A use is shared where the one before or after it is of the same core and value.
    several = order[~(starts & np.append(starts[1:], True))]
    tied: Floats = count_accounts(home[several], used.place[several], len(size)) / np.maximum(size, 1)
    return tied


def find_apart(
    uses: Uses, core: Ints, cores: int, evidence: Evidence, one: Ints, other: Ints
) -> NDArray[np.bool_]:
    """Find the pairs that each hold together by infrastructure, and have none of it in common.

    Two operators who use one tool have its fingerprint and its prompts in common, and no address, card or device.

    Args:
        uses: of `collect_uses`.
        core: (places,) int64, the cluster of each account.
        cores: how many clusters there are.
        evidence: what accounts use.
        one: (pairs,) int64, the smaller cluster of each pair.
        other: (pairs,) int64, the larger cluster of each pair.

    Returns:
        (pairs,) bool; false where no family of infrastructure holds both together.
    """
    held, most = np.zeros(len(one), dtype=np.bool_), np.zeros(len(one))
    # In most rounds no pair is asked for.
    if not len(one):
        return held
    size = np.bincount(core, minlength=cores)
    for family, used in uses.items():
        if evidence.signals.families[family] not in INFRASTRUCTURE:
            continue
        share = _measure_tied(core, used, size)
        both = np.minimum(share[one], share[other]) >= HELD_TOGETHER
        alike = measure_pairs(_find_pools(uses, family, core, size, evidence), one, other)
        held |= both
        most = np.where(both, np.maximum(most, alike), most)
    apart: NDArray[np.bool_] = held & (most < OWN_SUPPLY)
    return apart


def _find_pools(
    uses: Uses, family: int, core: Ints, size: Ints, evidence: Evidence, closed: Closed | None = None
) -> Pools:
    """Find the pools of cores in one family of `collect_uses`."""
    used, having = uses[family], int(evidence.having[family])
    degree = evidence.degree[used.signal]
    weight = None if closed is None else closed[family]
    return find_pools(core[used.place], used.place, used.value, size, having, degree, weight)
