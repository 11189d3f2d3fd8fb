"""What is computed of a published result when somebody asks: counterfactuals, blast radius, the difference of two runs.

For the command line and the API alike: each reads what it needs and hands it to a pure function.
"""

from collections.abc import Collection, Sequence

import polars as pl

from graphsvc.analysis import counterfactual
from graphsvc.analysis.cluster_evidence import ClusterEvidence
from graphsvc.analysis.counterfactual import Anatomy, Parts
from graphsvc.analysis.diff import Diff, compare_runs
from graphsvc.analysis.impact import Impact, estimate_impact
from graphsvc.errors import NotFound
from graphsvc.store import Store
from graphsvc.store.cluster_graph import read_cluster_evidence
from graphsvc.store.runs import read_account_states, read_run
from graphsvc.store.surroundings import read_acted, read_surroundings


def without(
    store: Store,
    cluster: str,
    signals: Collection[str],
    families: Collection[str],
    accounts: Collection[str],
) -> tuple[Parts, Parts]:
    """What a cluster consists of, and what remains of it without signals (keys), families and accounts (ids).

    Raises:
        NotFound: no such cluster is published, or one of these is not in it.
        DatabaseUnavailable, DatabaseRefused
    """
    evidence = read_cluster_evidence(store, cluster)
    _known(evidence, signals, families, accounts)
    return counterfactual.find_parts(evidence), counterfactual.find_parts(
        evidence.exclude_evidence(signals, families, accounts)
    )


def anatomy(
    store: Store, cluster: str, smallest: int = counterfactual.SMALLEST, side: int | None = None
) -> Anatomy:
    """What holds a cluster together: bridges, the strongest signal, the smallest evidence cut.

    Args:
        smallest: accounts that must split off for a signal or an account to be a bridge.
        side: accounts of either side of the cut; None: a fifth of the largest part, no fewer than `smallest`.

    Raises:
        NotFound: no such cluster is published.
        DatabaseUnavailable, DatabaseRefused
    """
    return counterfactual.find_weak_points(read_cluster_evidence(store, cluster), smallest, side)


def blast_radius(
    store: Store,
    cluster: str | None,
    accounts: Sequence[str],
    *,
    least_membership: float,
    stages: int,
    most_innocents: float,
) -> Impact:
    """What an action on all members of a cluster, or on `accounts`, would do.

    Raises:
        NotFound: no such cluster is published, or there is no such account.
        DatabaseUnavailable, DatabaseRefused
    """
    clusters = {cluster: read_cluster_evidence(store, cluster)} if cluster is not None else {}
    ids = clusters[cluster].members["id"].to_list() if cluster is not None else accounts
    acted = read_acted(store, ids)
    acted = acted.filter(acted["membership"] >= least_membership)
    for name in acted["cluster"].unique().sort():
        if name and name not in clusters:
            clusters[name] = read_cluster_evidence(store, name)
    near, users = read_surroundings(store, acted["id"].to_list())
    return estimate_impact(acted, clusters, near, users, stages=stages, most=most_innocents)


def compare(store: Store, before: str, now: str) -> Diff:
    """What changed of the campaigns from one run to another, as the database holds them.

    Raises:
        NotFound: one of them is not there, or published nothing.
        DatabaseUnavailable, DatabaseRefused
    """
    earlier, later = (read_run(store, run).select_campaigns() for run in (before, now))
    either = pl.concat([earlier.members["account"], later.members["account"]]).unique().sort()
    states = read_account_states(store, either, earlier.record.get("newestSignup"))
    return compare_runs(earlier.members, later.members, earlier.scores, later.scores, states)


def _known(
    evidence: ClusterEvidence, signals: Collection[str], families: Collection[str], accounts: Collection[str]
) -> None:
    """Raises NotFound for what is not in the cluster."""
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
