"""Promise: the figures of `evaluate` are what they say, on cases worked out by hand."""

import polars as pl
import pytest

from graphsvc.evaluation.metrics import evaluate


def truth(campaigns: dict[str, list[str]], innocent: list[str], decoy: str | None = None) -> pl.DataFrame:
    rows = [(a, campaign, "member", None) for campaign, group in campaigns.items() for a in group]
    rows += [(a, None, None, decoy) for a in innocent]
    schema = {"account_id": pl.String, "campaign_id": pl.String, "role": pl.String, "decoy": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def found(clusters: dict[str, list[str]]) -> pl.DataFrame:
    rows = [(a, cluster) for cluster, group in clusters.items() for a in group]
    return pl.DataFrame(rows, schema={"account_id": pl.String, "cluster_id": pl.String}, orient="row")


def test_a_perfect_result() -> None:
    figures = evaluate(
        truth({"x": ["1", "2"], "y": ["3", "4"]}, ["5"]), found({"p": ["1", "2"], "q": ["3", "4"]})
    )
    assert (figures.precision.rate, figures.recall.rate, figures.bcubed_f) == (1.0, 1.0, 1.0)
    assert figures.campaigns_found.rate == 1.0
    assert figures.hydra_jaccard == 1.0


def test_the_example_worked_out_by_hand() -> None:
    # Campaign x = {1,2,3,4}; cluster p takes three of them and the innocent 9, cluster q is false.
    figures = evaluate(
        truth({"x": ["1", "2", "3", "4"]}, ["7", "8", "9", "10"], decoy="office"),
        found({"p": ["1", "2", "3", "9"], "q": ["7", "8"]}),
    )
    assert (figures.precision.hits, figures.precision.of) == (3, 6)
    assert (figures.recall.hits, figures.recall.of) == (3, 4)
    assert (figures.false_positives.hits, figures.false_positives.of) == (3, 4)
    assert figures.decoys["office"].rate == 0.75
    assert figures.hydra_jaccard == pytest.approx(3 / 5)
    assert figures.largest_false_cluster == 2
    # Records 1,2,3,4,9,7,8. Precision: three of 3/4, 1 for the lone 4, 1/4 for 9, 1/2 for 7 and for 8.
    assert figures.bcubed_precision == pytest.approx((3 * 0.75 + 1 + 0.25 + 2 * 0.5) / 7)
    # Recall: 1,2,3 find 3/4 of x, 4 finds 1/4; each innocent is a category of its own.
    assert figures.bcubed_recall == pytest.approx((3 * 0.75 + 0.25 + 3) / 7)


def test_nothing_found_and_nothing_to_find() -> None:
    none = evaluate(truth({"x": ["1", "2"]}, ["3"]), found({}))
    assert (none.precision.rate, none.recall.rate, none.hydra_fragments) == (None, 0.0, 0)
    quiet = evaluate(truth({}, ["1", "2"]), found({}))
    assert (quiet.recall.rate, quiet.hydra, quiet.false_positives.rate) == (None, None, 0.0)
