"""Weights of agreement, learned from pairs of which no one has said which are matches.

The model is that of Fellegi & Sunter (1969): a pair of accounts is a match or not, and shows a level of each comparison
with probability m among matches and u among others. Both are learned by expectation–maximization (Winkler 1988, "Using
the EM algorithm for weight computation in the Fellegi-Sunter model"). Two things are added:

- Values are rare or common. A pair's `rarity` is its bits of evidence for sharing just these values, which are known
  from their frequencies and not learned; they tell the two classes apart where levels alone do not.
- Comparisons depend on each other: who has one's name often has one's e-mail handle. Probabilities are those of a
  pattern of levels, drawn to the product of its levels' as far as there are few pairs that show it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PATTERN = 20.0
"""Pairs' worth by which a pattern is drawn to independence; measured on the development identities, where pair F differs
by less than .01 from 5 to 60."""
INTERACTION = 3.0
"""Bits that a pattern may say beyond its levels. Without a limit a rare pattern confirms whichever guess came first.
Measured on the development identities: pair F .895 without, .91 from 2 to 8."""
START = 10.0
"""Pairs' worth of the probabilities that learning begins with."""
ROUNDS, TOLERANCE = 300, 1e-5


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of two accounts: its name, and the probabilities of its levels that learning begins with.

    `joint`: its levels are part of the pattern; otherwise it is taken to be independent of all others.
    """

    name: str
    matches: tuple[float, ...]
    others: tuple[float, ...]
    joint: bool = True


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, and what it says of each pair.

    `m`, `u`: probabilities of the levels of each comparison, one array each. `prior` (log2 odds) holds of any two
    accounts. Of each pair: `bits` (float64, log2 odds that it is a match, prior included), `levels` (float64, shape
    (pairs, comparisons): bits of each level) and `together` (float64): what the pattern says beyond its levels.
    """

    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
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


def learn_weights(
    comparisons: Sequence[Comparison],
    levels: NDArray[np.int8],
    rarity: Floats,
    *,
    weight: Floats,
    crowd: Floats,
    accounts: int,
) -> Weights:
    """Learn m, u and the prior from candidate pairs.

    Args:
        comparisons: what the columns of `levels` compare.
        levels: int8, shape (pairs, comparisons).
        rarity: float64, bits for sharing these values: log2 of how rarely two strangers do.
        weight: float64, how much a pair teaches. A value of n accounts makes n² / 2 pairs, which all say the same of it.
        crowd: float64 from 0 to 1, the share of strangers who share the value that show the pair's pattern for certain;
            evidence from the pattern is limited by it.
        accounts: how many there are; the prior is over all pairs of them.
    """
    total = accounts * (accounts - 1) / 2
    patterns = _patterns(comparisons, levels)
    posterior = to_probability(rarity - np.log2(max(accounts - 1, 1)))
    # Patterns learn from what independent levels have told apart: begun with, they would confirm any first guess.
    for drawn in (np.inf, PATTERN):
        for _ in range(ROUNDS):
            weights = _weigh(comparisons, levels, patterns, rarity, weight, crowd, posterior, total, drawn)
            before, posterior = posterior, weights.posterior
            if np.abs(posterior - before).max(initial=0.0) < TOLERANCE:
                break
    return weights


def _patterns(comparisons: Sequence[Comparison], levels: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the number of each pair's pattern of joint levels; int64."""
    number = np.zeros(len(levels), dtype=np.int64)
    for column, comparison in enumerate(comparisons):
        if comparison.joint:
            number = number * len(comparison.matches) + levels[:, column]
    _, found = np.unique(number, return_inverse=True)
    return found.astype(np.int64)


def _weigh(
    comparisons: Sequence[Comparison],
    levels: NDArray[np.int8],
    patterns: NDArray[np.int64],
    rarity: Floats,
    weight: Floats,
    crowd: Floats,
    posterior: Floats,
    total: float,
    drawn: float,
) -> Weights:
    """Estimate the probabilities from who is a match by now, and weigh every pair by them.

    `drawn`: pairs' worth by which a pattern is drawn to independence.
    """
    joint = np.array([comparison.joint for comparison in comparisons])
    found, logs, of_pattern = [], [], []
    for match, share in ((True, weight * posterior), (False, weight * (1.0 - posterior))):
        tables = [
            _probabilities(
                levels[:, column], share, comparison.matches if match else comparison.others
            )
            for column, comparison in enumerate(comparisons)
        ]
        log = np.stack([np.log2(table)[levels[:, at]] for at, table in enumerate(tables)], axis=1)
        independent = log[:, joint].sum(axis=1)
        if np.isfinite(drawn) and len(patterns):
            seen = np.bincount(patterns, share)[patterns]
            independent = np.log2((seen + drawn * np.exp2(independent)) / (share.sum() + drawn))
        of_pattern.append(independent)
        found.append(tuple(tables))
        logs.append(log)
    by_level = logs[0] - logs[1]
    together = of_pattern[0] - of_pattern[1] - by_level[:, joint].sum(axis=1)
    together = np.clip(together, -INTERACTION, INTERACTION)
    said = by_level.sum(axis=1) + together
    limited = np.where(said > 0.0, -np.log2(np.exp2(-said) + crowd), said)
    matches = (weight * posterior).sum() / max(weight.sum(), 1e-9) * len(weight)
    share_of_all = np.clip(matches / max(total, 1.0), 2.0**-60, 0.5)
    prior = float(np.log2(share_of_all / (1.0 - share_of_all)))
    return Weights(
        found[0], found[1], prior, prior + rarity + limited, by_level, together + limited - said
    )


def _probabilities(levels: NDArray[np.int8], share: Floats, start: tuple[float, ...]) -> Floats:
    """Return the probability of each level, drawn to those that learning begins with; none is 0."""
    begin = np.asarray(start) + 0.01
    counts = np.bincount(levels, share, minlength=len(start)) + START * begin / begin.sum()
    found: Floats = counts / counts.sum()
    return found
