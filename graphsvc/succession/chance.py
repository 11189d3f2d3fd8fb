"""What chance alone would match: the same scoring with the moments of sign-up permuted, and what follows from it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from graphsvc.model.columns import Schema

LOWEST, HIGHEST = -10, 30
"""Levels (log2 of odds) between which births are counted, one bin a bit."""
MODEL_CASES = 3.0
"""Births for which the odds as weighed count at each level beside those that were counted."""
LEAST_CHANCE, LEAST_FREE, LEAST_FOLLOWING = 1e-3, 0.05, 1e-3

NULL: Schema = {
    "inside": pl.Boolean,
    "level": pl.Float64,
    "found": pl.Int64,
    "by_chance": pl.Float64,
    "false_rate": pl.Float64,
}
"""Births in a cluster (`inside`) and in none by level: how many are matched at that level or a higher one, and how many
of those follow nobody and are matched by chance, as births permuted in time are."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How probable it is at each level that a birth follows somebody, 0–1, not decreasing; shape (bins,).

    `free` is the share of births that follow nobody (Storey 2002), 0–1. `found` are the births counted at each level,
    `by_chance` those to be expected there that follow nobody.
    """

    probability: Floats
    free: float
    found: Floats
    by_chance: Floats

    def compute_odds(self, level: Floats) -> Floats:
        """Odds that births of these levels follow somebody."""
        probability = np.interp(level, _list_middles(), self.probability)
        odds: Floats = probability / (1.0 - probability)
        return odds

    def build_table(self, inside: bool) -> pl.DataFrame:
        """Schema `NULL`; `inside`: of births in a cluster."""
        found, by_chance = np.cumsum(self.found[::-1])[::-1], np.cumsum(self.by_chance[::-1])[::-1]
        columns = {
            "inside": np.full(len(found), inside),
            "level": np.arange(LOWEST, HIGHEST, dtype=np.float64),
            "found": found.astype(np.int64),
            "by_chance": by_chance,
            "false_rate": np.minimum(by_chance / np.maximum(found, 1.0), 1.0),
        }
        return pl.DataFrame(columns, schema=NULL)


def fit_calibration(level: Floats, moved: Floats, rounds: int, births: int) -> Calibration:
    """The local false discovery rate (Efron et al. 2001) of births by their level.

    Args:
        level: log2 of the odds that each birth with a candidate follows one of them.
        moved: the same where births were permuted, of all permutations.
        rounds: number of permutations.
        births: births that could have had a candidate, in each of them.
    """
    middle = _list_middles()
    found, chance = _count_levels(level), _count_levels(moved) / rounds
    weak, weak_moved = births - (level >= 0).sum(), births - (moved >= 0).sum() / rounds
    free = float(np.clip(weak / max(weak_moved, 1.0), LEAST_FREE, 1.0))
    # The odds as weighed suppose a prior of their own: where next to all births are free they say too much.
    by_model = 1.0 / (1.0 + 2.0**middle * max(1.0 - free, LEAST_FOLLOWING) / free)
    false = (free * chance + MODEL_CASES * by_model) / (found + MODEL_CASES)
    rising = isotonic_regression(1.0 - np.minimum(false, 1.0), weights=found + MODEL_CASES).x
    return Calibration(np.clip(rising, LEAST_CHANCE**2, 1.0 - LEAST_CHANCE), free, found, free * chance)


def _list_middles() -> Floats:
    middles: Floats = np.arange(LOWEST, HIGHEST, dtype=np.float64) + 0.5
    return middles


def _count_levels(level: Floats) -> Floats:
    places = np.clip(np.floor(level).astype(np.int64), LOWEST, HIGHEST - 1) - LOWEST
    counts: Floats = np.bincount(places, minlength=HIGHEST - LOWEST).astype(np.float64)
    return counts
