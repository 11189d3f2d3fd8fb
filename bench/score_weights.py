"""Holds the weights of a cluster's score to development worlds: the factor of each part, and calibration.

Every cluster that grows on a world is a candidate, with the bits of its parts and whether it is a campaign. A logistic
regression on the bits gives the factor of each part; 1 means that the weight stands. Scores are calibrated where as
many of them are campaigns as they say. Run it with `python -m bench.score_weights` after a part has changed; it takes
minutes.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench.measures.outside import read_bundle_world
from bench.sources import find_sources
from bench.trials import Name, Trials, members_of, trials
from bench.worlds import World
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.engines import Engine
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import find
from graphsvc.measure import Clock

Floats = NDArray[np.float64]

RANDOM_SEEDS = range(100, 150)
"""Seeds of random worlds. Those from 1000 on are for judging."""
MOST_ACCOUNTS = 12_000
BUILT = (
    "demo:7:60000", "hard:3:60000", "hard2:22:60000", "framing:16:60000", "quiet:5:60000",
    "sparse-identifiers:5:20000", "sparse-names:6:20000", "demo:7:5000",
)  # fmt: skip
MIXED = (0.3, 0.7)
"""Clusters of which so many members are of campaigns are neither: they tell nothing about scores."""
PENALTY = 0.001
"""Ridge penalty on how far the factors are from 1, in standard deviations of their part."""
MOST_OF_A_WORLD = 10.0
"""Candidates of one world and one side that count: worlds of many classes must not outvote the others."""
BINS = (0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0)


def collect_candidates(world: World) -> pl.DataFrame:
    """Collect the clusters that grow on a world.

    Returns:
        world, bad (share of members that are of campaigns), and each part's bits by its name.
    """
    everything = Parameters(min_score=0.0, budget=1.0)
    found, _, _ = find(world.graph, InProcessDetector(), everything, Clock(), lambda *_: None)
    if found.clusters.is_empty():
        return pl.DataFrame(schema={"world": pl.String, "bad": pl.Float64})
    joined = members_of(found, world.graph).join(
        world.truth.select("account_id", bad=pl.col("campaign_id").is_not_null()), on="account_id", how="left"
    )
    bad = joined.group_by("cluster_id").agg(pl.col("bad").fill_null(False).mean())
    parts = [{part["name"]: part["bits"] for part in json.loads(text)} for text in found.clusters["parts"]]
    table = pl.DataFrame(parts, infer_schema_length=None).with_columns(cluster_id=found.clusters["id"])
    return table.join(bad, on="cluster_id").drop("cluster_id").with_columns(world=pl.lit(world.name))


def fit_factors(bits: Floats, campaign: Floats, weight: Floats) -> tuple[float, Floats]:
    """Fit by what each part's bits should be multiplied, by ridge logistic regression; no factor is negative.

    Args:
        bits: (candidates, parts).
        campaign: (candidates,), 1 for a campaign and 0 for an honest group.
        weight: (candidates,).

    Returns:
        The prior in bits, and the factors, (parts,).
    """
    scale = bits.std(axis=0) + 1e-9
    share = weight / weight.sum()

    def loss(point: Floats) -> tuple[float, Floats]:
        log_odds = (bits @ point[1:] + point[0]) * np.log(2.0)
        error = share * (1.0 / (1.0 + np.exp(-log_odds)) - campaign) * np.log(2.0)
        value = (share * (np.logaddexp(0.0, log_odds) - campaign * log_odds)).sum()
        away = (point[1:] - 1.0) * scale
        slope = np.concatenate([[error.sum()], bits.T @ error + 2.0 * PENALTY * away * scale])
        return float(value + PENALTY * (away**2).sum()), slope

    bounds = [(None, None), *[(0.0, None)] * bits.shape[1]]
    point = minimize(loss, np.ones(bits.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(point[0]), point[1:]


def weigh_candidates(table: pl.DataFrame) -> Floats:
    """Weigh candidates so that each world counts for `MOST_OF_A_WORLD` of either side at most; (candidates,)."""
    side = table.select("world", side=pl.col("bad") > 0.5)
    count = side.select(pl.len().over("world", "side"))["len"].to_numpy()
    found: Floats = np.minimum(MOST_OF_A_WORLD / count, 1.0)
    return found


def report(table: pl.DataFrame) -> str:
    """Return the factors by part, and how many candidates of a score are campaigns, as Markdown."""
    table = table.filter((pl.col("bad") < MIXED[0]) | (pl.col("bad") > MIXED[1]))
    names = sorted(set(table.columns) - {"world", "bad", "prior"})
    bits = table.select(pl.col(names).fill_null(0.0)).to_numpy()
    campaign = (table["bad"].to_numpy() > 0.5).astype(np.float64)
    weight = weigh_candidates(table)
    prior, factors = fit_factors(bits, campaign, weight)
    stated = float(table["prior"].max())  # type: ignore[arg-type]
    lines = [
        f"{len(campaign)} candidates, {campaign.sum():.0f} campaigns, {table['world'].n_unique()} worlds", "",
        "| part | factor |", "|---|---|",
        f"| prior | {stated:.1f} bits, fitted {prior:.1f} |",
        *(f"| {name} | {factor:.2f} |" for name, factor in zip(names, factors.tolist(), strict=True)),
        "", "| score | candidates | campaigns, each world the same |", "|---|---|---|",
    ]  # fmt: skip
    score = 1.0 / (1.0 + np.exp2(-(bits.sum(axis=1) + stated)))
    for low, high in pairwise(BINS):
        within = (score >= low) & ((score < high) | (high == 1.0))
        if within.any():
            share = (weight * campaign)[within].sum() / weight[within].sum()
            lines.append(f"| {low:.2f}-{high:.2f} | {within.sum()} | {share:.2f} |")
    return "\n".join(lines)


def load_world(runner: Trials, text: str) -> World:
    """Load a world by its name (`bench.trials.Name`), a bundle with truth by its directory, or the market."""
    market = runner.sources.market
    if "/" in text:
        return read_bundle_world(text, Path(text))
    return read_bundle_world(text, market) if text == "market" and market else runner.world(Name.parse(text))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the report for the worlds that are named, or for all of development."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "worlds",
        nargs="*",
        help="scenario:seed:accounts, random:seed:most, market, or DIR/ of a bundle with truth",
    )
    named = parser.parse_args(arguments).worlds
    usual = [*(f"random:{seed}:{MOST_ACCOUNTS}" for seed in RANDOM_SEEDS), *BUILT]
    sources = find_sources(None, None, None)
    if sources.market is not None:
        usual.append("market")
    with trials(Engine.INPROCESS, sources) as runner:
        tables = [collect_candidates(load_world(runner, text)) for text in named or usual]
    print(report(pl.concat(tables, how="diagonal_relaxed")))


if __name__ == "__main__":
    main()
