"""Figures of er-evaluation (Binette & Reiter 2022), the library of entity resolution, for a published result.

Its B-cubed averages over true groups with equal weight; `graphsvc evaluate` shows that beside the average over records.
The library is AGPL and brings pandas, plotly, scikit-learn and igraph: it is used here and in a test, and never by
what is installed.
"""

import warnings

import pandas as pd
import polars as pl


def bcubed(truth: pl.DataFrame, members: pl.DataFrame) -> tuple[float, float, float]:
    """B-cubed precision, recall and F over true groups, of the accounts in a campaign or a cluster.

    An account in no campaign is a true group of its own, one in no cluster a cluster of its own; 1.0 where there is
    no such account. Frames as `graphsvc_lab.evaluation.metrics.evaluate` takes them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Its import takes two seconds, and every process of the tests imports this module.
        from er_evaluation.metrics import b_cubed_precision, b_cubed_recall

    joined = truth.select("account_id", "campaign_id").join(
        members.select("account_id", "cluster_id"), on="account_id", how="left"
    )
    records = joined.filter(pl.col("campaign_id").is_not_null() | pl.col("cluster_id").is_not_null())
    if records.is_empty():
        return 1.0, 1.0, 1.0
    own = pl.lit("account ") + pl.col("account_id")
    named = records.select(
        "account_id",
        reference=pl.coalesce(pl.lit("campaign ") + pl.col("campaign_id"), own),
        prediction=pl.coalesce(pl.lit("cluster ") + pl.col("cluster_id"), own),
    )
    index = pd.Index(named["account_id"].to_list())
    reference = pd.Series(named["reference"].to_list(), index=index)
    prediction = pd.Series(named["prediction"].to_list(), index=index)
    with warnings.catch_warnings():
        # Written for an older pandas: every call warns of an argument that no longer does anything.
        warnings.simplefilter("ignore")
        precision = float(b_cubed_precision(prediction, reference))
        recall = float(b_cubed_recall(prediction, reference))
    return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0
