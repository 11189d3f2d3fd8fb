"""From joined cores to campaigns: accounts that belong are taken in, those that do not are let go."""

from collections.abc import Callable

import numpy as np
import polars as pl

from graphsvc.campaigns.backbone import find_backbone
from graphsvc.campaigns.membership import Evidence, Weighed, weigh

SETTLED = 0.0003
"""Growing ends when fewer than this share of memberships changes in a round."""
GROWING = 0.5
"""Probability with which an account must belong while clusters grow."""

Progress = Callable[[str, int, int], None]


def grow(
    given: Evidence,
    cores: pl.DataFrame,
    rounds: int,
    progress: Progress = lambda _stage, _done, _total: None,
) -> tuple[pl.DataFrame, Weighed]:
    """Lets clusters take in who belongs and let go who does not, until nothing much changes.

    Each round learns from every cluster's members what agreement with it is worth, weighs all accounts by it, and gives
    each to the cluster that its evidence favours: hard expectation maximisation (Dempster et al. 1977; McLachlan and
    Peel 2000, section 2.21).

    Args:
        cores: cluster, account (int32).
        rounds: at most.
        progress: told of stage "grow", rounds done and in all, before each and at the end; may raise.

    Returns: members (cluster, account, sorted) and all candidates as weighed by them.
    """
    members = cores.select("cluster", "account").sort("cluster", "account")
    progress("grow", 0, rounds)
    # What hangs on to a core by a single value or account is a candidate like all others.
    weighed = weigh(given, members, find_backbone(given, members))
    for number in range(rounds):
        grown = best(weighed, GROWING).select("cluster", "account")
        came = grown.join(members, on=["cluster", "account"], how="anti")
        went = members.join(grown, on=["cluster", "account"], how="anti")
        if max(came.height, went.height) <= SETTLED * members.height:
            break
        members = grown
        # A cluster's evidence depends on its own members only: what did not change need not be weighed again.
        changed = pl.concat([came, went])["cluster"].unique()
        again = members.filter(pl.col("cluster").is_in(changed.implode()))
        weighed = weighed.without(changed.to_list()).with_rows(
            weigh(given, again, find_backbone(given, again))
        )
        progress("grow", number + 1, rounds)
    progress("grow", rounds, rounds)
    return members, weighed


def best(weighed: Weighed, least: float) -> pl.DataFrame:
    """Each account's best cluster, where it belongs with at least `least`: row (of `weighed`), cluster, account,
    membership; sorted by cluster and account."""
    row = np.flatnonzero(weighed.membership >= least)
    account = weighed.account[row]
    several = (np.bincount(account) > 1)[account]
    rivals = weighed.rows(row[several])
    order = np.lexsort((rivals.cluster, -rivals.bits, rivals.account))
    first = order[np.diff(rivals.account[order], prepend=-1) != 0]
    row = np.sort(np.concatenate([row[~several], row[several][first]]))
    return pl.DataFrame(
        {
            "row": row,
            "cluster": weighed.cluster[row],
            "account": weighed.account[row],
            "membership": weighed.membership[row],
        }
    )
