"""Seeded worlds as the graph a run would read: what loading and reading back would give, without the database.

`tests/bench/test_bench_worlds.py` holds it to that: the same columns, hash for hash, as `read_graph` gives after
loading.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from graphsvc.intake import read_bundle
from graphsvc.intake.networks import assign_networks
from graphsvc.model.columns import BundleColumns
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph
from graphsvc.signals.tokens import Tokeniser, compute_key_id
from graphsvc.store.loads import pack_activity
from graphsvc_lab.evaluation.truth import read_truth
from graphsvc_lab.worlds.scenario import Scenario
from graphsvc_lab.worlds.world import create_world

KEY = b"the key of the bench is 32 bytes"


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
        pack_activity(columns.activity)
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
    if "words" in values.columns:
        extra["parent"] = pl.col("words").fill_null("")
    if name == "ip":
        # One prefix may have several systems; a signal names the lowest, as reading does.
        values = values.with_columns(lowest=pl.col("asn").min().over("prefix"))
        known = networks.select("cidr", "asn", "name", pl.col("network_class").alias("class"))
        placed = assign_networks(values["value"], values["lowest"], known)
        values = values.with_columns(placed["class"].fill_null("").alias("network_class"))
        system = pl.format("AS{}", pl.col("lowest")).fill_null("")
        extra = {
            "parent": pl.col("prefix").fill_null(""),
            "grandparent": system,
            "class": pl.col("network_class"),
        }
    return values.with_columns(**extra).select(pl.col(c).cast(t) for c, t in SIGNAL_COLUMNS.items())


@dataclass(frozen=True, slots=True)
class World:
    """A seeded world as a run would read it, with its truth (see `evaluation.truth`)."""

    name: str
    graph: SignalGraph
    truth: pl.DataFrame


def seeded(name: str, scenario: Scenario, accounts: int, seed: int) -> World:
    """Makes a world, takes it through a bundle's files and intake, and reads it back as a graph."""
    with TemporaryDirectory() as directory:
        bundle = Path(directory)
        write_world(bundle, scenario, accounts, seed)
        return World(name, graph_of_bundle(bundle, tokens()), read_truth(bundle / "truth.parquet"))


def write_world(bundle: Path, scenario: Scenario, accounts: int, seed: int) -> None:
    """A world's tables as Parquet in the directory `bundle`."""
    for table, frame in create_world(scenario, accounts, seed).iter_tables():
        frame.write_parquet(bundle / f"{table}.parquet")


def tokens() -> Tokeniser:
    """The tokeniser of the bench: its key is no secret, so that a world's graph is the same in every run."""
    return Tokeniser(KEY, compute_key_id(KEY))
