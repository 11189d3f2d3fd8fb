"""Find what a cluster falls into without some of its evidence, and its weak points.

Members are **connected** as links are made: by one value that makes a link by itself
(`LinkingUses.sufficient`), or by two other values. So two accounts are in one part if no single value is all
that connects them, other than values that make a link by themselves. That is a cut of one value, as in
`connected.split`. Parts follow from the blocks of the graph of uses.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.analysis import cut
from graphsvc.analysis.anatomy import Anatomy, Bridge, EvidenceCut, Holding, Part, Parts
from graphsvc.analysis.blocks import build_forest, find_blocks
from graphsvc.campaigns.cluster_evidence import ClusterEvidence, LinkingUses, find_linking_uses
from graphsvc.campaigns.connected import LARGE_PART
from graphsvc.model.arrays import flag_starts, label_components

SHOWN_ACCOUNTS, SHOWN_SIGNALS, SHOWN_PARTS, SHOWN_BRIDGES = 5, 3, 10, 5
"""Largest numbers of accounts and signals of a part, of parts, and of bridges that a result lists."""
EACH = 200
"""Accounts and values up to which each one is tried as a bridge."""
STRONGEST = 3
"""In a larger cluster, values with most bits times accounts that are tried, besides those that alone connect
a part."""
SMALLEST = 8
"""Accounts of the smallest part that counts as one: those of the smallest published cluster by default."""


@dataclass(frozen=True, slots=True)
class Connectivity:
    """Linking uses and what they connect.

    Attributes:
        linking: the uses.
        part: of each account, int32; 0 is the largest.
        block: of each use, int64.
        sizes: of the parts, int64, largest first.
    """

    linking: LinkingUses
    part: NDArray[np.int32]
    block: NDArray[np.int64]
    sizes: NDArray[np.int64]


def connect_accounts(linking: LinkingUses) -> Connectivity:
    """Find the parts of a cluster, largest first; of parts of one size, the one with the first account first."""
    block = find_blocks(
        linking.accounts + len(linking.bits),
        linking.account.astype(np.int64),
        linking.accounts + linking.value.astype(np.int64),
    )
    # Blocks that share an account, or a value that makes a link by itself, are one part.
    vertices = linking.accounts + len(linking.bits)
    vertex, where = _build_incidence(linking, block)
    nodes = vertices + int(where.max(initial=0)) + 1
    part = label_components(nodes, vertex, vertices + where)[: linking.accounts]
    _, first, number, size = np.unique(part, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(size), dtype=np.int32)
    order = np.lexsort((first, -size))
    rank[order] = np.arange(len(size), dtype=np.int32)
    return Connectivity(linking, rank[number], block, size[order].astype(np.int64))


def _build_incidence(
    linking: LinkingUses, block: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the blocks of each vertex: accounts, and values that make a link by themselves.

    All other values connect nothing beyond a block.

    Returns:
        Vertices and blocks, int64, parallel, sorted, no pair twice.
    """
    strong = linking.sufficient[linking.value]
    vertex = np.concatenate(
        [linking.account.astype(np.int64), linking.accounts + linking.value[strong].astype(np.int64)]
    )
    width = int(block.max(initial=0)) + 1
    pairs = np.unique(vertex * width + np.concatenate([block, block[strong]]))
    return pairs // width, pairs % width


def find_parts(evidence: ClusterEvidence) -> Parts:
    """Find the parts of a cluster, or of what `exclude_evidence` left of it."""
    return _build_parts(evidence, connect_accounts(find_linking_uses(evidence)))


def find_weak_points(
    evidence: ClusterEvidence, smallest: int = SMALLEST, least: int | None = None
) -> Anatomy:
    """Find the bridges of a cluster, its strongest signal and a small cut.

    Args:
        evidence: of the cluster.
        smallest: accounts of a part that counts as one, for bridges.
        least: accounts of either side of the cut. None: a fifth of the largest part, but no fewer than
            `smallest`.
    """
    whole = connect_accounts(find_linking_uses(evidence))
    names = _list_value_names(evidence, whole.linking)
    tried, every = _choose_vertices(whole, smallest)
    found = [_build_bridge(evidence, whole, names, vertex) for vertex in tried]
    # A bridge leaves a second part of that size. Those that split off most come first.
    bridges = sorted(
        (bridge for bridge in found if len(bridge.sizes) > 1 and bridge.sizes[1] >= smallest),
        key=lambda bridge: bridge.sizes[0],
    )
    signals = [bridge for bridge in bridges if bridge.holding is not None]
    accounts = [bridge for bridge in bridges if bridge.holding is None]
    everyone = np.ones(evidence.members.height, dtype=np.bool_)
    strongest = [bridge.holding for bridge in signals] or _rank_holdings(names, whole.linking, everyone, 1)
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
    """Choose vertices (accounts, then values) to try as bridges, and say whether these are all.

    In a large cluster they are the few that alone connect a part, and the values with most bits times
    accounts.
    """
    linking = whole.linking
    if linking.accounts + len(linking.bits) <= EACH:
        return list(range(linking.accounts + len(linking.bits))), True
    pieces, at = _find_bridges(whole, smallest)
    # Those that separate most accounts first, ties by number.
    order = at[np.lexsort((at, -pieces))]
    values, accounts = order[order >= linking.accounts], order[order < linking.accounts]
    worth = linking.bits * np.bincount(linking.value, minlength=len(linking.bits))
    most = linking.accounts + np.argsort(-worth, kind="stable")[:STRONGEST]
    both = [*values[:SHOWN_BRIDGES].tolist(), *accounts[:SHOWN_BRIDGES].tolist(), *most.tolist()]
    return sorted(set(both)), False


def _build_parts(evidence: ClusterEvidence, whole: Connectivity) -> Parts:
    """Build the result of the parts, with details of the first few."""
    names = _list_value_names(evidence, whole.linking)
    several = whole.sizes[whole.sizes > 1]
    sure = _sort_by_confidence(evidence)
    found = []
    for number in range(min(len(several), SHOWN_PARTS)):
        inside = whole.part == number
        accounts = evidence.members["id"].gather(sure[inside[sure]][:SHOWN_ACCOUNTS]).to_list()
        holds = tuple(_rank_holdings(names, whole.linking, inside, SHOWN_SIGNALS))
        found.append(Part(int(several[number]), tuple(accounts), holds))
    alone = int((whole.sizes == 1).sum())
    return Parts(evidence.members.height, tuple(several.tolist()), alone, tuple(found))


def _sort_by_confidence(evidence: ClusterEvidence) -> NDArray[np.int64]:
    """Return the rows of members by membership, highest first; ties by bits, then by id."""
    order: NDArray[np.int64] = np.lexsort(
        (-evidence.members["bits"].fill_null(0.0).to_numpy(), -evidence.members["membership"].to_numpy())
    )
    return order


def _list_value_names(evidence: ClusterEvidence, linking: LinkingUses) -> pl.DataFrame:
    """Return signals (keys) and kind of each value, one row a value."""
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
    """Rank the values that connect some accounts by bits times accounts, most first.

    Args:
        names: of `_list_value_names`.
        linking: the uses.
        inside: the accounts, bool, one an account.
        most: number of values returned.
        among: values to choose from, int64; None: those that two or more of the accounts use.
    """
    count = np.bincount(linking.value[inside[linking.account]], minlength=len(linking.bits))
    values = np.flatnonzero(count > 1) if among is None else among
    worth = linking.bits[values] * count[values]
    order = np.argsort(-worth, kind="stable")[:most]
    return [_build_holding(names, linking, int(value), int(count[value])) for value in values[order]]


def _build_holding(names: pl.DataFrame, linking: LinkingUses, value: int, accounts: int) -> Holding:
    """Build the result for one value that so many accounts use."""
    row = names.row(value, named=True)
    return Holding(
        tuple(row["signals"]), row["kind"], accounts, int(linking.outside[value]), float(linking.bits[value])
    )


def _find_bridges(whole: Connectivity, smallest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the vertices (accounts, then values) without which a part of at least `smallest` splits off.

    Returns:
        For each, how many accounts are then no longer with the largest piece, and its number; int64,
        parallel.
    """
    linking = whole.linking
    vertices = linking.accounts + len(linking.bits)
    vertex, block = _build_incidence(linking, whole.block)
    total = vertices + int(whole.block.max(initial=-1)) + 1
    # The tree of blocks and their vertices: removing a vertex leaves the subtrees of its blocks and the rest.
    tree = build_forest(total, vertex, vertices + block)
    weight = np.zeros(total, dtype=np.int64)
    weight[: linking.accounts] = 1
    below = tree.sum_subtrees(weight)
    # Pieces without a vertex: one below each of its blocks, and one above it.
    hanging = vertices + np.flatnonzero(tree.parent[vertices:] >= 0)
    part = np.full(total, -1, dtype=np.int64)
    part[: linking.accounts] = whole.sizes[whole.part]
    np.maximum.at(part, vertices + block, part[vertex])
    np.maximum.at(part, vertex, part[vertices + block])
    inner = np.flatnonzero(tree.parent[:vertices] >= 0)
    owner = np.concatenate([tree.parent[hanging], inner])
    piece = np.concatenate([below[hanging], part[inner] - below[inner]])
    # A vertex is a bridge if its second largest piece is large enough.
    order = np.lexsort((-piece, owner))
    owner, piece = owner[order], piece[order]
    first = flag_starts(owner)
    second = ~first & np.append(False, first[:-1])
    found = second & (piece >= smallest)
    largest = piece[np.flatnonzero(found) - 1]
    at = owner[found]
    return part[at] - weight[at] - largest, at


def _build_bridge(evidence: ClusterEvidence, whole: Connectivity, names: pl.DataFrame, vertex: int) -> Bridge:
    """Build the result for one vertex by removing it and finding the parts again."""
    linking = whole.linking
    value = vertex - linking.accounts
    gone = linking.account == vertex if value < 0 else linking.value == value
    left = linking.select_uses(~gone)
    # A value that makes no link by itself can occur in several parts. Take the part with most of its users.
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
    """Find a cheap cut of the largest part; None if none is found."""
    linking = whole.linking
    largest = np.flatnonzero(whole.part == 0)
    least = max(smallest, int(np.ceil(LARGE_PART * len(largest)))) if least is None else least
    # A value that makes no link by itself connects within each of its blocks apart, so each block gets a
    # copy.
    width = int(whole.block.max(initial=0)) + 1
    uses = whole.part[linking.account] == 0
    own = linking.value[uses].astype(np.int64) * width
    own += np.where(linking.sufficient[linking.value[uses]], 0, whole.block[uses])
    copies, copy, count = np.unique(own, return_inverse=True, return_counts=True)
    kept = count[copy] > 1
    account = np.searchsorted(largest, linking.account[uses][kept]).astype(np.int32)
    used = replace(linking, accounts=len(largest), account=account, value=copy[kept].astype(np.int32))
    used = replace(used, bits=linking.bits[copies // width], sufficient=linking.sufficient[copies // width])

    def find_parts_without(gone: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Find the part of each account of the largest part without some uses (bool, one a use)."""
        return connect_accounts(used.select_uses(~gone)).part.astype(np.int64)

    # Try the cheapest of the values that split the part by themselves.
    _, at = _find_bridges(whole, least)
    single = at[at >= linking.accounts] - linking.accounts
    hints = []
    if len(single := single[np.isin(single, copies[np.unique(copy)] // width)]):
        gone = copies // width == single[np.argmin(linking.bits[single])]
        hints.append(find_parts_without(gone[used.value]) == 1)
    found = cut.find_cheapest_cut(
        len(largest), account, used.value, used.bits, least, find_parts_without, hints
    )
    if found is None:
        return None
    values, number = np.unique(copies[used.value[found.uses]] // width, return_counts=True)
    whole_value = number == np.bincount(linking.value[uses][kept], minlength=len(linking.bits))[values]
    sizes = np.sort(np.bincount(found.part))[::-1]
    return EvidenceCut(
        found.bits,
        least,
        int(whole_value.sum()),
        int(number[~whole_value].sum()),
        tuple(_rank_holdings(names, linking, whole.part == 0, SHOWN_PARTS, values)),
        tuple(sizes[sizes > 1].tolist()),
        int((sizes == 1).sum()),
    )
