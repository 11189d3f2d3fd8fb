"""Enumerate pairs of accounts that share signals, with their bits. Enumeration is capped, evidence is not."""

import numpy as np
from numpy.typing import NDArray

from graphsvc.linkage.bits import (
    degrees,
    in_passing,
    of_kinds,
    share_of_others,
    signal_bits,
    signal_families,
    signal_levels,
    signal_strengths,
)
from graphsvc.linkage.prefixes import find_prefixes, find_rented
from graphsvc.linkage.sharers import Sharers, Uses
from graphsvc.model.arrays import find_ends, find_starts, flag_starts
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import DERIVED, kind_of
from graphsvc.types import Ints, Progress, ignore_progress

# Families whose kinds or bands repeat one observation: sharing several of their values is still one.
ONE_OBSERVATION = ("prompt", "email", "client")
CROWDED = ("cgnat", "mobile", "vpn", "education", "corporate")
"""Classes of network behind whose addresses there are many people."""
BANDS_OF_A_TEMPLATE = 6
"""Bands that one prompt has at most: so many more shared are a second template."""
SOLE_DEGREE = 20
"""A value of a sole kind that more accounts have is not the few's that share it."""
RARE_SHARE = 0.25
"""A value that more of all accounts have makes no pairs: it says less than two bits. Hubs are capped by kind too."""
CHANCE_LINKS = 0.005
"""Pairs an account, at most, that would share as much if all values were dealt out at random. `least_rarity` follows
from it: 14 bits among 231 accounts, 22 among 60,000, 27 in a million."""
FEW_VALUES = 4
"""An account with so many values of a family is not busy, however few others have: to share one of four is no habit.
In the sybil list, whose accounts have seven on average, correcting for activity took the largest false cluster from 69
accounts to 15 and found 71 groups for 65."""
CLOSE_BITS = 8.0
"""The moment of sign-up is one more thing that two accounts have in common where it is this rare: of 256 accounts one
is as close to either of them. On random worlds (seeds 100-149) 61 % of campaigns have a cluster of their own at 8 bits,
and half of them at 5 and at 2 bits."""
MEMORY = 256 << 20
"""Bytes that pairs in the making may take, by default."""
Pairs = tuple[NDArray[np.int32], NDArray[np.int32], Ints]


def tying(graph: SignalGraph) -> NDArray[np.bool_]:
    """Flag the signals that can make a link; bool, one a signal."""
    return _tying(graph, degrees(graph))


def _tying(graph: SignalGraph, degree: Ints) -> NDArray[np.bool_]:
    by_kind = of_kinds(graph, lambda kind: kind_of(kind).ties and kind not in DERIVED, np.bool_)
    by_kind |= find_rented(graph)
    hub = degree > of_kinds(graph, lambda kind: kind_of(kind).hub_degree, np.int64)
    rare = is_rare(degree, graph.accounts.height)
    crowded = graph.signals["class"].is_in(CROWDED).to_numpy()
    found: NDArray[np.bool_] = by_kind & rare & ~crowded & ~hub
    return found


def is_rare(degree: Ints, accounts: int) -> NDArray[np.bool_]:
    """Tell which values few enough accounts have to make pairs, by their degrees; bool, shape as `degree`."""
    found: NDArray[np.bool_] = degree <= RARE_SHARE * coarse(accounts)
    return found


def least_rarity(accounts: int) -> float:
    """Compute the rarity, in bits, that links two of so many accounts.

    Of all n(n − 1)/2 pairs at most `CHANCE_LINKS` · n have that much in common by chance: log2((n − 1) / 2) less the
    logarithm of what is allowed. The number of accounts is taken on a grid (`coarse`).
    """
    return float(np.log2(max(coarse(accounts) - 1, 1) / 2.0 / CHANCE_LINKS))


def sole(graph: SignalGraph) -> NDArray[np.bool_]:
    """Flag the signals that make a link by themselves; bool, one a signal."""
    return _sole(graph, degrees(graph), tying(graph))


def _sole(graph: SignalGraph, degree: Ints, ties: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kinds = of_kinds(graph, lambda kind: kind_of(kind).sole, np.bool_)
    found: NDArray[np.bool_] = kinds & ties & (degree <= SOLE_DEGREE)
    return found


class Closeness:
    """Rarity of two accounts' signing up as close to each other as they did.

    Args:
        created_at: (accounts,) int64, ms since 1970, -1 = unknown.
    """

    def __init__(self, created_at: Ints) -> None:
        self._at = created_at
        self._ordered = np.sort(created_at)
        self._place = np.searchsorted(self._ordered, created_at)

    def measure(self, source: NDArray[np.int32], target: NDArray[np.int32]) -> NDArray[np.float64]:
        """Measure pairs, in bits: -log2 of the share of accounts that are as close to the one, or to the other if more.

        The rarity is a rank, so that busy hours, launches and coarse times need no model: a crowd is close to many.

        Args:
            source: (pairs,) int32, one account of each pair.
            target: (pairs,) int32, the other.

        Returns:
            (pairs,) float64; 0 where it is less than `CLOSE_BITS`, or a time is unknown.
        """
        found = np.zeros(len(source))
        # All accounts between the two are as close as they are: nearly all pairs drop out here.
        between = np.abs(self._place[source] - self._place[target]) + 1
        known = np.minimum(self._at[source], self._at[target]) >= 0
        near = np.flatnonzero((between * 2.0**CLOSE_BITS <= len(self._at)) & known)
        one, other = self._at[source[near]], self._at[target[near]]
        apart = np.abs(one - other)
        around = np.maximum(*(self._count(at - apart, at + apart) for at in (one, other)))
        bits = np.log2(coarse(len(self._at)) / around)
        found[near] = np.where(bits >= CLOSE_BITS, bits, 0.0)
        return found

    def _count(self, start: Ints, end: Ints) -> Ints:
        found: Ints = np.searchsorted(self._ordered, end, side="right") - np.searchsorted(
            self._ordered, start
        )
        return found


def enumerate_links(
    graph: SignalGraph,
    *,
    min_values: int,
    memory: int = MEMORY,
    progress: Progress = ignore_progress,
) -> Links:
    """Find the pairs that share more than chance gives, or one value that strangers do not come to share.

    A value can link when its kind does, few enough accounts have it, it is not behind an address of many people by
    design, and it is no hub. The prefix of an address links too where servers are rented (`prefixes.RENTED`). A pair is
    linked by at least `min_values` independent values that are together as rare as `least_rarity` asks of a population
    of this size. Values count by their rarity, less what the activity of the two accounts explains. Bands of one prompt
    are one value. To have signed up close to each other (`Closeness`) is one more value: a popular value links those
    who came together. A card, a device or a phone number of few accounts links by itself. For pairs so made, everything
    they share counts, hubs too. Within a family the strongest agreement counts, families add.

    Args:
        graph: with levels (`bits.with_levels`).
        min_values: independent values that a pair must share.
        memory: bytes that pairs in the making may take, one account's at least. Arrays of the graph's or the result's
            size come on top. The work is done in pieces that fit; the result does not depend on them.
        progress: called with "links", accounts done, and all accounts.

    Returns:
        Links sorted by source, target; the same for the same graph whatever the number of threads.
    """
    degree = degrees(graph)
    bits = signal_bits(graph, degree)
    source, target, values = _pairs(graph, degree, min_values, memory, progress)
    together = _shared_bits(graph, degree, bits, source, target, memory)
    return Links(graph.accounts.height, source, target, together, values)


def _pairs(
    graph: SignalGraph,
    degree: Ints,
    min_values: int,
    memory: int,
    progress: Progress,
) -> Pairs:
    """Return source, target and independent values of the pairs that share enough; sorted."""
    ties = _tying(graph, degree)
    kept = (ties & (degree > 1))[graph.signal] & ~in_passing(graph, degree)
    account, signal = graph.account[kept], graph.signal[kept]
    prompt = _number_prompts(graph, kept)
    accounts = graph.accounts.height
    make = _makers(degree, account, signal, prompt, min_values)
    sharers = Sharers.of(account[make], signal[make], accounts)
    worth = _Worth(graph, degree, ties, (account, signal, prompt))
    uses = Uses(account, signal, worth.family, accounts)
    # A user who lets one value link asks for half of the rarity that two must have.
    least = least_rarity(accounts) * min(min_values, 2) / 2.0
    parts = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))]
    for first, end in sharers.pieces(memory):
        source, target = sharers.pairs(first, end)
        for which, pair, shared in uses.shared(source, target, memory):
            one, other = source[which], target[which]
            values, rarity, sure = worth.measure(one, other, pair, shared)
            enough = sure | ((values >= min_values) & (rarity >= least))
            # A self-sufficient value counts as many as a link needs.
            parts.append((one[enough], other[enough], np.maximum(values, sure * min_values)[enough]))
        progress("links", end, accounts)
    source, target, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return source, target, values


def _number_prompts(graph: SignalGraph, kept: NDArray[np.bool_]) -> Ints:
    """Give each prompt of an account a number, one entry a use of a band; int64, shape as the uses `kept`.

    Bands of one prompt are seen at the same moments. Uses of other kinds have -1.
    """
    edge = np.flatnonzero(kept)
    found = np.full(len(edge), -1, dtype=np.int64)
    bands = np.flatnonzero((graph.signals["kind"] == "prompt").to_numpy()[graph.signal[edge]])
    edge = edge[bands]
    moment = (graph.account[edge], graph.first_seen[edge], graph.last_seen[edge])
    order = np.lexsort(moment[::-1])
    found[bands[order]] = np.cumsum(flag_starts(*(column[order] for column in moment)))
    return found


def _makers(
    degree: Ints, account: NDArray[np.int32], signal: NDArray[np.int32], prompt: Ints, min_values: int
) -> NDArray[np.bool_]:
    """Select the uses that it takes to find every pair that may share enough; bool, one a use.

    Nearly all pairs share one prompt by chance and nothing else, and need not be made. Where two values make a link,
    prompts alone do it in two ways: a rare one with the moment of sign-up, or two of them. The rarer of two is not
    the commonest of either account (prefix filtering: Bayardo, Ma & Srikant, WWW 2007).
    """
    if min_values <= 1:
        return np.ones(len(prompt), dtype=np.bool_)
    degree = degree[signal]
    make = (prompt < 0) | (degree <= SOLE_DEGREE)
    bands = np.flatnonzero(prompt >= 0)
    if len(bands):
        # The prompt of the commonest band of each account comes last.
        order = bands[np.lexsort((signal[bands], degree[bands], account[bands]))]
        last = find_ends(account[order])
        commonest = np.full(int(account.max()) + 1, -1, dtype=np.int64)
        commonest[account[order[last]]] = prompt[order[last]]
        make[bands] |= prompt[bands] != commonest[account[bands]]
        # Where all that an account sent is one prompt, its bands may be of several that were not told apart.
        single = np.ones(len(commonest), dtype=np.bool_)
        single[account[bands[prompt[bands] != commonest[account[bands]]]]] = False
        at = np.arange(len(order))
        until = np.zeros(len(commonest), dtype=np.int64)
        until[account[order[last]]] = last + 1
        make[order[single[account[order]] & (at < until[account[order]] - BANDS_OF_A_TEMPLATE)]] = True
    return make


class _Worth:
    """Measure of what pairs share. `family` is each signal's (int32).

    Args:
        uses: account, signal, prompt (`_number_prompts`) of the uses that can link, sorted by account and signal.
    """

    def __init__(
        self,
        graph: SignalGraph,
        degree: Ints,
        ties: NDArray[np.bool_],
        uses: tuple[NDArray[np.int32], NDArray[np.int32], Ints],
    ) -> None:
        self.family, names = signal_families(graph)
        self._alone = np.array([name in ONE_OBSERVATION for name in names], dtype=np.bool_)
        self._prompt = np.array([name == "prompt" for name in names], dtype=np.bool_)
        self._sole = _sole(graph, degree, ties)
        self._closeness = Closeness(graph.accounts["created_at"].to_numpy())
        self._rarity = _measure_rarity(graph, degree)
        self._signals = graph.signals.height
        self._prefix = find_prefixes(graph)
        account, signal, self._number = uses
        self._key = account.astype(np.int64) * self._signals + signal
        self._activity = _measure_activity(graph, self.family, len(names))

    def measure(
        self, source: NDArray[np.int32], target: NDArray[np.int32], pair: Ints, signal: NDArray[np.int32]
    ) -> tuple[Ints, NDArray[np.float64], NDArray[np.bool_]]:
        """Measure each pair: its independent values, their rarity in bits, and whether one makes a link by itself.

        Rarity is −log2 of the chance that both have all of them, less what the two owe to their activity: an account
        that has four times as many values of a family as others shares each four times as easily. It is 0 where the
        two share so small a part of what they have that it makes less than one value of a usual account.

        Args:
            source: (pairs,) int32, one account of each pair.
            target: (pairs,) int32, the other.
            pair: (shared,) int64, the pair of each shared signal, sorted; every pair shares one.
            signal: (shared,) int32, the linking signal, sorted by family within a pair.
        """
        pair, signal = self._leave_prefixes(pair, signal)
        family = self.family[signal]
        eased = self._activity[source[pair], family] + self._activity[target[pair], family]
        # Half the sum of logarithms: the geometric mean of both activities. Less than usual adds nothing.
        rarity = np.maximum(self._rarity[signal] - np.maximum(0.5 * eased, 0.0), 0.0)
        begins = find_starts(pair, family)
        of, whose = family[begins], pair[begins]
        count = np.diff(begins, append=len(pair))
        most, total = np.maximum.reduceat(rarity, begins), np.add.reduceat(rarity, begins)
        each, bits = np.where(self._alone[of], 1, count), np.where(self._alone[of], most, total)
        sent = np.flatnonzero(self._prompt[of])
        if len(sent):
            rows = np.flatnonzero(self._prompt[family])
            told = [
                self._tell_prompts(end[pair[rows]], signal[rows], pair[rows], rarity[rows])
                for end in (source, target)
            ]
            # Bands whose moments are not known may be of two prompts where they are more than one has.
            crowd = 1 + (count[sent] > BANDS_OF_A_TEMPLATE)
            each[sent] = np.maximum(np.minimum(told[0][0], told[1][0]), crowd)
            bits[sent] = np.maximum(np.minimum(told[0][1], told[1][1]), crowd * most[sent])
        pairs = find_starts(whose)
        values: Ints = np.add.reduceat(each, pairs)
        busy = np.exp2(np.maximum(0.5 * eased[begins], 0.0))
        habitual = np.add.reduceat(each / busy, pairs) < 1.0
        together: NDArray[np.float64] = np.add.reduceat(bits, pairs)
        sure = np.zeros(len(source), dtype=np.bool_)
        sure[pair[self._sole[signal]]] = True
        together[habitual] = 0.0
        close = self._closeness.measure(source, target)
        return values + (close > 0.0), together + close, sure

    def _leave_prefixes(self, pair: Ints, signal: NDArray[np.int32]) -> tuple[Ints, NDArray[np.int32]]:
        """Leave out the prefixes of addresses that a pair shares: they are the same observation."""
        own = self._prefix[signal]
        within = own >= 0
        covered = np.isin(pair * self._signals + signal, pair[within] * self._signals + own[within])
        return pair[~covered], signal[~covered]

    def _tell_prompts(
        self, account: NDArray[np.int32], signal: NDArray[np.int32], pair: Ints, rarity: NDArray[np.float64]
    ) -> tuple[Ints, NDArray[np.float64]]:
        """Tell apart the prompts of one end of each pair: how many there are, and the sum of their rarest bands'.

        Args:
            account: (bands,) int32, the account at that end.
            signal: (bands,) int32, the shared band.
            pair: (bands,) int64, the pair, sorted.
            rarity: (bands,) float64, bits.
        """
        number = self._number[np.searchsorted(self._key, account.astype(np.int64) * self._signals + signal)]
        order = np.lexsort((number, pair))
        begins = find_starts(pair[order], number[order])
        of = find_starts(pair[order][begins])
        count: Ints = np.diff(of, append=len(begins))
        rarest = np.maximum.reduceat(rarity[order], begins)
        return count, np.add.reduceat(rarest, of)


def _measure_rarity(graph: SignalGraph, degree: Ints) -> NDArray[np.float64]:
    """Measure how rare each signal is: −log2 of the share of other accounts that have it, times its kind's strength."""
    share = share_of_others(degree, graph.accounts.height)
    rarity: NDArray[np.float64] = -signal_strengths(graph) * np.log2(share)
    return rarity


def _measure_activity(graph: SignalGraph, family: NDArray[np.int32], families: int) -> NDArray[np.float32]:
    """Measure the activity of accounts by family: log2 of an account's values over the usual number.

    The usual number is the mean of all that have a value, as finely as it matters (eighths of a doubling), and at least
    `FEW_VALUES`.

    Returns:
        (accounts, families) float32; 0 where an account has no value.
    """
    counts = np.zeros((graph.accounts.height, families), dtype=np.float32)
    value = signal_levels(graph)[graph.signal] == 0
    np.add.at(counts, (graph.account[value], family[graph.signal[value]]), 1.0)
    found = np.log2(np.maximum(counts, 1.0))
    having = np.maximum((counts > 0).sum(axis=0), 1)
    usual = np.log2(np.maximum(counts.sum(axis=0, dtype=np.float64) / having, FEW_VALUES))
    found -= (np.round(8.0 * usual) / 8.0).astype(np.float32)
    found[counts == 0] = 0.0
    return found


def _shared_bits(
    graph: SignalGraph,
    degree: Ints,
    bits: NDArray[np.float64],
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    memory: int,
) -> NDArray[np.float64]:
    """Sum the bits of all that each pair shares: the strongest of each family, families added; float64, (pairs,)."""
    family, _ = signal_families(graph)
    linked = np.zeros(graph.accounts.height, dtype=np.bool_)
    linked[source] = linked[target] = True
    # Hubs made no pairs, but between linked accounts they are evidence.
    kept = ((degree > 1) & (bits > 0))[graph.signal] & linked[graph.account]
    row = np.cumsum(linked, dtype=np.int32) - 1
    uses = Uses(row[graph.account[kept]], graph.signal[kept], family, int(linked.sum()))
    found = np.zeros(len(source))
    for which, pair, shared in uses.shared(row[source], row[target], memory):
        begins = find_starts(pair, family[shared])
        if len(begins):
            strongest = np.maximum.reduceat(bits[shared], begins)
            found[which] = np.bincount(pair[begins], strongest, minlength=which.stop - which.start)
    return found
