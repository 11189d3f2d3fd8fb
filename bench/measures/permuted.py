"""Graphs permuted so that no campaign is left: whatever is published of them is false."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.measures.outside import read_bundle_world, read_converted
from bench.realdata.__main__ import SETS
from bench.trials import Name, Trials, say
from bench.worlds import World
from graphsvc.linkage.null import permute_graph

WORLDS = ("hard:12:60000", "demo:14:60000", "quiet:15:60000", "sparse-identifiers:17:20000")
SEEDS = (1, 2, 3)


def permuted(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a world and seed of the permutation: clusters, accounts published, and innocents expected.

    After the worlds that are named come the data sets that were given.
    """
    rows = []
    for world in _all_worlds(trials, worlds):
        for seed in SEEDS:
            trial = trials.ours(world, permute_graph(world.graph, seed), method=f"permuted {seed}")
            row = {
                "world": world.name,
                "seed": seed,
                "clusters": trial.figures["clusters"],
                "members": trial.members.height,
                "accounts": world.graph.accounts.height,
                "expected_innocents": trial.thresholds.get("expected_innocents", 0.0),
            }
            say(f"{world.name}, permuted {seed}: {row['clusters']} clusters of {row['members']} accounts")
            rows.append(row)
    return rows


def _all_worlds(trials: Trials, worlds: list[Name]) -> Iterator[World]:
    for name in worlds:
        yield trials.world(name)
    if trials.sources.market is not None:
        yield read_bundle_world("market", trials.sources.market)
    for data_set in SETS:
        repository = getattr(trials.sources, data_set)
        if repository is not None:
            with TemporaryDirectory() as directory:
                yield read_converted(data_set, repository, Path(directory))
