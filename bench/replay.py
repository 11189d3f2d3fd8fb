"""A world replayed day by day without a database: what the graph holds after each day's bundle was loaded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from bench.worlds import graph_of
from graphsvc.intake import read_bundle
from graphsvc.model.columns import ACCOUNTS, ACTIVITY, EDGES, BundleColumns
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.tokens import Tokeniser


def graphs(world: Path, tokens: Tokeniser) -> Iterator[SignalGraph]:
    """The graph at the end of each day of a world that `graphsvc seed --days` wrote.

    `tests/test_days_replay.py` holds it to what loading the days into a database and reading back gives.
    """
    held: BundleColumns | None = None
    for day in sorted(world.glob("day-*")):
        # Accounts that a day's bundle does not name are known from the days before.
        columns = read_bundle(day, tokens, lambda ids: ids)
        held = columns if held is None else added(held, columns)
        yield graph_of(held)


def added(held: BundleColumns, later: BundleColumns) -> BundleColumns:
    """What a graph that holds `held` holds after `later` was loaded too (the rules of `cypher/load/`)."""
    accounts = (
        pl.concat([held.accounts, later.accounts])
        .sort("account_id", "status_changed_at", maintain_order=True)
        .group_by("account_id", maintain_order=True)
        .agg(
            pl.col("created_at").min(),
            pl.col("status").last(),
            pl.col("status_changed_at").max(),
            pl.col("plan", "country").drop_nulls().last(),
        )
    )
    return replace(
        held,
        accounts=accounts.select(*ACCOUNTS),
        values={kind: _values(held, later, kind) for kind in [*held.values, *later.values]},
        edges={kind: _edges(held, later, kind) for kind in [*held.edges, *later.edges]},
        activity=pl.concat([held.activity, later.activity]).select(*ACTIVITY),
    )


def _values(held: BundleColumns, later: BundleColumns, kind: str) -> pl.DataFrame:
    """One row a value; what a later bundle says counts, where it says something."""
    both = [columns.values[kind] for columns in (held, later) if kind in columns.values]
    if len(both) == 1:
        return both[0]
    new = both[1].join(both[0], on="key", how="anti")
    again = both[1].join(both[0].select("key"), on="key", how="semi")
    return pl.concat([both[0].update(again, on="key"), new]).sort("key")


def _edges(held: BundleColumns, later: BundleColumns, kind: str) -> pl.DataFrame:
    """One row a pair of account and value; spans widen. Counts are of no use to a run and add up."""
    both = [columns.edges[kind] for columns in (held, later) if kind in columns.edges]
    return (
        pl.concat(both)
        .group_by("account_id", "key")
        .agg(pl.col("first_seen").min(), pl.col("last_seen").max(), pl.col("count").sum())
        .select(*EDGES)
    )
