"""Relay connections over keysets: a cursor is the sort key of its row, so pages neither skip nor repeat rows.

https://relay.dev/graphql/connections.htm
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import strawberry

from graphsvc.api.errors import BadInput

Node = TypeVar("Node")
Key = tuple[str | int | float, ...]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether this page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge of this page.")
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last edge: `after` for the next page."
    )


@strawberry.type(description="One item of a page.")
class Edge(Generic[Node]):
    cursor: str = strawberry.field(
        description="Marks this item; opaque, stable while its data stay the same."
    )
    node: Node = strawberry.field(description="The item.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]] = strawberry.field(description="The items, in order.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")


def encode_cursor(scope: str, key: Key) -> str:
    """Return the opaque cursor of a row: its list, and its sort key in the list."""
    return (
        base64.urlsafe_b64encode(json.dumps([scope, *key], separators=(",", ":")).encode())
        .decode()
        .rstrip("=")
    )


def decode_cursor(scope: str, cursor: str | None, start: Key) -> Key:
    """Return the sort key in a cursor, or `start` without one.

    Args:
        scope: names the list and its order.
        cursor: as `encode_cursor` made it; None: from the beginning.
        start: the smallest key. The cursor's key must have its types and length.

    Raises:
        BadInput: the cursor is not one of this list in this order.
    """
    if cursor is None:
        return start
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is JSON, but no text
    except (ValueError, RecursionError):
        value = None
    if (
        not isinstance(value, list)
        or [type(v) for v in value] != [str, *(type(s) for s in start)]
        or value[0] != scope
    ):
        raise BadInput(
            "`after` is not a cursor of this list in this order.",
            "Use `endCursor` of the page before, or leave it out.",
        )
    return tuple(value[1:])


def build_connection(
    rows: Sequence[Node], first: int, after: str | None, cursor: Callable[[Node], str]
) -> Connection[Node]:
    """Build a page from up to `first + 1` rows. The extra row shows that there is another page."""
    edges = [Edge(cursor=cursor(row), node=row) for row in rows[:first]]
    info = PageInfo(
        has_next_page=len(rows) > first,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info)
