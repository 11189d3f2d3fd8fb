"""Select the grown clusters that are campaigns or likely businesses, select their members, and gather the evidence."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from graphsvc.campaigns.aspects import Part, measure_coordination
from graphsvc.campaigns.budget import FLOOR, threshold
from graphsvc.campaigns.connected import split
from graphsvc.campaigns.evidence import sentence, shared_signals, strongest_links
from graphsvc.campaigns.explain import explained_links, explained_members, with_sharers
from graphsvc.campaigns.grow import best
from graphsvc.campaigns.innocents import Innocents, estimate_innocents
from graphsvc.campaigns.membership import Evidence, Weighed, pools
from graphsvc.campaigns.namesakes import describe_namesakes
from graphsvc.campaigns.pins import Pins, explained, honoured, rows_of
from graphsvc.campaigns.score import TIME, parts_of_clusters, score
from graphsvc.campaigns.traits import holders, traits
from graphsvc.model.arrays import sum_runs
from graphsvc.model.clusters import CLUSTERS, Assessment, Found, cluster_id
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.types import Progress, ignore_progress


@dataclass(frozen=True, slots=True)
class Bar:
    """Thresholds that a cluster and its members must reach to be published."""

    min_size: int = 6
    min_score: float = 0.5
    min_coordination: float = 0.9
    """Coordination (0-1) from which a cluster that is no campaign is published as a likely business. Measured on demo
    seed 7, hard seed 3 and quiet seed 5 (60,000 accounts each): .9 takes in 95 % of companies and 83 % of agencies.
    Of 14 campuses, whose students share addresses and little else, it takes in 4."""
    budget: float = 0.001
    time: tuple[str, ...] = TIME
    pins: Pins = ()


def judge(
    graph: SignalGraph,
    given: Evidence,
    weighed: Weighed,
    links: Links,
    bar: Bar,
    progress: Progress = ignore_progress,
    namesakes: pl.DataFrame | None = None,
) -> Found:
    """Score clusters, select members that are as sure as the budget demands, and gather the evidence.

    Three numbers answer three questions. The score says whether a group is a campaign, the coordination whether one
    operator runs it, the membership whether an account is of it. Groups that are more likely a campaign than not are
    campaigns; others that one operator surely runs are likely businesses. The budget decides how sure a membership
    must be: campaigns set it, and it holds for all. Pins are applied after that.

    Args:
        graph: the graph that the run reads.
        given: what accounts were weighed by.
        weighed: candidates of all clusters.
        links: the links of the run.
        bar: thresholds, evidence to use, and pins.
        progress: called with "traffic" (see `parts_of_clusters`) and then "clusters", done and in all; may raise.
        namesakes: of `find_namesakes`; those that no other cluster has are published too.

    Returns:
        Clusters, members, shared signals and links to publish, with the thresholds that were applied.
    """
    names = given.signals.families
    chosen = large(best(weighed, FLOOR), bar.min_size)
    # Growing joins accounts to the nearest cluster; what no longer hangs together within it is parted again.
    chosen = split(given, chosen, pools(given, chosen), bar.min_size)
    pool = pools(given, chosen)
    parts = parts_of_clusters(given, graph, chosen, pool, names, bar.time, progress)
    assessed = assess_clusters(parts, bar)
    chosen, pinned, least = _select_members(graph, chosen, assessed, bar)
    doubtful = chosen
    if namesakes is not None:
        # Numbers after those of all candidates, or a candidate's parts would be overwritten.
        people = namesakes.with_columns(pl.col("cluster") + max(parts, default=-1) + 1)
        described = describe_namesakes(people)
        parts = {**parts, **described}
        assessed = pl.concat([assessed, assess_clusters(described, bar)])
        chosen, people = _part_namesakes(chosen, people, pinned, assessed, bar.min_size)
        pinned = pl.concat([pinned, people]).sort("cluster", "account")
        doubtful = pl.concat([chosen.drop("row"), people.select("cluster", "account", "membership")])
    # Measured again with the members that are published: readers check shares and sums against those.
    published = _together(chosen.drop("row"), pinned)
    pool = pools(given, published)

    families = holders(given, published, pool).with_columns(
        name=pl.lit(pl.Series(names)).gather(pl.col("family"))
    )
    families = families.sort(["cluster", "share", "name"], descending=[False, True, False])
    # As plain lists: an operation on a table for each of thousands of clusters takes longer than all others.
    held: dict[int, list[tuple[str, float, int]]] = {}
    for number, name, share, values in families.select("cluster", "name", "share", "values").iter_rows():
        held.setdefault(number, []).append((name, share, values))
    ids = published.select("cluster", id=graph.accounts["id"].gather(published["account"]))
    members_of = dict(ids.group_by("cluster").agg("id").iter_rows())
    bits = chosen.select("cluster", bits=pl.Series(weighed.bits[chosen["row"].to_numpy()]))
    bits = pl.concat([bits, pinned.select("cluster", "bits")]).sort("cluster", maintain_order=True)
    sums = sum_runs(bits, ["cluster"], "bits").tolist()
    verdicts = {row["cluster"]: row for row in assessed.iter_rows(named=True)}
    rows: list[dict[str, object]] = []
    for row, total in zip(traits(published, graph, given.signals).iter_rows(named=True), sums, strict=True):
        number = row["cluster"]
        progress("clusters", len(rows), len(sums))
        family = held.get(number, [])
        rows.append(
            {
                **{name: row[name] for name in ("cluster", "size", "first_seen", "last_seen")},
                "id": cluster_id(members_of[number]),
                **{name: verdicts[number][name] for name in ("score", "coordination", "assessment")},
                "bits": total,
                "families": [name for name, _, _ in family],
                "summary": sentence(row["size"], family, row["first_seen"], row["last_seen"], row["stopped"]),
                "parts": json.dumps(
                    [{"name": part.name, "bits": part.bits, "says": part.says} for part in parts[number]]
                ),
                "rank": 0,
            }
        )
    clusters = (
        pl.DataFrame(rows, schema=CLUSTERS)
        .sort(["assessment", "score", "size", "id"], descending=[False, True, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    )
    number = clusters.select(pl.col("cluster"), row=pl.int_range(pl.len(), dtype=pl.Int32))

    def renumbered(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(number, on="cluster").with_columns(cluster="row").drop("row")

    why = explained_members(chosen, weighed, given, pool, names)
    members = renumbered(_together(why, pinned)).sort("cluster", "account")
    members = with_sharers(members, given)
    shared = renumbered(shared_signals(pool, graph)).sort("cluster", "rank")
    kept = explained_links(strongest_links(links, members), given, names)
    innocents = _doubt_members(doubtful, assessed)
    thresholds = {
        "membership": least,
        **{f"{name}_innocents": float(number) for name, number in asdict(innocents).items()},
    }
    return Found(clusters, members, shared, kept, graph.signals["key"], thresholds)


def assess_clusters(parts: Mapping[int, list[Part]], bar: Bar) -> pl.DataFrame:
    """Assess every cluster by its hostility and its coordination.

    Args:
        parts: of `parts_of_clusters`.
        bar: what a cluster must reach; `min_score` and `min_coordination` are used.

    Returns:
        cluster (int32), score, coordination (0-1), assessment (a value of `Assessment`; null: not published), in the
        order of `parts`.
    """
    rows = {
        "cluster": list(parts),
        "score": [score(each) for each in parts.values()],
        "coordination": [
            measure_coordination((part.name, part.bits) for part in each) for each in parts.values()
        ],
    }
    hostile, coordinated = (
        pl.col("score") >= bar.min_score,
        pl.col("coordination") >= bar.min_coordination,
    )
    return pl.DataFrame(
        rows, schema={"cluster": pl.Int32, "score": pl.Float64, "coordination": pl.Float64}
    ).with_columns(
        assessment=pl.when(hostile)
        .then(pl.lit(Assessment.CAMPAIGN.value))
        .when(coordinated)
        .then(pl.lit(Assessment.LIKELY_BUSINESS.value))
    )


def _select_members(
    graph: SignalGraph, candidates: pl.DataFrame, assessed: pl.DataFrame, bar: Bar
) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """Select the members to publish.

    Campaigns alone decide the threshold and take their members first, by evidence or by pins. Businesses are published
    from what is left, so that no likely business changes a campaign.

    Args:
        graph: the graph that the run reads.
        candidates: row, cluster, account, membership; sorted by cluster and account.
        assessed: of `assess_clusters`.
        bar: what members must reach.

    Returns:
        The members by evidence (columns of `candidates`) and those by pins (of `pins.explained`), both sorted by
        cluster and account; and the least membership.
    """
    hostile, business = (
        candidates.join(
            assessed.filter(pl.col("assessment") == each.value),
            on="cluster",
            how="semi",
            maintain_order="left",
        )
        for each in (Assessment.CAMPAIGN, Assessment.LIKELY_BUSINESS)
    )
    # Businesses have no say in it: their sure members would buy room for innocents in campaigns.
    least = threshold(hostile["membership"].to_numpy(), graph.accounts.height, bar.budget)[0]
    pins = rows_of(bar.pins, graph.accounts["id"])
    kept: list[pl.DataFrame] = []
    joined: list[pl.DataFrame] = []
    # In this order: an account that both claim is the campaign's.
    for group in (hostile, business):
        taken = pl.concat(
            [group.select("account").clear(), *(each.select("account") for each in kept + joined)]
        )
        sure = large(group.filter(pl.col("membership") >= least), bar.min_size)
        free = large(sure.join(taken, on="account", how="anti", maintain_order="left"), bar.min_size)
        chosen, drawn = honoured(free, pins)
        pinned = explained(drawn.join(taken, on="account", how="anti", maintain_order="left"))
        # Once more: pins may have taken members away, or may carry a group over the least size.
        published = large(_together(chosen.drop("row"), pinned), bar.min_size)
        kept.append(chosen.join(published, on="account", how="semi"))
        joined.append(pinned.join(published, on="account", how="semi"))
    chosen, pinned = (pl.concat(each).sort("cluster", "account") for each in (kept, joined))
    return chosen, pinned, least


def _doubt_members(members: pl.DataFrame, assessed: pl.DataFrame) -> Innocents:
    """Estimate the innocents in campaigns. Whom people's pins put there is no doubt of the run's.

    Args:
        members: cluster, account, membership; all but pinned ones.
        assessed: of `assess_clusters`.
    """
    campaigns = assessed.filter(pl.col("assessment") == Assessment.CAMPAIGN.value)
    sure = members.join(campaigns, on="cluster", maintain_order="left").sort("cluster", "account")
    groups = sure.group_by("cluster", maintain_order=True).agg(pl.col("score").first(), size=pl.len())
    doubt = sum_runs(sure.with_columns(doubt=1.0 - pl.col("membership")), ["cluster"], "doubt")
    return estimate_innocents(groups["score"].to_numpy(), groups["size"].to_numpy().astype(np.int64), doubt)


def _part_namesakes(
    chosen: pl.DataFrame, people: pl.DataFrame, pinned: pl.DataFrame, assessed: pl.DataFrame, smallest: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part accounts between clusters and namesakes, each to the claim that explains it better.

    Namesakes who are all of one campaign stay there. One operator runs them, says either claim, and the campaign says
    also why they share with its other members. Else a campaign whose operator uses each name four times would fall to
    pieces. Of other accounts the surer claim counts, or people's pins.

    Args:
        chosen: cluster, account, membership and more.
        people: cluster, account and more; of other clusters.
        pinned: cluster, account and more: accounts that people's word put where they are.
        assessed: of `assess_clusters`.
        smallest: accounts of a cluster, at least.

    Returns:
        The rows of `chosen` and of `people` that stay.
    """
    campaigns = assessed.filter(pl.col("assessment") == Assessment.CAMPAIGN.value)
    homes = pl.concat([chosen.select("cluster", "account"), pinned.select("cluster", "account")])
    homes = homes.join(campaigns, on="cluster", how="semi").select("account", home="cluster")
    at_home = people.select("cluster", "account").join(homes, on="account", how="left")
    # No home counts as one of the distinct values: a group that is partly outside is not nested.
    nested = at_home.filter((pl.col("home").n_unique().over("cluster") == 1) & pl.col("home").is_not_null())
    people = people.join(nested, on="cluster", how="anti", maintain_order="left")
    claims = pl.concat(
        [
            chosen.select("cluster", "account", sure="membership"),
            people.select("cluster", "account", sure=pl.lit(1.0)),
        ]
    ).join(assessed, on="cluster")
    claims = pl.concat(
        [
            claims.select("cluster", "account", claim=pl.col("sure") * pl.col("score")),
            # A pin outweighs any claim by evidence, which is a product of two probabilities.
            pinned.select("cluster", "account", claim=pl.lit(2.0)),
        ]
    )
    won = claims.sort(["account", "claim", "cluster"], descending=[False, True, False]).unique(
        "account", keep="first", maintain_order=True
    )
    kept = large(won, smallest).select("cluster", "account")
    stay, apart = (
        frame.join(kept, on=["cluster", "account"], how="semi", maintain_order="left")
        for frame in (chosen, people)
    )
    return stay, apart


def _together(members: pl.DataFrame, pinned: pl.DataFrame) -> pl.DataFrame:
    """Return members, and those that people's pins add to them; sorted by cluster and account."""
    return pl.concat([members, pinned.select(members.columns)]).sort("cluster", "account")


def large(members: pl.DataFrame, smallest: int) -> pl.DataFrame:
    """Return the members of clusters of at least `smallest` accounts."""
    return members.filter(pl.len().over("cluster") >= smallest)
