"""Read one published cluster, with all that its members share, as columns."""

import polars as pl

from graphsvc.campaigns.cluster_evidence import MEMBERS, SIGNALS, ClusterEvidence
from graphsvc.errors import NotFound
from graphsvc.linkage.transience import BRIEF_MS, find_brief, is_usual
from graphsvc.model.columns import Schema
from graphsvc.store.connection import Store
from graphsvc.store.packs import build_frame

SAMPLE = 4_000
"""Accounts sampled to find the kinds that are usually used transiently."""
PACK = 2_000
"""Signals requested in one list."""
USES: Schema = {"account": pl.Int64, "signal": pl.Int64, "first_seen": pl.Int64, "last_seen": pl.Int64}
SAMPLED: Schema = {"kind": pl.String, "uses": pl.Int64, "brief": pl.Int64}


def read_cluster_evidence(store: Store, cluster: str) -> ClusterEvidence:
    """Read the members of a published cluster, what more than one of them uses, and how many others use that.

    It takes four statements of packed lists. A transient use begins and ends within an hour, and its kind
    mostly lasts longer (`transience.find_transient`). Such kinds are estimated from some thousand accounts, evenly
    spaced.

    Raises:
        NotFound: no such cluster is published.
        DatabaseUnavailable, DatabaseRefused
    """
    members = build_frame(store.stream("cluster/members", id=cluster), {"node": pl.Int64, **MEMBERS}).sort(
        "id"
    )
    if members.is_empty():
        raise NotFound(
            f"No cluster {cluster} is published.",
            "`graphsvc export clusters --out clusters.csv` lists those that are.",
        )
    uses = build_frame(store.stream("cluster/uses", id=cluster), USES)
    # Signals of one member link no two, so their properties need not be read.
    shared = uses["signal"].value_counts().filter(pl.col("count") > 1)["signal"].sort().to_list()
    packs = [shared[start : start + PACK] for start in range(0, len(shared), PACK)]
    signals = build_frame(store.stream("cluster/signals", packs=packs), {"node": pl.Int64, **SIGNALS}).sort(
        "key"
    )
    # A kind that is mostly used for less than an hour is used so normally: its short uses count.
    population = store.read("maintenance/count_accounts")[0]["accounts"]
    sampled = store.read("cluster/passing", step=max(population // SAMPLE, 1), within=BRIEF_MS)
    kinds = pl.DataFrame(sampled, schema=SAMPLED)
    usual = kinds["kind"].filter(pl.Series(is_usual(kinds["brief"].to_numpy(), kinds["uses"].to_numpy())))
    uses = (
        uses.join(members.select(account="node", row=pl.int_range(pl.len(), dtype=pl.Int32)), on="account")
        .join(
            signals.select(
                signal="node",
                column=pl.int_range(pl.len(), dtype=pl.Int32),
                usual=pl.col("kind").is_in(usual.implode()),
            ),
            on="signal",
        )
        .sort("row", "column")
    )
    transient = find_brief(uses["first_seen"].to_numpy(), uses["last_seen"].to_numpy())
    transient &= ~uses["usual"].to_numpy()
    return ClusterEvidence(
        cluster,
        members.drop("node"),
        signals.drop("node"),
        uses["row"].to_numpy(),
        uses["column"].to_numpy(),
        uses["first_seen"].to_numpy(),
        uses["last_seen"].to_numpy(),
        transient,
        population,
    )
