"""Collect what accounts are weighed by from the graph, and find the cores that weighing begins with."""

import numpy as np
import polars as pl

from graphsvc.campaigns.membership import Evidence
from graphsvc.linkage.bursts import find_bursts
from graphsvc.linkage.signals import Incidence
from graphsvc.linkage.timing import signup_population
from graphsvc.signals.kinds import family_ties


def evidence_of(incidence: Incidence, *, signups: bool) -> Evidence:
    """Collect what accounts are weighed by: every signal that more than one account has, whatever its degree."""
    graph, signals = incidence.graph, incidence.signals
    has = np.zeros((graph.accounts.height, len(signals.families)), dtype=np.bool_)
    has[graph.account, signals.family[graph.signal]] = True
    created_at = graph.accounts["created_at"].to_numpy()
    return Evidence(
        incidence.uses,
        signals,
        incidence.count_lasting(),
        has,
        has.sum(axis=0),
        np.array([family_ties(name) for name in signals.families], dtype=np.bool_),
        signup_population(created_at) if signups else None,
    )


def find_cores(community: np.ndarray[tuple[int], np.dtype[np.int32]], smallest: int) -> pl.DataFrame:
    """Find the communities of at least `smallest` accounts: cluster, account (int32).

    Args:
        community: (accounts,) the community of each, -1 = none.
        smallest: accounts of a core, at least.
    """
    frame = pl.DataFrame({"cluster": community, "account": np.arange(len(community), dtype=np.int32)})
    return frame.filter((pl.col("cluster") >= 0) & (pl.len().over("cluster") >= smallest))


def add_bursts(
    cores: pl.DataFrame, created_at: np.ndarray[tuple[int], np.dtype[np.int64]], smallest: int
) -> pl.DataFrame:
    """Add a core for each burst of sign-ups, of its accounts that are in no core.

    A campaign whose accounts share little but came at once has no core of links. Accounts that are in a burst by chance
    are let go while clusters grow.

    Args:
        cores: cluster, account (int32), of `find_cores`.
        created_at: (accounts,) int64, ms since 1970, -1 = unknown.
        smallest: accounts of a core, at least.

    Returns:
        cluster, account: the cores, and those of bursts with numbers after theirs; sorted.
    """
    burst = find_bursts(created_at).burst.copy()
    burst[cores["account"].to_numpy()] = -1
    first = int(cores["cluster"].to_numpy().max(initial=-1)) + 1
    found = find_cores(burst, smallest).with_columns(pl.col("cluster") + first)
    return pl.concat([cores, found]).sort("cluster", "account")
