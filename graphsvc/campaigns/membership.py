"""How strongly an account's signals speak for its belonging to a cluster: naive Bayes, in bits."""

import numpy as np
import polars as pl

# A pool value must beat chance by this much to count: four times as common inside as outside.
MIN_POOL_BITS = 2.0


def pools(edges: pl.DataFrame, members: pl.DataFrame, accounts: int) -> pl.DataFrame:
    """What clusters use more than others do.

    Args:
        edges: account, signal (int32), family (int32).
        members: cluster, account (int32); an account is in one cluster at most.
        accounts: number of all accounts.

    Returns: cluster, signal, family, inside (members with the value), size, outside (share of accounts outside the
    cluster with the value; the cluster's own use is taken out, so a large ring cannot make its values look common),
    bits = log2(m/u) (Fellegi & Sunter 1969) with m = inside / size.
    """
    degree = edges.group_by("signal").agg(degree=pl.len())
    size = members.group_by("cluster").agg(size=pl.len())
    return (
        edges.join(members, on="account")
        .group_by("cluster", "signal", "family")
        .agg(inside=pl.len())
        .filter(pl.col("inside") > 1)
        .join(degree, on="signal")
        .join(size, on="cluster")
        .with_columns(outside=(pl.col("degree") - pl.col("inside") + 0.5) / (accounts - pl.col("size") + 1.0))
        .with_columns(bits=_bits(pl.col("inside")))
        .filter(pl.col("bits") >= MIN_POOL_BITS)
        .select("cluster", "signal", "family", "inside", "size", "outside", "bits")
        .sort("cluster", "signal")
    )


def _bits(inside: pl.Expr) -> pl.Expr:
    return (inside / pl.col("size") / pl.col("outside")).log(2.0)


def evidence(edges: pl.DataFrame, members: pl.DataFrame, pool: pl.DataFrame, accounts: int) -> pl.DataFrame:
    """Evidence of every account for every cluster with which it shares pool values.

    A member's own use of a value is left out (leave one out). Within a family the strongest value counts,
    families add. The prior is the cluster's share of all accounts.

    Returns: cluster, account, bits (evidence alone), families (number that agree), membership (posterior
    probability, 0–1), member (whether it is in that cluster now), sorted by cluster and account.
    """
    own = members.select("account", home="cluster")
    return (
        edges.lazy()
        .join(pool.lazy().drop("family"), on="signal")
        .join(own.lazy(), on="account", how="left")
        .with_columns(member=(pl.col("home") == pl.col("cluster")).fill_null(False))
        .with_columns(bits=_bits(pl.col("inside") - pl.col("member").cast(pl.Int64)))
        .filter(pl.col("bits") > 0.0)
        .group_by("cluster", "account", "family")
        .agg(pl.col("bits").max(), pl.col("member").first(), pl.col("size").first())
        .sort("cluster", "account", "family")
        .group_by("cluster", "account", maintain_order=True)
        .agg(pl.col("bits").sum(), pl.col("member").first(), pl.col("size").first(), families=pl.len())
        .with_columns(membership=_posterior(pl.col("bits"), pl.col("size"), accounts))
        .select("cluster", "account", "bits", "families", "membership", "member")
        .collect()
    )


def _posterior(bits: pl.Expr, size: pl.Expr, accounts: int) -> pl.Expr:
    prior = (size / (accounts - size + 1.0)).log(2.0)
    odds: pl.Expr = ((bits + prior) * np.log(2.0)).exp()
    return 1.0 - (odds + 1.0).pow(-1)
