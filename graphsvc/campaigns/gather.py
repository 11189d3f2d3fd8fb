"""Gather the cores of a campaign that share too little in pairs, by the evidence of many of them together.

Where an operator deals its values out widely, two cores of it share next to nothing, and no pair joins. Each core
shares more with what many of them use together. So groups of cores are proposed on little. Then each core is weighed by
the half of a group that it is not in. Groups of strangers who rent from one market come apart: they say nothing about
each other.
"""

import numpy as np
import polars as pl

from graphsvc.campaigns.backbone import find_backbone
from graphsvc.campaigns.join import group_cores
from graphsvc.campaigns.membership import Evidence, weigh
from graphsvc.campaigns.partners import name_members
from graphsvc.types import Floats, Ints, Ints32

LEAST_CORES = 16
"""Cores of the smallest group. Offices that rent from one market speak for each other too: on random worlds (seeds
100-189) groups of honest cores keep up to 9 of them. Those of hard:3, hard:5 and hard:12 without devices keep 28, 42
and 44 of the largest campaign's."""
ENOUGH = 0.25
"""Bits that an average account of a core has for its group, at least. On hard:12 of 60,000 without devices 311 cores of
the largest campaign have it and 5 others. Of the groups proposed on the market none keeps enough cores."""
CONFIRMED = 2.0
"""Cores that nothing proposed and that have enough bits for a group, for each core that was proposed, at least. Cores
are proposed because they are alike, so only others can confirm a group. Of the largest campaigns of hard:3, hard:5 and
hard:12 without devices 3.4 to 6.8 come for each. Of honest groups (offices, clients of carriers) .5 to 1.4 do, on
random:155, random:156 and two worlds of another generator.
"""
LIMIT = 8.0
"""Bits of one account that count at most, either way: one that is surely a member says little about its core."""
ROUNDS = 2
"""Times that cores are weighed: first groups lose those that do not belong, then more come. With ten rounds 20 honest
cores come to the campaign of hard:12 without devices, and a tenth of a campus with them. With one the campaign of
hard:5 is not gathered."""
ALONE = -1
"""The group of cores that are in none."""


def gather_cores(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Gather cores that belong together by what many of them use.

    Args:
        evidence: what accounts are weighed by.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    names, core = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    group = _keep_large(_number_groups(group_cores(evidence, members), account, core, len(names)))
    for number in range(ROUNDS):
        if not (group != ALONE).any():
            break
        bits = _weigh_cores(evidence, account, core, group)
        best = np.where(bits.max(axis=1) >= ENOUGH, bits.argmax(axis=1), ALONE)
        # Once its group has been weighed, a core stays: groups would swing between halves.
        group = _keep_large(np.where(group != ALONE, group, best) if number else _confirm(group, best))
    first = np.arange(len(names))
    gathered = np.flatnonzero(group != ALONE)
    # Cores are in ascending order, so the first of each group is its smallest.
    _, place, inverse = np.unique(group[gathered], return_index=True, return_inverse=True)
    first[gathered] = gathered[place][inverse]
    return name_members(names[first[core]], account)


def _number_groups(grouped: pl.DataFrame, account: Ints32, core: Ints, cores: int) -> Ints:
    """Return the number of each core's group; (cores,) int64."""
    # Both tables have the same accounts.
    cluster = grouped.sort("account")["cluster"].to_numpy()
    group = np.empty(cores, dtype=np.int64)
    group[core[np.argsort(account)]] = cluster
    return group


def _keep_large(group: Ints) -> Ints:
    """Return the groups, those of fewer than `LEAST_CORES` cores dissolved, the others numbered from 0."""
    names, place, size = np.unique(group, return_inverse=True, return_counts=True)
    kept = (size >= LEAST_CORES) & (names != ALONE)
    number = np.where(kept, np.cumsum(kept) - 1, ALONE)
    return number[place]


def _confirm(proposed: Ints, best: Ints) -> Ints:
    """Return the best group of each core; groups that cores outside of the proposal do not confirm are dissolved."""
    groups = int(proposed.max()) + 1
    within = np.bincount(proposed[proposed != ALONE], minlength=groups)
    came = np.bincount(best[(best != ALONE) & (best != proposed)], minlength=groups)
    confirmed = came >= CONFIRMED * within
    return np.where((best != ALONE) & confirmed[best], best, ALONE)


def _weigh_cores(evidence: Evidence, account: Ints32, core: Ints, group: Ints) -> Floats:
    """Weigh each core against each group, by the half of the group that it is not in.

    Args:
        evidence: what accounts are weighed by.
        account: (places,) int32, the accounts of all cores.
        core: (places,) int64, the core of each account.
        group: (cores,) int64, the group of each core; some are in one.

    Returns:
        (cores, groups) float64, the mean bits of a core's accounts. A core that is in another group or in none is
        weighed by both halves, and has their mean.
    """
    size = np.bincount(core, minlength=len(group))
    half = _halve(group, size)
    home = np.full(evidence.accounts, ALONE)
    home[account] = core
    found = np.zeros((2, len(group), int(group.max()) + 1))
    for side in (0, 1):
        asked = (group[core] != ALONE) & (half[core] == side)
        part = name_members(group[core[asked]].astype(np.int32), account[asked])
        weighed = weigh(evidence, part, find_backbone(evidence, part))
        of = home[weighed.account]
        inside = of != ALONE
        # The prior is left out: how much of the campaign the half is says nothing about the core.
        bits = np.clip(weighed.bits - weighed.prior, -LIMIT, LIMIT)
        np.add.at(found[side], (of[inside], weighed.cluster[inside]), bits[inside])
    found /= np.maximum(size, 1)[None, :, None]
    mean: Floats = found.mean(axis=0)
    within = np.flatnonzero(group != ALONE)
    mean[within, group[within]] = found[1 - half[within], within, group[within]]
    return mean


def _halve(group: Ints, size: Ints) -> Ints:
    """Halve each group, its cores in turn by falling size; (cores,) int64, 0 or 1."""
    order = np.lexsort((np.arange(len(group)), -size, group))
    _, first, count = np.unique(group[order], return_index=True, return_counts=True)
    half = np.empty(len(group), dtype=np.int64)
    half[order] = (np.arange(len(group)) - np.repeat(first, count)) % 2
    return half
