"""Run a detection, from top to bottom: read → bits → links → cores → campaigns → scores → publish."""

import platform
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Protocol

import polars as pl

from graphsvc.campaigns.gather import gather_cores
from graphsvc.campaigns.grow import grow
from graphsvc.campaigns.join import join_cores
from graphsvc.campaigns.judgement import Bar, judge, large
from graphsvc.campaigns.namesakes import find_namesakes
from graphsvc.campaigns.parameters import Parameters
from graphsvc.campaigns.weighing import add_bursts, evidence_of, find_cores
from graphsvc.community.components import compute_resolution
from graphsvc.community.engines import SPARK
from graphsvc.community.protocol import Detector
from graphsvc.errors import Cancelled, DetectionError, GraphsvcError
from graphsvc.lineage.follow import follow
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.pairs import MEMORY, enumerate_links
from graphsvc.linkage.signals import Incidence
from graphsvc.linkage.window import recent
from graphsvc.measure import Clock, MemoryNeed, estimate_need
from graphsvc.model.certificate import build_certificate
from graphsvc.model.clusters import Found
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.model.runs import Run, new_run_id
from graphsvc.model.stages import Stage
from graphsvc.scoring.files import IndexFiles
from graphsvc.scoring.index import ScoreIndex, add_predecessors, build_index
from graphsvc.signing import Signer
from graphsvc.store import Store
from graphsvc.store.control import watch_requests
from graphsvc.store.graph import Reading, count_accounts, count_nodes, read_graph_since
from graphsvc.store.identities import read_known
from graphsvc.store.pins import read_pins
from graphsvc.store.publish import (
    begin_run,
    certify,
    fail_run,
    forget_members,
    publish,
    record_input,
    record_stages,
)
from graphsvc.store.runs import read_published_run
from graphsvc.store.snapshots import Snapshots
from graphsvc.succession.successions import Succession, find_successions
from graphsvc.types import Progress, ignore_progress

LEAST_JOINING = 3
"""Accounts of the smallest community that may join others. On random worlds (seeds 150-189) 80.0 % of campaigns have a
cluster of their own with 2, 81.0 % with 3, 75.7 % with 4."""


class Source(Protocol):
    """A population outside of the database, whose graph and links are made elsewhere (`loading.spark`)."""

    def read(self, progress: Progress) -> SignalGraph:
        """Return the graph, the same as a load and a reading would give."""
        ...

    def link(self, incidence: Incidence, *, min_values: int, memory: int, progress: Progress) -> Links:
        """Return the links that `enumerate_links` would."""
        ...

    def bring(
        self, store: Store, graph: SignalGraph, found: Found, succession: Succession, progress: Progress
    ) -> None:
        """Write the accounts of a result, and what is around them, into the database, where it is published."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of `detect`. `clusters` and `members` count campaigns; likely businesses are counted apart."""

    run: Run
    clusters: int
    members: int
    businesses: int
    business_members: int
    links: int
    stages: list[Stage]
    thresholds: dict[str, float]
    lineage: pl.DataFrame
    """Events of identities since the run before, schema `model.lineage.EVENTS`."""
    whole: str
    """Reason for reading the full graph although one was kept; '' where it was not read in full."""


def detect(
    store: Store,
    detector: Detector,
    parameters: Parameters,
    progress: Progress = ignore_progress,
    *,
    signer: Signer | None = None,
    snapshots: Snapshots | None = None,
    indexes: IndexFiles | None = None,
    memory: int | None = None,
    whole: bool = False,
    name: str | None = None,
    source: Source | None = None,
) -> Outcome:
    """Run a detection over the full graph, and publish its result.

    The same graph, parameters and engine give the same clusters, scores and memberships. A run that fails or is
    cancelled (Ctrl-C, `store.control.cancel_run`) is recorded so and leaves what was published before.

    Args:
        store: the database.
        detector: finds the communities of links.
        parameters: every number that the run depends on; pins are read from the database.
        progress: called with the stage, rows done, and rows in all.
        signer: signs the run's certificate; without one it is not signed.
        snapshots: keeps the graph for `verify`, and lets the next run read only what loads wrote since. The members of
            as many past runs stay in the database too.
        indexes: keeps what sign-ups are scored against; switched when the run is published.
        memory: bytes that the run may take.
        whole: reads the full graph even where one is kept.
        name: id of the run, if it was requested under one (`store.control.request_run`).
        source: population to detect in, where it is not that of the database.

    Returns:
        The run, the counts of what it published, its stages and thresholds.

    Raises:
        ResourceError: it would take more memory or disk than there is; nothing was begun.
        DetectionError: there is nothing to detect on, or the engine cannot do it.
        Cancelled: a user asked it to stop.
        ExportError: the graph cannot be kept.
        DatabaseUnavailable: the database does not answer.
        DatabaseRefused: the database refused a statement.
    """
    clock = Clock()
    needed = expected(store, memory)
    # Before anything is written: a run that does not fit leaves no trace.
    _check_run(store, needed, source, parameters)
    parameters = replace(parameters, pins=tuple(read_pins(store).rows()))
    versions = {**library_versions(), **detector.versions()}
    run = Run(
        id=name or new_run_id(),
        engine=detector.name,
        algorithm=parameters.algorithm.value,
        seed=parameters.seed,
        parameters=asdict(parameters),
        versions=versions,
    )
    begin_run(store, run, datetime.now(UTC))
    progress = watch_requests(store, run.id, progress)
    try:
        with clock.measure_stage("read") as stage:
            reading = _read(store, source, None if whole else snapshots, progress)
            graph = reading.graph
            stage.rows = len(graph.account)
        if not graph.accounts.height:
            raise DetectionError(
                "There are no accounts in the graph.", "Load a bundle first: `graphsvc load BUNDLE`."
            )
        with clock.measure_stage("keep"):
            run = _keep_input(store, run, reading, snapshots)
        found, links, incidence = find(
            graph,
            detector,
            parameters,
            clock,
            progress,
            memory=needed.compute_working_memory(MEMORY),
            source=source,
        )
        with clock.measure_stage("certify"):
            certificate = build_certificate(run, graph, found)
            certify(store, certificate, signer)
        with clock.measure_stage("identities") as stage:
            followed = follow(found, graph, read_known(store))
            stage.rows = followed.events.height
        index = _build_index(indexes, run, incidence, followed.found, parameters, clock)
        # Uses that a window leaves out may still tell whom an account follows.
        uses = graph if parameters.window else incidence.graph
        del incidence
        campaigns = found.select_campaigns()
        succession = _find_successions(uses, campaigns.members, progress, clock, keep=index is not None)
        if indexes is not None and index is not None:
            indexes.keep(add_predecessors(index, succession.kept))
        with clock.measure_stage("publish") as stage:
            if source is not None:
                source.bring(store, graph, found, succession, progress)
            publish(store, run, graph, followed, succession, certificate.result_hash, progress)
            # After the commit: scores never name a cluster that was not published.
            if indexes is not None:
                indexes.switch(run.id)
            if snapshots is not None:
                forget_members(store, snapshots.most)
            stage.rows = found.members.height
    except (GraphsvcError, KeyboardInterrupt) as error:
        # Ctrl-C is recorded too, or the run would seem to be running for ever.
        code = error.code if isinstance(error, GraphsvcError) else Cancelled.code
        fail_run(store, run, code)
        record_stages(store, run, clock.stages)
        raise
    record_stages(store, run, clock.stages)
    return Outcome(
        run,
        campaigns.clusters.height,
        campaigns.members.height,
        found.clusters.height - campaigns.clusters.height,
        found.members.height - campaigns.members.height,
        len(links),
        clock.stages,
        found.thresholds,
        followed.events,
        reading.why,
    )


def _check_run(store: Store, needed: MemoryNeed, source: Source | None, parameters: Parameters) -> None:
    """Check that a run can be done here.

    Raises:
        ResourceError: it does not fit. A source says so itself, once it knows how much there is.
        DetectionError: the source cannot do it, or the database holds a part of what was detected in last.
    """
    if source is None:
        needed.check()
        _check_population(store)
    elif parameters.window:
        raise DetectionError(
            "The engine spark has no window: it counts a use for as long as the bundle has it.",
            "Leave --window out, or export the uses of the last days only.",
        )


def _check_population(store: Store) -> None:
    """Check that the database holds what the last run detected in, if that was on Spark.

    Raises:
        DetectionError: it holds a part of it.
    """
    last, here = read_published_run(store), count_accounts(store)
    # A run on Spark brings what it found, a small part. Forgetting and retention take less than half away.
    if last is not None and last.engine == SPARK and 2 * here < (last.accounts or 0):
        raise DetectionError(
            f"The last run read {last.accounts:,} accounts on Spark, and the database holds {here:,} of them: "
            "a run here would replace its clusters by those of a part.",
            "Use --engine spark again, or load the bundle first.",
        )


def _read(store: Store, source: Source | None, snapshots: Snapshots | None, progress: Progress) -> Reading:
    """Read the graph of a run: from the source, or from the database, continuing from what was kept."""
    if source is not None:
        graph = source.read(progress)
        # Without a watermark: no later reading of the database continues from it.
        return Reading(graph, None, graph.accounts.height)
    # Passed on at once: two graphs would double the memory of the rest of the run.
    return read_graph_since(store, progress, snapshots.latest() if snapshots is not None else None)


def _keep_input(store: Store, run: Run, reading: Reading, snapshots: Snapshots | None) -> Run:
    """Record what a run has read, and keep the graph; return the run with its input."""
    graph = reading.graph
    run = replace(
        run,
        # Reading what was kept proved that it is undamaged, so its fingerprint holds.
        input_hash=reading.kept.fingerprint if reading.kept else graph.fingerprint(),
        accounts=graph.accounts.height,
        signals=graph.signals.height,
        newest_signup=int(graph.accounts["created_at"].max()),  # type: ignore[arg-type]
    )
    record_input(store, run)
    if snapshots is not None:
        snapshots.keep(run.id, graph, reading.watermark, fingerprint=run.input_hash, kept=reading.kept)
    return run


def _build_index(
    indexes: IndexFiles | None,
    run: Run,
    incidence: Incidence,
    found: Found,
    parameters: Parameters,
    clock: Clock,
) -> ScoreIndex | None:
    """Build what sign-ups will be scored against, once the run is published; None where no indexes are kept."""
    if indexes is None:
        return None
    with clock.measure_stage("index") as stage:
        index = build_index(run.id, incidence, found, signups="signup" in parameters.time)
        stage.rows = len(index.digests)
    return index


def _find_successions(
    graph: SignalGraph, members: pl.DataFrame, progress: Progress, clock: Clock, *, keep: bool
) -> Succession:
    with clock.measure_stage("succession") as stage:
        found = find_successions(graph, members, progress=progress, keep=keep)
        stage.rows = found.pairs.height
    return found


def expected(store: Store, memory: int | None = None) -> MemoryNeed:
    """Estimate what a run over the graph as it is now would take; `memory`: bytes that it may."""
    return estimate_need(**count_nodes(store), ceiling=memory)


def find(
    graph: SignalGraph,
    detector: Detector,
    parameters: Parameters,
    clock: Clock,
    progress: Progress,
    *,
    memory: int = MEMORY,
    source: Source | None = None,
) -> tuple[Found, Links, Incidence]:
    """Find the clusters of a graph: everything between reading and publishing.

    Args:
        graph: the graph as it was read.
        detector: finds the communities of links.
        parameters: every number that the run depends on.
        clock: measures the stages.
        progress: called with the stage, rows done, and rows in all.
        memory: bytes that pairs may take on the way; the result does not depend on it.
        source: makes the links elsewhere, the same ones.

    Returns:
        The clusters with their evidence, the links, and the graph with levels (`bits.with_levels`) and its columns.
    """
    with clock.measure_stage("links") as stage:
        full = with_levels(recent(graph, parameters.window) if parameters.window else graph)
        incidence = Incidence.of(full)
        make_links = enumerate_links if source is None else source.link
        links = make_links(incidence, min_values=parameters.min_values, memory=memory, progress=progress)
        stage.rows = len(links)
    progress("links", len(links), len(links))
    with clock.measure_stage("communities") as stage:
        gamma = parameters.gamma * compute_resolution(links)
        community = detector.communities(
            links, parameters.algorithm, gamma=gamma, seed=parameters.seed, progress=progress
        )
        stage.rows = int(community.max(initial=-1)) + 1
    with clock.measure_stage("campaigns") as stage:
        given = evidence_of(incidence, signups="signup" in parameters.time)
        # Triples may join what is larger, or each other. Alone they are too few to learn from.
        grown = find_cores(community, LEAST_JOINING if parameters.joining else parameters.min_core)
        if "arrivals" in parameters.time:
            grown = add_bursts(grown, graph.accounts["created_at"].to_numpy(), parameters.min_core)
        if parameters.joining:
            grown = gather_cores(given, large(join_cores(given, grown), parameters.min_core))
        members, weighed = grow(given, grown, parameters.rounds, progress, joining=parameters.joining)
        if not parameters.rounds:
            # Without growing, candidates outside of the cores must not become members.
            weighed = weighed.rows(weighed.member)
        stage.rows = len(weighed.account)
    with clock.measure_stage("scores") as stage:
        bar = Bar(
            min_size=parameters.min_size,
            min_score=parameters.min_score,
            min_coordination=parameters.min_coordination,
            budget=parameters.budget,
            time=parameters.time,
            pins=parameters.pins,
        )
        # Pairs and triples are too few to learn from: only where they are wanted, names decide.
        small = find_namesakes(full) if parameters.min_size < parameters.min_core else None
        found = replace(judge(full, given, weighed, links, bar, progress, small), grown=members)
        stage.rows = found.clusters.height
    progress("clusters", found.clusters.height, found.clusters.height)
    return found, links, incidence


def library_versions() -> dict[str, str]:
    """Return the versions of what computes, for the run's record."""
    names = ("graphsvc", "polars", "numpy", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}
