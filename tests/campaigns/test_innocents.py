"""Promise: the innocents that a run states are those of its scores and memberships, all of a false cluster at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.trials import Name, trials
from graphsvc.campaigns.innocents import OUTSIDE, Innocents, estimate_innocents, spread_innocents
from graphsvc.types import Floats, Ints

Clusters = tuple[Floats, Ints, Floats]


@st.composite
def draw_clusters(draw: st.DrawFn) -> Clusters:
    number = draw(st.integers(0, 8))
    chance = st.floats(0.0, 1.0)
    size = np.array(draw(st.lists(st.integers(1, 60), min_size=number, max_size=number)), dtype=np.int64)
    score, share = (
        np.array(draw(st.lists(chance, min_size=number, max_size=number)), dtype=np.float64) for _ in range(2)
    )
    return score, size, share * size


def estimate(*clusters: tuple[float, int, float]) -> Innocents:
    score, size, doubt = (np.array(column) for column in zip(*clusters, strict=True))
    return estimate_innocents(score, size, doubt)


def test_a_cluster_is_false_at_once() -> None:
    # 56 members at .52: none or all. The mean is what never happens.
    found = estimate((0.52, 56, 0.0))
    assert found.expected == pytest.approx(0.48 * 56)
    assert (found.likely, found.low, found.high) == (0, 0, 56)
    assert spread_innocents(np.array([0.52]), np.array([56]), np.array([0.0]))[[0, 27, 56]] == pytest.approx(
        [0.52, 0.0, 0.48]
    )


def test_members_who_do_not_belong_are_few_among_many() -> None:
    found = estimate((1.0, 1_000, 8.0))
    assert found.expected == pytest.approx(8.0)
    # Negative binomial of mean 8 and shape 2: 0 with .04, at most 1 with .10; at most 20 with .952.
    assert (found.low, found.high) == (1, 20)
    assert found.low < found.likely < found.high


def test_the_likeliest_number_is_near_where_the_most_is() -> None:
    # Forty false members in all but certain, and a large cluster that is hardly false.
    found = estimate((0.01, 40, 0.0), (0.97, 400, 0.0))
    assert 40 <= found.likely <= 80
    assert found.expected == pytest.approx(0.99 * 40 + 0.03 * 400)


def test_where_nothing_is_published_there_are_no_innocents() -> None:
    nothing = np.array([], dtype=np.float64)
    assert estimate_innocents(nothing, nothing.astype(np.int64), nothing) == Innocents(0.0, 0, 0, 0)


@given(draw_clusters())
def test_the_mean_is_the_sum_of_all_doubts(clusters: Clusters) -> None:
    score, size, doubt = clusters
    probability = spread_innocents(*clusters)
    found = estimate_innocents(*clusters)
    assert probability.sum() == pytest.approx(1.0)
    assert len(probability) == size.sum() + 1
    # One by one: an innocent is who does not belong, or is in a cluster that is no campaign.
    assert found.expected == pytest.approx(float((size - score * (size - doubt)).sum()))
    assert 0 <= found.low <= found.high <= size.sum()
    assert probability[: found.low].sum() <= OUTSIDE + 1e-9
    assert probability[found.high + 1 :].sum() <= OUTSIDE + 1e-9
    # No more than all can be innocent, which alone makes the mean of the distribution less.
    mean = float(probability @ np.arange(len(probability)))
    assert mean <= found.expected + 1e-6
    if doubt.sum() <= size.sum() / 100:
        assert mean == pytest.approx(found.expected, rel=0.02, abs=0.02)


def test_the_range_holds_nine_times_in_ten_where_the_innocents_are_known() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        score, size = rng.uniform(0.5, 1.0, 12), rng.integers(8, 90, 12)
        member = [rng.uniform(0.9, 1.0, each) for each in size]
        doubt = np.array([(1.0 - each).sum() for each in member])
        campaign = rng.random(12) < score
        innocents = sum(
            int((rng.random(len(each)) >= each).sum()) if true else len(each)
            for each, true in zip(member, campaign, strict=True)
        )
        found = estimate_innocents(score, size, doubt)
        held += found.low <= innocents <= found.high
    # Nine in ten, and more: here memberships are right, and whole clusters make the ends of a range.
    assert 0.9 <= held / 400 <= 0.99


@pytest.mark.parametrize(("seed", "innocents"), [(172, 15), (152, 11)])
def test_a_run_states_a_range_that_holds_its_innocents(seed: int, innocents: int) -> None:
    with trials("inprocess") as runner:
        trial = runner.ours(runner.world(Name.parse(f"random:{seed}")))
    assert trial.figures["false_positives"]["hits"] == innocents
    low, high = (trial.thresholds[f"{end}_innocents"] for end in ("low", "high"))
    assert low <= innocents <= high
    assert low <= trial.thresholds["likely_innocents"] <= high
