"""Score each candidate pair in bits, and learn what successors take over.

Weights follow Fellegi & Sunter (1969): log2(m/u), mixed with chance. m is learned from the pairs themselves
by expectation and maximisation (Winkler 2000).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.succession.candidates import Estate, Lives, SignupTimes, find_candidates, find_common_values
from graphsvc.succession.handover import Handover
from graphsvc.types import Floats, Ints

INHERITED = 0.3
"""Prior chance that a successor takes over a given value of its predecessor."""
REPLACED = 0.1
"""Prior chance that a banned account is replaced at all. Most honest accounts are not."""
TRAFFIC_EDGES = np.arange(-6.0, 7.0, 2.0)
"""Bins of traffic bits, where successors and other accounts are counted."""
TRAFFIC_CASES = 20.0
"""Neutral pairs added to the counts of traffic. Few observed pairs teach little."""
PRIOR_CASES = 10.0
"""Cases that each prior chance counts for, added to the observed ones."""
MOST_REPLACED = 0.95
"""Chance of replacement at most: a cluster never shows that every banned account is replaced."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Habits of successors, as learned so far.

    Attributes:
        kinds: names of the signal kinds.
        inherits: chance to take over a value of each kind, 0–1, shape (kinds,).
        replaced: share of stopped accounts that are replaced, 0–1. Row 0: pairs that are not of one cluster;
            row c + 1: of cluster c.
        traffic: bits of likeness of traffic, shape (8,), between `TRAFFIC_EDGES`.
    """

    kinds: tuple[str, ...]
    inherits: Floats
    replaced: Floats
    traffic: Floats


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate pairs and what is known of them before they are scored.

    Attributes:
        pairs: as `find_candidates` returns them.
        common: as `find_common_values` returns them.
        others: accounts that each pair competes with, int64, by row of `pairs`.
        moment: bits, by row of `pairs`: an even 72 hours after the ban against the other sign-ups around that
            time.
        traffic: of `Handover.measure_likeness`, by row of `pairs`; NaN = not known.
        kind: index of the kind, int64, by row of `common`.
    """

    pairs: pl.DataFrame
    common: pl.DataFrame
    others: Ints
    moment: Floats
    traffic: Floats
    kind: Ints


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """Bits of candidate pairs, by row of `Candidates.pairs`.

    Attributes:
        value: bits of each value, by row of `Candidates.common`.
        traffic: bits of the likeness of traffic.
        prior: log2 of the chance that this account, of all others, is the one followed.
        odds: 2 to the power of all bits, the moment's too: that the successor follows this account, against
            none.
    """

    value: Floats
    traffic: Floats
    prior: Floats
    odds: Floats


def collect_candidates(
    lives: Lives, estate: Estate, handover: Handover | None, kinds: tuple[str, ...]
) -> Candidates:
    """Collect the candidate pairs of `lives` with their common values, moment and traffic.

    Args:
        lives: when accounts were made and stopped.
        estate: values of the stopped accounts.
        handover: traffic of both sides; None if no traffic is known.
        kinds: all kinds of the estate's signals.
    """
    pairs = find_candidates(lives, estate)
    size = np.bincount(lives.home[lives.home >= 0], minlength=int(lives.home.max(initial=-1)) + 1)
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy()
    around = SignupTimes.of(lives).count_around(lives.created[successor], pairs["home"].to_numpy())
    traffic = None if handover is None else handover.measure_likeness(successor, predecessor)
    return describe_candidates(pairs, estate, kinds, len(lives.home), size, around, traffic)


def describe_candidates(
    pairs: pl.DataFrame,
    estate: Estate,
    kinds: tuple[str, ...],
    accounts: int,
    size: Ints,
    around: Ints,
    traffic: Floats | None = None,
) -> Candidates:
    """Describe candidate pairs by what they have in common, and how common it is.

    Args:
        pairs: of `find_candidates`.
        estate: values of the stopped accounts.
        kinds: all kinds of the estate's signals.
        accounts: number of all accounts.
        size: accounts of each cluster, int64, by its number.
        around: sign-ups around that of each pair's successor (`SignupTimes.count_around`).
        traffic: likeness of the traffic of each pair; None: it is not known.
    """
    common = find_common_values(pairs, estate, accounts, size)
    home = pairs["home"].to_numpy()
    others = np.maximum(np.append(size, accounts)[home] - 2, 1)
    # The count covers twice 72 hours, before and after.
    moment = np.log2(2.0 * others / np.maximum(around, 1))
    kind = common["kind"].cast(pl.Enum(kinds)).to_physical().cast(pl.Int64).to_numpy()
    known = np.full(len(home), np.nan) if traffic is None else traffic
    return Candidates(pairs, common, others, moment, known, kind)


def score_candidates(proposed: Candidates, chances: Chances) -> CandidateScores:
    """Compute the bits of each candidate pair, and its odds."""
    pairs = proposed.pairs
    value = _score_values(proposed, chances)
    known = ~np.isnan(proposed.traffic)
    traffic = np.zeros(pairs.height)
    traffic[known] = chances.traffic[np.digitize(proposed.traffic[known], TRAFFIC_EDGES)]
    prior = np.log2(chances.replaced[pairs["home"].to_numpy() + 1] / proposed.others)
    by_values = np.bincount(proposed.common["pair"].to_numpy(), value, minlength=pairs.height)
    return CandidateScores(value, traffic, prior, 2.0 ** (by_values + proposed.moment + traffic + prior))


def update_chances(
    proposed: Candidates,
    share: Floats,
    weighed: CandidateScores,
    chances: Chances,
    estate: Estate,
    lives: Lives,
) -> Chances:
    """Learn what successors do from the probability of each pair: one step of EM.

    A kind of value that successors do not take over loses its weight, and so does traffic. Pairs of a cluster
    that does not replace its banned accounts become less probable.

    Args:
        proposed: the candidate pairs.
        share: probability of each, 0–1.
        weighed: their bits with `chances`.
        chances: of the previous round.
        estate: values of the stopped accounts.
        lives: when accounts were made and stopped.
    """
    kinds, homes = len(chances.kinds), len(chances.replaced)
    stopped = np.bincount(lives.home[lives.ended >= 0] + 1, minlength=homes).astype(np.float64)
    stopped[0] = stopped.sum()
    m, u = chances.inherits[proposed.kind], proposed.common["u"].to_numpy()
    # Expectation: a common value was taken over, or agrees by chance.
    taken = share[proposed.common["pair"].to_numpy()] * m / (m + (1.0 - m) * u)
    # A plain numpy sum: the result of a matrix product depends on the number of threads.
    left = (share[:, None] * _count_left(proposed.pairs, estate, chances.kinds)).sum(axis=0)
    inherits = _estimate_chance(np.bincount(proposed.kind, taken, minlength=kinds), left, INHERITED)
    home = proposed.pairs["home"].to_numpy() + 1
    replaced = _estimate_chance(np.bincount(home, share, minlength=homes), stopped, REPLACED)
    replaced = np.minimum(replaced, MOST_REPLACED)
    return Chances(chances.kinds, inherits, replaced, _fit_traffic_bits(proposed, share, weighed))


def get_prior_chances(kinds: tuple[str, ...], homes: int) -> Chances:
    """Return the chances presumed before anything is learned, for so many clusters (`homes`)."""
    return Chances(
        kinds, np.full(len(kinds), INHERITED), np.full(homes + 1, REPLACED), np.zeros(len(TRAFFIC_EDGES) + 1)
    )


def _score_values(proposed: Candidates, chances: Chances) -> Floats:
    """Compute the bits of each common value: log2 of m/u, mixed with the chance that it was not taken over."""
    m, u = chances.inherits[proposed.kind], proposed.common["u"].to_numpy()
    bits: Floats = np.log2(m / u + 1.0 - m)
    return bits


def _fit_traffic_bits(proposed: Candidates, share: Floats, weighed: CandidateScores) -> Floats:
    """Fit the bits of each bin of traffic: how much oftener successors are so alike than other pairs.

    The traffic itself takes no part in who follows here, or it would vouch for itself.
    """
    # Imported here: SciPy's optimizers take long to import, and few processes come to this.
    from scipy.optimize import isotonic_regression

    successor = proposed.pairs["successor"].to_numpy()
    # Take the traffic's own bits out of the odds, then renormalise over the candidates of each successor.
    unclaimed = np.maximum(1.0 - np.bincount(successor, share)[successor], 1e-9) if len(share) else share
    odds = share / unclaimed * 2.0**-weighed.traffic
    without = odds / (1.0 + np.bincount(successor, odds)[successor]) if len(odds) else odds
    known = ~np.isnan(proposed.traffic)
    place = np.digitize(proposed.traffic[known], TRAFFIC_EDGES)
    bins = len(TRAFFIC_EDGES) + 1
    others = np.bincount(place, 1.0 - without[known], minlength=bins) + 1.0
    others /= others.sum()
    follow = np.bincount(place, without[known], minlength=bins) + TRAFFIC_CASES * others
    ratio = follow / follow.sum() / others
    # More likeness never counts against a pair.
    bits: Floats = np.log2(isotonic_regression(ratio, weights=others).x)
    return bits


def _count_left(pairs: pl.DataFrame, estate: Estate, kinds: tuple[str, ...]) -> Floats:
    """Count the values of each kind that each pair's predecessor has; shape (pairs, kinds)."""
    rows = estate.left.filter(pl.col("kind").is_in(kinds)).select(
        "predecessor", "left", kind=pl.col("kind").cast(pl.Enum(kinds)).to_physical().cast(pl.Int64)
    )
    legator = rows["predecessor"].to_numpy()
    table = np.zeros((int(legator.max(initial=-1)) + 1, len(kinds)))
    table[legator, rows["kind"].to_numpy()] = rows["left"].to_numpy()
    found: Floats = table[pairs["predecessor"].to_numpy()]
    return found


def _estimate_chance(seen: NDArray[Any], of: NDArray[Any], prior: float) -> Floats:
    """Estimate a share from counts, with `PRIOR_CASES` cases of the prior."""
    chance: Floats = (seen + prior * PRIOR_CASES) / (of + PRIOR_CASES)
    return chance
