"""How much a shared value says, in bits."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import PREFIX_KIND, family_of, kind_of


def with_prefixes(graph: SignalGraph) -> SignalGraph:
    """The graph with every address's prefix as a signal of its own (kind `prefix`).

    Addresses and prefixes are of one family, in which only the strongest agreement counts, so that an address
    shared is not counted twice.
    """
    has_parent = graph.signals.with_row_index("signal").filter(pl.col("parent") != "")
    prefixes = has_parent.select(pl.col("parent").unique().sort())
    count = graph.signals.height
    parent = np.full(count, -1, dtype=np.int32)
    rank = prefixes.with_row_index("rank", offset=count)
    placed = has_parent.join(rank, on="parent", how="left", maintain_order="left")
    parent[placed["signal"].to_numpy()] = placed["rank"].to_numpy()
    edges = pl.DataFrame(
        {"account": graph.account, "signal": parent[graph.signal], "first_seen": graph.first_seen}
    ).filter(pl.col("signal") >= 0)
    edges = edges.group_by("account", "signal").agg(pl.col("first_seen").min())
    all_edges = pl.concat(
        [
            pl.DataFrame({"account": graph.account, "signal": graph.signal, "first_seen": graph.first_seen}),
            edges,
        ]
    ).sort("account", "signal")
    added = prefixes.select(
        key=pl.lit(f"{PREFIX_KIND}:") + pl.col("parent"),
        kind=pl.lit(PREFIX_KIND),
        parent=pl.lit(""),
        **{"class": pl.lit("")},
    )
    return SignalGraph(
        graph.accounts,
        pl.concat([graph.signals, added]),
        all_edges["account"].to_numpy(),
        all_edges["signal"].to_numpy(),
        all_edges["first_seen"].to_numpy(),
    )


def degrees(graph: SignalGraph) -> NDArray[np.int64]:
    """Accounts a signal; int64, one a signal."""
    return np.bincount(graph.signal, minlength=graph.signals.height)


def signal_bits(graph: SignalGraph) -> NDArray[np.float64]:
    """Bits that sharing a signal adds to the odds that two accounts have one operator; float64, one a signal.

    log2(m/u) (Fellegi & Sunter 1969): m is the kind's prior that two accounts of one campaign share a value, u
    the share of other accounts that have the value. Never negative: not to share something is no evidence here.
    """
    kinds = graph.signals["kind"].to_list()
    prior_m = np.array([kind_of(kind).prior_m for kind in kinds])
    others = np.maximum(degrees(graph) - 1, 1)
    u = others / max(graph.accounts.height - 1, 1)
    bits: NDArray[np.float64] = np.maximum(
        signal_strengths(graph) * np.log2(prior_m / np.minimum(u, 1.0)), 0.0
    )
    return bits


def signal_strengths(graph: SignalGraph) -> NDArray[np.float64]:
    """Declared strength of each signal's kind, 0–1; float64, one a signal."""
    return np.array([kind_of(kind).strength for kind in graph.signals["kind"].to_list()])


def signal_families(graph: SignalGraph) -> tuple[NDArray[np.int32], list[str]]:
    """Family index of each signal (int32) and the families' names, sorted."""
    kinds = graph.signals["kind"].unique().to_list()
    family = {kind: "network" if kind == PREFIX_KIND else family_of(kind) for kind in kinds}
    names = sorted(set(family.values()))
    index = {kind: names.index(name) for kind, name in family.items()}
    return graph.signals["kind"].replace_strict(index, return_dtype=pl.Int32).to_numpy(), names
