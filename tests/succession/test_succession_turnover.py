"""Promise: how long a campaign's accounts last, and how many of the banned come back, is what its figures say."""

import math

import numpy as np
import polars as pl
import pytest
from banned import DAY, START, accounts_of, graph_of
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.succession.successions import PAIRS, find_successions, resolve_ids
from graphsvc.succession.turnover import CAMPAIGNS, estimate_half_life, measure_turnover


def test_half_life_by_hand() -> None:
    # Kaplan and Meier: 1 - 1/5 = .8, one leaves, .8 * (1 - 1/3) = .53, .53 * (1 - 1/2) = .27.
    days = np.array([1.0, 2.0, 3.0, 4.0, 9.0])
    ended = np.array([True, False, True, True, False])
    assert estimate_half_life(days, ended) == 4.0
    assert estimate_half_life(np.array([1.0, 2.0]), np.array([True, True])) == 1.0
    assert math.isnan(estimate_half_life(np.array([1.0, 2.0, 3.0]), np.array([True, False, False])))
    assert math.isnan(estimate_half_life(np.empty(0), np.empty(0, dtype=np.bool_)))


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=40), st.integers(1, 9))
def test_half_life_properties(lives: list[tuple[int, bool]], times: int) -> None:
    days, ended = np.array([d for d, _ in lives], dtype=float), np.array([e for _, e in lives])
    half = estimate_half_life(days, ended)
    # All ended: the lower median. None ended: never. Another unit: the same in that unit. Order: of no matter.
    assert estimate_half_life(days, np.ones_like(ended)) == np.sort(days)[(len(days) - 1) // 2]
    assert math.isnan(estimate_half_life(days, np.zeros_like(ended)))
    assert estimate_half_life(days * times, ended) == pytest.approx(half * times, nan_ok=True)
    assert estimate_half_life(days[::-1], ended[::-1]) == pytest.approx(half, nan_ok=True)
    if not math.isnan(half):
        assert half in days[ended]


def pair(
    successor: int, predecessor: int, hours: float, probability: float, cluster: int
) -> dict[str, object]:
    return {
        "successor": successor,
        "predecessor": predecessor,
        "cluster": cluster,
        "inside": successor != 7,
        "rank": 1,
        "probable": probability >= 0.5,
        "probability": probability,
        "false_rate": 0.1,
        "delay_hours": hours,
        "bits": 12.0,
        "parts": ["payment", "network", "moment", "prior"],
        "part_bits": [9.0, 0.5 if successor == 5 else 3.0, 4.0, -3.0],
        "says": "",
    }


def test_a_campaign_by_hand() -> None:
    # Four banned in two waves, three of them followed, one by an account outside; a pair that is not probable.
    banned = {0: 20 * DAY, 1: 20 * DAY + 1, 2: 40 * DAY, 3: 41 * DAY}
    graph = graph_of(accounts_of([0, 0, DAY, DAY, 2 * DAY, 21 * DAY, 41 * DAY, 42 * DAY, 0], banned), [], [])
    members = pl.DataFrame(
        {"cluster": [3] * 7 + [8], "account": [0, 1, 2, 3, 4, 5, 6, 8]},
        schema={"cluster": pl.Int32, "account": pl.Int32},
    )
    rows = [
        pair(5, 0, 24, 0.9, 3),
        pair(6, 2, 24, 0.8, 3),
        pair(7, 3, 48, 1.0, 3),
        pair(6, 1, 9, 0.2, 3),
        pair(4, 8, 9, 0.9, -1),
    ]
    found = measure_turnover(pl.DataFrame(rows, schema=PAIRS), members, graph)
    assert found.schema == CAMPAIGNS
    row, quiet = found.iter_rows(named=True)
    assert (row["cluster"], row["size"], row["stopped"], row["pairs"], row["outside"]) == (3, 7, 4, 3, 1)
    assert row["by_chance"] == pytest.approx(0.3)
    assert row["rate"] == pytest.approx(2.7 / 4)
    assert (row["delay_low"], row["delay_hours"], row["delay_high"]) == (24.0, 24.0, 36.0)
    assert (row["families"], row["family_shares"]) == (["payment", "network"], [1.0, pytest.approx(2 / 3)])
    assert row["wave_at"] == [START + 20 * DAY, START + 40 * DAY]
    assert (row["wave_stopped"], row["wave_followed"]) == ([2, 2], [1, 2])
    # Ends after 20, 20, 39 and 40 days; two others left at 1 and 21 days, one is there after 40 days.
    assert row["half_life_days"] == 39.0
    assert row["half_life_at_pace"] == pytest.approx(
        math.log(2) * (20 + 20 + 39 + 40 + 40 + 21 + 1) / 4, abs=0.01
    )
    assert row["says"] == (
        "4 of 7 accounts were banned in 2 waves; 3 of them probably came back (0 of these by chance: 68% replaced); "
        "half of those within 24 hours (quartiles 24 to 36); with the same payment instrument in 100%, address in 67%; "
        "half of its accounts last 39 days"
    )
    assert (quiet["cluster"], quiet["stopped"], quiet["pairs"]) == (8, 0, 0)
    assert math.isnan(quiet["rate"])
    assert quiet["says"] == "none of its accounts was banned"


def test_ids_in_place_of_numbers() -> None:
    banned = {0: 20 * DAY}
    graph = graph_of(accounts_of([0, 21 * DAY, 0, 0], banned), [(0, 0), (1, 0)], ["instrument"])
    members = pl.DataFrame(
        {"cluster": [0, 0], "account": [2, 3]}, schema={"cluster": pl.Int32, "account": pl.Int32}
    )
    found = find_successions(graph, members)
    pairs, campaigns = resolve_ids(found, graph.accounts["id"], pl.Series(["c1"]))
    assert pairs.select("successor", "predecessor", "cluster").rows() == [("a000001", "a000000", None)]
    assert campaigns["cluster"].to_list() == ["c1"]
