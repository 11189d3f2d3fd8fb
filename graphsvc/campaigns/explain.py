"""Explain why an account belongs and why two accounts are linked: the strongest shared signal of each family."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.membership import Evidence, Weighed
from graphsvc.model.clusters import LINKS, MEMBERS, PRIOR

TIME = "time"
"""The pseudo-family of the moment of sign-up."""


def explained_members(
    chosen: pl.DataFrame, weighed: Weighed, given: Evidence, pool: pl.DataFrame, names: list[str]
) -> pl.DataFrame:
    """Return members with their evidence by family (schema `MEMBERS` but for `sharers`), in the order they have.

    The families, the moment of sign-up and the prior each add bits, and the membership follows from the sum. For each
    family that a member agrees in, the finest and strongest value is named.

    Args:
        chosen: row (of `weighed`), cluster, account, membership.
        weighed: candidates of all clusters.
        given: what they were weighed by.
        pool: of `membership.pools`; what clusters use more than others do.
        names: the families' names.
    """
    row = chosen["row"].to_numpy()
    bits = np.column_stack([weighed.families[row], weighed.time[row], weighed.prior[row]]).astype(np.float64)
    labels = [*names, TIME, PRIOR]
    strongest = _strongest(chosen, given, pool, len(labels))
    where, what = np.nonzero(bits)
    rows = pl.DataFrame(
        {
            "at": where,
            "family": pl.Series(labels).gather(what),
            "bits": bits[where, what],
            "signal": strongest[where, what],
        }
    )
    why = rows.group_by("at", maintain_order=True).agg(
        families="family", family_bits="bits", signals=pl.col("signal").cast(pl.Int32)
    )
    return (
        chosen.drop("row")
        .with_columns(bits=pl.Series(bits.sum(axis=1)), at=pl.int_range(pl.len(), dtype=pl.Int64))
        .join(why, on="at", how="left", maintain_order="left")
        .drop("at")
    )


def _strongest(chosen: pl.DataFrame, given: Evidence, pool: pl.DataFrame, width: int) -> NDArray[np.int32]:
    """Find the finest and strongest pool value of each member and family, shape (members, width), -1 = none."""
    at, value, _ = given.uses.pooled(chosen, pool)
    best = (
        pool.select("signal", "family", "level", "bits")[value]
        .with_columns(at=pl.Series(at))
        .sort("at", "family", "level", "bits", "signal", descending=[False, False, False, True, False])
        .unique(["at", "family"], keep="first", maintain_order=True)
    )
    found = np.full((chosen.height, width), -1, dtype=np.int32)
    found[best["at"].to_numpy(), best["family"].to_numpy()] = best["signal"].to_numpy()
    return found


def with_sharers(members: pl.DataFrame, given: Evidence) -> pl.DataFrame:
    """Count how many other members have each of the signals that a member is explained by (schema `MEMBERS`).

    Args:
        members: `MEMBERS` but for `sharers`; an account is in one cluster at most.
        given: what they were weighed by.
    """
    named = (
        members.select("cluster", signal="signals")
        .explode("signal")
        .filter(pl.col("signal") >= 0)
        .unique()
        .sort("cluster", "signal")
    )
    _, value, _ = given.uses.pooled(members, named)
    # The member itself is not one of the others.
    counts = named.with_columns(sharers=pl.Series(np.bincount(value, minlength=named.height) - 1))
    row = pl.int_range(pl.len(), dtype=pl.Int32)
    sharers = (
        members.select("cluster", row=row, signal="signals")
        .explode("signal")
        .join(counts, on=["cluster", "signal"], how="left", maintain_order="left")
        .group_by("row", maintain_order=True)
        .agg(pl.col("sharers").filter(pl.col("signal").is_not_null()).fill_null(0))
    )
    return members.with_columns(sharers["sharers"]).select(list(MEMBERS))


def explained_links(links: pl.DataFrame, given: Evidence, names: list[str]) -> pl.DataFrame:
    """Return links with their evidence by family (schema `LINKS`), in the order they have.

    Args:
        links: source, target, bits.
        given: what accounts are weighed by.
        names: the families' names.
    """
    ends = ["source", "target"]
    pair, signal = given.uses.shared(links["source"].to_numpy(), links["target"].to_numpy())
    shared = links.select(ends)[pair].with_columns(
        signal=pl.Series(signal),
        family=pl.Series(given.family[signal]),
        bits=pl.Series(given.signals.bits[signal]),
    )
    return links.join(_by_family(shared, ends, names), on=ends, how="left", maintain_order="left").select(
        list(LINKS)
    )


def _by_family(shared: pl.DataFrame, key: list[str], names: list[str]) -> pl.DataFrame:
    """Return a row for each `key`: families, family_bits, signals (the strongest a family), in order of families."""
    return (
        shared.sort([*key, "family", "bits", "signal"], descending=[False] * len(key) + [False, True, False])
        .unique([*key, "family"], keep="first", maintain_order=True)
        .with_columns(families=pl.lit(pl.Series(names)).gather(pl.col("family")))
        .group_by(key, maintain_order=True)
        .agg("families", family_bits="bits", signals=pl.col("signal").cast(pl.Int32))
    )
