"""Measure clusters' traffic by the hour, and fit what independent accounts of the same volumes would send."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.arrays import expand_slices, flag_starts
from graphsvc.types import Floats, Ints

HOUR = 3_600_000
WEEK = 168
MOST_HOURS = 8 * WEEK
"""Older traffic is left out: habits change, and eight weeks are more than any of the tests needs."""
RIDGE = 1.0
FITS = 4


@dataclass(frozen=True, slots=True)
class Traffic:
    """Traffic of a window as account-hours: each hour with activity of an account counts once.

    `account` and `hour` (int32, counted from `begin`, hours since 1970) are parallel, sorted by these; `length` is the
    window's length in hours. `total` is the account-hours of all accounts, shape (length,).
    """

    begin: int
    length: int
    account: NDArray[np.int32]
    hour: NDArray[np.int32]
    total: Floats


@dataclass(frozen=True, slots=True)
class Acting:
    """Account-hours of some clusters' members.

    `clusters` are the clusters' numbers, ascending. A row a member with traffic, sorted by cluster and account: `place`
    (of the cluster), `account`, `count` (its account-hours), `first` and `last` (hours). `hour` are the members'
    account-hours one after another, `owner` the rows of those they are of.
    """

    clusters: NDArray[np.int32]
    place: Ints
    account: NDArray[np.int32]
    count: Ints
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    hour: NDArray[np.int32]
    owner: Ints


@dataclass(frozen=True, slots=True)
class Fit:
    """Observed account-hours of clusters, and expected ones with their variance if accounts act independently.

    Arrays have shape (clusters, hours) and the order of `clusters`; `variance` is 0 in hours without members. `summed`
    (clusters,) is the expected variance of the sum, less what the fit has taken of it.
    """

    clusters: NDArray[np.int32]
    observed: Floats
    expected: Floats
    variance: Floats
    summed: Floats

    def residuals(self) -> Floats:
        """Return standardised residuals: mean 0 and variance 1 for independent accounts, 0 in hours without members."""
        there = self.variance > 0
        spread = np.sqrt(np.where(there, self.variance, 1.0))
        return np.where(there, (self.observed - self.expected) / spread, 0.0)


def traffic(activity: pl.DataFrame) -> Traffic:
    """Return the account-hours of the last eight weeks of `activity`: account (int32), hour (since 1970, int64)."""
    if activity.is_empty():
        none = np.empty(0, dtype=np.int32)
        return Traffic(0, 0, none, none, np.empty(0))
    last = int(activity["hour"].max())  # type: ignore[arg-type]
    begin = max(int(activity["hour"].min()), last - MOST_HOURS + 1)  # type: ignore[arg-type]
    hour = activity["hour"].to_numpy() - begin
    # A negative hour would spill into the account's bits before it is left out.
    keys = (activity["account"].to_numpy().astype(np.int64) << 32 | np.maximum(hour, 0))[hour >= 0]
    # A graph's traffic is sorted already, and to see that is cheaper than to sort.
    if (keys[1:] < keys[:-1]).any():
        keys.sort()
    # Several models in one hour are neighbouring rows.
    keys = keys[flag_starts(keys)]
    length = last - begin + 1
    account, hours = (keys >> 32).astype(np.int32), keys.astype(np.int32)
    return Traffic(begin, length, account, hours, np.bincount(hours, minlength=length).astype(np.float64))


def coded(models: pl.Series) -> tuple[list[str], NDArray[np.uint32]]:
    """Return the models' names, sorted, and the place in them of each of `models`."""
    names = models.unique().sort()
    return names.to_list(), models.cast(pl.Enum(names)).to_physical().cast(pl.UInt32).to_numpy()


def acting(members: pl.DataFrame, window: Traffic) -> Acting:
    """Return the account-hours of `members`: cluster, account (int32), sorted, an account in one cluster at most."""
    clusters, place = np.unique(members["cluster"].to_numpy(), return_inverse=True)
    account = members["account"].to_numpy()
    low = np.searchsorted(window.account, account)
    count = np.searchsorted(window.account, account, "right") - low
    there = count > 0
    place, account, low, count = place[there], account[there], low[there], count[there]
    owner, rows = expand_slices(low, low + count)
    first, last = window.hour[low], window.hour[low + count - 1]
    return Acting(clusters, place, account, count, first, last, window.hour[rows], owner)


def fit(mine: Acting, window: Traffic, accounts: pl.DataFrame) -> Fit:
    """Fit the traffic that each cluster's members would send independently, by their volumes and daily cycle.

    An account's hours are spread over its lifetime by the hour of the week of all accounts. A factor then fits the sum
    to the cluster. It is smooth over the day (three harmonics), differs at weekends, and may follow all other accounts
    hour by hour (an outage, a release). The fit is weighted least squares with a weak ridge. Residuals are then free of
    the time of day, of the weekend, and of what all accounts do.

    Args:
        mine: of `acting`, of the same window.
        window: of `traffic`.
        accounts: created_at, status, status_changed_at; a row an account.

    Returns:
        Observed and expected account-hours, with variances.
    """
    clusters, length = len(mine.clusters), window.length
    cells = mine.place[mine.owner] * length + mine.hour
    observed = np.bincount(cells, minlength=clusters * length).reshape(clusters, length).astype(np.float64)
    profile = weekly(window)
    exposure, squares = _exposures(mine, accounts, window, profile)
    others = np.maximum(window.total - observed, 0.0)
    factor, used = _factors(observed, exposure, others, _basis(window), profile)
    expected = exposure * factor
    # A sum of independent yes-or-no variables varies by Σp(1 - p): less than a Poisson one with the same mean.
    variance = np.maximum(expected - squares * factor**2, 0.05 * expected)
    whole = np.maximum(variance.sum(axis=1), 1e-9)
    # A parameter takes the variance of one hour, and takes more from busy hours than from quiet ones.
    summed = np.maximum(whole - used * (variance**2).sum(axis=1) / whole, 0.1 * whole)
    return Fit(mine.clusters, observed, expected, variance, summed)


def weekly(window: Traffic) -> Floats:
    """Return the share of all traffic by hour of the week, at each hour of the window; mean 1, shape (hours,)."""
    if not window.length:
        return np.empty(0)
    of_week = (window.begin + np.arange(window.length)) % WEEK
    sums, hours = np.bincount(of_week, window.total, WEEK), np.bincount(of_week, minlength=WEEK)
    rate = window.total.mean()
    # One hour at the mean rate is added, so that an hour of the week that was seen once stays near 1.
    shares: Floats = ((sums + rate) / (hours * rate + rate))[of_week]
    shares /= shares.mean()
    return shares


def _exposures(
    mine: Acting, accounts: pl.DataFrame, window: Traffic, profile: Floats
) -> tuple[Floats, Floats]:
    """Sum p and p² over members, p the chance that the member acts in an hour; shape (clusters, hours) each."""
    who, clusters = mine.account, len(mine.clusters)
    born = accounts["created_at"].to_numpy()[who] // HOUR - window.begin
    changed = accounts["status_changed_at"].to_numpy()[who]
    gone = (accounts["status"].gather(who) != "active").to_numpy() & (changed >= 0)
    ended = np.where(gone, changed // HOUR - window.begin + 1, window.length)
    # Traffic before the sign-up or after the ban proves that the account was there: recorded times may be wrong.
    start = np.clip(np.minimum(born, mine.first), 0, None)
    stop = np.clip(np.maximum(ended, mine.last + 1), None, window.length)
    reach = np.concatenate([[0.0], np.cumsum(profile)])
    # A chance is at most 1, which a busy account with a short life would exceed.
    rate = np.minimum(mine.count / np.maximum(reach[stop] - reach[start], 1e-9), 1.0)
    sums = []
    for power in (1, 2):
        # A step up where an account begins and down where it ends, summed along the hours.
        steps = np.zeros(clusters * (window.length + 1))
        row = mine.place * (window.length + 1)
        np.add.at(steps, row + start, rate**power)
        np.add.at(steps, row + stop, -(rate**power))
        level = np.cumsum(steps.reshape(clusters, -1), axis=1)[:, :-1]
        # Steps up and down leave a rounding error where no member is there.
        sums.append(np.where(level > 1e-9, level, 0.0) * profile**power)
    return sums[0], sums[1]


def _basis(window: Traffic) -> Floats:
    """Return a constant, three harmonics of the day, weekend, and two harmonics of the weekend; shape (hours, 12)."""
    hour = window.begin + np.arange(window.length)
    weekend = ((hour // 24 + 3) % 7 >= 5).astype(np.float64)  # 1970-01-01 was a Thursday
    angle = 2.0 * np.pi * (hour % 24) / 24.0
    daily = [f(k * angle) for k in (1, 2, 3) for f in (np.sin, np.cos)]
    columns = [np.ones(window.length), *daily, weekend, *(weekend * wave for wave in daily[:4])]
    return np.stack(columns, axis=1)


def _factors(
    observed: Floats, exposure: Floats, others: Floats, basis: Floats, profile: Floats
) -> tuple[Floats, Floats]:
    """Fit the factor on the exposure, (clusters, hours), and count the parameters the data settled, (clusters,)."""
    clusters, length = observed.shape
    columns = np.empty((clusters, length, basis.shape[1] + 1))
    columns[:, :, :-1] = basis
    level = others / np.maximum(others.mean(axis=1, keepdims=True) * profile, 1e-9)
    columns[:, :, -1] = np.clip(level, 0.0, 5.0) - 1.0
    penalty = RIDGE * np.eye(columns.shape[2])
    factor = np.ones_like(exposure)
    used = np.zeros(clusters)
    for _ in range(FITS):
        # Iteratively reweighted: the variance of an hour is its mean, exposure · factor, which changes with the fit.
        weight = exposure / factor
        weighted = np.swapaxes(columns * weight[:, :, None], 1, 2)
        normal = weighted @ columns
        gap = (observed - exposure) / factor
        right = np.einsum("chp,ch->cp", columns, np.where(exposure > 0, gap, 0.0))
        solved = np.linalg.solve(normal + penalty, np.concatenate([right[:, :, None], normal], axis=2))
        # The next round divides by the factor, and a linear fit may make it 0 or negative.
        factor = np.clip(1.0 + np.einsum("chp,cp->ch", columns, solved[:, :, 0]), 0.05, 20.0)
        # The trace of the hat matrix: a parameter that the ridge holds back counts as a part of one.
        used = np.trace(solved[:, :, 1:], axis1=1, axis2=2)
    return factor, used
