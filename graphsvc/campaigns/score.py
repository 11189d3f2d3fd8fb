"""Coordinated is not hostile: what speaks for one operator behind a cluster, and what for an office or a class.

A score is a sum of parts in bits, each with a sentence, turned into a probability. What each part can say at most is
stated here; of the traffic's parts and of replacement, in their own modules.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graphsvc.campaigns.aspects import ASPECTS, Aspect, measure_hostility
from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.prompt_profile import PART as ASKED
from graphsvc.campaigns.prompt_profile import score_prompts
from graphsvc.campaigns.succession.replacement import replacement
from graphsvc.campaigns.timing import PARTS as TRAFFIC
from graphsvc.campaigns.timing import traffic_evidence
from graphsvc.campaigns.traits import holders, measure_ownership, traits
from graphsvc.linkage.timing import fit_signups, lockstep, signup_population
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import family_ties

PRIOR_BITS = -4.0
"""A group that passes as a cluster is more often a team, a class or an agency than a campaign: about one in sixteen."""
WIDE_SHARE = 0.3
"""A family, a declaration or a class of network is wide in a cluster when this share of members has it."""
WIDE_LEAST = 3
"""Members that a wide family has at least, or all of fewer: what two share makes a pair, in however small a group. Of
groups of seven and more a share of .3 is three members anyway."""
ENOUGH_SHARE = 0.5
"""Half of the members with an identity of their own say as much as all: hardly anybody in a campaign has one."""
INFRASTRUCTURE = ("payment", "device", "phone", "network")
"""Families that strangers do not come to share by taking the same course or copying the same prompt."""
INFRASTRUCTURE_BITS, MOST_INFRASTRUCTURE = 2.0, 6.0
OTHER_BITS, MOST_OTHER = 0.5, 1.0
EVEN_POOLED, POOLED_BITS, LEAST_POOLED, MOST_POOLED = 0.3, 30.0, -1.5, 5.0
"""Where no kind of infrastructure is known: friends share a few things, members of a campaign a third and more."""
EVEN_OWN = 0.65
"""Share of the other users of what a group pools who are of the group, chance taken out, from which it is its own. In
groups of four and more it is at most .56 among contributors to one part of a project (the identities), and at least .73
in the campaigns of the sybil list and .84 in those of sparse-identifiers 5 and 6."""
MOST_LOCKSTEP, LEAST_LOCKSTEP = 3.0, -1.0
MOST_BANS, LEAST_BANS = 3.0, -0.5
DECLARED_BITS, COHERENT_BITS, INSTITUTION_BITS, OWN_DOMAIN_BITS, ANONYMOUS_BITS = -5.0, -3.0, -4.0, -4.0, 1.0
Progress = Callable[[str, int, int], None]
TIME = ("signup", "arrivals", "lockstep", *TRAFFIC, "succession", ASKED)
"""Names of the evidence from time, and from prompts (`asked`); each can be left out. `signup` is a member's,
`arrivals` makes candidates of bursts of sign-ups, the others are a cluster's."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score."""

    name: str
    bits: float
    says: str

    @property
    def aspect(self) -> Aspect:
        """The question that the part answers."""
        return ASPECTS[self.name]


NOT_POOLED = Part("pooled", LEAST_POOLED, "nothing of what a member uses is shared in the group")
PRIOR = Part("prior", PRIOR_BITS, "most groups that pass as a cluster are a household, a team or a class")


def score(parts: list[Part]) -> float:
    """Probability of a campaign from parts in bits (the prior is one of them), 0–1: the hostility of a cluster."""
    return measure_hostility((part.name, part.bits) for part in parts)


def parts_of_clusters(
    given: Evidence,
    graph: SignalGraph,
    members: pl.DataFrame,
    pool: pl.DataFrame,
    families: list[str],
    time: Collection[str] = TIME,
    progress: Progress = lambda _stage, _done, _total: None,
) -> dict[int, list[Part]]:
    """The parts of every cluster's score, the prior first.

    Args:
        members: cluster, account (int32), sorted.
        pool: of `membership.pools`, of the same members.
        families: the families' names.
        time: the evidence from time to be used, of `TIME`.
        progress: told of stage "traffic", clusters done and in all; may raise.
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
    known = set(families) & set(INFRASTRUCTURE)
    owned = {} if known else _owned(graph, members, pool, families)
    for row in traits(members, graph).iter_rows(named=True):
        number = row["cluster"]
        infrastructure, pooled = (known, []) if known else owned.get(number, (known, [NOT_POOLED]))
        found[number] = [PRIOR, *_shared(wide.get(number, []), infrastructure), *_declared(row), *pooled]
    for row in _timed(given, graph, members, time, progress).iter_rows(named=True):
        found[row["cluster"]].append(Part(row["part"], row["bits"], row["says"]))
    return found


def _owned(
    graph: SignalGraph, members: pl.DataFrame, pool: pl.DataFrame, families: list[str]
) -> dict[int, tuple[set[str], list[Part]]]:
    """Find what stands for infrastructure in each cluster where no kind is known that it is told by.

    Strangers do not come to share infrastructure. Of other kinds the data must show that: who else uses what members
    share is a member too. What a community of interest touches, outsiders touch as well. Kinds that do not tie, as
    names, stand for nothing.

    Args:
        graph: the graph that the run reads.
        members: cluster, account (int32), sorted.
        pool: of `membership.pools`, of the same members.
        families: the families' names.

    Returns:
        By cluster, the names of the families whose shared values are its own, and its part `pooled`. That is how much
        of what members use is shared, or how far it is the cluster's own, whichever says less.
    """
    found: dict[int, tuple[set[str], list[Part]]] = {}
    table = measure_ownership(graph, members, pool)
    for (number,), rows in table.group_by("cluster", maintain_order=True):
        pooled, own = rows["pooled"].to_numpy(), rows["own"].to_numpy()
        total = float(pooled.sum())
        of = float((pooled * own).sum()) / total
        bits = POOLED_BITS * min(total - EVEN_POOLED, of - EVEN_OWN)
        says = (
            f"{total:.0%} of what a member uses is shared in the group, on average; "
            f"{max(of, 0.0):.0%} of its other users are of the group, chance taken out"
        )
        names = [families[family] for family in rows["family"].to_numpy()[own >= EVEN_OWN].tolist()]
        found[number] = (
            {name for name in names if family_ties(name)},
            [Part("pooled", float(np.clip(bits, LEAST_POOLED, MOST_POOLED)), says)],
        )
    return found


def _shared(wide: list[str], infrastructure: Collection[str]) -> list[Part]:
    if not wide:
        return []
    strong = [name for name in wide if name in infrastructure]
    bits = min(INFRASTRUCTURE_BITS * len(strong), MOST_INFRASTRUCTURE)
    bits += min(OTHER_BITS * (len(wide) - len(strong)), MOST_OTHER)
    kinds = "kind of signal is" if len(wide) == 1 else "kinds of signal are"
    return [Part("shared", bits, f"{len(wide)} {kinds} shared widely: {', '.join(wide)}")]


def _declared(row: Mapping[str, Any]) -> list[Part]:
    """What bans, declarations and networks say."""
    banned, usual = row["stopped"] / row["size"], row["usual"]
    bits = float(np.clip(np.log2((banned + 0.02) / (usual + 0.02)), LEAST_BANS, MOST_BANS))
    parts = [Part("bans", bits, f"{banned:.0%} were banned or suspended ({usual:.0%} of all)")]
    if (declared := row["declared"]) >= WIDE_SHARE:
        same = row["coherent"]
        says = f"{declared:.0%} declare an organization ({same:.0%} the same one), as businesses do"
        bits = DECLARED_BITS * min(declared / ENOUGH_SHARE, 1.0) + COHERENT_BITS * same
        parts.append(Part("declared", bits, says))
    if (own := row["own_domain"]) >= WIDE_SHARE:
        says = f"{own:.0%} have an e-mail domain of their own, as clients of an agency do"
        parts.append(Part("domains", OWN_DOMAIN_BITS * min(own / ENOUGH_SHARE, 1.0), says))
    if (institutional := row["institutional"]) >= WIDE_SHARE:
        says = f"{institutional:.0%} of use is from institutions' networks"
        parts.append(Part("institution", INSTITUTION_BITS * institutional, says))
    if (anonymous := row["anonymous"]) >= WIDE_SHARE:
        says = f"{anonymous:.0%} of use is from hosting, proxy or VPN networks"
        parts.append(Part("anonymous", ANONYMOUS_BITS, says))
    return parts


def _timed(
    given: Evidence, graph: SignalGraph, members: pl.DataFrame, time: Collection[str], progress: Progress
) -> pl.DataFrame:
    """Evidence from time: cluster, part, bits, says; in the order of `TIME` a cluster."""
    columns = ["cluster", "part", "bits", "says"]
    schema = {"cluster": pl.Int32, "part": pl.String, "bits": pl.Float64, "says": pl.String}
    rows = [pl.DataFrame(schema=schema)]
    if "lockstep" in time:
        everybody = given.signups or signup_population(graph.accounts["created_at"].to_numpy())
        signed_up = lockstep(fit_signups(everybody, members))
        bits = pl.col("bits").clip(LEAST_LOCKSTEP, MOST_LOCKSTEP)
        rows.append(signed_up.with_columns(bits, part=pl.lit("lockstep")).select(columns))
    traffic = [name for name in TRAFFIC if name in time]
    if traffic:
        rows.append(
            traffic_evidence(members, graph.activity, graph.accounts, traffic, progress).select(columns)
        )
    if "succession" in time:
        rows.append(
            replacement(members, graph.accounts).with_columns(part=pl.lit("succession")).select(columns)
        )
    if ASKED in time:
        rows.append(score_prompts(members, graph).select(columns))
    return pl.concat(rows).sort("cluster", maintain_order=True)
