"""What accounts are weighed by, taken from the graph; and the cores that weighing begins with."""

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import Evidence
from graphsvc.campaigns.uses import Uses
from graphsvc.linkage.bits import degrees, in_passing, signal_families, signal_levels, signal_strengths
from graphsvc.linkage.timing import signup_population
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import family_ties


def evidence_of(graph: SignalGraph, *, signups: bool) -> Evidence:
    """What accounts are weighed by: every signal that more than one account has, whatever its degree."""
    family, names = signal_families(graph)
    passing = in_passing(graph)
    has = np.zeros((graph.accounts.height, len(names)), dtype=np.bool_)
    has[graph.account, family[graph.signal]] = True
    several = (degrees(graph) > 1) & (signal_strengths(graph) > 0.0)
    weighs = several[graph.signal]
    uses = Uses.of(
        graph.account[weighs],
        graph.signal[weighs],
        passing[weighs],
        accounts=graph.accounts.height,
        signals=graph.signals.height,
    )
    created_at = graph.accounts["created_at"].to_numpy()
    return Evidence(
        uses,
        family,
        signal_levels(graph),
        np.bincount(graph.signal[~passing], minlength=graph.signals.height),
        has,
        has.sum(axis=0),
        np.array([family_ties(name) for name in names], dtype=np.bool_),
        signup_population(created_at) if signups else None,
    )


def cores(community: np.ndarray[tuple[int], np.dtype[np.int32]], smallest: int) -> pl.DataFrame:
    """Communities of at least `smallest` accounts: cluster, account (int32)."""
    frame = pl.DataFrame({"cluster": community, "account": np.arange(len(community), dtype=np.int32)})
    return frame.filter((pl.col("cluster") >= 0) & (pl.len().over("cluster") >= smallest))
