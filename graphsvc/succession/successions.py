"""Find which new account follows which banned one, and how each campaign replaces its banned accounts."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.replacement import HOUR
from graphsvc.linkage.bits import with_levels
from graphsvc.model.columns import Schema
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import DERIVED
from graphsvc.succession.candidates import build_estate, build_lives
from graphsvc.succession.chance import NULL
from graphsvc.succession.fitting import FOUND, FittedPairs, fit_pairs
from graphsvc.succession.handover import build_handover
from graphsvc.succession.parts import CHANCE, MOMENT, PRIOR, RIVALS, TRAFFIC, write_sentence
from graphsvc.succession.predecessors import Predecessors, keep_predecessors
from graphsvc.succession.turnover import measure_turnover
from graphsvc.types import Progress, ignore_progress

BEST = 10
"""Candidates kept of each new account."""
LEAST_PROBABILITY = 0.001
"""Probability below which a pair is not kept."""
PAIRS: Schema = {
    "successor": pl.Int32,
    "predecessor": pl.Int32,
    "cluster": pl.Int32,
    "inside": pl.Boolean,
    "rank": pl.Int64,
    "probable": pl.Boolean,
    "probability": pl.Float64,
    "false_rate": pl.Float64,
    "delay_hours": pl.Float64,
    "bits": pl.Float64,
    "parts": pl.List(pl.String),
    "part_bits": pl.List(pl.Float64),
    "says": pl.String,
}
"""A new account and a banned one that it may follow.

`cluster`: the predecessor's, -1 = none. `inside`: whether the successor is in the same. `rank` counts from 1
among the candidates of the successor. `probable`: more likely than not, and the only such pair of either
account. `false_rate`: expected share of wrong pairs among all probable ones that are at least as likely (NaN
for others). `bits`: of the families, the moment and the traffic. `part_bits` are parallel to `parts`. They
add up to the log2 of the odds that the successor follows this account, against none."""


@dataclass(frozen=True, slots=True)
class Succession:
    """Result of `find_successions`.

    Attributes:
        pairs: schema `PAIRS`, sorted by successor and rank.
        campaigns: schema `turnover.CAMPAIGNS`, a row a cluster.
        null: schema `chance.NULL`: what births permuted in time are matched with.
        kept: what finds whom later accounts may follow; None where it was not asked for, or nothing could be fitted.
    """

    pairs: pl.DataFrame
    campaigns: pl.DataFrame
    null: pl.DataFrame
    kept: Predecessors | None = None


def find_successions(
    graph: SignalGraph,
    members: pl.DataFrame,
    *,
    seed: int = 42,
    progress: Progress = ignore_progress,
    keep: bool = False,
) -> Succession:
    """Find the banned account that each new one may follow, and measure how clusters replace banned accounts.

    A candidate was made within 72 hours after the other was banned, and has something in common with it
    (`find_candidates`). Its bits come from three sources:

    - Values that it may have taken over: log2 of m/u, mixed with chance. m, the chance to take over a value
      of the kind, is learned. u is the share of other accounts that have it, of the cluster's members if both
      are of one. So values that all members share say nothing.
    - Its moment: evenly within 72 hours, against the sign-ups of other accounts around that time.
    - Its traffic.

    Births permuted in time are scored in the same way. What they match by chance calibrates the probability
    of a match. An account follows one account at most, and is followed by one at most.

    Args:
        graph: with the levels derived from its signals (`with_levels`), or without. Deriving them here takes
            longer than all the rest.
        members: cluster, account (int32), an account in one cluster at most, in any order.
        seed: of the permutations. The same seed gives the same result.
        progress: called with "succession", the steps done and in all; may raise.
        keep: whether to keep what finds whom later accounts may follow.
    """
    if not graph.signals["kind"].is_in(list(DERIVED)).any():
        graph = with_levels(graph)
    # Sorted, so that the order of the caller's rows cannot change the result.
    members = members.select("cluster", "account").sort("cluster", "account")
    lives = build_lives(graph, members)
    estate = build_estate(graph, lives)
    kept = None
    # Without a banned account there is nothing to fit.
    if not (lives.ended >= 0).any():
        pairs, null = pl.DataFrame(schema=PAIRS), pl.DataFrame(schema=NULL)
    else:
        fitted = fit_pairs(lives, estate, build_handover(graph.activity, lives), seed, progress)
        pairs, null = _build_pairs(fitted, lives.home), fitted.null
        kept = keep_predecessors(graph, lives, fitted) if keep else None
    return Succession(pairs, measure_turnover(pairs, members, graph), null, kept)


def resolve_ids(
    found: Succession, accounts: pl.Series, clusters: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return pairs and campaigns with ids (strings) for numbers; a pair of no cluster has the cluster null.

    Args:
        found: pairs and campaigns by number.
        accounts: ids of the accounts, by number.
        clusters: ids of the clusters, by number.
    """
    of = dict(enumerate(clusters))
    cluster = pl.col("cluster").replace_strict(of, default=None, return_dtype=pl.String)
    ids = {name: accounts.gather(found.pairs[name]) for name in ("successor", "predecessor")}
    return found.pairs.with_columns(cluster, **ids), found.campaigns.with_columns(cluster)


def _build_pairs(fitted: FittedPairs, home: NDArray[np.int32]) -> pl.DataFrame:
    """Build the table `PAIRS` of the best candidates of each new account."""
    matched = fitted.matched
    order = ["probability", "delay", "predecessor"]
    kept = (
        fitted.real.pairs.with_row_index("pair")
        .with_columns(probability=pl.Series(matched.probability))
        .sort("successor", *order, descending=[False, True, False, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("successor"))
        # Ranks are given before this filter, so that they count all candidates.
        .filter((pl.col("rank") <= BEST) & (pl.col("probability") >= LEAST_PROBABILITY))
    )
    rows = kept["pair"].to_numpy()
    cluster = home[kept["predecessor"].to_numpy()]
    found = kept.select(
        "pair",
        "successor",
        "predecessor",
        cluster=pl.Series(cluster),
        inside=pl.Series((home[kept["successor"].to_numpy()] == cluster) & (cluster >= 0)),
        rank="rank",
        probable=pl.Series(_choose_pairs(kept), dtype=pl.Boolean),
        probability="probability",
        delay_hours=pl.col("delay") / HOUR,
    )
    if found.is_empty():
        return pl.DataFrame(schema=PAIRS)
    parts = found.select("pair").join(
        _collect_parts(fitted, rows), on="pair", how="left", maintain_order="left"
    )
    found = found.with_columns(*parts.drop("pair"), false_rate=_estimate_false_rate(found))
    return found.with_columns(says=pl.Series(_write_sentences(found), dtype=pl.String)).select(list(PAIRS))


def _choose_pairs(kept: pl.DataFrame) -> list[bool]:
    """Choose pairs more likely than not, the most likely first, each account once on either side; bool, one a row."""
    chosen = [False] * kept.height
    likely = kept.with_row_index("row").filter(pl.col("probability") >= FOUND)
    ranked = likely.sort("probability", "delay", "successor", descending=[True, False, False])
    heirs: set[int] = set()
    legators: set[int] = set()
    for row, successor, predecessor in ranked.select("row", "successor", "predecessor").iter_rows():
        # Greedy by probability: each account may be on either side once, and the likelier pair wins.
        if successor not in heirs and predecessor not in legators:
            heirs.add(successor)
            legators.add(predecessor)
            chosen[row] = True
    return chosen


def _estimate_false_rate(found: pl.DataFrame) -> NDArray[np.float64]:
    """Estimate the share of wrong pairs among the probable ones that are at least as likely.

    The estimate is the mean of 1 - probability (Newton et al. 2004); NaN for pairs that are not probable.
    """
    probable = np.flatnonzero(found["probable"].to_numpy())
    missing = 1.0 - found["probability"].to_numpy()[probable]
    # The mean of 1 - probability over the best n pairs, for each n.
    order = np.argsort(missing, kind="stable")
    rate = np.full(found.height, np.nan)
    rate[probable[order]] = np.cumsum(missing[order]) / np.arange(1, len(order) + 1)
    return rate


def _collect_parts(fitted: FittedPairs, rows: NDArray[np.uint32]) -> pl.DataFrame:
    """Return pair, bits, parts and part_bits of the pairs `rows`.

    Families come first, those of most bits first, then the other parts in a fixed order.
    """
    weighed, matched, real = fitted.weighed, fitted.matched, fitted.real
    families = (
        real.common.select("pair", "family", bits=pl.Series(weighed.value))
        .filter(pl.col("pair").is_in(pl.Series(rows).implode()))
        .group_by("pair", "family", maintain_order=True)
        .agg(pl.col("bits"))
        # A running sum in the order of rows is the same to the last digit in every run.
        .with_columns(bits=pl.col("bits").list.eval(pl.element().cum_sum()).list.last(), place=pl.lit(0))
    )
    named = {
        MOMENT: real.moment,
        TRAFFIC: np.where(np.isnan(real.traffic), np.nan, weighed.traffic),
        PRIOR: weighed.prior,
        # Factors of the odds become bits, so that all parts add up.
        CHANCE: np.log2(matched.calibration),
        RIVALS: np.log2(matched.rivals),
    }
    others = [
        pl.DataFrame({"pair": rows, "bits": bits[rows]})
        .filter(pl.col("bits").is_not_nan())
        .select("pair", pl.lit(name).alias("family"), "bits", pl.lit(place).alias("place"))
        for place, (name, bits) in enumerate(named.items(), start=1)
    ]
    # The prior and the corrections are no evidence of the pair itself, so `bits` leaves them out.
    said = pl.col("family").is_in([PRIOR, CHANCE, RIVALS])
    return (
        pl.concat([families, *others])
        .sort("pair", "place", "bits", "family", descending=[False, False, True, False])
        .group_by("pair", maintain_order=True)
        .agg(
            bits=pl.col("bits").filter(~said),
            parts="family",
            part_bits="bits",
        )
        .with_columns(bits=pl.col("bits").list.eval(pl.element().cum_sum()).list.last())
    )


def _write_sentences(found: pl.DataFrame) -> list[str]:
    """Write the sentence of each pair."""
    columns = found.select("delay_hours", "parts", "part_bits", "probability").iter_rows()
    return [
        write_sentence(delay, dict(zip(parts, bits, strict=True)), likely)
        for delay, parts, bits, likely in columns
    ]
