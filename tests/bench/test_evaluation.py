"""Promise: the figures of `evaluate` are what they say, on cases worked out by hand."""

import json
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc_lab.evaluation.metrics import evaluate
from graphsvc_lab.evaluation.report import format_evaluation


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


def graded(clusters: dict[str, tuple[float, list[tuple[str, float]]]]) -> pl.DataFrame:
    """Members by cluster: (score, [(account, membership)])."""
    rows = [
        (account, cluster, membership, score)
        for cluster, (score, group) in clusters.items()
        for account, membership in group
    ]
    names = ("account_id", "cluster_id", "membership", "cluster_score")
    return pl.DataFrame(rows, schema=list(names), orient="row")


def test_recall_at_false_positive_rates_goes_down_the_ranking_until_too_many_innocents_are_flagged() -> None:
    # 1,000 innocents: one may be flagged at 0.1 %, ten at 1 %, none at 0.01 %.
    bad = [f"b{i}" for i in range(10)]
    world = truth({"x": bad}, [f"g{i}" for i in range(1000)])
    p = (1.0, [("b0", 0.99), ("b1", 0.98), ("g0", 0.97), ("b2", 0.96)])
    q = (0.5, [("g1", 1.0), ("b3", 1.0), ("b4", 0.8)])
    points = evaluate(world, graded({"p": p, "q": q})).recall_at
    assert points is not None
    # At .5 an innocent and a member of the campaign are equal, so the second innocent ends the middle one before both.
    assert [point.recall and point.recall.hits for point in points] == [2, 3, 5]
    assert [point.threshold for point in points] == [pytest.approx(x) for x in (0.98, 0.96, 0.4)]
    assert [point.ended for point in points] == [False, False, True]


def test_a_rate_that_no_threshold_keeps_has_no_recall() -> None:
    world = truth({"x": ["b0", "b1"]}, [f"g{i}" for i in range(100)])
    points = evaluate(world, graded({"p": (1.0, [("b0", 1.0), ("g0", 1.0), ("g1", 1.0)])})).recall_at
    assert points is not None
    assert [point.recall for point in points] == [None, None, None]
    nothing = evaluate(world, graded({}).cast({"account_id": pl.String, "cluster_id": pl.String})).recall_at
    assert nothing is not None
    assert all(point.recall is not None and point.recall.hits == 0 and point.ended for point in nothing)


def test_campaigns_are_counted_by_their_size() -> None:
    def of(name: str, n: int) -> list[str]:
        return [f"{name}{i}" for i in range(n)]

    world = truth({"s": of("s", 10), "m": of("m", 49), "n": of("n", 20), "l": of("l", 250)}, ["g"])
    sizes = evaluate(world, found({"p": of("m", 49), "q": of("l", 125)})).campaigns_by_size
    assert {name: (rate.hits, rate.of) for name, rate in sizes.items()} == {
        "10–19": (0, 1),
        "20–49": (1, 2),
        "200 and more": (1, 1),
    }


def test_the_best_clusters_are_right_when_most_of_them_is_one_campaign() -> None:
    world = truth({"x": ["1", "2", "3"], "y": ["4", "5"]}, ["7", "8"])
    right = (0.9, [("1", 1.0), ("2", 1.0), ("7", 1.0)])
    # Half of one campaign and half of another is most of neither.
    mixed = (0.8, [("3", 1.0), ("4", 1.0)])
    top = evaluate(world, graded({"p": right, "q": mixed})).top_precision
    assert top is not None
    assert [(k, rate.hits, rate.of) for k, rate in top.items()] == [("10", 1, 2), ("50", 1, 2), ("100", 1, 2)]


def test_only_the_highest_scores_are_among_the_best() -> None:
    campaigns = {f"x{i}": [f"{i}a", f"{i}b"] for i in range(12)}
    world = truth(campaigns, ["7", "8"])
    clusters = {name: (0.9, [(a, 1.0) for a in group]) for name, group in campaigns.items()}
    low, high = (0.1, [("7", 1.0), ("8", 1.0)]), (1.0, [("7", 1.0), ("8", 1.0)])
    for false, hits in ((low, [10, 12]), (high, [9, 12])):
        top = evaluate(world, graded({**clusters, "f": false})).top_precision
        assert top is not None
        assert [top["10"].hits, top["50"].hits] == hits


def test_a_membership_is_judged_by_the_main_campaign_of_its_cluster() -> None:
    world = truth({"x": ["1", "2"], "y": ["3"]}, ["7", "8"])
    group = [("1", 1.0), ("2", 0.85), ("3", 0.85), ("7", 0.3)]
    judged = evaluate(world, graded({"p": (1.0, group), "q": (1.0, [("8", 0.95)])})).calibration
    assert judged is not None
    assert judged.members == 5
    assert judged.brier == pytest.approx((0 + 0.15**2 + 0.85**2 + 0.3**2 + 0.95**2) / 5)
    table = {bin.low: (bin.members, bin.said, bin.right) for bin in judged.bins if bin.members}
    assert table == {
        0.3: (1, pytest.approx(0.3), 0.0),
        0.8: (2, pytest.approx(0.85), 0.5),
        0.9: (2, pytest.approx(0.975), 0.5),
    }
    assert len(judged.bins) == 10
    assert [(bin.low, bin.members) for bin in judged.fine] == [(0.9, 1), (0.99, 0), (0.999, 1)]


def test_members_without_scores_have_no_curve_and_no_calibration() -> None:
    figures = evaluate(truth({"x": ["1", "2"]}, ["3"]), found({"p": ["1", "2"]}))
    assert (figures.recall_at, figures.top_precision, figures.calibration) == (None, None, None)


def test_everything_is_shown_as_text_and_as_json() -> None:
    world = truth({"x": [f"{i}" for i in range(12)]}, ["g", "h"], decoy="office")
    clusters = {"p": (0.9, [(f"{i}", 0.95) for i in range(9)]), "q": (0.2, [("g", 0.55)])}
    figures = evaluate(world, graded(clusters))
    text = format_evaluation(figures)
    for shown in ("of 10–19", "best 10 clusters", "Brier of membership", "said 0.5–0.6", "per true group"):
        assert shown in text
    assert "stated by the run" not in text
    said = format_evaluation(figures, {"expected": 1.5, "likely": 1.0, "low": 0.0, "high": 4.0})
    assert "stated by the run      1  (nine runs in ten: 0 to 4; on average 1.5)" in said
    plain = json.loads(json.dumps(figures.to_dict()))
    assert plain["campaigns_by_size"]["10–19"] == {"hits": 1, "of": 1, "rate": 1.0}
    assert plain["recall_at"][0]["recall"] == {"hits": 9, "of": 12, "rate": 0.75}
    assert plain["calibration"]["bins"][9]["members"] == 9


def rounded(value: object) -> object:
    """Without the last digits, which depend on the order of a sum."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 12) if isinstance(value, float) else value


Groups = st.dictionaries(st.integers(0, 40).map(str), st.integers(0, 6).map(str), max_size=41)


@given(Groups, Groups, st.randoms(use_true_random=False))
def test_figures_hold_for_any_truth_and_any_result(
    campaigns: dict[str, str], clusters: dict[str, str], random: Random
) -> None:
    everyone = pl.DataFrame({"account_id": [str(i) for i in range(41)]}).with_columns(
        campaign_id=pl.col("account_id").replace_strict(campaigns, default=None, return_dtype=pl.String),
        role=pl.lit(None, dtype=pl.String),
        decoy=pl.lit(None, dtype=pl.String),
    )
    rows = [(a, c, random.random(), float(c) / 6) for a, c in clusters.items()]
    members = pl.DataFrame(
        rows,
        schema={
            "account_id": pl.String,
            "cluster_id": pl.String,
            "membership": pl.Float64,
            "cluster_score": pl.Float64,
        },
        orient="row",
    )
    figures = evaluate(everyone, members)
    shuffled = evaluate(everyone.reverse(), members.sample(fraction=1, shuffle=True, seed=1))
    assert rounded(figures.to_dict()) == rounded(shuffled.to_dict())
    for value in (figures.bcubed_f, figures.bcubed_by_campaign_f, figures.hydra_jaccard):
        assert 0 <= value <= 1
    assert sum(rate.of for rate in figures.campaigns_by_size.values()) == figures.campaigns_found.of
    hits = [p.recall.hits for p in figures.recall_at or () if p.recall is not None]
    assert hits == sorted(hits)
    assert max(hits, default=0) <= figures.recall.hits
    if figures.calibration is not None:
        assert 0 <= figures.calibration.brier <= 1
        assert sum(bin.members for bin in figures.calibration.bins) == len(clusters)
