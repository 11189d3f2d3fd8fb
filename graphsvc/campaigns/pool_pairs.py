"""Measure how much the pools of two cores have in common in one family of values.

Few of all pairs share enough to count. So pairs are listed by what they share, and only the pairs that the caller still
asks for are measured.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.campaigns.agreement import MIN_POOL_BITS
from graphsvc.linkage.sharers import stretches
from graphsvc.model.arrays import flag_starts, replace_data
from graphsvc.model.scale import coarse
from graphsvc.types import Flags, Floats, Ints

LEAST_SPARE = 0.3
"""Share of a core's meetings that is left at least when those that hold it together are taken out. Down to .1 nothing
changes on the market and hard2:22. On random worlds (seeds 100-189) 143 of 221 campaigns are found at .3, 133 at .1."""
MIN_VALUES = 2
"""Values of a family that two cores must share: one is a borrowed address or a prompt that many copy."""
COMMON = 512
"""Cores that may use a value which most of its users outside of cores have too. Clients and prompts that half the world
has make nearly all pairs and tell next to nothing: without this bound the cores of a million accounts (book) take three
times as long to join, and the same campaigns are found. At 256 hard:12 without devices has 393 innocents instead of
54."""
BLOCK = 2_000_000
"""Entries of matrices compared in one go, which bounds memory. The result does not depend on it."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Values of one family that cores use more than others do.

    Attributes:
        uses: (cores, values) float64, share of the core's accounts with the family that use each value.
        part: (entries,) float64, share of all the core's accounts, parallel to `uses.data`.
        weight: (values,) float64, one over the number of cores that use each.
        closed: (values,) float64, of `affinity.measure_closedness`; None where values do not count by it.
        within: (cores,) float64, how often two accounts of a core meet beyond what connects it.
        share: (cores,) float64, accounts of each core that use any of its values.
    """

    uses: csr_array
    part: Floats
    weight: Floats
    closed: Floats | None
    within: Floats
    share: Floats

    @property
    def products(self) -> int:
        """Number of products of two entries that it takes to compare all cores."""
        users = np.bincount(self.uses.indices).astype(np.int64)
        return int((users * users).sum())

    def count_entries(self, one: Ints, other: Ints) -> Ints:
        """Count the entries of both cores of each pair; (pairs,) int64."""
        length = np.diff(self.uses.indptr).astype(np.int64)
        return length[one] + length[other]

    def keep_cores(self, which: Flags) -> "Pools":
        """Return the pools with the entries of some cores (bool, one a core). All else stays as it was."""
        uses = self.uses
        length = np.diff(uses.indptr)
        kept = np.repeat(which, length)
        starts = np.append(0, np.cumsum(np.where(which, length, 0)))
        part = csr_array((uses.data[kept], uses.indices[kept], starts), shape=uses.shape)
        return replace(self, uses=part, part=self.part[kept])


def find_pools(
    core: Ints,
    place: Ints,
    value: Ints,
    size: Ints,
    having: int,
    degree: Ints,
    closed: Floats | None = None,
) -> Pools:
    """Find the pools of cores in one family.

    Args:
        core: (uses,) int64, core of the account of each use.
        place: (uses,) int64, place of the account.
        value: (uses,) int64, the value used, numbered from 0.
        size: accounts of each core.
        having: accounts of all that have a value of the family.
        degree: (values,) int64, accounts of all that have each value.
        closed: (values,) float64, weight of each value, 0-1. With it, only accounts that share with the other core
            bind a pair.

    Returns:
        The pools, with entries of cores alone whose accounts meet: others have no affinity to any.
    """
    cores, known = len(size), max(len(degree), 1)
    holding = count_accounts(core, place, cores)
    key = core * known + value
    order = np.argsort(key)
    key = key[order]
    first = flag_starts(key)
    row, column = np.divmod(key[first], known)
    inside = np.diff(np.append(np.flatnonzero(first), len(key)))
    # Only what a core uses more than others do is its pool.
    outside = coarse(np.maximum(degree[column] - inside, 0)) + 0.5
    others = np.maximum(coarse(having) - holding[row], 0) + 1.0
    pooled = inside / holding[row] >= 2.0**MIN_POOL_BITS * outside / others
    pooled &= ~_find_common(column, inside, pooled, degree)
    covered = order[pooled[np.cumsum(first) - 1]]
    bound = count_accounts(core[covered], place[covered], cores)
    share = bound / np.maximum(size, 1)
    row, column, inside = row[pooled], column[pooled], inside[pooled]
    users = np.bincount(column, minlength=known)
    values = np.flatnonzero(users)
    column = (np.cumsum(users > 0) - 1)[column]
    weight = 1.0 / users[values]
    held = holding[row].astype(np.float64)
    # Two accounts of one core, each pair once: an account does not share with itself.
    meetings = inside * (inside - 1.0) / np.maximum(held * (held - 1.0), 1.0)
    within = np.bincount(row, weight[column] * meetings, minlength=cores)
    # A core is connected because it was chosen so: a tree of shared values is no sign that its accounts meet often.
    spare = 1.0 - np.maximum(bound - 1.0, 0.0) / np.maximum(
        np.bincount(row, inside - 1.0, minlength=cores), 1.0
    )
    within = within * np.maximum(spare, LEAST_SPARE)
    starts = np.append(0, np.cumsum(np.bincount(row, minlength=cores)))
    uses = csr_array((inside / held, column, starts), shape=(cores, len(weight)))
    pools = Pools(
        uses,
        inside / size[row],
        weight,
        None if closed is None else closed[values],
        within,
        share,
    )
    return pools.keep_cores(within > 0.0)


def list_pairs(pools: Pools) -> tuple[Ints, Ints]:
    """List the pairs of cores that share `MIN_VALUES` values and more.

    Returns:
        Pairs as smaller · cores + larger, int64, ascending; and where each stands in a product of two matrices that
        have the entries of the pools (`measure_pairs`).
    """
    uses = pools.uses
    ones = replace_data(uses, np.ones(uses.nnz, dtype=np.int32))
    shared = csr_array(ones @ ones.T)
    row = np.repeat(np.arange(uses.shape[0]), np.diff(shared.indptr))
    kept = np.flatnonzero((shared.data >= MIN_VALUES) & (row < shared.indices))
    # Few of the product's entries are kept, so these alone are sorted.
    key = row[kept] * uses.shape[0] + shared.indices[kept]
    order = np.argsort(key)
    return key[order], kept[order]


def select_pairs(pools: Pools, key: Ints) -> Ints:
    """Select the pairs that share `MIN_VALUES` values and more, among some; `key` as of `list_pairs`."""
    one, other = np.divmod(key, max(len(pools.share), 1))
    return key[_sum_shared(pools.uses, [], one, other)[0]]


def measure_pairs(pools: Pools, one: Ints, other: Ints, spot: Ints | None = None) -> Floats:
    """Measure the affinity of pairs of cores.

    Args:
        pools: of all cores.
        one: (pairs,) int64, the smaller core of each pair.
        other: (pairs,) int64, the larger core of each pair.
        spot: (pairs,) int64, where each stands in products, of `list_pairs`; None where that is not known.

    Returns:
        (pairs,) float64, 0-1; 0 where a pair shares fewer than `MIN_VALUES` values.
    """
    uses, column = pools.uses, pools.uses.indices
    weighed = pools.weight[column] * uses.data
    terms = [(weighed, uses.data)]
    if pools.closed is not None:
        ones = np.ones(uses.nnz)
        terms += [(pools.closed[column] * weighed, uses.data), (pools.part, ones), (ones, pools.part)]
    # Where pairs are many and their pools large, products of all cores take less than a look at each pair.
    few = spot is None or len(terms) * pools.products > int(pools.count_entries(one, other).sum())
    enough, sums = _sum_shared(uses, terms, one, other) if few else _multiply(uses, terms, spot)
    within, share = pools.within, pools.share
    usual = np.maximum(sums[0], np.sqrt(within[one] * within[other]))
    bound = np.minimum(share[one], share[other])
    found = sums[0]
    if pools.closed is not None:
        # An account that shares several values counts several times, so the share of accounts is at most that.
        found = sums[1]
        bound = np.minimum(bound, np.minimum(np.minimum(sums[2], sums[3]), 1.0))
    affinity = np.zeros(len(one))
    affinity[enough] = found[enough] / usual[enough] * bound[enough]
    return affinity


def count_accounts(core: Ints, place: Ints, cores: int) -> Ints:
    """Count the accounts of each core that have a use; an account is in one core."""
    home = np.full(int(place.max(initial=-1)) + 1, -1)
    home[place] = core
    return np.bincount(home[home >= 0], minlength=cores)


def _find_common(column: Ints, inside: Ints, pooled: NDArray[np.bool_], degree: Ints) -> NDArray[np.bool_]:
    """Find the entries of values that are in the pools of more than `COMMON` cores, and used by more accounts outside.

    Args:
        column: (entries,) int64, value of each entry; an entry is a core and a value.
        inside: (entries,) int64, accounts of the core that have it.
        pooled: (entries,) bool, true where it is in the core's pool.
        degree: (values,) int64, accounts of all that have each value.
    """
    using = np.bincount(column[pooled], minlength=len(degree))
    # Values of so many cores are few, so that the others need no second look.
    popular = np.flatnonzero(using[column] > COMMON)
    among = np.bincount(column[popular], inside[popular], minlength=len(degree))
    common = np.zeros(len(column), dtype=np.bool_)
    common[popular] = (2 * among < degree)[column[popular]]
    return common


def _multiply(
    uses: csr_array, terms: list[tuple[Floats, Floats]], spot: Ints | None
) -> tuple[Flags, list[Floats]]:
    """Sum products over the values that pairs share, by products of matrices; returns as `_sum_shared`."""
    sums = [
        csr_array(replace_data(uses, left) @ replace_data(uses, right).T).data[spot] for left, right in terms
    ]
    return np.ones(len(sums[0]), dtype=np.bool_), sums


def _sum_shared(
    uses: csr_array, terms: list[tuple[Floats, Floats]], one: Ints, other: Ints
) -> tuple[Flags, list[Floats]]:
    """Sum products over the values that pairs share, pair by pair, in the order of the values.

    Args:
        uses: (cores, values), whose entries are the values of each core.
        terms: factors of each sum, for the first and for the second core: float64, parallel to the entries.
        one: (pairs,) int64, a core of each pair.
        other: (pairs,) int64, its other core.

    Returns:
        (pairs,) bool, true where a pair shares `MIN_VALUES` values and more; and each sum, (pairs,) float64.
    """
    enough = np.zeros(len(one), dtype=np.bool_)
    sums = [np.zeros(len(one)) for _ in terms]
    # Entries are numbered from 1: a matrix holds no zeros.
    numbered = replace_data(uses, np.arange(1, uses.nnz + 1))
    ones = replace_data(uses, np.ones(uses.nnz, dtype=np.int64))
    length = np.diff(uses.indptr).astype(np.int64)
    for first, end in stretches(length[one] + length[other], BLOCK):
        here, there = one[first:end], other[first:end]
        mine = csr_array(numbered[here].multiply(ones[there]))
        its = csr_array(ones[here].multiply(numbered[there]))
        shared = np.diff(mine.indptr)
        pair = np.repeat(np.arange(end - first), shared)
        enough[first:end] = shared >= MIN_VALUES
        for found, (left, right) in zip(sums, terms, strict=True):
            product = left[mine.data - 1] * right[its.data - 1]
            found[first:end] = np.bincount(pair, product, minlength=end - first)
    return enough, sums
