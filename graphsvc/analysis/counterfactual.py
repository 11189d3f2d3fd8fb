"""A cluster without some of what holds it together.

Members are **connected** as links are made: by one value that makes a link by itself (`Ties.alone`), or by two
others. So two are in one part when there is no single value, but for those that make a link by themselves, without
which nothing would connect them; that is a cut of one value, as in `connected.split`. Parts follow from the blocks of
the graph of uses.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.analysis import cut
from graphsvc.analysis.blocks import build_forest, find_blocks
from graphsvc.analysis.cluster_evidence import ClusterEvidence, LinkingUses, find_linking_uses
from graphsvc.campaigns.connected import LARGE_PART, components

SHOWN_ACCOUNTS, SHOWN_SIGNALS, SHOWN_PARTS, SHOWN_BRIDGES = 5, 3, 10, 5
EACH = 200
"""In a cluster of so many accounts and values each is tried as a bridge."""
STRONGEST = 3
"""In a larger one so many of the values that hold most are, beside those that are all that connects a part."""
SMALLEST = 8
"""Accounts of the smallest part that is one: those of the smallest cluster that is published unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A signal, or several that are one value, and how many accounts of a part use it. `bits` are what sharing it
    says."""

    signals: tuple[str, ...]
    kind: str
    accounts: int
    outside: int
    bits: float


@dataclass(frozen=True, slots=True)
class Part:
    """Accounts that are connected: how many, the surest few of them, and what holds most of them."""

    size: int
    accounts: tuple[str, ...]
    holds: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a cluster falls into. `sizes` of all parts, largest first; `parts` tells more of the first few.

    `alone`: members whom nothing connects that would make a link; what they share with the cluster is weaker.
    """

    members: int
    sizes: tuple[int, ...]
    alone: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Bridge:
    """One signal (`holding`) or one account without which a part of at least so many is no longer connected.

    `sizes`: what its part falls into without it, largest first; `alone`: those left with nothing.
    """

    holding: Holding | None
    account: str
    sizes: tuple[int, ...]
    alone: int


@dataclass(frozen=True, slots=True)
class EvidenceCut:
    """The smallest evidence cut of the largest part (`cut.smallest_cut`): what must go, for how many bits, into what.

    `values` as a whole must go, and `uses` of others; `signals` tells those of most bits times accounts. Two parts of
    `least` accounts or more remain; `sizes` and `alone` are all that does. No cut is below `at_least` bits; `exact`:
    this one is the smallest.
    """

    bits: float
    at_least: float
    exact: bool
    least: int
    values: int
    uses: int
    signals: tuple[Holding, ...]
    sizes: tuple[int, ...]
    alone: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What holds a cluster together.

    `signals`, `accounts`: bridges, those that split off most first. `every`: each signal and account was tried; else,
    in a large cluster, those that are all that connects a part, and the signals that hold most. `strongest`: the
    signal without which least stays in one part; where no single one parts anything, `splits` is false and it is the
    one with most bits times members.
    """

    parts: Parts
    signals: tuple[Bridge, ...]
    accounts: tuple[Bridge, ...]
    every: bool
    strongest: Holding | None
    splits: bool
    cut: EvidenceCut | None


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Ties with what they connect: the `part` of each account (int32; 0 the largest), the `block` of each use (int64),
    and the `sizes` of the parts (int64)."""

    ties: LinkingUses
    part: NDArray[np.int32]
    block: NDArray[np.int64]
    sizes: NDArray[np.int64]


def connect_accounts(linking: LinkingUses) -> Connectivity:
    """The parts of a cluster, largest first; of those of one size the one with the first account."""
    block = find_blocks(
        linking.accounts + len(linking.bits),
        linking.account.astype(np.int64),
        linking.accounts + linking.value.astype(np.int64),
    )
    vertex, where = _build_incidence(linking, block)
    part = components(linking.accounts + len(linking.bits), vertex, where).to_numpy()[: linking.accounts]
    _, first, number, size = np.unique(part, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(size), dtype=np.int32)
    order = np.lexsort((first, -size))
    rank[order] = np.arange(len(size), dtype=np.int32)
    return Connectivity(linking, rank[number], block, size[order].astype(np.int64))


def _build_incidence(
    linking: LinkingUses, block: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which vertex is in which block: accounts, and values that make a link by themselves. All others connect nothing
    beyond a block."""
    strong = linking.sufficient[linking.value]
    vertex = np.concatenate(
        [linking.account.astype(np.int64), linking.accounts + linking.value[strong].astype(np.int64)]
    )
    width = int(block.max(initial=0)) + 1
    pairs = np.unique(vertex * width + np.concatenate([block, block[strong]]))
    return pairs // width, pairs % width


def find_parts(evidence: ClusterEvidence) -> Parts:
    """What a cluster consists of; of what is left of it, `remaining(evidence.exclude_evidence(…))`."""
    return _build_parts(evidence, connect_accounts(find_linking_uses(evidence)))


def find_weak_points(
    evidence: ClusterEvidence, smallest: int = SMALLEST, least: int | None = None
) -> Anatomy:
    """What holds a cluster together: its bridges, its smallest cut and the strongest signal.

    Args:
        smallest: accounts of a part that counts as one, for bridges.
        least: accounts of either side of the cut; None: a fifth of the largest part, but no fewer than `smallest`.
    """
    whole = connect_accounts(find_linking_uses(evidence))
    names = _list_value_names(evidence, whole.ties)
    tried, every = _choose_vertices(whole, smallest)
    found = [_build_bridge(evidence, whole, names, vertex) for vertex in tried]
    # Only what leaves a second part; what splits off most first.
    bridges = sorted(
        (bridge for bridge in found if len(bridge.sizes) > 1 and bridge.sizes[1] >= smallest),
        key=lambda bridge: bridge.sizes[0],
    )
    signals = [bridge for bridge in bridges if bridge.holding is not None]
    accounts = [bridge for bridge in bridges if bridge.holding is None]
    everybody = np.ones(evidence.members.height, dtype=np.bool_)
    strongest = [bridge.holding for bridge in signals] or _rank_holdings(names, whole.ties, everybody, 1)
    return Anatomy(
        _build_parts(evidence, whole),
        tuple(signals[:SHOWN_BRIDGES]),
        tuple(accounts[:SHOWN_BRIDGES]),
        every,
        strongest[0] if strongest else None,
        bool(signals),
        _find_cut(evidence, whole, names, smallest, least),
    )


def _choose_vertices(whole: Connectivity, smallest: int) -> tuple[list[int], bool]:
    """Vertices (accounts, then values) that may be bridges, and whether these are all there are.

    In a large cluster those that are all that connects a part, as far as they are shown, and the values that hold
    most.
    """
    linking = whole.ties
    if linking.accounts + len(linking.bits) <= EACH:
        return list(range(linking.accounts + len(linking.bits))), True
    pieces, at = _find_bridges(whole, smallest)
    order = at[np.lexsort((at, -pieces))]
    values, accounts = order[order >= linking.accounts], order[order < linking.accounts]
    worth = linking.bits * np.bincount(linking.value, minlength=len(linking.bits))
    most = linking.accounts + np.argsort(-worth, kind="stable")[:STRONGEST]
    both = [*values[:SHOWN_BRIDGES].tolist(), *accounts[:SHOWN_BRIDGES].tolist(), *most.tolist()]
    return sorted(set(both)), False


def _build_parts(evidence: ClusterEvidence, whole: Connectivity) -> Parts:
    names = _list_value_names(evidence, whole.ties)
    several = whole.sizes[whole.sizes > 1]
    sure = _sort_by_confidence(evidence)
    found = []
    for number in range(min(len(several), SHOWN_PARTS)):
        inside = whole.part == number
        accounts = evidence.members["id"].gather(sure[inside[sure]][:SHOWN_ACCOUNTS]).to_list()
        holds = tuple(_rank_holdings(names, whole.ties, inside, SHOWN_SIGNALS))
        found.append(Part(int(several[number]), tuple(accounts), holds))
    alone = int((whole.sizes == 1).sum())
    return Parts(evidence.members.height, tuple(several.tolist()), alone, tuple(found))


def _sort_by_confidence(evidence: ClusterEvidence) -> NDArray[np.int64]:
    """Members by membership, surest first; ties by bits, then by id."""
    order: NDArray[np.int64] = np.lexsort(
        (-evidence.members["bits"].fill_null(0.0).to_numpy(), -evidence.members["membership"].to_numpy())
    )
    return order


def _list_value_names(evidence: ClusterEvidence, linking: LinkingUses) -> pl.DataFrame:
    """What values are: signals (keys), kind; one row a value."""
    signals = evidence.signals.select("key", "kind", value=pl.Series(linking.value_of))
    found = signals.filter(pl.col("value") >= 0).sort("value", "key")
    return found.group_by("value", maintain_order=True).agg(signals="key", kind=pl.col("kind").first())


def _rank_holdings(
    names: pl.DataFrame,
    linking: LinkingUses,
    inside: NDArray[np.bool_],
    most: int,
    among: NDArray[np.int64] | None = None,
) -> list[Holding]:
    """The values that hold some accounts (bool, one an account): by bits times accounts, most first."""
    count = np.bincount(linking.value[inside[linking.account]], minlength=len(linking.bits))
    values = np.flatnonzero(count > 1) if among is None else among
    worth = linking.bits[values] * count[values]
    order = np.argsort(-worth, kind="stable")[:most]
    return [_build_holding(names, linking, int(value), int(count[value])) for value in values[order]]


def _build_holding(names: pl.DataFrame, linking: LinkingUses, value: int, accounts: int) -> Holding:
    row = names.row(value, named=True)
    return Holding(
        tuple(row["signals"]), row["kind"], accounts, int(linking.outside[value]), float(linking.bits[value])
    )


def _find_bridges(whole: Connectivity, smallest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices (accounts, then values) without which a part of at least `smallest` splits off, and how many
    accounts are then no longer with the largest piece."""
    linking = whole.ties
    vertices = linking.accounts + len(linking.bits)
    vertex, block = _build_incidence(linking, whole.block)
    total = vertices + int(whole.block.max(initial=-1)) + 1
    tree = build_forest(total, vertex, vertices + block)
    weight = np.zeros(total, dtype=np.int64)
    weight[: linking.accounts] = 1
    below = tree.sum_subtrees(weight)
    # Pieces without a vertex: what hangs below each of its blocks, and what is above it.
    hanging = vertices + np.flatnonzero(tree.parent[vertices:] >= 0)
    part = np.full(total, -1, dtype=np.int64)
    part[: linking.accounts] = whole.sizes[whole.part]
    np.maximum.at(part, vertices + block, part[vertex])
    np.maximum.at(part, vertex, part[vertices + block])
    inner = np.flatnonzero(tree.parent[:vertices] >= 0)
    owner = np.concatenate([tree.parent[hanging], inner])
    piece = np.concatenate([below[hanging], part[inner] - below[inner]])
    order = np.lexsort((-piece, owner))
    owner, piece = owner[order], piece[order]
    first = np.diff(owner, prepend=-1) != 0
    second = ~first & np.append(False, first[:-1])
    found = second & (piece >= smallest)
    largest = piece[np.flatnonzero(found) - 1]
    at = owner[found]
    return part[at] - weight[at] - largest, at


def _build_bridge(evidence: ClusterEvidence, whole: Connectivity, names: pl.DataFrame, vertex: int) -> Bridge:
    linking = whole.ties
    value = vertex - linking.accounts
    gone = linking.account == vertex if value < 0 else linking.value == value
    left = linking.select_uses(~gone)
    # A value that makes no link by itself can be used in several parts: that of most is looked at.
    of = whole.part[vertex] if value < 0 else np.argmax(np.bincount(whole.part[linking.account[gone]]))
    inside = whole.part == of
    if value < 0:
        inside[vertex] = False
    sizes = np.sort(np.unique(connect_accounts(left).part[inside], return_counts=True)[1])[::-1]
    holding = None if value < 0 else _build_holding(names, linking, value, int(gone.sum()))
    account = evidence.members["id"][vertex] if value < 0 else ""
    return Bridge(holding, account, tuple(sizes[sizes > 1].tolist()), int((sizes == 1).sum()))


def _find_cut(
    evidence: ClusterEvidence, whole: Connectivity, names: pl.DataFrame, smallest: int, least: int | None
) -> EvidenceCut | None:
    linking = whole.ties
    largest = np.flatnonzero(whole.part == 0)
    least = max(smallest, int(np.ceil(LARGE_PART * len(largest)))) if least is None else least
    # A value that makes no link by itself connects in each of its blocks apart.
    width = int(whole.block.max(initial=0)) + 1
    uses = whole.part[linking.account] == 0
    own = linking.value[uses].astype(np.int64) * width
    own += np.where(linking.sufficient[linking.value[uses]], 0, whole.block[uses])
    copies, copy, count = np.unique(own, return_inverse=True, return_counts=True)
    kept = count[copy] > 1
    account = np.searchsorted(largest, linking.account[uses][kept]).astype(np.int32)
    used = replace(linking, accounts=len(largest), account=account, value=copy[kept].astype(np.int32))
    used = replace(used, bits=linking.bits[copies // width], sufficient=linking.sufficient[copies // width])

    def parting(gone: NDArray[np.bool_]) -> NDArray[np.int64]:
        return connect_accounts(used.select_uses(~gone)).part.astype(np.int64)

    # Of the values that part it by themselves the cheapest.
    _, at = _find_bridges(whole, least)
    single = at[at >= linking.accounts] - linking.accounts
    hints = []
    if len(single := single[np.isin(single, copies[np.unique(copy)] // width)]):
        gone = copies // width == single[np.argmin(linking.bits[single])]
        hints.append(parting(gone[used.value]) == 1)
    found = cut.find_smallest_cut(len(largest), account, used.value, used.bits, least, parting, hints)
    if found is None:
        return None
    values, number = np.unique(copies[used.value[found.uses]] // width, return_counts=True)
    whole_value = number == np.bincount(linking.value[uses][kept], minlength=len(linking.bits))[values]
    sizes = np.sort(np.bincount(found.part))[::-1]
    return EvidenceCut(
        found.bits,
        found.at_least,
        found.exact,
        least,
        int(whole_value.sum()),
        int(number[~whole_value].sum()),
        tuple(_rank_holdings(names, linking, whole.part == 0, SHOWN_PARTS, values)),
        tuple(sizes[sizes > 1].tolist()),
        int((sizes == 1).sum()),
    )
