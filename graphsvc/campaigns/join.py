"""Join cores that draw from the same pools: a large campaign falls into many communities.

How much two cores have in common is measured family by family against what each has in common with itself, so that
neither their sizes nor the popularity of values matters. Values that many cores use say little about any two of them:
exits of a market that ten operators rent from are no pool of one.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.campaigns.agreement import MIN_POOL_BITS
from graphsvc.campaigns.membership import Evidence
from graphsvc.model.scale import coarse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

JOINING = 0.5
"""Cores with at least this affinity are one. Measured on development worlds: from .4 to .55 all 17 campaigns of the
market are found and the largest campaign of hard2:22 has the same Jaccard (.88); docs/decisions/detection.md."""
LEAST_SPARE = 0.3
"""Share of a core's meetings that is left at least when those that hold it together are taken out. Down to .1 nothing
changes on the market and hard2:22. On random worlds (seeds 100-189) 143 of 221 campaigns are found at .3, 133 at .1."""
MIN_VALUES = 2
"""Values of a family that two cores must share: one is a borrowed address or a prompt that everyone copies."""
ROUNDS = 40
"""Most rounds of joining. Each halves the pieces of a campaign at best: 40 are far beyond any campaign."""


def join_cores(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join cores that share, in two families, nearly as much with each other as with themselves.

    In each round cores join in pairs, by falling affinity, and all affinities are measured again: values that only
    one operator's cores used are then used by fewer cores, and say more.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    names, core = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    uses = _collect_uses(evidence, account)
    for _ in range(ROUNDS if len(names) else 0):
        one, other = find_partners(_combine(uses, core, len(names), evidence))
        if not len(one):
            break
        renamed = np.arange(len(names))
        renamed[other] = one
        kept, renamed = np.unique(renamed, return_inverse=True)
        names, core = names[kept], renamed[core]
    return pl.DataFrame({"cluster": names[core].astype(np.int32), "account": account}).sort(
        "cluster", "account"
    )


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


def find_partners(affinity: csr_array, least: float = JOINING) -> tuple[Ints, Ints]:
    """Pair cores by falling affinity, each with one other at most.

    Args:
        affinity: of `measure_affinity`.
        least: affinity that partners have at least.

    Returns:
        The smaller and the larger core of each pair; int64.
    """
    entries = affinity.tocoo()
    core, partner = (axis.astype(np.int64) for axis in entries.coords)
    strong = (entries.data >= least) & (core < partner)
    core, partner, value = core[strong], partner[strong], entries.data[strong]
    free = np.ones(affinity.shape[0], dtype=np.bool_)
    pairs: list[tuple[int, int]] = []
    for place in np.lexsort((partner, core, -value)).tolist():
        one, other = int(core[place]), int(partner[place])
        if free[one] and free[other]:
            free[one] = free[other] = False
            pairs.append((one, other))
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _collect_uses(evidence: Evidence, account: NDArray[np.int32]) -> dict[int, tuple[Ints, Ints]]:
    """Collect the lasting uses of values that link, by family: place of the account in `account`, and signal."""
    place, signal, passing = evidence.uses.by(account)
    kept = ~passing & evidence.ties[evidence.family[signal]] & (evidence.level[signal] == 0)
    kept &= evidence.degree[signal] > 1
    place, signal = place[kept].astype(np.int64), signal[kept].astype(np.int64)
    family = evidence.family[signal]
    return {
        number: (place[family == number], signal[family == number]) for number in np.unique(family).tolist()
    }


def _combine(uses: dict[int, tuple[Ints, Ints]], core: Ints, cores: int, evidence: Evidence) -> csr_array:
    """Combine the affinities by family: the geometric mean of each pair's two strongest."""
    keys, values = [np.empty(0, np.int64)], [np.empty(0)]
    size = np.bincount(core, minlength=cores)
    for family, (place, signal) in uses.items():
        key, value = _measure_family(
            core[place], place, signal, size, int(evidence.having[family]), evidence.degree
        )
        keys.append(key)
        values.append(value)
    key, value = np.concatenate(keys), np.concatenate(values)
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
    core: Ints, place: Ints, signal: Ints, size: Ints, having: int, degree: Ints
) -> tuple[Ints, Floats]:
    """Measure the affinities in one family.

    Args:
        core, place, signal: parallel, one a use: core and place of the account, signal.
        size: accounts of each core.
        having: accounts of all that have a value of the family.
        degree: accounts of all that have each signal.

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
    column = np.unique(column, return_inverse=True)[1]
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
    weighed = csr_array((weight[uses.indices] * uses.data, uses.indices, uses.indptr), shape=uses.shape)
    one, other, found = _list_pairs(weighed, uses)
    kept = (within[one] > 0.0) & (within[other] > 0.0)
    one, other, found = one[kept], other[kept], found[kept]
    index = np.minimum(found / np.sqrt(within[one] * within[other]), 1.0)
    return one * cores + other, index * np.minimum(share[one], share[other])


def _list_pairs(weighed: csr_array, uses: csr_array) -> tuple[Ints, Ints, Floats]:
    """List the pairs of cores that share `MIN_VALUES` values and more, and how often their accounts meet.

    Args:
        weighed, uses: (cores, values), of one structure: uses by weight and as shares.

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
