"""Links between accounts by their names and e-mail addresses, and groups of those that are one person's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from graphsvc.linkage.em import Weights, learn_weights, to_probability
from graphsvc.linkage.pairs import MEMORY
from graphsvc.linkage.texts import COMPARISONS, compare_candidates, read_texts
from graphsvc.model.arrays import label_components
from graphsvc.model.graph import SignalGraph
from graphsvc.types import Floats, Ints32

LEAST = 0.5
"""Posterior from which two accounts are linked: more likely than not. Pair F of the development identities is .91
from .5 to .9 (docs/decisions/names.md)."""
SUREST = 10.0
"""Log2 odds beyond which a pair says no more while groups are made, so that one sure pair cannot outvote ten
against."""
TOGETHER = 500
"""Accounts of the largest component that is grouped at once: distances of all its pairs are held. A larger one is first
divided by asking for more."""


@dataclass(frozen=True, slots=True)
class TextLinks:
    """Candidate pairs by names and e-mail addresses, the linked and the others.

    `source` < `target` are account indices (int32), sorted. `bits` (float64) are log2 odds that one operator runs both,
    prior included; negative: names speak against. `parts` (float64, shape (pairs, names)) say what they consist of, in
    the order of `names`: the prior, the rarity of shared words, each comparison, and the rest (`em.Weights`).
    """

    nodes: int
    source: Ints32
    target: Ints32
    bits: Floats
    parts: Floats
    names: tuple[str, ...]
    weights: Weights

    def __len__(self) -> int:
        return len(self.source)

    @property
    def posterior(self) -> Floats:
        """Probability that one operator runs both of each pair; float64."""
        return to_probability(self.bits)

    def linked(self, least: float = LEAST) -> NDArray[np.bool_]:
        """Return which pairs are linked; bool."""
        found: NDArray[np.bool_] = self.posterior >= least
        return found


def link_texts(graph: SignalGraph, memory: int = MEMORY) -> TextLinks:
    """Find all pairs of accounts that share a rare word of a name or an e-mail address, with their evidence.

    The worth of sharing is learned from these very pairs (`linkage.em`). Equality is not asked for: `Jane Doe` and
    `jdoe@` compare, and two full names without a common word are evidence against.

    Args:
        graph: as `SignalGraph` says.
        memory: bytes that pairs in the making may take.

    Returns:
        The candidate pairs, linked or not, sorted.
    """
    texts = read_texts(graph)
    found = compare_candidates(texts, memory)
    weights = learn_weights(COMPARISONS, found.pairs, texts.accounts)
    prior = np.full(len(found.source), weights.prior)
    parts = np.column_stack([prior, found.pairs.rarity, weights.levels, weights.rest])
    names = ("prior", "rarity", *(comparison.name for comparison in COMPARISONS), "rest")
    return TextLinks(graph.accounts.height, found.source, found.target, weights.bits, parts, names, weights)


def group_texts(links: TextLinks, least: float = LEAST) -> Ints32:
    """Group the accounts that are one operator's by average linkage, so that one link between two groups joins none.

    Args:
        links: all candidates, so that those that names speak against count too.
        least: posterior of a link.

    Returns:
        The number of each account's group (int32, (accounts,)), numbered from 0 in the order of their first accounts;
        -1 for an account that is alone.
    """
    group = np.arange(links.nodes)
    bar = np.log2(least / (1.0 - least))
    waiting = [(np.arange(links.nodes), bar)]
    while waiting:
        accounts, bar = waiting.pop()
        for members in _components(links, accounts, bar):
            if len(members) > TOGETHER and bar < SUREST:
                waiting.append((members, bar + 1.0))
            elif len(members) > TOGETHER:
                # Too many for a table of all distances, and held together by sure pairs alone: one group.
                group[members] = members[0]
            else:
                group[members] = members[_merged(links, members)]
    size = np.bincount(group, minlength=links.nodes)
    first = np.flatnonzero(size > 1)
    number = np.full(links.nodes, -1, dtype=np.int32)
    number[first] = np.arange(len(first), dtype=np.int32)
    return number[group]


def _components(links: TextLinks, accounts: NDArray[np.int64], bar: float) -> list[NDArray[np.int64]]:
    """Return the connected components of several accounts among `accounts` by links of at least `bar`, each sorted."""
    within = np.zeros(links.nodes, dtype=np.bool_)
    within[accounts] = True
    kept = (links.bits >= bar) & within[links.source] & within[links.target]
    label = label_components(links.nodes, links.source[kept], links.target[kept])
    size = np.bincount(label, minlength=1)
    several = np.flatnonzero(size[label] > 1)
    several = several[np.argsort(label[several], kind="stable")]
    return np.split(several, np.flatnonzero(np.diff(label[several])) + 1) if len(several) else []


def _merged(links: TextLinks, members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each member the place of the first member of its group."""
    place = np.full(links.nodes, -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    near = _between(links, members, place)
    one, other = place[links.source[near]], place[links.target[near]]
    # A pair that shares no rare word says nothing: one person has several names.
    odds = np.zeros((len(members), len(members)))
    odds[one, other] = odds[other, one] = np.clip(links.bits[near], -SUREST, SUREST)
    upper = np.triu_indices(len(members), 1)
    # A distance of `SUREST` is even odds, and groups are cut there.
    tree = linkage(SUREST - odds[upper], "average")
    label = fcluster(tree, SUREST, "distance")
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    found: NDArray[np.int64] = first[inverse]
    return found


def _between(links: TextLinks, members: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the links between members, found by their sources, which are sorted."""
    begins, ends = (np.searchsorted(links.source, members, side=side) for side in ("left", "right"))
    rows = np.concatenate([np.arange(first, end) for first, end in zip(begins, ends, strict=True)])
    found: NDArray[np.int64] = rows[place[links.target[rows]] >= 0]
    return found
