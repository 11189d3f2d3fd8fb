"""Find bursts: intervals with far more sign-ups than the rate of that moment explains.

A scan statistic with variable windows (Naus 1965; Kulldorff 1997): from every sign-up to the second, third, sixth next
and so on, the time that passed is compared with the rate, at scales from seconds to hours. A burst says that sign-ups
are coordinated. Classes, offices and events burst too: hostility is decided elsewhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphsvc.linkage.rates import Rate, Scatter, find_units, fit_rate, fit_scatter
from graphsvc.linkage.timing import HOUR
from graphsvc.types import Floats, Ints

FALSE_BURSTS = 0.05
"""False bursts expected in a population without any, unless the caller says otherwise."""
LEAST_ACCOUNTS = 4
"""Accounts of a burst. Couples sign up together in every population; the scatter knows them as arrivals."""
MAX_WIDTH = 6 * HOUR
"""Width of the widest window, ms: what lasts longer is trend, which is learned over a week."""
LEVELS_AN_OCTAVE = 2
"""Sizes of windows between a size and its double: a burst has 1.41 times the accounts of a window in it at most."""
FLANK = 2
"""Length of the surrounding on either side, in widths of the window."""
FLANK_PRIOR = 16.0
"""Sign-ups at the fitted rate that the surrounding's rate is shrunk by. Synthetic sign-ups, 8 seeds: 4, 16 and
64 find 47, 74 and 89 % of planted bursts, and take 0, 0.25 and 0.9 pieces of an honest surge for a burst."""
REFINEMENTS = 4
"""Rounds in which a burst's ends are moved, left and right in turn."""
MOST_BITS = 1000.0


@dataclass(frozen=True, slots=True)
class Bursts:
    """Bursts of sign-ups, of `find_bursts`, sorted by start, then end.

    Attributes:
        burst: (accounts,) int32, the number of the burst each account is in, -1 = none.
        start, end: (bursts,) int64, ms since 1970, first and last sign-up. Disjoint among times recorded in one unit.
        unit: (bursts,) int64, ms, the unit that these times were recorded in.
        observed: (bursts,) int64, accounts.
        expected: (bursts,) float64, accounts by the local rate.
        bits: (bursts,) float64, -log2 of the expected number of false bursts at least as strong, all windows counted.
        windows: windows looked at.
    """

    burst: NDArray[np.int32]
    start: Ints
    end: Ints
    unit: Ints
    observed: Ints
    expected: Floats
    bits: Floats
    windows: int

    def says(self) -> list[str]:
        """Return a sentence for each burst."""
        spans = (self.end - self.start + self.unit).tolist()
        return [
            f"{count} accounts signed up within {_describe_span(span)}; {mean:.2g} would at the rate of that time"
            for span, count, mean in zip(spans, self.observed.tolist(), self.expected.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Scan:
    """One population whose sign-ups were recorded in one unit: `moments` sorted, and what is expected of them."""

    moments: Ints
    unit: int
    rate: Rate
    scatter: Scatter

    def width_limit(self) -> int:
        return max(MAX_WIDTH, self.unit)

    def expected(self, start: Ints, end: Ints) -> Floats:
        """Return the sign-ups expected from the moment `start` to that of `end`, both included."""
        return self.rate.up_to(end + self.unit) - self.rate.up_to(start)

    def surrounded(self, start: Ints, end: Ints) -> tuple[Floats, Floats]:
        """Return what the surroundings multiply the rate by, 1 at least, and the sign-ups this was learned on.

        The busier of both sides counts: a burst stands out from what came before and from what comes after.
        """
        after = end + self.unit
        reach = FLANK * (after - start)
        best = np.ones(len(start))
        weight = np.full(len(start), FLANK_PRIOR)
        for lower, upper in ((start - reach, start), (after, after + reach)):
            found = np.searchsorted(self.moments, upper) - np.searchsorted(self.moments, lower)
            mean = self.rate.up_to(upper) - self.rate.up_to(lower)
            factor = (found + FLANK_PRIOR) / (mean + FLANK_PRIOR)
            higher = factor > best
            best = np.where(higher, factor, best)
            weight = np.where(higher, found + FLANK_PRIOR, weight)
        return best, weight


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows of a scan: places of first and last sign-up, and the chance of as many within as short a time."""

    first: Ints
    last: Ints
    chance: Floats

    def rows(self, which: NDArray[np.bool_] | Ints) -> "_Windows":
        return _Windows(self.first[which], self.last[which], self.chance[which])


def find_bursts(
    created_at: Ints,
    *,
    false_bursts: float = FALSE_BURSTS,
    discoveries: bool = False,
    least_accounts: int = LEAST_ACCOUNTS,
) -> Bursts:
    """Find bursts of sign-ups.

    Args:
        created_at: (accounts,) int64, ms since 1970, -1 = unknown; in any order.
        false_bursts: false bursts expected in all, which bounds the probability of any (family-wise, Bonferroni).
        discoveries: `false_bursts` is the share of false ones among the bursts found instead (Benjamini & Hochberg
            1995), with every window looked at counted as a hypothesis.
        least_accounts: accounts of a burst, 2 at least.

    Returns:
        The bursts; the same sets of accounts whatever the order of the rows.
    """
    units = find_units(created_at)
    scans, members = [], []
    for unit in np.unique(units[units > 0]):
        rows = np.flatnonzero(units == unit)
        order = rows[np.argsort(created_at[rows], kind="stable")]
        # Fewer sign-ups than a burst and one more teach no rate.
        if len(order) > least_accounts:
            moments = created_at[order]
            rate = fit_rate(moments, int(unit))
            scans.append(_Scan(moments, int(unit), rate, fit_scatter(moments, int(unit), rate)))
            members.append(order)
    levels = [_sizes(scan, least_accounts) for scan in scans]
    windows = sum(len(scan.moments) * len(sizes) for scan, sizes in zip(scans, levels, strict=True))
    # What could pass at all: where discoveries are counted, as many as there is room for.
    room = len(created_at) / least_accounts if discoveries else 1.0
    parts = []
    for scan, sizes, order in zip(scans, levels, members, strict=True):
        chosen = _select(scan, _find_windows(scan, sizes, min(false_bursts * room / windows, 0.5)))
        parts.append(_describe(scan, chosen, order, windows))
    return _number(parts, len(created_at), windows, np.log2(1.0 / false_bursts), discoveries)


def _sizes(scan: _Scan, least: int) -> list[int]:
    """Return how many accounts the windows of each level have, up to the most that one window holds."""
    ends = np.searchsorted(scan.moments, scan.moments + scan.width_limit() - scan.unit, "right")
    most = int((ends - np.arange(len(scan.moments))).max())
    sizes = [least]
    while sizes[-1] < most:
        larger = least * 2.0 ** (len(sizes) / LEVELS_AN_OCTAVE)
        sizes.append(max(sizes[-1] + 1, round(larger)))
    # The last size may exceed the fullest window: no window would have it.
    return sizes[:-1] if len(sizes) > 1 and sizes[-1] > most else sizes


def _find_windows(scan: _Scan, sizes: list[int], most: float) -> _Windows:
    """Return the windows of chance `most` at most."""
    parts = [_Windows(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    before = scan.rate.up_to(scan.moments)
    after = scan.rate.up_to(scan.moments + scan.unit)
    sizes = [size for size in sizes if size <= len(scan.moments)]
    limits = _limits(scan.scatter, np.array(sizes, dtype=np.float64) - 1.0, most)
    for size, limit in zip(sizes, limits, strict=True):
        others = size - 1
        width = scan.moments[others:] - scan.moments[: len(scan.moments) - others] + scan.unit
        scale = np.minimum(np.searchsorted(scan.scatter.scales, width), len(scan.scatter.scales) - 1)
        # The surroundings can only raise the chance: at the fitted rate, nearly all windows drop out unseen.
        mean = after[others:] - before[: len(before) - others]
        first = np.flatnonzero((width <= scan.width_limit()) & (mean <= limit[scale]))
        last = first + others
        factor, weight = scan.surrounded(scan.moments[first], scan.moments[last])
        higher = mean[first] * factor
        chance = np.empty(len(first))
        for level in np.unique(scale[first]):
            rows = scale[first] == level
            chance[rows] = scan.scatter.chance(
                np.full(int(rows.sum()), float(others)), higher[rows], higher[rows] / weight[rows], int(level)
            )
        parts.append(_Windows(first, last, chance).rows(chance <= most))
    return _Windows(
        *(
            np.concatenate(arrays)
            for arrays in zip(*((p.first, p.last, p.chance) for p in parts), strict=True)
        )
    )


def _limits(scatter: Scatter, others: Floats, most: float) -> Floats:
    """Return the largest mean at which `others` have a chance of `most` at most, by bisection.

    Args:
        scatter: of the sign-ups.
        others: (sizes,), sign-ups after the first.
        most: the chance.

    Returns:
        (sizes, scales).
    """
    limits = np.empty((len(others), len(scatter.scales)))
    for scale in range(len(scatter.scales)):
        # All sizes at once: each has its own interval, and forty halvings take as many calls for one as for all.
        low, high = np.full(len(others), -60.0), np.log2(others)
        for _ in range(40):
            middle = (low + high) / 2.0
            passes = scatter.chance(others, _raise_two(middle), np.zeros(1), scale) <= most
            low, high = np.where(passes, middle, low), np.where(passes, high, middle)
        limits[:, scale] = np.where(low > -60.0, _raise_two(high), 0.0)
    return limits


def _raise_two(exponents: Floats) -> Floats:
    """Return powers of two, each as Python has it: NumPy's last digit depends on the processor."""
    return np.array([2.0**exponent for exponent in exponents.tolist()])


def _select(scan: _Scan, windows: _Windows) -> _Windows:
    """Return disjoint windows, the least likely first chosen, each with its ends moved to where it stands out most."""
    chosen = []
    order = np.lexsort((windows.last, windows.first, windows.chance))
    windows = windows.rows(order)
    while len(windows.first):
        stretch = _stretches(windows)
        # The first of each stretch is its least likely.
        _, best = np.unique(stretch, return_index=True)
        lower = np.full(len(best), np.iinfo(np.int64).max)
        upper = np.zeros(len(best), dtype=np.int64)
        np.minimum.at(lower, stretch, windows.first)
        np.maximum.at(upper, stretch, windows.last)
        refined = _refine(scan, windows.rows(best), lower, upper)
        chosen.append(refined)
        left = (windows.last < refined.first[stretch]) | (windows.first > refined.last[stretch])
        windows = windows.rows(left)
    if not chosen:
        return windows
    return _Windows(
        *(np.concatenate([getattr(part, name) for part in chosen]) for name in ("first", "last", "chance"))
    )


def _stretches(windows: _Windows) -> Ints:
    """Return the number of the stretch of overlapping windows that each is in."""
    order = np.lexsort((windows.last, windows.first))
    reach = np.maximum.accumulate(windows.last[order])
    begins = np.append(True, windows.first[order][1:] > reach[:-1])
    stretch = np.empty(len(order), dtype=np.int64)
    stretch[order] = np.cumsum(begins) - 1
    return stretch


def _refine(scan: _Scan, windows: _Windows, lower: Ints, upper: Ints) -> _Windows:
    """Move the ends of windows, within `lower` and `upper`, to where Kulldorff's likelihood ratio is largest."""
    first, last = windows.first.copy(), windows.last.copy()
    factor, _ = scan.surrounded(scan.moments[first], scan.moments[last])
    limit = scan.width_limit() - scan.unit
    for i in range(len(first)):
        reach = int(last[i] - first[i])
        # One end at a time: to try all pairs of ends would cost the square of the accounts.
        for turn in range(REFINEMENTS):
            if turn % 2 == 0:
                ends = np.arange(max(lower[i], first[i] - reach), (first[i] + last[i]) // 2 + 1)
                ends = ends[scan.moments[ends] >= scan.moments[last[i]] - limit]
                gain = _stand_out(scan, ends, np.full(len(ends), last[i]), factor[i])
                first[i] = ends[np.argmax(gain)]
            else:
                ends = np.arange((first[i] + last[i] + 1) // 2, min(upper[i], last[i] + reach) + 1)
                ends = ends[scan.moments[ends] <= scan.moments[first[i]] + limit]
                gain = _stand_out(scan, np.full(len(ends), first[i]), ends, factor[i])
                last[i] = ends[len(ends) - 1 - np.argmax(gain[::-1])]
    return _Windows(first, last, windows.chance)


def _stand_out(scan: _Scan, first: Ints, last: Ints, factor: float) -> Floats:
    """Return the log-likelihood ratio of windows (Kulldorff 1997, Poisson model), of the sign-ups after the first."""
    mean = np.maximum(scan.expected(scan.moments[first], scan.moments[last]) * factor, 1e-12)
    others = np.maximum(last - first, 1).astype(np.float64)
    ratio: Floats = np.where(others > mean, others * np.log(others / mean) - (others - mean), 0.0)
    return ratio


@dataclass(frozen=True, slots=True)
class _Part:
    """Bursts of one scan, with the accounts of each in one piece after the other."""

    start: Ints
    end: Ints
    unit: Ints
    expected: Floats
    bits: Floats
    account: Ints
    observed: Ints


def _describe(scan: _Scan, windows: _Windows, order: Ints, looked_at: int) -> _Part:
    """Return the bursts that windows are, every account at the first and the last moment among them."""
    start, end = scan.moments[windows.first], scan.moments[windows.last]
    first = np.searchsorted(scan.moments, start)
    observed = np.searchsorted(scan.moments, end, "right") - first
    factor, _ = scan.surrounded(start, end)
    place = np.repeat(first - (np.cumsum(observed) - observed), observed) + np.arange(observed.sum())
    # Bonferroni: the number of windows looked at comes off the bits of each.
    bits = -np.log2(np.maximum(windows.chance, 2.0**-MOST_BITS)) - np.log2(max(looked_at, 1))
    unit = np.full(len(start), scan.unit, dtype=np.int64)
    return _Part(start, end, unit, scan.expected(start, end) * factor, bits, order[place], observed)


def _number(parts: list[_Part], accounts: int, windows: int, least_bits: float, discoveries: bool) -> Bursts:
    """Return the bursts of all scans that pass, numbered by start, end and unit."""
    names = ("start", "end", "unit", "observed", "expected", "bits")
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        blank = np.empty(0)
        return Bursts(np.full(accounts, -1, np.int32), nothing, nothing, nothing, nothing, blank, blank, 0)
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    account = np.concatenate([part.account for part in parts])
    owner = np.repeat(np.arange(len(columns["start"])), columns["observed"])
    needed = np.full(len(columns["bits"]), least_bits)
    if discoveries and len(needed):
        # Benjamini & Hochberg: the largest rank at which that many false ones are the allowed share.
        ranked = np.sort(columns["bits"])[::-1]
        enough = np.flatnonzero(ranked >= least_bits - np.log2(np.arange(1, len(ranked) + 1)))
        needed[:] = ranked[enough[-1]] if len(enough) else np.inf
    passes = columns["bits"] >= needed
    order = np.lexsort((columns["unit"], columns["end"], columns["start"]))
    order = order[passes[order]]
    number = np.full(len(passes), -1, dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    burst = np.full(accounts, -1, dtype=np.int32)
    burst[account] = number[owner]
    return Bursts(burst=burst, windows=windows, **{name: columns[name][order] for name in names})


def _describe_span(span: int) -> str:
    for unit, name in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")):
        if span >= unit:
            count = round(span / unit)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "a second"
