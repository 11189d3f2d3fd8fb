"""Why an account belongs and two accounts are linked: the strongest shared signal of each family."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.clusters import LINKS, MEMBERS
from graphsvc.model.graph import SignalGraph

REST = "rest"
"""The pseudo-family of what is not any one signal's: pools as a whole, and families that do not agree."""


def explained_members(
    members: pl.DataFrame, edges: pl.DataFrame, pool: pl.DataFrame, names: list[str]
) -> pl.DataFrame:
    """Members with their evidence by family (schema `MEMBERS` but for `sharers`).

    Args:
        members: cluster, account, membership, bits.
        edges: account, signal; what accounts were weighed by.
        pool: cluster, signal, family, strength, inside, size, outside; what clusters use more than others do.
        names: the families' names.
    """
    others = pl.col("inside") - 1
    bits = pl.col("bits") + (others / pl.col("inside")).log(2.0)
    hits = (
        edges.select("account", "signal")
        .join(members.select("cluster", "account"), on="account")
        .join(pool, on=["cluster", "signal"])
        .filter(others > 0)
        .with_columns(bits=bits)
        .filter(pl.col("bits") > 0.0)
    )
    why = _by_family(hits, ["cluster", "account"], names)
    found = members.join(why, on=["cluster", "account"], how="left")
    rest = pl.col("bits") - pl.col("family_bits").list.sum().fill_null(0.0)
    return found.with_columns(
        families=pl.concat_list(pl.col("families").fill_null([]), pl.lit(REST)),
        family_bits=pl.concat_list(pl.col("family_bits").fill_null([]), rest),
        signals=pl.concat_list(pl.col("signals").fill_null([]), pl.lit(-1, dtype=pl.Int32)),
    )


def with_sharers(members: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    """Members (schema `MEMBERS`) with how many other members have each of the signals they are explained by.

    Args:
        members: `MEMBERS` but for `sharers`; an account is in one cluster at most.
        graph: what `signals` are row numbers of.
    """
    named = (
        members.select("cluster", signal="signals").explode("signal").filter(pl.col("signal") >= 0).unique()
    )
    counts = (
        pl.DataFrame({"account": graph.account, "signal": graph.signal})
        .join(named, on="signal")
        .join(members.select("cluster", "account"), on=["cluster", "account"], how="semi")
        .group_by("cluster", "signal")
        .agg(sharers=pl.len().cast(pl.Int64) - 1)
    )
    row = pl.int_range(pl.len(), dtype=pl.Int32)
    sharers = (
        members.select("cluster", row=row, signal="signals")
        .explode("signal")
        .join(counts, on=["cluster", "signal"], how="left", maintain_order="left")
        .group_by("row", maintain_order=True)
        .agg(pl.col("sharers").filter(pl.col("signal").is_not_null()).fill_null(0))
    )
    return members.with_columns(sharers["sharers"]).select(list(MEMBERS))


def explained_links(
    links: pl.DataFrame, edges: pl.DataFrame, signal_bits: NDArray[np.float64], names: list[str]
) -> pl.DataFrame:
    """Links with their evidence by family (schema `LINKS`), in the order they have.

    Args:
        links: source, target, bits.
        edges: account, signal, family.
        signal_bits: bits of sharing each signal.
        names: the families' names.
    """
    ends = ["source", "target"]
    shared = (
        links.select(ends)
        .join(edges.select("signal", "family", source="account"), on="source")
        .join(edges.select("signal", target="account"), on=["target", "signal"], how="semi")
    )
    shared = shared.with_columns(bits=pl.Series(signal_bits[shared["signal"].to_numpy()]))
    return (
        links.drop("families")
        .join(_by_family(shared, ends, names), on=ends, how="left", maintain_order="left")
        .select(list(LINKS))
    )


def _by_family(shared: pl.DataFrame, key: list[str], names: list[str]) -> pl.DataFrame:
    """A row a `key`: families, family_bits, signals of the strongest signal a family, in the order of families."""
    return (
        shared.sort([*key, "family", "bits", "signal"], descending=[False] * len(key) + [False, True, False])
        .unique([*key, "family"], keep="first", maintain_order=True)
        .with_columns(families=pl.lit(pl.Series(names)).gather(pl.col("family")))
        .group_by(key, maintain_order=True)
        .agg("families", family_bits="bits", signals=pl.col("signal").cast(pl.Int32))
    )
