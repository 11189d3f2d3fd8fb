"""What a cluster's hourly traffic says of one operator: balanced load, sleepless days, joint bursts, joint moves.

Each part is a likelihood ratio in bits between campaigns, some of which do such a thing and others do not (so that its
absence costs a bit at most), and honest groups, which have a daily cycle, weekends and habits of their own.
"""

from collections.abc import Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.hourly import Fit, Floats, Traffic, fit, traffic

PARTS = ("balance", "sleepless", "bursts", "moves")
"""Names of the parts; each can be left out."""
MOST_BITS = {"balance": 5.0, "sleepless": 2.0, "bursts": 2.0, "moves": 5.0}
DOING = {"balance": 0.5, "sleepless": 0.5, "bursts": 0.1, "moves": 0.4}
"""Share of campaigns presumed to do what a part looks for: what is not found costs them log2(1 - share) at most."""
HONEST_FLAT = (0.0, 0.15, 0.3)
"""Shares of a flat profile that honest groups may have: people's evenings against the offices' days in everybody's."""
SHARED_WITHIN = 0.2
"""Correlation of an account's hours with each other: a hundred hours of one account are not a hundred witnesses."""
CLUSTERS_AT_A_TIME = 200
LONGEST_RESIDUAL = 5.0
"""One hour does not make a cluster bursty: a workshop, a deadline."""
HONEST_SPREAD = 1.5
"""Variance, of that of independent accounts, that habits of honest groups are allowed."""
RELEASE_HOURS = 24
LEAST_NEW = 20
"""Account-hours that a model must have to count as one."""
HONEST_GROUPS = 40.0
"""How alike honest groups take up a release: concentration of a beta distribution around everybody's share."""

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
) -> pl.DataFrame:
    """All parts of clusters' traffic, with the numbers behind them.

    - `balance`: variance of the cluster's sum over what independent accounts would give (`expected` 1). Load dealt
      out over accounts makes the sum smoother than that, while no two accounts look alike.
    - `sleepless`: share of the daily cycle that is missing (0: people's, 1: none; `expected` 0).
    - `bursts`: variance beyond the daily and weekly habits of the cluster, over that of independent accounts.
    - `moves`: share of account-hours on a new model in the first 24 hours after its release; `expected`: that of all
      outside.

    Args:
        members: cluster, account (int32), an account in one cluster at most, in any order.
        activity: account (int32), hour (since 1970), model, requests.
        accounts: created_at, status, status_changed_at (ms, -1 = not known), country; a row an account.
        parts: those to compute, of `PARTS`.

    Returns: schema `RESULT`, a row a cluster and part, sorted by cluster, then in the order of `PARTS`; clusters
    without traffic have no rows, and `moves` has none when no model was released.
    """
    window = traffic(activity)
    clusters = members["cluster"].unique().sort()
    found = [pl.DataFrame(schema=RESULT)]
    for start in range(0, len(clusters) if window.length else 0, CLUSTERS_AT_A_TIME):
        some = clusters[start : start + CLUSTERS_AT_A_TIME]
        here = members.filter(pl.col("cluster").is_in(some.implode()))
        if {"balance", "bursts"} & set(parts):
            fitted = fit(here, window, accounts)
            found += [balance(fitted)] * ("balance" in parts) + [bursts(fitted)] * ("bursts" in parts)
        if "sleepless" in parts:
            found.append(sleepless(here, window, accounts))
    if "moves" in parts and window.length:
        found.append(moves(members, activity))
    order = pl.Enum(PARTS)
    return pl.concat(found).filter(pl.col("account_hours") > 0).sort("cluster", pl.col("part").cast(order))


def balance(fitted: Fit) -> pl.DataFrame:
    """Part `balance`: the pooled variance against the summed one.

    The ratio is φ times chi-squared by its degrees of freedom, φ = 1 for independent accounts and more for honest ones
    (they come in sessions), below 1 under a load balancer; averaged over φ from .1 to .95. Degrees of freedom are those
    of a sum of Poisson squares (Satterthwaite), fewer where hours resemble their neighbours.
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
    """Part `bursts`: hours in which many members act together and which neither clock, calendar nor others explain.

    What comes again at the same hour of another week (of another day, where there is no second week) is a habit, and
    is taken off: the products of residuals a week apart estimate its variance without bias (split-half).
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


def sleepless(members: pl.DataFrame, window: Traffic, accounts: pl.DataFrame) -> pl.DataFrame:
    """Part `sleepless`: traffic that has less of a night than that of others in the same countries.

    The null is the others' profile by hour of the day and weekend, weighed by the members' declared countries, shifted
    by whatever whole hours fit best (people who are not where they say, night shifts) and flattened as far as
    `HONEST_FLAT`; the alternative mixes it with a flat one. An account's hours are not independent and count as fewer.
    """
    clusters = members["cluster"].unique().sort()
    country = accounts["country"].fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
    width = int(country.max(initial=0)) + 1
    cell = _cells(window)
    everybody = _by_country(window.hours, country, width, cell)
    places = pl.DataFrame({"cluster": clusters}).with_row_index("place")
    acting = window.hours.join(members.select("cluster", "account").join(places, on="cluster"), on="account")
    flat = np.bincount(cell, minlength=48) / window.length
    share, bits = np.zeros(len(clusters)), np.zeros(len(clusters))
    witnesses = _witnesses(acting, len(clusters))
    counts = np.zeros(len(clusters))
    for place, mine in acting.partition_by("place", as_dict=True).items():
        at = int(place[0])
        own = _by_country(mine, country, width, cell)
        seen = own.sum(axis=0)
        counts[at] = seen.sum()
        expected = _profile(own, np.maximum(everybody - own, 0.0), flat)
        share[at], bits[at] = _mixed(seen * witnesses[at] / counts[at], expected, flat)
    says = pl.format(
        "traffic lacks {} % of the daily cycle that others of the same countries have",
        (100.0 * pl.col("observed")).round(0).cast(pl.Int64),
    )
    return _rows(clusters.to_numpy(), "sleepless", share, np.zeros(len(share)), counts, bits, says)


def releases(activity: pl.DataFrame) -> pl.DataFrame:
    """Models released within the window: model, released (hour since 1970), sorted by model.

    A model is released in the first hour in which it has a twentieth of its busiest hour (a few early testers do not
    count), and only if that is a day or more after the first hour of all: before that nobody knows what was new.
    """
    counts = activity.filter(pl.col("model") != "").group_by("model", "hour").agg(n=pl.len())
    return (
        counts.filter(pl.col("n") >= 0.05 * pl.col("n").max().over("model"))
        .group_by("model")
        .agg(released=pl.col("hour").min())
        .join(counts.group_by("model").agg(pl.col("n").sum()), on="model")
        .filter((pl.col("released") >= pl.lit(activity["hour"].min()) + 24) & (pl.col("n") >= LEAST_NEW))
        .select("model", "released")
        .sort("model")
    )


def moves(members: pl.DataFrame, activity: pl.DataFrame) -> pl.DataFrame:
    """Part `moves`: how much of a cluster's traffic went to a new model within 24 hours of its release.

    Null: the share of an honest group is beta distributed around that of all outside; alternative: any share above it.
    Both beta-binomial, on a number of hours lowered for those of one account.
    """
    new = releases(activity)
    if new.is_empty():
        return pl.DataFrame(schema=RESULT)
    rows = [
        activity.filter(pl.col("hour").is_between(released, released + RELEASE_HOURS - 1)).select(
            "account", "hour", moved=pl.col("model") == model
        )
        for model, released in new.iter_rows()
    ]
    hours = pl.concat(rows).group_by("account").agg(n=pl.len(), moved=pl.col("moved").sum())
    clusters = members["cluster"].unique().sort()
    places = pl.DataFrame({"cluster": clusters}).with_row_index("place")
    mine = members.select("cluster", "account").join(places, on="cluster").join(hours, on="account")
    mine = mine.sort("place", "account")
    # Summed by numpy in the order of accounts: the same to the last digit whatever the number of threads.
    each = [mine[name].to_numpy().astype(np.float64) for name in ("n", "moved")]
    each.append(each[0] / (1.0 + (each[0] - 1.0) * SHARED_WITHIN))
    place = mine["place"].to_numpy()
    sums = [np.bincount(place, x, minlength=len(clusters)).astype(np.float64) for x in each]
    n, moved, worth = sums
    all_n, all_moved = float(hours["n"].sum()), float(hours["moved"].sum())
    expected = (all_moved - moved + 0.5) / (all_n - n + 1.0)
    observed = moved / np.maximum(n, 1.0)
    bits = _above(observed * worth, worth, expected)
    says = pl.format(
        "{} % of traffic was on a new model within 24 hours of its release ({} % of all others')",
        (100.0 * pl.col("observed")).round(0).cast(pl.Int64),
        (100.0 * pl.col("expected")).round(0).cast(pl.Int64),
    )
    return _rows(clusters.to_numpy(), "moves", observed, expected, n, bits, says)


def _rows(
    clusters: NDArray[np.int32],
    part: str,
    observed: Floats,
    expected: Floats,
    hours: Floats,
    bits: Floats,
    says: pl.Expr,
) -> pl.DataFrame:
    """The frame of a part: bits that half of the campaigns do it, capped."""
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
    """log2 of the mean of exp(nats) over the first axis."""
    top = nats.max(axis=0)
    averaged: Floats = (top + np.log(np.exp(nats - top).mean(axis=0))) / np.log(2.0)
    return averaged


def _effective(fitted: Fit) -> Floats:
    """Degrees of freedom of the ratio of variances, (clusters,)."""
    there = fitted.variance > 0
    squares = (fitted.variance**2).sum(axis=1)
    freedom = 2.0 * fitted.summed**2 / np.maximum(2.0 * squares + fitted.variance.sum(axis=1), 1e-9)
    residuals = fitted.residuals()
    hours = np.maximum(there.sum(axis=1), 1.0)
    power = np.maximum((residuals**2).sum(axis=1), 1e-9)
    alike = np.zeros(len(residuals))
    for lag in range(1, min(25, residuals.shape[1])):
        correlation = (residuals[:, lag:] * residuals[:, :-lag]).sum(axis=1) / power
        alike += np.maximum(correlation**2 - 2.0 / hours, 0.0)
    effective: Floats = freedom / (1.0 + 2.0 * alike)
    return effective


def _cells(window: Traffic) -> NDArray[np.int64]:
    """Hour of the day, plus 24 at weekends, of each hour of the window."""
    hour = window.begin + np.arange(window.length, dtype=np.int64)
    cells: NDArray[np.int64] = hour % 24 + 24 * ((hour // 24 + 3) % 7 >= 5)
    return cells


def _by_country(
    hours: pl.DataFrame, country: NDArray[np.int64], width: int, cell: NDArray[np.int64]
) -> Floats:
    """Account-hours by country and cell, shape (countries, 48)."""
    index = country[hours["account"].to_numpy()] * 48 + cell[hours["hour"].to_numpy()]
    counts = np.bincount(index, minlength=width * 48)
    return counts.reshape(width, 48).astype(np.float64)


def _witnesses(acting: pl.DataFrame, clusters: int) -> Floats:
    """Account-hours of each cluster, those of one account counted as the fewer they are worth."""
    each = acting.group_by("place", "account").agg(n=pl.len()).sort("place", "account")
    n = each["n"].to_numpy()
    worth = n / (1.0 + (n - 1.0) * SHARED_WITHIN)
    sums = np.bincount(each["place"].to_numpy(), worth, minlength=clusters)
    return sums.astype(np.float64)


def _profile(own: Floats, others: Floats, flat: Floats) -> Floats:
    """Profile of the others, by the countries of the cluster: shape (48,), sum 1."""
    whole = others.sum(axis=0) + 48.0 * flat
    whole /= whole.sum()
    of_country = (others + 50.0 * whole) / (others.sum(axis=1, keepdims=True) + 50.0)
    profile: Floats = own.sum(axis=1) @ of_country
    profile /= profile.sum()
    return profile


def _mixed(counts: Floats, profile: Floats, flat: Floats) -> tuple[float, float]:
    """Share of a flat profile in the mixture that fits best, and bits of the mixture over the best honest profile."""
    there = flat > 0
    shifted = np.stack([np.roll(profile.reshape(2, 24), k, axis=1).ravel() for k in range(24)])
    shifted = np.where(there, np.maximum(shifted, 1e-9), 1.0)
    honest = np.concatenate(
        [(1.0 - share) * shifted + share * np.where(there, flat, 1.0) for share in HONEST_FLAT]
    )
    base = honest[int(np.argmax(np.log(honest) @ counts))]
    shares = np.linspace(0.05, 1.0, 20)
    # An hour that nobody could act in says nothing; a day all flat would have it be impossible.
    gains = np.log(1.0 - shares[:, None] + shares[:, None] * np.where(there, flat, base) / base) @ counts
    best = int(np.argmax(gains))
    return (float(shares[best]) if gains[best] > 0 else 0.0), float(_averaged(gains[:, None])[0])


def _above(moved: Floats, n: Floats, expected: Floats) -> Floats:
    """Bits of a share above the expected one over an honest group's share."""
    grid = (np.arange(200) + 0.5)[:, None] / 200.0
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
