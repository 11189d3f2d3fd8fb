"""Identities that last: what is known of clusters from run to run, and what happened to them."""

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
"""Kinds of events, what a reader wants to see first before the rest.

| kind | `id` | `before` |
|---|---|---|
| `continued`, `grew`, `shrank` | the identity | the same |
| `revived` | an identity that was dormant or merged | the same |
| `born` | a new identity | null, or whose cluster it is a small part of, or one that still shares with it |
| `split` | a new identity | the identity it came off, which goes on |
| `merged` | the identity that goes on | the one that is part of it now |
| `dormant` | the identity | the same |

`into` is null but for dormant ones most of whose accounts are in another identity's cluster now, though that is no
merger: the id of that identity.
"""


@dataclass(frozen=True, slots=True)
class Known:
    """Every identity there has been: one row each of `identities` (schema `IDENTITIES`), ids unique.

    `size`, `members` (schema `MEMBERS`) and `signals` (schema `SIGNALS`: keys of the signals that held it together,
    with their bits) are those of its last cluster, for a merged one of the last it had to itself. `members` has those
    who were members lately, too: `member` says whether an account was in the last cluster, `tenure` (0-1) for how many
    of the last ones it was. `merged_into` is the identity in whose cluster the accounts of a merged
    one are, or of a dormant one of which that is known; else null. Rows in any order.
    """

    identities: pl.DataFrame
    members: pl.DataFrame
    signals: pl.DataFrame

    @classmethod
    def nothing(cls) -> Self:
        """What is known before the first run."""
        return cls(
            pl.DataFrame(schema=IDENTITIES), pl.DataFrame(schema=MEMBERS), pl.DataFrame(schema=SIGNALS)
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """What a run found, under ids that last; what is known after it; what happened (schema `EVENTS`).

    `found` differs from what was found in `clusters.id` only. `events` has one row for each cluster found (`born`,
    `split`, `revived`, `grew`, `shrank` or `continued`; no event says of a cluster what another says) and one for each
    identity that ended with this run (`merged`, `dormant`); sorted by id, before and kind.
    """

    found: Found
    known: Known
    events: pl.DataFrame
