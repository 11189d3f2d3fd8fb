"""Marks: how far a source was read, as the highest value of a column or as the offset of a partition."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class MarkKind(StrEnum):
    """Kind of a mark."""

    TIME = "time"
    INTEGER = "integer"
    OFFSET = "offset"


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark as text, so that any database keeps it exactly; `column` is the one that it is the highest value of."""

    kind: MarkKind
    value: str
    column: str | None = None

    @property
    def parsed(self) -> datetime | int:
        """Return the value: a time as it was read, with or without its zone, else an integer."""
        return datetime.fromisoformat(self.value) if self.kind is MarkKind.TIME else int(self.value)

    def go_back(self, overlap: int) -> datetime | int:
        """Return the value less `overlap`: seconds of a time, else units."""
        value = self.parsed
        return value - timedelta(seconds=overlap) if isinstance(value, datetime) else value - overlap


def build_mark(value: datetime | int, column: str) -> Mark:
    """Build the mark of a column's value."""
    if isinstance(value, datetime):
        return Mark(MarkKind.TIME, value.isoformat(), column)
    return Mark(MarkKind.INTEGER, str(value), column)
