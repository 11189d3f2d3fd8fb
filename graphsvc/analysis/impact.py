"""Estimate the impact of an action on accounts: false positives, bystanders, what is left, and an order to act.

Expected innocents follow from memberships, if those are calibrated (`campaigns.budget`). Bystanders are other
accounts that use the same addresses, devices and cards. An action on accounts does not affect them, one on
what they share would.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.analysis.anatomy import Parts
from graphsvc.analysis.counterfactual import find_parts
from graphsvc.campaigns.cluster_evidence import ClusterEvidence, find_linking_uses
from graphsvc.campaigns.replacement import measure_replacement
from graphsvc.campaigns.surroundings import mark_hubs
from graphsvc.signals.kinds import family_of

SHOWN_HEIRS = 5
"""Heirs that a result lists at most."""
ACTIVE = "active"
"""Status of accounts that can be acted on. A banned one is out already."""


@dataclass(frozen=True, slots=True)
class Bystanders:
    """Others who use what the accounts use, of one family of signals."""

    family: Annotated[str, "The family, for example `payment`."]
    signals: Annotated[int, "Signals that others use too."]
    accounts: Annotated[int, "How many others do, each counted once."]
    hubs: Annotated[
        int, "Signals of very many accounts, or of many people by design; their users are not among these."
    ]
    widest: Annotated[int, "Others on the widest of the hubs."]


@dataclass(frozen=True, slots=True)
class Heir:
    """A member that is left and shares with those acted on what would make a link."""

    account: Annotated[str, "Id of the account."]
    membership: Annotated[float, "How surely it belongs to the cluster, 0 to 1."]
    values: Annotated[int, "Values it shares with them."]
    bits: Annotated[float, "Evidence of those, in bits."]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """A cluster after the action."""

    cluster: Annotated[str, "Id of the cluster."]
    acted: Annotated[int, "Members that are acted on."]
    before: Annotated[Parts, "Its active members now."]
    after: Annotated[Parts, "Those that are left."]
    bans: Annotated[int, "Members that were stopped so far."]
    rate: Annotated[float, "Share of those for whom new ones were made within three days, at least."]
    delay_hours: Annotated[float | None, "How long that took at the median, in hours; null: not known."]
    replaced: Annotated[float, "How many of those acted on would be replaced at that rate."]
    heirs: Annotated[int, "Members left that share what would make a link."]
    strongest: Annotated[tuple[Heir, ...], "The strongest of them."]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the plan, accounts of highest membership first."""

    accounts: Annotated[int, "Accounts to act on in it."]
    so_far: Annotated[int, "Accounts with those before."]
    membership: Annotated[float, "The least membership among them."]
    innocents: Annotated[float, "Expected false positives among them."]
    innocents_so_far: Annotated[float, "Expected false positives up to this step."]
    left: Annotated[int, "Active members of the clusters that are left."]
    sizes: Annotated[tuple[int, ...], "Parts that these fall into, largest first."]
    alone: Annotated[int, "Those left alone."]


@dataclass(frozen=True, slots=True)
class Plan:
    """The order of the action."""

    stages: Annotated[tuple[Stage, ...], "The steps."]
    most: Annotated[float, "Expected false positives allowed in a step."]
    left_out: Annotated[int, "Accounts left out because more are to be expected."]
    left_out_innocents: Annotated[float, "Expected false positives among those."]
    order: Annotated[tuple[str, ...], "Ids of the accounts, in the order to act."]


@dataclass(frozen=True, slots=True)
class Impact:
    """The impact of an action on accounts. A query changes nothing."""

    accounts: Annotated[int, "Accounts asked for."]
    inactive: Annotated[int, "Of these, those that are out already."]
    strangers: Annotated[int, "Of the others, those that are in no cluster."]
    businesses: Annotated[int, "Of the others, those that are in clusters that are likely businesses."]
    innocents: Annotated[
        float,
        "Expected false positives: 1 - membership of each; a stranger and a member of a likely business "
        "count as one.",
    ]
    bystanders: Annotated[tuple[Bystanders, ...], "Others on the same infrastructure, by family."]
    bystanders_in_all: Annotated[int, "How many they are, each counted once."]
    clusters: Annotated[tuple[Aftermath, ...], "The clusters after the action."]
    plan: Annotated[Plan, "The order of the action."]


def estimate_impact(
    acted: pl.DataFrame,
    clusters: Mapping[str, ClusterEvidence],
    near: pl.DataFrame,
    users: pl.DataFrame,
    *,
    stages: int,
    most: float,
) -> Impact:
    """Estimate the impact of an action on some accounts.

    Args:
        acted: schema `ACTED`, each account once.
        clusters: all clusters that they are members of, by id.
        near: schema `NEAR`, of what they use.
        users: schema `USERS`, of what they use.
        stages: of the plan, of equal size.
        most: expected innocents allowed in a stage.
    """
    active = acted.filter(pl.col("status") == ACTIVE)
    # Sorted, so that results do not depend on the order of the accounts.
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
    """Sum 1 - membership; an account of a likely business counts as one."""
    hostile = np.where(accounts["business"].to_numpy(), 0.0, accounts["membership"].to_numpy())
    # NumPy's sum of an array in one order; polars may add in threads, with another last digit.
    return float(np.add.reduce(1.0 - hostile))


def _count_bystanders(
    acted: pl.DataFrame, touched: list[ClusterEvidence], near: pl.DataFrame, users: pl.DataFrame
) -> tuple[tuple[Bystanders, ...], int]:
    """Count the bystanders of each family, and of all families."""
    # Members of the same clusters are no bystanders, even if they are not acted on.
    known = pl.concat([acted["id"], *(evidence.members["id"] for evidence in touched)])
    about = near.with_columns(
        family=pl.col("kind").replace_strict(
            {kind: family_of(kind) for kind in near["kind"].unique()}, default=""
        ),
        hub=pl.Series(mark_hubs(near)),
        # Counted by subtraction: users of hubs are not listed.
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
    """Estimate one cluster after the action."""
    acted = evidence.members["id"].is_in(active["id"].implode()).to_numpy()
    # The history counts all members, whatever their status.
    all_members = pl.DataFrame(
        {"cluster": np.zeros(len(acted), np.int32), "account": np.arange(len(acted), dtype=np.int32)}
    )
    history = measure_replacement(all_members, evidence.members)
    bans, rate, delay = (
        history.select("bans", "rate", "median_delay_hours").row(0) if history.height else (0, 0.0, math.nan)
    )
    heirs, strongest = _find_heirs(evidence, acted)
    none_acted = np.zeros(len(acted), dtype=np.bool_)
    return Aftermath(
        evidence.cluster,
        int(acted.sum()),
        find_parts(_keep_active(evidence, none_acted)),
        find_parts(_keep_active(evidence, acted)),
        bans,
        rate,
        None if math.isnan(delay) else delay,
        # An expectation: each ban is assumed to be answered at the rate seen so far.
        rate * int(acted.sum()),
        heirs,
        strongest,
    )


def _keep_active(evidence: ClusterEvidence, acted: NDArray[np.bool_]) -> ClusterEvidence:
    """Keep the active members of a cluster without those acted on (bool, one a member)."""
    active = (evidence.members["status"] == ACTIVE).to_numpy()
    return evidence.keep_only(active & ~acted, np.ones(evidence.signals.height, dtype=np.bool_))


def _find_heirs(evidence: ClusterEvidence, acted: NDArray[np.bool_]) -> tuple[int, tuple[Heir, ...]]:
    """Count the active members left that share linking values with those acted on, and list the strongest."""
    linking = find_linking_uses(evidence)
    # Values that an account acted on leaves behind, then the members that also use them.
    given = np.bincount(linking.value[acted[linking.account]], minlength=len(linking.bits)) > 0
    takes = given[linking.value] & ~acted[linking.account]
    values = np.bincount(linking.account[takes], minlength=linking.accounts)
    bits = np.bincount(
        linking.account[takes], weights=linking.bits[linking.value[takes]], minlength=linking.accounts
    )
    can = (values > 0) & (evidence.members["status"] == ACTIVE).to_numpy()
    # By bits, then by row, so that equals have a fixed order.
    order = np.lexsort((np.arange(len(bits)), -bits))
    rows = order[can[order]][:SHOWN_HEIRS]
    ids, membership = evidence.members["id"], evidence.members["membership"]
    return int(can.sum()), tuple(
        Heir(ids[row], membership[row], int(values[row]), float(bits[row])) for row in rows.tolist()
    )


def _plan_stages(active: pl.DataFrame, touched: list[ClusterEvidence], stages: int, most: float) -> Plan:
    """Plan stages of equal size, and stop before one that would exceed `most` expected innocents."""
    # The highest membership first, so that each further stage is less certain than the one before.
    ordered = active.sort(["business", "membership", "bits", "id"], descending=[False, True, True, False])
    found: list[Stage] = []
    done = 0
    for part in np.array_split(np.arange(ordered.height), min(stages, max(ordered.height, 1))):
        batch = ordered[done : done + len(part)]
        # Later stages are less certain still, so the plan ends here.
        if _estimate_innocents(batch) > most or batch.is_empty():
            break
        done += len(part)
        so_far = ordered[:done]
        # Parts are found again after each stage, to show how early the clusters fall apart.
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
