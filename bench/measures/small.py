"""A ring of twelve among three hundred accounts, and the same world permuted."""

from typing import Any

from bench.small import CAMPAIGN, make_small_world
from bench.trials import Name, Trials
from graphsvc.linkage.null import permute_graph
from graphsvc_lab.evaluation.metrics import FOUND_JACCARD

WORLDS = tuple(f"small:{seed}:300" for seed in range(1, 11))


def small(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a world: whether the ring is found, what else is flagged, and what is published of the permuted world."""
    rows = []
    for name in worlds:
        world = make_small_world(name.seed)
        trial = trials.ours(world)
        permuted = trials.ours(world, permute_graph(world.graph, name.seed), method="permuted")
        rows.append(
            {
                "world": str(name),
                "campaign": CAMPAIGN,
                "jaccard": trial.figures["hydra_jaccard"],
                "found": trial.figures["hydra_jaccard"] >= FOUND_JACCARD,
                "clusters": trial.figures["clusters"],
                "false_positives": trial.figures["false_positives"],
                "permuted_clusters": permuted.figures["clusters"],
                "permuted_members": permuted.members.height,
            }
        )
    return rows
