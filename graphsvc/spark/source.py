"""Find the tables of a bundle on a path that a cluster reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphsvc.errors import BundleError, SparkError
from graphsvc.intake.schemas import list_columns
from graphsvc.spark.intake import MALFORMED
from graphsvc.spark.session import describe_error, list_failures

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TABLES = ("accounts", "payments", "sessions", "prompts", "activity", "networks", "identifiers")
_REFUSED = "outcomes"
_CSV = {"header": "true", "multiLine": "true", "escape": '"', "columnNameOfCorruptRecord": MALFORMED}


def open_tables(session: "SparkSession", source: str) -> dict[str, "DataFrame"]:
    """Open the tables of a bundle, `accounts` first; other columns than the contract's are left out.

    A table is a file `accounts.parquet` or `accounts.csv`, or a folder `accounts` of Parquet files.

    Raises:
        BundleError: there is no table `accounts`, a table lacks a required column, or is one that this engine does not
            read.
        SparkError: the path cannot be read.
    """
    if _open_table(session, source, _REFUSED) is not None:
        raise BundleError(
            f"The bundle {source} has a table {_REFUSED}, which the engine spark does not read.",
            "Load the outcomes into Neo4j (`graphsvc load`), or take the table out of the bundle.",
        )
    found = {name: _open_table(session, source, name) for name in TABLES}
    there = {name: table for name, table in found.items() if table is not None}
    if "accounts" not in there:
        raise BundleError(
            f"The bundle {source} has no table accounts that the cluster can read.",
            "Give a path that all machines of the cluster reach, with accounts.parquet, accounts.csv, or a folder "
            "accounts of Parquet files.",
        )
    return {name: _select_columns(name, table) for name, table in there.items()}


def _open_table(session: "SparkSession", source: str, name: str) -> "DataFrame | None":
    from pyspark.errors import AnalysisException

    base = f"{source.rstrip('/')}/{name}"
    for path, form in ((f"{base}.parquet", "parquet"), (f"{base}.csv", "csv"), (base, "parquet")):
        reader = session.read.options(**_CSV if form == "csv" else {}).format(form)
        try:
            table = reader.load(path)
            # With Spark Connect, a path that is not there shows only when it is asked for its columns.
            columns = table.columns
            if form == "csv":
                table = reader.schema(", ".join(f"`{name}` string" for name in [*columns, MALFORMED])).load(
                    path
                )
        except AnalysisException as error:
            if "PATH_NOT_FOUND" in (error.getCondition() or ""):
                continue
            raise _build_error(path, error) from None
        except list_failures() as error:
            raise _build_error(path, error) from None
        return table
    return None


def _build_error(path: str, error: Exception) -> SparkError:
    return SparkError(f"{path} cannot be read: {describe_error(error)}", "Check the path and its rights.")


def _select_columns(name: str, table: "DataFrame") -> "DataFrame":
    columns = list_columns(name)
    missing = [
        column for column, rule in columns.items() if not rule.nullable and column not in table.columns
    ]
    if missing:
        raise BundleError(
            f"The table {name} has no column {', '.join(missing)}.",
            "Names must be those of the contract: the engine spark maps none.",
        )
    wanted: Sequence[str] = [column for column in table.columns if column in columns or column == MALFORMED]
    return table.select(*wanted)
