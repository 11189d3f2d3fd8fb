"""Lengths of time in seconds, and moments as seconds since 1970."""

from datetime import UTC, datetime

HOUR = 3600
DAY = 24 * HOUR


def to_seconds(year: int, month: int, day: int) -> int:
    """Return the beginning of a day, UTC, as seconds since 1970."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def get_local_hour(moment: int, utc_offset: int) -> int:
    """Return the hour of the day at a place that is `utc_offset` hours from UTC."""
    return (moment // HOUR + utc_offset) % 24


def get_day_of_week(day: int) -> int:
    """Return the day of the week of a day since 1970: 0 is Monday."""
    return (day + 3) % 7


def get_utc_hour(day: int, hour: int, utc_offset: int) -> int:
    """Return the moment at which a local hour begins on a day since 1970."""
    return day * DAY + ((hour - utc_offset) % 24) * HOUR
