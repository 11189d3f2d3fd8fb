"""A reading statement with the type of its rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from graphsvc.model.rows import parse_row
from graphsvc.store.connection import Row

Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Query(Generic[Item_co]):
    """A reading statement and the type of its rows.

    Attributes:
        statement: its name.
        kind: dataclass or type.
        column: of the value in a row, or the function that reads it; None: the value is the row.
    """

    statement: str
    kind: type[Item_co]
    column: str | Callable[[Row], Any] | None = None

    def parse(self, row: Row) -> Item_co:
        """Convert a row of the statement."""
        if self.column is None:
            return parse_row(self.kind, row)
        return parse_row(self.kind, row[self.column] if isinstance(self.column, str) else self.column(row))


def read_signal(row: Row) -> Row:
    """Return the signal in a row, with the number of accounts on it, which is a column of its own."""
    return {**row["signal"], "degree": row["degree"]}
