"""Join cores that draw from the same pools: a large campaign falls into many communities.

Family by family, what two cores have in common is compared with what each has in common with itself. So neither their
sizes nor the popularity of values matters. Values that many cores use say little about any two of them:
exits of a market that ten operators rent from are no pool of one. Cells that share little or nothing are one where they
sign up at the same moments again and again (`meetings`).

Once clusters have grown, most of a campaign is in some cluster, and who else uses a value says more: a market has
honest customers too, an operator's own values have none. So grown clusters join by values used in clusters alone.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.campaigns.agreement import MIN_POOL_BITS
from graphsvc.campaigns.coincidence import measure_coincidence
from graphsvc.campaigns.meetings import OFTEN, find_meeting, join_meeting
from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.partners import ROUNDS, merge_groups, name_members, pair_groups
from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints

Uses = dict[int, tuple[Ints, Ints]]
"""Uses by family: place of the account, and signal; each use once."""
JOINING = 0.5
"""Cores with at least this affinity are one. Measured on development worlds: from .4 to .55 all 17 campaigns of the
market are found and the largest campaign of hard2:22 has the same Jaccard (.88); docs/decisions/detection.md."""
JOINING_MEETING = 0.1
"""Cores with at least this affinity that sign up together often are one. Of such pairs 51 are of one campaign and one
is not on random worlds (seeds 100-189); at .02 the same campaigns are found."""
JOINING_GROWN = 0.1
"""Grown clusters with at least this affinity by closed values are one. Of pairs that have it 44 are of one campaign and
3 are not on random worlds (seeds 100-189), 67 and none on hard:3 and hard2:22, and the market has none. From .05 to .1
it is 69 and 11. Of cores before growing, 9 of 22 such pairs of the market are of a campaign and strangers."""
JOINING_GROWN_MEETING = 0.02
"""The same for grown clusters that sign up together often. Without it pieces of the campaign of random:154 stay apart,
which has 1,720 accounts."""
LEAST_SPARE = 0.3
"""Share of a core's meetings that is left at least when those that hold it together are taken out. Down to .1 nothing
changes on the market and hard2:22. On random worlds (seeds 100-189) 143 of 221 campaigns are found at .3, 133 at .1."""
LEAST_CLOSED = 1e-9
"""No value is closed less than this: products of sparse matrices must keep an entry for it."""
CHANCE_JOINS = 0.005
"""Pairs of cores that chance alone joins, expected in a round at most. On random worlds (seeds 100-189) 149 of 221
campaigns are found and 1,254 honest accounts published; 147 and 1,403 without a bar, and 147 and 1,407 at 1."""
GROUPING = 0.1
"""Cores with at least this affinity may be of one group (`group_cores`). A group is a proposal, so little is
enough; from half as many proposed cores (at .2) the campaign of hard:5 without devices is gathered too."""
LEAST_COMMON = 3
"""Cores that two of a group are both alike to, at least (`gather`). Chance makes two strangers alike here and there;
three times over it is a market that they rent from."""
BLOCK = 100_000
"""Pairs looked at in one go: what they have in common is held in memory. The result does not depend on it."""
MIN_VALUES = 2
"""Values of a family that two cores must share: one is a borrowed address or a prompt that many copy."""


def join_cores(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join cores that share as groups (`join_alike`), then those that sign up together (`meetings.join_meeting`).

    What meets is larger, and shares more with others than its pieces do: so cores that share join again.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    alike = join_alike(evidence, members)
    met = join_meeting(evidence, alike)
    return met if met.equals(alike) else join_alike(evidence, met)


def join_alike(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join cores that share, in two families, nearly as much with each other as with themselves.

    In each round cores join in pairs, by falling affinity, and all affinities are measured again: values that only
    one operator's cores used are then used by fewer cores, and say more. Pairs whose common values are what chance
    gives among so many cores do not join, however alike they are. Cores that are hardly alike join if they also sign up
    at the same moments again and again (`meetings.find_meeting`).

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    account = members["account"].to_numpy()

    def choose(uses: Uses, core: Ints, one: Ints, other: Ints, value: Floats) -> NDArray[np.bool_]:
        # Chance is asked of all pairs that there are, not of the alike ones alone.
        cores = int(core.max()) + 1
        pairs = max(coarse(cores * (cores - 1) // 2), 1)
        bits = measure_coincidence(evidence, uses, account, core, one, other)
        meant: NDArray[np.bool_] = (value >= JOINING) & (bits >= np.log2(pairs / CHANCE_JOINS))
        rest = np.flatnonzero(~meant)
        meant[rest] = _find_meeting_pairs(evidence, account, core, one[rest], other[rest])
        return meant

    return _join_in_rounds(evidence, members, JOINING_MEETING, choose)


def group_cores(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Group cores that may be of one campaign: a little alike, and alike to the same others.

    Such groups are proposals. Offices that rent from one market are alike in this way too (`gather`).

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """

    def choose(_uses: Uses, core: Ints, one: Ints, other: Ints, value: Floats) -> NDArray[np.bool_]:
        cores = int(core.max()) + 1
        pairs = np.concatenate([one, other]), np.concatenate([other, one])
        alike = csr_array((np.ones(2 * len(one), dtype=np.int32), pairs), shape=(cores, cores))
        common = np.zeros(len(one), dtype=np.int64)
        for start in range(0, len(one), BLOCK):
            block = slice(start, start + BLOCK)
            common[block] = (alike[one[block]] * alike[other[block]]).sum(axis=1)
        meant: NDArray[np.bool_] = (common >= LEAST_COMMON) | (value >= JOINING)
        return meant

    return _join_in_rounds(evidence, members, GROUPING, choose)


def _join_in_rounds(
    evidence: Evidence,
    members: pl.DataFrame,
    least: float,
    choose: Callable[[Uses, Ints, Ints, Ints, Floats], NDArray[np.bool_]],
) -> pl.DataFrame:
    """Join cores in pairs, by falling affinity, until none is chosen.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.
        least: affinity of pairs to choose from, at least.
        choose: called in each round with the uses by family, the core of each account, and the pairs with their
            affinity; returns the pairs that may join, (pairs,) bool.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    names, core = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    uses = _collect_uses(evidence, account)
    for _ in range(ROUNDS if len(names) else 0):
        alike = _combine(uses, core, len(names), evidence)
        one, other, value = _list_alike(alike, least)
        meant = choose(uses, core, one, other, value)
        one, other, _ = pair_groups(one[meant], other[meant], value[meant], len(names))
        if not len(one):
            break
        kept, place = merge_groups(len(names), one, other)
        names, core = names[kept], place[core]
    return name_members(names[core], account)


def join_grown(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join grown clusters that share, in two families, values which hardly anyone outside of clusters uses.

    Those that share little of these join if they also sign up at the same moments again and again. Each cluster joins
    one other at most. Growing continues afterwards and joins again.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32), sorted; an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smaller of each pair, sorted.
    """
    names, core = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    uses = _collect_uses(evidence, account)
    closed = _measure_closedness(uses, len(account), evidence)
    alike = _combine(uses, core, len(names), evidence, closed)
    one, other, value = _list_alike(alike, JOINING_GROWN_MEETING)
    meant = value >= JOINING_GROWN
    rest = np.flatnonzero(~meant)
    meant[rest] = _find_meeting_pairs(evidence, account, core, one[rest], other[rest])
    one, other, _ = pair_groups(one[meant], other[meant], value[meant], len(names))
    kept, place = merge_groups(len(names), one, other)
    return name_members(names[kept][place[core]], account)


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
    uses = _collect_uses(evidence, members["account"].to_numpy())
    return _combine(uses, core, int(core.max(initial=-1)) + 1, evidence)


def _list_alike(affinity: csr_array, least: float) -> tuple[Ints, Ints, Floats]:
    """List the pairs of cores with an affinity of at least `least`: the smaller core, the larger one, the affinity."""
    entries = affinity.tocoo()
    core, partner = (axis.astype(np.int64) for axis in entries.coords)
    strong = (entries.data >= least) & (core < partner)
    return core[strong], partner[strong], entries.data[strong]


def _find_meeting_pairs(
    evidence: Evidence, account: NDArray[np.int32], core: Ints, one: Ints, other: Ints
) -> NDArray[np.bool_]:
    """Find which pairs of cores sign up together too often for chance; (pairs,) bool."""
    # Of all cores few are asked for, and a look at all moments is dear.
    cores, place = np.unique(np.concatenate([one, other]), return_inverse=True)
    asked = np.isin(core, cores)
    group = np.searchsorted(cores, core[asked])
    choices = int(core.max(initial=-1)) + 1
    mine, its, _ = find_meeting(evidence.signups, account[asked], group, choices, OFTEN)
    one, other = place[: len(one)], place[len(one) :]
    found: NDArray[np.bool_] = np.isin(one * len(cores) + other, mine * len(cores) + its)
    return found


def _collect_uses(evidence: Evidence, account: NDArray[np.int32]) -> Uses:
    """Collect the lasting uses of values that link, by family: place of the account in `account`, and signal."""
    place, signal, passing = evidence.uses.by(account)
    kept = ~passing & evidence.ties[evidence.family[signal]] & (evidence.level[signal] == 0)
    kept &= evidence.degree[signal] > 1
    place, signal = place[kept].astype(np.int64), signal[kept].astype(np.int64)
    family = evidence.family[signal]
    return {
        number: (place[family == number], signal[family == number]) for number in np.unique(family).tolist()
    }


def _measure_closedness(uses: Uses, accounts: int, evidence: Evidence) -> Floats:
    """Measure how far values are used by the accounts of clusters alone.

    Args:
        uses: of `_collect_uses`.
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


def _combine(
    uses: Uses,
    core: Ints,
    cores: int,
    evidence: Evidence,
    closed: Floats | None = None,
) -> csr_array:
    """Combine the affinities by family: the geometric mean of each pair's two strongest.

    Args:
        uses: of `_collect_uses`.
        core: the core of each account.
        cores: how many there are.
        evidence: what accounts use.
        closed: of `_measure_closedness`, where values count by it.
    """
    keys, values = [np.empty(0, np.int64)], [np.empty(0)]
    size = np.bincount(core, minlength=cores)
    for family, (place, signal) in uses.items():
        key, value = _measure_family(
            core[place], place, signal, size, int(evidence.having[family]), evidence.degree, closed
        )
        keys.append(key)
        values.append(value)
    key, value = np.concatenate(keys), np.concatenate(values)
    # The second strongest family must agree: one alone says that two operators rent from one market.
    order = np.lexsort((-value, key))
    key, value = key[order], value[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    following = np.minimum(first + 1, max(len(key) - 1, 0))
    second = np.where((following > first) & (key[following] == key[first]), value[following], 0.0)
    mean = np.sqrt(value[first] * second)
    one, other = key[first] // max(cores, 1), key[first] % max(cores, 1)
    upper = csr_array((mean, (one, other)), shape=(cores, cores))
    whole = csr_array(upper + upper.T)
    whole.eliminate_zeros()
    return whole


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
    cores, places, signals = len(size), int(place.max(initial=0)) + 1, len(degree)
    holding = np.bincount(np.unique(core * places + place) // places, minlength=cores)
    key = core * signals + signal
    entry, inside = np.unique(key, return_counts=True)
    row, column = np.divmod(entry, signals)
    # Only what a core uses more than others do is its pool.
    outside = coarse(np.maximum(degree[column] - inside, 0)) + 0.5
    others = np.maximum(coarse(having) - holding[row], 0) + 1.0
    pooled = inside / holding[row] >= 2.0**MIN_POOL_BITS * outside / others
    covered = pooled[np.searchsorted(entry, key)]
    bound = np.bincount(np.unique(core[covered] * places + place[covered]) // places, minlength=cores)
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
