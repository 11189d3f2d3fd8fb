"""Publish pairs and small groups of accounts that names and e-mail addresses say are one person's.

A campaign is found by what many of its accounts share. Two accounts of one person are too few to learn from, and share
only a way of writing a name.
"""

import numpy as np
import polars as pl

from graphsvc.campaigns.aspects import Part
from graphsvc.linkage.names import group_texts, link_texts
from graphsvc.model.clusters import WHY
from graphsvc.model.graph import SignalGraph

LEAST = 0.7
"""Posterior from which two accounts are one person's. Of the development identities .5 to .9 give the same pair F of
.91; .7 finds 282 of 311 people at a precision of .96 (docs/decisions/names.md)."""
NAMES = "names"
"""The part of a score, and the family of evidence, that names are."""

COLUMNS = {"cluster": pl.Int32, "account": pl.Int32, "membership": pl.Float64, "bits": pl.Float64, **WHY}


def find_namesakes(graph: SignalGraph, least: float = LEAST) -> pl.DataFrame:
    """Find groups of accounts that are one person's by their names and e-mail addresses.

    An account belongs as surely as its strongest link within the group says.

    Args:
        graph: as `SignalGraph` says.
        least: posterior from which two accounts are linked.

    Returns:
        cluster (numbered from 0), account (int32), membership (0-1), bits (log2 odds), and why (schema `WHY`), sorted
        by cluster and account.
    """
    links = link_texts(graph)
    group = group_texts(links, least)
    inside = (group[links.source] == group[links.target]) & (group[links.source] >= 0)
    strongest = np.full(links.nodes, -np.inf)
    for end in (links.source, links.target):
        np.maximum.at(strongest, end[inside], links.bits[inside])
    # An account of a group can lack any link within it, and then nothing tells how surely it belongs.
    account = np.flatnonzero((group >= 0) & np.isfinite(strongest)).astype(np.int32)
    bits = strongest[account]
    return pl.DataFrame(
        {
            "cluster": group[account],
            "account": account,
            "membership": 1.0 / (1.0 + np.exp2(-bits)),
            "bits": bits,
            "families": [[NAMES]] * len(account),
            "family_bits": bits[:, None].tolist(),
            "signals": [[-1]] * len(account),
        },
        schema=COLUMNS,
    ).sort("cluster", "account")


def describe_namesakes(groups: pl.DataFrame) -> dict[int, list[Part]]:
    """Describe why each group is one person's, as the parts of a score.

    Args:
        groups: of `find_namesakes`.

    Returns:
        By cluster, one part: the least log2 odds of its accounts.
    """
    least = groups.group_by("cluster", maintain_order=True).agg(pl.col("bits").min())
    says = "names and e-mail addresses are one person's as surely as that"
    return {cluster: [Part(NAMES, bits, says)] for cluster, bits in least.iter_rows()}
