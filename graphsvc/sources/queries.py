"""Query files: which query of a database gives which table of the bundle, and up to which mark it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from graphsvc.errors import MappingError
from graphsvc.intake.column_map import suggest_candidates
from graphsvc.intake.schemas import SCHEMAS
from graphsvc.model.marks import Mark, build_mark
from graphsvc.sources.mapping import load_toml

_NAME, _KEYS = "name", ("query", "mark", "start", "overlap")
_PLACEHOLDERS = ("$1", "?", "@", ":")
"""Signs of a parameter in a query, as the databases with ADBC drivers write them."""
_EXAMPLE = """Write [accounts] and below it query = "SELECT … FROM users"."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a table.

    `mark` is the column of the result whose highest value is kept, and which the query gets as its parameter the next
    time. `start` is the mark of the first time. `overlap` is taken off: seconds of a time, else units.
    """

    table: str
    text: str
    mark: str | None = None
    start: Mark | None = None
    overlap: int = 0

    def find_start(self, marks: Mapping[str, Mark]) -> datetime | int | None:
        """Return the parameter of the query: the mark that was kept, else its start; None without a mark."""
        if self.start is None:
            return None
        kept = marks.get(self.table)
        # A query that counts by another column now has no use for the old mark.
        if kept is None or kept.column != self.mark or kept.kind is not self.start.kind:
            return self.start.parsed
        return kept.go_back(self.overlap)


@dataclass(frozen=True, slots=True)
class QueryFile:
    """Queries of a database, in the order of the bundle's tables; `name` of the source, or None for its address."""

    queries: tuple[Query, ...]
    name: str | None = None


def read_queries(file: Path) -> QueryFile:
    """Read a query file.

    Raises:
        MappingError: it cannot be read, or an entry is faulty; names it.
    """
    content = load_toml(file)
    name = content.pop(_NAME, None)
    if name is not None and not (isinstance(name, str) and name):
        raise MappingError(f"{file.name}: {_NAME} is no text.", 'Write for example name = "crm".')
    unknown = [key for key in content if key not in SCHEMAS]
    if unknown:
        raise MappingError(
            f"{file.name} has a section [{unknown[0]}], which is no table.",
            suggest_candidates(unknown[0], SCHEMAS),
        )
    if not content:
        raise MappingError(f"{file.name} has no query.", _EXAMPLE)
    return QueryFile(
        tuple(_parse_query(file, table, content[table]) for table in SCHEMAS if table in content), name
    )


def _parse_query(file: Path, table: str, said: object) -> Query:
    where = f"{file.name}: [{table}]"
    if not isinstance(said, dict) or not isinstance(said.get("query"), str):
        raise MappingError(f"{where} has no query.", _EXAMPLE)
    keys: dict[str, Any] = said
    unknown = [key for key in keys if key not in _KEYS]
    if unknown:
        raise MappingError(
            f"{where} has {unknown[0]}, which means nothing.", suggest_candidates(unknown[0], _KEYS)
        )
    text, mark, start, overlap = (
        keys["query"].strip().rstrip(";"),
        keys.get("mark"),
        keys.get("start"),
        keys.get("overlap", 0),
    )
    if mark is None:
        if start is not None or overlap:
            raise MappingError(
                f"{where} has a start or an overlap, and no mark.", 'Write mark = "updated_at".'
            )
        return Query(table, text)
    if isinstance(start, date) and not isinstance(start, datetime):
        start = datetime.combine(start, time())
    if not isinstance(mark, str) or isinstance(start, bool) or not isinstance(start, datetime | int):
        raise MappingError(
            f"{where}: a mark is the name of a column, and needs a start, a time or an integer, for the first load.",
            'Write mark = "updated_at" and start = 1970-01-01T00:00:00Z.',
        )
    if isinstance(overlap, bool) or not isinstance(overlap, int) or overlap < 0:
        raise MappingError(
            f"{where}: overlap is no number of seconds, or of units.", "Write for example overlap = 600."
        )
    if not any(sign in text for sign in _PLACEHOLDERS):
        raise MappingError(
            f"{where} has a mark, and its query takes no parameter.",
            f"Compare in the query: WHERE {mark} > $1 (in PostgreSQL; other databases write ?).",
        )
    return Query(table, text, mark, build_mark(start, mark), overlap)
