"""Coordinated is not hostile: what speaks for one operator behind a cluster, and what for an office or a class.

A score is a sum of parts in bits, each with a sentence, turned into a probability. The weights are priors stated
here, not learned ones.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from graphsvc.model.graph import SignalGraph

PRIOR_BITS = -5.0
"""A group that passes as a cluster is more often a household, a team or a class than a campaign."""
LOCKSTEP_MS = 10 * 60 * 1000
"""Sign-ups closer than this are in lockstep."""
WIDE_SHARE = 0.3
"""A family is wide in a cluster when this share of members has a pooled value of it."""
INFRASTRUCTURE = ("payment", "device", "phone", "network")
"""Families that strangers do not come to share by taking the same course or copying the same prompt."""
ANONYMOUS = ("hosting", "proxy", "vpn")
INSTITUTIONAL = ("education", "corporate")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score."""

    name: str
    bits: float
    says: str


PRIOR = Part("prior", PRIOR_BITS, "most groups that pass as a cluster are a household, a team or a class")


def score(parts: list[Part]) -> float:
    """Probability from parts in bits, 0–1."""
    return float(1.0 / (1.0 + 2.0 ** -(PRIOR_BITS + sum(part.bits for part in parts))))


def lockstep(created_at: np.ndarray[tuple[int], np.dtype[np.int64]], span: float) -> tuple[float, float]:
    """Share of sign-ups within ten minutes of another of the group, and the share to expect of sign-ups at random.

    Args:
        created_at: sign-ups in ms since 1970, sorted; at least two.
        span: ms over which random sign-ups would spread; the expected share is that of a Poisson process.
    """
    gaps = np.diff(created_at)
    nearest = np.minimum(np.append(gaps, np.inf), np.append(np.inf, gaps))
    expected = 1.0 - np.exp(-2.0 * LOCKSTEP_MS * len(created_at) / max(span, 1.0))
    return float(np.mean(nearest <= LOCKSTEP_MS)), float(expected)


def families_of_clusters(edges: pl.DataFrame, members: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """How widely each family holds a cluster together: cluster, family, share of members, values, sorted."""
    size = members.group_by("cluster").agg(size=pl.len())
    return (
        edges.drop("family")
        .join(members.select("cluster", "account"), on="account")
        .join(pool.select("cluster", "signal", "family"), on=["cluster", "signal"])
        .group_by("cluster", "family")
        .agg(holders=pl.col("account").n_unique(), values=pl.col("signal").n_unique())
        .join(size, on="cluster")
        .with_columns(share=pl.col("holders") / pl.col("size"))
        .select("cluster", "family", "share", "values")
        .sort("cluster", "family")
    )


def organizations(members: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    """What members say they belong to: cluster, declared (members with an organization), coherent (the commonest)."""
    of_kind = graph.signals.select(signal=pl.int_range(pl.len(), dtype=pl.Int32), kind="kind").filter(
        pl.col("kind") == "organization"
    )
    return (
        pl.DataFrame({"account": graph.account, "signal": graph.signal})
        .join(of_kind, on="signal", how="semi")
        .join(members.select("cluster", "account"), on="account")
        .group_by("cluster", "signal")
        .agg(who=pl.len())
        .group_by("cluster")
        .agg(declared=pl.col("who").sum(), coherent=pl.col("who").max())
        .sort("cluster")
    )


def network_classes(edges: pl.DataFrame, members: pl.DataFrame, graph: SignalGraph) -> pl.DataFrame:
    """Share of a cluster's address uses by class of network: cluster, class, share."""
    classes = graph.signals.select(
        signal=pl.int_range(pl.len(), dtype=pl.Int32), network_class="class"
    ).filter(pl.col("network_class") != "")
    return (
        edges.join(members.select("cluster", "account"), on="account")
        .join(classes, on="signal")
        .group_by("cluster", "network_class")
        .agg(uses=pl.len())
        .with_columns(share=pl.col("uses") / pl.col("uses").sum().over("cluster"))
        .select("cluster", "network_class", "share")
        .sort("cluster", "network_class")
    )


def parts_of(
    *,
    families: dict[str, float],
    created_at: np.ndarray[tuple[int], np.dtype[np.int64]],
    span: float,
    banned: float,
    banned_overall: float,
    networks: dict[str, float],
    declared: float,
    coherent: float,
) -> list[Part]:
    """The parts of one cluster's score.

    Args:
        families: share of members held by each family, 0–1.
        created_at: members' sign-ups, sorted; `span`: of all accounts' sign-ups (ms).
        banned, banned_overall: share of members, and of all accounts, that were banned or suspended.
        networks: share of address uses by class of network.
        declared, coherent: share of members that declare an organization, and that declare the commonest one.
    """
    parts = []
    wide = sorted(name for name, share in families.items() if share >= WIDE_SHARE)
    if wide:
        bits = min(sum(2.5 if name in INFRASTRUCTURE else 0.5 for name in wide), 8.0)
        parts.append(
            Part("shared", bits, f"{len(wide)} kinds of signal are shared widely: {', '.join(wide)}")
        )
    observed, expected = lockstep(created_at, span)
    bits = float(np.clip(np.log2((observed + 0.02) / (expected + 0.02)), -1.0, 2.0))
    says = f"{observed:.0%} signed up within ten minutes of another member ({expected:.0%} expected)"
    parts.append(Part("lockstep", bits, says))
    bits = float(np.clip(np.log2((banned + 0.02) / (banned_overall + 0.02)), -0.5, 3.0))
    parts.append(Part("bans", bits, f"{banned:.0%} were banned or suspended ({banned_overall:.0%} of all)"))
    if declared >= WIDE_SHARE:
        says = f"{declared:.0%} declare an organization ({coherent:.0%} the same one), as businesses do"
        parts.append(Part("declared", -5.0 * declared - 3.0 * coherent, says))
    if (institutional := sum(networks.get(name, 0.0) for name in INSTITUTIONAL)) >= WIDE_SHARE:
        says = f"{institutional:.0%} of use is from institutions' networks"
        parts.append(Part("institution", -4.0 * institutional, says))
    if (anonymous := sum(networks.get(name, 0.0) for name in ANONYMOUS)) >= WIDE_SHARE:
        parts.append(Part("anonymous", 1.0, f"{anonymous:.0%} of use is from hosting, proxy or VPN networks"))
    return parts
