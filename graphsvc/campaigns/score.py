"""Score clusters: weigh what speaks for one hostile operator against what speaks for an office or a class.

A score is a sum of parts in bits, each with a sentence, turned into a probability. This module states the limits of
each part; those of spread, of traffic and of replacement stand in their own modules.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from graphsvc.campaigns.aspects import Part, measure_hostility
from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.prompt_profile import PART as ASKED
from graphsvc.campaigns.prompt_profile import score_prompts
from graphsvc.campaigns.replacement import measure_replacement
from graphsvc.campaigns.shares import MANNERS, SELDOM, weigh_share
from graphsvc.campaigns.spread_parts import weigh_spread
from graphsvc.campaigns.timing import PARTS as TRAFFIC
from graphsvc.campaigns.timing import traffic_evidence
from graphsvc.campaigns.traits import holders, measure_ownership, measure_usual, traits
from graphsvc.linkage.timing import fit_signups, lockstep, signup_population
from graphsvc.model.arrays import find_starts
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import INFRASTRUCTURE, family_ties
from graphsvc.types import Progress, ignore_progress

PRIOR_BITS = -3.9
"""A group that passes as a cluster is more often a team, a class or an agency than a campaign. The weights of this
module and of `shares` are one logistic regression on candidates of development worlds: 57 random ones (seeds 1-20 and
100-149), the market, and ten of the scenarios. Each world counts the same, and signs are given. The bench
`score_weights` holds them to such worlds. By them alone 641 honest groups count as campaigns on 48 worlds of two
generators that were written without knowledge of the detection and 90 random ones. So parts of a second regression
were added, with the first ones held: those of `spread_parts`, and this prior. It is a bit below the fitted
one. So 234 honest groups count, and 631 of 750 clusters of campaigns are found instead of 664. The neutral points of
`country`, `tied` and `requests` are chosen so that data without these columns has the prior that suits it: at -4.6,
which suits the others, six campaigns fewer of the sybil list are found, whose accounts have one kind of identifier.
"""
WIDE_SHARE = 0.3
"""A family is wide in a cluster when this share of members has it."""
WIDE_LEAST = 3
"""Members that a wide family has at least, or all of fewer: what two share makes a pair, in however small a group. Of
groups of seven and more a share of .3 is three members anyway."""
SHARED_BITS, MOST_INFRASTRUCTURE, MOST_OTHER = 1.1, 3, 2
"""Bits of each wide family, and how many of either sort count. Both sorts are fitted to the same weight, 1.1 and 1.16:
a group that shares templates is told from a class by declarations, by networks and by how it came."""
EVEN_POOLED, POOLED_BITS, LEAST_POOLED, MOST_POOLED = 0.2, 13.0, -2.5, 5.0
"""Share of what a member uses that is the group's, at which it says nothing; and bits a whole share."""
MOST_ONE_VALUE = 0.0
"""The same where one value is all that is shared: a rented phone number that six strangers came to have is no pool. Of
79 such candidates of random worlds (seeds 100-189) none is a campaign, and of 148 with two values eight are."""
EVEN_ALONE, ALONE_BITS, LEAST_ALONE = 0.3, 30.0, -1.5
"""The same where no kind of infrastructure is known: friends share a few things, members of a campaign a third."""
EVEN_CROWD, CROWD_BITS, LEAST_CROWD = 0.1, -4.5, -4.0
"""An office, a class or a household is behind one address. An operator has many exits. Bits a whole share of the
members."""
PUBLIC_ADDRESS, OWN_ADDRESS = 0.1, 0.5
"""Share of an address's users who are members, at which it is no office's (a tunnel, a carrier), and at which it is.
Were all addresses offices', the ring of 12 in 300 accounts behind a popular one would be lost. Weighed by the share
itself, 42 false clusters are published in 70 random worlds (seeds 100-189), 37 so."""
EVENT_BITS, EVENT_MS, SHORTEST_EVENT = -0.45, 86_400_000, 24.0
"""Bits for each halving of a day within which all members signed up, down to an hour: classes and events come once, an
operator comes again."""
TRAFFIC_WEIGHTS = MappingProxyType({"balance": (0.6, 3.0), "sleepless": (1.5, 2.0), "asked": (0.25, 1.0)})
"""Factors on the bits of the parts from traffic and prompts, and limits of the result either way. Those of moves and
succession stand as they are (fitted: 1.03 and .85). Prompts are worth next to nothing on random worlds (fitted: 0 to
.28). Traffic without a daily cycle has the factor 3 by random worlds and 1.3 by all generators: batch jobs of honest
developers run at night as well. Half of the former is granted."""
EVEN_OWN = 0.65
"""Share of the other users of what a group pools who are of the group, chance taken out, from which it is its own. In
groups of four and more it is at most .56 among contributors to one part of a project (the identities). In campaigns it
is at least .73 (the sybil list) and .84 (sparse-identifiers 5 and 6)."""
# Narrower than in `linkage.timing`, where it speaks of coordination: classes and teams sign up together as well.
MOST_LOCKSTEP, LEAST_LOCKSTEP = 3.0, -1.0
TRAITS = MappingProxyType(
    {
        "bans": "stopped",
        "declared": "declared",
        "domains": "own_domain",
        "institution": "institutional",
        "anonymous": "anonymous",
    }
)
"""The column of `traits` that each part from shares is told by."""
TIME = ("signup", "arrivals", "lockstep", *TRAFFIC, "succession", ASKED)
"""Names of the evidence from time, and from prompts (`asked`); each can be left out. `signup` is a member's,
`arrivals` makes candidates of bursts of sign-ups and has the part `event`, the others are a cluster's."""


NOT_POOLED = Part("pooled", LEAST_ALONE, "nothing of what a member uses is shared in the group")
PRIOR = Part("prior", PRIOR_BITS, "most groups that pass as a cluster are a household, a team or a class")


def score(parts: list[Part]) -> float:
    """Return the probability of a campaign, 0–1, from parts in bits with the prior: the hostility of a cluster."""
    return measure_hostility((part.name, part.bits) for part in parts)


def parts_of_clusters(
    given: Evidence,
    graph: SignalGraph,
    members: pl.DataFrame,
    pool: pl.DataFrame,
    families: list[str],
    time: Collection[str] = TIME,
    progress: Progress = ignore_progress,
) -> dict[int, list[Part]]:
    """Return the parts of every cluster's score, the prior first.

    Args:
        given: what accounts are weighed by.
        graph: the graph that the run reads.
        members: cluster, account (int32), sorted.
        pool: of `membership.pools`, of the same members.
        families: the families' names.
        time: the evidence from time to be used, of `TIME`.
        progress: called with "traffic", clusters done, and clusters in all; may raise.

    Returns:
        The parts, by cluster.
    """
    found: dict[int, list[Part]] = {}
    size = members.group_by("cluster").agg(size=pl.len())
    held = (
        holders(given, members, pool)
        .join(size, on="cluster")
        .with_columns(
            name=pl.lit(pl.Series(families, dtype=pl.String)).gather(pl.col("family")),
            # Half an account is less than any difference between two counts.
            several=pl.col("share") * pl.col("size") + 0.5 >= pl.min_horizontal("size", WIDE_LEAST),
        )
    )
    wide = {
        row[0]: sorted(row[1])
        for row in held.filter((pl.col("share") >= WIDE_SHARE) & pl.col("several"))
        .group_by("cluster")
        .agg("name")
        .iter_rows()
    }
    # Some bundles name no kind of infrastructure. There the sharing itself must show what is a group's own.
    known = set(families) & set(INFRASTRUCTURE)
    ownership = measure_ownership(graph, members, pool)
    owned = _weigh_pools(ownership, pool) if known else _find_owned(ownership, families)
    crowds = _weigh_crowds(pool, families)
    spread = weigh_spread(graph, given.signals, members, infrastructure=bool(known))
    table = traits(members, graph, given.signals)
    shares = _weigh_shares(table, measure_usual(graph, given.signals))
    for row in table.iter_rows(named=True):
        number = row["cluster"]
        infrastructure, pooled = owned.get(number, (known, [] if known else [NOT_POOLED]))
        found[number] = [
            PRIOR,
            *_shared(wide.get(number, []), known or infrastructure),
            *shares[number],
            *pooled,
            *crowds.get(number, []),
            *spread[number],
            *(_weigh_event(row) if "arrivals" in time else []),
        ]
    for row in _timed(given, graph, members, time, progress).iter_rows(named=True):
        found[row["cluster"]].append(Part(row["part"], row["bits"], row["says"]))
    return found


def _weigh_pools(ownership: pl.DataFrame, pool: pl.DataFrame) -> dict[int, tuple[set[str], list[Part]]]:
    """Weigh how much of what members use is their group's, by cluster; no family stands for infrastructure."""
    found: dict[int, tuple[set[str], list[Part]]] = {}
    values = dict(pool.filter(pl.col("level") == 0).group_by("cluster").len().iter_rows())
    cluster, pooled = ownership["cluster"].to_numpy(), ownership["pooled"].to_numpy()
    # Slices of one column: a table for each of thousands of clusters takes longer than all sums.
    first = find_starts(cluster)
    ends = np.append(first, len(cluster))[1:]
    for start, end in zip(first.tolist(), ends.tolist(), strict=True):
        number, total = int(cluster[start]), float(pooled[start:end].sum())
        most = MOST_POOLED if values[number] > 1 else MOST_ONE_VALUE
        bits = float(np.clip(POOLED_BITS * (total - EVEN_POOLED), LEAST_POOLED, most))
        says = f"{total:.0%} of what a member uses is shared in the group, on average"
        if values[number] == 1:
            says += ", and all of that is one value"
        found[number] = (set(), [Part("pooled", bits, says)])
    return found


def _weigh_crowds(pool: pl.DataFrame, families: list[str]) -> dict[int, list[Part]]:
    """Weigh how many members are behind the commonest address of their cluster."""
    if "network" not in families:
        return {}
    addresses = pool.filter((pl.col("level") == 0) & (pl.col("family") == families.index("network")))
    shares = addresses.with_columns(
        share=pl.col("inside") / pl.col("size"), own=pl.col("inside") / pl.col("degree")
    )
    office = ((pl.col("own") - PUBLIC_ADDRESS) / (OWN_ADDRESS - PUBLIC_ADDRESS)).clip(0.0, 1.0)
    shares = shares.with_columns(crowd=(pl.col("share") - EVEN_CROWD) * office)
    most = shares.sort(["cluster", "crowd", "signal"], descending=[False, True, False]).unique(
        "cluster", keep="first", maintain_order=True
    )
    return {
        number: [
            Part(
                "crowd",
                float(np.clip(CROWD_BITS * crowd, LEAST_CROWD, 0.0)),
                f"{share:.0%} use one address, {own:.0%} of whose users they are, as an office or a class does",
            )
        ]
        for number, share, own, crowd in most.select("cluster", "share", "own", "crowd").iter_rows()
        # That few members are behind one address is no sign of a campaign.
        if crowd > 0.0
    }


def _weigh_event(row: Mapping[str, Any]) -> list[Part]:
    """Weigh that all members signed up within a day or less; nothing where some moment is unknown."""
    span = row["last_seen"] - row["first_seen"]
    if row["first_seen"] < 0 or span >= EVENT_MS:
        return []
    halvings = float(np.log2(min(EVENT_MS / max(span, 1), SHORTEST_EVENT)))
    hours = max(round(span / 3_600_000), 1)
    says = f"all signed up within {hours} hour{'s' * (hours > 1)}, as for an event, and none at another time"
    return [Part("event", EVENT_BITS * halvings, says)]


def _weigh_shares(table: pl.DataFrame, usual: Mapping[str, float]) -> dict[int, list[Part]]:
    """Weigh bans, declarations, domains and networks of each cluster (`shares.weigh_share`); what is known alone."""
    found: dict[int, list[Part]] = {number: [] for number in table["cluster"].to_list()}
    size = table["size"].to_numpy().astype(np.float64)
    for name, column in TRAITS.items():
        if usual[column] <= SELDOM:
            continue
        counts = table[column].to_numpy().astype(np.float64)
        # `traits` counts the stopped members, and has the others as shares.
        share = counts / size if column == "stopped" else counts
        # Shares of uses are no whole members; the model counts members.
        bits = weigh_share(np.round(share * size), size, usual[column], MANNERS[name])
        for number, part, said in zip(found, share.tolist(), bits.tolist(), strict=True):
            says = MANNERS[name].says.format(share=f"{part:.0%}", usual=f"{usual[column]:.0%}")
            found[number].append(Part(name, said, says))
    return found


def _find_owned(ownership: pl.DataFrame, families: list[str]) -> dict[int, tuple[set[str], list[Part]]]:
    """Find the families that stand for infrastructure in each cluster, in data without any kind of infrastructure.

    Strangers do not come to share infrastructure. For other kinds the data must show that: other users of what members
    share are members too. Outsiders touch what a community of interest touches. Kinds that do not link accounts, such
    as names, stand for nothing.

    Args:
        ownership: of `traits.measure_ownership`.
        families: the families' names.

    Returns:
        By cluster, the names of the families whose shared values are its own, and its part `pooled`. That is how much
        of what members use is shared, or how far it is the cluster's own, whichever says less.
    """
    found: dict[int, tuple[set[str], list[Part]]] = {}
    for (number,), rows in ownership.group_by("cluster", maintain_order=True):
        pooled, own = rows["pooled"].to_numpy(), rows["own"].to_numpy()
        total = float(pooled.sum())
        of = float((pooled * own).sum()) / total
        bits = ALONE_BITS * min(total - EVEN_ALONE, of - EVEN_OWN)
        says = (
            f"{total:.0%} of what a member uses is shared in the group, on average; "
            f"{max(of, 0.0):.0%} of its other users are of the group, chance taken out"
        )
        names = [families[family] for family in rows["family"].to_numpy()[own >= EVEN_OWN].tolist()]
        found[number] = (
            {name for name in names if family_ties(name)},
            [Part("pooled", float(np.clip(bits, LEAST_ALONE, MOST_POOLED)), says)],
        )
    return found


def _shared(wide: list[str], infrastructure: Collection[str]) -> list[Part]:
    if not wide:
        return []
    strong = [name for name in wide if name in infrastructure]
    counted = min(len(strong), MOST_INFRASTRUCTURE) + min(len(wide) - len(strong), MOST_OTHER)
    kinds = "kind of signal is" if len(wide) == 1 else "kinds of signal are"
    return [Part("shared", SHARED_BITS * counted, f"{len(wide)} {kinds} shared widely: {', '.join(wide)}")]


def _timed(
    given: Evidence, graph: SignalGraph, members: pl.DataFrame, time: Collection[str], progress: Progress
) -> pl.DataFrame:
    """Return the evidence from time: cluster, part, bits, says; in the order of `TIME` a cluster."""
    columns = ["cluster", "part", "bits", "says"]
    schema = {"cluster": pl.Int32, "part": pl.String, "bits": pl.Float64, "says": pl.String}
    rows = [pl.DataFrame(schema=schema)]
    if "lockstep" in time:
        population = given.signups or signup_population(graph.accounts["created_at"].to_numpy())
        signed_up = lockstep(fit_signups(population, members))
        bits = pl.col("bits").clip(LEAST_LOCKSTEP, MOST_LOCKSTEP)
        rows.append(signed_up.with_columns(bits, part=pl.lit("lockstep")).select(columns))
    traffic = [name for name in TRAFFIC if name in time]
    if traffic:
        rows.append(
            traffic_evidence(members, graph.activity, graph.accounts, traffic, progress).select(columns)
        )
    if "succession" in time:
        rows.append(
            measure_replacement(members, graph.accounts)
            .with_columns(part=pl.lit("succession"))
            .select(columns)
        )
    if ASKED in time:
        rows.append(score_prompts(members, graph).select(columns))
    weight = pl.col("part").replace_strict(
        {name: weight for name, (weight, _) in TRAFFIC_WEIGHTS.items()}, default=1.0, return_dtype=pl.Float64
    )
    most = pl.col("part").replace_strict(
        {name: most for name, (_, most) in TRAFFIC_WEIGHTS.items()}, default=np.inf, return_dtype=pl.Float64
    )
    weighed = pl.concat(rows).with_columns(bits=(pl.col("bits") * weight).clip(-most, most))
    return weighed.sort("cluster", maintain_order=True)
