"""How much a shared value says, in bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray

from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import LEVELS, family_of, kind_of, level_of

PASSING_MS = 3_600_000
PASSING_SHARE = 0.2
"""Share of the uses of a kind that may be in passing for it to mean something."""


def with_levels(graph: SignalGraph) -> SignalGraph:
    """The graph with what signals are part of as signals of their own: prefix and system of an address, BIN of a card.

    They are of the family of the signal they come from, in which only the strongest agreement counts, so that an
    address shared is not counted twice.
    """
    parts, edges, count = [graph.signals], [_edges(graph)], graph.signals.height
    for kind, names in LEVELS.items():
        for name, column in zip(names, ("parent", "grandparent"), strict=True):
            has = graph.signals.with_row_index("signal").filter(
                (pl.col(column) != "") & (pl.col("kind") == kind)
            )
            values = has.select(pl.col(column).unique().sort())
            if not name or values.is_empty():
                continue
            rank = values.with_row_index("rank", offset=count)
            level = np.full(graph.signals.height, -1, dtype=np.int32)
            placed = has.join(rank, on=column, how="left", maintain_order="left")
            level[placed["signal"].to_numpy()] = placed["rank"].to_numpy()
            moved = edges[0].with_columns(signal=pl.Series(level[graph.signal])).filter(pl.col("signal") >= 0)
            seen = pl.when(pl.col("first_seen") >= 0).then("first_seen").min().fill_null(-1)
            edges.append(
                moved.group_by("account", "signal").agg(seen.alias("first_seen"), pl.col("last_seen").max())
            )
            nothing = {other: pl.lit("") for other in ("parent", "grandparent", "class")}
            keys = pl.lit(f"{name}:") + pl.col(column)
            parts.append(values.select(key=keys, kind=pl.lit(name), **nothing))
            count += values.height
    merged = pl.concat(edges).sort("account", "signal")
    return SignalGraph(
        graph.accounts,
        pl.concat(parts),
        merged["account"].to_numpy(),
        merged["signal"].to_numpy(),
        merged["first_seen"].to_numpy(),
        merged["last_seen"].to_numpy(),
        graph.activity,
    )


def _edges(graph: SignalGraph) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "account": graph.account,
            "signal": graph.signal,
            "first_seen": graph.first_seen,
            "last_seen": graph.last_seen,
        }
    )


def in_passing(graph: SignalGraph) -> NDArray[np.bool_]:
    """Which uses of signals were in passing: begun and ended within an hour; bool, one an edge.

    Who wants an innocent to look like his own visits the innocent's address once, or lets him pay once with a card of
    his. Kinds of which many uses are so, or whose times are not known, say nothing by it, and have none.
    """
    known = (graph.first_seen >= 0) & (graph.last_seen >= 0)
    short = known & (graph.last_seen - graph.first_seen < PASSING_MS)
    kind = graph.signals["kind"].rank("dense").to_numpy()[graph.signal]
    total = np.bincount(kind)
    usual = np.bincount(kind, weights=short, minlength=len(total)) > PASSING_SHARE * np.maximum(total, 1)
    found: NDArray[np.bool_] = short & ~usual[kind]
    return found


def degrees(graph: SignalGraph) -> NDArray[np.int64]:
    """Accounts a signal; int64, one a signal."""
    return np.bincount(graph.signal, minlength=graph.signals.height)


def of_kinds(graph: SignalGraph, attribute: Callable[[str], Any], dtype: DTypeLike) -> NDArray[Any]:
    """What a function of a kind's name gives for each signal; asked once a kind, one a signal, of `dtype`."""
    return by_kind(graph.signals["kind"], attribute, dtype)


def by_kind(kinds: pl.Series, attribute: Callable[[str], Any], dtype: DTypeLike) -> NDArray[Any]:
    """What a function of a kind's name gives for each of `kinds`; asked once a kind."""
    names = kinds.unique().sort()
    place = kinds.rank("dense").cast(pl.Int64).to_numpy() - 1
    found: NDArray[Any] = np.array([attribute(name) for name in names], dtype=dtype)[place]
    return found


def signal_bits(graph: SignalGraph) -> NDArray[np.float64]:
    """Bits that sharing a signal adds to the odds that two accounts have one operator; float64, one a signal.

    log2(m/u) (Fellegi & Sunter 1969): m is the kind's prior that two accounts of one campaign share a value, u
    the share of other accounts that have the value. Never negative: not to share something is no evidence here.
    """
    prior_m = of_kinds(graph, lambda kind: kind_of(kind).prior_m, np.float64)
    others = np.maximum(degrees(graph) - 1, 1)
    u = others / max(graph.accounts.height - 1, 1)
    bits: NDArray[np.float64] = np.maximum(
        signal_strengths(graph) * np.log2(prior_m / np.minimum(u, 1.0)), 0.0
    )
    return bits


def signal_strengths(graph: SignalGraph) -> NDArray[np.float64]:
    """Declared strength of each signal's kind, 0–1; float64, one a signal."""
    strengths: NDArray[np.float64] = of_kinds(graph, lambda kind: kind_of(kind).strength, np.float64)
    return strengths


def signal_families(graph: SignalGraph) -> tuple[NDArray[np.int32], list[str]]:
    """Family index of each signal (int32) and the families' names, sorted."""
    names = sorted({family_of(kind) for kind in graph.signals["kind"].unique()})
    return of_kinds(graph, lambda kind: names.index(family_of(kind)), np.int32), names


def signal_levels(graph: SignalGraph) -> NDArray[np.int8]:
    """Level of each signal: 0 a value itself, 1 what it is part of, 2 what that is part of; int8, one a signal."""
    return of_kinds(graph, level_of, np.int8)
