"""Seeded worlds as the graph a run would read: what loading and reading back would give, without the database.

`tests/test_bench_worlds.py` holds it to that: the same columns, hash for hash, as `read_graph` gives after loading.
"""

from pathlib import Path

import numpy as np
import polars as pl

from graphsvc.intake import read_bundle
from graphsvc.intake.networks import place
from graphsvc.loading import packed_activity
from graphsvc.model.columns import BundleColumns
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph
from graphsvc.signals.tokens import Tokeniser


def graph_of_bundle(bundle: Path, tokens: Tokeniser) -> SignalGraph:
    """The graph of one bundle loaded into an empty database."""
    nobody = pl.Series([], dtype=pl.String)
    return graph_of(read_bundle(bundle, tokens, lambda ids: nobody))


def graph_of(columns: BundleColumns) -> SignalGraph:
    """`columns` as `SignalGraph`."""
    milliseconds = [pl.col(name).dt.epoch("ms") for name in ("created_at", "status_changed_at")]
    accounts = (
        columns.accounts.rename({"account_id": "id"})
        .with_columns(milliseconds)
        .with_columns(
            pl.col("status_changed_at").fill_null(-1),
            pl.col("plan").fill_null(""),
            pl.col("country").fill_null(""),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in ACCOUNT_COLUMNS.items())
        .sort("id")
    )
    signals = pl.concat([_signals(name, values, columns.networks) for name, values in columns.values.items()])
    signals = signals.sort("key")
    keyed = signals.select("key", signal=pl.int_range(pl.len(), dtype=pl.Int32))
    ids = accounts.select(account_id="id", account=pl.int_range(pl.len(), dtype=pl.Int32))
    edges = (
        pl.concat(list(columns.edges.values()))
        .join(ids, on="account_id")
        .join(keyed, on="key")
        .with_columns(pl.col("first_seen", "last_seen").dt.epoch("ms").fill_null(-1))
        .sort("account", "signal")
    )
    activity = (
        packed_activity(columns.activity)
        .select("account_id", hour="hours", model="models", requests="requests")
        .explode("hour", "model", "requests")
        .join(ids, on="account_id")
        .select(pl.col(name).cast(dtype) for name, dtype in ACTIVITY_COLUMNS.items())
        .sort("account", "hour", "model")
    )
    return SignalGraph(
        accounts,
        signals,
        edges["account"].to_numpy(),
        edges["signal"].to_numpy(),
        edges["first_seen"].to_numpy().astype(np.int64),
        edges["last_seen"].to_numpy().astype(np.int64),
        activity,
    )


def _signals(name: str, values: pl.DataFrame, networks: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit("")
    extra = {"parent": nothing, "grandparent": nothing, "class": nothing}
    if name == "instrument":
        extra["parent"] = pl.col("bin").fill_null("")
    if name == "ip":
        # One prefix may have several systems; a signal names the lowest, as reading does.
        values = values.with_columns(lowest=pl.col("asn").min().over("prefix"))
        known = networks.select("cidr", "asn", "name", pl.col("network_class").alias("class"))
        placed = place(values["value"], values["lowest"], known)
        values = values.with_columns(placed["class"].fill_null("").alias("network_class"))
        system = pl.format("AS{}", pl.col("lowest")).fill_null("")
        extra = {
            "parent": pl.col("prefix").fill_null(""),
            "grandparent": system,
            "class": pl.col("network_class"),
        }
    return values.with_columns(**extra).select(pl.col(c).cast(t) for c, t in SIGNAL_COLUMNS.items())
