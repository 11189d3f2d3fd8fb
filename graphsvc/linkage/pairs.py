"""Pairs of accounts that share signals, with their bits. Enumeration is capped, evidence is not."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphsvc.linkage.bits import degrees, in_passing, of_kinds, signal_bits, signal_families
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.model.sums import summed
from graphsvc.signals.kinds import DERIVED, kind_of

# Families whose kinds or bands repeat one observation: sharing several of their values is still one.
ONE_OBSERVATION = ("prompt", "email", "client")
CROWDED = ("cgnat", "mobile", "vpn", "education", "corporate")
"""Classes of network behind whose addresses there are many people."""
BANDS_OF_A_TEMPLATE = 6
"""Bands that one prompt has at most: so many more shared are a second template."""
SOLE_DEGREE = 20
"""A value of a sole kind that more accounts have is not the few's that share it."""
TYING_BITS = 8.0
TYING_DEGREE = 20
"""A value is one of those that make a link if it has these bits, or no more accounts than this: among a few hundred
accounts nothing can have many bits."""


LOCKSTEP_MS = 10 * 60 * 1000
"""Sign-ups closer than this, where few others sign up, are one more thing that two accounts have in common."""


def tying(graph: SignalGraph) -> NDArray[np.bool_]:
    """Which signals can make a link; bool, one a signal."""
    degree = degrees(graph)
    by_kind = of_kinds(graph, lambda kind: kind_of(kind).ties and kind not in DERIVED, np.bool_)
    hub = degree > of_kinds(graph, lambda kind: kind_of(kind).hub_degree, np.int64)
    rare = (signal_bits(graph) >= TYING_BITS) | (degree <= TYING_DEGREE)
    crowded = graph.signals["class"].is_in(CROWDED).to_numpy()
    found: NDArray[np.bool_] = by_kind & rare & ~crowded & ~hub
    return found


def sole(graph: SignalGraph) -> NDArray[np.bool_]:
    """Which signals make a link by themselves; bool, one a signal."""
    kinds = of_kinds(graph, lambda kind: kind_of(kind).sole, np.bool_)
    found: NDArray[np.bool_] = kinds & tying(graph) & (degrees(graph) <= SOLE_DEGREE)
    return found


def joining(graph: SignalGraph) -> NDArray[np.bool_]:
    """Which signals can join cores; bool, one a signal. Those of sole kinds and addresses, as far as they tie."""
    kinds = of_kinds(graph, lambda kind: kind_of(kind).sole or kind == "ip", np.bool_)
    found: NDArray[np.bool_] = kinds & tying(graph)
    return found


def sign_ups(graph: SignalGraph) -> pl.DataFrame:
    """When each account signed up, and whether so few did around that moment that to do so too has `TYING_BITS`:
    account (int32), at (ms), quiet (bool)."""
    at = graph.accounts["created_at"].to_numpy()
    ordered = np.sort(at)
    reach = (
        np.searchsorted(ordered, at + LOCKSTEP_MS, side="right"),
        np.searchsorted(ordered, at - LOCKSTEP_MS),
    )
    quiet = ((reach[0] - reach[1]) * 2.0**TYING_BITS <= len(at)) & (at >= 0)
    return pl.DataFrame({"account": np.arange(len(at), dtype=np.int32), "at": at, "quiet": quiet})


def enumerate_links(graph: SignalGraph, *, min_values: int, chunk: int = 20_000) -> Links:
    """Pairs that share at least `min_values` independent tying values.

    A value ties when its kind does, it is rare, it is not behind an address of many people by design, and it is no
    hub. One that strangers do not come to share (a card, a device, a phone number) counts as `min_values`; bands of
    prompts count as one, and as two where they are more than one template has. To have signed up within minutes counts
    as one beside a rare value. For pairs that such values make, everything they share counts, hubs too: a popular
    template or address weighs little alone and is not nothing in conjunction. Within a family the strongest agreement
    counts, families add. Pairs are made for `chunk` accounts at a time, which bounds memory.

    Returns: links sorted by source, target; the same for the same graph whatever the number of threads.
    """
    family, names = signal_families(graph)
    signals = pl.DataFrame(
        {
            "signal": np.arange(graph.signals.height, dtype=np.int32),
            "bits": signal_bits(graph),
            "family": family,
            "degree": degrees(graph),
            "ties": tying(graph),
            "sole": sole(graph),
        }
    ).filter(pl.col("degree") > 1)
    single = pl.Series([names.index(name) for name in ONE_OBSERVATION if name in names], dtype=pl.Int32)
    prompt = names.index("prompt") if "prompt" in names else -1
    uses = {"account": graph.account, "signal": graph.signal, "passing": in_passing(graph)}
    edges = pl.DataFrame(uses).join(signals, on="signal").lazy()
    ties = edges.filter(pl.col("ties") & ~pl.col("passing")).select(
        "account", "signal", "family", "sole", "degree"
    )
    templates = 1 + (pl.col("n") > BANDS_OF_A_TEMPLATE).cast(pl.Int64)
    values = (
        pl.when(pl.col("family") == prompt)
        .then(templates)
        .when(pl.col("family").is_in(single.implode()))
        .then(1)
        .otherwise(pl.col("n") + pl.col("sole") * (min_values - 1))
        .cast(pl.Int64)
    )
    moments = sign_ups(graph).lazy()
    parts, ends = [], ["source", "target"]
    for start in range(0, graph.accounts.height, chunk):
        pairs = (
            ties.filter(pl.col("account").is_between(start, start + chunk - 1))
            .join(ties.select("signal", target="account"), on="signal")
            .filter(pl.col("target") > pl.col("account"))
            .group_by("family", source="account", target="target")
            .agg(n=pl.len(), sole=pl.col("sole").sum(), rare=(pl.col("degree") <= SOLE_DEGREE).any())
            .group_by("source", "target")
            .agg(values=values.sum(), rare=pl.col("rare").any())
            .join(moments.rename({"account": "source"}), on="source")
            .join(moments.rename({"account": "target"}), on="target", suffix="_right")
            .with_columns(
                values=pl.col("values")
                + (
                    (pl.col("at") - pl.col("at_right")).abs().le(LOCKSTEP_MS)
                    & pl.col("quiet")
                    & pl.col("rare")
                )
            )
            .filter(pl.col("values") >= min_values)
            .collect()
            .lazy()
        )
        # Every signal the two share, found from the source's signals and checked on the target's.
        shared = (
            pairs.join(edges.select("signal", "family", "bits", source="account"), on="source")
            .join(edges.select("signal", target="account"), on=["target", "signal"], how="semi")
            .group_by(*ends, "family")
            .agg(pl.col("bits").max(), pl.col("values").first())
            .sort(*ends, "family")
            .collect()
        )
        found = shared.group_by(ends, maintain_order=True).agg(
            values=pl.col("values").first(),
        )
        parts.append(found.with_columns(bits=pl.Series(summed(shared, ends, "bits"))))
    links = pl.concat(parts).sort("source", "target")
    return Links(
        graph.accounts.height,
        links["source"].to_numpy(),
        links["target"].to_numpy(),
        links["bits"].to_numpy(),
        links["values"].to_numpy(),
    )
