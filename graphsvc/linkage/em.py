"""Learn weights of agreement from pairs without labels.

The model is that of Fellegi & Sunter (1969): a pair of accounts is a match or not, and shows a level of each comparison
with probability m among matches and u among others. Both are learned by expectation–maximization (Winkler 1988, "Using
the EM algorithm for weight computation in the Fellegi-Sunter model"). Two things are added:

- Values are rare or common. A pair's `rarity` is its bits of evidence for sharing just these values, which are known
  from their frequencies and not learned; they tell the two classes apart where levels alone do not.
- What is shared is said once. Two accounts that share two words of a name can hardly differ further. So u is the
  probability of a level among strangers who share as much: `shared` tells pairs of one word from those of several.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from graphsvc.types import Floats

MATCHES, OTHERS = 1000.0, 10.0
"""Pairs' worth of the probabilities that learning begins with; those of matches count at least as much as all pairs do.
Where there are no matches, any group of alike strangers, as one company's, would be taken for them. Measured:
docs/decisions/names.md."""
ROUNDS, TOLERANCE = 300, 1e-5
GRAIN = 8
"""Steps of a bit that rarity is rounded to while learning, so that pairs that look alike are one row."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of two accounts: its name, and the probabilities of its levels that learning begins with.

    Level 0 is of what cannot be compared. `matches` has the probabilities among matches; `others` has those among
    strangers, a row for each class of how much they share.
    """

    name: str
    matches: tuple[float, ...]
    others: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate pairs to learn from, n of them.

    `levels` (int8, shape (n, comparisons)): how they compare. `shared` (int8): class of how much they share. `rarity`
    (float64): bits for sharing these values, log2 of how rarely two strangers do. `weight` (float64): how much a pair
    teaches; a value of k accounts makes k² / 2 pairs, which all say the same of it. `crowd` (float64, 0 to 1): the
    share of strangers who share the value that compare as the pair does for certain, which limits its evidence.
    """

    levels: NDArray[np.int8]
    shared: NDArray[np.int8]
    rarity: Floats
    weight: Floats
    crowd: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """Learned weights, and the evidence of each pair.

    `m`, `u`: probabilities of the levels of each comparison by class, one array of shape (classes, levels) each, 1 for
    level 0; `much`: those of the classes among matches. `prior` (log2 odds) holds of any two accounts. Of each pair:
    `bits` (float64, log2 odds that it is a match, prior included), `levels` (float64, shape (pairs, comparisons): bits
    of each level) and `rest` (float64): bits of its class, less what the crowd limits.
    """

    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    much: Floats
    prior: float
    bits: Floats
    levels: Floats
    rest: Floats

    @property
    def posterior(self) -> Floats:
        """Probability that each pair is a match; float64."""
        return to_probability(self.bits)


def to_probability(bits: Floats) -> Floats:
    """Return the probability of log2 odds."""
    # From 60 bits on the probability is 1 as a float, and infinite odds would make it NaN.
    odds = np.exp2(np.minimum(bits, 60.0))
    found: Floats = odds / (1.0 + odds)
    return found


def learn_weights(comparisons: Sequence[Comparison], pairs: Pairs, accounts: int) -> Weights:
    """Learn m, u and the prior from candidate pairs.

    Args:
        comparisons: what the columns of `levels` compare.
        pairs: candidates, n of them.
        accounts: how many there are; the prior is over all pairs of them.
    """
    rarity = np.rint(pairs.rarity * GRAIN).astype(np.int64)
    crowd = np.rint(pairs.crowd * GRAIN * GRAIN).astype(np.int64)
    # Pairs are many, but few of them differ: equal ones are learned from as one.
    rows = np.column_stack([pairs.levels, pairs.shared, rarity, crowd]).astype(np.int64)
    _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    alike = _Alike(
        Pairs(
            pairs.levels[first], pairs.shared[first], rarity[first] / GRAIN,
            np.bincount(which, pairs.weight, minlength=len(first)).astype(np.float64), crowd[first] / GRAIN**2,
        ),
        np.bincount(which, minlength=len(first)).astype(np.float64),
    )  # fmt: skip
    # Learning begins with even odds where chance gives an account one partner that shares as much.
    posterior = to_probability(alike.pairs.rarity - np.log2(max(accounts - 1, 1)))
    for _ in range(ROUNDS):
        weights = _weigh(comparisons, alike, posterior, accounts)
        before, posterior = posterior, weights.posterior
        if np.abs(posterior - before).max(initial=0.0) < TOLERANCE:
            break
    return replace(weights, bits=weights.bits[which], levels=weights.levels[which], rest=weights.rest[which])


@dataclass(frozen=True, slots=True)
class _Alike:
    """Pairs that look alike as one: `count` of each (float64), and the sum of their weights in `pairs`."""

    pairs: Pairs
    count: Floats


def _weigh(comparisons: Sequence[Comparison], alike: _Alike, posterior: Floats, accounts: int) -> Weights:
    """Estimate the probabilities from the posteriors, and weigh every pair by them."""
    pairs, classes = alike.pairs, len(comparisons[0].others)
    # Strangers compare alike however rare the value they share, so they are seen best where chance makes many pairs.
    by_chance = pairs.rarity <= np.log2(max(accounts, 2))
    matches, others = pairs.weight * posterior, pairs.weight * (1.0 - posterior) * by_chance
    worth = max(MATCHES, matches.sum())
    m, u, bits = [], [], []
    for column, comparison in enumerate(comparisons):
        level = pairs.levels[:, column]
        stated = worth * np.array((comparison.matches,) * classes)
        m.append(_probabilities(level, pairs.shared, matches, stated))
        u.append(_probabilities(level, pairs.shared, others, OTHERS * np.array(comparison.others)))
        bits.append(np.log2(m[-1] / u[-1])[pairs.shared, level])
    much = np.bincount(pairs.shared, matches, minlength=classes) + MATCHES / classes
    much /= much.sum()
    said = np.sum(bits, axis=0) + np.log2(much)[pairs.shared]
    # Where a crowd compares alike, the odds are at most one over its share.
    limited = np.where(said > 0.0, -np.log2(np.exp2(-said) + pairs.crowd), said)
    # Each pair counts in the prior as far as it is sure: its posterior, by its posterior. Very many pairs that each are
    # hardly a match would raise the prior, which raises them (docs/decisions/names.md).
    sure = alike.count * posterior**2
    among = np.clip((sure.sum() + 1.0) / max(accounts * (accounts - 1) / 2, 1.0), 0.0, 0.5)
    prior = float(np.log2(among / (1.0 - among)))
    levels = np.stack(bits, axis=1)
    return Weights(
        tuple(m), tuple(u), much.astype(np.float64), prior,
        prior + pairs.rarity + limited, levels, limited - levels.sum(axis=1),
    )  # fmt: skip


def _probabilities(
    levels: NDArray[np.int8], shared: NDArray[np.int8], share: Floats, start: Floats
) -> Floats:
    """Return the probability of each level in each class, drawn to those that learning begins with.

    None is 0. Level 0 is of what cannot be compared, which says nothing (Sadinle, JASA 2017, section 4): it has 1, and
    the others add up to 1.
    """
    begin = start + 0.01 * start.sum(axis=1, keepdims=True)
    classes, count = start.shape
    place = shared.astype(np.int64) * count + levels
    counts = np.bincount(place, share, minlength=classes * count).reshape(classes, count)
    counts = (counts + begin)[:, 1:]
    found: Floats = np.ones((classes, count))
    found[:, 1:] = counts / counts.sum(axis=1, keepdims=True)
    return found
