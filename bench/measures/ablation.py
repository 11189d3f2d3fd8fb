"""What each family of signals and each step is worth: the detection without it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from bench.trials import Name, Trials
from graphsvc.campaigns.parameters import Parameters
from graphsvc.model.graph import SignalGraph
from graphsvc.model.runs import Algorithm
from graphsvc.signals.kinds import family_of

WORLDS = ("hard:12:60000",)
TIME = Parameters().time
"""Names of the evidence from time."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """A detection without something: a change of the graph it reads, a change of its parameters, or both."""

    name: str
    transform: Callable[[SignalGraph], SignalGraph] | None = None
    changes: tuple[tuple[str, object], ...] = ()


STEPS = (
    Ablation("without growing", changes=(("rounds", 0),)),
    Ablation("without joining cores", changes=(("joining", False),)),
    Ablation("WCC cores instead of Leiden", changes=(("algorithm", Algorithm.WCC),)),
    Ablation("without the filter by score", changes=(("min_score", 0.0), ("budget", 1.0))),
    Ablation("without evidence of time", changes=(("time", ()),)),
    *(
        Ablation(
            f"without time: {name}", changes=(("time", tuple(other for other in TIME if other != name)),)
        )
        for name in TIME
    ),
)


def without_family(graph: SignalGraph, family: str) -> SignalGraph:
    """The graph as if no signal of `family` had been loaded."""
    kept = np.array([family_of(kind) != family for kind in graph.signals["kind"]], dtype=np.bool_)
    number = np.cumsum(kept, dtype=np.int32) - np.int32(1)
    edges = kept[graph.signal]
    return replace(
        graph,
        signals=graph.signals.filter(pl.Series(kept)),
        account=graph.account[edges],
        signal=number[graph.signal[edges]],
        first_seen=graph.first_seen[edges],
        last_seen=graph.last_seen[edges],
    )


def without_activity(graph: SignalGraph) -> SignalGraph:
    """The graph as if no hourly traffic had been loaded."""
    return replace(graph, activity=graph.activity.clear())


def without_bans(graph: SignalGraph) -> SignalGraph:
    """The graph as if nobody had ever been banned, suspended or closed."""
    active = graph.accounts.with_columns(
        status=pl.lit("active"), status_changed_at=pl.lit(-1, dtype=pl.Int64)
    )
    return replace(graph, accounts=active)


def ablations(graph: SignalGraph) -> Iterator[Ablation]:
    """The whole, then without each family there is, without what is no signal, without each step."""
    yield Ablation("all of it")
    for family in sorted({family_of(kind) for kind in graph.signals["kind"].unique()}):
        yield Ablation(f"without {family}", partial(without_family, family=family))
    yield Ablation("without hourly traffic", without_activity)
    yield Ablation("without bans", without_bans)
    yield from STEPS


def ablation(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row an ablation and world."""
    rows = []
    for name in worlds:
        world = trials.world(name)
        for without in ablations(world.graph):
            graph = without.transform(world.graph) if without.transform else world.graph
            trial = trials.ours(world, graph, method=without.name, **dict(without.changes))
            rows.append(trial.row())
    return rows
