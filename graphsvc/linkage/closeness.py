"""Pairs of accounts that share a popular value and came to it within a time that its users' rate does not explain.

A value of many users makes no pair by itself. Two of its users who came minutes apart, where it gains one a day, are a
candidate: in rings, the nearest first use is within ten minutes for 43 of 100 members, in random groups for 1 of 200.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammainc

from graphsvc.linkage.rates import Floats, Ints, Rate, find_units, fit_rate

NEIGHBOURS = 3
"""Users after each with whom it is paired at most: pairs grow with uses, not with their square."""
AROUND = 16
"""Users on either side that tell a value's rate at a moment: its relative error is 1/6."""
CROWD = 64
"""Uses of all values on either side that tell the population's rate at a moment: its relative error is 1/8."""
LEAST_DEGREE = 21
"""Users of a popular value, one more than make links by a value alone (`pairs.SOLE_DEGREE`)."""
FALSE_PAIRS = 0.05
"""False pairs expected in all, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class ClosePairs:
    """Candidate pairs, of `close_pairs`, sorted by source, target, value.

    Attributes:
        source, target: (pairs,) int32, accounts, source < target.
        value: (pairs,) int32, the signal both have. A pair may have several.
        bits: (pairs,) float64, -log2 of the probability that two users come as close by chance, not yet corrected.
        compared: neighbours compared. Among independent sign-ups `compared` · 2^-b pairs have b bits or more.
    """

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    value: NDArray[np.int32]
    bits: Floats
    compared: int


def close_pairs(
    account: NDArray[np.int32],
    signal: NDArray[np.int32],
    moment: Ints,
    *,
    least_degree: int = LEAST_DEGREE,
    most_degree: int | None = None,
    eligible: NDArray[np.bool_] | None = None,
    false_pairs: float = FALSE_PAIRS,
    least_bits: float | None = None,
) -> ClosePairs:
    """Find the pairs that share a popular value and are close in time for it.

    The users of each value are sorted by the time at which they came to it. Each is compared
    with the `NEIGHBOURS` next. The probability of as small a gap is the larger of two: at the rate at which the value
    gained users around that moment (F distribution: gaps of one Poisson process in proportion), and at the
    population's rate of that moment times the value's share of it. A crowd that comes at once is close to none.

    Args:
        account, signal: (uses,) int32, parallel; sorted by account, then signal, as `SignalGraph` has them.
        moment: (uses,) int64, ms since 1970, -1 = unknown: the account's sign-up, or its first use of the value.
        least_degree, most_degree: users of the values compared.
        eligible: (signals,) bool, values compared; all by default.
        false_pairs: pairs expected by chance, which sets the bits needed: log2(`compared` / `false_pairs`).
        least_bits: the bits needed, instead.

    Returns: the pairs; the same whatever the order of the rows.
    """
    signals = int(signal.max(initial=-1)) + 1
    degree = np.bincount(signal, minlength=signals)
    popular = degree >= least_degree
    if most_degree is not None:
        popular &= degree <= most_degree
    if eligible is not None:
        popular &= eligible[:signals]
    rows = np.flatnonzero(popular[signal] & (moment >= 0))
    if not len(rows):
        return _none()
    units = find_units(moment[rows])
    order = np.lexsort((account[rows], moment[rows], signal[rows]))
    rows, units = rows[order], units[order]
    ordered = np.sort(moment[rows])
    users = _Users(account[rows], signal[rows], moment[rows], units, fit_rate(ordered, 1), ordered)
    parts = [_compare(users, j) for j in range(1, NEIGHBOURS + 1)]
    compared = sum(len(bits) for _, _, bits in parts)
    needed = np.log2(max(compared, 1) / false_pairs) if least_bits is None else least_bits
    one, other, bits = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    kept = (bits >= needed) & (users.account[one] != users.account[other])
    return _sort(users, one[kept], other[kept], bits[kept], compared)


@dataclass(frozen=True, slots=True)
class _Users:
    """Uses of popular values, sorted by value, moment and account; the rate of all, and their moments in order."""

    account: NDArray[np.int32]
    signal: NDArray[np.int32]
    moment: Ints
    unit: Ints
    rate: Rate
    ordered: Ints

    def crowd(self, start: Ints, end: Ints, gap: Ints) -> Floats:
        """Return the uses of all values expected within `gap`: by trend and cycle, or by the busier side if more."""
        found = self.rate.up_to(start + gap) - self.rate.up_to(start)
        uses = min(CROWD, len(self.ordered))
        first = np.searchsorted(self.ordered, start) - uses
        last = np.searchsorted(self.ordered, end, "right") + uses - 1
        before = start - self.ordered[np.maximum(first, 0)] + 1
        after = self.ordered[np.minimum(last, len(self.ordered) - 1)] - end + 1
        # A side that the history cuts off is too short to tell.
        found = np.where(first >= 0, np.maximum(found, uses * gap / before), found)
        return np.where(last < len(self.ordered), np.maximum(found, uses * gap / after), found)


def _compare(users: _Users, apart: int) -> tuple[Ints, Ints, Floats]:
    """Return the places of each user and of the one `apart` places later of the same value, and their bits."""
    one = np.arange(max(len(users.signal) - apart, 0))
    one = one[users.signal[one] == users.signal[one + apart]]
    other = one + apart
    # Times recorded in hours are up to an hour further apart than they look.
    gap = users.moment[other] - users.moment[one] + np.maximum(users.unit[one], users.unit[other])
    begins = np.searchsorted(users.signal, users.signal[one])
    ends = np.searchsorted(users.signal, users.signal[one], "right") - 1
    lower, upper = np.maximum(one - AROUND, begins), np.minimum(other + AROUND, ends)
    # The gap's own users leave the rate as it is: only those before and after it tell.
    around = np.maximum(one - lower + upper - other, 1)
    span = users.moment[one] - users.moment[lower] + users.moment[upper] - users.moment[other]
    # Of `around` + `apart` gaps of one process, these `apart` take a share of Beta(apart, around).
    by_value = betainc(float(apart), around.astype(np.float64), gap / np.maximum(gap + span, 1))
    share = (ends - begins + 1) / len(users.ordered)
    crowd = users.crowd(users.moment[one], users.moment[other], gap)
    by_population = gammainc(float(apart), crowd * share)
    bits = -np.log2(np.maximum(np.maximum(by_value, by_population), 1e-300))
    return one, other, bits


def _sort(users: _Users, one: Ints, other: Ints, bits: Floats, compared: int) -> ClosePairs:
    source = np.minimum(users.account[one], users.account[other])
    target = np.maximum(users.account[one], users.account[other])
    value = users.signal[one]
    order = np.lexsort((value, target, source))
    return ClosePairs(source[order], target[order], value[order], bits[order], compared)


def _none() -> ClosePairs:
    nothing = np.empty(0, dtype=np.int32)
    return ClosePairs(nothing, nothing, nothing, np.empty(0), 0)
