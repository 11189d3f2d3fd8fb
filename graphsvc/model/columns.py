"""A validated, tokenised bundle as columns, ready to be loaded into the graph."""

from dataclasses import dataclass, field
from typing import TypeAlias

import polars as pl

TIME = pl.Datetime("us", "UTC")
Schema: TypeAlias = dict[str, pl.DataType | type[pl.DataType]]

ACCOUNTS: Schema = {
    "account_id": pl.String, "created_at": TIME, "status": pl.String, "status_changed_at": TIME,
    "plan": pl.String, "country": pl.String,
}  # fmt: skip
EDGES: Schema = {
    "account_id": pl.String, "key": pl.String, "first_seen": TIME, "last_seen": TIME, "count": pl.Int64,
}  # fmt: skip
FORMER: Schema = {"former": pl.String, "key": pl.String}
VALUES: Schema = {"key": pl.String, "kind": pl.String, "value": pl.String}
INSTRUMENT_VALUES: Schema = {
    **VALUES,
    "bin": pl.String,
    "instrument_kind": pl.String,
    "issuer_country": pl.String,
}
WORDED_VALUES: Schema = {**VALUES, "words": pl.String}
"""`words`: tokens of the value's words, sorted, separated by spaces; null if it has none."""
IP_VALUES: Schema = {**VALUES, "prefix": pl.String, "asn": pl.Int64}
NETWORKS: Schema = {
    "cidr": pl.String, "asn": pl.Int64, "name": pl.String, "network_class": pl.String, "country": pl.String,
}  # fmt: skip
ACTIVITY: Schema = {"account_id": pl.String, "hour": TIME, "requests": pl.Int64, "model": pl.String}
OUTCOMES: Schema = {
    "id": pl.String, "account_id": pl.String, "kind": pl.String, "at": TIME, "by": pl.String, "reason": pl.String,
    "status": pl.String,
}  # fmt: skip
"""`status`: what the outcome gives the account; null: nothing."""
DEAD_LETTERS: Schema = {
    "table": pl.String, "file": pl.String, "row": pl.Int64, "column": pl.String, "reason": pl.String,
    "shape": pl.String, "also": pl.String,
}  # fmt: skip
"""One row a rejected row: its first fault and the masked form of the value at fault. `also` has further
faults of the row as `column:reason`, separated by spaces."""


def get_values_schema(kind: str) -> Schema:
    """Return the columns of the distinct values of a signal kind."""
    # Kinds with further columns; all others, undeclared ones too, have the common three.
    own = {"instrument": INSTRUMENT_VALUES, "ip": IP_VALUES, "email_handle": WORDED_VALUES}
    return {**own, "display_name": WORDED_VALUES}.get(kind, VALUES)


@dataclass(frozen=True, slots=True)
class CellReport:
    """Cells of an optional column that became null for one reason: their count, and the masked form of the first."""

    table: str
    column: str
    reason: str
    count: int
    file: str
    row: int
    shape: str | None


@dataclass(frozen=True, slots=True)
class Hub:
    """A value that suspiciously many accounts share.

    Attributes:
        key: of the signal.
        kind: of the signal.
        holders: accounts that have it.
        accounts: accounts that have any value of its kind.
        coherent: share of the holders that also share something of another family, 0–1.
    """

    key: str
    kind: str
    holders: int
    accounts: int
    coherent: float


@dataclass(frozen=True, slots=True)
class TableReport:
    """Report of one table: rows read, rows rejected, unknown columns."""

    table: str
    read: int
    rejected: int
    unknown_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BundleColumns:
    """A bundle after intake: no raw PII, no broken row, one row a thing, sorted by key.

    Attributes:
        id: hash of the bundle's content, equal for equal bytes.
        accounts: schema `ACCOUNTS`.
        values: by declared kind, one row a signal (`get_values_schema`).
        edges: by declared kind, one row an (account, signal) pair (schema `EDGES`). Signals of undeclared
            kinds are under `identifier`, where the column `kind` names the real one; so in `values`.
        networks: schema `NETWORKS`.
        activity: schema `ACTIVITY`.
        outcomes: schema `OUTCOMES`.
        dead_letters: schema `DEAD_LETTERS`.
        tables: a report of each table.
        unknown_files: names of files that are no table.
        former: by id of each earlier token key, the signals' keys under it (schema `FORMER`).
        cells: cells that became null.
        notes: sentences on how the files were read.
        hubs: values that too many accounts share.
    """

    id: str
    accounts: pl.DataFrame
    values: dict[str, pl.DataFrame]
    edges: dict[str, pl.DataFrame]
    networks: pl.DataFrame
    activity: pl.DataFrame
    dead_letters: pl.DataFrame
    outcomes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTCOMES))
    tables: tuple[TableReport, ...] = field(default=())
    unknown_files: tuple[str, ...] = field(default=())
    former: dict[str, pl.DataFrame] = field(default_factory=dict)
    cells: tuple[CellReport, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    hubs: tuple[Hub, ...] = field(default=())
