"""Moments as the statements of the API return them: milliseconds, which the driver hands over ten times as fast."""

from datetime import UTC, datetime


def to_optional_datetime(milliseconds: int | None) -> datetime | None:
    """Return the moment so many milliseconds after 1970 began, in UTC; None stays None."""
    return None if milliseconds is None else to_datetime(milliseconds)


def to_datetime(milliseconds: int) -> datetime:
    """Return the same of a moment that is always there."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def to_milliseconds(moment: datetime) -> int:
    """Return the milliseconds from the beginning of 1970 to a moment that somebody gave."""
    return round(to_utc(moment).timestamp() * 1000)


def to_utc(moment: datetime) -> datetime:
    """Return a moment that somebody gave; without a zone it is one of UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
