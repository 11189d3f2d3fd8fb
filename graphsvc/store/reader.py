"""Read Neo4j for the API: one async driver a process and event loop, statements by name, bounded in time."""

import asyncio
from collections.abc import Sequence
from copy import copy
from datetime import UTC
from types import TracebackType
from typing import Any, Self, TypeVar

import neo4j
from neo4j import exceptions as failed
from neo4j.time import DateTime

from graphsvc.errors import DatabaseUnavailable
from graphsvc.signals.veil import Veil
from graphsvc.statements import load_text
from graphsvc.store.bookmarks import AsyncBookmarks, find_bookmarks
from graphsvc.store.connection import DRIVER_OPTIONS, Address, Row, map_driver_errors
from graphsvc.store.queries.query import Query

Item = TypeVar("Item")

# A client waits: it is told within seconds that the database is away, and tries again itself.
_RETRY_SECONDS = 0.3
# The server ends a query at its timeout; this much later we stop waiting for a server that no longer speaks.
_GRACE_SECONDS = 8.0


class Reader:
    """A connection pool that redacts addresses. Open it inside the event loop that uses it.

    Addresses in rows become pseudonyms, and pseudonyms in parameters become addresses. So callers never hold
    an address. A statement that returns the `value` of a signal must also return its `key`.

    The driver's pool survives a database that goes away and returns. Nothing needs a restart.
    """

    def __init__(self, address: Address, query_timeout: float, veil: Veil) -> None:
        """Open the pool.

        Args:
            address: of the database.
            query_timeout: seconds that a query may take in the database.
            veil: redacts addresses.
        """
        self.veil = veil
        self._address = address
        self._timeout = query_timeout
        seen = find_bookmarks(address.uri, address.database)
        self._chain: dict[str, Any] = {} if seen is None else {"bookmark_manager": AsyncBookmarks(seen)}
        with map_driver_errors():
            self._driver = neo4j.AsyncGraphDatabase.driver(
                address.uri,
                auth=(address.user, address.password.get_secret_value()),
                **DRIVER_OPTIONS,
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._driver.close()

    def copy_with_veil(self, veil: Veil) -> Self:
        """Return the same pool with another veil. It need not be closed."""
        # Shallow, so that both share the driver and its pool.
        other = copy(self)
        other.veil = veil
        return other

    async def read(self, query: Query[Item], **parameters: object) -> list[Item]:
        """Run a reading statement and return its rows. Raise as `read_rows`."""
        return [query.parse(row) for row in await self.read_rows(query.statement, **parameters)]

    async def read_by_owner(
        self, query: Query[Item], ids: Sequence[str], **parameters: object
    ) -> dict[str, list[Item]]:
        """Run a statement that takes `$ids` and returns `owner`, and return the rows of each. Raise as `read_rows`."""
        found: dict[str, list[Item]] = {owner: [] for owner in ids}
        for row in await self.read_rows(query.statement, ids=ids, **parameters):
            found[row["owner"]].append(query.parse(row))
        return found

    async def read_rows(self, name: str, **parameters: object) -> list[Row]:
        """Run a reading statement and return its rows; times are `datetime` in UTC.

        It runs without an explicit transaction, which is one message to the server instead of three. It is
        retried once if the driver says that this can help.

        Raises:
            DatabaseUnavailable: not reachable, or no answer in time.
            TimedOut: the query took longer than its timeout.
            DatabaseRefused: the query was refused.
        """
        query = neo4j.Query(load_text(name), timeout=self._timeout)
        opened = self.veil.open_handles(parameters)
        with map_driver_errors(name, self._timeout):
            try:
                async with asyncio.timeout(self._timeout + _GRACE_SECONDS):
                    try:
                        return await self._run_query(query, opened)
                    except (failed.DriverError, failed.Neo4jError) as error:
                        if not error.is_retryable():
                            raise
                    await asyncio.sleep(_RETRY_SECONDS)
                    return await self._run_query(query, opened)
            except TimeoutError:
                raise DatabaseUnavailable("Neo4j did not answer in time.", "Try again in a moment.") from None

    def count_connections(self) -> dict[str, int]:
        """Count the open connections to the database that are `in_use` and `idle`."""
        # The driver has no public count of its connections.
        pool = self._driver._pool
        opened = [each.in_use for kept in pool.connections.values() for each in kept]
        return {"in_use": sum(opened), "idle": len(opened) - sum(opened)}

    async def _run_query(self, query: neo4j.Query, parameters: Row) -> list[Row]:
        """Run a query in a session of its own and return its redacted rows."""
        async with self._driver.session(
            database=self._address.database, default_access_mode=neo4j.READ_ACCESS, **self._chain
        ) as session:
            result = await session.run(query, parameters)
            names = result.keys()
            return [
                self.veil.redact_rows(convert_times(dict(zip(names, record.values(), strict=True))))
                async for record in result
            ]


def convert_times(value: Any) -> Any:
    """Convert the driver's times to `datetime` in UTC, in lists and maps too."""
    if isinstance(value, DateTime):
        return value.to_native().astimezone(UTC)
    if isinstance(value, list):
        return [convert_times(item) for item in value]
    if isinstance(value, dict):
        return {key: convert_times(item) for key, item in value.items()}
    return value
