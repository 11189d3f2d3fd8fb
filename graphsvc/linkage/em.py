"""Weights of agreement, learned from pairs of which no one has said which are matches.

The model is that of Fellegi & Sunter (1969): a pair of accounts is a match or not, and shows a level of each comparison
with probability m among matches and u among others. Both are learned by expectation–maximization (Winkler 1988, "Using
the EM algorithm for weight computation in the Fellegi-Sunter model"). Three things are added:

- Values are rare or common. A pair's `rarity` is its bits of evidence for sharing just these values, which are known
  from their frequencies and not learned; they tell the two classes apart where levels alone do not.
- What is shared is said once. Who shares two words of a name has little left in which to differ, so u is the
  probability of a level among strangers who share as much: `shared` tells pairs of one word from those of several.
- Comparisons depend on each other: who has one's name often has one's e-mail handle. Probabilities are those of a
  pattern of levels, drawn to the product of its levels' as far as there are few pairs that show it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PATTERN = 5.0
"""Pairs' worth by which a pattern is drawn to independence; measured on the development identities, where pair F
differs by less than .01 between 5 and 20."""
INTERACTION = 2.0
"""Bits that a pattern may say beyond its levels. Without a limit a rare pattern confirms whichever guess came first.
Measured on the development identities: pair F .88 with 1, .91 with 2 and 3 (docs/decisions/names.md)."""
MATCHES, OTHERS = 1000.0, 10.0
"""Pairs' worth of the probabilities that learning begins with; those of matches count at least as much as all pairs do.
Where there are no matches, any group of alike strangers, as one company's, would be taken for them. Measured:
docs/decisions/names.md."""
ROUNDS, TOLERANCE = 300, 1e-5
SURE = 0.5
"""Posterior from which a pair counts in the prior (Celeux & Govaert, Comput. Stat. Data Anal. 1992, classification EM).
Very many pairs that each are hardly a match would raise the prior, which raises them."""
GRAIN = 8
"""Steps of a bit in which rarity is told apart while learning, so that pairs that look alike are one row."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of two accounts: its name, and the probabilities of its levels that learning begins with.

    Level 0 is of what cannot be compared. `matches` has the probabilities among matches; `others` has those among
    strangers, a row for each class of how much they share. `joint`: its levels are part of the pattern; otherwise it is
    taken to be independent of all others.
    """

    name: str
    matches: tuple[float, ...]
    others: tuple[tuple[float, ...], ...]
    joint: bool = True


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate pairs to learn from, n of them.

    `levels` (int8, shape (n, comparisons)): how they compare. `shared` (int8): class of how much they share. `rarity`
    (float64): bits for sharing these values, log2 of how rarely two strangers do. `weight` (float64): how much a pair
    teaches; a value of k accounts makes k² / 2 pairs, which all say the same of it. `crowd` (float64, 0 to 1): the
    share of strangers who share the value that show the pair's pattern for certain, which limits its evidence.
    """

    levels: NDArray[np.int8]
    shared: NDArray[np.int8]
    rarity: Floats
    weight: Floats
    crowd: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, and what it says of each pair.

    `m`, `u`: probabilities of the levels of each comparison by class, one array of shape (classes, levels) each, 1 for
    level 0; `much`: those of the classes among matches. `prior` (log2 odds) holds of any two accounts. Of each pair:
    `bits` (float64, log2 odds that it is a match, prior included), `levels` (float64, shape (pairs, comparisons): bits
    of each level) and `together` (float64): bits of its class, and of what the pattern says beyond its levels.
    """

    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    much: Floats
    prior: float
    bits: Floats
    levels: Floats
    together: Floats

    @property
    def posterior(self) -> Floats:
        """Probability that each pair is a match; float64."""
        return to_probability(self.bits)


def to_probability(bits: Floats) -> Floats:
    """Return the probability of log2 odds."""
    odds = np.exp2(np.minimum(bits, 60.0))
    found: Floats = odds / (1.0 + odds)
    return found


def learn_weights(comparisons: Sequence[Comparison], pairs: Pairs, accounts: int) -> Weights:
    """Learn m, u and the prior from candidate pairs.

    Args:
        comparisons: what the columns of `levels` compare.
        accounts: how many there are; the prior is over all pairs of them.
    """
    rarity = np.rint(pairs.rarity * GRAIN).astype(np.int64)
    crowd = np.rint(pairs.crowd * GRAIN * GRAIN).astype(np.int64)
    rows = np.column_stack([pairs.levels, pairs.shared, rarity, crowd]).astype(np.int64)
    _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    alike = _Alike(
        Pairs(
            pairs.levels[first], pairs.shared[first], rarity[first] / GRAIN,
            np.bincount(which, pairs.weight, minlength=len(first)).astype(np.float64), crowd[first] / GRAIN**2,
        ),
        np.bincount(which, minlength=len(first)).astype(np.float64),
        _patterns(comparisons, pairs.levels[first], pairs.shared[first]),
    )  # fmt: skip
    posterior = to_probability(alike.pairs.rarity - np.log2(max(accounts - 1, 1)))
    # Patterns learn from what independent levels have told apart: begun with, they would confirm any first guess.
    for drawn in (np.inf, PATTERN):
        for _ in range(ROUNDS):
            weights = _weigh(comparisons, alike, posterior, accounts, drawn)
            before, posterior = posterior, weights.posterior
            if np.abs(posterior - before).max(initial=0.0) < TOLERANCE:
                break
    return replace(
        weights, bits=weights.bits[which], levels=weights.levels[which], together=weights.together[which]
    )


@dataclass(frozen=True, slots=True)
class _Alike:
    """Pairs that look alike as one: `count` of each (float64), the sum of their weights, and the number of its
    pattern."""

    pairs: Pairs
    count: Floats
    pattern: NDArray[np.int64]


def _patterns(
    comparisons: Sequence[Comparison], levels: NDArray[np.int8], shared: NDArray[np.int8]
) -> NDArray[np.int64]:
    """Return the number of each row's pattern: its class and joint levels; int64."""
    joint = [column for column, comparison in enumerate(comparisons) if comparison.joint]
    rows = np.column_stack([shared, levels[:, joint]])
    _, found = np.unique(rows, axis=0, return_inverse=True)
    return found.ravel().astype(np.int64)


def _weigh(
    comparisons: Sequence[Comparison], alike: _Alike, posterior: Floats, accounts: int, drawn: float
) -> Weights:
    """Estimate the probabilities from who is a match by now, and weigh every pair by them.

    `drawn`: pairs' worth by which a pattern is drawn to independence.
    """
    pairs, joint = alike.pairs, [comparison.joint for comparison in comparisons]
    classes = len(comparisons[0].others)
    found, logs, of_pattern = [], [], []
    # Strangers compare alike however rare the value they share, so they are seen best where chance makes many pairs.
    by_chance = pairs.rarity <= np.log2(max(accounts, 2))
    shares = pairs.weight * posterior, pairs.weight * (1.0 - posterior) * by_chance
    for match, share in zip((True, False), shares, strict=True):
        tables = []
        for column, comparison in enumerate(comparisons):
            start = np.array((comparison.matches,) * classes if match else comparison.others)
            worth = max(MATCHES, share.sum()) if match else OTHERS
            tables.append(_probabilities(pairs.levels[:, column], pairs.shared, share, worth * start))
        seen_levels = [
            np.where(pairs.levels[:, at] == 0, 0.0, np.log2(table)[pairs.shared, pairs.levels[:, at]])
            for at, table in enumerate(tables)
        ]
        log = np.stack(seen_levels, axis=1)
        together = log[:, joint].sum(axis=1)
        if np.isfinite(drawn):
            seen = np.bincount(alike.pattern, share)[alike.pattern]
            of_class = np.bincount(pairs.shared, share, minlength=classes)[pairs.shared]
            together = np.log2((seen + drawn * np.exp2(together)) / (of_class + drawn))
        found.append(tuple(tables))
        logs.append(log)
        of_pattern.append(together)
    by_level = logs[0] - logs[1]
    together = of_pattern[0] - of_pattern[1] - by_level[:, joint].sum(axis=1)
    together = np.clip(together, -INTERACTION, INTERACTION)
    much = np.bincount(pairs.shared, pairs.weight * posterior, minlength=classes) + MATCHES / classes
    much /= much.sum()
    said = by_level.sum(axis=1) + together + np.log2(much)[pairs.shared]
    limited = np.where(said > 0.0, -np.log2(np.exp2(-said) + pairs.crowd), said)
    sure = alike.count * posterior * (posterior >= SURE)
    among = np.clip((sure.sum() + 1.0) / max(accounts * (accounts - 1) / 2, 1.0), 0.0, 0.5)
    prior = float(np.log2(among / (1.0 - among)))
    rest = limited - by_level.sum(axis=1)
    bits = prior + pairs.rarity + limited
    return Weights(found[0], found[1], much.astype(np.float64), prior, bits, by_level, rest)


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
