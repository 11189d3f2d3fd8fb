"""Connect to Neo4j: one driver a process, statements by name, driver errors mapped to ours."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import neo4j
from neo4j import exceptions as failed
from pydantic import SecretStr

from graphsvc.errors import DatabaseRefused, DatabaseUnavailable, TimedOut
from graphsvc.statements import load_text
from graphsvc.store.bookmarks import find_bookmarks, forget_bookmarks, is_about_bookmarks
from graphsvc.store.watch import run_watched

Row = dict[str, Any]
Answer = TypeVar("Answer")

# What the driver would log about retries is answered as an error with a code; its own lines may quote queries.
logging.getLogger("neo4j").setLevel(logging.CRITICAL)

# Times are seconds. A connection that was idle longer than the liveness timeout is tested before it is used again.
DRIVER_OPTIONS: dict[str, Any] = {
    "connection_acquisition_timeout": 5.0,
    "connection_timeout": 5.0,
    "liveness_check_timeout": 30.0,
    "max_transaction_retry_time": 15.0,
    "notifications_min_severity": "OFF",
    "user_agent": "graphsvc",
}


@dataclass(frozen=True, slots=True)
class Address:
    """URI and sign-in of a Neo4j; `database` None means the server's default one."""

    uri: str
    user: str
    password: SecretStr
    database: str | None = None


@contextmanager
def map_driver_errors(doing: str = "a statement", seconds: float | None = None) -> Iterator[None]:
    """Map the driver's exceptions to this project's, without the text of queries or parameters.

    Args:
        doing: what the database was asked to do, for the message.
        seconds: the time that the statement had, for the message.

    Raises:
        DatabaseUnavailable: not reachable, not writable now, or the sign-in is refused.
        TimedOut: reached, and ended what was asked when its time was over.
        DatabaseRefused: reached, and answered that it will not do this.
    """
    # Outermost, so that the watch also sees what is mapped to an error.
    with run_watched(doing):
        try:
            yield
        # Subclasses before their bases: `AuthError` is a `Neo4jError`, and `ServiceUnavailable` a
        # `DriverError`.
        except failed.AuthError:
            raise DatabaseUnavailable(
                "Neo4j refuses the sign-in.", "Check GRAPHSVC_NEO4J_USER and GRAPHSVC_NEO4J_PASSWORD."
            ) from None
        except (
            failed.ServiceUnavailable,
            failed.SessionExpired,
            failed.ConfigurationError,
            OSError,
        ) as error:
            raise DatabaseUnavailable(
                f"Neo4j cannot be reached ({type(error).__name__}).",
                "Start it (`graphsvc neo4j start`), or check GRAPHSVC_NEO4J_URI.",
            ) from error
        except failed.DriverError as error:
            raise DatabaseUnavailable(f"The connection to Neo4j failed ({type(error).__name__}).") from error
        except failed.TransientError as error:
            if is_about_bookmarks(error):
                forget_bookmarks()
            raise DatabaseUnavailable(
                f"Neo4j is not able to serve this now ({error.code}).", "Try again in a moment."
            ) from error
        except failed.Neo4jError as error:
            if is_about_bookmarks(error):
                forget_bookmarks()
                raise DatabaseUnavailable(
                    f"Another database took the place of the one that answered before ({error.code}).",
                    "Try again; nothing is to restart.",
                ) from error
            if "TransactionTimedOut" in (error.code or ""):
                took = "its time" if seconds is None else f"{seconds:g} s"
                # Neo4j calls this the client's error; as often it has too much else to do.
                raise TimedOut(
                    f"The query took longer than {took} in Neo4j and was ended.",
                    "Try again in a moment, or ask for less: a smaller `first`, a narrower filter.",
                ) from error
            raise DatabaseRefused(
                f"Neo4j refused {doing} ({error.code}).", _get_advice(error.code)
            ) from error


def _get_advice(code: str | None) -> str:
    """Return advice for an error code of the server."""
    if code and ".Security." in code:
        return "Give the user of GRAPHSVC_NEO4J_USER the right to read, write and change the schema."
    if code and "ReadOnly" in code:
        return "This database takes no writes (GRAPHSVC_NEO4J_READ_ONLY, or how the server is configured)."
    if code and "DatabaseNotFound" in code:
        return (
            "Set GRAPHSVC_NEO4J_DATABASE to one that SHOW DATABASES lists, or unset it for the default one."
        )
    if code and "ProcedureNotFound" in code:
        return "Install the Graph Data Science plugin in this Neo4j, or use the managed server."
    return "The server's log says more (`graphsvc neo4j logs`)."


class _Closed(Exception):
    """A guard without a row; ends its transaction without a trace."""


class Store:
    """A connection pool to one database. Use as a context manager, or call `close`."""

    def __init__(self, address: Address, timeout: float | None = None) -> None:
        """Open the pool.

        Args:
            address: of the database.
            timeout: seconds that a transaction may take in the database; None: no limit. With a timeout a
                person waits, so an unreachable database is reported sooner.
        """
        self.address = address
        self._timeout = timeout
        self._seen = find_bookmarks(address.uri, address.database)
        # The driver's own retries would otherwise add to what the person waits.
        patience = {} if timeout is None else {"max_transaction_retry_time": 3.0}
        with map_driver_errors():
            self.driver = neo4j.GraphDatabase.driver(
                address.uri,
                auth=(address.user, address.password.get_secret_value()),
                **DRIVER_OPTIONS | patience,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.driver.close()

    def verify(self) -> None:
        """Check that the database answers.

        In a cluster the leader reports its position, so that later reads are no older than this moment.

        Raises:
            DatabaseUnavailable: it does not answer.
        """
        with map_driver_errors(), self._open_session(neo4j.READ_ACCESS) as session:
            session.run(load_text("maintenance/ping")).consume()
        if self._seen is not None:
            # A follower answered already. A leader that is away must not make the service unready for reads.
            with suppress(failed.DriverError, failed.Neo4jError), self._open_session() as session:
                session.run(load_text("maintenance/ping")).consume()

    def read(self, name: str, /, **parameters: object) -> list[Row]:
        """Run a reading statement and return its rows. The driver retries on transient faults."""
        with map_driver_errors(name, self._timeout), self._open_session(neo4j.READ_ACCESS) as session:
            return session.execute_read(
                self._set_timeout(lambda tx: tx.run(load_text(name), parameters).data())
            )

    def stream(self, name: str, /, **parameters: object) -> Generator[tuple[Any, ...]]:
        """Stream the records of a reading statement as tuples, for large results; closing the stream ends it."""
        with map_driver_errors(name, self._timeout), self._open_session(neo4j.READ_ACCESS) as session:
            # Not a managed transaction: its retry would yield records twice.
            for record in session.run(self._build_query(name), parameters):
                yield tuple(record.values())

    def write(self, name: str, /, **parameters: object) -> list[Row]:
        """Run one writing statement in one transaction. It must be idempotent, since the driver retries."""
        return self.run_transaction((name, parameters))

    def run_transaction(self, *steps: tuple[str, Row]) -> list[Row]:
        """Run several statements in one transaction and return the rows of the last."""

        def run_steps(tx: neo4j.ManagedTransaction) -> list[Row]:
            """Run the steps and return the rows of the last."""
            rows: list[Row] = []
            for name, parameters in steps:
                rows = tx.run(load_text(name), parameters).data()
            return rows

        with map_driver_errors(steps[-1][0], self._timeout), self._open_session() as session:
            return session.execute_write(self._set_timeout(run_steps))

    def write_guarded(self, guard: tuple[str, Row], *steps: tuple[str, Row]) -> bool:
        """Run `steps` in one transaction, only if the statement `guard` returns a row.

        Returns:
            Whether the steps ran. A retry after a commit with a lost answer finds the guard closed.
        """
        return self.write_all_guarded((guard,), *steps) is None

    def write_all_guarded(
        self,
        guards: Sequence[tuple[str, Row]],
        *steps: tuple[str, Row],
        plan: Callable[[Row], Iterable[tuple[str, Row]]] | None = None,
    ) -> str | None:
        """Run `steps` in one transaction, only if each of `guards` returns a row, in this order.

        Args:
            guards: statements with their parameters.
            steps: likewise.
            plan: makes further steps of the first row of the last guard, such as a number that it gave.

        Returns:
            None if the steps ran, else the name of the first closed guard; then nothing was written.
        """

        def run_steps(tx: neo4j.ManagedTransaction) -> None:
            """Run guards and steps; raise to roll back if a guard is closed."""
            rows: list[Row] = []
            for name, parameters in guards:
                rows = tx.run(load_text(name), parameters).data()
                if not rows:
                    raise _Closed(name)
            for name, parameters in (*steps, *(plan(rows[0]) if plan else ())):
                tx.run(load_text(name), parameters).consume()

        doing = steps[-1][0] if steps else guards[-1][0]
        with map_driver_errors(doing), self._open_session() as session:
            try:
                session.execute_write(self._set_timeout(run_steps))
            except _Closed as closed:
                return str(closed)
        return None

    def run_autocommit(self, name: str, /, **parameters: object) -> list[Row]:
        """Run a statement that manages its own transactions (`CALL … IN TRANSACTIONS`)."""
        with map_driver_errors(name, self._timeout), self._open_session() as session:
            return session.run(self._build_query(name), parameters).data()

    def apply_schema(self, text: str) -> None:
        """Run one schema statement of a migration."""
        with map_driver_errors(), self._open_session() as session:
            session.run(text).consume()

    def _set_timeout(self, work: Callable[[neo4j.ManagedTransaction], Answer]) -> Callable[..., Answer]:
        """Wrap a unit of work with this store's timeout."""
        return neo4j.unit_of_work(timeout=self._timeout)(work)

    def _build_query(self, name: str) -> neo4j.Query:
        """Build a query with this store's timeout."""
        return neo4j.Query(load_text(name), timeout=self._timeout)

    def _open_session(self, access: str = neo4j.WRITE_ACCESS) -> neo4j.Session:
        """Open a session on this store's database, with its bookmarks."""
        chain: dict[str, Any] = {} if self._seen is None else {"bookmark_manager": self._seen}
        # The driver's default of 1,000 records would cost large readings five times as many round trips.
        return self.driver.session(
            database=self.address.database, default_access_mode=access, fetch_size=5_000, **chain
        )
