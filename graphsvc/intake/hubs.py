"""Values that suspiciously many accounts share: placeholders, addresses of load balancers, truncated numbers."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.columns import Hub
from graphsvc.signals.kinds import KINDS, family_of

_LEAST_HOLDERS = 10
"""Fewer share a value in a family or an office; a hub of them says little either way."""
_SHARE, _ADDRESS_SHARE = 0.01, 0.05
"""Of the accounts that have a value of the kind. In the seeded worlds a campaign's device has 0.2 %, and the address of
a mobile carrier 0.4 %."""
_TIMES_USUAL = 20
"""How many times the usual number of holders: TLS fingerprints are shared by hundreds, devices by one or two."""
_MOST_OF_ALL = 0.5
"""Of the accounts that have a value of the kind; a value that half of them have tells none from another."""
_STRANGERS = 0.1
"""Share of holders with a rare value in common below which holders look like strangers."""
_RARE = 20
"""Accounts up to which sharing a value says something of them; households and small offices."""
_LEAST_KNOWN = 0.3
"""Share of all accounts that must share a rare value before strangers can be told by sharing none."""
_MOST_CANDIDATES, _MOST_NAMED, _MOST_HOLDERS = 50, 10, 1000
"""Values that are looked into, values that are named, and holders of one that are compared; bound memory and time."""
_PASSED_OVER = frozenset(kind.name for kind in KINDS if kind.common)
"""Kinds whose values many strangers share by nature; they are no identifiers of one person or machine."""

_COMMON = frozenset({"user_agent", "prompt"})


def find_hubs(edges: dict[str, pl.DataFrame]) -> tuple[Hub, ...]:
    """Find values whose holders do not look like people who share something, those with most holders first.

    A value qualifies with at least ten holders. Either it has a hundredth of the accounts with its kind (of
    addresses a twentieth) and far more than usual. Or hardly any two of its holders share anything rare.

    Args:
        edges: as `BundleColumns.edges`.
    """
    found = [
        _find_candidates(frame) for name, frame in edges.items() if name not in _PASSED_OVER and frame.height
    ]
    if not found:
        return ()
    largest = pl.concat(found).sort("holders", "key", descending=[True, False]).head(_MOST_CANDIDATES)
    if largest.is_empty():
        return ()
    rare = _find_rare_edges(edges)
    population = pl.concat([frame["account_id"].unique() for frame in edges.values()]).n_unique()
    known = rare["account_id"].n_unique() >= _LEAST_KNOWN * population
    coherent = _measure_coherence(edges, rare, largest)
    hubs = []
    for kind, key, holders, accounts, usual in largest.rows():
        share = _ADDRESS_SHARE if kind == "ip" else _SHARE
        unusual = holders >= _TIMES_USUAL * usual or holders >= _MOST_OF_ALL * accounts
        many = holders >= share * accounts and unusual
        # Where few accounts share rare values at all, sharing none says nothing.
        strangers = known and kind != "ip" and holders > usual and coherent[key] < _STRANGERS
        if many or strangers:
            hubs.append(Hub(key, kind, holders, accounts, coherent[key]))
    return tuple(hubs[:_MOST_NAMED])


def _find_candidates(edges: pl.DataFrame) -> pl.DataFrame:
    """Find the values with ten holders or more: kind, key, holders, accounts with the kind, and the usual holders."""
    held = edges.group_by("key").agg(holders=pl.len().cast(pl.Int64))
    held = held.with_columns(kind=pl.col("key").str.extract(r"^([^:]*):"))
    kinds = edges.select("account_id", kind=pl.col("key").str.extract(r"^([^:]*):"))
    accounts = kinds.group_by("kind").agg(accounts=pl.col("account_id").n_unique().cast(pl.Int64))
    large = held.filter(pl.col("holders") >= _LEAST_HOLDERS).sort("holders", "key", descending=[True, False])
    large = large.group_by("kind", maintain_order=True).head(_MOST_CANDIDATES)
    parts = held.partition_by("kind", as_dict=True)
    all_of = {kind: part["holders"].sort().to_numpy() for (kind,), part in parts.items()}
    usual = [
        _compute_usual(all_of[kind], holders) for kind, holders in large.select("kind", "holders").rows()
    ]
    large = large.with_columns(usual=pl.Series(usual, dtype=pl.Int64)).join(accounts, on="kind")
    return large.select("kind", "key", "holders", "accounts", "usual")


def _compute_usual(holders: NDArray[np.int64], one: int) -> int:
    """Return the middle of values by their edges, without one of them.

    Args:
        holders: of each value, ascending; n values.
        one: the holders of the value to leave out.
    """
    others = np.delete(holders, np.searchsorted(holders, one))
    if not len(others):
        return 0
    # Weighted by edges: the median over values is 1 in every long tail.
    edges = others.cumsum()
    return int(others[np.searchsorted(edges, edges[-1] / 2)])


def _find_rare_edges(edges: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return account, key and family of the values that a few accounts share; the most numerous kinds are left out."""
    parts = []
    for name, frame in edges.items():
        if name in _COMMON:
            continue
        shared = frame.group_by("key").len().filter(pl.col("len").is_between(2, _RARE)).select("key")
        few = frame.select("account_id", "key").join(shared, on="key", how="semi")
        parts.append(few.with_columns(family=pl.lit(family_of(name))))
    empty = pl.DataFrame(schema={"account_id": pl.String, "key": pl.String, "family": pl.String})
    return pl.concat([empty, *parts])


def _measure_coherence(
    edges: dict[str, pl.DataFrame], rare: pl.DataFrame, hubs: pl.DataFrame
) -> dict[str, float]:
    """Return the share of each hub's first thousand holders that have a rare value of another family in common."""
    keys = hubs["key"].implode()
    held = [
        frame.select("account_id", "key")
        .filter(pl.col("key").is_in(keys))
        .with_columns(own=pl.lit(family_of(name)))
        for name, frame in edges.items()
    ]
    members = (
        pl.concat(held)
        .sort("key", "account_id")
        .group_by("key", maintain_order=True)
        .head(_MOST_HOLDERS)
        .rename({"key": "hub"})
    )
    known = rare.join(members, on="account_id").filter(pl.col("family") != pl.col("own"))
    shared = known.group_by("hub", "key").agg("account_id").filter(pl.col("account_id").list.len() > 1)
    together = shared.select("hub", "account_id").explode("account_id").unique().group_by("hub").len()
    joined = hubs.select("key", "holders").join(together, left_on="key", right_on="hub", how="left")
    return {key: (many or 0) / min(holders, _MOST_HOLDERS) for key, holders, many in joined.rows()}
