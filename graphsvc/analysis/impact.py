"""What an action on accounts would hit beside those it is meant for, what it would leave, and in which order to act.

Expected innocents follow from memberships, as far as those are right as often as they say (`campaigns.budget`).
Bystanders are others who use the same addresses, devices and cards: an action on accounts does not touch them, one on
what they share would.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.analysis.cluster_evidence import ClusterEvidence, find_linking_uses
from graphsvc.analysis.counterfactual import Parts, find_parts
from graphsvc.campaigns.replacement import measure_replacement
from graphsvc.linkage.bits import by_kind
from graphsvc.linkage.pairs import CROWDED
from graphsvc.model.columns import Schema
from graphsvc.signals.kinds import family_of, kind_of

SHOWN_HEIRS = 5
ACTIVE = "active"
"""The status of accounts that can be acted on; a banned one is out already."""

ACTED: Schema = {
    "id": pl.String,
    "status": pl.String,
    "business": pl.Boolean,
    "cluster": pl.String,
    "membership": pl.Float64,
    "bits": pl.Float64,
}
"""Accounts to be acted on, in any order. `cluster` '', `membership` and `bits` 0: in no published cluster.
`business`: its cluster is a likely business, so it counts as innocent whatever its membership."""
NEAR: Schema = {
    "signal": pl.String,
    "kind": pl.String,
    "class": pl.String,
    "degree": pl.Int64,
    "inside": pl.Int64,
}
"""Signals that they use: how many accounts do (`degree`), and how many of those to be acted on (`inside`)."""
USERS: Schema = {"signal": pl.String, "account": pl.String}
"""Accounts that use such signals; of hubs they need not be there."""


@dataclass(frozen=True, slots=True)
class Bystanders:
    """Others who use what the accounts use, of one family.

    `accounts`: how many others use one of `signals` of them, each counted once. `hubs`: signals of very many
    accounts, or of many people by design, whose users are not among these; the widest has `widest` others.
    """

    family: str
    signals: int
    accounts: int
    hubs: int
    widest: int


@dataclass(frozen=True, slots=True)
class Heir:
    """A member that is left, the values it shares with those acted on, and their bits."""

    account: str
    membership: float
    values: int
    bits: float


@dataclass(frozen=True, slots=True)
class Aftermath:
    """A cluster after the action, of which `acted` members are acted on; `before` and `after` are of active members.

    `bans`, `rate` and `delay_hours` are its history (`replacement.replacement`): accounts stopped so far, for which
    share of them new ones were made within three days at least, and how long that took at the median (NaN: not known);
    `replaced` is how many of those acted on would be replaced at that rate. `heirs`: members left that share with those
    acted on what would make a link, and the strongest of them.
    """

    cluster: str
    acted: int
    before: Parts
    after: Parts
    bans: int
    rate: float
    delay_hours: float
    replaced: float
    heirs: int
    strongest: tuple[Heir, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the plan: accounts, those so far, the least membership among them, innocents to be expected among
    them and so far, and what is left of the clusters: active members, the sizes of their parts, and those left
    alone."""

    accounts: int
    so_far: int
    membership: float
    innocents: float
    innocents_so_far: float
    left: int
    sizes: tuple[int, ...]
    alone: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages, the surest accounts first. `stopped`: the accounts that are left out because of the next stage more
    than `most` innocents are to be expected, and those innocents (0, 0.0: none). `order`: ids, in the order to act."""

    stages: tuple[Stage, ...]
    most: float
    left_out: int
    left_out_innocents: float
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """What an action would do.

    `accounts` are asked for, `inactive` of them are out already and count no further; of the others `strangers` are
    in no cluster and `businesses` in clusters that are likely businesses. `innocents` to be expected: 1 - membership
    of each member of a campaign, and each of the others as one, since nothing speaks against it. `bystanders` by
    family, and how many they are in all, each counted once.
    """

    accounts: int
    inactive: int
    strangers: int
    businesses: int
    innocents: float
    bystanders: tuple[Bystanders, ...]
    bystanders_in_all: int
    clusters: tuple[Aftermath, ...]
    plan: Plan


def estimate_impact(
    acted: pl.DataFrame,
    clusters: Mapping[str, ClusterEvidence],
    near: pl.DataFrame,
    users: pl.DataFrame,
    *,
    stages: int,
    most: float,
) -> Impact:
    """What it would do to act on some accounts.

    Args:
        acted: schema `ACTED`, each account once.
        clusters: all that they are members of, by id.
        near, users: schemas `NEAR` and `USERS`, of what they use.
        stages: of the plan, of equal size.
        most: innocents that may be expected in a stage.
    """
    active = acted.filter(pl.col("status") == ACTIVE)
    touched = [clusters[name] for name in active["cluster"].unique().sort() if name]
    bystanders, in_all = _count_bystanders(acted, touched, near, users)
    return Impact(
        acted.height,
        acted.height - active.height,
        int((active["cluster"] == "").sum()),
        int(active["business"].sum()),
        _estimate_innocents(active),
        bystanders,
        in_all,
        tuple(_estimate_aftermath(evidence, active) for evidence in touched),
        _plan_stages(active, touched, stages, most),
    )


def _estimate_innocents(accounts: pl.DataFrame) -> float:
    hostile = np.where(accounts["business"].to_numpy(), 0.0, accounts["membership"].to_numpy())
    return float(np.add.reduce(1.0 - hostile))


def mark_hubs(near: pl.DataFrame) -> NDArray[np.bool_]:
    """Which signals have too many users, or many people behind them by design, for these to be looked at; one a
    row."""
    most = by_kind(near["kind"], lambda kind: kind_of(kind).hub_degree, np.int64)
    found: NDArray[np.bool_] = (near["degree"].to_numpy() > most) | near["class"].is_in(CROWDED).to_numpy()
    return found


def _count_bystanders(
    acted: pl.DataFrame, touched: list[ClusterEvidence], near: pl.DataFrame, users: pl.DataFrame
) -> tuple[tuple[Bystanders, ...], int]:
    known = pl.concat([acted["id"], *(evidence.members["id"] for evidence in touched)])
    about = near.with_columns(
        family=pl.col("kind").replace_strict(
            {kind: family_of(kind) for kind in near["kind"].unique()}, default=""
        ),
        hub=pl.Series(mark_hubs(near)),
        others=pl.col("degree") - pl.col("inside"),
    )
    others = (
        users.join(known.to_frame("account"), on="account", how="anti")
        .join(about.filter(~pl.col("hub")).select("signal", "family"), on="signal")
        .unique()
    )
    found = []
    for family in about["family"].unique().sort():
        mine, wide = (
            others.filter(pl.col("family") == family),
            about.filter((pl.col("family") == family) & pl.col("hub")),
        )
        found.append(
            Bystanders(
                family,
                mine["signal"].n_unique(),
                mine["account"].n_unique(),
                wide.height,
                int(wide["others"].max() or 0),  # type: ignore[arg-type]
            )
        )
    return tuple(found), others["account"].n_unique()


def _estimate_aftermath(evidence: ClusterEvidence, active: pl.DataFrame) -> Aftermath:
    acted = evidence.members["id"].is_in(active["id"].implode()).to_numpy()
    everybody = pl.DataFrame(
        {"cluster": np.zeros(len(acted), np.int32), "account": np.arange(len(acted), dtype=np.int32)}
    )
    history = measure_replacement(everybody, evidence.members)
    bans, rate, delay = (
        history.select("bans", "rate", "median_delay_hours").row(0) if history.height else (0, 0.0, math.nan)
    )
    heirs, strongest = _find_heirs(evidence, acted)
    nobody = np.zeros(len(acted), dtype=np.bool_)
    return Aftermath(
        evidence.cluster,
        int(acted.sum()),
        find_parts(_keep_active(evidence, nobody)),
        find_parts(_keep_active(evidence, acted)),
        bans,
        rate,
        delay,
        rate * int(acted.sum()),
        heirs,
        strongest,
    )


def _keep_active(evidence: ClusterEvidence, acted: NDArray[np.bool_]) -> ClusterEvidence:
    """The active members of a cluster but for those acted on (bool, one a member)."""
    active = (evidence.members["status"] == ACTIVE).to_numpy()
    return evidence.keep_only(active & ~acted, np.ones(evidence.signals.height, dtype=np.bool_))


def _find_heirs(evidence: ClusterEvidence, acted: NDArray[np.bool_]) -> tuple[int, tuple[Heir, ...]]:
    """Active members that are left and share what would make a link with those acted on; the strongest few."""
    linking = find_linking_uses(evidence)
    given = np.bincount(linking.value[acted[linking.account]], minlength=len(linking.bits)) > 0
    takes = given[linking.value] & ~acted[linking.account]
    values = np.bincount(linking.account[takes], minlength=linking.accounts)
    bits = np.bincount(
        linking.account[takes], weights=linking.bits[linking.value[takes]], minlength=linking.accounts
    )
    can = (values > 0) & (evidence.members["status"] == ACTIVE).to_numpy()
    order = np.lexsort((np.arange(len(bits)), -bits))
    rows = order[can[order]][:SHOWN_HEIRS]
    ids, membership = evidence.members["id"], evidence.members["membership"]
    return int(can.sum()), tuple(
        Heir(ids[row], membership[row], int(values[row]), float(bits[row])) for row in rows.tolist()
    )


def _plan_stages(active: pl.DataFrame, touched: list[ClusterEvidence], stages: int, most: float) -> Plan:
    ordered = active.sort(["business", "membership", "bits", "id"], descending=[False, True, True, False])
    found: list[Stage] = []
    done = 0
    for part in np.array_split(np.arange(ordered.height), min(stages, max(ordered.height, 1))):
        batch = ordered[done : done + len(part)]
        if _estimate_innocents(batch) > most or batch.is_empty():
            break
        done += len(part)
        so_far = ordered[:done]
        left = [
            find_parts(
                _keep_active(evidence, evidence.members["id"].is_in(so_far["id"].implode()).to_numpy())
            )
            for evidence in touched
        ]
        found.append(
            Stage(
                batch.height,
                done,
                float(batch["membership"].to_numpy()[-1]),
                _estimate_innocents(batch),
                _estimate_innocents(so_far),
                sum(parts.members for parts in left),
                tuple(sorted((size for parts in left for size in parts.sizes), reverse=True)),
                sum(parts.alone for parts in left),
            )
        )
    rest = ordered[done:]
    return Plan(
        tuple(found), most, rest.height, _estimate_innocents(rest), tuple(ordered["id"][:done].to_list())
    )
