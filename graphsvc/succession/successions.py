"""Banned, and born again: which new account follows which banned one, and how each campaign replaces its banned."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.campaigns.replacement import HOUR
from graphsvc.campaigns.sentences import FAMILIES
from graphsvc.model.columns import Schema
from graphsvc.model.graph import SignalGraph
from graphsvc.succession.candidates import build_estate, build_lives
from graphsvc.succession.chance import NULL
from graphsvc.succession.fitting import FOUND, FittedPairs, fit_pairs
from graphsvc.succession.handover import build_handover
from graphsvc.succession.turnover import measure_turnover

BEST = 10
"""Candidates that are kept of each new account."""
LEAST_PROBABILITY = 0.001
NAMED_BITS = 1.0
"""A family of values is named as taken over when it has these bits."""
MOMENT, TRAFFIC, PRIOR, CHANCE, RIVALS = "moment", "traffic", "prior", "chance", "rivals"
"""Parts that are no families: when it was made, its traffic, one of how many and how often the banned are replaced,
what births permuted in time match, and the claims of other new accounts on the same predecessor."""

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

`cluster`: the predecessor's, -1 = none; `inside`: whether the successor is of the same. `rank` counts from 1 among the
candidates of the successor. `probable`: more likely than not, and the one such pair of either account; `false_rate`:
share of wrong ones to be expected among all probable pairs that are at least as likely (NaN of the others). `bits`: of
the families, the moment and the traffic; `part_bits` are parallel to `parts`, and add up to the log2 of the odds that
the successor follows this account, against nobody."""


@dataclass(frozen=True, slots=True)
class Succession:
    """`pairs` (schema `PAIRS`, sorted by successor and rank), `campaigns` (`turnover.CAMPAIGNS`, a row a cluster),
    and `null` (`chance.NULL`: what births permuted in time are matched with)."""

    pairs: pl.DataFrame
    campaigns: pl.DataFrame
    null: pl.DataFrame


def find_successions(
    graph: SignalGraph,
    members: pl.DataFrame,
    *,
    seed: int = 42,
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> Succession:
    """Which banned account each new one may follow, and how each cluster replaces its banned.

    A candidate was made within 72 hours after the other was banned, and has something in common with it (`candidates`).
    Its bits are those of the values it may have taken over (log2 of m/u mixed with chance; m, the chance to take over a
    value of the kind, is learned; u is the share of others who have it, of the cluster's members where both are of one,
    so that what all members share says nothing), of its moment (evenly within 72 hours, against the sign-ups of others
    around that time) and of its traffic. The same is done with births permuted in time, and what these match by chance
    is what the probability of a match is learned from. An account follows one, and is followed by one.

    Args:
        graph: with the levels derived from its signals (`with_levels`), or without: then they are derived, which takes
            longer than all the rest.
        members: cluster, account (int32), an account in one cluster at most, in any order.
        seed: of the permutations. The same seed gives the same result.
        progress: told of stage "succession", the steps done and in all; may raise.
    """
    members = members.select("cluster", "account").sort("cluster", "account")
    lives = build_lives(graph, members)
    estate = build_estate(graph, lives)
    if not (lives.ended >= 0).any() or estate.signals.is_empty():
        pairs, null = pl.DataFrame(schema=PAIRS), pl.DataFrame(schema=NULL)
    else:
        fitted = fit_pairs(lives, estate, build_handover(graph.activity, lives), seed, progress)
        pairs, null = _build_pairs(fitted, lives.home), fitted.null
    return Succession(pairs, measure_turnover(pairs, members, graph), null)


def resolve_ids(
    found: Succession, accounts: pl.Series, clusters: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs and campaigns with ids (strings) in place of numbers; a pair of no cluster has the cluster null.

    Args:
        accounts: ids of the accounts, by their number.
        clusters: ids of the clusters, by theirs.
    """
    of = dict(enumerate(clusters))
    cluster = pl.col("cluster").replace_strict(of, default=None, return_dtype=pl.String)
    ids = {name: accounts.gather(found.pairs[name]) for name in ("successor", "predecessor")}
    return found.pairs.with_columns(cluster, **ids), found.campaigns.with_columns(cluster)


def _build_pairs(fitted: FittedPairs, home: NDArray[np.int32]) -> pl.DataFrame:
    matched = fitted.matched
    order = ["probability", "delay", "predecessor"]
    kept = (
        fitted.real.pairs.with_row_index("pair")
        .with_columns(probability=pl.Series(matched.probability))
        .sort("successor", *order, descending=[False, True, False, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("successor"))
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
    """The pairs more likely than not, from the likeliest down, each account once on either side; one a row."""
    chosen = [False] * kept.height
    likely = kept.with_row_index("row").filter(pl.col("probability") >= FOUND)
    ranked = likely.sort("probability", "delay", "successor", descending=[True, False, False])
    heirs: set[int] = set()
    legators: set[int] = set()
    for row, successor, predecessor in ranked.select("row", "successor", "predecessor").iter_rows():
        if successor not in heirs and predecessor not in legators:
            heirs.add(successor)
            legators.add(predecessor)
            chosen[row] = True
    return chosen


def _estimate_false_rate(found: pl.DataFrame) -> NDArray[np.float64]:
    """Mean of what is missing to certainty in the probable pairs that are at least as likely (Newton et al. 2004)."""
    probable = np.flatnonzero(found["probable"].to_numpy())
    missing = 1.0 - found["probability"].to_numpy()[probable]
    order = np.argsort(missing, kind="stable")
    rate = np.full(found.height, np.nan)
    rate[probable[order]] = np.cumsum(missing[order]) / np.arange(1, len(order) + 1)
    return rate


def _collect_parts(fitted: FittedPairs, rows: NDArray[np.uint32]) -> pl.DataFrame:
    """pair, bits, parts and part_bits of the pairs `rows`, the families' with most bits first, then the others."""
    weighed, matched, real = fitted.weighed, fitted.matched, fitted.real
    families = (
        real.common.select("pair", "family", bits=pl.Series(weighed.value))
        .filter(pl.col("pair").is_in(pl.Series(rows).implode()))
        .group_by("pair", "family", maintain_order=True)
        .agg(pl.col("bits"))
        # Few values a family: added up in their order, the same to the last digit in every run.
        .with_columns(bits=pl.col("bits").list.eval(pl.element().cum_sum()).list.last(), place=pl.lit(0))
    )
    named = {
        MOMENT: real.moment,
        TRAFFIC: np.where(np.isnan(real.traffic), np.nan, weighed.traffic),
        PRIOR: weighed.prior,
        CHANCE: np.log2(matched.calibration),
        RIVALS: np.log2(matched.rivals),
    }
    others = [
        pl.DataFrame({"pair": rows, "bits": bits[rows]})
        .filter(pl.col("bits").is_not_nan())
        .select("pair", pl.lit(name).alias("family"), "bits", pl.lit(place).alias("place"))
        for place, (name, bits) in enumerate(named.items(), start=1)
    ]
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
    columns = found.select("delay_hours", "parts", "part_bits", "probability").iter_rows()
    return [
        _write_sentence(delay, dict(zip(parts, bits, strict=True)), likely)
        for delay, parts, bits, likely in columns
    ]


def _write_sentence(delay: float, parts: dict[str, float], probability: float) -> str:
    pseudo = (MOMENT, TRAFFIC, PRIOR, CHANCE, RIVALS)
    named = [
        f"{FAMILIES.get(name, name.replace('_', ' '))} ({bits:+.1f} bits)"
        for name, bits in parts.items()
        if name not in pseudo and bits >= NAMED_BITS
    ]
    taken = f"with the same {', '.join(named)}" if named else "with nothing rare in common"
    over = "; it took up its traffic" if parts.get(TRAFFIC, 0.0) >= NAMED_BITS else ""
    return f"made {delay:.0f} hours after the other was stopped, {taken}{over}: {probability:.0%} likely to follow it"
