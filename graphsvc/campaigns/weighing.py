"""What accounts are weighed by, taken from the graph; and the cores that weighing begins with."""

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import Evidence
from graphsvc.linkage.bits import degrees, in_passing, signal_families, signal_levels, signal_strengths
from graphsvc.model.graph import SignalGraph
from graphsvc.signals.kinds import family_ties


def evidence_of(graph: SignalGraph, *, signups: bool) -> Evidence:
    """What accounts are weighed by: every signal that more than one account has, whatever its degree."""
    family, names = signal_families(graph)
    degree = degrees(graph)
    level = signal_levels(graph)
    passing = in_passing(graph)
    has = np.zeros((graph.accounts.height, len(names)), dtype=np.bool_)
    has[graph.account, family[graph.signal]] = True
    weighs = ((degree > 1) & (signal_strengths(graph) > 0.0))[graph.signal]
    account, signal = graph.account[weighs], graph.signal[weighs]
    edges = pl.DataFrame(
        {
            "account": account,
            "signal": signal,
            "family": family[signal],
            "level": level[signal],
            "passing": passing[weighs],
        }
    )
    ties = np.array([family_ties(name) for name in names], dtype=np.bool_)
    degree = np.bincount(graph.signal[~passing], minlength=graph.signals.height)
    return Evidence(edges, degree, has, ties, graph.accounts["created_at"].to_numpy() if signups else None)


def held(given: Evidence, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pl.DataFrame:
    """Account, signal, family of the uses of some signals (bool, one a signal), but for those in passing."""
    uses = given.edges.filter(~pl.col("passing") & pl.Series(which[given.edges["signal"].to_numpy()]))
    return uses.select("account", "signal", "family")


def cores(community: np.ndarray[tuple[int], np.dtype[np.int32]], smallest: int) -> pl.DataFrame:
    """Communities of at least `smallest` accounts: cluster, account (int32)."""
    frame = pl.DataFrame({"cluster": community, "account": np.arange(len(community), dtype=np.int32)})
    return frame.filter((pl.col("cluster") >= 0) & (pl.len().over("cluster") >= smallest))
