"""Enumerate pairs of accounts that share signals, with their bits. Enumeration is capped, evidence is not."""

import numpy as np

from graphsvc.linkage.rule import SOLE_DEGREE
from graphsvc.linkage.shared import BANDS_OF_A_TEMPLATE, Closeness, measure_worth, number_prompts
from graphsvc.linkage.sharers import Sharers
from graphsvc.linkage.signals import Incidence
from graphsvc.linkage.uses import Uses
from graphsvc.model.arrays import find_ends
from graphsvc.model.links import Links
from graphsvc.model.scale import coarse
from graphsvc.types import Flags, Floats, Ints, Ints32, Progress, ignore_progress

CHANCE_LINKS = 0.005
"""Pairs an account, at most, that would share as much if all values were dealt out at random. `least_rarity` follows
from it: 14 bits among 231 accounts, 22 among 60,000, 27 in a million."""
MEMORY = 256 << 20
"""Bytes that pairs in the making may take, by default."""
Pairs = tuple[Ints32, Ints32, Ints]


def least_rarity(accounts: int) -> float:
    """Compute the rarity, in bits, that links two of so many accounts.

    Of all n(n − 1)/2 pairs at most `CHANCE_LINKS` · n have that much in common by chance: log2((n − 1) / 2) less the
    logarithm of what is allowed. The number of accounts is taken on a grid (`coarse`).
    """
    return float(np.log2(max(coarse(accounts) - 1, 1) / 2.0 / CHANCE_LINKS))


def enumerate_links(
    incidence: Incidence,
    *,
    min_values: int,
    memory: int = MEMORY,
    progress: Progress = ignore_progress,
) -> Links:
    """Find the pairs that share more than chance gives, or one value that strangers do not come to share.

    `rule.find_linking` tells which values can link. A pair is linked by at least `min_values` independent values that
    are together as rare as `least_rarity` asks of a population of this size. Values count by their rarity, less what
    the activity of the two accounts explains. Bands of one prompt are one value. To have signed up close to each other
    (`Closeness`) is one more value: a popular value links those who came together. A card, a device or a phone number
    of few accounts links by itself. For pairs so made, everything they share counts, hubs too. Within a family the
    strongest agreement counts, families add.

    Args:
        incidence: the graph and its signals.
        min_values: independent values that a pair must share.
        memory: bytes that pairs in the making may take, one account's at least. Arrays of the graph's or the result's
            size come on top. The work is done in pieces that fit; the result does not depend on them.
        progress: called with "links", accounts done, and all accounts.

    Returns:
        Links sorted by source, target; the same for the same graph whatever the number of threads.
    """
    return measure_links(incidence, _pairs(incidence, min_values, memory, progress), memory)


def measure_links(incidence: Incidence, pairs: Pairs, memory: int = MEMORY) -> Links:
    """Return the links of pairs that share enough: source, target and independent values of each, sorted."""
    source, target, values = pairs
    together = _sum_shared_bits(incidence, source, target, memory)
    return Links(incidence.graph.accounts.height, source, target, together, values)


def _pairs(incidence: Incidence, min_values: int, memory: int, progress: Progress) -> Pairs:
    """Return source, target and independent values of the pairs that share enough; sorted."""
    graph, signals = incidence.graph, incidence.signals
    accounts = graph.accounts.height
    linking = np.flatnonzero(signals.linking & (signals.users > 1))
    # Numbered in the order of families, so that what two accounts share comes family by family.
    linking = linking[np.argsort(signals.family[linking], kind="stable")]
    number = np.full(graph.signals.height, -1, dtype=np.int32)
    number[linking] = np.arange(len(linking), dtype=np.int32)
    kept = (number >= 0)[graph.signal] & ~incidence.transient
    account, value, prompt = graph.account[kept], number[graph.signal[kept]], _number_prompts(incidence, kept)
    make = find_makers(signals.users[linking], account, value, prompt, min_values)
    sharers = Sharers.of(account[make], value[make], accounts)
    worth = measure_worth(incidence, linking, (account, value, prompt))
    closeness = Closeness(graph.accounts["created_at"].to_numpy())
    lasting = np.zeros(len(account), dtype=np.bool_)
    uses = Uses.of(account, value, lasting, accounts=accounts, signals=len(linking))
    parts = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))]
    for first, end in sharers.pieces(memory):
        source, target = sharers.pairs(first, end)
        for which, pair, shared in uses.compare(source, target, memory):
            one, other = source[which], target[which]
            measured = worth.measure(one, other, pair, shared)
            enough, values = decide_pairs(closeness, one, other, measured, min_values)
            parts.append((one[enough], other[enough], values))
        progress("links", end, accounts)
    source, target, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return source, target, values


def decide_pairs(
    closeness: Closeness,
    source: Ints32,
    target: Ints32,
    measured: tuple[Ints, Floats, Flags],
    min_values: int,
) -> tuple[Flags, Ints]:
    """Decide which pairs are linked: bool, one a pair; and the independent values of those that are, int64.

    Args:
        closeness: of all sign-ups.
        source: (pairs,) int32, one account of each pair.
        target: (pairs,) int32, the other.
        measured: of `Worth.measure`.
        min_values: independent values that a pair must share.
    """
    values, rarity, sure = measured
    close = closeness.measure(source, target)
    values = values + (close > 0.0)
    enough = sure | ((values >= min_values) & (rarity + close >= least_bits(closeness.accounts, min_values)))
    # A self-sufficient value counts as many as a link needs.
    return enough, np.maximum(values, sure * min_values)[enough]


def least_bits(accounts: int, min_values: int) -> float:
    """Compute the rarity, in bits, that a pair needs where so many values make a link."""
    # A user who lets one value link asks for half of the rarity that two must have.
    return least_rarity(accounts) * min(min_values, 2) / 2.0


def _number_prompts(incidence: Incidence, kept: Flags) -> Ints:
    """Give each prompt of an account a number (`number_prompts`); int64, shape as the uses `kept`."""
    graph = incidence.graph
    edge = np.flatnonzero(kept)
    bands = incidence.signals.kinds.apply(lambda kind: kind == "prompt", np.bool_)[graph.signal[edge]]
    return number_prompts(bands, graph.account[edge], graph.first_seen[edge], graph.last_seen[edge])


def find_makers(users: Ints, account: Ints32, value: Ints32, prompt: Ints, min_values: int) -> Flags:
    """Select the uses that it takes to find every pair that may share enough; bool, one a use.

    Nearly all pairs share one prompt by chance and nothing else, and need not be made. Where two values make a link,
    prompts alone do it in two ways: a rare one with the moment of sign-up, or two of them. The rarer of two is not
    the commonest of either account (prefix filtering: Bayardo, Ma & Srikant, WWW 2007).
    """
    if min_values <= 1:
        return np.ones(len(prompt), dtype=np.bool_)
    degree = users[value]
    make = (prompt < 0) | (degree <= SOLE_DEGREE)
    bands = np.flatnonzero(prompt >= 0)
    if len(bands):
        # The prompt of the commonest band of each account comes last.
        order = bands[np.lexsort((value[bands], degree[bands], account[bands]))]
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


def _sum_shared_bits(incidence: Incidence, source: Ints32, target: Ints32, memory: int) -> Floats:
    """Sum the bits of all that each pair shares: the strongest of each family, families added; float64, (pairs,).

    Hubs made no pairs, but between linked accounts they are evidence.
    """
    signals = incidence.signals
    families = len(signals.families)
    found = np.zeros(len(source))
    for which, pair, signal in incidence.uses.compare(source, target, memory):
        strongest = np.zeros((which.stop - which.start) * families)
        np.maximum.at(strongest, pair * families + signals.family[signal], signals.bits[signal])
        # One family after the other: a sum in another order differs in its last digit.
        for bits in strongest.reshape(-1, families).T:
            found[which] += bits
    return found
