"""Measure signs of one operator in clusters' hourly traffic: balanced load, sleepless days, joint bursts and moves.

Each part is a likelihood ratio in bits between campaigns and honest groups. Some campaigns do such a thing and others
do not, so that its absence costs a bit at most. Honest groups have a daily cycle, weekends and habits of their own.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.hourly import Acting, Fit, Traffic, acting, coded, fit, traffic
from graphsvc.types import Floats, Ints, Progress, ignore_progress

PARTS = ("balance", "sleepless", "bursts", "moves")
"""Names of the parts; each can be left out."""
MOST_BITS = {"balance": 5.0, "sleepless": 2.0, "bursts": 2.0, "moves": 5.0}
DOING = {"balance": 0.5, "sleepless": 0.5, "bursts": 0.1, "moves": 0.4}
"""Share of campaigns presumed to do what a part looks for: what is not found costs them log2(1 - share) at most."""
HONEST_FLAT = (0.0, 0.15, 0.3)
"""Shares of a flat profile that honest groups may have: people's evenings against the offices' days in that of all."""
SHARED_WITHIN = 0.2
"""Correlation of an account's hours with each other: a hundred hours of one account are not a hundred witnesses."""
# Bounds the memory: the fit holds a matrix of clusters by hours for each of its columns.
CLUSTERS_AT_A_TIME = 200
LONGEST_RESIDUAL = 5.0
"""One hour does not make a cluster bursty: a workshop, a deadline."""
HONEST_SPREAD = 1.5
"""Variance, of that of independent accounts, that habits of honest groups are allowed."""
RELEASE_HOURS = 24
LEAST_NEW = 20
"""Account-hours that a model must have to count as one."""
HONEST_GROUPS = 40.0
"""Likeness of honest groups in taking up a release: concentration of a beta distribution around the share of all."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days of all accounts, which a cluster's days are compared with.

    `country` has each account's number of its country, `cell` (hours of the window) the hour of the day, plus 24 at
    weekends. `population` are account-hours by country and cell, shape (countries, 48), `flat` (48,) the share of the
    window that each cell has.
    """

    country: Ints
    cell: Ints
    population: Floats
    flat: Floats


RESULT = {
    "cluster": pl.Int32,
    "part": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "account_hours": pl.Int64,
    "bits": pl.Float64,
    "says": pl.String,
}


def traffic_evidence(
    members: pl.DataFrame,
    activity: pl.DataFrame,
    accounts: pl.DataFrame,
    parts: Collection[str] = PARTS,
    progress: Progress = ignore_progress,
) -> pl.DataFrame:
    """Measure all parts of clusters' traffic, with the numbers behind them.

    - `balance`: variance of the cluster's sum over what independent accounts would give (`expected` 1). Load dealt
      out over accounts makes the sum smoother than that, while no two accounts look alike.
    - `sleepless`: share of the daily cycle that is missing (0: people's, 1: none; `expected` 0).
    - `bursts`: variance beyond the daily and weekly habits of the cluster, over that of independent accounts.
    - `moves`: share of account-hours on a new model in the first 24 hours after its release; `expected`: that of all
      outside.

    Args:
        members: cluster, account (int32), an account in one cluster at most, in any order.
        activity: account (int32), hour (since 1970), model, requests; quickest where sorted by these.
        accounts: created_at, status, status_changed_at (ms, -1 = not known), country; a row an account.
        parts: those to compute, of `PARTS`.
        progress: called with "traffic", clusters done, and clusters in all; may raise.

    Returns:
        Schema `RESULT`, a row a cluster and part, sorted by cluster, then in the order of `PARTS`. Clusters without
        traffic have no rows, and `moves` has none when no model was released.
    """
    window = traffic(activity)
    members = members.select("cluster", "account").sort("cluster", "account")
    clusters = members["cluster"].unique().sort()
    days = days_of(window, accounts["country"]) if "sleepless" in parts else None
    found = [pl.DataFrame(schema=RESULT)]
    for start in range(0, len(clusters) if window.length else 0, CLUSTERS_AT_A_TIME):
        progress("traffic", start, len(clusters))
        some = clusters[start : start + CLUSTERS_AT_A_TIME]
        mine = acting(members.filter(pl.col("cluster").is_between(some[0], some[-1])), window)
        if {"balance", "bursts"} & set(parts):
            fitted = fit(mine, window, accounts)
            found += [balance(fitted)] * ("balance" in parts) + [bursts(fitted)] * ("bursts" in parts)
        if days is not None:
            found.append(sleepless(mine, days))
    if "moves" in parts and window.length:
        found.append(moves(members, activity))
    progress("traffic", len(clusters), len(clusters))
    order = pl.Enum(PARTS)
    return pl.concat(found).filter(pl.col("account_hours") > 0).sort("cluster", pl.col("part").cast(order))


def balance(fitted: Fit) -> pl.DataFrame:
    """Measure `balance`: the pooled variance against the summed one.

    The ratio is φ times chi-squared by its degrees of freedom. φ is 1 for independent accounts, more for honest ones
    (they come in sessions), and below 1 under a load balancer. The bits average over φ from .1 to .95. Degrees of
    freedom are those of a sum of Poisson squares (Satterthwaite), fewer where hours resemble their neighbours.
    """
    ratio = ((fitted.observed - fitted.expected) ** 2 * (fitted.variance > 0)).sum(axis=1) / fitted.summed
    freedom = _effective(fitted)
    spreads = np.linspace(0.1, 0.95, 18)[:, None]
    bits = _averaged(0.5 * freedom * (-np.log(spreads) - ratio * (1.0 / spreads - 1.0)))
    says = pl.format(
        "hourly traffic varies {} times as much as that of independent accounts would (less than 1: load is dealt out)",
        pl.col("observed").round(2),
    )
    return _rows(
        fitted.clusters, "balance", ratio, np.ones(len(ratio)), fitted.observed.sum(axis=1), bits, says
    )


def bursts(fitted: Fit) -> pl.DataFrame:
    """Measure `bursts`: hours of joint activity that neither the clock, nor the calendar, nor others explain.

    Activity that comes again at the same hour of another week (of another day, where there is no second week) is a
    habit, and is taken off. The products of residuals a week apart estimate its variance without bias (split-half).
    """
    residuals = np.clip(fitted.residuals(), -LONGEST_RESIDUAL, LONGEST_RESIDUAL)
    hours = residuals.shape[1]
    lag = 168 if hours >= 2 * 168 else 24
    habit = (
        np.maximum((residuals[:, lag:] * residuals[:, :-lag]).mean(axis=1), 0.0)
        if hours >= 2 * lag
        else np.zeros(len(residuals))
    )
    ratio = np.maximum((residuals**2 * fitted.variance).sum(axis=1) / fitted.summed - habit, 0.0)
    freedom = 0.5 * _effective(fitted)
    spreads = np.geomspace(2.0, 64.0, 16)[:, None]
    bits = _averaged(
        0.5 * freedom * (np.log(HONEST_SPREAD / spreads) + ratio * (1.0 / HONEST_SPREAD - 1.0 / spreads))
    )
    says = pl.format(
        "members act in the same hours: {} times the variance that independent accounts with their habits would have",
        pl.col("observed").round(2),
    )
    expected = np.ones(len(ratio))
    return _rows(fitted.clusters, "bursts", ratio, expected, fitted.observed.sum(axis=1), bits, says)


def days_of(window: Traffic, country: pl.Series) -> Days:
    """Count the days of all accounts in a window; `country` has a row an account, '' or null = not known."""
    number = country.fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
    hour = window.begin + np.arange(window.length, dtype=np.int64)
    # 1970-01-01 was a Thursday.
    cell = hour % 24 + 24 * ((hour // 24 + 3) % 7 >= 5)
    width = int(number.max(initial=0)) + 1
    counts = np.bincount(number[window.account] * 48 + cell[window.hour], minlength=width * 48)
    flat = np.bincount(cell, minlength=48) / max(window.length, 1)
    return Days(number, cell, counts.reshape(width, 48).astype(np.float64), flat)


def sleepless(mine: Acting, days: Days) -> pl.DataFrame:
    """Measure `sleepless`: traffic that has less of a night than that of others in the same countries.

    The null is the others' profile by hour of the day and weekend, weighed by the members' declared countries. It is
    shifted by the whole hours that fit best (people who are not where they say, night shifts). It is flattened by one
    of the shares in `HONEST_FLAT`, whichever fits best. The alternative mixes it with a flat one. An account's hours
    are not independent and count as fewer.
    """
    clusters, width = len(mine.clusters), len(days.population)
    index = (mine.place * width + days.country[mine.account])[mine.owner] * 48 + days.cell[mine.hour]
    own = np.bincount(index, minlength=clusters * width * 48).reshape(clusters, width, 48).astype(np.float64)
    seen = own.sum(axis=1)
    counts = seen.sum(axis=1)
    worth = mine.count / (1.0 + (mine.count - 1.0) * SHARED_WITHIN)
    witnesses = np.bincount(mine.place, worth, minlength=clusters)
    expected = _profile(own, np.maximum(days.population - own, 0.0), days.flat)
    share, bits = _mixed(seen * (witnesses / np.maximum(counts, 1.0))[:, None], expected, days.flat)
    says = pl.format(
        "traffic lacks {} % of the daily cycle that others of the same countries have",
        (100.0 * pl.col("observed")).round(0).cast(pl.Int64),
    )
    return _rows(mine.clusters, "sleepless", share, np.zeros(clusters), counts, bits, says)


def releases(activity: pl.DataFrame) -> pl.DataFrame:
    """Find the models released within the window: model, released (hour since 1970), sorted by model.

    The release is the first hour with a twentieth of the model's busiest hour, so that a few early testers do not
    count. It must come a day or more after the first hour of all: before that, the data do not tell what was new.
    """
    names, model = coded(activity["model"])
    begin, length = _span(activity)
    hour = activity["hour"].to_numpy() - begin
    counts = np.bincount(model * np.int64(length) + hour, minlength=len(names) * length)
    counts = counts.reshape(len(names), length)
    # An hour without any use is not one of the model's hours, however seldom it is used.
    busy = (counts > 0) & (counts >= 0.05 * counts.max(axis=1, keepdims=True))
    released = busy.argmax(axis=1)
    new = (released >= 24) & (counts.sum(axis=1) >= LEAST_NEW) & np.array([name != "" for name in names])
    return pl.DataFrame(
        {
            "model": [name for name, is_new in zip(names, new, strict=True) if is_new],
            "released": begin + released[new],
        },
        schema={"model": pl.String, "released": pl.Int64},
    )


def moves(members: pl.DataFrame, activity: pl.DataFrame) -> pl.DataFrame:
    """Measure `moves`: how much of a cluster's traffic went to a new model within 24 hours of its release.

    Null: the share of an honest group is beta distributed around that of all outside; alternative: any share above it.
    Both beta-binomial, on a number of hours lowered for those of one account.
    """
    new = releases(activity)
    if new.is_empty():
        return pl.DataFrame(schema=RESULT)
    names, model = coded(activity["model"])
    account, hour = activity["account"].to_numpy(), activity["hour"].to_numpy()
    size = 1 + max(int(frame["account"].max() or 0) for frame in (activity, members))  # type: ignore[arg-type]
    hours, on_it = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for name, released in new.iter_rows():
        rows = np.flatnonzero((hour >= released) & (hour < released + RELEASE_HOURS))
        hours += np.bincount(account[rows], minlength=size)
        on_it += np.bincount(account[rows[model[rows] == names.index(name)]], minlength=size)
    # Summed by numpy in the order of accounts: the same to the last digit whatever the number of threads.
    mine = members.select("cluster", "account").sort("cluster", "account")
    clusters, place = np.unique(mine["cluster"].to_numpy(), return_inverse=True)
    who = mine["account"].to_numpy()
    each = [hours[who].astype(np.float64), on_it[who].astype(np.float64)]
    each.append(each[0] / (1.0 + (each[0] - 1.0) * SHARED_WITHIN))
    sums = [np.bincount(place, x, minlength=len(clusters)).astype(np.float64) for x in each]
    n, moved, worth = sums
    all_n, all_moved = float(hours.sum()), float(on_it.sum())
    # Half an account-hour is added (Krichevsky & Trofimov 1981), so that no share is 0 or 1.
    expected = (all_moved - moved + 0.5) / (all_n - n + 1.0)
    observed = moved / np.maximum(n, 1.0)
    bits = _above(observed * worth, worth, expected)
    says = pl.format(
        "{} % of traffic was on a new model within 24 hours of its release ({} % of all others')",
        (100.0 * pl.col("observed")).round(0).cast(pl.Int64),
        (100.0 * pl.col("expected")).round(0).cast(pl.Int64),
    )
    return _rows(clusters, "moves", observed, expected, n, bits, says)


def _rows(
    clusters: NDArray[np.int32],
    part: str,
    observed: Floats,
    expected: Floats,
    hours: Floats,
    bits: Floats,
    says: pl.Expr,
) -> pl.DataFrame:
    """Return the frame of a part: bits, given that only a share of campaigns (`DOING`) does it, capped."""
    mixed = np.logaddexp2(np.log2(1.0 - DOING[part]), np.log2(DOING[part]) + bits)
    return pl.DataFrame(
        {
            "cluster": clusters,
            "part": np.full(len(clusters), part),
            "observed": observed,
            "expected": expected,
            "account_hours": hours.astype(np.int64),
            "bits": np.minimum(mixed, MOST_BITS[part]),
        },
        schema_overrides={"part": pl.String},
    ).with_columns(says=says)


def _averaged(nats: Floats) -> Floats:
    """Return log2 of the mean of exp(nats) over the first axis."""
    # Log-sum-exp: large terms overflow as powers.
    top = nats.max(axis=0)
    averaged: Floats = (top + np.log(np.exp(nats - top).mean(axis=0))) / np.log(2.0)
    return averaged


def _effective(fitted: Fit) -> Floats:
    """Estimate the degrees of freedom of the ratio of variances, (clusters,)."""
    there = fitted.variance > 0
    squares = (fitted.variance**2).sum(axis=1)
    freedom = 2.0 * fitted.summed**2 / np.maximum(2.0 * squares + fitted.variance.sum(axis=1), 1e-9)
    residuals = fitted.residuals()
    hours = np.maximum(there.sum(axis=1), 1.0)
    power = np.maximum((residuals**2).sum(axis=1), 1e-9)
    alike = np.zeros(len(residuals))
    # Hours that resemble each other are no independent witnesses. Noise alone squares to 1 / hours on average.
    for lag in range(1, min(25, residuals.shape[1])):
        correlation = (residuals[:, lag:] * residuals[:, :-lag]).sum(axis=1) / power
        alike += np.maximum(correlation**2 - 2.0 / hours, 0.0)
    effective: Floats = freedom / (1.0 + 2.0 * alike)
    return effective


def _span(activity: pl.DataFrame) -> tuple[int, int]:
    """Return the first hour of `activity` (since 1970), and the number of hours up to the last."""
    begin, last = int(activity["hour"].min()), int(activity["hour"].max())  # type: ignore[arg-type]
    return begin, last - begin + 1


def _profile(own: Floats, others: Floats, flat: Floats) -> Floats:
    """Return the profiles of the others, by the countries of each cluster: shape (clusters, 48), sums 1."""
    whole = others.sum(axis=1) + 48.0 * flat
    whole /= whole.sum(axis=1, keepdims=True)
    # Fifty account-hours of all countries steady the profile of a country with few.
    of_country = (others + 50.0 * whole[:, None]) / (others.sum(axis=2, keepdims=True) + 50.0)
    # A cluster without traffic has no profile; anything does.
    profile: Floats = np.einsum("cw,cwk->ck", np.maximum(own.sum(axis=2), 1e-9), of_country)
    profile /= profile.sum(axis=1, keepdims=True)
    return profile


def _mixed(counts: Floats, profile: Floats, flat: Floats) -> tuple[Floats, Floats]:
    """Fit the share of a flat profile in the mixture, and weigh the mixture against the best honest profile.

    Args:
        counts: (clusters, 48) float64, account-hours by cell.
        profile: (clusters, 48) float64, expected shares, sums 1.
        flat: (48,) float64, share of the window that each cell has.

    Returns:
        The share, and the bits of the mixture; float64, (clusters,) each.
    """
    there = flat > 0
    # All shifts by whole hours; weekdays and weekends are turned each within itself.
    turned = (np.arange(24)[None, :] - np.arange(24)[:, None]) % 24
    shifted = np.concatenate([profile[:, turned], profile[:, 24 + turned]], axis=2)
    shifted = np.where(there, np.maximum(shifted, 1e-9), 1.0)
    level = np.where(there, flat, 1.0)
    honest = np.concatenate([(1.0 - share) * shifted + share * level for share in HONEST_FLAT], axis=1)
    fits = np.einsum("csk,ck->cs", np.log(honest), counts)
    base = honest[np.arange(len(honest)), fits.argmax(axis=1)]
    shares = np.linspace(0.05, 1.0, 20)
    # An hour that no account could act in says nothing; a day all flat would have it be impossible.
    gain = np.where(there, flat, base) / base
    gains = np.einsum("csk,ck->sc", np.log(1.0 - shares[:, None] + shares[:, None] * gain[:, None]), counts)
    share = np.where(gains.max(axis=0) > 0, shares[gains.argmax(axis=0)], 0.0)
    return share, _averaged(gains)


def _above(moved: Floats, n: Floats, expected: Floats) -> Floats:
    """Return the bits of a share above the expected one over an honest group's share."""
    # The grid avoids 0 and 1, where the density of a beta distribution can be infinite.
    grid = (np.arange(200) + 0.5)[:, None] / 200.0
    # Without the binomial coefficient, which both hypotheses have in common.
    likelihood = moved * np.log(grid) + (n - moved) * np.log1p(-grid)
    a, b = HONEST_GROUPS * expected, HONEST_GROUPS * (1.0 - expected)
    honest = (a - 1.0) * np.log(grid) + (b - 1.0) * np.log1p(-grid)
    honest -= np.logaddexp.reduce(honest, axis=0)
    above = grid > expected
    count = np.maximum(above.sum(axis=0), 1)
    one = np.logaddexp.reduce(np.where(above, likelihood, -np.inf), axis=0) - np.log(count)
    none = np.logaddexp.reduce(likelihood + honest, axis=0)
    bits: Floats = (one - none) / np.log(2.0)
    return bits
