"""Accounts to act on, and what is around them: their signals, and the other users of these."""

import polars as pl

from graphsvc.linkage.bits import KindColumn
from graphsvc.linkage.rule import find_crowded, find_hubs
from graphsvc.model.columns import Schema
from graphsvc.types import Flags

ACTED: Schema = {
    "id": pl.String,
    "status": pl.String,
    "business": pl.Boolean,
    "cluster": pl.String,
    "membership": pl.Float64,
    "bits": pl.Float64,
}
"""Accounts to act on, in any order. In no published cluster: `cluster` '', `membership` and `bits` 0.
`business`: its cluster is a likely business, so it counts as innocent whatever its membership."""
NEAR: Schema = {
    "signal": pl.String,
    "kind": pl.String,
    "class": pl.String,
    "degree": pl.Int64,
    "inside": pl.Int64,
}
"""Signals that they use. `degree`: accounts that use it; `inside`: accounts to act on that do."""
USERS: Schema = {"signal": pl.String, "account": pl.String}
"""Accounts that use such signals. Users of hubs may be missing."""


def mark_hubs(near: pl.DataFrame) -> Flags:
    """Mark signals with too many users to list, or with many people by design; bool, one a row."""
    # Signals of many people by design (mobile gateways, campus networks) are hubs at any degree.
    found: Flags = find_hubs(KindColumn.of(near["kind"]), near["degree"].to_numpy()) | find_crowded(near)
    return found
