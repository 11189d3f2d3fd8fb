"""Remember the database state that this process has seen, so that no replica answers with an older one.

This is causal consistency. A driver for `neo4j://` sends reading statements to followers and read replicas,
which lag behind the leader. A bookmark makes them wait until they have the state it stands for. A single
server (`bolt://`) needs none.
"""

import threading
from collections.abc import Iterable
from functools import cache
from urllib.parse import urlsplit

import neo4j
from neo4j.api import AsyncBookmarkManager, BookmarkManager

ROUTED = frozenset(("neo4j", "neo4j+s", "neo4j+ssc"))
"""Schemes for which the driver chooses a server for each session."""


class Bookmarks(BookmarkManager):
    """Bookmarks of one database, shared by all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()

    def update_bookmarks(self, previous_bookmarks: Iterable[str], new_bookmarks: Iterable[str]) -> None:
        """Replace the bookmarks before a transaction by those after it."""
        with self._lock:
            self._values = self._values - frozenset(previous_bookmarks) | frozenset(new_bookmarks)

    def get_bookmarks(self) -> frozenset[str]:
        """Return the bookmarks that the next transaction must see."""
        return self._values

    def forget(self) -> None:
        """Forget all bookmarks, because another database took the place of theirs."""
        with self._lock:
            self._values = frozenset()


class AsyncBookmarks(AsyncBookmarkManager):
    """The same bookmarks for an asynchronous driver."""

    def __init__(self, seen: Bookmarks) -> None:
        self._seen = seen

    async def update_bookmarks(self, previous_bookmarks: Iterable[str], new_bookmarks: Iterable[str]) -> None:
        """Replace the bookmarks before a transaction by those after it."""
        self._seen.update_bookmarks(previous_bookmarks, new_bookmarks)

    async def get_bookmarks(self) -> frozenset[str]:
        """Return the bookmarks that the next transaction must see."""
        return self._seen.get_bookmarks()


_all: list[Bookmarks] = []


def find_bookmarks(uri: str, database: str | None) -> Bookmarks | None:
    """Return the bookmarks of this process for a database; None for a single server."""
    return _create_bookmarks(uri, database) if urlsplit(uri).scheme in ROUTED else None


def forget_bookmarks() -> None:
    """Forget all bookmarks of this process, because the server does not know one of them."""
    for seen in _all:
        seen.forget()


@cache
def _create_bookmarks(uri: str, database: str | None) -> Bookmarks:
    """Create the bookmarks of a database, once a process."""
    seen = Bookmarks()
    _all.append(seen)
    return seen


def is_about_bookmarks(error: neo4j.exceptions.Neo4jError) -> bool:
    """Return whether the server does not know a bookmark, or waited for its state in vain."""
    # All codes about bookmarks have the word; the driver has no class for them.
    return "Bookmark" in (error.code or "")
