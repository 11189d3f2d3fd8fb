"""Hourly activity in the sample window, and the model of each row."""

from dataclasses import dataclass

import numpy as np

from graphsvc_lab.worlds.clock import DAY, HOUR, compute_hour_of_week, compute_week_shares
from graphsvc_lab.worlds.members import Members
from graphsvc_lab.worlds.pools import COUNTRIES
from graphsvc_lab.worlds.profiles import Traffic
from graphsvc_lab.worlds.scenario import Scenario
from graphsvc_lab.worlds.streams import Floats, Ints

MOST_ROWS = 120
SMALL, LARGE, NEW = range(3)


@dataclass(frozen=True, slots=True)
class Activity:
    """One row an account and hour, shape (rows,): owner, start of the hour (seconds), requests, model (index)."""

    owner: Ints
    hour: Ints
    requests: Ints
    model: Ints


def draw_activity(rng: np.random.Generator, members: Members, country: Ints, world: Scenario) -> Activity:
    """Draw activity of accounts alive in the window. `country` holds indices into `COUNTRIES`, shape (n,)."""
    traffic = members.profile.traffic
    hours = world.activity_days * DAY // HOUR
    begin = world.end // HOUR * HOUR - hours * HOUR
    first = np.maximum(-(-members.created // HOUR) * HOUR, begin)
    last = np.minimum(members.ended // HOUR * HOUR, begin + hours * HOUR)
    alive = np.clip((last - first) / (hours * HOUR), 0, 1)
    # Gamma distributed: a few accounts do most.
    rate = traffic.rows * rng.gamma(0.8, 1 / 0.8, len(members)) * members.eagerness
    rate = rate if members.busy is None else rate * members.busy
    owner = np.repeat(np.arange(len(members)), np.minimum(rng.poisson(rate * alive), MOST_ROWS))

    at = _draw_human_hours(rng, traffic, country[owner], begin, hours)
    if traffic.shift is not None:
        at = _draw_shift_hours(rng, members, owner, traffic.shift, hours // 24)
    dealt = np.flatnonzero(rng.random(len(owner)) < traffic.balanced)
    # A load balancer deals rows out evenly: the sum stays level while no two accounts look alike.
    at[dealt] = rng.permutation(len(dealt)) * hours // max(len(dealt), 1)
    hour = begin + at * HOUR
    kept = (hour >= first[owner]) & (hour < last[owner])
    code = np.unique(owner[kept] * hours + at[kept])
    owner, hour = code // hours, begin + code % hours * HOUR
    requests = 1 + rng.poisson(rng.exponential(traffic.requests - 1, len(code)))
    return Activity(owner, hour, requests, choose_models(rng, traffic, hour, world))


def choose_models(rng: np.random.Generator, traffic: Traffic, moment: Ints, world: Scenario) -> Ints:
    """Choose the model of requests at these times. Traffic moves to a new release as its population does."""
    released = world.end - int(world.model_released_days_ago * DAY)
    since = np.maximum(moment - released, 0) / HOUR
    moved = traffic.moves_to_new_model * (1 - 0.5 ** (since / traffic.half_time_hours))
    u = rng.random(len(moment))
    return np.where(u < moved, NEW, np.where((u - moved) < (1 - moved) * 0.55, SMALL, LARGE))


def _draw_shift_hours(
    rng: np.random.Generator, members: Members, owner: Ints, shift: tuple[int, int], days: int
) -> Ints:
    """Draw hours of the window at which teams work, one team after the other, shape as `owner`."""
    first, length = shift
    team = np.zeros(len(members), dtype=np.int64) if members.team is None else members.team
    # The window begins at an hour of its own, which all operators of a world take for midnight.
    begins = (first + team[owner] * length) % 24
    hour = (begins + rng.integers(0, length, len(owner))) % 24
    at: Ints = rng.integers(0, days, len(owner)) * 24 + hour
    return at


def _draw_human_hours(
    rng: np.random.Generator, traffic: Traffic, country: Ints, begin: int, hours: int
) -> Ints:
    """Draw hours of the window by the local hour of the week of each row's country."""
    week: Floats = compute_week_shares(traffic.shape)
    offsets = np.array([c.offset for c in COUNTRIES])
    window = begin + np.arange(hours, dtype=np.int64) * HOUR
    local = compute_hour_of_week(window[None, :] + offsets[:, None] * HOUR)
    cumulative = np.cumsum(week[local], axis=1)
    cumulative /= cumulative[:, -1:]
    # One search for all rows: country c has its cumulative shares between c and c + 1.
    ladder = (cumulative + np.arange(len(offsets))[:, None]).ravel()
    found = np.searchsorted(ladder, rng.random(len(country)) + country, side="right")
    at: Ints = np.clip(found - country * hours, 0, hours - 1)
    return at
