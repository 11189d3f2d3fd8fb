"""Fit the pairs against births permuted in time: what successors take over, and how probable each pair is."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.succession.candidates import REACH, Estate, Lives
from graphsvc.succession.chance import Calibration, fit_calibration
from graphsvc.succession.handover import Handover
from graphsvc.succession.inheritance import (
    Candidates,
    CandidateScores,
    Chances,
    collect_candidates,
    get_prior_chances,
    score_candidates,
    update_chances,
)
from graphsvc.types import Floats, Progress

ROUNDS = 6
"""Rounds of fitting. After four, almost nothing changes."""
RIVALS = 20
"""Rounds for rival claims on a predecessor to settle."""
LEAST_UNCLAIMED = 0.01
"""Share of a predecessor that rivals leave at least, so that odds never vanish."""
FEWEST_PERMUTATIONS, MOST_PERMUTATIONS, ENOUGH_BIRTHS = 3, 20, 20_000
"""Bounds of the number of permutations, and the births after bans that they should show in all."""
FOUND = 0.5
"""Probability from which a pair counts as found: more likely than not."""


@dataclass(frozen=True, slots=True)
class Rivalry:
    """The part of each pair that claims on the same predecessors leave; arrays of shape (pairs,).

    Attributes:
        probability: of each pair, 0–1.
        factor: of the odds of each.
        claims: share of its predecessor that each pair claims against its rivals, 0–1.
        raised: the part of `factor` that all pairs have in common.
    """

    probability: Floats
    factor: Floats
    claims: Floats
    raised: float


@dataclass(frozen=True, slots=True)
class MatchedPairs:
    """Probability of each pair, and the factors that its odds were multiplied by; arrays of shape (pairs,).

    Attributes:
        probability: 0–1.
        calibration: factor from what permuted births match.
        rivals: factor from what others' claims on the same predecessor leave.
    """

    probability: Floats
    calibration: Floats
    rivals: Floats


@dataclass(frozen=True, slots=True)
class FittedPairs:
    """Result of the fit.

    Attributes:
        chances: what successors do.
        real: the candidate pairs.
        weighed: their bits and odds, by row of `real.pairs`.
        matched: their probabilities, by row of `real.pairs`.
        null: what permuted births match, schema `chance.NULL`.
        rivalry: claims on the same predecessors.
        calibrations: of births outside of clusters, and inside.
    """

    chances: Chances
    real: Candidates
    weighed: CandidateScores
    matched: MatchedPairs
    null: pl.DataFrame
    rivalry: Rivalry
    calibrations: list[Calibration]


def fit_pairs(
    lives: Lives,
    estate: Estate,
    handover: Handover | None,
    seed: int,
    progress: Progress,
) -> FittedPairs:
    """Score all candidate pairs, and the same with births permuted, and learn from the difference.

    In each round births are matched as they are and as permuted. The excess is true succession (local false
    discovery rate). What those successors take over gives the weights of the next round. A pair that is more
    likely than not before any permutation is left out of the permuted worlds, where it would be no chance
    match.

    Args:
        lives: when accounts were made and stopped.
        estate: values of the stopped accounts.
        handover: traffic of both sides; None if no traffic is known.
        seed: of the permutations.
        progress: called with "succession", steps done and steps in all; may raise.
    """
    kinds = tuple(estate.signals["kind"].unique().sort())
    after = _find_births_after_bans(lives)
    # Outside clusters any account is a birth. Inside, only those made after a ban could have a candidate.
    births = np.array([(lives.home < 0).sum(), after.sum()])
    rounds = int(np.clip(ceil(ENOUGH_BIRTHS / max(births[1], 1)), FEWEST_PERMUTATIONS, MOST_PERMUTATIONS))
    steps = 1 + rounds + ROUNDS
    real, permuted = collect_candidates(lives, estate, handover, kinds), []
    for number in range(rounds):
        progress("succession", 1 + number, steps)
        # Each permutation has a seed of its own, so that it is the same however many there are.
        moved_lives = lives.permute_births(np.random.default_rng([seed, number]))
        permuted.append(collect_candidates(moved_lives, estate, handover, kinds))
    chances = get_prior_chances(kinds, int(lives.home.max(initial=-1)) + 1)
    # Pairs that are likely by the prior chances alone, to be left out of the permuted worlds.
    first = resolve_rivals(real.pairs, score_candidates(real, chances).odds).probability >= FOUND
    likely = real.pairs.filter(pl.Series(first)).select("successor", "predecessor")
    apart = [_find_rows(one.pairs, likely) for one in permuted]
    for number in range(ROUNDS):
        progress("succession", 1 + rounds + number, steps)
        weighed = score_candidates(real, chances)
        moved = [score_candidates(one, chances).odds for one in permuted]
        for odds, rows in zip(moved, apart, strict=True):
            odds[rows] = 0.0
        level = compute_levels(real.pairs, weighed.odds, len(lives.home))
        by_chance = [
            compute_levels(one.pairs, odds, len(lives.home))
            for one, odds in zip(permuted, moved, strict=True)
        ]
        # What permuted births match tells how far the odds as scored can be trusted.
        calibrations = _fit_calibrations(lives, level, by_chance, births)
        by_pair = compute_factors(level, lives.home, calibrations)[real.pairs["successor"].to_numpy()]
        rivalry = resolve_rivals(real.pairs, weighed.odds * by_pair)
        matched = MatchedPairs(rivalry.probability, by_pair, rivalry.factor)
        # The last round keeps the chances that its odds were scored with, so that the parts add up.
        if number < ROUNDS - 1:
            chances = update_chances(real, matched.probability, weighed, chances, estate, lives)
    progress("succession", steps, steps)
    null = pl.concat(each.build_table(bool(inside)) for inside, each in enumerate(calibrations))
    return FittedPairs(chances, real, weighed, matched, null, rivalry, calibrations)


def resolve_rivals(pairs: pl.DataFrame, odds: Floats) -> Rivalry:
    """Compute the probability of each pair if an account follows one at most, and is followed by one at most.

    Claims of others on a predecessor lower the odds of a pair to what they leave of it (mean field). They
    decide who follows, not how many: one factor raises all odds, so that as many follow as would without
    rivals.

    Args:
        pairs: successor, predecessor.
        odds: that the successor follows this predecessor, against following none; one a pair.
    """
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy()
    claims = share = _compute_share(odds, successor)
    total, raised = share.sum(), 1.0
    for _ in range(RIVALS if len(odds) else 0):
        claims = share
        claimed = np.bincount(predecessor, claims)[predecessor] - claims
        now = _compute_share(odds * raised * _leave_unclaimed(claimed), successor)
        raised *= float(total / max(now.sum(), 1e-300))
        # Half a step at a time: full steps would swing between all claims and none.
        share = (claims + now) / 2.0
    claimed = np.bincount(predecessor, claims)[predecessor] - claims if len(odds) else claims
    return Rivalry(*settle_claims(successor, odds, claimed, raised), claims, raised)


def settle_claims(
    successor: NDArray[np.int32], odds: Floats, claimed: Floats, raised: float
) -> tuple[Floats, Floats]:
    """Compute the probability of each pair against what rivals claim.

    Args:
        successor: of each pair.
        odds: of each, without rivals.
        claimed: share of each pair's predecessor that others claim.
        raised: of `Rivalry`.

    Returns:
        Probability (0–1) of each pair, and the factor of its odds.
    """
    unclaimed = _leave_unclaimed(claimed)
    return _compute_share(odds * raised * unclaimed, successor), raised * unclaimed


def _leave_unclaimed(claimed: Floats) -> Floats:
    unclaimed: Floats = np.clip(1.0 - claimed, LEAST_UNCLAIMED, 1.0)
    return unclaimed


def compute_levels(pairs: pl.DataFrame, odds: Floats, accounts: int) -> Floats:
    """Compute log2 of the odds that each account follows one of its candidates.

    Returns:
        Bits, shape (accounts,); -inf for an account without a candidate.
    """
    total = np.bincount(pairs["successor"].to_numpy(), odds, minlength=accounts)
    # The logarithm of 0 is meant: -inf stands for no candidate.
    with np.errstate(divide="ignore"):
        found: Floats = np.log2(total)
    return found


def compute_factors(level: Floats, home: NDArray[np.int32], calibrations: list[Calibration]) -> Floats:
    """Compute the factor of the odds of each account's births, from what permuted births match.

    Args:
        level: of each account (`compute_levels`).
        home: its cluster, -1 = none.
        calibrations: of births outside of clusters, and inside.
    """
    factor = np.zeros(len(level))
    for inside, calibration in enumerate(calibrations):
        known = ((home >= 0) == bool(inside)) & np.isfinite(level)
        # A birth's odds as calibrated are divided between its candidates.
        factor[known] = calibration.compute_odds(level[known]) / 2.0 ** level[known]
    return factor


def _fit_calibrations(
    lives: Lives, level: Floats, by_chance: list[Floats], births: NDArray[np.int64]
) -> list[Calibration]:
    """Calibrate births outside of clusters, and inside: there they are far more often replacements."""
    calibrations = []
    for inside, count in enumerate(births):
        who = (lives.home >= 0) == bool(inside)
        chance = np.concatenate([one[who & np.isfinite(one)] for one in by_chance])
        known = who & np.isfinite(level)
        calibrations.append(fit_calibration(level[known], chance, len(by_chance), int(count)))
    return calibrations


def _compute_share(odds: Floats, successor: NDArray[np.int32]) -> Floats:
    """Compute each pair's part of 1 + the odds of all candidates of its successor."""
    if not len(odds):
        return odds
    share: Floats = odds / (1.0 + np.bincount(successor, odds)[successor])
    return share


def _find_births_after_bans(lives: Lives) -> NDArray[np.bool_]:
    """Mark accounts made within 72 hours after another of their cluster was stopped; bool, shape (accounts,)."""
    # Times of each cluster lie apart by a long step, so one sorted array serves all clusters.
    step = int(max(lives.created.max(initial=0), lives.ended.max(initial=0))) + 4 * REACH
    home = lives.home.astype(np.int64)
    stopped = (home >= 0) & (lives.ended >= 0)
    keys = np.sort(home[stopped] * step + lives.ended[stopped])
    asked = home * step + lives.created
    found: NDArray[np.bool_] = np.searchsorted(keys, asked) > np.searchsorted(keys, asked - REACH)
    return found & (home >= 0) & (lives.created >= 0)


def _find_rows(pairs: pl.DataFrame, wanted: pl.DataFrame) -> NDArray[np.uint32]:
    """Return the rows of `pairs` that are in `wanted`; uint32."""
    rows = pairs.with_row_index("row").join(wanted, on=["successor", "predecessor"], how="semi")
    return rows["row"].to_numpy()
