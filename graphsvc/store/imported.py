"""Read the graph of an import from its files, so that the first detection after it need not read Neo4j."""

import polars as pl

from graphsvc.model.columns import Schema
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph
from graphsvc.store.graph import Ranks, build_ranks, find_ranks, sort_edges
from graphsvc.store.import_files import ImportFiles
from graphsvc.types import Ints

_ENDS: Schema = {":START_ID": pl.Int64, ":END_ID": pl.Int64}
_SIGNALS: Schema = {
    ":ID": pl.Int64,
    **dict.fromkeys(("key", "kind", "bin", "words", "networkClass"), pl.String),
}
_PREFIXES: Schema = {":ID": pl.Int64, "key": pl.String}
_SYSTEMS: Schema = {":ID": pl.Int64, "asn": pl.Int64}
_MONTHS: Schema = {
    ":ID": pl.Int64,
    "hours:long[]": pl.List(pl.Int64),
    "models:string[]": pl.List(pl.String),
    "requests:long[]": pl.List(pl.Int64),
}
_NOT_USES = ("IN", "ANNOUNCED_BY", "HAD_TRAFFIC")


def read_import_files(files: ImportFiles) -> SignalGraph:
    """Read the graph that `read_graph` gives once the files are imported.

    Args:
        files: as `write_files` wrote them. Statuses that follow from outcomes are not in them.

    Raises:
        OSError: they cannot be read.
    """
    accounts = pl.concat(
        _parse_accounts(pl.read_parquet(path)) for label, path in files.nodes if label == "Account"
    ).sort("id")
    account_ranks = build_ranks(accounts[":ID"].to_numpy())
    signals = _read_signals(files).sort("key")
    signal_ranks = build_ranks(signals[":ID"].to_numpy())
    return SignalGraph(
        accounts.select(*ACCOUNT_COLUMNS),
        signals.select(*SIGNAL_COLUMNS),
        *_read_uses(files, account_ranks, signal_ranks),
        _read_activity(files, account_ranks),
    )


def _parse_accounts(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return `:ID` and the columns `ACCOUNT_COLUMNS` of accounts."""
    columns = {
        "id": nodes["id"],
        "created_at": _parse_times(nodes, "createdAt"),
        "status": nodes["status"],
        "status_changed_at": _parse_times(nodes, "statusChangedAt"),
        "plan": nodes["plan"].fill_null(""),
        "country": nodes["country"].fill_null(""),
    }
    return pl.DataFrame(
        [nodes[":ID"], *(columns[name].cast(of).alias(name) for name, of in ACCOUNT_COLUMNS.items())]
    )


def _read_nodes(files: ImportFiles, label: str, schema: Schema) -> pl.DataFrame:
    """Read the nodes with a label; columns that a file lacks are null."""
    found = [pl.read_parquet(path) for labels, path in files.nodes if label in labels.split(":")]
    kept = [frame.select(name for name in schema if name in frame.columns) for frame in found]
    return pl.concat([pl.DataFrame(schema=schema), *kept], how="diagonal")


def _read_ends(files: ImportFiles, kind: str) -> pl.DataFrame:
    """Read the ends of the edges of a type."""
    found = [pl.read_parquet(path, columns=list(_ENDS)) for each, path in files.edges if each == kind]
    return pl.concat([pl.DataFrame(schema=_ENDS), *found])


def _read_signals(files: ImportFiles) -> pl.DataFrame:
    """Read the signals: `:ID` and the columns `SIGNAL_COLUMNS`, in the order of the files."""
    systems = _read_nodes(files, "AutonomousSystem", _SYSTEMS)
    announced = _read_ends(files, "ANNOUNCED_BY").join(systems, left_on=":END_ID", right_on=":ID")
    # The smallest, if a prefix is announced by several.
    lowest = announced.group_by(prefix=":START_ID").agg(pl.col("asn").min())
    prefixes = _read_nodes(files, "Prefix", _PREFIXES).rename({":ID": "prefix", "key": "prefix_key"})
    within = _read_ends(files, "IN").select(":START_ID", prefix=":END_ID")
    within = within.join(prefixes, on="prefix").join(lowest, on="prefix", how="left")
    signals = _read_nodes(files, "Signal", _SIGNALS).join(
        within, left_on=":ID", right_on=":START_ID", how="left", maintain_order="left"
    )
    return signals.select(
        ":ID",
        "key",
        "kind",
        parent=pl.coalesce("prefix_key", "bin", "words", pl.lit("")),
        grandparent=pl.format("AS{}", "asn").fill_null(""),
        **{"class": pl.col("networkClass").fill_null("")},
    )


def _read_uses(
    files: ImportFiles, account_ranks: Ranks, signal_ranks: Ranks
) -> tuple[Ranks, Ranks, Ints, Ints]:
    """Read which account used which signal, sorted by account, then signal."""
    names = (*_ENDS, "firstSeen", "lastSeen")
    schema = dict.fromkeys(names, pl.Int64)
    found = [
        pl.DataFrame(
            [edges[":START_ID"], edges[":END_ID"], *(_parse_times(edges, each) for each in names[2:])]
        )
        for edges in (pl.read_parquet(path) for kind, path in files.edges if kind not in _NOT_USES)
    ]
    uses = pl.concat([pl.DataFrame(schema=schema), *found], rechunk=True)
    start, end, first, last = (uses[name].to_numpy() for name in names)
    return sort_edges((start, end, first, last), account_ranks, signal_ranks)


def _read_activity(files: ImportFiles, account_ranks: Ranks) -> pl.DataFrame:
    """Read hourly traffic, schema `ACTIVITY_COLUMNS`, sorted."""
    months = _read_nodes(files, "Activity", _MONTHS)
    owners = _read_ends(files, "HAD_TRAFFIC")
    months = months.join(owners, left_on=":ID", right_on=":END_ID", maintain_order="left")
    ranked = months.select(
        account=pl.Series(find_ranks(account_ranks, months[":START_ID"].to_numpy())),
        hour="hours:long[]",
        model="models:string[]",
        requests="requests:long[]",
    )
    hours = ranked.explode("hour", "model", "requests")
    return hours.select(pl.col(name).cast(dtype) for name, dtype in ACTIVITY_COLUMNS.items()).sort(
        "account", "hour", "model"
    )


def _parse_times(frame: pl.DataFrame, name: str) -> pl.Series:
    """Return times as ms since 1970, -1 = not known. Files hold times before 1970 as text."""
    if name in frame.columns:
        times = frame[name]
    else:
        times = frame[f"{name}:datetime"].str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_zone="UTC")
    return times.dt.epoch("ms").fill_null(-1).alias(name)
