"""Promise: the figures of groups are what they say, on cases worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_evaluation import found, truth

from bench.groups import count_found, count_unmixed_clusters, find_reached, is_within_factor, score_pairs
from graphsvc_lab.evaluation.rates import Rate


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_a_cluster_is_mixed_when_a_second_campaign_has_more_than_a_tenth() -> None:
    people = truth({"x": names("x", 30), "y": names("y", 30)}, names("g", 30))
    # Two of twenty are a tenth, three are more; legitimate members are no campaign, but members.
    clusters = {
        "a tenth": [*names("x", 18), "y0", "y1"],
        "more": [*names("x", 30)[18:26], *names("y", 30)[2:4], "g0"],
        "legitimate": [*names("y", 30)[10:20], *names("g", 30)[10:20]],
        "strangers": ["g1", "g2"],
    }
    assert count_unmixed_clusters(people, found(clusters)) == Rate(3, 4)
    assert count_unmixed_clusters(people, found(clusters), most=0.05) == Rate(2, 4)
    assert count_unmixed_clusters(people, found({})) == Rate(0, 0)


def test_an_account_without_truth_is_a_member_of_a_mixed_cluster() -> None:
    people = truth({"x": ["x0"], "y": ["y0"]}, [])
    assert count_unmixed_clusters(people, found({"c": ["x0", "y0", *names("unknown", 7)]})) == Rate(0, 1)
    assert count_unmixed_clusters(people, found({"c": ["x0", "y0", *names("unknown", 8)]})) == Rate(1, 1)


def test_campaigns_are_found_from_a_size_on() -> None:
    people = truth({"large": names("a", 8), "small": names("b", 7), "half": names("c", 8)}, names("g", 9))
    clusters = found({"p": names("a", 8), "q": names("b", 7), "r": names("c", 4), "s": names("g", 9)})
    assert count_found(people, clusters, 8) == Rate(2, 2)
    assert count_found(people, clusters, 1) == Rate(3, 3)
    assert count_found(people, found({"r": [*names("c", 4), "g0"]}), 8) == Rate(0, 2)
    # Members whose truth is not known count for nothing.
    assert count_found(people, found({"r": [*names("c", 4), "unknown"]}), 8) == Rate(1, 2)


def test_pairs_are_counted_within_groups() -> None:
    people = truth({"x": ["1", "2", "3"], "y": ["4", "5"]}, ["6", "7"])
    pairs = score_pairs(people, found({"p": ["1", "2", "6"], "q": ["4", "5"]}))
    # In clusters 3 + 1 pairs, of which 1 + 1 are right; in groups 3 + 1.
    assert (pairs.precision, pairs.recall, pairs.f) == (Rate(2, 4), Rate(2, 4), 0.5)
    nothing = score_pairs(people, found({}))
    assert (nothing.precision.rate, nothing.recall.rate, nothing.f) == (None, 0.0, 0.0)


@pytest.mark.parametrize(
    ("expected", "true", "within"),
    [
        (0.0, 0, True),
        (0.2, 2, True),
        (0.2, 3, False),
        (5.0, 10, True),
        (5.0, 11, False),
        (11.0, 5, False),
        (2.0, 0, True),
    ],
)
def test_expected_and_true_counts_are_compared_from_one_on(expected: float, true: int, within: bool) -> None:
    assert is_within_factor(expected, true) is within


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 1.0]), st.booleans())
def test_what_is_reached_is_the_best_value_that_so_many_reach(
    values: list[int], share: float, higher: bool
) -> None:
    reached = find_reached(values, share, higher=higher)
    assert reached is not None

    def reaching(value: float) -> int:
        return sum(v >= value if higher else v <= value for v in values)

    assert reaching(reached) >= share * len(values) - 1e-9
    better = [v for v in values if (v > reached if higher else v < reached)]
    assert all(reaching(value) < share * len(values) for value in better)


def test_of_forty_worlds_the_worst_decile_is_the_thirty_sixth() -> None:
    assert find_reached(list(range(1, 41)), 0.9, higher=False) == 36
    assert find_reached(list(range(1, 41)), 0.9, higher=True) == 5
    assert find_reached([], 0.9, higher=True) is None
