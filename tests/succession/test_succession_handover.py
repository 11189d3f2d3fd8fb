"""Promise: traffic that is taken up where a banned account left off speaks for its successor, other traffic not."""

from dataclasses import replace

import numpy as np
import polars as pl
from banned import DAY, START, accounts_of, graph_of, planted

from graphsvc.campaigns.replacement import HOUR
from graphsvc.model.graph import ACTIVITY_COLUMNS, SignalGraph
from graphsvc.succession.candidates import build_lives
from graphsvc.succession.handover import LEAST_HOURS, MOST_BITS, build_handover
from graphsvc.succession.successions import find_successions

MODELS = ("large", "small", "tiny")
Row = tuple[int, int, str, int]


def manner(rng: np.random.Generator) -> tuple[int, float, str]:
    """Hours of the day from which an account works, its requests an hour, its model."""
    return int(rng.integers(0, 24)), float(np.exp(rng.normal(3.0, 1.2))), str(rng.choice(MODELS))


def week(
    rng: np.random.Generator, account: int, begin: int, end: int, how: tuple[int, float, str]
) -> list[Row]:
    """Traffic of an account between two hours (since 1970): half of the hours of its six-hour day."""
    first, rate, model = how
    hours = [hour for hour in range(begin, end) if (hour - first) % 24 < 6 and rng.random() < 0.5]
    return [(account, hour, model, 1 + int(rng.poisson(rate))) for hour in hours]


def with_traffic(handed_over: float) -> tuple[SignalGraph, pl.DataFrame, dict[int, int]]:
    """A planted ring whose accounts have a week's traffic before the ban, or after the sign-up; a share of the
    successors work as whom they follow did."""
    graph, members, follows = planted(5, 0.35)
    rng = np.random.default_rng(5)
    how = {int(account): manner(rng) for account in members["account"]}
    how |= {heir: how[legator] for heir, legator in follows.items() if rng.random() < handed_over}
    created, ended = (graph.accounts[name].to_numpy() // HOUR for name in ("created_at", "status_changed_at"))
    rows: list[Row] = []
    for account in members["account"]:
        end = int(ended[account]) if ended[account] > 0 else int(created[account]) + 10 * 24
        rows += week(rng, account, max(int(created[account]) + 1, end - 10 * 24), end, how[account])
    activity = pl.DataFrame(rows, schema=ACTIVITY_COLUMNS, orient="row").sort("account", "hour", "model")
    return replace(graph, activity=activity), members, follows


def first_right(graph: SignalGraph, members: pl.DataFrame, follows: dict[int, int]) -> int:
    first = find_successions(graph, members).pairs.filter(pl.col("rank") == 1)
    return sum(follows.get(s) == p for s, p in first.select("successor", "predecessor").iter_rows())


def traffic_bits(graph: SignalGraph, members: pl.DataFrame) -> np.ndarray:
    probable = find_successions(graph, members).pairs.filter("probable").select("parts", "part_bits")
    parts = probable.explode("parts", "part_bits").filter(pl.col("parts") == "traffic")
    return parts["part_bits"].to_numpy()


def test_traffic_handed_over_names_more_predecessors() -> None:
    graph, members, follows = with_traffic(1.0)
    silent = replace(graph, activity=graph.activity.clear())
    assert first_right(graph, members, follows) >= first_right(silent, members, follows) + 5
    assert np.median(traffic_bits(graph, members)) > 2.0


def test_traffic_that_is_not_handed_over_says_next_to_nothing() -> None:
    graph, members, _ = with_traffic(0.0)
    bits = traffic_bits(graph, members)
    assert len(bits) > 20
    assert np.abs(np.median(bits)) < 1.0
    assert bits.min() > -1.5


def test_no_traffic_or_too_little_says_nothing() -> None:
    accounts = accounts_of([0, 20 * DAY], {0: 19 * DAY})
    lives = build_lives(
        graph_of(accounts, [], []), pl.DataFrame(schema={"cluster": pl.Int32, "account": pl.Int32})
    )
    nothing = pl.DataFrame(schema=ACTIVITY_COLUMNS)
    assert build_handover(nothing, lives) is None
    begin = (START + 18 * DAY) // HOUR
    last = [(0, begin + hour, "large", 5) for hour in range(LEAST_HOURS)]
    first = [(1, begin + 60 + hour, "large", 5) for hour in range(LEAST_HOURS)]
    heir, legator = np.array([1], dtype=np.int32), np.array([0], dtype=np.int32)
    for rows, known in ((last + first, True), (last[1:] + first, False), (last + first[1:], False)):
        handover = build_handover(pl.DataFrame(rows, schema=ACTIVITY_COLUMNS, orient="row"), lives)
        assert handover is not None
        (bits,) = handover.measure_likeness(heir, legator)
        assert np.isfinite(bits) == known
        assert not known or abs(bits) <= MOST_BITS


def test_what_was_before_the_ban_of_another_week_is_not_compared() -> None:
    # Traffic two weeks before the ban, and none in the week before it.
    accounts = accounts_of([0, 20 * DAY], {0: 19 * DAY})
    lives = build_lives(
        graph_of(accounts, [], []), pl.DataFrame(schema={"cluster": pl.Int32, "account": pl.Int32})
    )
    rows = [(0, (START + 4 * DAY) // HOUR + hour, "large", 5) for hour in range(10)]
    rows += [(1, (START + 21 * DAY) // HOUR + hour, "large", 5) for hour in range(10)]
    handover = build_handover(pl.DataFrame(rows, schema=ACTIVITY_COLUMNS, orient="row"), lives)
    assert handover is not None
    assert np.isnan(
        handover.measure_likeness(np.array([1], dtype=np.int32), np.array([0], dtype=np.int32))[0]
    )
