"""Hours and days: when people sign up and work, and the local time of a country."""

from typing import Literal, TypeAlias

import numpy as np

from graphsvc_lab.worlds.streams import Floats, Ints

Shape: TypeAlias = Literal["human", "office", "school"]
HOUR, DAY = 3_600, 86_400

# Relative activity by local hour of the day, and on a day of the weekend against a working day.
_HOURS: dict[Shape, list[float]] = {
    "human": [3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 8, 9, 9, 9, 9, 9, 10, 11, 10, 8, 5],
    "office": [0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 11, 7, 11, 12, 11, 9, 5, 2, 1, 1, 0, 0, 0],
    "school": [1, 0, 0, 0, 0, 0, 0, 3, 10, 12, 12, 10, 8, 10, 10, 8, 6, 5, 6, 7, 7, 6, 4, 2],
}
_WEEKEND: dict[Shape, float] = {"human": 0.8, "office": 0.08, "school": 0.3}


def compute_week_shares(shape: Shape) -> Floats:
    """Compute the share of a week's activity in each local hour from Monday 00:00, shape (168,), sum 1."""
    day = np.array(_HOURS[shape], dtype=float) + 0.02
    week = np.concatenate([day * (_WEEKEND[shape] if d >= 5 else 1.0) for d in range(7)])
    shares: Floats = week / week.sum()
    return shares


def compute_hour_of_week(seconds: Ints) -> Ints:
    """Return the hour of the week (0–167, Monday 00:00 is 0) of times in seconds since 1970."""
    return (seconds // HOUR + 72) % 168  # 1970-01-01 was a Thursday


def move_into_shift(rng: np.random.Generator, moments: Ints, shift: tuple[int, int]) -> Ints:
    """Move moments to random times of the same day (UTC) within a shift, shape as given.

    Args:
        rng: Source of the times.
        moments: Seconds since 1970.
        shift: First hour of the day and number of hours; it may last past midnight.
    """
    first, hours = shift
    return moments // DAY * DAY + first * HOUR + (rng.random(len(moments)) * hours * HOUR).astype(np.int64)


def draw_human_times(rng: np.random.Generator, low: Ints, high: Ints, ramp: float = 1.6) -> Ints:
    """Draw times at which people act, one for each pair of bounds, in seconds since 1970, shape (n,).

    Later days are more likely: activity grows with time to the power of `ramp` (a growing service). The hour
    of the week follows people's waking hours.
    """
    # Inverse transform sampling of a density that grows with the power `ramp` − 1.
    day = low + ((high - low) * rng.random(len(low)) ** (1 / ramp)).astype(np.int64)
    cumulative = np.cumsum(compute_week_shares("human"))
    hour = np.minimum(np.searchsorted(cumulative, rng.random(len(low))), 167)
    # The nearest such hour, at most half a week away.
    shift = (hour - compute_hour_of_week(day) + 84) % 168 - 84
    moved = day // HOUR * HOUR + shift * HOUR + rng.integers(0, HOUR, len(low))
    # A moment that falls out of its bounds by moving to a human hour stays where it was drawn.
    return np.where((moved >= low) & (moved < high), moved, np.minimum(day, np.maximum(low, high - 1)))
