"""Which of the grown clusters are campaigns, who belongs to them surely enough, and why."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import polars as pl

from graphsvc.campaigns.budget import FLOOR, threshold
from graphsvc.campaigns.connected import split
from graphsvc.campaigns.evidence import sentence, shared_signals, strongest_links
from graphsvc.campaigns.explain import explained_links, explained_members, with_sharers
from graphsvc.campaigns.grow import best
from graphsvc.campaigns.membership import Evidence, Weighed, pools
from graphsvc.campaigns.pins import Pins, explained, honoured, rows_of
from graphsvc.campaigns.score import TIME, parts_of_clusters, score
from graphsvc.campaigns.traits import holders, traits
from graphsvc.linkage.bits import signal_bits, signal_families
from graphsvc.model.clusters import CLUSTERS, Found, cluster_id
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.model.sums import summed

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Bar:
    """What a cluster and its members must reach to be published."""

    min_size: int = 8
    min_score: float = 0.5
    budget: float = 0.001
    time: tuple[str, ...] = TIME
    pins: Pins = ()


def judge(
    graph: SignalGraph,
    given: Evidence,
    weighed: Weighed,
    links: Links,
    bar: Bar,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Found:
    """Scores clusters, keeps who belongs as surely as the budget demands, and gathers why.

    Two questions, two answers: whether a group is a campaign is its score, whether an account is of the group its
    membership. Of groups that are more likely a campaign than not, the budget decides how sure of a member is sure
    enough, for all clusters alike. What people know of pairs of accounts is honoured after that.

    Args:
        progress: told of "traffic" (see `parts_of_clusters`) and then of "clusters", done and in all; may raise.
    """
    _, names = signal_families(graph)
    chosen = large(best(weighed, FLOOR), bar.min_size)
    chosen = split(given, chosen, pools(given, chosen), bar.min_size)
    pool = pools(given, chosen)
    parts = parts_of_clusters(given, graph, chosen, pool, names, bar.time, progress)
    scores = pl.DataFrame(
        {"cluster": list(parts), "score": [score(each) for each in parts.values()]},
        schema={"cluster": pl.Int32, "score": pl.Float64},
    ).filter(pl.col("score") >= bar.min_score)
    chosen = chosen.join(scores, on="cluster", how="semi", maintain_order="left")
    least, innocents = threshold(chosen["membership"].to_numpy(), graph.accounts.height, bar.budget)
    chosen = large(chosen.filter(pl.col("membership") >= least), bar.min_size)
    chosen, joined = honoured(chosen, rows_of(bar.pins, graph.accounts["id"]))
    pinned = explained(joined)
    everybody = large(_together(chosen.drop("row"), pinned), bar.min_size)
    chosen, pinned = (frame.join(everybody, on="account", how="semi") for frame in (chosen, pinned))
    pool = pools(given, everybody)

    families = holders(given, everybody, pool).with_columns(
        name=pl.lit(pl.Series(names)).gather(pl.col("family"))
    )
    families = families.sort(["cluster", "share", "name"], descending=[False, True, False])
    by_cluster = families.partition_by("cluster", as_dict=True)
    bits = chosen.select("cluster", bits=pl.Series(weighed.bits[chosen["row"].to_numpy()]))
    bits = pl.concat([bits, pinned.select("cluster", "bits")]).sort("cluster", maintain_order=True)
    sums = summed(bits, ["cluster"], "bits").tolist()
    rows: list[dict[str, object]] = []
    for row, total in zip(traits(everybody, graph).iter_rows(named=True), sums, strict=True):
        number = row["cluster"]
        progress("clusters", len(rows), len(sums))
        who = everybody.filter(pl.col("cluster") == number)["account"]
        family = by_cluster.get((number,), families.clear())
        rows.append(
            {
                **{name: row[name] for name in ("cluster", "size", "first_seen", "last_seen")},
                "id": cluster_id(graph.accounts["id"].gather(who).to_list()),
                "score": score(parts[number]),
                "bits": total,
                "families": family["name"].to_list(),
                "summary": sentence(row["size"], family, row["first_seen"], row["last_seen"], row["stopped"]),
                "parts": json.dumps([asdict(part) for part in parts[number]]),
                "rank": 0,
            }
        )
    clusters = (
        pl.DataFrame(rows, schema=CLUSTERS)
        .sort(["score", "size", "id"], descending=[True, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    )
    number = clusters.select(pl.col("cluster"), row=pl.int_range(pl.len(), dtype=pl.Int32))

    def renumbered(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(number, on="cluster").with_columns(cluster="row").drop("row")

    why = explained_members(chosen, weighed, given, pool, names)
    members = renumbered(_together(why, pinned)).sort("cluster", "account")
    members = with_sharers(members, given)
    shared = renumbered(shared_signals(pool, graph)).sort("cluster", "rank")
    kept = explained_links(strongest_links(links, members), given, signal_bits(graph), names)
    thresholds = {"membership": least, "expected_innocents": innocents}
    return Found(clusters, members, shared, kept, graph.signals["key"], thresholds)


def _together(members: pl.DataFrame, pinned: pl.DataFrame) -> pl.DataFrame:
    """Members, and those whom people's pins add to them; sorted by cluster and account."""
    return pl.concat([members, pinned.select(members.columns)]).sort("cluster", "account")


def large(members: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """The members of clusters of at least `smallest` accounts."""
    return members.filter(pl.len().over("cluster") >= smallest)
