"""Compare two runs: clusters that appeared, grew, merged, split or ended, and accounts that moved."""

from dataclasses import dataclass
from typing import Annotated, Any

import polars as pl

from graphsvc.campaigns import sentences
from graphsvc.model.frames import build_schema
from graphsvc.model.rows import Column

MOST = 0.5
"""Share of a cluster's accounts that must come from another cluster, or go to it, for a split or a merger."""
LEAST_BITS = 1.0
"""Bits below which a change of a family's evidence is no reason for a move."""


@dataclass(frozen=True, slots=True)
class ClusterChange:
    """The change of one cluster."""

    cluster_id: Annotated[str, Column("cluster"), "Id of the cluster."]
    kind: Annotated[str, "The kind of change."]
    other_id: Annotated[
        str | None, Column("other"), "Of a split what it came off, of a merger what it became part of."
    ]
    accounts_before: Annotated[int, Column("before"), "Accounts in the earlier run."]
    accounts_after: Annotated[int, Column("now"), "Accounts in the later run."]
    accounts_joined: Annotated[int, Column("came"), "Accounts that came."]
    accounts_left: Annotated[int, Column("went"), "Accounts that went."]
    score_before: Annotated[float | None, "Score in the earlier run; null: not there."]
    score_after: Annotated[float | None, Column("score_now"), "Score in the later run; null: not there."]
    description: Annotated[str, Column("says"), "The same in a sentence."]
    place: int


@dataclass(frozen=True, slots=True)
class Move:
    """An account that is in another cluster than before, or in none in one of the two runs."""

    account_id: Annotated[str, Column("account"), "Id of the account."]
    kind: Annotated[str, "How it moved, for example `joined`, `left`."]
    from_id: Annotated[str | None, Column("from"), "Its cluster in the earlier run."]
    to_id: Annotated[str | None, Column("to"), "Its cluster in the later run."]
    membership_before: Annotated[float | None, "How surely it belonged, 0 to 1."]
    membership_after: Annotated[float | None, Column("membership_now"), "How surely it belongs, 0 to 1."]
    reason: Annotated[str, Column("why"), "The reason, in a sentence."]
    place: int


CHANGES, MOVES = build_schema(ClusterChange), build_schema(Move)
"""Columns of the tables of both."""


@dataclass(frozen=True, slots=True)
class Diff:
    """Differences between two runs.

    Attributes:
        clusters: schema `CHANGES`, a row a cluster of either run, largest first. Kinds: born, split (from
            `other`), grew, shrank, changed (as many accounts, but others), same, merged (into `other`), gone.
        moves: schema `MOVES`, a row an account whose cluster changed, or that is in no cluster in one run;
            sorted by account.
    """

    clusters: pl.DataFrame
    moves: pl.DataFrame


def compare_runs(
    before: pl.DataFrame,
    now: pl.DataFrame,
    scores_before: pl.DataFrame,
    scores_now: pl.DataFrame,
    accounts: pl.DataFrame,
) -> Diff:
    """Compare the members of two runs, whose clusters are named by lasting ids.

    Args:
        before: cluster, account (ids), membership (0-1), families, family_bits (parallel lists); an account
            in one cluster at most.
        now: the same of the later run.
        scores_before: cluster, score (0-1).
        scores_now: the same of the later run.
        accounts: account, new (bool: not in the graph of the earlier run), status; of all accounts in either.
    """
    moves = _find_moves(before, now, accounts)
    return Diff(_compare_clusters(before, now, scores_before, scores_now), moves)


def _compare_clusters(
    before: pl.DataFrame, now: pl.DataFrame, scores_before: pl.DataFrame, scores_now: pl.DataFrame
) -> pl.DataFrame:
    """Build the table `CHANGES`."""
    both = before.select("account", "cluster").join(
        now.select("account", now="cluster"), on="account", how="full", coalesce=True
    )
    stayed = both.filter(pl.col("cluster") == pl.col("now")).group_by("cluster").agg(stayed=pl.len())
    sizes = (
        before.group_by("cluster")
        .agg(before=pl.len().cast(pl.Int64))
        .join(
            now.group_by("cluster").agg(now=pl.len().cast(pl.Int64)), on="cluster", how="full", coalesce=True
        )
        .join(stayed, on="cluster", how="left")
        .join(scores_before.select("cluster", score_before="score"), on="cluster", how="left")
        .join(scores_now.select("cluster", score_now="score"), on="cluster", how="left")
        .with_columns(pl.col("before", "now", "stayed").fill_null(0).cast(pl.Int64))
    )
    # Accounts that are in a different cluster now show origins and destinations.
    moved = both.filter(pl.col("cluster") != pl.col("now"))
    into = _select_main(moved.group_by("cluster", other="now").agg(n=pl.len()), "cluster")
    origin = _select_main(moved.group_by(other="cluster", cluster="now").agg(n=pl.len()), "cluster")
    rows = (
        sizes.join(into.rename({"other": "into", "n": "into_n"}), on="cluster", how="left")
        .join(origin.rename({"other": "origin", "n": "origin_n"}), on="cluster", how="left")
        .with_columns(came=pl.col("now") - pl.col("stayed"), went=pl.col("before") - pl.col("stayed"))
    )
    # Only a cluster that ended can have merged, and only a new one can have split off.
    merged = (pl.col("now") == 0) & (pl.col("into_n") >= MOST * pl.col("before"))
    split = (pl.col("before") == 0) & (pl.col("origin_n") >= MOST * pl.col("now"))
    kind = (
        pl.when(merged).then(pl.lit("merged"))
        .when(split).then(pl.lit("split"))
        .when(pl.col("now") == 0).then(pl.lit("gone"))
        .when(pl.col("before") == 0).then(pl.lit("born"))
        .when(pl.col("now") > pl.col("before")).then(pl.lit("grew"))
        .when(pl.col("now") < pl.col("before")).then(pl.lit("shrank"))
        .when(pl.col("came") > 0).then(pl.lit("changed"))
        .otherwise(pl.lit("same"))
    )  # fmt: skip
    named = rows.with_columns(
        kind=kind,
        other=pl.when(merged).then("into").when(split).then("origin").otherwise(pl.lit(None, pl.String)),
    )
    said = pl.Series([_describe_change(row) for row in named.iter_rows(named=True)], dtype=pl.String)
    return (
        named.with_columns(says=said, size=pl.max_horizontal("before", "now"))
        .sort(["size", "cluster"], descending=[True, False])
        .select(list(CHANGES))
        .cast(dict(CHANGES))  # type: ignore[arg-type]
    )


def _select_main(counts: pl.DataFrame, key: str) -> pl.DataFrame:
    """Select, for each cluster, the other one with most accounts in common; ties go to the first id."""
    ordered = counts.drop_nulls().sort([key, "n", "other"], descending=[False, True, False])
    return ordered.unique(key, keep="first", maintain_order=True)


def _describe_change(row: dict[str, Any]) -> str:
    """Describe the change of a cluster."""
    match row["kind"]:
        case "born":
            return f"new, with {row['now']:,} accounts"
        case "gone":
            return f"no longer found; had {row['before']:,} accounts"
        case "split":
            return f"{row['now']:,} accounts, {row['origin_n']:,} of them from {row['origin']}"
        case "merged":
            return f"{row['into_n']:,} of its {row['before']:,} accounts are now in {row['into']}"
        case "same":
            return f"the same {row['now']:,} accounts"
    return f"{row['before']:,} to {row['now']:,} accounts: {row['came']:,} came, {row['went']:,} went"


def _find_moves(before: pl.DataFrame, now: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Build the table `MOVES`."""
    ends = before.rename({name: f"{name}_before" for name in before.columns if name != "account"}).join(
        now.rename({name: f"{name}_now" for name in now.columns if name != "account"}),
        on="account",
        how="full",
        coalesce=True,
    )
    moved = (
        # `ne_missing` keeps accounts that are in no cluster in one of the runs.
        ends.filter(pl.col("cluster_before").ne_missing(pl.col("cluster_now")))
        .join(accounts, on="account", how="left")
        .sort("account")
    )
    kind = (
        pl.when(pl.col("cluster_before").is_null()).then(pl.lit("joined"))
        .when(pl.col("cluster_now").is_null()).then(pl.lit("left"))
        .otherwise(pl.lit("moved"))
    )  # fmt: skip
    left = set(before["cluster"].unique()) - set(now["cluster"].unique())
    born = set(now["cluster"].unique()) - set(before["cluster"].unique())
    why = [_explain_move(row, born, left) for row in moved.iter_rows(named=True)]
    return moved.select(
        "account",
        kind.alias("kind"),
        pl.col("cluster_before").alias("from"),
        pl.col("cluster_now").alias("to"),
        "membership_before",
        "membership_now",
        pl.Series("why", why, dtype=pl.String),
    ).cast(dict(MOVES))  # type: ignore[arg-type]


def _explain_move(row: dict[str, Any], born: set[str], gone: set[str]) -> str:
    """Explain a move: new accounts, new or lost clusters, status, and families whose evidence changed."""
    said = []
    if row["cluster_before"] is None:
        said.append("signed up since" if row["new"] else "was in no cluster")
        said += ["its cluster is new"] * (row["cluster_now"] in born)
    elif row["cluster_now"] is None:
        lost = row["cluster_before"] in gone
        said.append("its cluster is no longer found" if lost else "what it shares is no longer enough")
    if row["status"] not in {None, "active"}:
        said.append(f"is {row['status']}")
    was, now = _get_bits(row, "before"), _get_bits(row, "now")
    if row["cluster_before"] is None or row["cluster_now"] is None:
        # Evidence against a membership was not lost by joining, nor gained by leaving.
        was, now = ({name: bits for name, bits in by.items() if bits > 0.0} for by in (was, now))
    return "; ".join(said + sentences.change(was, now, LEAST_BITS))


def _get_bits(row: dict[str, Any], when: str) -> dict[str, float]:
    """Return the bits by family; none where the account was in no cluster."""
    return dict(zip(row[f"families_{when}"] or [], row[f"family_bits_{when}"] or [], strict=True))
