"""Measure whether a new account takes up the traffic of a banned one: its level, hours and models."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.hourly import coded
from graphsvc.campaigns.replacement import HOUR
from graphsvc.model.arrays import flag_starts
from graphsvc.succession.candidates import Lives
from graphsvc.types import Floats

WEEK = 168
"""Hours of traffic that are compared: the last before the ban, the first after the sign-up."""
LEAST_HOURS = 3
"""Active hours below which an account's traffic says nothing."""
LIKE = 0.4
"""Standard deviation of the difference of log levels between the two sides of a handover."""
CELLS = 6
"""Parts of a day, of four hours each. A few hours of traffic show nothing finer."""
PRIOR_HOURS = 12.0
"""Hours of its cluster's usual traffic that are mixed with an account's own."""
SHARED_WITHIN = 0.1
"""Correlation of the hours of one account: n of them count as n / (1 + (n - 1) * this)."""
MOST_BITS = 8.0
"""Bits of traffic at most, in either direction."""


@dataclass(frozen=True, slots=True)
class Week:
    """A week of traffic for each account, one row an account; all float64.

    Attributes:
        active: hours with traffic.
        level: log of requests an hour, over the time it existed.
        day: active hours by part of the day, shape (accounts, 6).
        model: active hours by model, shape (accounts, models).
        day_usual: sums of `day`: row 0 of all accounts, row c + 1 of cluster c.
        model_usual: sums of `model`, likewise.
    """

    active: Floats
    level: Floats
    day: Floats
    model: Floats
    day_usual: Floats
    model_usual: Floats


@dataclass(frozen=True, slots=True)
class Handover:
    """Traffic before bans and after sign-ups, where it is known.

    Attributes:
        last: last week of the stopped accounts.
        first: first week of the others.
        home: cluster of each account, int32; -1 = none.
    """

    last: Week
    first: Week
    home: NDArray[np.int32]

    def measure_likeness(self, successor: NDArray[np.int32], predecessor: NDArray[np.int32]) -> Floats:
        """Measure how much more likely a first week is after this predecessor's last week than by itself.

        Level, parts of the day and models are compared, each against the accounts of the successor's cluster,
        or against all accounts if it has none. This is a measure of likeness, not of evidence: the hours of
        accounts depend on each other in unknown ways. Its worth is therefore learned from the pairs.

        Args:
            successor: new accounts, int32.
            predecessor: stopped accounts, int32, parallel.

        Returns:
            log2 of the ratio, -8 to 8, one a pair; NaN if the traffic of either is not known.
        """
        known = np.flatnonzero(
            (self.first.active[successor] >= LEAST_HOURS) & (self.last.active[predecessor] >= LEAST_HOURS)
        )
        heir, legator = successor[known], predecessor[known]
        found = np.full(len(successor), np.nan)
        if len(known):
            nats = (
                self._score_level(heir, legator)
                + self._score_manner(heir, legator, "day")
                + self._score_manner(heir, legator, "model")
            )
            found[known] = np.clip(nats / np.log(2.0), -MOST_BITS, MOST_BITS)
        return found

    def _score_level(self, heir: NDArray[np.int32], legator: NDArray[np.int32]) -> Floats:
        """Score the likeness of levels, in nats: two normal densities of the successor's level."""
        # Levels of few hours are uncertain: the variance of a mean falls with the hours.
        noise = 1.0 / self.first.active[heir] + 1.0 / self.last.active[legator]
        there = np.flatnonzero(self.first.active >= LEAST_HOURS)
        middle, spread = _estimate_moments(self.first.level[there], self.home[there])
        place = np.where(np.isin(self.home[heir], self.home[there]), self.home[heir], -1) + 1
        level = self.first.level[heir]
        like = _compute_log_density(level - self.last.level[legator], LIKE**2 + noise)
        usual = _compute_log_density(level - middle[place], spread[place] + 1.0 / self.first.active[heir])
        nats: Floats = like - usual
        return nats

    def _score_manner(self, heir: NDArray[np.int32], legator: NDArray[np.int32], name: str) -> Floats:
        """Score the likeness of hours by part of the day or by model, in nats: a multinomial likelihood ratio."""
        new, old = getattr(self.first, name), getattr(self.last, name)
        place = self.home[heir] + 1
        usual = getattr(self.first, f"{name}_usual")[place]
        # A model that the banned account could not use yet says nothing for or against.
        offered = getattr(self.last, f"{name}_usual")[place] > 0
        # A cell without usual hours keeps a small share, so that the ratio stays finite.
        usual = np.where(offered, usual, 0.0) + 1e-3
        usual /= usual.sum(axis=1, keepdims=True)
        own = np.where(offered, old[legator], 0.0)
        # Shrink the predecessor's few hours towards its cluster's usual ones.
        mixed = (own + PRIOR_HOURS * usual) / (own.sum(axis=1, keepdims=True) + PRIOR_HOURS)
        seen = np.where(offered, new[heir], 0.0)
        total = seen.sum(axis=1)
        worth = 1.0 / (1.0 + np.maximum(total - 1.0, 0.0) * SHARED_WITHIN)
        nats: Floats = worth * (seen * np.log(mixed / usual)).sum(axis=1)
        return nats


def build_handover(activity: pl.DataFrame, lives: Lives) -> Handover | None:
    """Build the weeks to compare.

    Args:
        activity: account (int32), hour (since 1970, int64), model, requests (int64).
        lives: when accounts were made and stopped.

    Returns:
        None if no traffic is known.
    """
    if activity.is_empty():
        return None
    hour = activity["hour"].to_numpy()
    account = activity["account"].to_numpy()
    begin, end = int(hour.min()), int(hour.max()) + 1
    # Half of the largest number stands for never: differences with it do not overflow.
    ended = np.where(lives.ended >= 0, lives.ended // HOUR, np.iinfo(np.int64).max // 2)
    # The first full hour after the sign-up, or the first of the traffic known.
    born = np.maximum(-(-lives.created // HOUR), begin)
    stopped = np.flatnonzero((lives.ended >= 0)[account])
    left = ended[account[stopped]] - hour[stopped]
    last = stopped[(left > 0) & (left <= WEEK)]
    lived = hour - born[account]
    first = np.flatnonzero((lived >= 0) & (lived < WEEK))
    names, model = coded(activity["model"])
    columns = account, hour, model, activity["requests"].to_numpy()
    # Hours of each week that both the account and the traffic data cover.
    there = np.minimum(ended, end) - np.maximum(np.maximum(ended - WEEK, begin), born)
    exposed = np.minimum(np.minimum(born + WEEK, ended), end) - born
    return Handover(
        _build_week(columns, last, there, len(names), lives.home),
        _build_week(columns, first, exposed, len(names), lives.home),
        lives.home,
    )


def _build_week(
    columns: tuple[NDArray[Any], ...],
    rows: NDArray[np.int64],
    there: NDArray[np.int64],
    models: int,
    home: NDArray[np.int32],
) -> Week:
    """Sum the traffic of some rows of `columns` by account.

    Args:
        columns: account, hour, model (number), requests of each row of the activity.
        rows: rows of that week, int64.
        there: hours of the week that each account existed, int64, shape (accounts,).
        models: number of models.
        home: cluster of each account, int32; -1 = none.
    """
    account, hour, model, requests = (column[rows] for column in columns)
    n, account = len(there), account.astype(np.int64)
    asked = np.bincount(account, requests, minlength=n)
    # Account and hour in one integer: hours since 1970 fit into 32 bits.
    keys = account << 32 | hour
    if (keys[1:] < keys[:-1]).any():
        keys = np.sort(keys)
    # Several models in one hour are several rows, but one active hour.
    active = keys[flag_starts(keys)] >> 32
    cells = np.bincount(account * CELLS + hour % 24 * CELLS // 24, minlength=n * CELLS)
    day = cells.reshape(n, CELLS).astype(np.float64)
    cells = np.bincount(account * models + model, minlength=n * models)
    by_model = cells.reshape(n, models).astype(np.float64)
    # Half a request stands for none, so that the logarithm stays finite.
    level = np.log(np.maximum(asked, 0.5) / np.maximum(there, 1))
    return Week(
        np.bincount(active, minlength=n).astype(np.float64),
        level,
        day,
        by_model,
        _sum_by_home(day, home),
        _sum_by_home(by_model, home),
    )


def _sum_by_home(rows: Floats, home: NDArray[np.int32]) -> Floats:
    """Sum rows by cluster: row 0 of all accounts, row c + 1 of cluster c."""
    placed = home >= 0
    sums = np.zeros((int(home.max(initial=-1)) + 2, rows.shape[1]))
    sums[0] = rows.sum(axis=0)
    for column in range(rows.shape[1]):
        sums[1:, column] = np.bincount(home[placed], rows[placed, column], minlength=len(sums) - 1)
    return sums


def _estimate_moments(level: Floats, home: NDArray[np.int32]) -> tuple[Floats, Floats]:
    """Estimate mean and variance of the levels by cluster: row 0 of all accounts, row c + 1 of cluster c."""
    placed = home >= 0
    n = np.bincount(home[placed], minlength=int(home.max(initial=-1)) + 1)
    sums = [np.bincount(home[placed], level[placed] ** power, minlength=len(n)) for power in (1, 2)]
    mean, square = level.mean(), (level**2).mean()
    # Ten accounts of the whole population shrink small clusters towards it.
    means = (sums[0] + 10.0 * mean) / (n + 10.0)
    squares = (sums[1] + 10.0 * square) / (n + 10.0)
    middle = np.concatenate([[mean], means])
    spread = np.concatenate([[square - mean**2], squares - means**2])
    return middle, np.maximum(spread, LIKE**2)


def _compute_log_density(difference: Floats, variance: Floats) -> Floats:
    """Compute the log density of a normal distribution, up to a constant."""
    nats: Floats = -0.5 * (difference**2 / variance + np.log(variance))
    return nats
