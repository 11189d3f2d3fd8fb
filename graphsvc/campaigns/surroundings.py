"""Accounts to act on, and what is around them: their signals, and the other users of these."""

import numpy as np
import polars as pl

from graphsvc.linkage.bits import by_kind
from graphsvc.linkage.pairs import CROWDED
from graphsvc.model.columns import Schema
from graphsvc.signals.kinds import kind_of
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
    most = by_kind(near["kind"], lambda kind: kind_of(kind).hub_degree, np.int64)
    # Signals of many people by design (mobile gateways, campus networks) are hubs at any degree.
    found: Flags = (near["degree"].to_numpy() > most) | near["class"].is_in(CROWDED).to_numpy()
    return found
