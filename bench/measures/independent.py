"""Worlds of two generators that were written without knowledge of the detection, with seeds that nothing was chosen on.

Weights of scores were fitted with worlds of the same generators and seeds below 100. What is new in these worlds is
their draws: sizes, policies of operators, who meets whom.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import held_out_agents, held_out_suppliers
from bench.baselines import BASELINES
from bench.groups import count_found
from bench.held_out_agents.tables import build_tables, write_tables
from bench.held_out_suppliers.export import export, write_bundle
from bench.held_out_suppliers.simulation import simulate
from bench.measures.outside import read_bundle_world
from bench.measures.random_worlds import COMPARED, LEAST, Gathered, add_world, summarise
from bench.trials import OURS, Name, Trial, Trials, say
from bench.worlds import World

SEEDS = (101, 102)
NUMBERS = range(1, 9)
"""The worlds of each generator."""


def write_suppliers(number: int, seed: int, directory: Path) -> None:
    """Write a world of `bench.held_out_suppliers` as a bundle."""
    write_bundle(export(simulate(number, seed, None)), directory)


def write_agents(number: int, seed: int, directory: Path) -> None:
    """Write a world of `bench.held_out_agents` as a bundle."""
    write_tables(build_tables(number, seed, None), directory)


GENERATORS: dict[str, Callable[[int, int, Path], None]] = {
    held_out_suppliers.__name__: write_suppliers,
    held_out_agents.__name__: write_agents,
}
"""Writers of worlds, by the package of the generator."""


def independent(trials: Trials, _worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a generator, method and figure, as for random worlds (`bench.measures.random_worlds`)."""
    rows = []
    for generator, write in GENERATORS.items():
        methods = {method: Gathered() for method in (OURS, *COMPARED)}
        began = time.monotonic()
        for world in _make_worlds(generator, write):
            _gather(trials, world, methods)
            say(f"{world.name}, {time.monotonic() - began:.0f} s since the first")
        rows += [
            {"generator": generator, **row}
            for method, gathered in methods.items()
            for row in summarise(method, gathered)
        ]
    return rows


def _make_worlds(generator: str, write: Callable[[int, int, Path], None]) -> Iterator[World]:
    for seed in SEEDS:
        for number in NUMBERS:
            with TemporaryDirectory() as directory:
                write(number, seed, Path(directory))
                yield read_bundle_world(f"{generator}:{seed}:{number}", Path(directory))


def run_method(trials: Trials, world: World, method: str) -> Trial:
    """Run the detection, or the baseline of that name, on a world."""
    return trials.ours(world) if method == OURS else trials.baseline(world, method, BASELINES[method])


def _gather(trials: Trials, world: World, methods: dict[str, Gathered]) -> None:
    """Add the figures of all methods on a world, and what they find and flag in all."""
    for method, gathered in methods.items():
        trial = run_method(trials, world, method)
        add_world(gathered, world.truth, trial)
        found, flagged = count_found(world.truth, trial.members, LEAST), trial.figures["false_positives"]
        for name, hits, of in (
            (f"campaigns of {LEAST} or more found, in all", found.hits, found.of),
            ("innocents flagged, in all", flagged["hits"], flagged["of"]),
        ):
            gathered.hits[name] += hits
            gathered.of[name] += of
