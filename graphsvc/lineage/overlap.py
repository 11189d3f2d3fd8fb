"""Measure what identities and clusters have in common: accounts, and signals that distinguish them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.arrays import sum_runs
from graphsvc.model.lineage import ACTIVE, Known

Rows = NDArray[np.int64]

LEAST_BITS = 10.0
"""Bits of common signals below which they say nothing: those of one value that one account in a thousand has."""
SPREAD = 8
"""A signal of more identities than this, or of more clusters, distinguishes none of them."""


@dataclass(frozen=True, slots=True)
class Side:
    """Identities, or the clusters of this run, numbered by sorted id so that the order of rows decides nothing.

    Attributes:
        ids: sorted.
        sizes: members of each, int64.
        active: whether each is active, bool.
        members: row (int64), account, tenure, member.
        signals: row, signal, bits.
    """

    ids: list[str]
    sizes: Rows
    active: NDArray[np.bool_]
    members: pl.DataFrame
    signals: pl.DataFrame

    @classmethod
    def from_known(cls, known: Known) -> Self:
        """Build the table from `known`, with a number for each identity."""
        identities = known.identities.sort("id")
        row = identities.select("id", row=pl.int_range(pl.len(), dtype=pl.Int64))
        members = known.members.join(row, on="id").select("row", "account", "tenure", "member")
        last = members.filter("member")["row"].to_numpy()
        return cls(
            identities["id"].to_list(),
            np.bincount(last, minlength=identities.height).astype(np.int64),
            (identities["state"] == ACTIVE).to_numpy(),
            members.sort("row", "account"),
            known.signals.join(row, on="id").select("row", "signal", "bits").sort("row", "signal"),
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Identities and clusters that have accounts or signals in common.

    Attributes:
        rows: before, now (row numbers), accounts (in common), remembered (of these, current or recent members),
            bits, overlap (0-1), carried (weight in accounts); sorted by before, now. `bits` are of common signals,
            of each the fewer.
        signals: before, now, signal of each common signal, sorted.
    """

    rows: pl.DataFrame
    signals: pl.DataFrame


def compare_sides(before: Side, after: Side) -> Pairs:
    """Compare every identity with every cluster that shares an account or a signal with it.

    overlap = 1 − (1 − a)(1 − s). Here a is the larger of two shares: common accounts of the smaller side, and
    recent members of the cluster. s is the cosine of the signals' bits, which is the geometric mean of
    containment in both directions.

    carried is the tenure of the common accounts. If that is less than the smaller size, s of the rest is
    added.

    Args:
        before: identities of the previous run.
        after: clusters of this run.
    """
    both = (
        before.members.rename({"row": "before"})
        .join(after.members.select("account", now="row"), on="account")
        .sort("before", "now", "account")
    )
    accounts = both.group_by("before", "now", maintain_order=True).agg(
        accounts=pl.col("member").sum().cast(pl.Int64), remembered=pl.len().cast(pl.Int64)
    )
    accounts = accounts.with_columns(
        worth=pl.Series(sum_runs(both, ["before", "now"], "tenure"), dtype=pl.Float64)
    )
    told = [select_distinctive(side.signals) for side in (before, after)]
    common = (
        told[0].rename({"row": "before"}).join(told[1].rename({"row": "now"}), on="signal", suffix="_now")
        .select("before", "now", "signal", bits=pl.min_horizontal("bits", "bits_now"))
        .sort("before", "now", "signal")
    )  # fmt: skip
    # Sums of floats in the order of rows are the same whatever the number of threads.
    bits = common.select("before", "now").unique(maintain_order=True)
    bits = bits.with_columns(bits=pl.Series(sum_runs(common, ["before", "now"], "bits"), dtype=pl.Float64))
    rows = (
        accounts.join(bits, on=["before", "now"], how="full", coalesce=True)
        .with_columns(pl.col("accounts", "remembered").fill_null(0), pl.col("bits", "worth").fill_null(0.0))
        .sort("before", "now")
    )
    one, other = rows["before"].to_numpy(), rows["now"].to_numpy()
    # Containment in the smaller side: growing and shrinking then cost nothing.
    smaller = np.minimum(before.sizes[one], after.sizes[other])
    contained = np.maximum(
        rows["accounts"].to_numpy() / np.maximum(smaller, 1),
        rows["remembered"].to_numpy() / np.maximum(after.sizes[other], 1),
    )
    whole = _sum_bits(told[0], len(before.ids))[one] * _sum_bits(told[1], len(after.ids))[other]
    shared = rows["bits"].to_numpy()
    # A floor below both norms keeps a few weak signals from making two small clusters alike.
    alike = np.where(shared >= LEAST_BITS, shared / np.sqrt(np.maximum(whole, LEAST_BITS**2)), 0.0)
    alike = np.minimum(alike, 1.0)
    overlap = 1.0 - (1.0 - contained) * (1.0 - alike)
    # Accounts weigh by tenure; signals vouch only for the accounts that are not in both.
    worth = rows["worth"].to_numpy()
    carried = worth + alike * np.maximum(smaller - worth, 0.0)
    scored = rows.with_columns(overlap=pl.Series(overlap), carried=pl.Series(carried))
    return Pairs(scored, common.select("before", "now", "signal"))


def select_distinctive(signals: pl.DataFrame) -> pl.DataFrame:
    """Select signals of few enough identities or clusters to distinguish one from another."""
    return signals.filter(pl.len().over("signal") <= SPREAD)


def _sum_bits(signals: pl.DataFrame, rows: int) -> NDArray[np.float64]:
    """Sum the bits of each row's signals, in the order of rows."""
    sums = np.bincount(signals["row"].to_numpy(), signals["bits"].to_numpy(), minlength=rows)
    return sums.astype(np.float64)
