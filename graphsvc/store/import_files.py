"""Write a bundle's columns as files for `neo4j-admin database import`: one Parquet file a kind of node or edge.

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

from graphsvc.model.columns import BundleColumns
from graphsvc.signals.kinds import BY_NAME
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
    columns: BundleColumns,
    activity: pl.DataFrame,
    load: dict[str, object],
    place: Place,
    directory: Path,
    progress: Progress,
) -> ImportFiles:
    """Write the graph of one bundle as files into `directory`, which exists.

    Args:
        columns: the bundle.
        activity: the bundle's traffic, one row an account and month (`account_id`, `month`, lists `hours`,
            `requests`, `models`).
        load: properties of the load's record, `number` included.
        place: finds the network of an address, as `graphsvc.intake.networks.assign_networks`.
        directory: of the files.
        progress: called with the stage, rows done and rows in all.

    Raises:
        OSError: the files cannot be written.
    """
    writer = _Writer(directory, progress, _count_rows(columns, activity))
    people = columns.accounts
    accounts = writer.write_nodes("Account", people["account_id"], people.select(
        id="account_id", createdAt="created_at", status="status", statusChangedAt="status_changed_at",
        plan="plan", country="country", touched=pl.lit(FIRST, pl.Int64),
    ))  # fmt: skip
    systems = _write_systems(writer, columns)
    _write_networks(writer, columns.networks)
    for kind, values in columns.values.items():
        signals = _write_signals(writer, kind, values, columns.networks, systems, place)
        edges = columns.edges[kind]
        seen = edges.select(firstSeen="first_seen", lastSeen="last_seen", count="count")
        ends = _find_numbers(edges["account_id"], accounts), _find_numbers(edges["key"], signals)
        writer.write_edges(BY_NAME[kind].relationship, *ends, seen)
    # Edges come after both of their ends, since nodes have their numbers only once they are written.
    _write_traffic(writer, activity, accounts)
    writer.write_nodes(
        "Load", pl.Series([load["id"]]), pl.DataFrame([{**load, "startedAt": datetime.now(UTC)}])
    )
    writer.write_nodes("LoadBook", pl.Series(["loads"]), pl.DataFrame({"name": ["loads"], "last": [FIRST]}))
    return writer.files


class _Writer:
    """Number nodes, write frames and count the rows written."""

    def __init__(self, directory: Path, progress: Progress, total: int) -> None:
        self.files = ImportFiles()
        self._directory, self._progress, self._total = directory, progress, total
        self._next = self._done = 0

    def write_nodes(self, labels: str, keys: pl.Series, properties: pl.DataFrame) -> pl.DataFrame:
        """Write nodes. Return `key` and `node`, the number of the node with that key."""
        numbers = pl.int_range(self._next, self._next + keys.len(), dtype=pl.Int64, eager=True)
        self._next += keys.len()
        path = self._write(labels, [numbers.alias(":ID")], properties)
        if path is not None:
            self.files.nodes.append((labels, path))
        return pl.DataFrame([keys.alias("key"), numbers.alias("node")])

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


def _count_rows(columns: BundleColumns, activity: pl.DataFrame) -> int:
    """Count the rows to be written, for progress."""
    frames = [columns.accounts, *columns.values.values(), *columns.edges.values(), activity, activity]
    return sum(frame.height for frame in frames)


def _find_numbers(keys: pl.Series, named: pl.DataFrame) -> pl.Series:
    """Find the node number of each key. Equal keys are adjacent, so that one look-up serves a run of them."""
    runs = keys.rle().struct.unnest()
    # Edges are sorted, so there are far fewer runs than edges.
    numbers = runs.select(key="value").join(named, on="key", how="left", maintain_order="left")["node"]
    return numbers.gather(pl.int_range(runs.height, eager=True).repeat_by(runs["len"]).explode())


def _write_systems(writer: _Writer, columns: BundleColumns) -> pl.DataFrame:
    """Write the autonomous systems that `networks` or sessions name. Return `key` (asn), `node`."""
    described = columns.networks.filter(pl.col("cidr").is_null())
    known = described.select("asn", "name", "country", pl.col("network_class").alias("class"))
    if (addresses := columns.values.get("ip")) is not None:
        seen = addresses.select(pl.col("asn").drop_nulls().unique().sort())
        # Systems that only sessions name have no name or class, but addresses are announced by them.
        known = pl.concat([known, seen.join(known, on="asn", how="anti")], how="diagonal")
    return writer.write_nodes("AutonomousSystem", known["asn"], known)


def _write_networks(writer: _Writer, networks: pl.DataFrame) -> None:
    """Write the networks that have an address range."""
    named = networks.filter(pl.col("cidr").is_not_null())
    writer.write_nodes("Network", named["cidr"], named.rename({"network_class": "class"}))


def _write_signals(
    writer: _Writer,
    kind: str,
    values: pl.DataFrame,
    networks: pl.DataFrame,
    systems: pl.DataFrame,
    place: Place,
) -> pl.DataFrame:
    """Write the signals of a kind, and the prefixes of addresses. Return `key`, `node`."""
    labels = f"Signal:{BY_NAME[kind].label}"
    own = values.select("key", "kind", "value", touched=pl.lit(FIRST, pl.Int64))
    if kind == "instrument":
        own = own.with_columns(
            values["bin"],
            values["instrument_kind"].alias("instrumentKind"),
            values["issuer_country"].alias("issuerCountry"),
        )
    if "words" in values.columns:
        own = own.with_columns(values["words"])
    if kind != "ip":
        return writer.write_nodes(labels, values["key"], own)
    # The lowest system of its prefix decides an address's class, as in the loaded graph.
    lowest = values.select(pl.col("asn").min().over("prefix")).to_series()
    known = networks.select("cidr", "asn", "name", pl.col("network_class").alias("class"))
    placed = place(values["value"], lowest, known)
    own = own.with_columns(placed["class"].alias("networkClass"), placed["network"])
    signals = writer.write_nodes(labels, values["key"], own)
    distinct = values["prefix"].unique().sort().alias("key")
    prefixes = writer.write_nodes("Prefix", distinct, distinct.to_frame())
    writer.write_edges("IN", signals["node"], _find_numbers(values["prefix"], prefixes))
    announced = values.select("prefix", "asn").drop_nulls().unique().sort("prefix", "asn")
    writer.write_edges(
        "ANNOUNCED_BY", _find_numbers(announced["prefix"], prefixes), _find_numbers(announced["asn"], systems)
    )
    return signals


def _write_traffic(writer: _Writer, activity: pl.DataFrame, accounts: pl.DataFrame) -> None:
    """Write traffic: one node an account and month."""
    keys = (activity["account_id"] + "|" + activity["month"]).alias("key")
    months = activity.select(keys, "month", "hours", "requests", "models")
    nodes = writer.write_nodes("Activity", keys, months)
    writer.write_edges("HAD_TRAFFIC", _find_numbers(activity["account_id"], accounts), nodes["node"])
