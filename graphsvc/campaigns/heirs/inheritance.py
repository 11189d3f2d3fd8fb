"""What speaks for each pair of a stopped account and a new one, in bits, and what those who follow take over.

Weights after Fellegi & Sunter (1969), log2(m/u) mixed with chance, with m learned from the pairs themselves by
expectation and maximisation (Winkler 2000).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.heirs.candidates import Estate, Lives, candidates, in_common
from graphsvc.campaigns.heirs.handover import Handover

INHERITED = 0.3
"""Chance that a successor takes over a given value of the account it follows, before anything is known."""
REPLACED = 0.1
"""Chance that a banned account is replaced at all, before anything is known: most of the honest are not."""
HANDED_OVER = 0.3
"""Chance that a successor takes over the traffic as it was, before anything is known."""
PRIOR_CASES = 10.0
"""Cases that each of these chances counts for beside what is seen."""
MOST_REPLACED = 0.95

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chances:
    """What successors do: chance to take over a value of each kind (`kinds`), share of the stopped who are replaced by
    home (row 0: of pairs that are not of one cluster, row c + 1: of cluster c), chance to take over the traffic."""

    kinds: tuple[str, ...]
    inherits: Floats
    replaced: Floats
    hands_over: float


@dataclass(frozen=True, slots=True)
class Proposed:
    """Candidate pairs and all that is known of them, before it is weighed.

    `pairs` and `common` as `candidates` and `in_common` return them. By row of `pairs`: `others` (accounts it is
    weighed against), `moment` (bits: an even 72 hours after the ban against the sign-ups of the others around that
    time), `traffic` (bits if traffic is handed over, NaN = not known). By row of `common`: `kind` (index of it).
    """

    pairs: pl.DataFrame
    common: pl.DataFrame
    others: Ints
    moment: Floats
    traffic: Floats
    kind: Ints


@dataclass(frozen=True, slots=True)
class Weighed:
    """Bits of candidate pairs, by row of `Proposed.pairs`.

    `value`: what each value of `Proposed.common` adds; `traffic`; `prior`: one of the others, who is replaced or not.
    `odds` is 2 to the power of their sum with the moment's: that the successor follows this one, against nobody.
    """

    value: Floats
    traffic: Floats
    prior: Floats
    odds: Floats


def propose(lives: Lives, estate: Estate, handover: Handover | None, kinds: tuple[str, ...]) -> Proposed:
    """The candidate pairs of `lives` with what speaks for them; `kinds` are all kinds of the estate's signals."""
    pairs = candidates(lives, estate)
    size = np.bincount(lives.home[lives.home >= 0], minlength=int(lives.home.max(initial=-1)) + 1)
    common = in_common(pairs, estate, len(lives.home), size)
    successor, predecessor = pairs["successor"].to_numpy(), pairs["predecessor"].to_numpy()
    home = pairs["home"].to_numpy()
    others = np.maximum(np.append(size, len(lives.home))[home] - 2, 1)
    around = lives.around(successor, home)
    # Sign-ups before and after are twice 72 hours.
    moment = np.log2(2.0 * others / np.maximum(around, 1))
    traffic = np.full(len(home), np.nan) if handover is None else handover.bits(successor, predecessor)
    place = {name: number for number, name in enumerate(kinds)}
    kind = common["kind"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    return Proposed(pairs, common, others, moment, traffic, kind)


def weigh(proposed: Proposed, chances: Chances) -> Weighed:
    """The bits of each candidate pair, and its odds."""
    pairs = proposed.pairs
    value = _value_bits(proposed, chances)
    traffic = _mixed_bits(proposed.traffic, chances.hands_over)
    prior = np.log2(chances.replaced[pairs["home"].to_numpy() + 1] / proposed.others)
    by_values = np.bincount(proposed.common["pair"].to_numpy(), value, minlength=pairs.height)
    return Weighed(value, traffic, prior, 2.0 ** (by_values + proposed.moment + traffic + prior))


def learned(proposed: Proposed, share: Floats, chances: Chances, estate: Estate, lives: Lives) -> Chances:
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
    left = (share[:, None] * _left(proposed.pairs, estate, chances.kinds)).sum(axis=0)
    inherits = _chance(np.bincount(proposed.kind, taken, minlength=kinds), left, INHERITED)
    home = proposed.pairs["home"].to_numpy() + 1
    replaced = _chance(np.bincount(home, share, minlength=homes), stopped, REPLACED)
    known = ~np.isnan(proposed.traffic)
    like = chances.hands_over * 2.0 ** proposed.traffic[known]
    over = share[known] * like / (like + 1.0 - chances.hands_over)
    hands_over = _chance(over.sum(), share[known].sum(), HANDED_OVER)
    return Chances(chances.kinds, inherits, np.minimum(replaced, MOST_REPLACED), float(hands_over))


def before(kinds: tuple[str, ...], homes: int) -> Chances:
    """What is presumed of successors before anything is known; `homes`: number of clusters."""
    return Chances(kinds, np.full(len(kinds), INHERITED), np.full(homes + 1, REPLACED), HANDED_OVER)


def _value_bits(proposed: Proposed, chances: Chances) -> Floats:
    m, u = chances.inherits[proposed.kind], proposed.common["u"].to_numpy()
    bits: Floats = np.log2(m / u + 1.0 - m)
    return bits


def _mixed_bits(traffic: Floats, hands_over: float) -> Floats:
    """Traffic's bits where it is handed over by some only; 0 where it is not known."""
    bits = np.log2(1.0 - hands_over + hands_over * 2.0 ** np.nan_to_num(traffic))
    return np.where(np.isnan(traffic), 0.0, bits)


def _left(pairs: pl.DataFrame, estate: Estate, kinds: tuple[str, ...]) -> Floats:
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


def _chance(seen: NDArray[Any], of: NDArray[Any], prior: float) -> Floats:
    """Share seen, with `PRIOR_CASES` of the prior."""
    chance: Floats = (seen + prior * PRIOR_CASES) / (of + PRIOR_CASES)
    return chance
