"""Join groups of accounts that sign up at the same moments again and again.

One operator deals cards and exits out to many cells, and the cells may share no value at all. But one team runs them in
the same hours: the cells sign up within minutes of each other on this day, and again on the next. One such meeting of
two groups is nothing unusual. Many of them are, at the rate of sign-ups around them.

Accounts that sign up together are one occasion, however many they are: a class that signs up in ten minutes meets
another class once, not thirty times.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.special import pdtrc

from graphsvc.campaigns.coincidence import measure_surprise
from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.partners import ROUNDS, merge_groups, name_members, pair_groups
from graphsvc.linkage.timing import WIDTHS, Population, count_between, measure_reach
from graphsvc.model.arrays import expand_slices, find_starts, flag_starts
from graphsvc.model.scale import coarse
from graphsvc.types import Flags, Floats, Ints, Ints32

FALSE_JOINS = 0.1
"""False joins that chance may make in a round, for each group: a pair needs log2(groups / FALSE_JOINS) bits."""
OFTEN = 0.3
"""Share of either group's occasions that meet the other, for groups that share values too. Campaigns of one market run
in the same weeks and meet more often than chance (up to 30 bits), but in .22 of their occasions at most. Of 449 pairs
of one campaign on random worlds nine of ten have more than .25."""
MOSTLY = 0.5
"""The same for groups that share no value. At .3 groups of the sybil list that are run in the same hours join, and 66
of its 150 campaigns are found instead of 72."""
MIN_SURPLUS = 3.0
"""Bits that a chain of joins must have beyond what the choice among all groups explains: chance gives one in eight."""
MIN_CELLS = 4
"""Groups of a chain. Two or three meet by a habit that strangers have too; a campaign that falls apart so that no value
connects its cells has many."""
MIN_MEETINGS = 2
"""Occasions of either group that meet the other. One meeting is a coincidence; only a second one makes it a habit."""
BLOCK = 2_000_000
"""Rows looked at in one go, which bounds memory. The result does not depend on it."""


@dataclass(frozen=True, slots=True)
class _Occasions:
    """Stretches when accounts of one group signed up, none more than ten minutes after the one before.

    Sorted by group, then time. `group`, `start`, `end` (ms) and `accounts`: (occasions,) int64.
    """

    group: Ints
    start: Ints
    end: Ints
    accounts: Ints

    def rows(self, which: Flags) -> "_Occasions":
        """Return some of the occasions."""
        return _Occasions(self.group[which], self.start[which], self.end[which], self.accounts[which])


@dataclass(slots=True)
class _Chains:
    """Joins of groups, and joins of joins: a forest of binary trees whose leaves are the groups.

    `surplus` has the bits of each node beyond the choice among all groups, `cells` its groups, and `parts` the two
    nodes that it joins; None for a group.
    """

    groups: int
    surplus: list[float] = field(init=False)
    cells: list[int] = field(init=False)
    parts: list[tuple[int, int] | None] = field(init=False)

    def __post_init__(self) -> None:
        self.surplus = [0.0] * self.groups
        self.cells = [1] * self.groups
        self.parts = [None] * self.groups

    def join(self, one: int, other: int, bits: float, choices: int) -> int:
        """Join two nodes that meet with `bits`; each could have met `choices` nodes. Return the new node."""
        surplus = self.surplus[one] + self.surplus[other] + bits - np.log2(choices)
        if self.parts[one] is None and self.parts[other] is None:
            # The first join of a chain could have been anywhere.
            surplus -= np.log2(choices / 2)
        self.surplus.append(float(surplus))
        self.cells.append(self.cells[one] + self.cells[other])
        self.parts.append((one, other))
        return len(self.parts) - 1

    def label_groups(self, roots: Ints) -> Ints:
        """Label each group with the topmost node above it that chance does not explain, or with itself."""
        label = np.arange(self.groups)
        waiting = [(int(root), -1) for root in roots]
        while waiting:
            node, above = waiting.pop()
            parts = self.parts[node]
            if parts is None:
                label[node] = node if above < 0 else above
                continue
            if above < 0 and self.surplus[node] >= MIN_SURPLUS and self.cells[node] >= MIN_CELLS:
                above = node
            waiting.extend((part, above) for part in parts)
        return label


def join_meeting(evidence: Evidence, members: pl.DataFrame) -> pl.DataFrame:
    """Join cores that meet in most of their occasions, in chains that are too unlikely as a whole.

    In each round cores join in pairs, the least likely first, and all meetings are measured again: two cells have few
    moments, and few meetings with a third; both together have more. So a pair needs only the bits that the choice of a
    partner explains (`FALSE_JOINS`), and the chain of joins it begins must have `MIN_SURPLUS` more than all choices.

    Args:
        evidence: what accounts are weighed by.
        members: cluster, account (int32); an account is in one cluster at most.

    Returns:
        cluster, account: clusters named by the smallest of their cores, sorted.
    """
    names, core = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    chains = _Chains(len(names))
    node, group = np.arange(len(names)), core
    changed = np.ones(len(names), dtype=np.bool_)
    known = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    for _ in range(ROUNDS):
        # The meetings of two groups depend on these alone: only those of groups that joined are measured again.
        found = measure_meetings(evidence.signups, account, group, MOSTLY, changed)
        one, other, bits = (np.concatenate(columns) for columns in zip(known, found, strict=True))
        known = one, other, bits
        one, other, bits = _select_unlikely(*known, len(node))
        # Pairs only: a third group is measured against both together in the next round.
        one, other, bits = pair_groups(one, other, bits, len(node))
        if not len(one):
            break
        choices = coarse(len(node))
        kept, place = merge_groups(len(node), one, other)
        changed = np.zeros(len(node), dtype=np.bool_)
        changed[one] = changed[other] = True
        same = ~(changed[known[0]] | changed[known[1]])
        known = place[known[0][same]], place[known[1][same]], known[2][same]
        node[one] = [
            chains.join(*pair, choices)
            for pair in zip(node[one].tolist(), node[other].tolist(), bits.tolist(), strict=True)
        ]
        node, group, changed = node[kept], place[group], changed[kept]
    label = chains.label_groups(node)
    # The groups are in the order of their names, so the first of a label has the smallest.
    _, first, place = np.unique(label, return_index=True, return_inverse=True)
    return name_members(names[first[place]][core], account)


def find_meeting(
    population: Population | None, account: Ints32, group: Ints, choices: int, often: float
) -> tuple[Ints, Ints, Floats]:
    """Find the pairs of groups that meet too often for chance.

    Args:
        population: sign-ups of all accounts; None: there are no pairs.
        account: (members,) int32.
        group: (members,) int64, the group of each, numbered from 0.
        choices: groups that each could meet, those that are not asked for included.
        often: share of the occasions of either group that meet the other, at least; 0-1.

    Returns:
        The smaller and the larger group of each pair, sorted, and the bits of their meetings.
    """
    return _select_unlikely(*measure_meetings(population, account, group, often), choices)


def _select_unlikely(one: Ints, other: Ints, bits: Floats, choices: int) -> tuple[Ints, Ints, Floats]:
    """Select the pairs that meet too often for chance, where each group could meet so many others (`choices`)."""
    # Bonferroni over the partners that a group could have had.
    enough = bits >= np.log2(max(coarse(choices), 1) / FALSE_JOINS)
    return one[enough], other[enough], bits[enough]


def measure_meetings(
    population: Population | None,
    account: Ints32,
    group: Ints,
    often: float = 0.0,
    asked: Flags | None = None,
) -> tuple[Ints, Ints, Floats]:
    """Measure how unlikely chance makes the meetings of groups.

    An occasion of one group meets another group if an account of that signs up within the window around it. Were
    occasions independent, the meetings would be Poisson, with a mean that follows from the density of all other
    sign-ups around each occasion and from the other group's occasions. Windows of ten minutes and of an hour are
    looked at, each from both sides. The more likely side counts, and the less likely window.

    Args:
        population: sign-ups of all accounts; None: there are no pairs.
        account: (members,) int32.
        group: (members,) int64, the group of each; an account is in one at most.
        often: share of the occasions of either group that meet the other, at least; 0-1.
        asked: (groups,) bool, groups that one of each pair must be of; None: all are.

    Returns:
        The smaller and the larger group of each pair with that share, and with `MIN_MEETINGS` and more, on both sides;
        int64, sorted. And their bits.
    """
    if population is None:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    moment = population.created_at[account]
    # Who has no moment meets no one, and is no occasion.
    known = moment >= 0
    moment, group = moment[known], group[known].astype(np.int64)
    order = np.lexsort((moment, group))
    moment, group = moment[order], group[order]
    groups = int(group.max(initial=-1)) + 1
    gap = measure_reach(WIDTHS[0], population.resolution)
    occasions = _find_occasions(moment, group, gap)
    order = np.argsort(moment, kind="stable")
    moment, group = moment[order], group[order]
    asked = np.ones(groups, dtype=np.bool_) if asked is None else asked
    keys, bits = [np.empty(0, np.int64)], [np.empty(0)]
    for width in WIDTHS[:2]:
        key, found = _measure_window(
            population,
            occasions,
            moment,
            group,
            groups,
            measure_reach(width, population.resolution),
            often,
            asked,
        )
        keys.append(key)
        bits.append(found)
    key, place = np.unique(np.concatenate(keys), return_inverse=True)
    most = np.zeros(len(key))
    # A pair may meet by the minute or by the hour: the window that shows it best counts.
    np.maximum.at(most, place, np.concatenate(bits))
    return key // max(groups, 1), key % max(groups, 1), most


def _find_occasions(moment: Ints, group: Ints, gap: int) -> _Occasions:
    """Find the occasions of groups: members sorted by group and moment, parted where `gap` ms pass without any."""
    begins = np.ones(len(moment), dtype=np.bool_)
    begins[1:] = (np.diff(group) > 0) | (np.diff(moment) > gap)
    first = np.flatnonzero(begins)
    last = np.append(first, len(moment))[1:] - 1
    return _Occasions(group[first], moment[first], moment[last], last - first + 1)


def _measure_window(
    population: Population,
    occasions: _Occasions,
    moment: Ints,
    group: Ints,
    groups: int,
    reach: int,
    often: float,
    asked: Flags,
) -> tuple[Ints, Floats]:
    """Measure the meetings within `reach` ms: pairs as smaller · groups + larger, ascending, and their bits.

    Members (`moment`, `group`) are sorted by moment.
    """
    among = asked[group]
    # Occasions of groups that are asked for meet all others; those of the rest meet them alone.
    parts = [
        _count_meetings(occasions.rows(asked[occasions.group]), moment, group, groups, reach),
        _count_meetings(occasions.rows(~asked[occasions.group]), moment[among], group[among], groups, reach),
    ]
    found, count = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(found)
    found, count = found[order], count[order]
    one, other = found // max(groups, 1), found % max(groups, 1)
    back = np.searchsorted(found, other * groups + one)
    mutual = np.append(found, -1)[back] == other * groups + one
    enough = count >= often * np.bincount(occasions.group, minlength=groups)[one]
    mutual &= enough & np.append(enough, False)[back]
    found, count, one, other = found[mutual], count[mutual], one[mutual], other[mutual]
    mean = _expect_meetings(population, occasions, one, other, groups, reach)
    # The chance of as many meetings or more, if the occasions were independent.
    bits = measure_surprise(pdtrc(count - 1.0, mean))
    # From both sides, the weaker one: a group of very many occasions meets all others.
    bits = np.minimum(bits, bits[np.searchsorted(found, other * groups + one)])
    return found[one < other], bits[one < other]


def _count_meetings(
    occasions: _Occasions, moment: Ints, group: Ints, groups: int, reach: int
) -> tuple[Ints, Ints]:
    """Count the occasions of each group that meet each other group.

    Args:
        occasions: of the groups whose meetings are counted.
        moment: (members,) int64, ms, sorted.
        group: (members,) int64, the group of each.
        groups: how many there are.
        reach: ms between an occasion and a member that meets it, at most.

    Returns:
        Pairs as group · groups + other, ascending, of `MIN_MEETINGS` and more, and the occasions; int64.
    """
    begin = np.searchsorted(moment, occasions.start - reach, "left")
    end = np.searchsorted(moment, occasions.end + reach, "right")
    keys, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for block in _split_rows(end - begin, occasions.group):
        occasion, place = expand_slices(begin[block], end[block])
        own = occasions.group[block][occasion]
        elsewhere = own != group[place]
        # An occasion meets a group once, however many accounts of it are there.
        met = np.sort(occasion[elsewhere] * groups + group[place][elsewhere])
        met = met[flag_starts(met)]
        key = np.sort(occasions.group[block][met // max(groups, 1)] * groups + met % max(groups, 1))
        first = find_starts(key)
        count = np.diff(np.append(first, len(key)))
        keys.append(key[first[count >= MIN_MEETINGS]])
        counts.append(count[count >= MIN_MEETINGS])
    return np.concatenate(keys), np.concatenate(counts)


def _expect_meetings(
    population: Population, occasions: _Occasions, one: Ints, other: Ints, groups: int, reach: int
) -> Floats:
    """Compute how many occasions of `one` would meet `other` by chance; (pairs,) float64."""
    # Of all groups few are in a pair, and a look at all moments is dear.
    paired = np.zeros(groups, dtype=np.bool_)
    paired[one] = True
    occasions = occasions.rows(paired[occasions.group])
    moments = population.moments
    inside = count_between(moments, occasions.start - reach, occasions.end + reach)
    # Half a sign-up, where there is no other: no moment is quite empty.
    density = np.maximum(inside - occasions.accounts, 0.5) / max(coarse(len(moments)), 1)
    number = np.bincount(occasions.group, minlength=groups).astype(np.float64)
    first = np.searchsorted(occasions.group, np.arange(groups))
    end = np.searchsorted(occasions.group, np.arange(groups), "right")
    mean = np.empty(len(one))
    for block in _split_rows((end - first)[one], np.arange(len(one))):
        pair, occasion = expand_slices(first[one[block]], end[one[block]])
        chance = -np.expm1(-number[other[block]][pair] * density[occasion])
        mean[block] = np.bincount(pair, chance, minlength=block.stop - block.start)
    return mean


def _split_rows(cost: Ints, group: Ints) -> list[slice]:
    """Split rows into blocks of a cost of about `BLOCK` each, never within a group; groups are ascending."""
    if not len(cost):
        return []
    total = np.cumsum(cost)
    wanted = np.searchsorted(total, np.arange(BLOCK, int(total[-1]) + BLOCK, BLOCK))
    ends = np.searchsorted(group, group[np.minimum(wanted, len(group) - 1)], "right")
    bounds = np.unique(np.append(0, ends)).tolist()
    return [slice(start, stop) for start, stop in pairwise(bounds)]
