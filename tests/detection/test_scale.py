"""Promise: counts of a population are kept as finely as they matter, and stay put while it grows a little."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.model.scale import EXACT, coarse

COUNTS = st.integers(0, 2**50)


@given(COUNTS)
def test_within_a_sixteenth_and_exact_where_small(count: int) -> None:
    assert abs(coarse(count) - count) <= (0 if count < EXACT else count / 16)
    assert coarse(coarse(count)) == coarse(count)


@given(st.lists(COUNTS, min_size=1))
def test_monotone_and_the_same_for_an_array(counts: list[int]) -> None:
    found = coarse(np.sort(np.array(counts, dtype=np.int64)))
    assert found.dtype == np.int64
    assert found.tolist() == [coarse(count) for count in sorted(counts)] == sorted(found.tolist())


def test_eight_steps_an_octave() -> None:
    for octave in (64, 1 << 20, 1 << 40):
        assert len({coarse(octave + octave * part // 64) for part in range(64)} - {2 * octave}) == 8


def test_a_day_of_growth_changes_it_seldom() -> None:
    days = np.array([int(100_000 * 1.01**day) for day in range(70)])
    assert len(np.unique(coarse(days))) <= 10
