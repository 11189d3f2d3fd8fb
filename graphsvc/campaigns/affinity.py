"""Measure how far cores draw from the same pools, family by family.

What two cores have in common is compared with what each has in common with itself. So neither their sizes nor the
popularity of values matters. Values that many cores use say little about any two of them: exits of a market that ten
operators rent from are no pool of one.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.campaigns.agreement import MIN_POOL_BITS
from graphsvc.campaigns.membership import Evidence
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import INFRASTRUCTURE
from graphsvc.types import Floats, Ints

Uses = dict[int, tuple[Ints, Ints]]
"""Uses by family: place of the account, and signal; each use once."""
LEAST_SPARE = 0.3
"""Share of a core's meetings that is left at least when those that hold it together are taken out. Down to .1 nothing
changes on the market and hard2:22. On random worlds (seeds 100-189) 143 of 221 campaigns are found at .3, 133 at .1."""
LEAST_CLOSED = 1e-9
"""No value is closed less than this: products of sparse matrices must keep an entry for it."""
THREADS = 2
"""Families measured at once: two of them are most of the work, and each takes memory of its own."""
MIN_VALUES = 2
"""Values of a family that two cores must share: one is a borrowed address or a prompt that many copy."""
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
COMMON = 512
"""Cores that may use a value which most of its users outside of cores have too. Clients and prompts that half the world
has make nearly all pairs and tell next to nothing: without this bound the cores of a million accounts (book) take three
times as long to join, and the same campaigns are found. At 256 hard:12 without devices has 393 innocents instead of
54."""


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
    kept = ~passing & evidence.ties[evidence.family[signal]] & (evidence.level[signal] == 0)
    kept &= evidence.degree[signal] > 1
    place, signal = place[kept].astype(np.int64), signal[kept].astype(np.int64)
    family = evidence.family[signal]
    return {
        number: (place[family == number], signal[family == number]) for number in np.unique(family).tolist()
    }


def measure_closedness(uses: Uses, accounts: int, evidence: Evidence) -> Floats:
    """Measure how far values are used by the accounts of clusters alone.

    Args:
        uses: of `collect_uses`.
        accounts: accounts in clusters.
        evidence: what accounts use.

    Returns:
        (signals,) float64: share of each value's users who are in any cluster, with the share that chance gives taken
        out; hardly above 0 (as of all accounts) to 1 (all).
    """
    inside = np.zeros(len(evidence.degree), dtype=np.int64)
    for _, signal in uses.values():
        inside += np.bincount(signal, minlength=len(inside))
    usual = accounts / max(evidence.accounts, 1)
    share = inside / np.maximum(evidence.degree, 1)
    closed: Floats = np.clip((share - usual) / max(1.0 - usual, LEAST_CLOSED), LEAST_CLOSED, 1.0)
    return closed


def combine_families(
    uses: Uses,
    core: Ints,
    cores: int,
    evidence: Evidence,
    closed: Floats | None = None,
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

    def measure(family: int) -> tuple[Ints, Floats]:
        return _measure_pairs(uses, family, core, size, evidence, closed)

    # Sorting and products of matrices release the interpreter, so families are measured side by side.
    with ThreadPoolExecutor(THREADS) as threads:
        found = [(np.empty(0, np.int64), np.empty(0)), *threads.map(measure, uses)]
    key, value = (np.concatenate(column) for column in zip(*found, strict=True))
    # The second strongest family must agree: one alone says that two operators rent from one market.
    order = np.lexsort((-value, key))
    key, value = key[order], value[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    following = np.minimum(first + 1, max(len(key) - 1, 0))
    second = np.where((following > first) & (key[following] == key[first]), value[following], 0.0)
    mean = np.sqrt(value[first] * second)
    return _mirror_pairs(key[first], mean, cores)


def measure_alone(uses: Uses, core: Ints, cores: int, evidence: Evidence, closed: Floats) -> csr_array:
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
    tied = {family: _measure_tied(core, *used, size) for family, used in uses.items()}
    keys, values = [np.empty(0, np.int64)], [np.empty(0)]
    for family in uses:
        if evidence.signals.families[family] in INFRASTRUCTURE:
            continue
        key, value = _measure_pairs(uses, family, core, size, evidence, closed)
        one, other = key // max(cores, 1), key % max(cores, 1)
        several = np.zeros(len(key), dtype=np.int64)
        for share in tied.values():
            several += np.minimum(share[one], share[other]) > HARDLY_TIED
        both = np.minimum(tied[family][one], tied[family][other])
        alone = (several == 1) & (both >= HELD_TOGETHER)
        keys.append(key[alone])
        values.append(value[alone])
    return _mirror_pairs(np.concatenate(keys), np.concatenate(values), cores)


def _mirror_pairs(key: Ints, value: Floats, cores: int) -> csr_array:
    """Make a symmetric matrix of pairs, each given once as smaller · cores + larger; shape (cores, cores)."""
    one, other = key // max(cores, 1), key % max(cores, 1)
    upper = csr_array((value, (one, other)), shape=(cores, cores))
    whole = csr_array(upper + upper.T)
    whole.eliminate_zeros()
    return whole


def _measure_tied(core: Ints, place: Ints, signal: Ints, size: Ints) -> Floats:
    """Measure the share of each core's accounts that share a value of a family with another one of it; (cores,)."""
    home = core[place]
    key = home * (int(signal.max(initial=-1)) + 1) + signal
    _, entry, inside = np.unique(key, return_inverse=True, return_counts=True)
    several = inside[entry] > 1
    tied: Floats = _count_accounts(home[several], place[several], len(size)) / np.maximum(size, 1)
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
    # Affinities of all clusters are dear, and in most rounds no pair is asked for.
    if not len(one):
        return held
    size = np.bincount(core, minlength=cores)
    for family, (place, signal) in uses.items():
        if evidence.signals.families[family] not in INFRASTRUCTURE:
            continue
        share = _measure_tied(core, place, signal, size)
        both = np.minimum(share[one], share[other]) >= HELD_TOGETHER
        key, value = _measure_pairs(uses, family, core, size, evidence)
        # Pairs that share nothing of the family have no entry.
        found = np.append(value, 0.0)
        asked = one * cores + other
        spot = np.searchsorted(key, asked)
        alike = np.where(np.append(key, -1)[spot] == asked, found[spot], 0.0)
        held |= both
        most = np.where(both, np.maximum(most, alike), most)
    apart: NDArray[np.bool_] = held & (most < OWN_SUPPLY)
    return apart


def _measure_pairs(
    uses: Uses, family: int, core: Ints, size: Ints, evidence: Evidence, closed: Floats | None = None
) -> tuple[Ints, Floats]:
    """Measure the affinities in one family of `collect_uses`, as `_measure_family` does."""
    place, signal = uses[family]
    having = int(evidence.having[family])
    return _measure_family(core[place], place, signal, size, having, evidence.degree, closed)


def _measure_family(
    core: Ints,
    place: Ints,
    signal: Ints,
    size: Ints,
    having: int,
    degree: Ints,
    closed: Floats | None = None,
) -> tuple[Ints, Floats]:
    """Measure the affinities in one family.

    Args:
        core: (uses,) int64, core of the account of each use.
        place: (uses,) int64, place of the account.
        signal: (uses,) int64, the signal used.
        size: accounts of each core.
        having: accounts of all that have a value of the family.
        degree: accounts of all that have each signal.
        closed: (signals,) float64, weight of each signal, 0-1. With it, only accounts that share with the other core
            bind a pair.

    Returns:
        Pairs of cores as smaller · cores + larger, ascending, and their affinities.
    """
    cores, signals = len(size), len(degree)
    holding = _count_accounts(core, place, cores)
    key = core * signals + signal
    entry, inside = np.unique(key, return_counts=True)
    row, column = np.divmod(entry, signals)
    # Only what a core uses more than others do is its pool.
    outside = coarse(np.maximum(degree[column] - inside, 0)) + 0.5
    others = np.maximum(coarse(having) - holding[row], 0) + 1.0
    pooled = inside / holding[row] >= 2.0**MIN_POOL_BITS * outside / others
    pooled &= ~_find_common(column, inside, pooled, degree)
    covered = pooled[np.searchsorted(entry, key)]
    bound = _count_accounts(core[covered], place[covered], cores)
    share = bound / np.maximum(size, 1)
    row, column, inside = row[pooled], column[pooled], inside[pooled]
    values, column = np.unique(column, return_inverse=True)
    weight = 1.0 / np.maximum(np.bincount(column), 1)
    held = holding[row].astype(np.float64)
    # Two accounts of one core, each pair once: an account does not share with itself.
    meetings = inside * (inside - 1.0) / np.maximum(held * (held - 1.0), 1.0)
    within = np.bincount(row, weight[column] * meetings, minlength=cores)
    # A core is connected because it was chosen so: a tree of shared values is no sign that its accounts meet often.
    spare = 1.0 - np.maximum(bound - 1.0, 0.0) / np.maximum(
        np.bincount(row, inside - 1.0, minlength=cores), 1.0
    )
    within = within * np.maximum(spare, LEAST_SPARE)
    uses = csr_array((inside / held, (row, column)), shape=(cores, len(weight)))
    weighed = _scale_values(uses, weight)
    one, other, found = _list_pairs(weighed, uses)
    usual = np.maximum(found, np.sqrt(within[one] * within[other]))
    bound = np.minimum(share[one], share[other])
    if closed is not None:
        part = csr_array((inside / size[row], (row, column)), shape=uses.shape)
        found, shared = _measure_closed_pairs(_scale_values(weighed, closed[values]), uses, part, one, other)
        bound = np.minimum(bound, shared)
    kept = (within[one] > 0.0) & (within[other] > 0.0)
    one, other = one[kept], other[kept]
    return one * cores + other, found[kept] / usual[kept] * bound[kept]


def _count_accounts(core: Ints, place: Ints, cores: int) -> Ints:
    """Count the accounts of each core that have a use; an account is in one core."""
    home = np.full(int(place.max(initial=-1)) + 1, -1)
    home[place] = core
    return np.bincount(home[home >= 0], minlength=cores)


def _find_common(column: Ints, inside: Ints, pooled: NDArray[np.bool_], degree: Ints) -> NDArray[np.bool_]:
    """Find the entries of values that are in the pools of more than `COMMON` cores, and used by more accounts outside.

    Args:
        column: (entries,) int64, signal of each entry; an entry is a core and a signal.
        inside: (entries,) int64, accounts of the core that have it.
        pooled: (entries,) bool, true where it is in the core's pool.
        degree: accounts of all that have each signal.
    """
    value, place = np.unique(column, return_inverse=True)
    using = np.bincount(place[pooled], minlength=len(value))
    among = np.bincount(place, inside, minlength=len(value))
    common: NDArray[np.bool_] = ((using > COMMON) & (2 * among < degree[value]))[place]
    return common


def _scale_values(uses: csr_array, weight: Floats) -> csr_array:
    """Multiply each column (value) by its weight."""
    return csr_array((weight[uses.indices] * uses.data, uses.indices, uses.indptr), shape=uses.shape)


def _list_pairs(weighed: csr_array, uses: csr_array) -> tuple[Ints, Ints, Floats]:
    """List the pairs of cores that share `MIN_VALUES` values and more, and how often their accounts meet.

    Args:
        weighed: (cores, values), uses by weight.
        uses: (cores, values), uses as shares, of the same structure.

    Returns:
        The smaller and the larger core of each pair, int64, sorted, and the sum of products over shared values.
    """
    ones = csr_array((np.ones(uses.nnz, dtype=np.int32), uses.indices, uses.indptr), shape=uses.shape)
    # Both products have one structure. Few of their entries are kept, so these alone are sorted.
    meetings, shared = csr_array(weighed @ uses.T), csr_array(ones @ ones.T)
    row = np.repeat(np.arange(uses.shape[0]), np.diff(shared.indptr))
    kept = np.flatnonzero((shared.data >= MIN_VALUES) & (row < shared.indices))
    one, other = row[kept], shared.indices[kept].astype(np.int64)
    order = np.argsort(one * uses.shape[0] + other)
    found: Floats = meetings.data[kept]
    return one[order], other[order], found[order]


def _measure_closed_pairs(
    weighed: csr_array, uses: csr_array, part: csr_array, one: Ints, other: Ints
) -> tuple[Floats, Floats]:
    """Measure how often accounts of two cores meet by closed values, and how many of either share with the other.

    Args:
        weighed: (cores, values), uses by weight.
        uses: (cores, values), uses as shares of the accounts that have the family, of the same structure.
        part: (cores, values), uses as shares of all accounts, of the same structure.
        one: (pairs,) int64, the smaller core of each pair.
        other: (pairs,) int64, the larger core of each pair.

    Returns:
        The sum of products over shared values, and the smaller share of accounts that have a value of the other's. An
        account with several such values counts several times, so it is at most that.
    """
    ones = csr_array((np.ones(uses.nnz), uses.indices, uses.indptr), shape=uses.shape)
    meetings, there, back = (
        _read_pairs(csr_array(product), one, other)
        for product in (weighed @ uses.T, part @ ones.T, ones @ part.T)
    )
    return meetings, np.minimum(np.minimum(there, back), 1.0)


def _read_pairs(product: csr_array, one: Ints, other: Ints) -> Floats:
    """Read the entries of pairs; every pair has one."""
    # `searchsorted` needs ascending keys, and a product of matrices comes unsorted.
    product.sort_indices()
    cores = product.shape[0]
    row = np.repeat(np.arange(cores), np.diff(product.indptr))
    found: Floats = product.data[np.searchsorted(row * cores + product.indices, one * cores + other)]
    return found
