"""Join cores that draw from the same pools: a large campaign falls into many communities.

How far two cores draw from the same pools is measured in `affinity`. Cells that share little or nothing are one where
they sign up at the same moments again and again (`meetings`).

Once clusters have grown, most of a campaign is in some cluster, and who else uses a value says more: a market has
honest customers too, an operator's own values have none. So grown clusters join by values used in clusters alone.
"""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graphsvc.campaigns.affinity import (
    Uses,
    collect_uses,
    combine_families,
    find_apart,
    measure_alone,
    measure_closedness,
)
from graphsvc.campaigns.coincidence import measure_coincidence
from graphsvc.campaigns.meetings import OFTEN, find_meeting, join_meeting
from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.partners import ROUNDS, merge_groups, name_members, pair_groups
from graphsvc.model.scale import coarse
from graphsvc.types import Floats, Ints

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
JOINING_ALONE = 0.5
"""Cores that one family alone holds together are one with at least this affinity in it by closed values. Of such pairs
634 are of one campaign, 5 of two and 9 of a campaign and strangers, in worlds of two generators that knew nothing of
the detection, random ones (seeds 100-189), hard:3, hard2:22 and demo:7. At .3 it is 793, 17 and 91. Where more families
hold cores together, rivals of one supplier join."""
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


def join_cores(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join cores that share as groups (`join_alike`), then those that sign up together (`meetings.join_meeting`).

    What meets is larger, and shares more with others than its pieces do: so cores that share join again. Last come
    those that share in the one family that they have (`join_alone`).

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    alike = join_alike(evidence, members)
    met = join_meeting(evidence, alike)
    return join_alone(evidence, met if met.equals(alike) else join_alike(evidence, met))


def join_alone(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join cores that one family alone holds together, and that share values in it which hardly others use.

    An operator of whom prompts alone are known gives each cell prompts from one list. There is no second family that
    could agree, and a market's pools would have honest users.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    account = members["account"].to_numpy()
    closed = measure_closedness(collect_uses(evidence, account), len(account), evidence)

    def measure(uses: Uses, core: Ints, cores: int, evidence: Evidence) -> csr_array:
        return measure_alone(uses, core, cores, evidence, closed)

    def choose(_uses: Uses, _core: Ints, _one: Ints, _other: Ints, value: Floats) -> NDArray[np.bool_]:
        return np.ones(len(value), dtype=np.bool_)

    return _join_in_rounds(evidence, members, JOINING_ALONE, choose, measure)


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
        meant: NDArray[np.bool_] = value >= JOINING
        bits = measure_coincidence(evidence, uses, account, core, one[meant], other[meant])
        meant[meant] = bits >= np.log2(pairs / CHANCE_JOINS)
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
    measure: Callable[[Uses, Ints, int, Evidence], csr_array] = combine_families,
) -> pl.DataFrame:
    """Join cores in pairs, by falling affinity, until none is chosen.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32); an account is in one cluster at most.
        least: affinity of pairs to choose from, at least.
        choose: called in each round with the uses by family, the core of each account, and the pairs with their
            affinity; returns the pairs that may join, (pairs,) bool.
        measure: called in each round with the uses by family, the core of each account, how many cores there are, and
            the evidence; returns the affinities, of shape (cores, cores).

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    names, core = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    uses = collect_uses(evidence, account)
    for _ in range(ROUNDS if len(names) else 0):
        alike = measure(uses, core, len(names), evidence)
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

    Those that share little of these, or have each their own infrastructure (`affinity.find_apart`), join only if they
    also sign up at the same moments again and again. Each cluster joins one other at most. Growing continues
    afterwards and joins again.

    Args:
        evidence: what accounts use.
        members: cluster, account (int32), sorted; an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smaller of each pair, sorted.
    """
    names, core = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    uses = collect_uses(evidence, account)
    closed = measure_closedness(uses, len(account), evidence)
    alike = combine_families(uses, core, len(names), evidence, closed)
    one, other, value = _list_alike(alike, JOINING_GROWN_MEETING)
    meant = value >= JOINING_GROWN
    meant[meant] = ~find_apart(uses, core, len(names), evidence, one[meant], other[meant])
    rest = np.flatnonzero(~meant)
    meant[rest] = _find_meeting_pairs(evidence, account, core, one[rest], other[rest])
    one, other, _ = pair_groups(one[meant], other[meant], value[meant], len(names))
    kept, place = merge_groups(len(names), one, other)
    return name_members(names[kept][place[core]], account)


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
