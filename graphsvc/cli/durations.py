"""Durations as people type them."""

import re
from datetime import timedelta

import typer

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def parse_duration(text: str | timedelta) -> timedelta:
    """Parse a duration like `90d`, `24h` or `30m`; at most a hundred years."""
    if isinstance(text, timedelta):  # an option's default, which is parsed too
        return text
    found = re.fullmatch(r"([0-9]{1,8})([dhm])", text.strip())
    lasts = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if lasts is None or lasts > timedelta(days=36_500):
        raise typer.BadParameter("Write a time like 90d, 24h or 30m.")
    return lasts
