"""Gather what is shown of a cluster: the signals that hold it together, its strongest links, a sentence."""

from datetime import UTC, datetime

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import find_homes
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.signals.kinds import DERIVED

TOP_SIGNALS = 50
TOP_OF_A_KIND = 12
LINKS_PER_ACCOUNT = 2
NAMES = {
    "payment": "payment instruments",
    "network": "addresses",
    "device": "devices",
    "prompt": "prompt templates",
    "email": "e-mail patterns",
    "phone": "phone numbers",
    "name": "names",
    "organization": "organizations",
    "client": "clients",
}


def shared_signals(pool: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    """Return the signals that explain most of each cluster, strongest first (schema `SHARED`).

    The rank is by bits times the members who have the signal: what a cluster would lose without it. At most
    `TOP_OF_A_KIND` are of one kind, because the bands of a few templates would fill the list.
    """
    kinds = graph.signals.select(signal=pl.int_range(pl.len(), dtype=pl.Int32), kind="kind")
    return (
        pool.join(kinds, on="signal")
        # Prefixes and systems only repeat the addresses that are listed.
        .filter(~pl.col("kind").is_in(list(DERIVED)))
        .with_columns(weight=pl.col("inside") * pl.col("bits"), share=pl.col("inside") / pl.col("size"))
        .sort(["cluster", "weight", "signal"], descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("cluster", "kind") < TOP_OF_A_KIND)
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("cluster"))
        .filter(pl.col("rank") <= TOP_SIGNALS)
        .select(
            pl.col("cluster").cast(pl.Int32),
            pl.col("signal").cast(pl.Int32),
            pl.col("rank").cast(pl.Int64),
            pl.col("inside").cast(pl.Int64).alias("accounts"),
            "share",
            "bits",
        )
    )


def strongest_links(links: Links, members: pl.DataFrame) -> pl.DataFrame:
    """Return the strongest links of each member inside its cluster: source, target, bits, sorted by the ends."""
    cluster = find_homes(members, links.nodes)
    inside = (cluster[links.source] == cluster[links.target]) & (cluster[links.source] >= 0)
    source, target, bits = links.source[inside], links.target[inside], links.bits[inside]
    ends = pl.DataFrame(
        {
            "account": np.concatenate([source, target]),
            "link": np.tile(np.arange(len(source), dtype=np.int32), 2),
            "bits": np.concatenate([bits, bits]),
        }
    )
    kept = (
        ends.sort(["account", "bits", "link"], descending=[False, True, False])
        .group_by("account", maintain_order=True)
        .head(LINKS_PER_ACCOUNT)["link"]
        .unique()
        .sort()
        .to_numpy()
    )
    return pl.DataFrame({"source": source[kept], "target": target[kept], "bits": bits[kept]})


def sentence(size: int, families: list[tuple[str, float, int]], first: int, last: int, banned: int) -> str:
    """Describe a cluster in one sentence.

    Args:
        size: members.
        families: name, share (of members), and values of each; those that most members share first.
        first: first sign-up, ms since 1970.
        last: last sign-up, ms since 1970.
        banned: members that were banned or suspended.

    Returns:
        The sentence, with the four families that most members share.
    """
    shares = ", ".join(
        f"{NAMES.get(name, name)} ({values:,} values, {share:.0%} of accounts)"
        for name, share, values in families[:4]
    )
    return (
        f"{size:,} accounts that share {shares or 'single values only'}; signed up {_day(first)} to {_day(last)}; "
        f"{banned:,} banned or suspended."
    )


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).date().isoformat()
