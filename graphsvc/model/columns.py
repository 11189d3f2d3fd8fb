"""A validated, tokenised bundle as columns, ready to be loaded into the graph."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
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


REJECTIONS: Schema = {
    "table": pl.String, "column": pl.String, "reason": pl.String, "count": pl.Int64, "file": pl.String,
    "row": pl.Int64, "shape": pl.String,
}  # fmt: skip
"""Counts of dead letters by table, column and reason; `file`, `row` and `shape` are those of the first."""
NUMBERED_EDGES: Schema = {**EDGES, "account": pl.Int64, "signal": pl.Int64}
"""`account`: place of the account in `accounts`; accounts that are not there have later places. `signal`: place of the
signal in the values of its kind."""
NUMBERED_ACTIVITY: Schema = {**ACTIVITY, "account": pl.Int64}


def get_values_schema(kind: str) -> Schema:
    """Return the columns of the distinct values of a signal kind."""
    # Kinds with further columns; all others, undeclared ones too, have the common three.
    own = {"instrument": INSTRUMENT_VALUES, "ip": IP_VALUES, "email_handle": WORDED_VALUES}
    return {**own, "display_name": WORDED_VALUES}.get(kind, VALUES)


def count_rejections(dead_letters: pl.DataFrame) -> pl.DataFrame:
    """Count dead letters (schema `DEAD_LETTERS`) as `REJECTIONS`."""
    counted = dead_letters.group_by("table", "column", "reason", maintain_order=True)
    return counted.agg(pl.len().cast(pl.Int64).alias("count"), pl.col("file", "row", "shape").first())


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

    def split(self) -> "BundleParts":
        """Return the same bundle as parts of a load, each table one frame."""
        named = [frame["account_id"].unique() for frame in (*self.edges.values(), self.activity)]
        foreign = pl.concat([pl.Series("account_id", [], pl.String), *named]).unique().to_frame()
        foreign = foreign.join(self.accounts, on="account_id", how="anti").sort("account_id")
        return BundleParts(
            id=self.id,
            accounts=Parts.of(self.accounts),
            foreign=Parts.of(foreign),
            values={kind: Parts.of(frame) for kind, frame in self.values.items()},
            edges={kind: Parts.of(frame) for kind, frame in self.edges.items()},
            networks=self.networks,
            activity=Parts.of(self.activity),
            outcomes=self.outcomes,
            dead_letters=Parts.of(self.dead_letters),
            rejections=count_rejections(self.dead_letters),
            tables=self.tables,
            unknown_files=self.unknown_files,
            former={key: Parts.of(frame) for key, frame in self.former.items()},
            cells=self.cells,
            notes=self.notes,
            hubs=self.hubs,
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """A table as files and frames, each small enough for memory, in the order of their rows.

    Attributes:
        schema: columns and types.
        height: number of rows.
        files: Parquet.
        frames: rows after those of the files.
    """

    schema: Mapping[str, pl.DataType | type[pl.DataType]]
    height: int
    files: tuple[Path, ...] = ()
    frames: tuple[pl.DataFrame, ...] = ()

    @classmethod
    def of(cls, frame: pl.DataFrame) -> "Parts":
        """Return a frame as parts."""
        return cls(frame.schema, frame.height, (), (frame,))

    def read(self, *columns: str) -> Iterator[pl.DataFrame]:
        """Yield the parts with some columns; none: all."""
        names = list(columns or self.schema)
        for path in self.files:
            yield pl.read_parquet(path, columns=names).select(names)
        for frame in self.frames:
            yield frame.select(names)

    def scan(self) -> pl.LazyFrame:
        """Return all rows, for a query that takes few of them."""
        files = [pl.scan_parquet([*self.files])] if self.files else []
        return pl.concat([*files, *(frame.lazy() for frame in self.frames), pl.LazyFrame(schema=self.schema)])

    def collect(self) -> pl.DataFrame:
        """Return all rows as one frame."""
        return pl.concat([*self.read(), pl.DataFrame(schema=self.schema)])


@dataclass(frozen=True, slots=True)
class BundleParts:
    """A bundle after intake whose tables may be larger than memory; otherwise as `BundleColumns`.

    Attributes:
        foreign: `account_id` of accounts that edges or activity name and `accounts` lacks, sorted.
        values: each part has all addresses of its prefixes.
        edges: schema `NUMBERED_EDGES`, in the order of their signals, if the bundle was read from files.
        activity: schema `NUMBERED_ACTIVITY` likewise; each part has all rows of its accounts.
        rejections: schema `REJECTIONS`.
    """

    id: str
    accounts: Parts
    foreign: Parts
    values: dict[str, Parts]
    edges: dict[str, Parts]
    networks: pl.DataFrame
    activity: Parts
    outcomes: pl.DataFrame
    dead_letters: Parts
    rejections: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REJECTIONS))
    tables: tuple[TableReport, ...] = field(default=())
    unknown_files: tuple[str, ...] = field(default=())
    former: dict[str, Parts] = field(default_factory=dict)
    cells: tuple[CellReport, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    hubs: tuple[Hub, ...] = field(default=())

    def count_signals(self) -> int:
        """Return the number of signals."""
        return sum(parts.height for parts in self.values.values())

    def count_edges(self) -> int:
        """Return the number of edges of signals."""
        return sum(parts.height for parts in self.edges.values())

    def collect(self) -> BundleColumns:
        """Return the bundle in memory."""
        return BundleColumns(
            id=self.id,
            accounts=self.accounts.collect(),
            values={kind: parts.collect().sort("key") for kind, parts in self.values.items()},
            edges={
                kind: parts.collect().select(*EDGES).sort("account_id", "key")
                for kind, parts in self.edges.items()
            },
            networks=self.networks,
            activity=self.activity.collect().select(*ACTIVITY),
            outcomes=self.outcomes,
            dead_letters=self.dead_letters.collect(),
            tables=self.tables,
            unknown_files=self.unknown_files,
            former={key: parts.collect() for key, parts in self.former.items()},
            cells=self.cells,
            notes=self.notes,
            hubs=self.hubs,
        )
