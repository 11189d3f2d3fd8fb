"""Measure how unlikely it is that two cores share by chance what they share.

Two groups of honest people who copy the same popular prompts are as alike as two pieces of a campaign: affinity
compares what they share with what each shares with itself, and both are popular. What tells them apart is that chance
gives the one and not the other, among as many pairs as there are.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.special import bdtrc

from graphsvc.campaigns.affinity import Uses
from graphsvc.campaigns.membership import Evidence
from graphsvc.model.arrays import replace_data
from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints, Ints32

SMALLEST = 1e-300
"""Chances below this are too small for a double; they count as this much (997 bits)."""
BLOCK = 20_000
"""Pairs looked at in one go: their common values are held in memory. The result does not depend on it."""
COUNTED = 2
"""Values of a family, and families of a pair, that count: as many as affinity asks for. More of them are rarely
independent of each other: bands of one prompt, addresses of one proxy."""


def measure_coincidence(
    evidence: Evidence,
    uses: Uses,
    account: Ints32,
    core: Ints,
    one: Ints,
    other: Ints,
) -> Floats:
    """Measure how unlikely chance makes the values that pairs of cores share.

    A value that d accounts use, a of them in one core, has d - a users elsewhere. Were these spread over all accounts,
    the number of them in a core of n would be binomial. The chance of a value is that of at least as many as there are,
    from either core's side, whichever is larger. The two most unlikely values of a family are multiplied, and
    then the two most unlikely families.

    Args:
        evidence: what accounts use.
        uses: of `affinity.collect_uses`.
        account: (places,) int32, the accounts of all cores.
        core: (places,) int64, the core of each account.
        one: (pairs,) int64, a core of each pair.
        other: (pairs,) int64, its other core.

    Returns:
        (pairs,) float64, bits; 0 where they share nothing.
    """
    if not len(one):
        return np.empty(0)
    # Few of all cores are asked for, and their uses alone are counted.
    names, ends = np.unique(np.concatenate([one, other]), return_inverse=True)
    one, other = ends[: len(one)], ends[len(one) :]
    number = np.full(int(core.max()) + 1, -1)
    number[names] = np.arange(len(names))
    core = number[core]
    among = np.flatnonzero(core >= 0)
    home, who = core[among], account[among]
    strongest = np.zeros((len(one), COUNTED))
    for family, used in uses.items():
        # Accounts with a value of the family, and accounts with each value, by core.
        holding = np.bincount(home[evidence.has[who, family]], minlength=len(names))
        at = core[used.place]
        of = np.flatnonzero(at >= 0)
        key = at[of] * len(used.signal) + used.value[of]
        entry, inside = np.unique(key, return_counts=True)
        row, column = np.divmod(entry, len(used.signal))
        counts = csr_array((inside.astype(np.float64), (row, column)), shape=(len(names), len(used.signal)))
        having, degree = float(max(coarse(int(evidence.having[family])), 1)), evidence.degree[used.signal]
        for start in range(0, len(one), BLOCK):
            block = slice(start, start + BLOCK)
            found = _measure_family(counts, holding, degree, having, one[block], other[block])
            ranked = -np.sort(-np.column_stack([strongest[block], found]), axis=1)
            strongest[block] = ranked[:, :COUNTED]
    bits: Floats = strongest.sum(axis=1)
    return bits


def _measure_family(
    counts: csr_array, holding: Ints, degree: Ints, having: float, one: Ints, other: Ints
) -> Floats:
    """Measure the bits of the most unlikely values of one family.

    Args:
        counts: (cores, values), accounts with each value.
        holding: (cores,) int64, accounts with a value of the family.
        degree: (values,) int64, accounts of all with each value.
        having: accounts of all with a value of the family.
        one: (pairs,) int64, a core of each pair.
        other: (pairs,) int64, its other core.

    Returns:
        (pairs,) float64, bits.
    """
    here, there = counts[one], counts[other]
    # Where both have a value: the users in the one, and in the same order those in the other.
    shared = [
        csr_array(mine * replace_data(its, np.ones(its.nnz))) for mine, its in ((here, there), (there, here))
    ]
    for part in shared:
        part.sort_indices()
    pair = np.repeat(np.arange(len(one)), np.diff(shared[0].indptr))
    degree = degree[shared[0].indices]
    mine, its = (part.data for part in shared)
    chances = [
        # At least one is elsewhere, or what only two cores use could not be met by a third.
        bdtrc(seen - 1.0, holding[side[pair]], np.minimum(_spread(degree, known) / having, 1.0))
        for seen, known, side in ((its, mine, other), (mine, its, one))
    ]
    bits = measure_surprise(np.maximum(*chances))
    order = np.lexsort((-bits, pair))
    pair, bits = pair[order], bits[order]
    rank = np.arange(len(pair)) - np.searchsorted(pair, pair)
    counted = rank < COUNTED
    found: Floats = np.bincount(pair[counted], bits[counted], minlength=len(one)).astype(np.float64)
    return found


def measure_surprise(chance: Floats) -> Floats:
    """Measure how unlikely chances are, in bits; float64, shape as `chance`."""
    bits: Floats = -np.log2(np.maximum(chance, SMALLEST))
    return bits


def _spread(degree: Ints, known: Floats) -> Floats:
    """Count the users that are not known to be in the first core, as finely as matters."""
    spread: Floats = np.maximum(coarse((degree - known).astype(np.int64)), 1).astype(np.float64)
    return spread
