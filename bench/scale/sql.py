"""Peers that speak SQL: a self-join in DuckDB, and Splink, which links records on top of it."""

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.graph import SignalGraph

Ints = NDArray[np.int64]
FEW = 100
"""Accounts of a value that are still joined with each other."""
KINDS = 2
"""Kinds of value that two accounts must share."""
SPLINK_COLUMNS = ("instrument", "device", "phone", "email_handle", "ip", "prompt")
SPLINK_BLOCK = 50
"""Accounts of a value that Splink still compares: with hubs among its blocking rules it does not end."""
SPLINK_THRESHOLD = 0.5
"""With 0.95 no group of eight accounts was left on the book of 100,000: few pairs of a ring share two rare values."""

_JOIN = """
CREATE TABLE uses AS
  SELECT DISTINCT account, signal, kind FROM edges
  WHERE signal IN (SELECT signal FROM edges GROUP BY signal HAVING count(*) BETWEEN 2 AND getvariable('few'));
CREATE TABLE pairs AS
  SELECT a.account AS source, b.account AS target
  FROM uses a JOIN uses b ON a.signal = b.signal AND a.account < b.account
  GROUP BY a.account, b.account HAVING count(DISTINCT a.kind) >= getvariable('kinds');
CREATE TABLE near AS
  SELECT source AS one, target AS other FROM pairs UNION ALL SELECT target, source FROM pairs;
CREATE TABLE label AS SELECT DISTINCT one AS account, one AS root FROM near;
"""
# The smallest label among the neighbours', until none changes; labels jump to their root's label, which ends in
# a logarithm of the longest path.
_ROUND = """
CREATE OR REPLACE TABLE least AS
  SELECT near.one AS account, least(any_value(own.root), min(other.root)) AS root
  FROM near JOIN label other ON other.account = near.other JOIN label own ON own.account = near.one
  GROUP BY near.one;
CREATE OR REPLACE TABLE next AS
  SELECT a.account, least(a.root, b.root) AS root FROM least a JOIN least b ON b.account = a.root;
"""


def duckdb_components(graph: SignalGraph, threads: int) -> Ints:
    """Components of accounts that share values of two kinds, each of at most `FEW` accounts; -1 for those in none."""
    edges = pl.DataFrame(  # noqa: F841  (DuckDB finds it by its name)
        {"account": graph.account, "signal": graph.signal, "kind": graph.signals["kind"].gather(graph.signal)}
    )
    with duckdb.connect(config={"threads": threads}) as database:
        database.execute("SET VARIABLE few = ?", [FEW])
        database.execute("SET VARIABLE kinds = ?", [KINDS])
        database.execute(_JOIN)
        while True:
            database.execute(_ROUND)
            changed = database.execute(
                "SELECT count(*) FROM next JOIN label USING (account) WHERE next.root <> label.root"
            ).fetchone()
            database.execute("CREATE OR REPLACE TABLE label AS SELECT * FROM next")
            if not changed or not changed[0]:
                break
        found = database.execute("SELECT account, root FROM label").fetchnumpy()
    component = np.full(graph.accounts.height, -1, dtype=np.int64)
    component[found["account"]] = found["root"]
    return component


def records(graph: SignalGraph) -> pl.DataFrame:
    """What Splink gets: a row an account (`unique_id`) with its rarest shared value of each kind, or null."""
    degree = np.bincount(graph.signal, minlength=graph.signals.height)
    uses = pl.DataFrame(
        {
            "unique_id": graph.account,
            "signal": graph.signal,
            "kind": graph.signals["kind"].gather(graph.signal),
            "degree": degree[graph.signal],
        }
    ).filter(pl.col("kind").is_in(SPLINK_COLUMNS))
    # A value that others share and few do says most; one's own says nothing.
    rarest = uses.sort(pl.col("degree") < 2, "degree", "signal").unique(
        ["unique_id", "kind"], keep="first", maintain_order=True
    )
    wide = rarest.pivot("kind", index="unique_id", values="signal").with_columns(
        pl.exclude("unique_id").cast(pl.String)
    )
    missing = [pl.lit(None, dtype=pl.String).alias(c) for c in SPLINK_COLUMNS if c not in wide.columns]
    return wide.with_columns(missing).select("unique_id", *SPLINK_COLUMNS).sort("unique_id")


def chance(values: pl.Series) -> float:
    """How often two records that both have a value have the same one, at random.

    Splink would estimate it from a sample of pairs, in which values that few share do not come twice.
    """
    counts = values.drop_nulls().value_counts()["count"].to_numpy().astype(np.float64)
    pairs = counts.sum() * (counts.sum() - 1)
    return float(max((counts * (counts - 1)).sum() / pairs, 1e-9)) if pairs else 1e-9


def splink_clusters(graph: SignalGraph) -> Ints:
    """Splink's clusters of accounts, trained by EM without labels; -1 for accounts that it compares with nobody."""
    import splink.comparison_library as comparison
    from splink import DuckDBAPI, Linker, SettingsCreator

    table = records(graph)
    small = {
        column: f"l.{column} = r.{column} AND l.{column}_users <= {SPLINK_BLOCK}" for column in SPLINK_COLUMNS
    }
    table = table.with_columns(pl.len().over(c).alias(f"{c}_users") for c in SPLINK_COLUMNS)
    engine = DuckDBAPI()
    linker = Linker(
        engine.register(table.to_arrow(), table_name="accounts"),
        SettingsCreator(
            link_type="dedupe_only",
            comparisons=[
                comparison.ExactMatch(column).configure(
                    term_frequency_adjustments=True,
                    u_probabilities=[chance(table[column]), 1 - chance(table[column])],
                )
                for column in SPLINK_COLUMNS
            ],
            blocking_rules_to_generate_predictions=[*small.values()],
            additional_columns_to_retain=[],
        ),
    )
    train = linker.training
    train.estimate_probability_two_random_records_match(
        [f"{small['instrument']} AND l.device = r.device", f"{small['device']} AND l.ip = r.ip"], recall=0.3
    )
    for column in ("instrument", "device", "ip"):
        train.estimate_parameters_using_expectation_maximisation(small[column])
    pairs = linker.inference.predict(threshold_match_probability=SPLINK_THRESHOLD)
    found = linker.clustering.cluster_pairwise_predictions_at_threshold(
        pairs, threshold_match_probability=SPLINK_THRESHOLD
    ).as_pandas_dataframe()
    cluster = np.full(graph.accounts.height, -1, dtype=np.int64)
    _, number = np.unique(found["cluster_id"].to_numpy(), return_inverse=True)
    cluster[found["unique_id"].to_numpy()] = number
    return cluster
