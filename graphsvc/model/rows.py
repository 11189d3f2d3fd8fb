"""Rows of a result as dataclasses. The annotation of a field says how it is read, and how the API describes it.

score: Annotated[float, Column("hostility"), "How likely it is a campaign, 0 to 1."]
"""

import json
import types
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

Item = TypeVar("Item")
Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """The source of a field, next to its type in `Annotated`: a column of another name, or a function of the row."""

    source: str | Read


def list_hints(kind: type) -> dict[str, tuple[Any, Column | None, str | None]]:
    """List type, source and description of the fields of a dataclass: what `Annotated` holds of each."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        inner, *more = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        column = next((each for each in more if isinstance(each, Column)), None)
        found[name] = inner, column, next((each for each in more if isinstance(each, str)), None)
    return found


def parse_row(kind: type[Item], row: Any) -> Item:
    """Convert a row, or the properties of a node, to a dataclass or another type.

    A field is read from the column of its name, in snake or camel case. Without such a column it is None, or an empty
    list. Milliseconds become times in UTC, and texts become documents where the type is a dict.
    """
    item: Item = _build_reader(kind)(row)  # type: ignore[arg-type]
    return item


@cache
def _build_reader(hint: Any) -> Read:
    """Build the function that converts a value of a row to a type."""
    if is_dataclass(hint):
        return _build_row_reader(hint)
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (each for each in get_args(hint) if each is not types.NoneType)
        read = _build_reader(inner)
        return _keep if read is _keep else lambda value: None if value is None else read(value)
    if get_origin(hint) is list:
        read_item = _build_reader(get_args(hint)[0])
        # Properties that later versions added are absent on nodes of earlier ones.
        return lambda value: [read_item(each) for each in value or ()]
    if get_origin(hint) is dict:
        return lambda value: value if isinstance(value, dict) else json.loads(value or "{}")
    if hint is datetime:
        return lambda value: datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else value
    return hint if isinstance(hint, type) and issubclass(hint, Enum) else _keep


def _keep(value: Any) -> Any:
    return value


def _build_row_reader(kind: Any) -> Read:
    """Build the function that converts a row to a dataclass."""
    named, read = [], []
    for name, (hint, column, _) in list_hints(kind).items():
        source = column.source if column else name
        if callable(source):
            read.append((name, source, _build_reader(hint)))
        else:
            first, *rest = source.split("_")
            camel = first + "".join(map(str.capitalize, rest))
            named.append((name, source, camel, _build_reader(hint)))

    def read_row(row: Any) -> Any:
        """Convert a row. A function of a column may have converted it already."""
        if isinstance(row, kind):
            return row
        values = {}
        for name, key, camel, convert in named:
            value = row[key] if key in row else row.get(camel)
            # Most fields stay as they are, and rows come by the thousand.
            values[name] = value if convert is _keep else convert(value)
        for name, source, convert in read:
            values[name] = convert(source(row))
        return kind(**values)

    return read_row
