"""Who follows whom, fitted against births permuted in time: what successors do, and how probable each pair is."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.succession.candidates import REACH, Estate, Lives
from graphsvc.succession.chance import calibrate
from graphsvc.succession.handover import Handover
from graphsvc.succession.inheritance import (
    Chances,
    Proposed,
    Weighed,
    before,
    learned,
    propose,
    weigh,
)

ROUNDS = 6
"""Rounds of fitting; after four hardly anything changes."""
RIVALS = 20
LEAST_UNCLAIMED = 0.01
FEWEST_PERMUTATIONS, MOST_PERMUTATIONS, ENOUGH_BIRTHS = 3, 20, 20_000
"""As many permutations as it takes to see so many births after bans, within bounds."""
FOUND = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matched:
    """How probable each pair is, 0–1, and what its odds were multiplied with on the way: by what permuted births match,
    and by what others' claims on the same predecessor leave."""

    probability: Floats
    calibration: Floats
    rivals: Floats


@dataclass(frozen=True, slots=True)
class Fitted:
    """The candidate pairs, what successors do, and how probable each pair is.

    `weighed` and `matched` are by row of `real.pairs`; `null` (`chance.NULL`) is what births permuted in time match.
    """

    chances: Chances
    real: Proposed
    weighed: Weighed
    matched: Matched
    null: pl.DataFrame


def fit(
    lives: Lives,
    estate: Estate,
    handover: Handover | None,
    seed: int,
    progress: Callable[[str, int, int], None],
) -> Fitted:
    """Scores all candidate pairs, and the same with births permuted, and learns from both.

    In each round the births are matched as they are and as they would be by chance; the excess is what follows (local
    false discovery rate), and what those who follow do gives the next round's weights. A pair that is more likely than
    not before any permutation is left out of the permuted ones: to meet it there would be no chance.
    """
    kinds = tuple(estate.signals["kind"].unique().sort())
    after = _after_bans(lives)
    births = np.array([(lives.home < 0).sum(), after.sum()])
    rounds = int(np.clip(ceil(ENOUGH_BIRTHS / max(births[1], 1)), FEWEST_PERMUTATIONS, MOST_PERMUTATIONS))
    steps = 1 + rounds + ROUNDS
    real, permuted = propose(lives, estate, handover, kinds), []
    for number in range(rounds):
        progress("succession", 1 + number, steps)
        moved_lives = lives.moved(np.random.default_rng([seed, number]))
        permuted.append(propose(moved_lives, estate, handover, kinds))
    chances = before(kinds, int(lives.home.max(initial=-1)) + 1)
    first = among_rivals(real.pairs, weigh(real, chances).odds)[0] >= FOUND
    likely = real.pairs.filter(pl.Series(first)).select("successor", "predecessor")
    apart = [_rows_of(one.pairs, likely) for one in permuted]
    for number in range(ROUNDS):
        progress("succession", 1 + rounds + number, steps)
        weighed = weigh(real, chances)
        moved = [weigh(one, chances).odds for one in permuted]
        for odds, rows in zip(moved, apart, strict=True):
            odds[rows] = 0.0
        level = levels(real.pairs, weighed.odds, len(lives.home))
        by_chance = [
            levels(one.pairs, odds, len(lives.home)) for one, odds in zip(permuted, moved, strict=True)
        ]
        factor, null = _calibrated(lives, level, by_chance, births)
        by_pair = factor[real.pairs["successor"].to_numpy()]
        probability, rivals = among_rivals(real.pairs, weighed.odds * by_pair)
        matched = Matched(probability, by_pair, rivals)
        if number < ROUNDS - 1:
            chances = learned(real, matched.probability, weighed, chances, estate, lives)
    progress("succession", steps, steps)
    return Fitted(chances, real, weighed, matched, null)


def among_rivals(pairs: pl.DataFrame, odds: Floats) -> tuple[Floats, Floats]:
    """Probability of each pair when one account follows one only and is followed by one only.

    The claims of others on a predecessor lower the odds of a pair to what they leave of it (mean field). They say who
    follows, not how many: all odds are raised by one factor, so that as many follow as would without rivals.

    Args:
        odds: that the successor follows this predecessor, against nobody.

    Returns: probability (0–1), and what the odds were multiplied with.
    """
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy()
    share, unclaimed, factor = _share(odds, successor), np.ones(len(odds)), 1.0
    total = share.sum()
    for _ in range(RIVALS if len(odds) else 0):
        claimed = np.bincount(predecessor, share)[predecessor] - share
        unclaimed = np.clip(1.0 - claimed, LEAST_UNCLAIMED, 1.0)
        now = _share(odds * factor * unclaimed, successor)
        factor *= float(total / max(now.sum(), 1e-300))
        # Half a step at a time: whole ones would swing between all claims and none.
        share = (share + now) / 2.0
    return _share(odds * factor * unclaimed, successor), factor * unclaimed


def levels(pairs: pl.DataFrame, odds: Floats, accounts: int) -> Floats:
    """log2 of the odds that each account follows one of its candidates; -inf where it has none; shape (accounts,)."""
    total = np.bincount(pairs["successor"].to_numpy(), odds, minlength=accounts)
    with np.errstate(divide="ignore"):
        found: Floats = np.log2(total)
    return found


def _calibrated(
    lives: Lives, level: Floats, by_chance: list[Floats], births: NDArray[np.int64]
) -> tuple[Floats, pl.DataFrame]:
    """What the odds of each account's births are to be multiplied with, shape (accounts,), and the table `chance.NULL`.

    Births in clusters and in none are calibrated apart: those are far more often replacements.
    """
    factor, null = np.zeros(len(level)), []
    for inside, count in enumerate(births):
        who = (lives.home >= 0) == bool(inside)
        chance = np.concatenate([one[who & np.isfinite(one)] for one in by_chance])
        known = who & np.isfinite(level)
        calibration = calibrate(level[known], chance, len(by_chance), int(count))
        # A birth's odds as calibrated are divided between its candidates.
        factor[known] = calibration.odds(level[known]) / 2.0 ** level[known]
        null.append(calibration.table(bool(inside)))
    return factor, pl.concat(null)


def _share(odds: Floats, successor: NDArray[np.int32]) -> Floats:
    """Each pair's part of 1 + the odds of all candidates of its successor."""
    if not len(odds):
        return odds
    share: Floats = odds / (1.0 + np.bincount(successor, odds)[successor])
    return share


def _after_bans(lives: Lives) -> NDArray[np.bool_]:
    """Which accounts were made within 72 hours after one of their cluster was stopped; shape (accounts,)."""
    step = int(max(lives.created.max(initial=0), lives.ended.max(initial=0))) + 4 * REACH
    home = lives.home.astype(np.int64)
    stopped = (home >= 0) & (lives.ended >= 0)
    keys = np.sort(home[stopped] * step + lives.ended[stopped])
    asked = home * step + lives.created
    found: NDArray[np.bool_] = np.searchsorted(keys, asked) > np.searchsorted(keys, asked - REACH)
    return found & (home >= 0) & (lives.created >= 0)


def _rows_of(pairs: pl.DataFrame, wanted: pl.DataFrame) -> NDArray[np.uint32]:
    rows = pairs.with_row_index("row").join(wanted, on=["successor", "predecessor"], how="semi")
    return rows["row"].to_numpy()
