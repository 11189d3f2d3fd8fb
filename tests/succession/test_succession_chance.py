"""Promise: a match is as probable as births moved in time make it, and never more where these match as well."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.succession.candidates import Lives
from graphsvc.succession.chance import LEAST_CHANCE, fit_calibration
from graphsvc.succession.fitting import resolve_rivals

levels = st.lists(st.floats(-12, 35), max_size=60)


@given(levels, levels, st.integers(1, 5), st.integers(0, 500))
def test_what_holds_of_every_calibration(
    found: list[float], moved: list[float], rounds: int, more: int
) -> None:
    level, chance = np.array(found), np.array(moved)
    calibration = fit_calibration(level, chance, rounds, len(found) + len(moved) + more)
    assert (np.diff(calibration.probability) >= 0).all()
    assert (calibration.probability > 0).all()
    assert (calibration.probability <= 1.0 - LEAST_CHANCE).all()
    assert 0 < calibration.free <= 1
    table = calibration.build_table(inside=True)
    assert table["found"].to_list()[0] == len(found)
    assert table["by_chance"].to_list()[0] == pytest.approx(calibration.free * len(moved) / rounds)
    assert table["found"].is_sorted(descending=True)


def test_where_chance_matches_as_well_nobody_follows() -> None:
    rng = np.random.default_rng(1)
    level, moved = rng.normal(3, 2, 4_000), rng.normal(3, 2, 12_000)
    odds = fit_calibration(level, moved, 3, 4_000).compute_odds(np.arange(-5.0, 8.0))
    assert (odds / (1 + odds) < 0.15).all()


def test_known_mixture_is_recovered() -> None:
    # A third of the births follow somebody, at levels around 8; the others are around 0.
    rng = np.random.default_rng(2)
    level = np.concatenate([rng.normal(0, 2, 8_000), rng.normal(8, 2, 4_000)])
    calibration = fit_calibration(level, rng.normal(0, 2, 36_000), 3, 12_000)
    assert calibration.free == pytest.approx(2 / 3, abs=0.03)
    at = np.array([0.5, 2.5, 4.5, 6.5])
    true = np.exp(-((at - 8) ** 2) / 8) / (np.exp(-((at - 8) ** 2) / 8) + 2 * np.exp(-(at**2) / 8))
    odds = calibration.compute_odds(at)
    assert odds / (1 + odds) == pytest.approx(true, abs=0.1)


def pairs_of(*pairs: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(list(pairs), schema={"successor": pl.Int32, "predecessor": pl.Int32}, orient="row")


def test_the_better_claim_on_a_predecessor_weakens_the_other() -> None:
    pairs = pairs_of((1, 0), (2, 0), (2, 3))
    odds = np.array([50.0, 4.0, 2.0])
    rivalry = resolve_rivals(pairs, odds)
    probability, factor = rivalry.probability, rivalry.factor
    alone = odds / (1 + np.array([50.0, 6.0, 6.0]))
    assert factor[1] < 0.2 * factor[2]
    assert probability[1] < 0.5 * alone[1]
    assert probability[2] > alone[2]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(7, 12), st.floats(0.001, 900)), max_size=25))
def test_what_holds_among_all_rivals(rows: list[tuple[int, int, float]]) -> None:
    unique = {(successor, predecessor): odds for successor, predecessor, odds in rows}
    pairs, odds = pairs_of(*sorted(unique)), np.array([unique[pair] for pair in sorted(unique)])
    rivalry = resolve_rivals(pairs, odds)
    probability, factor = rivalry.probability, rivalry.factor
    assert (probability >= 0).all()
    assert (factor > 0).all()
    if len(odds):
        assert (np.bincount(pairs["successor"], probability) < 1 + 1e-9).all()
    # Who is nobody's rival keeps the order of the odds.
    assert resolve_rivals(pairs[:0], odds[:0]).probability.shape == (0,)


def test_births_are_moved_within_clusters_and_nothing_else_is() -> None:
    home = np.array([0, 0, 0, 1, 1, -1, -1, -1, 0], dtype=np.int32)
    created = np.array([10, 20, 30, 40, 50, 60, 70, 80, -1])
    lives = Lives(created, np.full(9, -1), home)
    seen = set()
    for seed in range(20):
        moved = lives.permute_births(np.random.default_rng(seed))
        for group in ([0, 1, 2], [3, 4], [5, 6, 7], [8]):
            assert sorted(moved.created[group]) == sorted(created[group])
        assert (moved.home == home).all()
        assert (moved.ended == lives.ended).all()
        seen.add(tuple(moved.created))
    assert len(seen) > 10
