"""Succession on seeded worlds, against the true predecessors, and on the same worlds with births permuted in time."""

import math
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from bench.trials import Name, Trials, say
from bench.worlds import World, graph_of_bundle, tokens
from graphsvc.linkage.bits import with_levels
from graphsvc.model.graph import SignalGraph
from graphsvc.succession.candidates import build_lives
from graphsvc.succession.successions import Succession, find_successions
from graphsvc_lab.evaluation.succession import Figures, measure_ceilings, measure_successions
from graphsvc_lab.evaluation.truth import read_truth
from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.world import World as Seeded
from graphsvc_lab.worlds.world import create_world

TRAIN = ("hard:3:120000", "demo:7:120000")
"""Worlds that were looked at while succession was built."""
WORLDS = ("hard:61:120000", "hard:62:120000", "demo:63:120000", *TRAIN)
PERMUTATIONS = 3


def succession(trials: Trials, worlds: list[Name]) -> list[dict[str, Any]]:
    """One row a world: figures with the clusters as detected, as true, and with none; of births permuted; ceilings."""
    return [_measured(trials, name) for name in worlds]


def predecessors(world: Seeded, accounts: pl.Series) -> pl.DataFrame:
    """Whom each replacement follows: successor, predecessor (int32, places in `accounts`, the ids)."""
    place = pl.DataFrame({"id": accounts, "account": np.arange(len(accounts), dtype=np.int32)})
    ids = world.people.ids
    rows = []
    for members, rank in zip(world.people.parts, world.people.place, strict=True):
        heirs = np.flatnonzero(members.predecessor >= 0)
        pair = {"successor": rank[heirs], "predecessor": rank[members.predecessor[heirs]]}
        rows.append(pl.DataFrame({name: ids.gather(rows) for name, rows in pair.items()}))
    found = pl.concat(rows)
    for name in ("successor", "predecessor"):
        found = found.join(place, left_on=name, right_on="id").drop(name).rename({"account": name})
    return found.sort("successor")


def permuted(graph: SignalGraph, members: pl.DataFrame, seed: int) -> SignalGraph:
    """The graph with the moments of sign-up permuted among the members of each cluster, and among all others."""
    moved = build_lives(graph, members).permute_births(np.random.default_rng([seed, 1]))
    return replace(graph, accounts=graph.accounts.with_columns(created_at=pl.Series(moved.created)))


def _measured(trials: Trials, name: Name) -> dict[str, Any]:
    world, true = _world(name)
    true_clusters = _numbered(world, world.truth.drop_nulls("campaign_id"), "campaign_id")
    clusters = {
        "detected": _numbered(world, trials.ours(world).members, "cluster_id"),
        "true": true_clusters,
        "none": true_clusters.clear(),
    }
    full = with_levels(world.graph)
    row: dict[str, Any] = {"world": str(name), "births": true.height}
    row["ceilings"] = {
        key: {**asdict(rate), "rate": rate.rate} for key, rate in measure_ceilings(world.graph, true).items()
    }
    for kind, members in clusters.items():
        began = time.monotonic()
        result = find_successions(full, members)
        seconds = time.monotonic() - began
        scored = measure_successions(result.pairs, true)
        row[kind] = {
            **scored.to_dict(),
            "seconds": round(seconds, 2),
            "pairs": result.pairs["probable"].sum(),
        }
        say(f"{name}, clusters {kind}: {_line(scored)}, {seconds:.1f} s")
        if kind == "detected":
            row["campaigns"] = _campaigns(world, result, members, true)
            row["by_kind"] = _families(result)
    row["permuted"] = [_permuted(full, clusters["detected"], true, seed) for seed in range(PERMUTATIONS)]
    row["load"] = round(os.getloadavg()[0], 2)
    return row


def _world(name: Name) -> tuple[World, pl.DataFrame]:
    made = create_world(scenario.load_scenario(name.scenario), name.accounts, name.seed)
    with TemporaryDirectory() as directory:
        bundle = Path(directory)
        for table, frame in made.iter_tables():
            frame.write_parquet(bundle / f"{table}.parquet")
        world = World(str(name), graph_of_bundle(bundle, tokens()), read_truth(bundle / "truth.parquet"))
    return world, predecessors(made, world.graph.accounts["id"])


def _numbered(world: World, members: pl.DataFrame, cluster: str) -> pl.DataFrame:
    """Members by account_id and the name of their cluster as cluster, account (int32)."""
    place = world.graph.accounts.select(account_id="id", account=pl.int_range(pl.len(), dtype=pl.Int32))
    number = pl.col(cluster).rank("dense").cast(pl.Int32) - 1
    found = members.join(place, on="account_id").select("account", cluster=number)
    return found.select("cluster", "account").sort("cluster", "account")


def _permuted(graph: SignalGraph, members: pl.DataFrame, true: pl.DataFrame, seed: int) -> dict[str, Any]:
    """What is found where births were permuted; `still`: pairs of the truth that are by accident within reach yet."""
    result = find_successions(permuted(graph, members, seed), members)
    scored = measure_successions(result.pairs, true)
    still = result.pairs.join(true, on=["successor", "predecessor"], how="semi").height
    pairs = result.pairs.filter("probable").height
    say(f"  births permuted: {pairs} pairs, of which {scored.precision.hits} of the truth; {_line(scored)}")
    return {
        "pairs": pairs,
        "of_the_truth": scored.precision.hits,
        "still": still,
        "first": scored.first.rate,
        "mrr": scored.mrr,
    }


def _campaigns(
    world: World, result: Succession, members: pl.DataFrame, true: pl.DataFrame
) -> list[dict[str, Any]]:
    """The largest clusters with bans: what is said of them, and what is true of their members."""
    created = world.graph.accounts["created_at"]
    ended = world.graph.accounts["status_changed_at"]
    delay = (created.gather(true["successor"]) - ended.gather(true["predecessor"])) / 3_600_000
    known = true.with_columns(delay=delay).join(members.rename({"account": "predecessor"}), on="predecessor")
    shown = result.campaigns.filter(pl.col("stopped") > 0).sort("size", descending=True).head(5)
    rows = []
    for row in shown.iter_rows(named=True):
        followed = known.filter(pl.col("cluster") == row["cluster"])
        said = {
            key: _number(row[key])
            for key in (
                "size",
                "stopped",
                "pairs",
                "by_chance",
                "rate",
                "delay_hours",
                "half_life_days",
                "half_life_at_pace",
            )
        }
        rows.append(
            {
                **said,
                "waves": len(row["wave_at"]),
                "true_rate": followed.height / row["stopped"],
                "true_delay_hours": followed["delay"].median(),
                "says": row["says"],
            }
        )
    return rows


def _number(value: float) -> float | None:
    """The value, or null where there is none: JSON has no NaN."""
    return None if math.isnan(value) else value


def _families(result: Succession) -> dict[str, float]:
    """Bits by part, on average over the probable pairs."""
    parts = result.pairs.filter("probable").select("parts", "part_bits").explode("parts", "part_bits")
    total = result.pairs["probable"].sum()
    sums = parts.group_by("parts").agg(pl.col("part_bits").sum() / max(total, 1)).sort("parts")
    return dict(sums.iter_rows())


def _line(scored: Figures) -> str:
    first, precision, recall = (
        scored.first.rate or 0.0,
        scored.precision.rate or 0.0,
        scored.recall.rate or 0.0,
    )
    return f"first {first:.3f}, MRR {scored.mrr:.3f}, precision {precision:.3f}, recall {recall:.3f}"
