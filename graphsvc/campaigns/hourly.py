"""Clusters' traffic by the hour, and what independent accounts of the same volumes would make of it."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

HOUR = 3_600_000
WEEK = 168
MOST_HOURS = 8 * WEEK
"""Older traffic is left out: habits change, and eight weeks are more than any of the tests needs."""
RIDGE = 1.0
FITS = 4

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Traffic:
    """The traffic of a window as account-hours: an hour in which an account was active counts once.

    `hours` has account (int32), hour (counted from `begin`, hours since 1970), sorted by these; `length` is the
    window's length in hours. `total` is everybody's account-hours, shape (length,).
    """

    begin: int
    length: int
    hours: pl.DataFrame
    total: Floats


@dataclass(frozen=True, slots=True)
class Fit:
    """Observed account-hours of clusters, and expected ones with their variance if accounts act independently.

    Arrays have shape (clusters, hours) and the order of `clusters`; `variance` is 0 in hours in which no member was
    there. `summed` (clusters,) is the variance to expect of the whole, less what the fit has taken of it.
    """

    clusters: NDArray[np.int32]
    observed: Floats
    expected: Floats
    variance: Floats
    summed: Floats

    def residuals(self) -> Floats:
        """Standardised: mean 0 and variance 1 for independent accounts, 0 in hours without members."""
        there = self.variance > 0
        spread = np.sqrt(np.where(there, self.variance, 1.0))
        return np.where(there, (self.observed - self.expected) / spread, 0.0)


def traffic(activity: pl.DataFrame) -> Traffic:
    """Account-hours of the last eight weeks of `activity`: account (int32), hour (since 1970, int64)."""
    if activity.is_empty():
        none = activity.select("account", "hour")
        return Traffic(0, 0, none, np.empty(0))
    last = int(activity["hour"].max())  # type: ignore[arg-type]
    begin = max(int(activity["hour"].min()), last - MOST_HOURS + 1)  # type: ignore[arg-type]
    hours = (
        activity.filter(pl.col("hour") >= begin)
        .select("account", pl.col("hour") - begin)
        .unique()
        .sort("account", "hour")
    )
    length = last - begin + 1
    total = np.bincount(hours["hour"].to_numpy(), minlength=length).astype(np.float64)
    return Traffic(begin, length, hours, total)


def fit(members: pl.DataFrame, window: Traffic, accounts: pl.DataFrame) -> Fit:
    """What each cluster's members would do together if each kept to its volume and to the cluster's daily cycle.

    An account has its hours while it exists, spread by everybody's hour of the week; the sum is then fitted to the
    cluster by a factor that is smooth over the day (three harmonics), differs at weekends, and may follow what
    everybody else does hour by hour (an outage, a release): weighted least squares with a weak ridge. What is left
    is neither the time of day, the weekend, nor the world's.

    Args:
        members: cluster, account (int32), an account in one cluster at most, in any order.
        accounts: created_at, status, status_changed_at; a row an account.
    """
    clusters = members["cluster"].unique().sort()
    length = window.length
    places = pl.DataFrame({"cluster": clusters}).with_row_index("place")
    placed = members.select("cluster", "account").join(places, on="cluster").select("place", "account")
    acting = window.hours.join(placed, on="account")
    cells = acting["place"].to_numpy().astype(np.int64) * length + acting["hour"].to_numpy()
    observed = (
        np.bincount(cells, minlength=len(clusters) * length).reshape(len(clusters), length).astype(np.float64)
    )
    profile = weekly(window)
    exposure, squares = _exposures(acting, accounts, window, profile, len(clusters))
    others = np.maximum(window.total - observed, 0.0)
    factor, used = _factors(observed, exposure, others, _basis(window), profile)
    expected = exposure * factor
    # A sum of independent yes-or-no variables varies by Σp(1 - p): less than a Poisson one with the same mean.
    variance = np.maximum(expected - squares * factor**2, 0.05 * expected)
    whole = np.maximum(variance.sum(axis=1), 1e-9)
    # A parameter takes the variance of one hour, and more of those hours in which more happens.
    summed = np.maximum(whole - used * (variance**2).sum(axis=1) / whole, 0.1 * whole)
    return Fit(clusters.to_numpy(), observed, expected, variance, summed)


def weekly(window: Traffic) -> Floats:
    """Everybody's share of traffic by hour of the week at each hour of the window, mean 1, shape (hours,)."""
    if not window.length:
        return np.empty(0)
    of_week = (window.begin + np.arange(window.length)) % WEEK
    sums, hours = np.bincount(of_week, window.total, WEEK), np.bincount(of_week, minlength=WEEK)
    rate = window.total.mean()
    shares: Floats = ((sums + rate) / (hours * rate + rate))[of_week]
    shares /= shares.mean()
    return shares


def _exposures(
    acting: pl.DataFrame, accounts: pl.DataFrame, window: Traffic, profile: Floats, clusters: int
) -> tuple[Floats, Floats]:
    """Sums over members of p and of p², p the chance that the member acts in an hour; shape (clusters, hours)."""
    each = acting.group_by("place", "account").agg(
        n=pl.len(), first=pl.col("hour").min(), last=pl.col("hour").max()
    )
    each = each.sort("place", "account")
    who = each["account"].to_numpy()
    born = accounts["created_at"].to_numpy()[who] // HOUR - window.begin
    changed = accounts["status_changed_at"].to_numpy()[who]
    gone = (accounts["status"].to_numpy()[who] != "active") & (changed >= 0)
    ended = np.where(gone, changed // HOUR - window.begin + 1, window.length)
    start = np.clip(np.minimum(born, each["first"].to_numpy()), 0, None)
    stop = np.clip(np.maximum(ended, each["last"].to_numpy() + 1), None, window.length)
    reach = np.concatenate([[0.0], np.cumsum(profile)])
    rate = np.minimum(each["n"].to_numpy() / np.maximum(reach[stop] - reach[start], 1e-9), 1.0)
    sums = []
    for power in (1, 2):
        # A step up where an account begins and down where it ends, summed along the hours.
        steps = np.zeros(clusters * (window.length + 1))
        row = each["place"].to_numpy().astype(np.int64) * (window.length + 1)
        np.add.at(steps, row + start, rate**power)
        np.add.at(steps, row + stop, -(rate**power))
        level = np.cumsum(steps.reshape(clusters, -1), axis=1)[:, :-1]
        sums.append(np.where(level > 1e-9, level, 0.0) * profile**power)
    return sums[0], sums[1]


def _basis(window: Traffic) -> Floats:
    """Constant, three harmonics of the day, weekend, and two harmonics of the weekend; shape (hours, 12)."""
    hour = window.begin + np.arange(window.length)
    weekend = ((hour // 24 + 3) % 7 >= 5).astype(np.float64)  # 1970-01-01 was a Thursday
    angle = 2.0 * np.pi * (hour % 24) / 24.0
    daily = [f(k * angle) for k in (1, 2, 3) for f in (np.sin, np.cos)]
    columns = [np.ones(window.length), *daily, weekend, *(weekend * wave for wave in daily[:4])]
    return np.stack(columns, axis=1)


def _factors(
    observed: Floats, exposure: Floats, others: Floats, basis: Floats, profile: Floats
) -> tuple[Floats, Floats]:
    """Fitted factor on the exposure, (clusters, hours), and the parameters that the data settled, (clusters,)."""
    clusters, length = observed.shape
    columns = np.empty((clusters, length, basis.shape[1] + 1))
    columns[:, :, :-1] = basis
    level = others / np.maximum(others.mean(axis=1, keepdims=True) * profile, 1e-9)
    columns[:, :, -1] = np.clip(level, 0.0, 5.0) - 1.0
    penalty = RIDGE * np.eye(columns.shape[2])
    factor = np.ones_like(exposure)
    used = np.zeros(clusters)
    for _ in range(FITS):
        weight = exposure / factor
        weighted = np.swapaxes(columns * weight[:, :, None], 1, 2)
        normal = weighted @ columns
        gap = (observed - exposure) / factor
        right = np.einsum("chp,ch->cp", columns, np.where(exposure > 0, gap, 0.0))
        solved = np.linalg.solve(normal + penalty, np.concatenate([right[:, :, None], normal], axis=2))
        factor = np.clip(1.0 + np.einsum("chp,cp->ch", columns, solved[:, :, 0]), 0.05, 20.0)
        used = np.trace(solved[:, :, 1:], axis1=1, axis2=2)
    return factor, used
