"""Promise: cells that sign up at the same moments again and again are one campaign, though they share no value. One
common moment joins nothing, nor does a habit that only two or three groups have in common."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson
from small import evidence, members_of

from graphsvc.campaigns import meetings
from graphsvc.campaigns.join import join_cores
from graphsvc.campaigns.meetings import join_meeting, measure_meetings
from graphsvc.campaigns.membership import Evidence
from graphsvc.linkage.timing import DAY, HOUR, MINUTE, signup_population
from graphsvc.types import Ints

OTHERS = 4_000
SPAN = 60 * DAY
START = 1_700_000_000_000
CELL = 6


def draw_population(seed: int = 0) -> Ints:
    """Draw the sign-ups of all accounts, evenly over sixty days."""
    return START + np.random.default_rng(seed).integers(0, SPAN, OTHERS)


def give_sessions(created_at: Ints, cells: int, sessions: int, *, seed: int = 1, first: int = 0) -> None:
    """Have the accounts of each cell sign up within ten minutes of the campaign's sessions, each in one of its own."""
    rng = np.random.default_rng(seed)
    moments = START + rng.integers(0, SPAN, sessions)
    for cell in range(first, first + cells):
        chosen = rng.permutation(sessions)[:CELL] if sessions > CELL else rng.integers(0, sessions, CELL)
        created_at[cell * CELL : (cell + 1) * CELL] = moments[chosen] + rng.integers(0, 5 * MINUTE, CELL)


def with_signups(created_at: Ints) -> Evidence:
    return replace(evidence([], len(created_at)), signups=signup_population(created_at))


def cells_of(cells: int) -> pl.DataFrame:
    return members_of(*(range(cell * CELL, (cell + 1) * CELL) for cell in range(cells)))


def as_sets(members: pl.DataFrame) -> set[frozenset[int]]:
    return {frozenset(part["account"].to_list()) for part in members.partition_by("cluster")}


def test_cells_of_one_campaign_join_and_strangers_stay_apart() -> None:
    created_at = draw_population()
    give_sessions(created_at, 12, 8)
    members = cells_of(40)
    joined = join_meeting(with_signups(created_at), members)
    sets = as_sets(joined)
    assert max(sets, key=len) >= set(range(10 * CELL))
    assert sum(len(group) > CELL for group in sets) == 1
    assert joined.equals(join_cores(with_signups(created_at), members))


@pytest.mark.parametrize("seed", range(5))
def test_groups_that_came_by_chance_do_not_join(seed: int) -> None:
    members = cells_of(200)
    assert join_meeting(with_signups(draw_population(seed)), members).equals(members)


def test_a_common_busy_week_joins_nothing() -> None:
    # All of twenty operators work in one week out of nine, at hours of their own.
    created_at = draw_population()
    rng = np.random.default_rng(3)
    created_at[: 20 * CELL] = START + 20 * DAY + rng.integers(0, 7 * DAY, 20 * CELL)
    members = cells_of(40)
    assert join_meeting(with_signups(created_at), members).equals(members)


def test_one_common_moment_is_one_meeting_however_many_sign_up() -> None:
    created_at = draw_population()
    created_at[:300] = START + 30 * DAY + np.random.default_rng(2).integers(0, 8 * MINUTE, 300)
    one, _, _ = measure_meetings(
        signup_population(created_at), np.arange(300, dtype=np.int32), np.arange(300) // 30
    )
    assert not len(one)


def test_two_groups_with_one_habit_stay_apart() -> None:
    created_at = draw_population()
    give_sessions(created_at, 2, 6)
    members = cells_of(40)
    assert join_meeting(with_signups(created_at), members).equals(members)
    one, other, bits = measure_meetings(
        signup_population(created_at), members["account"].to_numpy(), members["cluster"].to_numpy()
    )
    assert (one[np.argmax(bits)], other[np.argmax(bits)]) == (0, 1)


def test_bits_by_hand() -> None:
    # One sign-up an hour, and two groups that meet in three of their four occasions, each of one account.
    created_at = START + np.arange(1_000) * HOUR + np.arange(1_000) * 7_919 % MINUTE
    created_at[[0, 1, 2, 3]] = START + np.array([100, 300, 500, 700]) * HOUR + 30 * MINUTE
    created_at[[4, 5, 6, 7]] = START + np.array([100, 300, 500, 900]) * HOUR + 33 * MINUTE
    population = signup_population(created_at)
    one, other, bits = measure_meetings(
        population, np.arange(8, dtype=np.int32), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    )
    # Within ten minutes there is the other account alone, or none, which counts half. 1,000 accounts count as 1,024.
    mean = 3 * -np.expm1(-4 * 1 / 1024) + -np.expm1(-4 * 0.5 / 1024)
    assert (one.tolist(), other.tolist()) == ([0], [1])
    assert bits[0] == pytest.approx(-np.log2(poisson.sf(2, mean)), rel=1e-6)


def test_unknown_sign_ups_say_nothing() -> None:
    created_at = draw_population()
    give_sessions(created_at, 12, 8)
    created_at[: 12 * CELL] = -1
    members = cells_of(40)
    assert join_meeting(with_signups(created_at), members).equals(members)
    assert join_meeting(evidence([], OTHERS), members).equals(members)
    assert join_meeting(with_signups(created_at), members_of()).is_empty()


@given(st.permutations(range(16)), st.integers(0, 3))
def test_the_names_of_cells_do_not_matter(names: list[int], seed: int) -> None:
    created_at = draw_population(seed)
    give_sessions(created_at, 8, 7, seed=seed)
    members = cells_of(16)
    renamed = members.with_columns(cluster=pl.Series(names, dtype=pl.Int32).gather(members["cluster"]))
    known = with_signups(created_at)
    assert as_sets(join_meeting(known, renamed)) == as_sets(join_meeting(known, members))


def test_groups_that_are_asked_for_meet_all_others() -> None:
    created_at = draw_population()
    give_sessions(created_at, 12, 8)
    members = cells_of(40)
    group = members["cluster"].to_numpy()
    given_ = (signup_population(created_at), members["account"].to_numpy(), group)
    asked = np.arange(40) % 5 == 0
    one, other, bits = measure_meetings(*given_)
    met = asked[one] | asked[other]
    assert 0 < met.sum() < len(one)
    for part, same in zip(measure_meetings(*given_, 0.0, asked), (one, other, bits), strict=True):
        assert np.array_equal(part, same[met])


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    created_at = draw_population()
    give_sessions(created_at, 12, 8)
    members = cells_of(40)
    asked = (signup_population(created_at), members["account"].to_numpy(), members["cluster"].to_numpy())
    whole = measure_meetings(*asked)
    monkeypatch.setattr(meetings, "BLOCK", 7)
    for part, same in zip(measure_meetings(*asked), whole, strict=True):
        assert np.array_equal(part, same)
