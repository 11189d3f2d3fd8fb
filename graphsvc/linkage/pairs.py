"""Pairs of accounts that share signals, with their bits. Enumeration is capped, evidence is not."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from graphsvc.linkage.bits import degrees, in_passing, of_kinds, signal_bits, signal_families
from graphsvc.linkage.sharers import Sharers, Uses, changes
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import DERIVED, kind_of

# Families whose kinds or bands repeat one observation: sharing several of their values is still one.
ONE_OBSERVATION = ("prompt", "email", "client")
CROWDED = ("cgnat", "mobile", "vpn", "education", "corporate")
"""Classes of network behind whose addresses there are many people."""
BANDS_OF_A_TEMPLATE = 6
"""Bands that one prompt has at most: so many more shared are a second template."""
SOLE_DEGREE = 20
"""A value of a sole kind that more accounts have is not the few's that share it."""
TYING_BITS = 8.0
TYING_DEGREE = 20
"""A value is one of those that make a link if it has these bits, or no more accounts than this: among a few hundred
accounts nothing can have many bits."""
LOCKSTEP_MS = 10 * 60 * 1000
"""Sign-ups closer than this, where few others sign up, are one more thing that two accounts have in common."""
MEMORY = 256 << 20
"""Bytes that pairs in the making may take, unless somebody says otherwise."""
Progress = Callable[[str, int, int], None]
Ints = NDArray[np.int64]
Pairs = tuple[NDArray[np.int32], NDArray[np.int32], Ints]


def tying(graph: SignalGraph) -> NDArray[np.bool_]:
    """Which signals can make a link; bool, one a signal."""
    degree = degrees(graph)
    return _tying(graph, degree, signal_bits(graph, degree))


def _tying(graph: SignalGraph, degree: Ints, bits: NDArray[np.float64]) -> NDArray[np.bool_]:
    by_kind = of_kinds(graph, lambda kind: kind_of(kind).ties and kind not in DERIVED, np.bool_)
    hub = degree > of_kinds(graph, lambda kind: kind_of(kind).hub_degree, np.int64)
    rare = (bits >= TYING_BITS) | (degree <= TYING_DEGREE)
    crowded = graph.signals["class"].is_in(CROWDED).to_numpy()
    found: NDArray[np.bool_] = by_kind & rare & ~crowded & ~hub
    return found


def sole(graph: SignalGraph) -> NDArray[np.bool_]:
    """Which signals make a link by themselves; bool, one a signal."""
    return _sole(graph, degrees(graph), tying(graph))


def _sole(graph: SignalGraph, degree: Ints, ties: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kinds = of_kinds(graph, lambda kind: kind_of(kind).sole, np.bool_)
    found: NDArray[np.bool_] = kinds & ties & (degree <= SOLE_DEGREE)
    return found


def sign_ups(graph: SignalGraph) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """When each account signed up (int64, ms since 1970), and whether so few did around that moment that to do so too
    has `TYING_BITS` (bool); of shape (accounts,)."""
    at = graph.accounts["created_at"].to_numpy()
    ordered = np.sort(at)
    reach = (
        np.searchsorted(ordered, at + LOCKSTEP_MS, side="right"),
        np.searchsorted(ordered, at - LOCKSTEP_MS),
    )
    quiet = ((reach[0] - reach[1]) * 2.0**TYING_BITS <= coarse(len(at))) & (at >= 0)
    return at, quiet


def enumerate_links(
    graph: SignalGraph,
    *,
    min_values: int,
    memory: int = MEMORY,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Links:
    """Pairs that share at least `min_values` independent tying values.

    A value ties when its kind does, it is rare, it is not behind an address of many people by design, and it is no
    hub. One that strangers do not come to share (a card, a device, a phone number) counts as `min_values`; bands of
    prompts count as one, and as two where they are more than one template has. To have signed up within minutes counts
    as one beside a rare value. For pairs that such values make, everything they share counts, hubs too: a popular
    template or address weighs little alone and is not nothing in conjunction. Within a family the strongest agreement
    counts, families add.

    Args:
        memory: bytes that pairs in the making may take, beside what has as many rows as the graph or the result. The
            work is counted first and done in pieces within them (one account's is one piece at least); what is
            found does not depend on it.
        progress: called with "links", accounts done, and all accounts.

    Returns: links sorted by source, target; the same for the same graph whatever the number of threads.
    """
    degree = degrees(graph)
    bits = signal_bits(graph, degree)
    source, target, values = _pairs(graph, degree, bits, min_values, memory, progress)
    together = _shared_bits(graph, degree, bits, source, target, memory)
    return Links(graph.accounts.height, source, target, together, values)


def _pairs(
    graph: SignalGraph,
    degree: Ints,
    bits: NDArray[np.float64],
    min_values: int,
    memory: int,
    progress: Progress,
) -> Pairs:
    """Source, target and independent values of the pairs that share enough; sorted."""
    ties = _tying(graph, degree, bits)
    kept = (ties & (degree > 1))[graph.signal] & ~in_passing(graph, degree)
    account, signal = graph.account[kept], graph.signal[kept]
    accounts = graph.accounts.height
    make = _makers(graph, degree, account, signal, min_values)
    sharers = Sharers.of(account[make], signal[make], accounts)
    worth = _Worth(graph, degree, ties, min_values)
    uses = Uses(account, signal, worth.family, accounts)
    parts = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))]
    for first, end in sharers.pieces(memory):
        source, target = sharers.pairs(first, end)
        for which, pair, shared in uses.shared(source, target, memory):
            one, other = source[which], target[which]
            values = worth.of(one, other, pair, shared)
            enough = values >= min_values
            parts.append((one[enough], other[enough], values[enough]))
        progress("links", end, accounts)
    source, target, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return source, target, values


def _makers(
    graph: SignalGraph, degree: Ints, account: NDArray[np.int32], signal: NDArray[np.int32], min_values: int
) -> NDArray[np.bool_]:
    """Which of the tying uses it takes to find every pair that may share enough; bool, one a use.

    Nearly all pairs share one band of prompts by chance and nothing else, and need not be made. Where two values make a
    link, bands alone do it in two ways: a rare one beside the moment of sign-up, or more of them than one template has.
    If two accounts share n + 1 bands, the rarest of these is not among the n commonest of either (prefix filtering:
    Bayardo, Ma & Srikant, WWW 2007).
    """
    prompt = (graph.signals["kind"] == "prompt").to_numpy()[signal]
    if min_values <= 1:
        return np.ones(len(prompt), dtype=np.bool_)
    degree = degree[signal]
    make = ~prompt | (degree <= SOLE_DEGREE)
    bands = np.flatnonzero(prompt)
    bands = bands[np.lexsort((signal[bands], degree[bands], account[bands]))]
    until = np.cumsum(np.bincount(account[bands], minlength=graph.accounts.height))
    make[bands[np.arange(len(bands)) < until[account[bands]] - BANDS_OF_A_TEMPLATE]] = True
    return make


class _Worth:
    """Counts the independent values of pairs. `family` is each signal's (int32)."""

    def __init__(self, graph: SignalGraph, degree: Ints, ties: NDArray[np.bool_], min_values: int) -> None:
        self.family, names = signal_families(graph)
        self._alone = np.array([name in ONE_OBSERVATION for name in names], dtype=np.bool_)
        self._prompt = np.array([name == "prompt" for name in names], dtype=np.bool_)
        self._value = np.where(_sole(graph, degree, ties), min_values, 1)
        self._rare = degree <= SOLE_DEGREE
        self._at, self._quiet = sign_ups(graph)

    def of(
        self, source: NDArray[np.int32], target: NDArray[np.int32], pair: Ints, signal: NDArray[np.int32]
    ) -> Ints:
        """Independent values of each pair; int64, (pairs,).

        Args:
            pair, signal: which of the pairs shares which tying signal; sorted by pair, then family. All share one.
        """
        family = self.family[signal]
        begins = np.flatnonzero(changes(pair, family))
        each = np.add.reduceat(self._value[signal], begins)
        of, whose = family[begins], pair[begins]
        each[self._alone[of]] = 1
        each += self._prompt[of] & (np.diff(begins, append=len(pair)) > BANDS_OF_A_TEMPLATE)
        values: Ints = np.add.reduceat(each, np.flatnonzero(changes(whose)))
        rare = np.zeros(len(source), dtype=np.bool_)
        rare[pair[self._rare[signal]]] = True
        apart = np.abs(self._at[source] - self._at[target])
        values += rare & self._quiet[source] & (apart <= LOCKSTEP_MS)
        return values


def _shared_bits(
    graph: SignalGraph,
    degree: Ints,
    bits: NDArray[np.float64],
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    memory: int,
) -> NDArray[np.float64]:
    """Bits of everything each pair shares: the strongest of each family, families added; float64, (pairs,)."""
    family, _ = signal_families(graph)
    linked = np.zeros(graph.accounts.height, dtype=np.bool_)
    linked[source] = linked[target] = True
    kept = ((degree > 1) & (bits > 0))[graph.signal] & linked[graph.account]
    row = np.cumsum(linked, dtype=np.int32) - 1
    uses = Uses(row[graph.account[kept]], graph.signal[kept], family, int(linked.sum()))
    found = np.zeros(len(source))
    for which, pair, shared in uses.shared(row[source], row[target], memory):
        begins = np.flatnonzero(changes(pair, family[shared]))
        if len(begins):
            strongest = np.maximum.reduceat(bits[shared], begins)
            found[which] = np.bincount(pair[begins], strongest, minlength=which.stop - which.start)
    return found
