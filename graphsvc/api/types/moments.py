"""Times as milliseconds, as the statements of the API return them. The driver passes integers ten times as fast."""

from datetime import UTC, datetime


def to_milliseconds(moment: datetime) -> int:
    """Convert a time to milliseconds since 1970."""
    return round(to_utc(moment).timestamp() * 1000)


def to_utc(moment: datetime) -> datetime:
    """Return a time with a zone. Without one it is taken as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
