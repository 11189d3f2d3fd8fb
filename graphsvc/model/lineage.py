"""Identities from run to run: what is known of each, and events."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from graphsvc.model.clusters import Found
from graphsvc.model.columns import Schema

ACTIVE, DORMANT, MERGED = "active", "dormant", "merged"
"""States of an identity: found by the last run; not found by it; found as part of another identity's cluster."""

IDENTITIES: Schema = {
    "id": pl.String,
    "state": pl.String,
    "size": pl.Int64,
    "merged_into": pl.String,
}
MEMBERS: Schema = {"id": pl.String, "account": pl.String, "tenure": pl.Float64, "member": pl.Boolean}
SIGNALS: Schema = {"id": pl.String, "signal": pl.String, "bits": pl.Float64}
EVENTS: Schema = {
    "id": pl.String,
    "before": pl.String,
    "into": pl.String,
    "kind": pl.String,
    "overlap": pl.Float64,
    "accounts_in_common": pl.Int64,
    "accounts_before": pl.Int64,
    "accounts_now": pl.Int64,
    "signals_in_common": pl.Int64,
    "families": pl.List(pl.String),
    "bits": pl.Float64,
    "says": pl.String,
}
CONTINUED = "continued"
KINDS = ("born", "split", "revived", MERGED, DORMANT, "grew", "shrank", CONTINUED)
"""Kinds of events, the most important to a reader first.

| kind | `id` | `before` |
|---|---|---|
| `continued`, `grew`, `shrank` | the identity | the same |
| `revived` | an identity that was dormant or merged | the same |
| `born` | a new identity | null, or whose cluster it is a small part of, or one that still shares with it |
| `split` | a new identity | the identity it came off, which continues |
| `merged` | the identity that continues | the one that is part of it now |
| `dormant` | the identity | the same |

`into` is null except for a dormant identity with most of its accounts in another identity's cluster, where that is no
merger. Then it is the id of that identity.
"""


@dataclass(frozen=True, slots=True)
class Known:
    """All identities ever published, in any order of rows.

    Attributes:
        identities: schema `IDENTITIES`, one row an identity. `size` is that of its last cluster.
            `merged_into` is the identity that holds the accounts of a merged one, or of a dormant one if that
            is known; else null.
        members: schema `MEMBERS`, of its last cluster and of recent ones. `member`: whether the account was
            in the last cluster. `tenure` (0-1): weight of its presence in recent runs.
        signals: schema `SIGNALS`, keys and bits of the signals that connected its last cluster.
    """

    identities: pl.DataFrame
    members: pl.DataFrame
    signals: pl.DataFrame

    @classmethod
    def create_empty(cls) -> Self:
        """Create what is known before the first run."""
        return cls(
            pl.DataFrame(schema=IDENTITIES), pl.DataFrame(schema=MEMBERS), pl.DataFrame(schema=SIGNALS)
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """A run's clusters under lasting ids.

    Attributes:
        found: as before, with other `clusters.id`.
        known: for the next run.
        events: schema `EVENTS`, one row for each cluster found (`born`, `split`, `revived`, `grew`, `shrank`
            or `continued`), and one for each identity that ended (`merged`, `dormant`); sorted by id, before
            and kind.
    """

    found: Found
    known: Known
    events: pl.DataFrame
