"""Worlds drawn from their seeds, looked at only as a whole: no figure of a single one is kept or shown.

Development uses seeds below 1000, so that nothing is chosen with these.
"""

import time
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from bench.baselines import BASELINES
from bench.groups import count_found, count_unmixed_clusters, find_reached, is_within_factor
from bench.trials import OURS, RANDOM, Name, Trial, Trials, say
from graphsvc.linkage.null import permute_graph

WORLDS = tuple(f"{RANDOM}:{seed}" for seed in range(1000, 1040))
LEAST = 8
"""Accounts of the smallest campaign that counts: a run publishes none of fewer."""
COMPARED = ("WCC, values shared by ≤ 10 only", "Neo4j demo's rule")
"""The fast baselines that do not flag every account."""
MEDIAN, WORST_DECILE = 0.5, 0.9
"""Shares of worlds that reach the figure that is shown."""
LOWER_IS_BETTER = ("innocents", "decoy", "expected", "true")
"""How the names of figures begin of which less is better; of all others more is."""


@dataclass(slots=True)
class Gathered:
    """Figures of one method over all worlds: by figure, the values of worlds, and counts added up over worlds."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    hits: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    of: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def random_worlds(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a method and figure: worlds, median, worst decile, and shares of worlds or of clusters.

    A world on which anything fails is counted, and is in no figure. Its error goes to standard error.
    """
    methods = {method: Gathered() for method in (OURS, *COMPARED)}
    failed = 0
    with trials.silent():
        for number, name in enumerate(worlds, 1):
            began = time.monotonic()
            try:
                _gather(trials, name, methods)
            except Exception:  # noqa: BLE001 - the other worlds are still worth hours
                failed += 1
                traceback.print_exc()
            say(
                f"random: {number} of {len(worlds)} worlds, {time.monotonic() - began:.0f} s, {failed} failed"
            )
    rows = [row for method, gathered in methods.items() for row in summarise(method, gathered)]
    return [*rows, {"method": OURS, "figure": "worlds that failed", "hits": failed, "of": len(worlds)}]


def _gather(trials: Trials, name: Name, methods: dict[str, Gathered]) -> None:
    world = trials.world(name)
    ours = trials.ours(world)
    permuted = trials.ours(world, permute_graph(world.graph, name.seed))
    theirs = {method: trials.baseline(world, method, BASELINES[method]) for method in COMPARED}
    # All of a world or nothing: from here on nothing fails.
    for method, trial in {OURS: ours, **theirs}.items():
        add_world(methods[method], world.truth, trial)
    _count(methods[OURS], "permuted worlds with nothing published", permuted.members.is_empty())


def add_world(gathered: Gathered, truth: pl.DataFrame, trial: Trial) -> None:
    """Add the figures of a method on a world.

    Args:
        truth: account_id, campaign_id, role, decoy; one row an account.
    """
    figures = trial.figures
    found = count_found(truth, trial.members, LEAST)
    rates = {
        f"campaigns of {LEAST} or more found": found.rate,
        # Where there is no campaign, what is published shows in the share of innocents.
        "precision": figures["precision"]["rate"] if figures["campaign_accounts"] else None,
        "recall": figures["recall"]["rate"],
        "largest campaign's Jaccard": figures["hydra_jaccard"] if figures["hydra"] else None,
        "innocents flagged": figures["false_positives"]["rate"],
        **{f"decoy: {name}": rate["rate"] for name, rate in figures["decoys"].items()},
        "decoys, worst class": max((rate["rate"] for rate in figures["decoys"].values()), default=None),
    }
    for name, rate in rates.items():
        if rate is not None:
            gathered.values[name].append(float(rate))
    unmixed = count_unmixed_clusters(truth, trial.members)
    gathered.hits["clusters without a second campaign"] += unmixed.hits
    gathered.of["clusters without a second campaign"] += unmixed.of
    if not figures["campaign_accounts"]:
        _count(gathered, "quiet worlds with nothing published", trial.members.is_empty())
    if trial.thresholds:
        true = figures["false_positives"]["hits"]
        expected, likely, low, high = (
            trial.thresholds[f"{name}_innocents"] for name in ("expected", "likely", "low", "high")
        )
        gathered.values["expected innocents"].append(expected)
        gathered.values["true innocents"].append(true)
        for name, said in (("expected", expected), ("likeliest", likely)):
            figure = f"{name} and true innocents within a factor of two"
            _count(gathered, figure, is_within_factor(said, true))
        _count(gathered, "true innocents within the range of nine in ten", low <= true <= high)


def summarise(method: str, gathered: Gathered) -> list[dict[str, Any]]:
    """Return one row a figure; of values also how many worlds keep the bounds that the issue asks for."""
    rows: list[dict[str, Any]] = []
    for name, values in gathered.values.items():
        higher = not name.startswith(LOWER_IS_BETTER)
        row = {
            "method": method,
            "figure": name,
            "worlds": len(values),
            "median": find_reached(values, MEDIAN, higher=higher),
            "worst_decile": find_reached(values, WORST_DECILE, higher=higher),
        }
        if not higher:
            row |= {f"at_most_{bound:g}": sum(v <= bound for v in values) for bound in (0.001, 0.01)}
        rows.append(row)
    return rows + [
        {"method": method, "figure": name, "hits": gathered.hits[name], "of": of}
        for name, of in gathered.of.items()
    ]


def _count(gathered: Gathered, name: str, met: bool) -> None:
    gathered.hits[name] += met
    gathered.of[name] += 1
