"""Promise: among what is published no more innocents are to be expected than the budget allows, and nobody who is more
likely not a member."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.campaigns.budget import FLOOR, LEAST_INNOCENTS, threshold

PROBABILITIES = st.lists(st.floats(0.0, 1.0) | st.sampled_from([0.5, 0.6, 0.75, 0.9, 1.0]), max_size=60).map(
    np.array
)
ACCOUNTS = st.integers(1, 20_000)
BUDGET = st.floats(0.0, 0.01)


def test_a_threshold_by_hand() -> None:
    # Forty at .9 are 36 guilty and 4 innocents, thirty at .5 are 15 of each. Of 10,000 accounts there is room for not
    # quite 10 innocents: those of one probability are treated alike, so that all thirty stay out.
    probability = np.array([0.9] * 40 + [0.5] * 30 + [0.2] * 500)
    assert threshold(probability, 10_000, 0.001) == pytest.approx((0.9, 4.0))
    # 19 innocents are a thousandth of the innocents there are where 19,000 are left beside the 51 guilty.
    assert threshold(probability, 19_060, 0.001) == pytest.approx((FLOOR, 19.0))
    assert threshold(probability, 19_040, 0.001) == pytest.approx((0.9, 4.0))


def test_a_few_innocents_are_allowed_however_few_accounts_there_are() -> None:
    probability = np.array([0.9] * 20 + [0.7] * 20)
    least, innocents = threshold(probability, 100, 0.001)
    assert (least, innocents) == pytest.approx((0.9, 2.0))
    assert innocents <= LEAST_INNOCENTS


def test_where_all_of_one_probability_are_too_many_nobody_is_published() -> None:
    probability = np.array([0.6] * 10)
    least, innocents = threshold(probability, 100, 0.001)
    assert not (probability >= least).any()
    assert innocents == 0.0


def test_nobody_to_publish_leaves_the_floor() -> None:
    assert threshold(np.array([]), 100, 0.001) == (FLOOR, 0.0)
    assert threshold(np.array([0.4, 0.1]), 100, 0.001) == (FLOOR, 0.0)


@given(PROBABILITIES, ACCOUNTS, BUDGET)
def test_the_innocents_to_expect_are_within_the_budget(
    probability: np.ndarray[tuple[int], np.dtype[np.float64]], accounts: int, budget: float
) -> None:
    least, innocents = threshold(probability, accounts, budget)
    published = probability[probability >= least]
    assert FLOOR <= least <= 1.0
    assert innocents == pytest.approx(float((1.0 - published).sum()), abs=1e-9)
    assert innocents <= max(budget * (accounts - float(published.sum())), LEAST_INNOCENTS) + 1e-9
    # What the budget would still have paid for stays out only with others of its probability, or below the floor.
    if least > FLOOR:
        left = probability[(probability < least) & (probability >= FLOOR)]
        following = probability[probability >= left.max()]
        room = max(budget * (accounts - float(following.sum())), LEAST_INNOCENTS)
        assert float((1.0 - following).sum()) > room - 1e-9


@given(PROBABILITIES, ACCOUNTS, BUDGET, BUDGET)
def test_a_larger_budget_never_publishes_less(
    probability: np.ndarray[tuple[int], np.dtype[np.float64]], accounts: int, one: float, other: float
) -> None:
    smaller, larger = sorted((one, other))
    few, many = (threshold(probability, accounts, budget) for budget in (smaller, larger))
    assert many[0] <= few[0]
    assert many[1] >= few[1]


@given(PROBABILITIES, st.randoms(use_true_random=False))
def test_the_order_of_accounts_changes_nothing(
    probability: np.ndarray[tuple[int], np.dtype[np.float64]], random: object
) -> None:
    shuffled = probability.tolist()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert threshold(np.array(shuffled), 1_000, 0.001) == threshold(probability, 1_000, 0.001)
