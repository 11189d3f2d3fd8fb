"""Calibrate odds against chance: score permuted moments of sign-up in the same way, and compare the counts."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc.model.columns import Schema
from graphsvc.types import Floats

LOWEST, HIGHEST = -10, 30
"""Levels (log2 of odds) that births are counted between, one bin a bit."""
MODEL_CASES = 3.0
"""Births that the scored odds count for at each level, added to the births counted there."""
LEAST_CHANCE, LEAST_FREE, LEAST_FOLLOWING = 1e-3, 0.05, 1e-3

NULL: Schema = {
    "inside": pl.Boolean,
    "level": pl.Float64,
    "found": pl.Int64,
    "by_chance": pl.Float64,
    "false_rate": pl.Float64,
}
"""Births by level, inside clusters (`inside`) and outside.

`found`: births matched at that level or a higher one. `by_chance`: those of them that follow no account, as
permuted births do. `false_rate`: their share, 0–1."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probability, by level, that a birth follows a stopped account; arrays of shape (bins,).

    Attributes:
        probability: 0–1, not decreasing.
        free: share of births that follow no account (Storey 2002), 0–1.
        found: births counted at each level.
        by_chance: expected number of these that follow no account.
    """

    probability: Floats
    free: float
    found: Floats
    by_chance: Floats

    def compute_odds(self, level: Floats) -> Floats:
        """Compute the odds that births of these levels follow a stopped account."""
        probability = np.interp(level, _list_middles(), self.probability)
        odds: Floats = probability / (1.0 - probability)
        return odds

    def build_table(self, inside: bool) -> pl.DataFrame:
        """Build the table `NULL` of births inside clusters, or of those outside."""
        # Sums from the highest level down: "at that level or a higher one".
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
    """Fit the local false discovery rate (Efron et al. 2001) of births by their level.

    Args:
        level: log2 of the odds that each birth with a candidate follows one of them.
        moved: the same for permuted births, of all permutations.
        rounds: number of permutations.
        births: births that could have had a candidate, in each of them.
    """
    # Imported here: SciPy's optimizers take long to import, and few processes come to this.
    from scipy.optimize import isotonic_regression

    middle = _list_middles()
    found, chance = _count_levels(level), _count_levels(moved) / rounds
    # Storey's estimate: below even odds nearly all births are free, in the real world as in the permuted
    # ones.
    weak, weak_moved = births - (level >= 0).sum(), births - (moved >= 0).sum() / rounds
    free = float(np.clip(weak / max(weak_moved, 1.0), LEAST_FREE, 1.0))
    # The scored odds assume a prior of their own, which is too high where nearly all births are free.
    by_model = 1.0 / (1.0 + 2.0**middle * max(1.0 - free, LEAST_FOLLOWING) / free)
    false = (free * chance + MODEL_CASES * by_model) / (found + MODEL_CASES)
    # A higher level never means a lower probability. Bins of many births weigh more.
    rising = isotonic_regression(1.0 - np.minimum(false, 1.0), weights=found + MODEL_CASES).x
    return Calibration(np.clip(rising, LEAST_CHANCE**2, 1.0 - LEAST_CHANCE), free, found, free * chance)


def _list_middles() -> Floats:
    """Return the middle of each bin, in bits."""
    middles: Floats = np.arange(LOWEST, HIGHEST, dtype=np.float64) + 0.5
    return middles


def _count_levels(level: Floats) -> Floats:
    """Count the levels in each bin; levels outside the range count in the outermost bins."""
    places = np.clip(np.floor(level).astype(np.int64), LOWEST, HIGHEST - 1) - LOWEST
    counts: Floats = np.bincount(places, minlength=HIGHEST - LOWEST).astype(np.float64)
    return counts
