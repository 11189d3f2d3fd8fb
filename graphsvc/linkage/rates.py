"""The rate at which accounts sign up, and how far honest sign-ups scatter around it, learned from the sign-ups at hand.

The rate follows the trend and the hours of the week. Counts around it are negative binomial: people arrive in company,
and some hours are busier for reasons that no calendar knows. Both are fitted to the bulk of the windows, so that the
bursts to be found do not hide themselves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaincc

from graphsvc.linkage.timing import DAY, HOUR, RATE_PRIOR, RESOLUTIONS, resolution
from graphsvc.model.arrays import find_starts
from graphsvc.types import Floats, Ints

WEEK = 7 * DAY
SCALES = (1_000, 4_000, 15_000, 60_000, 240_000, 900_000, HOUR, 3 * HOUR, 6 * HOUR)
"""Widths at which scatter is measured, ms. Each divides the hour or is hours: a window lies in one step of the rate."""
TREND_SIGNUPS = 64.0
"""Sign-ups that a window of the trend holds on average: its relative error is 1/8."""
LEAST_WEEKS = 4
"""Repetitions of a cycle before it is fitted."""
CAPPING_ROUNDS = 2
CAP = 3.0
"""Standard deviations, and accounts, above the rate at which a step's count is capped while the rate is fitted."""
ARRIVALS = np.array([0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 15, 30])
"""Grid of the extra variance, in units of the mean, of people who arrive in company."""
SWINGS = np.array([0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0])
"""Grid of the squared coefficient of variation of the rate itself."""
RESIDUALS = np.array([-64, -32, -16, -8, -4, -2, -1, 0, 1])
"""Standard deviations (Poisson) between which counts of crowded windows are told apart."""
PLAUSIBLE = 1.0
"""Log-likelihood below the best fit of scatter that is still considered: about 92 % one-sided confidence."""
REGULAR_BITS = 40.0
"""Bits against chance before a moment of the day, hour or minute counts as a sign of coarse recording."""


def find_units(created_at: Ints) -> Ints:
    """Return the unit that each sign-up was recorded in.

    Sources differ: some record days or hours only. Their sign-ups pile up at one moment of every day or hour, and are
    no burst. A unit counts where one remainder recurs in far more periods than chance gives.

    Args:
        created_at: (accounts,), ms since 1970, -1 = unknown.

    Returns:
        (accounts,) int64, ms; 0 for an unknown time.
    """
    units = np.zeros(len(created_at), dtype=np.int64)
    left = np.flatnonzero(created_at >= 0)
    finest = resolution(created_at[left])
    for unit in RESOLUTIONS:
        if unit <= finest or not len(left):
            break
        over = created_at[left] % unit
        values, counts = np.unique(over, return_counts=True)
        # A burst repeats a remainder within one period only: count periods, not accounts.
        common = values[np.argmax(counts)]
        at = over == common
        periods = len(np.unique(created_at[left[at]] // unit))
        chance = len(left) * finest / unit
        if _poisson_bits(periods, chance) - np.log2(len(values)) >= REGULAR_BITS:
            units[left[at]] = unit
            left = left[~at]
    units[left] = finest
    return units


def _poisson_bits(count: int, expected: float) -> float:
    """Return the bits against at least `count`, by the bound of Chernoff."""
    if count <= expected:
        return 0.0
    return float((count * np.log(count / expected) - (count - expected)) / np.log(2.0))


@dataclass(frozen=True, slots=True)
class Rate:
    """The expected number of sign-ups over time, from `fit_rate`.

    `origin` (ms) begins the first step, `step` (ms) is the length of one, `expected` (steps,) the sign-ups expected in
    each, `until` (steps + 1,) their running total.
    """

    origin: int
    step: int
    expected: Floats
    until: Floats

    def up_to(self, moment: Ints) -> Floats:
        """Return the sign-ups expected before each moment (ms); constant outside the history."""
        place = np.clip((moment - self.origin) / self.step, 0.0, len(self.expected))
        whole = np.minimum(place.astype(np.int64), len(self.expected) - 1)
        found: Floats = self.until[whole] + (place - whole) * self.expected[whole]
        return found


def fit_rate(moments: Ints, unit: int) -> Rate:
    """Learn trend and weekly cycle of sign-ups.

    The trend is a moving sum over whole weeks, shrunk to a wider one and to the whole history. The cycle multiplies it:
    hour of the day, day of the week, then hour of the week, each shrunk to what the former give. Counts far above the
    rate are capped and the rate is fitted again.

    Args:
        moments: (n,), ms since 1970, sorted; at least one.
        unit: ms, the unit that they were recorded in.
    """
    # Steps finer than the record would alternate between full and empty.
    step = max(HOUR, unit)
    origin = int(moments[0] // step * step)
    cell = (moments - origin) // step
    counts = np.bincount(cell).astype(np.float64)
    capped, expected = counts, counts
    for _ in range(CAPPING_ROUNDS + 1):
        trend = _fit_trend(capped, step)
        expected = trend * _fit_cycle(capped, trend, origin, step)
        crowded = expected >= 1.0
        # The median of a chi-squared variable of one degree of freedom is 0.455.
        scatter = (
            np.median((counts - expected)[crowded] ** 2 / expected[crowded]) / 0.455 if crowded.any() else 1.0
        )
        capped = np.minimum(counts, expected + CAP * np.sqrt(max(scatter, 1.0) * expected) + CAP)
    return Rate(origin, step, expected, np.append(0.0, np.cumsum(expected)))


def _fit_trend(counts: Floats, step: int) -> Floats:
    """Return the smooth rate a step."""
    cells = len(counts)
    until = np.append(0.0, np.cumsum(counts))
    rate = np.full(cells, max(until[-1], 1.0) / cells)
    weeks = max(1, int(np.ceil(TREND_SIGNUPS * cells / max(until[-1], 1.0) * step / WEEK)))
    place = np.arange(cells)
    # From wide to narrow, each window shrunk to the one before it by `RATE_PRIOR` sign-ups.
    for width in (8 * weeks * WEEK // step, weeks * WEEK // step):
        lower = np.maximum(place - width // 2, 0)
        upper = np.minimum(place - width // 2 + width, cells)
        rate = (until[upper] - until[lower] + RATE_PRIOR) / (upper - lower + RATE_PRIOR / rate)
    return rate


def _fit_cycle(counts: Floats, trend: Floats, origin: int, step: int) -> Floats:
    """Return what the hour and the day multiply the trend by, a step."""
    moment = origin + step * np.arange(len(counts))
    span = len(counts) * step
    day, hour = moment // DAY % 7, moment // HOUR % 24
    factor = np.ones(len(counts))
    if step < DAY and span >= LEAST_WEEKS * DAY:
        factor *= _fit_factor(counts, trend * factor, hour, 24)
    if span >= LEAST_WEEKS * WEEK:
        factor *= _fit_factor(counts, trend * factor, day, 7)
        if step < DAY:
            factor *= _fit_factor(counts, trend * factor, day * 24 + hour, 168)
    return factor


def _fit_factor(counts: Floats, expected: Floats, part: Ints, parts: int) -> Floats:
    sums = [np.bincount(part, values, minlength=parts) + RATE_PRIOR for values in (counts, expected)]
    factor: Floats = (sums[0] / sums[1])[part]
    return factor


@dataclass(frozen=True, slots=True)
class Scatter:
    """Scatter of counts around the rate, from `fit_scatter`: variance = mean · (1 + arrivals + swings · mean).

    `scales` (ms, ascending); for each the plausible pairs `arrivals`, `swings`, none below another in both.
    """

    scales: Ints
    arrivals: tuple[Floats, ...]
    swings: tuple[Floats, ...]

    def chance(self, others: NDArray[np.float64], mean: Floats, doubt: Floats, scale: int) -> Floats:
        """Return the probability that at least `others` follow a sign-up within a window.

        The distribution is that seen from a sign-up (Palm): the negative binomial of one more unit of shape.

        Args:
            others: float64, sign-ups after the first.
            mean: float64, how many are expected; parallel to `others`.
            doubt: what the error of the rate adds to variance over mean, as `mean` over the sign-ups it was learned on.
            scale: place in `scales`.
        """
        found = np.zeros(np.broadcast(others, mean).shape)
        for arrivals, swings in zip(self.arrivals[scale], self.swings[scale], strict=True):
            extra = np.maximum(arrivals + swings * mean + doubt, 1e-6)
            # The largest chance counts: a burst must stand out under every plausible scatter.
            found = np.maximum(found, betainc(others, mean / extra + 1.0, extra / (1.0 + extra)))
        return found


def fit_scatter(moments: Ints, unit: int, rate: Rate) -> Scatter:
    """Learn the scatter of counts in windows of each scale, as the bulk of the windows has it.

    Maximum likelihood, where a count well above the mean says only that it is one (censored), so that a burst weighs
    as much as any busy window.

    Args:
        moments: (n,), ms, sorted.
        unit: ms, the unit that they were recorded in.
        rate: of `fit_rate` on the same.
    """
    scales = [scale for scale in SCALES if scale >= unit] or [unit]
    pairs = [_fit_pairs(*_count_windows(moments, rate, scale)) for scale in scales]
    return Scatter(
        np.array(scales, dtype=np.int64), tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    )


def _count_windows(moments: Ints, rate: Rate, scale: int) -> tuple[Floats, Ints, Ints]:
    """Return expected and observed sign-ups of windows, and how many windows have them; equal ones in one row."""
    width = max(scale, 1)
    if width <= rate.step:
        inside = rate.step // width
        mean = rate.expected / inside
        every = np.full(len(mean), inside, dtype=np.int64)
    else:
        inside = 1
        begins = np.arange(0, len(rate.expected), width // rate.step)
        mean = np.add.reduceat(rate.expected, begins)
        every = np.ones(len(mean), dtype=np.int64)
    # Moments are sorted, and so are their windows.
    window = (moments - rate.origin) // width
    first = find_starts(window)
    window, observed = window[first], np.diff(np.append(first, len(window)))
    owner = np.minimum(window // inside, len(mean) - 1)
    # The rest are windows without sign-ups, which tell the scatter as much as full ones.
    every -= np.bincount(owner, minlength=len(mean))
    # Windows of about the same mean are counted together: four steps an octave.
    group = np.round(4.0 * np.log2(np.maximum(mean, 1e-12))).astype(np.int64)
    groups, place = np.unique(group, return_inverse=True)
    total = np.bincount(place, mean)
    typical = total / np.bincount(place)
    empty = np.bincount(place, np.maximum(every, 0), minlength=len(groups)).astype(np.int64)
    key, many = np.unique(place[owner] * (int(observed.max()) + 1) + observed, return_counts=True)
    of, count = np.divmod(key, int(observed.max()) + 1)
    return (
        np.concatenate([typical, typical[of]]),
        np.concatenate([np.zeros(len(groups), dtype=np.int64), count]),
        np.concatenate([empty, many]),
    )


def _fit_pairs(mean: Floats, observed: Ints, many: Ints) -> tuple[Floats, Floats]:
    """Return the plausible pairs of arrivals and swings."""
    lower, upper = _classes(mean, observed)
    arrivals, swings = (grid.ravel() for grid in np.meshgrid(ARRIVALS, SWINGS, indexing="ij"))
    # A row each pair: the windows are few once equal ones are counted, and 144 passes over them cost ten times as much.
    inside = _below(upper, mean, arrivals, swings) - _below(lower, mean, arrivals, swings)
    weighed = many * np.log(np.maximum(inside, 1e-300))
    # Row by row, so that the last digit does not depend on how NumPy sums two dimensions.
    fits = np.array([row.sum() for row in weighed])
    plausible = fits >= fits.max() - PLAUSIBLE
    # Of those of the same arrivals the widest swings are enough: chances rise with both.
    widest = [plausible & (arrivals == company) for company in ARRIVALS]
    most = [
        (company, swings[rows].max()) for company, rows in zip(ARRIVALS, widest, strict=True) if rows.any()
    ]
    kept = [pair for i, pair in enumerate(most) if all(pair[1] > later[1] for later in most[i + 1 :])]
    return np.array([pair[0] for pair in kept]), np.array([pair[1] for pair in kept])


def _classes(mean: Floats, observed: Ints) -> tuple[Floats, Floats]:
    """Return the class of each count as [lower, upper): every count of sparse windows, residuals of crowded ones."""
    edges = np.floor(mean[:, None] + RESIDUALS * np.sqrt(mean)[:, None]) + 1.0
    place = (observed[:, None] >= edges).sum(axis=1)
    padded = np.hstack(
        [np.full((len(mean), 1), 0.0), np.maximum(edges, 0.0), np.full((len(mean), 1), np.inf)]
    )
    rows = np.arange(len(mean))
    # In sparse windows counts from here on are censored: any of them may be a burst.
    top = np.floor(mean + np.sqrt(mean)) + 2.0
    sparse = mean < 16.0
    lower = np.where(sparse, np.minimum(observed, top), padded[rows, place])
    upper = np.where(sparse, np.where(observed >= top, np.inf, observed + 1.0), padded[rows, place + 1])
    return lower, upper


def _below(count: Floats, mean: Floats, arrivals: Floats, swings: Floats) -> Floats:
    """Return the probability of fewer than `count` under each pair of arrivals and swings.

    Args:
        count: (n,), may be infinite.
        mean: (n,).
        arrivals: (pairs,).
        swings: (pairs,).

    Returns:
        (pairs, n).
    """
    finite = np.where(np.isfinite(count), np.maximum(count, 1.0), 1.0)
    extra = np.maximum(arrivals[:, None] + swings[:, None] * mean, 1e-9)
    below = betainc(mean / extra, finite, 1.0 / (1.0 + extra))
    # Without any scatter beyond chance the negative binomial is Poisson's distribution.
    below[arrivals + swings <= 0.0] = gammaincc(finite, mean)
    found: Floats = np.where(np.isfinite(count), np.where(count <= 0, 0.0, below), 1.0)
    return found
