"""Neo4j for the API: one async driver a process and event loop, statements by name, bounded in time."""

import asyncio
from datetime import UTC
from types import TracebackType
from typing import Any, Self

import neo4j
from neo4j import exceptions as failed
from neo4j.time import DateTime

from graphsvc.errors import DatabaseRefused, DatabaseUnavailable
from graphsvc.statements import cypher
from graphsvc.store.connection import DRIVER_OPTIONS, Address, Row, translated

# A client waits: it is told within seconds that the database is away, and tries again itself.
_RETRY_SECONDS = 1.0
# The server ends a query at its timeout; this much later we stop waiting for a server that no longer speaks.
_GRACE_SECONDS = 8.0


class Reader:
    """A pool of connections. Open it inside the event loop it is used in.

    The driver's own pool survives a database that goes away and comes back; nothing needs a restart.
    """

    def __init__(self, address: Address, query_timeout: float) -> None:
        """`query_timeout`: seconds a query may take in the database."""
        self._address = address
        self._timeout = query_timeout
        self._work = neo4j.unit_of_work(timeout=query_timeout)
        with translated():
            self._driver = neo4j.AsyncGraphDatabase.driver(
                address.uri,
                auth=(address.user, address.password.get_secret_value()),
                **{**DRIVER_OPTIONS, "max_transaction_retry_time": _RETRY_SECONDS},
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._driver.close()

    async def read(self, name: str, **parameters: object) -> list[Row]:
        """Rows of the reading statement `name`; times come as `datetime` in UTC.

        Raises:
            DatabaseUnavailable: not reachable, or no answer in time.
            DatabaseRefused: the query was refused, or took longer than its timeout.
        """
        return await self._rows(neo4j.READ_ACCESS, name, parameters)

    async def write(self, name: str, **parameters: object) -> list[Row]:
        """Rows of the writing statement `name`; it must be idempotent, the driver retries. Raises as `read`."""
        return await self._rows(neo4j.WRITE_ACCESS, name, parameters)

    async def _rows(self, access: str, name: str, parameters: Row) -> list[Row]:
        async def work(tx: neo4j.AsyncManagedTransaction) -> list[Row]:
            result = await tx.run(cypher(name), parameters)
            return [_native(record.data()) async for record in result]

        with translated():
            try:
                async with (
                    asyncio.timeout(self._timeout + _GRACE_SECONDS),
                    self._driver.session(
                        database=self._address.database, default_access_mode=access
                    ) as session,
                ):
                    reading = access == neo4j.READ_ACCESS
                    execute = session.execute_read if reading else session.execute_write
                    return await execute(self._work(work))
            except TimeoutError:
                raise DatabaseUnavailable("Neo4j did not answer in time.", "Try again in a moment.") from None
            except failed.ClientError as error:
                if error.code is None or "TransactionTimedOut" not in error.code:
                    raise
                raise DatabaseRefused(
                    f"The query took longer than {self._timeout:g} s in Neo4j and was ended.",
                    "Ask for less, for example with a smaller `first` or a narrower filter.",
                ) from error


def _native(value: Any) -> Any:
    if isinstance(value, DateTime):
        return value.to_native().astimezone(UTC)
    if isinstance(value, list):
        return [_native(item) for item in value]
    if isinstance(value, dict):
        return {key: _native(item) for key, item in value.items()}
    return value
