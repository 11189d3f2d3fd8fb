"""Moments as the statements of the API return them: milliseconds, which the driver hands over ten times as fast."""

from datetime import UTC, datetime


def moment(milliseconds: int | None) -> datetime | None:
    """The moment so many milliseconds after 1970 began, in UTC; None stays None."""
    return None if milliseconds is None else known(milliseconds)


def known(milliseconds: int) -> datetime:
    """The same of a moment that is always there."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
