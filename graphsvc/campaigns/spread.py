"""Measure how members of a cluster live, pay and ask: where they say they are, how many share a card or a device.

Honest groups are of one country, one card pays for many of them, and what a member comes to use later is its own. Those
who use the same software or copy the same prompts share no card, device or phone number at all. An operator says many
countries, deals cards and devices out to a few accounts each, and has more asked of each account.
"""

import numpy as np
import polars as pl

from graphsvc.linkage.signals import SignalTable
from graphsvc.linkage.uses import find_edges
from graphsvc.model.arrays import sum_runs
from graphsvc.model.graph import SignalGraph
from graphsvc.model.scale import coarse
from graphsvc.signals.kinds import DERIVED

DEALT = ("payment", "device")
"""Families whose values are dealt out to accounts: a card and a device can have many users at a time."""
LATER = ("payment", "device", "network")
"""Families that an account keeps coming to use something new of."""
TYING = ("payment", "device", "phone")
"""Families of things that belong to a person or a firm, and that strangers do not come to share."""
LATER_MS = 2 * 86_400_000
"""Time after sign-up from which a use is not part of setting an account up."""


def measure_spread(graph: SignalGraph, signals: SignalTable, members: pl.DataFrame) -> pl.DataFrame:
    """Measure how members of clusters are spread over countries, cards and devices, and how much they ask.

    Args:
        graph: the graph that the run reads.
        signals: its signals, among all accounts.
        members: cluster, account (int32), sorted.

    Returns:
        One row a cluster, sorted: cluster, size; one_country (probability that two members name the same country, null
        if fewer than two name one); payment and device (doublings of the number of members that the most shared of a
        member's cards and devices is used by, on average; null where no member has one); tied (share of members with a
        card, device or phone number that share one with another member, null where there are none) and known (share of
        members that have one); later (share of cards, devices and addresses that members came to use two days after
        sign-up or later which other members use too, null where there are none) and later_uses (how many of them a
        member has); requests (median of members with traffic, null where there are none) and active (share of members
        with traffic).
    """
    used = _list_uses(graph, signals, members)
    parts = [
        _measure_countries(graph, members),
        *(_measure_dealt(used, name) for name in DEALT),
        _measure_tied(used),
        _measure_later(used),
        _measure_requests(graph, members),
    ]
    found = members.group_by("cluster", maintain_order=True).agg(size=pl.len().cast(pl.Int64))
    for part in parts:
        found = found.join(part, on="cluster", how="left", maintain_order="left")
    return found.with_columns(
        known=pl.col("known").fill_null(0) / pl.col("size"),
        later_uses=pl.col("later_uses").fill_null(0) / pl.col("size"),
        active=pl.col("active").fill_null(0) / pl.col("size"),
    )


def measure_usual_country(graph: SignalGraph) -> float:
    """Return the probability that two accounts that name a country name the same one; 1 where none does."""
    counts = graph.accounts.filter(pl.col("country") != "")["country"].value_counts()["count"].to_numpy()
    share = coarse(counts.astype(np.int64)) / max(coarse(int(counts.sum())), 1)
    return float(min((np.sort(share) ** 2).sum(), 1.0)) if len(counts) else 1.0


def measure_usual_requests(graph: SignalGraph) -> int:
    """Return the median of requests of accounts with traffic, as finely as it matters (`coarse`); 1 at least."""
    requests = graph.activity.group_by("account").agg(pl.col("requests").sum())["requests"]
    return max(coarse(int(requests.median() or 0)), 1)  # type: ignore[arg-type]


def _measure_countries(graph: SignalGraph, members: pl.DataFrame) -> pl.DataFrame:
    """Measure how often two members name the same country."""
    counts = (
        members.select("cluster", country=graph.accounts["country"].gather(members["account"]))
        .filter(pl.col("country") != "")
        .group_by("cluster", "country")
        .agg(count=pl.len().cast(pl.Int64))
    )
    pairs = pl.col("count") * (pl.col("count") - 1)
    return (
        counts.group_by("cluster")
        .agg(same=pairs.sum(), named=pl.col("count").sum())
        .filter(pl.col("named") > 1)
        .select("cluster", one_country=pl.col("same") / (pl.col("named") * (pl.col("named") - 1)))
    )


def _list_uses(graph: SignalGraph, signals: SignalTable, members: pl.DataFrame) -> pl.DataFrame:
    """Return what members use of `TYING` and `LATER`.

    Columns: cluster, row (of `members`), family, inside (members with it), later.
    """
    account = members["account"].to_numpy()
    row, edge = find_edges(graph, account)
    fine = ~graph.signals["kind"].is_in(list(DERIVED)).to_numpy()
    wanted = (
        np.array([name in {*TYING, *LATER} for name in signals.families], dtype=np.bool_)[signals.family]
        & fine
    )
    kept = wanted[graph.signal[edge]]
    row, edge = row[kept], edge[kept]
    created = graph.accounts["created_at"].to_numpy()[account]
    began = graph.first_seen[edge]
    used = pl.DataFrame(
        {
            "cluster": members["cluster"].to_numpy()[row],
            "row": row,
            "signal": graph.signal[edge],
            "family": signals.family[graph.signal[edge]],
            "later": (created[row] >= 0) & (began >= created[row] + LATER_MS),
        }
    )
    names = pl.Series(signals.families, dtype=pl.String)
    return used.with_columns(
        inside=pl.len().over("cluster", "signal"), family=pl.lit(names).gather(pl.col("family"))
    )


def _measure_dealt(used: pl.DataFrame, family: str) -> pl.DataFrame:
    """Measure by how many members the most shared value of a member is used: mean of log2, by cluster."""
    most = used.filter(pl.col("family") == family).group_by("cluster", "row").agg(pl.col("inside").max())
    most = most.sort("cluster", "row").select("cluster", doublings=pl.col("inside").log(2.0))
    sums = sum_runs(most, ["cluster"], "doublings")
    counts = most.group_by("cluster", maintain_order=True).len()
    return counts.select("cluster", (pl.Series(sums) / pl.col("len")).alias(family))


def _measure_tied(used: pl.DataFrame) -> pl.DataFrame:
    """Measure how many members share something of `TYING` with another member."""
    return (
        used.filter(pl.col("family").is_in(TYING))
        .group_by("cluster", "row")
        .agg(pl.col("inside").max())
        .group_by("cluster")
        .agg(tied=(pl.col("inside") > 1).sum() / pl.len(), known=pl.len())
    )


def _measure_later(used: pl.DataFrame) -> pl.DataFrame:
    """Measure how much of what members came to use later other members use too."""
    return (
        used.filter(pl.col("later") & pl.col("family").is_in(LATER))
        .group_by("cluster")
        .agg(later=(pl.col("inside") > 1).sum() / pl.len(), later_uses=pl.len())
    )


def _measure_requests(graph: SignalGraph, members: pl.DataFrame) -> pl.DataFrame:
    """Measure the requests of members with traffic."""
    return (
        graph.activity.join(members.select("cluster", "account"), on="account")
        .group_by("cluster", "account")
        .agg(pl.col("requests").sum())
        .group_by("cluster")
        .agg(requests=pl.col("requests").median(), active=pl.len())
    )
