"""The road of a detection run, from top to bottom: read → bits → links → cores → campaigns → scores → publish."""

import json
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import uuid4

import numpy as np
import polars as pl

from graphsvc.campaigns.evidence import sentence, shared_signals, strongest_links
from graphsvc.campaigns.explain import explained_links, explained_members, with_sharers
from graphsvc.campaigns.grow import best, grow
from graphsvc.campaigns.join import join
from graphsvc.campaigns.membership import Evidence, pools
from graphsvc.campaigns.score import (
    PRIOR,
    families_of_clusters,
    network_classes,
    organizations,
    parts_of,
    score,
)
from graphsvc.community.protocol import Detector
from graphsvc.errors import DetectionError, GraphsvcError
from graphsvc.linkage.bits import (
    degrees,
    signal_bits,
    signal_families,
    signal_levels,
    signal_strengths,
    with_levels,
)
from graphsvc.linkage.pairs import enumerate_links, joining
from graphsvc.model.clusters import CLUSTERS, Found, cluster_id
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.model.runs import Algorithm, Run
from graphsvc.signals.kinds import family_ties
from graphsvc.store import Store
from graphsvc.store.connection import translated
from graphsvc.store.graph import read_graph
from graphsvc.store.publish import begin_run, fail_run, publish

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Every number a run depends on; recorded with it."""

    algorithm: Algorithm = Algorithm.LEIDEN
    seed: int = 42
    gamma: float = 1.0
    """Resolution of Leiden: higher makes smaller cores."""
    min_values: int = 2
    """Independent values two accounts must share to be linked."""
    min_core: int = 4
    """Accounts of the smallest community that may grow."""
    rounds: int = 20
    """Rounds of growing, at most."""
    min_membership: float = 0.9
    """Probability with which an account must belong in the end."""
    min_size: int = 8
    """Accounts of the smallest cluster that is published."""
    min_score: float = 0.5
    """Score a cluster needs to be published."""


@dataclass(slots=True)
class Clock:
    """Wall time a stage, in seconds."""

    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times one stage."""
        began = time.monotonic()
        yield
        self.timings[name] = round(time.monotonic() - began, 3)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `detect` did."""

    run: Run
    clusters: int
    members: int
    links: int
    timings: dict[str, float]


def detect(
    store: Store,
    detector: Detector,
    parameters: Parameters,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Outcome:
    """Runs a detection over the whole graph and publishes what it found.

    The same graph, parameters and engine give the same clusters, scores and memberships. A run that fails is
    recorded as failed and leaves what was published before.

    Raises:
        DetectionError: there is nothing to detect on, or the engine cannot do it.
        DatabaseUnavailable, DatabaseRefused
    """
    clock = Clock()
    with clock.stage("read"):
        graph = read_graph(store, progress)
    if not graph.accounts.height:
        raise DetectionError(
            "There are no accounts in the graph.", "Load a bundle first: `graphsvc load BUNDLE`."
        )
    with translated():
        versions = {**library_versions(), **detector.versions()}
    run = Run(
        id=f"r{uuid4().hex[:15]}",
        engine=detector.name,
        algorithm=parameters.algorithm.value,
        seed=parameters.seed,
        parameters=asdict(parameters),
        versions=versions,
        input_hash=graph.fingerprint(),
        accounts=graph.accounts.height,
        signals=graph.signals.height,
    )
    begin_run(store, run, datetime.now(UTC))
    try:
        found, links = find(graph, detector, parameters, clock, progress)
        with clock.stage("publish"):
            publish(store, run, graph, found, clock.timings, progress)
    except GraphsvcError as error:
        fail_run(store, run, error.code)
        raise
    return Outcome(run, found.clusters.height, found.members.height, len(links), clock.timings)


def find(
    graph: SignalGraph, detector: Detector, parameters: Parameters, clock: Clock, progress: Progress
) -> tuple[Found, Links]:
    """Everything between reading and publishing: from a graph to what was found in it."""
    with clock.stage("links"):
        full = with_levels(graph)
        links = enumerate_links(full, min_values=parameters.min_values)
    progress("links", len(links), len(links))
    with clock.stage("communities"), translated():
        community = detector.communities(
            links, parameters.algorithm, gamma=parameters.gamma, seed=parameters.seed
        )
    progress("communities", int(community.max(initial=-1)) + 1, int(community.max(initial=-1)) + 1)
    with clock.stage("campaigns"):
        given = evidence_of(full)
        joined = join(cores(community, parameters.min_core), unshared(full))
        members, weighed = grow(given, joined, parameters.rounds, progress)
        pool = pools(given, members)
        chosen = best(weighed, parameters.min_membership)
        members = chosen.select("cluster", "account", "membership").with_columns(
            bits=pl.Series(weighed.bits[chosen["row"].to_numpy()])
        )
    with clock.stage("scores"):
        found = scored(full, given.edges, members, pool, links, parameters)
    progress("clusters", found.clusters.height, found.clusters.height)
    return found, links


def evidence_of(graph: SignalGraph) -> Evidence:
    """What accounts are weighed by: every signal that more than one account has, whatever its degree."""
    family, names = signal_families(graph)
    degree = degrees(graph)
    level = signal_levels(graph)
    has = np.zeros((graph.accounts.height, len(names)), dtype=np.bool_)
    has[graph.account, family[graph.signal]] = True
    weighs = ((degree > 1) & (signal_strengths(graph) > 0.0))[graph.signal]
    account, signal = graph.account[weighs], graph.signal[weighs]
    edges = pl.DataFrame(
        {"account": account, "signal": signal, "family": family[signal], "level": level[signal]}
    )
    ties = np.array([family_ties(name) for name in names])
    return Evidence(edges, degree, has, ties, graph.accounts["created_at"].to_numpy())


def unshared(graph: SignalGraph) -> pl.DataFrame:
    """Account, signal, family of values that strangers do not come to share: what joins cores."""
    family, _ = signal_families(graph)
    joins = joining(graph)[graph.signal]
    account, signal = graph.account[joins], graph.signal[joins]
    return pl.DataFrame({"account": account, "signal": signal, "family": family[signal]})


def cores(community: np.ndarray[tuple[int], np.dtype[np.int32]], smallest: int) -> pl.DataFrame:
    """Communities of at least `smallest` accounts: cluster, account (int32)."""
    frame = pl.DataFrame({"cluster": community, "account": np.arange(len(community), dtype=np.int32)})
    return frame.filter((pl.col("cluster") >= 0) & (pl.len().over("cluster") >= smallest))


def scored(
    graph: SignalGraph,
    edges: pl.DataFrame,
    members: pl.DataFrame,
    pool: pl.DataFrame,
    links: Links,
    parameters: Parameters,
) -> Found:
    """Scores clusters and keeps those that are large and bad enough, with their evidence."""
    members = members.filter(pl.len().over("cluster") >= parameters.min_size)
    _, family_names = signal_families(graph)
    names = pl.DataFrame({"family": np.arange(len(family_names), dtype=np.int32), "name": family_names})
    families = (
        families_of_clusters(edges, members, pool)
        .join(names, on="family")
        .select("cluster", "share", "values", family="name")
        .partition_by("cluster", as_dict=True)
    )
    networks = network_classes(edges, members, graph).partition_by("cluster", as_dict=True)
    declared = {row[0]: row[1:] for row in organizations(members, graph).iter_rows()}
    created = graph.accounts["created_at"].to_numpy()
    stopped = graph.accounts["status"].is_in(["banned", "suspended"]).to_numpy()
    span = float(created.max() - created.min())
    rows = []
    for (number,), group in sorted(members.partition_by("cluster", as_dict=True).items()):
        who = group["account"].to_numpy()
        signups = np.sort(created[who])
        family = families.get((number,), pl.DataFrame(schema={"family": pl.String, "share": pl.Float64}))
        network = networks.get(
            (number,), pl.DataFrame(schema={"network_class": pl.String, "share": pl.Float64})
        )
        parts = parts_of(
            families=dict(family.select("family", "share").iter_rows()),
            created_at=signups,
            span=span,
            banned=float(stopped[who].mean()),
            banned_overall=float(stopped.mean()),
            networks=dict(network.select("network_class", "share").iter_rows()),
            declared=declared.get(number, (0, 0))[0] / len(who),
            coherent=declared.get(number, (0, 0))[1] / len(who),
        )
        rows.append(
            {
                "cluster": number,
                "id": cluster_id(graph.accounts["id"].gather(who).to_list()),
                "size": len(who),
                "score": score(parts),
                "bits": float(group["bits"].sum()),
                "families": family.sort(["share", "family"], descending=[True, False])["family"].to_list(),
                "first_seen": int(signups[0]),
                "last_seen": int(signups[-1]),
                "summary": sentence(
                    len(who), family, int(signups[0]), int(signups[-1]), int(stopped[who].sum())
                ),
                "parts": json.dumps([asdict(part) for part in (PRIOR, *parts)]),
                "rank": 0,
            }
        )
    clusters = (
        pl.DataFrame(rows, schema=CLUSTERS)
        .filter(pl.col("score") >= parameters.min_score)
        .sort(["score", "size", "id"], descending=[True, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    )
    number = clusters.select(pl.col("cluster"), row=pl.int_range(pl.len(), dtype=pl.Int32))

    def renumbered(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(number, on="cluster").with_columns(cluster="row").drop("row")

    members = renumbered(explained_members(members, edges, pool, family_names)).sort("cluster", "account")
    members = with_sharers(members, graph)
    shared = renumbered(shared_signals(pool, graph)).sort("cluster", "rank")
    kept = explained_links(
        strongest_links(links, members, family_names), edges, signal_bits(graph), family_names
    )
    return Found(clusters, members, shared, kept, graph.signals["key"])


def library_versions() -> dict[str, str]:
    """Versions of what computes, for the run's record."""
    names = ("graphsvc", "polars", "numpy", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
