"""What speaks for each pair of a stopped account and a new one, in bits, and what those who follow take over.

Weights after Fellegi & Sunter (1969), log2(m/u) mixed with chance, with m learned from the pairs themselves by
expectation and maximisation (Winkler 2000).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from graphsvc.succession.candidates import Estate, Lives, find_candidates, find_common_values
from graphsvc.succession.handover import Handover

INHERITED = 0.3
"""Chance that a successor takes over a given value of the account it follows, before anything is known."""
REPLACED = 0.1
"""Chance that a banned account is replaced at all, before anything is known: most of the honest are not."""
TRAFFIC_EDGES = np.arange(-6.0, 7.0, 2.0)
"""Between these bits of traffic it is counted how often those who follow have as many, and how often others."""
TRAFFIC_CASES = 20.0
"""Pairs like any others that count beside those seen: little is learned of traffic from few."""
PRIOR_CASES = 10.0
"""Cases that each of these chances counts for beside what is seen."""
MOST_REPLACED = 0.95

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chances:
    """What successors do: chance to take over a value of each kind (`kinds`), share of the stopped who are replaced by
    home (row 0: of pairs that are not of one cluster, row c + 1: of cluster c), bits that likeness of traffic is worth
    (shape (8,), between `TRAFFIC_EDGES`)."""

    kinds: tuple[str, ...]
    inherits: Floats
    replaced: Floats
    traffic: Floats


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate pairs and all that is known of them, before it is weighed.

    `pairs` and `common` as `candidates` and `in_common` return them. By row of `pairs`: `others` (accounts it is
    weighed against), `moment` (bits: an even 72 hours after the ban against the sign-ups of the others around that
    time), `traffic` (of `Handover.bits`, NaN = not known). By row of `common`: `kind` (index of it).
    """

    pairs: pl.DataFrame
    common: pl.DataFrame
    others: Ints
    moment: Floats
    traffic: Floats
    kind: Ints


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """Bits of candidate pairs, by row of `Proposed.pairs`.

    `value`: what each value of `Proposed.common` adds; `traffic`; `prior`: one of the others, who is replaced or not.
    `odds` is 2 to the power of their sum with the moment's: that the successor follows this one, against nobody.
    """

    value: Floats
    traffic: Floats
    prior: Floats
    odds: Floats


def collect_candidates(
    lives: Lives, estate: Estate, handover: Handover | None, kinds: tuple[str, ...]
) -> Candidates:
    """The candidate pairs of `lives` with what speaks for them; `kinds` are all kinds of the estate's signals."""
    pairs = find_candidates(lives, estate)
    size = np.bincount(lives.home[lives.home >= 0], minlength=int(lives.home.max(initial=-1)) + 1)
    common = find_common_values(pairs, estate, len(lives.home), size)
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy()
    home = pairs["home"].to_numpy()
    others = np.maximum(np.append(size, len(lives.home))[home] - 2, 1)
    around = lives.count_signups_around(successor, home)
    # Sign-ups before and after are twice 72 hours.
    moment = np.log2(2.0 * others / np.maximum(around, 1))
    traffic = (
        np.full(len(home), np.nan) if handover is None else handover.measure_likeness(successor, predecessor)
    )
    place = {name: number for number, name in enumerate(kinds)}
    kind = common["kind"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    return Candidates(pairs, common, others, moment, traffic, kind)


def score_candidates(proposed: Candidates, chances: Chances) -> CandidateScores:
    """The bits of each candidate pair, and its odds."""
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
    """What successors do, from the probability `share` (0–1, a row of `proposed.pairs`) of each pair: one step of EM.

    A kind of value that is not taken over comes to say nothing, and so does traffic; the pairs of a cluster that does
    not replace its banned become less probable.
    """
    kinds, homes = len(chances.kinds), len(chances.replaced)
    stopped = np.bincount(lives.home[lives.ended >= 0] + 1, minlength=homes).astype(np.float64)
    stopped[0] = stopped.sum()
    m, u = chances.inherits[proposed.kind], proposed.common["u"].to_numpy()
    taken = share[proposed.common["pair"].to_numpy()] * m / (m + (1.0 - m) * u)
    # Added up by numpy alone: a product of matrices depends on the number of threads.
    left = (share[:, None] * _count_left(proposed.pairs, estate, chances.kinds)).sum(axis=0)
    inherits = _estimate_chance(np.bincount(proposed.kind, taken, minlength=kinds), left, INHERITED)
    home = proposed.pairs["home"].to_numpy() + 1
    replaced = _estimate_chance(np.bincount(home, share, minlength=homes), stopped, REPLACED)
    replaced = np.minimum(replaced, MOST_REPLACED)
    return Chances(chances.kinds, inherits, replaced, _fit_traffic_bits(proposed, share, weighed))


def get_prior_chances(kinds: tuple[str, ...], homes: int) -> Chances:
    """What is presumed of successors before anything is known; `homes`: number of clusters."""
    return Chances(
        kinds, np.full(len(kinds), INHERITED), np.full(homes + 1, REPLACED), np.zeros(len(TRAFFIC_EDGES) + 1)
    )


def _score_values(proposed: Candidates, chances: Chances) -> Floats:
    m, u = chances.inherits[proposed.kind], proposed.common["u"].to_numpy()
    bits: Floats = np.log2(m / u + 1.0 - m)
    return bits


def _fit_traffic_bits(proposed: Candidates, share: Floats, weighed: CandidateScores) -> Floats:
    """What likeness of traffic is worth: how much oftener pairs that follow by all else are so alike than others.

    The traffic itself has no say in who follows here: it would vouch for itself.
    """
    successor = proposed.pairs["successor"].to_numpy()
    nobody = np.maximum(1.0 - np.bincount(successor, share)[successor], 1e-9) if len(share) else share
    odds = share / nobody * 2.0**-weighed.traffic
    without = odds / (1.0 + np.bincount(successor, odds)[successor]) if len(odds) else odds
    known = ~np.isnan(proposed.traffic)
    place = np.digitize(proposed.traffic[known], TRAFFIC_EDGES)
    bins = len(TRAFFIC_EDGES) + 1
    others = np.bincount(place, 1.0 - without[known], minlength=bins) + 1.0
    others /= others.sum()
    follow = np.bincount(place, without[known], minlength=bins) + TRAFFIC_CASES * others
    ratio = follow / follow.sum() / others
    bits: Floats = np.log2(isotonic_regression(ratio, weights=others).x)
    return bits


def _count_left(pairs: pl.DataFrame, estate: Estate, kinds: tuple[str, ...]) -> Floats:
    """How many values of each kind each pair's predecessor has left, shape (pairs, kinds)."""
    place = {name: number for number, name in enumerate(kinds)}
    rows = estate.left.filter(pl.col("kind").is_in(kinds)).select(
        "predecessor", "left", kind=pl.col("kind").replace_strict(place, return_dtype=pl.Int64)
    )
    legator = rows["predecessor"].to_numpy()
    table = np.zeros((int(legator.max(initial=-1)) + 1, len(kinds)))
    table[legator, rows["kind"].to_numpy()] = rows["left"].to_numpy()
    found: Floats = table[pairs["predecessor"].to_numpy()]
    return found


def _estimate_chance(seen: NDArray[Any], of: NDArray[Any], prior: float) -> Floats:
    """Share seen, with `PRIOR_CASES` of the prior."""
    chance: Floats = (seen + prior * PRIOR_CASES) / (of + PRIOR_CASES)
    return chance
