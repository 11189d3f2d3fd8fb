"""Write a bundle's columns as files for `neo4j-admin database import`: Parquet files, each of one kind of node or edge.

Parquet keeps times, lists and any text unchanged, without quoting. Nodes are numbered from 0 and imported
under these numbers (`--id-type=actual`), so that the tool keeps no table of ids. The files hold what the
statements of `cypher/load` would write into an empty database as load number 1. A test compares the two
graphs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from graphsvc.model.columns import BundleParts, Parts
from graphsvc.signals.kinds import BY_NAME
from graphsvc.store.loads import pack_activity
from graphsvc.types import Progress

FIRST = 1
"""Number of a load into an empty database."""

Place = Callable[[pl.Series, pl.Series, pl.DataFrame], pl.DataFrame]


@dataclass(slots=True)
class ImportFiles:
    """Files written, with the labels of their nodes or the type of their edges, and the count of each."""

    nodes: list[tuple[str, Path]] = field(default_factory=list)
    edges: list[tuple[str, Path]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def build_arguments(self) -> list[str]:
        """Build the import tool's arguments for the files."""
        nodes = [f"--nodes={labels}={path}" for labels, path in self.nodes]
        return nodes + [f"--relationships={kind}={path}" for kind, path in self.edges]


def write_files(
    columns: BundleParts, load: dict[str, object], place: Place, directory: Path, progress: Progress
) -> ImportFiles:
    """Write the graph of one bundle as files into `directory`, which exists.

    Args:
        columns: the bundle, as it was read from files: edges name the places of their ends.
        load: properties of the load's record, `number` included.
        place: finds the network of an address, as `graphsvc.intake.networks.assign_networks`.
        directory: of the files.
        progress: called with the stage, rows done and rows in all.

    Raises:
        OSError: the files cannot be written.
    """
    total = (
        columns.accounts.height
        + columns.count_signals()
        + columns.count_edges()
        + 2 * columns.activity.height
    )
    writer = _Writer(directory, progress, total)
    # First, so that the place of an account is the number of its node.
    for people in columns.accounts.read():
        writer.write_nodes("Account", people.select(
            id="account_id", createdAt="created_at", status="status", statusChangedAt="status_changed_at",
            plan="plan", country="country", touched=pl.lit(FIRST, pl.Int64),
        ))  # fmt: skip
    _write_networks(writer, columns.networks)
    announced: list[pl.DataFrame] = []
    for kind, parts in columns.values.items():
        first = writer.next_node
        labels = f"Signal:{BY_NAME[kind].label}"
        for values in parts.read():
            writer.write_nodes(labels, _build_signals(kind, values, columns.networks, place))
        if kind == "ip":
            announced = _write_prefixes(writer, parts, first)
        for edges in columns.edges[kind].read("account", "signal", "first_seen", "last_seen", "count"):
            seen = edges.select(firstSeen="first_seen", lastSeen="last_seen", count="count")
            writer.write_edges(BY_NAME[kind].relationship, edges["account"], edges["signal"] + first, seen)
    _write_systems(writer, columns.networks, announced)
    _write_traffic(writer, columns.activity)
    writer.write_nodes("Load", pl.DataFrame([{**load, "startedAt": datetime.now(UTC)}]))
    writer.write_nodes("LoadBook", pl.DataFrame({"name": ["loads"], "last": [FIRST]}))
    return writer.files


class _Writer:
    """Number nodes, write frames and count the rows written."""

    def __init__(self, directory: Path, progress: Progress, total: int) -> None:
        self.files = ImportFiles()
        self._directory, self._progress, self._total = directory, progress, total
        self._done = 0
        self.next_node = 0

    def write_nodes(self, labels: str, properties: pl.DataFrame) -> pl.Series:
        """Write nodes. Return their numbers."""
        first, self.next_node = self.next_node, self.next_node + properties.height
        numbers = pl.int_range(first, self.next_node, dtype=pl.Int64, eager=True)
        path = self._write(labels, [numbers.alias(":ID")], properties)
        if path is not None:
            self.files.nodes.append((labels, path))
        return numbers

    def write_edges(
        self, kind: str, starts: pl.Series, ends: pl.Series, properties: pl.DataFrame | None = None
    ) -> None:
        """Write edges between the nodes of these numbers."""
        path = self._write(
            kind,
            [starts.alias(":START_ID"), ends.alias(":END_ID")],
            pl.DataFrame() if properties is None else properties,
        )
        if path is not None:
            self.files.edges.append((kind, path))

    def _write(self, name: str, numbers: list[pl.Series], properties: pl.DataFrame) -> Path | None:
        """Write one file and count its rows; None for an empty frame."""
        frame = pl.DataFrame([*numbers, *properties.get_columns()])
        for part in name.split(":"):
            self.files.counts[part] = self.files.counts.get(part, 0) + frame.height
        if frame.is_empty():
            return None
        # Numbered, not named: labels hold colons, which some file systems refuse.
        path = self._directory / f"{len(self.files.nodes)}-{len(self.files.edges)}.parquet"
        # Read once and then deleted, so compression would only cost time.
        _convert_types(frame).write_parquet(path, compression="uncompressed", statistics=False)
        self._done += frame.height
        self._progress("import files", self._done, max(self._done, self._total))
        return path


def _convert_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Convert a frame to the tool's types: times in whole milliseconds, as online, and lists with typed names."""
    columns = []
    for column in frame:
        if isinstance(column.dtype, pl.List):
            kind = "string" if column.dtype == pl.List(pl.String) else "long"
            columns.append(column.alias(f"{column.name}:{kind}[]"))
        elif column.dtype.is_temporal():
            times = column.dt.epoch("ms").cast(pl.Datetime("ms", "UTC"))
            if times.min() is not None and times.dt.year().min() < 1970:  # type: ignore[operator]
                # The tool cannot read fractions of a second before 1970, except as text.
                times = times.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").alias(f"{column.name}:datetime")
            columns.append(times)
        else:
            columns.append(column)
    return pl.DataFrame(columns)


def _write_networks(writer: _Writer, networks: pl.DataFrame) -> None:
    """Write the networks that have an address range."""
    named = networks.filter(pl.col("cidr").is_not_null())
    writer.write_nodes("Network", named.rename({"network_class": "class"}))


def _build_signals(kind: str, values: pl.DataFrame, networks: pl.DataFrame, place: Place) -> pl.DataFrame:
    """Build the properties of signals of a kind."""
    own = values.select("key", "kind", "value", touched=pl.lit(FIRST, pl.Int64))
    if kind == "instrument":
        own = own.with_columns(
            values["bin"],
            values["instrument_kind"].alias("instrumentKind"),
            values["issuer_country"].alias("issuerCountry"),
        )
    if "words" in values.columns:
        own = own.with_columns(values["words"])
    if kind == "ip":
        # The lowest system of its prefix decides an address's class, as in the loaded graph.
        lowest = values.select(pl.col("asn").min().over("prefix")).to_series()
        known = networks.select("cidr", "asn", "name", pl.col("network_class").alias("class"))
        placed = place(values["value"], lowest, known)
        own = own.with_columns(placed["class"].alias("networkClass"), placed["network"])
    return own


def _write_prefixes(writer: _Writer, addresses: Parts, first: int) -> list[pl.DataFrame]:
    """Write the prefixes of addresses, which are the nodes from `first` on.

    Returns:
        Frames of `prefix`, the number of a prefix, and `asn`, a system that announces it.
    """
    announced = []
    for part in addresses.read("prefix", "asn"):
        # No prefix is in two parts.
        distinct = part["prefix"].unique().sort().to_frame("key")
        numbers = distinct.with_columns(node=writer.write_nodes("Prefix", distinct))
        placed = part.join(numbers, left_on="prefix", right_on="key", how="left", maintain_order="left")
        own = pl.int_range(first, first + part.height, dtype=pl.Int64, eager=True)
        writer.write_edges("IN", own, placed["node"])
        announced.append(placed.select(prefix="node", asn="asn").drop_nulls().unique())
        first += part.height
    return announced


def _write_systems(writer: _Writer, networks: pl.DataFrame, announced: list[pl.DataFrame]) -> None:
    """Write the autonomous systems that `networks` or sessions name, and the prefixes that they announce."""
    described = networks.filter(pl.col("cidr").is_null())
    known = described.select("asn", "name", "country", pl.col("network_class").alias("class"))
    for part in announced:
        seen = part.select(pl.col("asn").unique().sort())
        # Systems that only sessions name have no name or class, but addresses are announced by them.
        known = pl.concat([known, seen.join(known, on="asn", how="anti")], how="diagonal")
    numbers = known.select("asn", node=writer.write_nodes("AutonomousSystem", known))
    for part in announced:
        writer.write_edges("ANNOUNCED_BY", *part.join(numbers, on="asn").select("prefix", "node"))


def _write_traffic(writer: _Writer, activity: Parts) -> None:
    """Write traffic: one node an account and month."""
    for hours in activity.read():
        packed = pack_activity(hours)
        keys = (packed["account_id"] + "|" + packed["month"]).alias("key")
        nodes = writer.write_nodes("Activity", packed.select(keys, "month", "hours", "requests", "models"))
        owners = packed.join(
            hours.select("account_id", "account").unique(), on="account_id", how="left", maintain_order="left"
        )
        writer.write_edges("HAD_TRAFFIC", owners["account"], nodes)
