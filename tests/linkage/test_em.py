"""What EM learns from pairs whose truth it is not told, against the parameters that made them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from graphsvc.linkage.em import Comparison, Pairs, Weights, learn_weights, to_probability

# Level 0 is of what cannot be compared; the others add up to 1.
M = ((0.0, 0.8, 0.15, 0.05), (0.0, 0.6, 0.3, 0.1))
U = ((0.0, 0.1, 0.85, 0.05), (0.0, 0.05, 0.85, 0.1))
LEAST, RANGE = 6.0, 14.0
"""Bits of the commonest value that makes candidates, and of the rarest beyond it."""


def made(
    seed: int, matches: int, accounts: int, others: int | None = None
) -> tuple[Pairs, NDArray[np.bool_]]:
    """Pairs by two comparisons, and which are matches. Rarity of matches is uniform; strangers share a value of b bits
    2^-b times as often, so that their number is what chance makes it among so many accounts."""
    rng = np.random.default_rng(seed)
    if others is None:
        others = round(accounts * (accounts - 1) / 2 * 2.0**-LEAST / (RANGE * np.log(2.0)))
    truth = np.arange(matches + others) < matches
    drawn = [
        np.where(truth, rng.choice(4, len(truth), p=M[at]), rng.choice(4, len(truth), p=U[at]))
        for at in (0, 1)
    ]
    chance = np.minimum(rng.exponential(1.0 / np.log(2.0), len(truth)), RANGE)
    rarity = LEAST + np.where(truth, rng.uniform(0.0, RANGE, len(truth)), chance)
    flat = np.ones(len(truth))
    levels = np.stack(drawn, axis=1).astype(np.int8)
    return Pairs(levels, np.zeros(len(truth), np.int8), rarity, flat, 0.0 * flat), truth


def learned(pairs: Pairs, accounts: int, start: tuple[tuple[float, ...], ...] = M) -> Weights:
    """Weights of the two comparisons; of strangers' levels little is known."""
    names = ("one", "other")
    return learn_weights(
        [Comparison(name, of, ((0.0, 0.3, 0.5, 0.2),)) for name, of in zip(names, start, strict=True)],
        pairs,
        accounts,
    )


@pytest.mark.parametrize("seed", range(3))
def test_em_recovers_the_parameters_that_made_the_pairs(seed: int) -> None:
    pairs, truth = made(seed, 4000, 4000)
    start = ((0.0, 0.6, 0.3, 0.1), (0.0, 0.4, 0.4, 0.2))
    found = learned(pairs, 4000, start)
    for at in range(2):
        # Half of what is said of matches is what learning began with.
        np.testing.assert_allclose(found.m[at][0][1:], (np.array(M[at]) + start[at])[1:] / 2.0, atol=0.03)
        np.testing.assert_allclose(found.u[at][0][1:], U[at][1:], atol=0.03)
    assert found.posterior.sum() == pytest.approx(truth.sum(), rel=0.1)
    assert 2.0**found.prior == pytest.approx(4000 / (4000 * 3999 / 2), rel=0.25)


def test_posteriors_are_right_as_often_as_they_say() -> None:
    pairs, truth = made(7, 4000, 4000)
    found = learned(pairs, 4000).posterior
    for low, high in ((0.0, 0.1), (0.3, 0.7), (0.9, 1.0)):
        within = (found >= low) & (found <= high)
        assert truth[within].mean() == pytest.approx(found[within].mean(), abs=0.1)


def test_where_there_are_no_matches_none_are_found() -> None:
    pairs, _ = made(8, 0, 4000)
    assert len(pairs.rarity) > 10_000
    assert (learned(pairs, 4000).posterior > 0.5).sum() <= 5


def test_evidence_from_a_pattern_is_limited_by_the_crowd_that_shows_it() -> None:
    pairs, _ = made(9, 500, 2000)
    alone = learned(pairs, 2000)
    crowded = learned(Pairs(pairs.levels, pairs.shared, pairs.rarity, pairs.weight, pairs.crowd + 1.0), 2000)
    assert (crowded.bits - crowded.prior <= pairs.rarity + 1.0 / 8).all()
    assert (alone.bits - alone.prior > pairs.rarity + 0.5).any()


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(0, 60), st.integers(2, 10_000))
def test_what_is_learned_is_always_a_probability(seed: int, matches: int, others: int, accounts: int) -> None:
    pairs, _ = made(seed, matches, accounts, others)
    found = learned(pairs, accounts)
    assert np.isfinite(np.append(found.bits, found.prior)).all()
    for table in (*found.m, *found.u):
        assert (table > 0.0).all()
        np.testing.assert_allclose(table[:, 1:].sum(axis=1), 1.0)
    assert found.posterior.min(initial=0.0) >= 0.0
    assert found.posterior.max(initial=1.0) <= 1.0


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 8.0))
def test_what_is_rarer_says_more(seed: int, more: float) -> None:
    """Of two pairs that compare alike, the one that shares the rarer value is the likelier match."""
    pairs, _ = made(seed, 60, 2000, 300)
    rarity = np.append(pairs.rarity, (8.0, 8.0 + more))
    levels = np.vstack([pairs.levels, [[1, 1], [1, 1]]]).astype(np.int8)
    nothing = np.zeros(len(rarity))
    found = learned(Pairs(levels, nothing.astype(np.int8), rarity, nothing + 1.0, nothing), 2000)
    assert found.bits[-1] > found.bits[-2]


def test_what_cannot_be_compared_says_nothing() -> None:
    pairs, _ = made(3, 500, 2000)
    levels = pairs.levels.copy()
    levels[::2, 0] = 0
    found = learned(Pairs(levels, pairs.shared, pairs.rarity, pairs.weight, pairs.crowd), 2000)
    assert (found.levels[::2, 0] == 0.0).all()
    assert (found.levels[1::2, 0] != 0.0).all()


def test_probability_of_odds() -> None:
    np.testing.assert_allclose(to_probability(np.array([0.0, 1.0, -1.0, 900.0])), [0.5, 2 / 3, 1 / 3, 1.0])
