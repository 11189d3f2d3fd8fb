"""Pairs of accounts that share signals, with their bits. Enumeration is capped, evidence is not."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.linkage.bits import degrees, signal_bits, signal_families
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.signals.kinds import PREFIX_KIND, kind_of

# Families whose kinds or bands repeat one observation: sharing several of their values is still one.
ONE_OBSERVATION = ("prompt", "email", "client")
PREFIX_HUB_DEGREE = 40
CROWDED = ("cgnat", "mobile", "vpn", "education", "corporate")
"""Classes of network behind whose addresses there are many people."""
TYING_BITS = 8.0
"""Bits a value must have to be one of the values that make a link."""


def hub_degrees(graph: SignalGraph) -> NDArray[np.int64]:
    """Largest number of accounts at which a signal yields candidate pairs by itself; int64, one a signal."""
    kinds = graph.signals["kind"].to_list()
    return np.array(
        [PREFIX_HUB_DEGREE if kind == PREFIX_KIND else kind_of(kind).hub_degree for kind in kinds]
    )


def enumerate_links(graph: SignalGraph, *, min_values: int, min_bits: float, chunk: int = 20_000) -> Links:
    """Pairs that share at least `min_values` independent values and `min_bits` bits.

    A pair becomes a candidate when it shares a tying signal that is not a hub; then everything it shares counts, hubs
    too: a popular template or address weighs little alone and is not nothing in conjunction. Within a family
    the strongest agreement counts, families add. Candidates are made for `chunk` accounts at a time, which
    bounds memory.

    Returns: links sorted by source, target; the same for the same graph whatever the number of threads.
    """
    family, names = signal_families(graph)
    bits = signal_bits(graph)
    is_prefix = (graph.signals["kind"] == PREFIX_KIND).to_numpy()
    crowded = graph.signals["class"].is_in(CROWDED).to_numpy()
    ties = np.array([kind_of(kind).ties for kind in graph.signals["kind"].to_list()])
    signals = pl.DataFrame(
        {
            "signal": np.arange(graph.signals.height, dtype=np.int32),
            "bits": bits,
            "family": family,
            "hub": degrees(graph) > hub_degrees(graph),
            # A prefix is not a value beside the address in it; what is common, or many people's by design, ties nobody.
            "counts": ties & ~is_prefix & ~crowded & (bits >= TYING_BITS),
        }
    )
    single = pl.Series([names.index(name) for name in ONE_OBSERVATION if name in names], dtype=pl.Int32)
    edges = pl.DataFrame({"account": graph.account, "signal": graph.signal}).join(
        signals.with_columns(degree=pl.Series(degrees(graph))).filter(pl.col("degree") > 1).drop("degree"),
        on="signal",
    )
    rare = edges.filter(pl.col("counts") & ~pl.col("hub"))
    parts = []
    for start in range(0, graph.accounts.height, chunk):
        here = pl.col("account").is_between(start, start + chunk - 1)
        candidates = (
            rare.lazy()
            .filter(here)
            .join(rare.lazy().select("signal", target="account"), on="signal")
            .filter(pl.col("target") > pl.col("account"))
            .select(source="account", target="target")
            .unique()
        )
        # Every signal the two share, found from the source's signals and checked on the target's.
        shared = (
            candidates.join(edges.lazy().rename({"account": "source"}), on="source")
            .join(edges.lazy().select(target="account", signal="signal"), on=["target", "signal"], how="semi")
            .group_by("source", "target", "family")
            .agg(pl.col("bits").max(), counted=pl.col("counts").sum().cast(pl.Int16))
            .with_columns(
                counted=pl.when(pl.col("family").is_in(single.implode()))
                .then(pl.min_horizontal("counted", 1))
                .otherwise("counted")
            )
            # Summed in the order of families: the same bits to the last digit in every run.
            .sort("source", "target", "family")
            .group_by("source", "target", maintain_order=True)
            .agg(
                pl.col("bits").sum(),
                families=(pl.lit(1, dtype=pl.Int64) * 2 ** pl.col("family").cast(pl.Int64))
                .sum()
                .cast(pl.Int64),
                values=pl.col("counted").sum().cast(pl.Int16),
            )
            .filter((pl.col("values") >= min_values) & (pl.col("bits") >= min_bits))
            .collect()
        )
        parts.append(shared)
    links = pl.concat(parts).sort("source", "target")
    return Links(
        graph.accounts.height,
        links["source"].to_numpy(),
        links["target"].to_numpy(),
        links["bits"].to_numpy(),
        links["families"].to_numpy(),
        links["values"].to_numpy(),
    )
