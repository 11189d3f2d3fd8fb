"""Banned, and born again: which new account follows which banned one, and whether a cluster replaces its banned."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.traits import STOPPED
from graphsvc.linkage.bits import degrees
from graphsvc.linkage.pairs import ONE_OBSERVATION
from graphsvc.model.columns import Schema
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import DERIVED, family_of, kind_of

HOUR = 3_600_000
WITHIN_HOURS = 72
INHERITED = 0.3
"""Chance that a successor takes over a given value of the account it follows."""
REPLACED = 0.1
"""Chance that a banned account is replaced at all, before anything is known: most of the honest are not."""
MOST_ACCOUNTS = 100
"""A signal of more accounts, or of a kind that does not tie, makes no pairs, but counts for those that others make."""
LEAST_PROBABILITY = 0.5
BURST = 10 * 60_000
"""Sign-ups of a cluster closer than this are one event: a burst is one decision, however many accounts it makes."""
WITNESSES = 3.0
"""Sign-ups that count for each wave of bans at most: around one ban a team that grows shows little, however fast."""
HONEST_GROUPS = 20.0
"""How far honest groups' sign-ups are from even before and after bans: concentration of a beta distribution."""
DOING = 0.4
"""Share of campaigns presumed to replace their banned: not to be seen doing so costs 0.7 bits at most."""
MOST_BITS = 5.0

FOLLOWS: Schema = {
    "successor": pl.Int32,
    "predecessor": pl.Int32,
    "bits": pl.Float64,
    "delay_bits": pl.Float64,
    "probability": pl.Float64,
    "delay_hours": pl.Float64,
    "kinds": pl.List(pl.String),
    "values": pl.Int64,
    "says": pl.String,
}
REPLACES: Schema = {
    "cluster": pl.Int32,
    "bans": pl.Int64,
    "after": pl.Int64,
    "before": pl.Int64,
    "rate": pl.Float64,
    "median_delay_hours": pl.Float64,
    "bits": pl.Float64,
    "says": pl.String,
}


def predecessors(
    graph: SignalGraph, members: pl.DataFrame | None = None, *, least: float = LEAST_PROBABILITY
) -> pl.DataFrame:
    """The banned account that each new account follows, where one is likely.

    A candidate was made within 72 hours after the other was banned and shares a signal with it. Its bits are those of
    the values it took over, log2((m + (1-m)u)/u) each (m: chance to inherit one, u: share of others who have it), and
    of its moment: evenly within 72 hours of the ban, against the sign-ups of others around that time. The others are
    the members of the cluster where both are of one, so that what all members share says nothing; else everybody. The
    probability weighs all candidates of a successor against each other and against none. One account has one
    predecessor and one successor: taken by bits, ties by shorter delay, then by number.

    Args:
        graph: with or without derived levels, which are not used.
        members: cluster, account (int32), an account in one cluster at most.
        least: candidates less probable than this are left out, 0–1.

    Returns: schema `FOLLOWS`, sorted by successor. `delay_bits` is the part of `bits` that is the moment's.
    """
    cluster = np.full(graph.accounts.height, -1, dtype=np.int32)
    if members is not None:
        cluster[members["account"].to_numpy()] = members["cluster"].to_numpy()
    edges = _edges(graph)
    pairs = _candidates(graph.accounts, edges)
    if pairs.is_empty():
        return pl.DataFrame(schema=FOLLOWS)
    shared = _inherited(pairs, edges, graph.accounts.height, cluster)
    weighed = _delays(shared, graph.accounts["created_at"].to_numpy(), cluster)
    odds = REPLACED / pl.col("others") * pl.lit(2.0).pow(pl.col("bits"))
    total = odds.sum().over("successor")
    likely = weighed.with_columns(probability=odds / (1.0 + total)).filter(pl.col("probability") >= least)
    chosen = _one_to_one(likely)
    kinds = pl.col("kinds").list.join(", ")
    says = pl.format(
        "made {} hours after the ban of the account from which it took over {} values ({})",
        pl.col("delay_hours").round(0).cast(pl.Int64),
        "values",
        kinds,
    )
    columns = [pl.col(name).cast(kind) for name, kind in FOLLOWS.items()]
    return chosen.with_columns(says=says).select(columns).sort("successor")


def replacement(members: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Whether clusters make new accounts after bans.

    Sign-ups of the cluster (a burst counts once) within 72 hours after a ban of a member, but not before one, against
    those within 72 hours before a ban, but not after one. Both cover the same time (of the gap between two bans one
    part each), so a cluster that grows evenly, or a busy week, has as many of both. Bits: a share of more than half
    after bans (any, beta-binomial) over an honest group's.

    Args:
        members: cluster, account (int32), in any order.
        accounts: created_at, status, status_changed_at (ms, -1 = not known); a row an account.

    Returns: schema `REPLACES`, sorted by cluster; clusters of which nobody was banned have no row. `after`, `before`:
    sign-ups in those times, bursts counted once; `rate`: sign-ups after bans beyond those before, for each ban, 0–1 (a
    lower bound: replacements made in a burst count once); `median_delay_hours`: from the latest ban to each sign-up
    after it, NaN where there is none.
    """
    created = accounts["created_at"].to_numpy()
    changed = accounts["status_changed_at"].to_numpy()
    banned = accounts["status"].is_in(STOPPED).to_numpy() & (changed >= 0)
    rows: list[dict[str, Any]] = []
    for (number,), group in sorted(members.partition_by("cluster", as_dict=True).items()):
        who = group["account"].to_numpy()
        if bans := int(banned[who].sum()):
            rows.append({
                "cluster": number,
                "bans": bans,
                **_replacing(np.sort(changed[who][banned[who]]), np.sort(created[who][created[who] >= 0])),
            })  # fmt: skip
    says = pl.format(
        "{} accounts were banned; {} sign-ups or bursts of them came within 72 hours after a ban, {} before one",
        "bans",
        "after",
        "before",
    )
    schema = {name: kind for name, kind in REPLACES.items() if name != "says"}
    return pl.DataFrame(rows, schema=schema).with_columns(says=says)


def _replacing(bans: NDArray[np.int64], born: NDArray[np.int64]) -> dict[str, float | int]:
    """The figures of one cluster from its bans and sign-ups, sorted."""
    reach = WITHIN_HOURS * HOUR
    event = np.diff(born, prepend=born[:1] - BURST - 1) > BURST
    earlier = np.searchsorted(bans, born, "left")
    follows = earlier > np.searchsorted(bans, born - reach, "left")
    precedes = np.searchsorted(bans, born + reach, "right") > np.searchsorted(bans, born, "right")
    after, before = follows & ~precedes & event, precedes & ~follows & event
    k, n = float(after.sum()), float(after.sum() + before.sum())
    waves = 1 + int((np.diff(bans) > reach).sum())
    worth = min(1.0, WITNESSES * waves / max(n, 1.0))
    delays = (born - bans[np.maximum(earlier - 1, 0)])[follows & event] / HOUR
    return {
        "after": int(after.sum()),
        "before": int(before.sum()),
        "rate": float(np.clip((after.sum() - before.sum()) / len(bans), 0.0, 1.0)),
        "median_delay_hours": float(np.median(delays)) if len(delays) else float("nan"),
        "bits": min(
            float(np.logaddexp2(np.log2(1.0 - DOING), np.log2(DOING) + _above(worth * k, worth * n))),
            MOST_BITS,
        ),
    }


def _above(k: float, n: float) -> float:
    """Bits of k of n under any share above one half, over an honest group's share around it."""
    grid = (np.arange(200) + 0.5) / 200.0
    likelihood = k * np.log(grid) + (n - k) * np.log1p(-grid)
    honest = (HONEST_GROUPS / 2.0 - 1.0) * (np.log(grid) + np.log1p(-grid))
    honest -= np.logaddexp.reduce(honest)
    above = likelihood[grid > 0.5]
    one = np.logaddexp.reduce(above) - np.log(len(above))
    return float((one - np.logaddexp.reduce(likelihood + honest)) / np.log(2.0))


def _edges(graph: SignalGraph) -> pl.DataFrame:
    """account, signal, kind, family, ties, degree of the signals that can be inherited."""
    kinds = graph.signals["kind"].unique().to_list()
    usable = [kind for kind in kinds if kind not in DERIVED and kind_of(kind).strength > 0]
    family = {kind: family_of(kind) for kind in kinds}
    signals = graph.signals.select(
        signal=pl.int_range(pl.len(), dtype=pl.Int32),
        kind="kind",
        family=pl.col("kind").replace_strict(family, return_dtype=pl.String),
        ties=pl.col("kind").is_in([kind for kind in usable if kind_of(kind).ties]),
        degree=pl.Series(degrees(graph)),
    ).filter(pl.col("kind").is_in(usable) & (pl.col("degree") > 1))
    return pl.DataFrame({"account": graph.account, "signal": graph.signal}).join(signals, on="signal")


def _candidates(accounts: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """successor, predecessor, delay (ms): made within the hours after the ban, and sharing a signal; sorted."""
    reach = WITHIN_HOURS * HOUR
    everybody = accounts.select(pl.int_range(pl.len(), dtype=pl.Int32).alias("account"), pl.all())
    ended = everybody.filter(pl.col("status").is_in(STOPPED) & (pl.col("status_changed_at") >= 0)).select(
        predecessor="account",
        ended="status_changed_at",
        # The successor's sign-up is in the ban's own stretch of 72 hours or in the next.
        stretch=pl.concat_list(
            pl.col("status_changed_at") // reach, pl.col("status_changed_at") // reach + 1
        ),
    )
    born = everybody.filter(pl.col("created_at") >= 0).select(
        successor="account", created="created_at", stretch=pl.col("created_at") // reach
    )
    rare = (
        edges.lazy().filter(pl.col("ties") & (pl.col("degree") <= MOST_ACCOUNTS)).select("account", "signal")
    )
    left = rare.join(ended.explode("stretch").lazy(), left_on="account", right_on="predecessor").rename(
        {"account": "predecessor"}
    )
    right = rare.join(born.lazy(), left_on="account", right_on="successor").rename({"account": "successor"})
    delay = pl.col("created") - pl.col("ended")
    return (
        left.join(right, on=["signal", "stretch"])
        .with_columns(delay=delay)
        .filter((pl.col("delay") > 0) & (pl.col("delay") <= reach))
        .select("successor", "predecessor", "delay")
        .unique()
        .sort("successor", "predecessor")
        .collect()
    )


def _inherited(
    pairs: pl.DataFrame, edges: pl.DataFrame, accounts: int, cluster: NDArray[np.int32]
) -> pl.DataFrame:
    """Pairs with bits, kinds and values of what they share, and others (how many it is weighed against)."""
    placed = pairs.with_columns(
        home=pl.Series(np.where(_same(pairs, cluster), cluster[pairs["successor"].to_numpy()], -1))
    )
    size = np.bincount(cluster[cluster >= 0], minlength=int(cluster.max(initial=0)) + 1)
    sizes = pl.DataFrame({"home": np.arange(len(size), dtype=np.int32), "size": size.astype(np.int64)})
    inside = (
        edges.with_columns(home=pl.Series(cluster).gather(edges["account"]))
        .filter(pl.col("home") >= 0)
        .group_by("home", "signal")
        .agg(inside=pl.len().cast(pl.Int64))
    )
    others = pl.col("size").fill_null(accounts) - 2
    u = ((pl.col("inside").fill_null(pl.col("degree")) - 2).clip(0) + 0.5) / (others + 1.0)
    bits = (1.0 + INHERITED * (1.0 / u - 1.0)).clip(1.0).log(2.0)
    heirs = edges.join(pairs.select(account="successor").unique(), on="account", how="semi")
    legators = edges.join(pairs.select(account="predecessor").unique(), on="account", how="semi")
    values = (
        placed.join(heirs.rename({"account": "successor"}), on="successor")
        .join(legators.select("signal", predecessor="account"), on=["predecessor", "signal"], how="semi")
        .join(inside, on=["home", "signal"], how="left")
        .join(sizes, on="home", how="left")
        .with_columns(bits=bits, others=others.clip(1))
    )
    # Of families whose values repeat one observation the strongest counts, of others each value inherited.
    single = pl.col("family").is_in(ONE_OBSERVATION)
    # Summed in a fixed order: the same bits to the last digit in every run.
    return (
        values.sort("successor", "predecessor", "family", "signal")
        .group_by("successor", "predecessor", "family", maintain_order=True)
        .agg(
            pl.col("delay", "home", "others").first(),
            bits=pl.when(single.first()).then(pl.col("bits").max()).otherwise(pl.col("bits").sum()),
            values=pl.when(single.first()).then(1).otherwise(pl.len()).cast(pl.Int64),
            kinds=pl.col("kind").unique().sort(),
        )
        .group_by("successor", "predecessor", maintain_order=True)
        .agg(
            pl.col("delay", "home", "others").first(),
            pl.col("bits").sum(),
            pl.col("values").sum(),
            pl.col("kinds").explode(),
        )
    )


def _same(pairs: pl.DataFrame, cluster: NDArray[np.int32]) -> NDArray[np.bool_]:
    mine, its = cluster[pairs["successor"].to_numpy()], cluster[pairs["predecessor"].to_numpy()]
    same: NDArray[np.bool_] = (mine == its) & (mine >= 0)
    return same


def _delays(pairs: pl.DataFrame, created: NDArray[np.int64], cluster: NDArray[np.int32]) -> pl.DataFrame:
    """Adds delay_bits, also to bits: an even 72 hours against the sign-ups of the others within 72 hours of that."""
    reach = WITHIN_HOURS * HOUR
    successor, home = pairs["successor"].to_numpy(), pairs["home"].to_numpy().astype(np.int64)
    # One sorted array for all: sign-ups of everybody (home -1), and those of each cluster, kept apart by a long step.
    step = int(created.max(initial=0)) + 4 * reach
    placed = np.flatnonzero(cluster >= 0)
    keys = np.concatenate([created, (cluster[placed].astype(np.int64) + 1) * step + created[placed]])
    keys.sort()
    asked = (home + 1) * step + created[successor]
    around = np.searchsorted(keys, asked + reach, "right") - np.searchsorted(keys, asked - reach, "left")
    bits = np.log2(2.0 * pairs["others"].to_numpy() / np.maximum(around, 1))
    return pairs.with_columns(
        delay_bits=pl.Series(bits),
        bits=pl.col("bits") + pl.Series(bits),
        delay_hours=pl.col("delay") / HOUR,
    )


def _one_to_one(pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs taken greedily from the most bits down, each account once on either side."""
    ranked = pairs.sort(["bits", "delay", "successor", "predecessor"], descending=[True, False, False, False])
    taken: set[int] = set()
    followed: set[int] = set()
    rows = []
    for row, (successor, predecessor) in enumerate(ranked.select("successor", "predecessor").iter_rows()):
        if successor not in taken and predecessor not in followed:
            taken.add(successor)
            followed.add(predecessor)
            rows.append(row)
    return ranked[rows]
