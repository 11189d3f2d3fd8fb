"""Read the tables of a bundle from queries, in batches of bounded size, through ADBC."""

import importlib
import ipaddress
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pa_compute

from graphsvc.errors import SourceError
from graphsvc.intake.column_map import suggest_candidates
from graphsvc.intake.files import BundleFile, BundleFiles
from graphsvc.model.marks import Mark, build_mark
from graphsvc.sources.places import strip_secrets
from graphsvc.sources.queries import Query, QueryFile

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection

ROWS = 50_000
"""Rows read at once: 10 to 20 MB of the widest table, and few enough round trips to take no time of note."""
_MODULES = {
    "postgresql": "adbc_driver_postgresql", "postgres": "adbc_driver_postgresql", "sqlite": "adbc_driver_sqlite",
    "snowflake": "adbc_driver_snowflake", "bigquery": "adbc_driver_bigquery",
    "grpc": "adbc_driver_flightsql", "grpc+tls": "adbc_driver_flightsql",
}  # fmt: skip
"""Packages with the driver of a scheme. For any other the driver manager looks for an installed driver of its name."""
_OURS = ("postgresql", "postgres", "sqlite")  # in the extra
_POSTGRES = ("postgresql", "postgres")
_ADDRESS_TYPES = ("inet", "cidr")
_HEAD = 4
"""Bytes before the address in PostgreSQL's binary form of inet: family, bits of the mask, whether cidr, length."""


class SqlSource:
    """A database whose queries give the tables of a bundle. Use as a context manager.

    `name` is how its marks are kept. `highest` has the highest mark of each table read so far.
    """

    def __init__(self, address: str, queries: QueryFile) -> None:
        """Describe the source; nothing is connected yet.

        Args:
            address: `scheme://…` as the driver takes it. It may hold a password, and is never printed.
            queries: of the tables.
        """
        self._address = address
        self._scheme = address.partition("://")[0].lower()
        self._queries = queries.queries
        self._connection: Connection | None = None
        self._numbers = itertools.count()
        self.name = queries.name or strip_secrets(address)
        self.highest: dict[str, Mark] = {}

    def __enter__(self) -> Self:
        with self._map_errors("connecting"):
            self._connection = _connect(self._scheme, self._address)
            if self._scheme in _POSTGRES:
                # All queries see one moment: else an account could be missing whose sessions are there.
                with self._connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            with self._map_errors("closing"):
                self._connection.close()

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables whose marks are kept."""
        return tuple(query.table for query in self._queries if query.mark)

    def list_tables(self, marks: Mapping[str, Mark]) -> BundleFiles:
        """List the tables, which are read when a load asks for their rows.

        Args:
            marks: up to which each was read before.
        """
        parts: dict[str, tuple[BundleFile, ...]] = {}
        for query in self._queries:
            rows = partial(self._read_rows, query, query.find_start(marks))
            place = f"{query.table} (query)"
            parts[query.table] = (BundleFile(query.table, Path(place), place, "", 0, rows=rows),)
        return BundleFiles(parts)

    def _read_rows(self, query: Query, start: datetime | int | None) -> Iterator[pa.Table]:
        """Yield the rows of a query in tables of at most some `ROWS`; at least one, for its columns."""
        with self._map_errors(f"the query of {query.table}"):
            for batch in self._execute(query.text, None if start is None else (start,)):
                self._note_mark(query, batch)
                yield _convert_opaque(query, batch)

    def _execute(self, text: str, parameters: tuple[datetime | int] | None) -> Iterator[pa.Table]:
        assert self._connection is not None, "the source is not open"  # noqa: S101 - for the type checker
        with self._connection.cursor() as cursor:
            if self._scheme not in _POSTGRES:
                cursor.execute(text, parameters)
                reader = cursor.fetch_record_batch()
                yield reader.schema.empty_table()
                for batch in reader:
                    yield from _split(pa.Table.from_batches([batch]))
                return
            # The driver streams queries without parameters only; the rows of others it would hold at once.
            name = f"graphsvc_{next(self._numbers)}"
            cursor.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {text}", parameters)
            # The driver reads by COPY by default, and PostgreSQL takes no FETCH in it.
            cursor.adbc_statement.set_options(**{"adbc.postgresql.use_copy": "false"})
            rows = ROWS
            while rows == ROWS:
                cursor.execute(f"FETCH FORWARD {ROWS} FROM {name}")
                batch = cursor.fetch_arrow_table()
                rows = batch.num_rows
                yield batch

    def _note_mark(self, query: Query, batch: pa.Table) -> None:
        if query.mark is None:
            return
        names = {name.lower(): name for name in batch.column_names}
        if query.mark.lower() not in names:
            raise SourceError(
                f"The query of {query.table} gives no column {query.mark}, which is its mark.",
                f"{suggest_candidates(query.mark, batch.column_names)} Select it, besides the columns of the table.",
            )
        highest = pa_compute.max(batch[names[query.mark.lower()]]).as_py() if batch.num_rows else None
        if highest is None:
            return
        if isinstance(highest, date) and not isinstance(highest, datetime):
            highest = datetime.combine(highest, time())
        # A bool is an int to Python, and marks nothing.
        if isinstance(highest, bool) or not isinstance(highest, datetime | int):
            raise SourceError(
                f"The mark {query.mark} of {query.table} is neither a time nor an integer.",
                "Choose a column that grows with every change, such as a time of update or a sequence.",
            )
        mark = build_mark(highest, query.mark)
        before = self.highest.get(query.table)
        if before is None or before.kind is not mark.kind or before.parsed < mark.parsed:  # type: ignore[operator]
            self.highest[query.table] = mark

    @contextmanager
    def _map_errors(self, doing: str) -> Iterator[None]:
        """Map a driver's errors to ours, without the address, its password, and values of rows.

        Raises:
            SourceError
        """
        try:
            import adbc_driver_manager as driver
        except ImportError:
            raise _build_missing_error(self._scheme) from None
        where = strip_secrets(self._address)
        try:
            yield
        except driver.ProgrammingError as error:
            raise SourceError(
                f"{where} refuses {doing}: {self._clean(error)}", "Correct the query file."
            ) from None
        except driver.OperationalError as error:
            raise SourceError(
                f"{where} does not answer, or refuses the sign-in: {self._clean(error)}",
                "Check address, user and password; `psql` and its like read the same environment.",
            ) from None
        except driver.Error as error:
            # What the database says of data quotes it.
            state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
            raise SourceError(
                f"{where} failed in {doing}{state}.", "The log of the database says more."
            ) from None

    def _clean(self, error: Exception) -> str:
        """Return the first line of a driver's error, without what the address keeps secret."""
        line = str(error).split("\n", 1)[0].rpartition("[libpq] ")[2].strip()
        parts = urlsplit(self._address)
        # A driver's error can quote the address, encoded as it was given or decoded.
        for secret in (self._address, parts.password, parts.query):
            if secret:
                line = line.replace(secret, "***").replace(unquote(secret), "***")
        return line[:300]


def _connect(scheme: str, address: str) -> "Connection":
    """Connect by the driver of a scheme.

    Raises:
        SourceError: it is not installed.
    """
    module = _MODULES.get(scheme)
    rest = address.partition("://")[2]
    try:
        driver: Any = importlib.import_module(f"{module or 'adbc_driver_manager'}.dbapi")
    except ImportError:
        raise _build_missing_error(scheme) from None
    if module is None:
        return driver.connect(driver=scheme, uri=address)  # type: ignore[no-any-return]
    if scheme == "bigquery":
        project, _, dataset = rest.partition("/")
        options = {"adbc.bigquery.sql.project_id": project, "adbc.bigquery.sql.dataset_id": dataset}
        return driver.connect(db_kwargs=options)  # type: ignore[no-any-return]
    # These two take what stands behind the scheme.
    return driver.connect(rest if scheme in ("sqlite", "snowflake") else address)  # type: ignore[no-any-return]


def _build_missing_error(scheme: str) -> SourceError:
    package = _MODULES.get(scheme)
    own = f" and {package.replace('_', '-')}" if package and scheme not in _OURS else ""
    return SourceError(
        f"Reading {scheme}:// needs packages that are not installed.",
        f"Run: pip install 'graphsvc[sql]'{own}",
    )


def _split(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, ROWS):
        yield table.slice(start, ROWS)


def _convert_opaque(query: Query, table: pa.Table) -> pa.Table:
    """Return a table with addresses and enums of PostgreSQL as text.

    Raises:
        SourceError: a column has a type that Arrow has no form for.
    """
    for place, field in enumerate(table.schema):
        if not isinstance(field.type, pa.OpaqueType) or pa.types.is_string(field.type.storage_type):
            continue
        values = pa.chunked_array([chunk.storage for chunk in table[place].chunks], field.type.storage_type)
        read = _format_address if field.type.type_name in _ADDRESS_TYPES else _read_enum
        texts = [value if value is None else read(value) for value in values.to_pylist()]
        if any(text is None and value for text, value in zip(texts, values.to_pylist(), strict=True)):
            raise SourceError(
                f"The column {field.name} of the query of {query.table} has the type {field.type.type_name}, "
                "which cannot be read.",
                f"Select it as text: CAST({field.name} AS text) AS {field.name}.",
            )
        table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    return table


def _read_enum(value: bytes) -> str | None:
    """Return the text of an enum, whose binary form is that; None for bytes of another form."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _format_address(value: bytes) -> str:
    """Return the text of an inet or cidr, whose mask is left out where it is that of one address."""
    address = ipaddress.ip_address(value[_HEAD:])
    return str(address) if value[1] == address.max_prefixlen else f"{address}/{value[1]}"
