"""Read what an analysis of published results needs, and run it: counterfactuals, impact, differences of runs.

The command line and the API both use it. Each function reads, then calls a pure function of `analysis/`.
"""

from collections.abc import Collection, Sequence

import polars as pl

from graphsvc.analysis import counterfactual
from graphsvc.analysis.anatomy import Anatomy, Parts
from graphsvc.analysis.diff import Diff, compare_runs
from graphsvc.analysis.impact import Impact, estimate_impact
from graphsvc.campaigns.cluster_evidence import ClusterEvidence
from graphsvc.errors import NotFound
from graphsvc.store import Store
from graphsvc.store.cluster_files import ClusterFiles, name_question
from graphsvc.store.cluster_graph import read_cluster_evidence
from graphsvc.store.runs import read_account_states, read_run
from graphsvc.store.surroundings import read_acted, read_surroundings


def read_parts_without(
    store: Store,
    files: ClusterFiles,
    cluster: str,
    signals: Collection[str],
    families: Collection[str],
    accounts: Collection[str],
) -> tuple[Parts, Parts]:
    """Find the parts of a cluster, with all its evidence and without some.

    Args:
        store: the database.
        files: published clusters as files.
        cluster: id.
        signals: keys to exclude.
        families: to exclude.
        accounts: ids to exclude.

    Returns:
        Parts of the cluster as it is, and of the rest.

    Raises:
        NotFound: no such cluster is published, or it has no such signal, family or account.
        DatabaseUnavailable, DatabaseRefused
    """
    found = files.find_cluster(store, cluster)
    evidence = files.load_evidence(store, found)
    _check_names(evidence, signals, families, accounts)
    before = files.answer(found, "parts", Parts, lambda: counterfactual.find_parts(evidence))
    return before, counterfactual.find_parts(evidence.exclude_evidence(signals, families, accounts))


def read_weak_points(
    store: Store,
    files: ClusterFiles,
    cluster: str,
    smallest: int = counterfactual.SMALLEST,
    side: int | None = None,
) -> Anatomy:
    """Find the bridges, the strongest signal and the smallest evidence cut of a cluster.

    Args:
        store: the database.
        files: published clusters as files.
        cluster: id.
        smallest: accounts that must split off for a signal or an account to be a bridge.
        side: accounts of either side of the cut. None: a fifth of the largest part, but no fewer than
            `smallest`.

    Raises:
        NotFound: no such cluster is published.
        DatabaseUnavailable, DatabaseRefused
    """
    found = files.find_cluster(store, cluster)
    return files.answer(
        found,
        f"weak-points-{smallest}-{side}",
        Anatomy,
        lambda: counterfactual.find_weak_points(files.load_evidence(store, found), smallest, side),
    )


def read_impact(
    store: Store,
    files: ClusterFiles,
    cluster: str | None,
    accounts: Sequence[str],
    *,
    least_membership: float,
    stages: int,
    most_innocents: float,
) -> Impact:
    """Estimate the impact of an action on all members of a cluster, or on `accounts` if `cluster` is None.

    Args:
        store: the database.
        files: published clusters as files.
        cluster: id, or None.
        accounts: ids.
        least_membership: accounts with a lower membership are left out, 0–1.
        stages: of the plan.
        most_innocents: expected innocents allowed in a stage.

    Raises:
        NotFound: no such cluster is published, or there is no such account.
        DatabaseUnavailable, DatabaseRefused
    """
    found = files.find_cluster(store, cluster) if cluster is not None else None
    loaded = files.load_surroundings(store, found) if found is not None else None
    if found is not None and loaded is not None:
        evidence, around = loaded
        chosen = evidence.members["membership"] >= least_membership
        acted = evidence.members.filter(chosen).select(
            "id", "status", "membership", "bits", business=pl.lit(found.business), cluster=pl.lit(found.id)
        )

        def estimate() -> Impact:
            near, users = around.select(chosen.to_numpy())
            return estimate_impact(
                acted, {found.id: evidence}, near, users, stages=stages, most=most_innocents
            )

        # Statuses are of now, and the accounts that are chosen follow from memberships, which the run has set.
        statuses = evidence.members.select("status", "status_changed_at").write_ipc(
            None, compression="uncompressed"
        )
        asked = f"{least_membership} {stages} {most_innocents}".encode() + statuses.getvalue()
        return files.answer(found, name_question("impact", asked), Impact, estimate)

    clusters = {cluster: read_cluster_evidence(store, cluster)} if cluster is not None else {}
    ids = clusters[cluster].members["id"].to_list() if cluster is not None else accounts
    acted = read_acted(store, ids)
    # Before anything is read about them: the surroundings of thousands of accounts are the slow part.
    acted = acted.filter(acted["membership"] >= least_membership)
    # Accounts can be members of further clusters, which the action affects too.
    for name in acted["cluster"].unique().sort():
        if name and name not in clusters:
            clusters[name] = read_cluster_evidence(store, name)
    near, users = read_surroundings(store, acted["id"].to_list())
    return estimate_impact(acted, clusters, near, users, stages=stages, most=most_innocents)


def read_differences(store: Store, before: str, now: str) -> Diff:
    """Compare the campaigns of two stored runs.

    Raises:
        NotFound: one of them does not exist, published nothing, or its members were removed.
        DatabaseUnavailable, DatabaseRefused
    """
    earlier, later = (read_run(store, run).select_campaigns() for run in (before, now))
    # Statuses are those of now; runs do not keep them.
    either = pl.concat([earlier.members["account"], later.members["account"]]).unique().sort()
    states = read_account_states(store, either, earlier.record.get("newestSignup"))
    return compare_runs(earlier.members, later.members, earlier.scores, later.scores, states)


def _check_names(
    evidence: ClusterEvidence, signals: Collection[str], families: Collection[str], accounts: Collection[str]
) -> None:
    """Raise NotFound for signals, families or accounts that are not in the cluster."""
    there = set(evidence.families.unique())
    for what, names, has, hint in (
        ("signal that two of its members use", signals, set(evidence.signals["key"]), ""),
        ("family of what its members share", families, there, f"There are {', '.join(sorted(there))}."),
        ("member", accounts, set(evidence.members["id"]), ""),
    ):
        if unknown := [name for name in names if name not in has]:
            raise NotFound(
                f"Cluster {evidence.cluster} has no {what} called {', '.join(unknown)}.",
                hint or f"`graphsvc whatif {evidence.cluster}` names some of what it is made of.",
            )
