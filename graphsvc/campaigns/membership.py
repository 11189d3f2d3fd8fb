"""How strongly an account's signals speak for its belonging to a cluster: naive Bayes, in bits."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

# A pool value must beat chance by this much to count: four times as common inside as outside.
MIN_POOL_BITS = 2.0
# A family agrees when its strongest pool value has this many bits.
AGREEING_BITS = 3.0
# What not to agree in a family costs at most.
MAX_ABSENCE_BITS = 4.0
# However large a cluster, an account is not presumed to be in it with more than this.
MAX_PRIOR = 0.1


def pools(edges: pl.DataFrame, members: pl.DataFrame, accounts: int) -> pl.DataFrame:
    """What clusters use more than others do.

    Args:
        edges: account, signal, family (int32), strength (0–1).
        members: cluster, account (int32); an account is in one cluster at most.
        accounts: number of all accounts.

    Returns: cluster, signal, family, strength, inside (members with the value), size, outside (share of accounts
    outside the cluster with the value; the cluster's own use is taken out, so a large ring cannot make its values
    look common), bits = strength · log2(m/u) (Fellegi & Sunter 1969) with m = inside / size.
    """
    degree = edges.group_by("signal").agg(degree=pl.len())
    size = members.group_by("cluster").agg(size=pl.len())
    return (
        edges.join(members.select("cluster", "account"), on="account")
        .group_by("cluster", "signal")
        .agg(pl.col("family").first(), pl.col("strength").first(), inside=pl.len())
        .filter(pl.col("inside") > 1)
        .join(degree, on="signal")
        .join(size, on="cluster")
        .with_columns(outside=(pl.col("degree") - pl.col("inside") + 0.5) / (accounts - pl.col("size") + 1.0))
        .with_columns(bits=_bits(pl.col("inside")))
        .filter(pl.col("bits") >= MIN_POOL_BITS * pl.col("strength"))
        .select("cluster", "signal", "family", "strength", "inside", "size", "outside", "bits")
        .sort("cluster", "signal")
    )


def _bits(inside: pl.Expr) -> pl.Expr:
    return pl.col("strength") * (inside / pl.col("size") / pl.col("outside")).log(2.0)


def evidence(
    edges: pl.DataFrame,
    has: NDArray[np.bool_],
    ties: NDArray[np.bool_],
    members: pl.DataFrame,
    pool: pl.DataFrame,
    min_families: int,
) -> pl.DataFrame:
    """Evidence of accounts for the clusters with which they agree in `min_families` tying families.

    Within a family the strongest value counts, families add. A member's own use of a value is left out (leave one
    out). A family in which an account has values, but none of the cluster's, speaks against it as far as the
    cluster's members do agree in it.

    Args:
        edges: account, signal, family (int32), strength.
        has: shape (accounts, families): whether an account has any value of a family.
        ties: shape (families,): whether the family ties accounts, or only supports.
        members: cluster, account (int32).
        pool: of `pools`.

    Returns: cluster, account, bits (evidence alone), agreeing (tying families that agree), membership (posterior
    probability, 0–1), member (whether it is in that cluster now), sorted by cluster and account.
    """
    accounts = len(has)
    home = members.lazy().select("account", home="cluster")
    hits = (
        edges.lazy()
        .select("account", "signal")
        .join(pool.lazy().with_columns(ties=pl.Series(ties).gather(pool["family"])), on="signal")
        .join(home, on="account", how="left")
        .with_columns(member=(pl.col("home") == pl.col("cluster")).fill_null(False))
        .with_columns(bits=_bits(pl.col("inside") - pl.col("member").cast(pl.Int64)))
        .filter(pl.col("bits") > 0.0)
        .select("cluster", "account", "family", "bits", "member", "ties")
        .collect()
    )
    agreed = (
        hits.filter((pl.col("bits") >= AGREEING_BITS) & pl.col("ties"))
        .group_by("cluster", "account", "family")
        .agg(pl.col("member").first())
    )
    # Only who agrees in enough tying families can belong; the many who share a hub or two are not weighed.
    agreeing = (
        agreed.group_by("cluster", "account")
        .agg(agreeing=pl.len())
        .filter(pl.col("agreeing") >= min_families)
    )
    matched = (
        hits.join(agreeing, on=["cluster", "account"])
        .group_by("cluster", "account", "family")
        .agg(pl.col("bits").max(), pl.col("member").first(), pl.col("agreeing").first())
        .join(_whole_pools(agreed, members, accounts), on=["cluster", "family"], how="left")
        .with_columns(
            bits=pl.when(pl.col("bits") >= AGREEING_BITS)
            .then(pl.max_horizontal("bits", "whole"))
            .otherwise("bits")
        )
        .sort("cluster", "account", "family")
    )
    absence = _absence(matched, members, has)
    rows = (
        matched.with_columns(
            absent=absence[matched["cluster"].to_numpy(), matched["family"].to_numpy()],
        )
        .group_by("cluster", "account", maintain_order=True)
        .agg(
            pl.col("bits").sum(), pl.col("absent").sum(), pl.col("member").first(), pl.col("agreeing").first()
        )
    )
    # All families the account has values in, less those in which it agrees.
    against = np.einsum(
        "ij,ij->i", has[rows["account"].to_numpy()].astype(np.float64), absence[rows["cluster"].to_numpy()]
    )
    size = np.bincount(members["cluster"].to_numpy(), minlength=absence.shape[0])[rows["cluster"].to_numpy()]
    share = np.minimum(size / accounts, MAX_PRIOR)
    bits = rows["bits"].to_numpy() + against - rows["absent"].to_numpy()
    posterior = 1.0 / (1.0 + np.exp2(-(bits + np.log2(share / (1.0 - share)))))
    return rows.select("cluster", "account", "agreeing", "member").with_columns(
        bits=pl.Series(bits), membership=pl.Series(posterior)
    )


def _whole_pools(agreed: pl.DataFrame, members: pl.DataFrame, accounts: int) -> pl.DataFrame:
    """Bits of having any of a cluster's pool values in a family: cluster, family, whole.

    A value that few members and nobody else has says little by itself, since one outsider may yet turn up; a pool of
    many such values, of which no outsider has any, says much. Jeffreys' halves on both sides.
    """
    size = members.group_by("cluster").agg(size=pl.len())
    inside, outside = pl.col("member").sum(), (~pl.col("member")).sum()
    return (
        agreed.group_by("cluster", "family")
        .agg(inside=inside, outside=outside)
        .join(size, on="cluster")
        .select(
            "cluster",
            "family",
            whole=((pl.col("inside") + 0.5) / (pl.col("size") + 1.0)).log(2.0)
            - ((pl.col("outside") + 0.5) / (accounts - pl.col("size") + 1.0)).log(2.0),
        )
    )


def _absence(matched: pl.DataFrame, members: pl.DataFrame, has: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Bits, never positive, of not agreeing in a family: shape (clusters, families)."""
    count = int(members["cluster"].max() or 0) + 1  # type: ignore[arg-type]
    cluster, account = members["cluster"].to_numpy(), members["account"].to_numpy()
    having = np.zeros((count, has.shape[1]))
    np.add.at(having, cluster, has[account].astype(np.float64))
    agreeing = np.zeros_like(having)
    own = matched.filter("member")
    np.add.at(agreeing, (own["cluster"].to_numpy(), own["family"].to_numpy()), 1.0)
    # Jeffreys' half keeps a small cluster from being sure.
    share = (agreeing + 0.5) / (having + 1.0)
    return np.maximum(np.log2(1.0 - np.minimum(share, 1.0 - 1e-6)), -MAX_ABSENCE_BITS) * (agreeing > 0)
