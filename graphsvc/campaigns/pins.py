"""Apply what people know of pairs of accounts: those pinned together belong together, those pinned apart do not.

1. Accounts that are pinned as the same operator's, directly or over others, belong together. Where two of these are
   pinned as different operators', the pins that make them one do not count: in doubt no account is drawn in.
2. If one of them is in a cluster, all are. If they are in several, those clusters become one.
3. Of two that are pinned apart and are in one cluster, the less sure one leaves.

Pins alone make no cluster: a group that nothing else speaks for is no campaign.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.arrays import label_components

PINNED = "pinned"
"""The pseudo-family of what a person says."""
PIN_BITS = 20.0
"""Weight of a person's word, in bits: as sure as a million to one."""

Pins = Sequence[tuple[str, str, bool]]
"""Pairs of account ids, and whether the same operator runs both."""


def rows_of(pins: Pins, accounts: pl.Series) -> pl.DataFrame:
    """Return pins with row numbers of accounts: a, b (int32), same; pins about unknown accounts are left out."""
    rows = pl.DataFrame({"id": accounts, "row": np.arange(len(accounts), dtype=np.int32)})
    named = pl.DataFrame(
        list(pins), schema={"a": pl.String, "b": pl.String, "same": pl.Boolean}, orient="row"
    )
    return (
        named.join(rows.rename({"id": "a", "row": "left"}), on="a")
        .join(rows.rename({"id": "b", "row": "right"}), on="b")
        .select(a="left", b="right", same="same")
        .sort("a", "b", "same")
    )


def honoured(members: pl.DataFrame, pins: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Apply pins to members.

    Args:
        members: cluster, account (int32), membership and more, sorted by cluster and account; an account is in one
            cluster at most.
        pins: of `rows_of`.

    Returns:
        The members that stay, and the accounts that joined (cluster, account), both sorted. Clusters that became one
        have the number of the largest.
    """
    joined = members.clear().select("cluster", "account")
    if pins.is_empty():
        return members, joined
    people, groups = _groups(pins)
    number = pl.DataFrame({"account": people, "group": groups})
    held = number.join(members.select("cluster", "account"), on="account")
    sizes = members.group_by("cluster").agg(size=pl.len())
    whole = _wholes(held.select("group", "cluster").unique().join(sizes, on="cluster"))
    merged = (
        members.join(whole, on="cluster", how="left")
        .with_columns(cluster=pl.coalesce("whole", "cluster").cast(pl.Int32))
        .drop("whole")
        .sort("cluster", "account")
    )
    apart = pins.filter(~pl.col("same"))
    stay = _without(merged, _leavers(merged.select("cluster", "account", "membership"), apart))
    target = number.join(stay.select("cluster", "account"), on="account").select("group", "cluster").unique()
    joined = (
        number.join(members, on="account", how="anti").join(target, on="group").select("cluster", "account")
    )
    # An account that joins on a person's word gives way to one that is there by evidence.
    both = pl.concat(
        [stay.select("cluster", "account", "membership"), joined.with_columns(membership=pl.lit(-1.0))]
    )
    return stay, _without(joined, _leavers(both, apart)).sort("cluster", "account")


def explained(joined: pl.DataFrame) -> pl.DataFrame:
    """Return the accounts that joined, with their evidence: the columns of `MEMBERS` but for `sharers`."""
    return joined.with_columns(
        membership=pl.lit(1.0 / (1.0 + 2.0**-PIN_BITS)),
        bits=pl.lit(PIN_BITS),
        families=pl.lit([PINNED]),
        family_bits=pl.lit([PIN_BITS]),
        signals=pl.lit([-1], dtype=pl.List(pl.Int32)),
    )


def _groups(pins: pl.DataFrame) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the accounts that are pinned together, and the group of each; contradictory groups are left out."""
    same, apart = pins.filter("same"), pins.filter(~pl.col("same"))
    people = np.unique(np.concatenate([same["a"].to_numpy(), same["b"].to_numpy()])).astype(np.int32)
    a, b = (np.searchsorted(people, same[name].to_numpy()) for name in ("a", "b"))
    group = label_components(len(people), a, b)
    known = pl.DataFrame({"account": people, "group": group})
    both = apart.join(known.rename({"account": "a", "group": "left"}), on="a").join(
        known.rename({"account": "b", "group": "right"}), on="b"
    )
    wrong = both.filter(pl.col("left") == pl.col("right"))["left"].unique()
    kept = ~np.isin(group, wrong.to_numpy())
    return people[kept], group[kept]


def _wholes(links: pl.DataFrame) -> pl.DataFrame:
    """Find the cluster that each becomes part of: cluster, whole; `links` has group, cluster and the cluster's size."""
    clusters = links["cluster"].unique().sort().to_numpy()
    if not len(clusters):
        return pl.DataFrame(schema={"cluster": pl.Int32, "whole": pl.Int32})
    row = np.searchsorted(clusters, links["cluster"].to_numpy())
    group = links["group"].to_numpy()
    # Clusters and groups are the nodes of one graph: a group in several clusters makes them one part.
    part = label_components(len(clusters) + int(group.max()) + 1, row, len(clusters) + group)
    parts = pl.DataFrame({"cluster": clusters, "part": part[: len(clusters)]})
    known = parts.join(links.select("cluster", "size").unique(), on="cluster")
    largest = known.sort("size", "cluster", descending=[True, False]).unique(
        "part", keep="first", maintain_order=True
    )
    return parts.join(largest.select("part", whole="cluster"), on="part").select(
        "cluster", pl.col("whole").cast(pl.Int32)
    )


def _leavers(members: pl.DataFrame, apart: pl.DataFrame) -> list[int]:
    """Find the less sure account of each two that are pinned apart and are in one cluster: account rows.

    Args:
        members: cluster, account, membership.
        apart: a, b.
    """
    named = apart["a"].to_list() + apart["b"].to_list()
    rows = members.filter(pl.col("account").is_in(named)).iter_rows()
    held = {account: (cluster, membership) for cluster, account, membership in rows}
    gone: list[int] = []
    for a, b in apart.select("a", "b").iter_rows():
        if a in held and b in held and held[a][0] == held[b][0]:
            # Of two equally sure accounts the later row leaves, so that the order within a pin does not matter.
            leaves = min((a, b), key=lambda each: (held[each][1], -each))
            gone.append(leaves)
            # An account that has left is in no cluster any longer: a later pin against it moves no other account.
            del held[leaves]
    return gone


def _without(members: pl.DataFrame, gone: list[int]) -> pl.DataFrame:
    return members.filter(~pl.col("account").is_in(gone))
