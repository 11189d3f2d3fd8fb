"""Promise: hourly traffic speaks of one operator only by what the daily cycle, weekends and habits do not explain."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.campaigns.hourly import Fit, acting, fit, traffic
from graphsvc.campaigns.timing import (
    DOING,
    MOST_BITS,
    PARTS,
    RESULT,
    balance,
    bursts,
    releases,
    traffic_evidence,
)

BEGIN = 494_184 // 168 * 168
DAYS = 14
DAY_SHAPE = np.array([3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 8, 9, 9, 9, 9, 9, 10, 11, 10, 8, 5], dtype=float)
OFFICE = np.array([0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 11, 7, 11, 12, 11, 9, 5, 2, 1, 1, 0, 0, 0], dtype=float)
CROWD, GROUP = 3000, 60


def shares(day: np.ndarray, weekend: float = 0.8) -> np.ndarray:
    hour = BEGIN + np.arange(24 * DAYS)
    found = day[hour % 24] * np.where((hour // 24 + 3) % 7 >= 5, weekend, 1.0)
    return found / found.sum()


def act(rng: np.random.Generator, accounts: range, profile: np.ndarray, rows: float = 10.0) -> pl.DataFrame:
    """Independent accounts: each draws its hours from the profile."""
    owner = np.repeat(np.array(accounts), rng.poisson(rows, len(accounts)))
    hour = BEGIN + rng.choice(len(profile), len(owner), p=profile)
    return frame(owner, hour)


def frame(owner: np.ndarray, hour: np.ndarray, model: str = "old") -> pl.DataFrame:
    found = pl.DataFrame({"account": owner, "hour": hour}, schema={"account": pl.Int32, "hour": pl.Int64})
    return found.unique().with_columns(model=pl.lit(model), requests=pl.lit(1, dtype=pl.Int64))


def people(accounts: int) -> pl.DataFrame:
    created = np.full(accounts, (BEGIN - 2000) * 3_600_000)
    return pl.DataFrame({"created_at": created}).with_columns(
        status=pl.lit("active"), status_changed_at=pl.lit(-1, dtype=pl.Int64), country=pl.lit("DE")
    )


def crowd(seed: int = 1) -> pl.DataFrame:
    return act(np.random.default_rng(seed), range(GROUP * 50, GROUP * 50 + CROWD), shares(DAY_SHAPE))


def members_of(groups: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"cluster": np.repeat(np.arange(groups), GROUP), "account": np.arange(groups * GROUP)},
        schema={"cluster": pl.Int32, "account": pl.Int32},
    )


def weigh(activity: pl.DataFrame, groups: int, parts: tuple[str, ...] = PARTS) -> pl.DataFrame:
    rows = pl.concat([activity, crowd()]).sort("account", "hour", "model")
    return traffic_evidence(members_of(groups), rows, people(GROUP * 50 + CROWD), parts)


def bits(found: pl.DataFrame, part: str) -> np.ndarray:
    return found.filter(pl.col("part") == part)["bits"].to_numpy()


@pytest.mark.parametrize(
    ("day", "weekend"), [(DAY_SHAPE, 0.8), (OFFICE + 0.02, 0.08), (np.roll(DAY_SHAPE, 9), 0.8)]
)
def test_people_offices_and_other_time_zones_gain_nothing(day: np.ndarray, weekend: float) -> None:
    rng = np.random.default_rng(2)
    found = weigh(act(rng, range(GROUP * 50), shares(day, weekend)), 50)
    assert found.filter(pl.col("part") != "balance")["bits"].max() <= 1.0  # type: ignore[operator]
    assert (bits(found, "balance") > 1).mean() <= 0.02


def test_load_dealt_out_is_smoother_than_independent_accounts() -> None:
    # 600 account-hours in turn to 60 accounts over 336 hours, so that no two accounts look alike.
    rng = np.random.default_rng(3)
    rows = 600
    dealt = frame(rng.permutation(np.arange(rows) % GROUP), BEGIN + np.arange(rows) * 24 * DAYS // rows)
    found = weigh(dealt, 1)
    row = found.filter(pl.col("part") == "balance").row(0, named=True)
    assert row["observed"] < 0.5
    assert row["bits"] > 3
    assert "times as much as that of independent accounts would" in row["says"]
    assert bits(found, "sleepless")[0] > 1


def test_a_flat_day_is_sleepless_and_a_shifted_one_is_not() -> None:
    rng = np.random.default_rng(4)
    flat = weigh(act(rng, range(GROUP), shares(np.ones(24), 1.0)), 1, ("sleepless",)).row(0, named=True)
    assert flat["observed"] > 0.6
    assert flat["bits"] > 1
    shifted = weigh(act(rng, range(GROUP), shares(np.roll(DAY_SHAPE, 12))), 1, ("sleepless",))
    assert bits(shifted, "sleepless")[0] < 0


def with_bursts(seed: int, moments: list[int]) -> pl.DataFrame:
    """A group of independent accounts half of which act in each of the hours `moments` besides."""
    rng = np.random.default_rng(seed)
    parts = [act(rng, range(GROUP), shares(DAY_SHAPE))]
    for moment in moments:
        owner = rng.choice(GROUP, GROUP // 2, replace=False)
        parts.append(frame(owner, np.full(len(owner), BEGIN + moment)))
    return pl.concat(parts).unique()


def test_bursts_at_any_hour_speak_and_a_weekly_class_does_not() -> None:
    at_random = np.random.default_rng(5).choice(24 * DAYS, 12, replace=False).tolist()
    assert bits(weigh(with_bursts(5, at_random), 1), "bursts")[0] == MOST_BITS["bursts"]
    weekly = [day * 24 + 10 for day in (1, 2, 4)]
    classes = with_bursts(5, [*weekly, *(hour + 168 for hour in weekly)])
    assert bits(weigh(classes, 1), "bursts")[0] < 0


def test_one_workshop_is_no_burst() -> None:
    assert bits(weigh(with_bursts(6, [10 * 24 + 14]), 1), "bursts")[0] < 0


def test_what_everybody_does_is_no_burst() -> None:
    # An outage of twelve hours and the rush after it, for all.
    rng = np.random.default_rng(7)
    profile = shares(DAY_SHAPE)
    profile[200:212] = 0.0
    profile[212:216] *= 4
    profile /= profile.sum()
    group = act(rng, range(GROUP), profile)
    rows = pl.concat([group, act(rng, range(GROUP * 50, GROUP * 50 + CROWD), profile)])
    found = traffic_evidence(members_of(1), rows, people(GROUP * 50 + CROWD), ("bursts",))
    assert found["bits"][0] < 0


def test_accounts_that_come_and_go_are_no_burst() -> None:
    # Half of the members sign up in the last two days: more traffic then, but not by coordination.
    rng = np.random.default_rng(8)
    late = np.where(np.arange(24 * DAYS) >= 24 * 12, shares(DAY_SHAPE), 0.0)
    group = pl.concat([
        act(rng, range(GROUP // 2), shares(DAY_SHAPE)),
        act(rng, range(GROUP // 2, GROUP), late / late.sum()),
    ])  # fmt: skip
    accounts = people(GROUP * 50 + CROWD).with_columns(
        created_at=pl.when(pl.int_range(pl.len()).is_between(GROUP // 2, GROUP - 1))
        .then((BEGIN + 24 * 12) * 3_600_000)
        .otherwise("created_at")
    )
    rows = pl.concat([group, crowd()])
    assert traffic_evidence(members_of(1), rows, accounts, ("bursts",))["bits"][0] < 0


def test_ratios_of_variances_by_hand() -> None:
    # Four hours, 3 expected with variance 2 in each of three, nobody there in the fourth; the fit took 1 of the 6.
    observed = np.array([[1.0, 5.0, 3.0, 0.0]])
    expected, variance = np.array([[3.0, 3.0, 3.0, 0.0]]), np.array([[2.0, 2.0, 2.0, 0.0]])
    fitted = Fit(np.array([7], np.int32), observed, expected, variance, np.array([5.0]))
    assert balance(fitted).row(0, named=True)["observed"] == pytest.approx((4 + 4 + 0) / 5)
    assert bursts(fitted).row(0, named=True)["observed"] == pytest.approx((4 + 4 + 0) / 5)
    assert balance(fitted)["cluster"].to_list() == [7]
    assert balance(fitted)["account_hours"].to_list() == [9]


def test_moves_by_hand_and_their_bits() -> None:
    # Released on day 7: within a day 30 of the cluster's 40 account-hours are on it, 20 of the other 400.
    def on_day(owners: range, day: int, model: str) -> pl.DataFrame:
        return frame(np.array(owners), np.full(len(owners), BEGIN + 24 * day), model)

    activity = pl.concat([
        on_day(range(40), 0, "old"), on_day(range(100, 500), 0, "old"),
        on_day(range(30), 7, "new"), on_day(range(30, 40), 7, "old"),
        on_day(range(100, 120), 7, "new"), on_day(range(120, 500), 7, "old"),
    ])  # fmt: skip
    assert releases(activity).rows() == [("new", BEGIN + 24 * 7)]
    row = weigh_moves(activity)
    assert (row["observed"], row["account_hours"]) == (0.75, 40)
    assert row["expected"] == pytest.approx((20 + 0.5) / (400 + 1))
    assert row["bits"] > 4
    assert row["says"].startswith("75 % of traffic was on a new model within 24 hours of its release (5 %")


def weigh_moves(activity: pl.DataFrame) -> dict[str, object]:
    members = members_of(1).head(40)
    return traffic_evidence(members, activity, people(500), ("moves",)).row(0, named=True)


def test_a_model_that_all_move_to_at_once_is_no_evidence() -> None:
    rows = [
        frame(np.arange(500), np.full(500, BEGIN + 24 * day), "old" if day < 5 else "new")
        for day in range(10)
    ]
    assert weigh_moves(pl.concat(rows))["bits"] < 0.2  # type: ignore[operator]


def test_models_of_the_first_day_and_rare_ones_are_not_releases() -> None:
    rows = [frame(np.arange(500), np.full(500, BEGIN + 24 * day), "old") for day in range(10)]
    rare = frame(np.arange(5), np.full(5, BEGIN + 24 * 5), "experiment")
    assert releases(pl.concat([*rows, rare])).is_empty()


@pytest.mark.parametrize("left_out", PARTS)
def test_each_part_can_be_left_out(left_out: str) -> None:
    activity = pl.concat([
        act(np.random.default_rng(9), range(GROUP), shares(DAY_SHAPE)),
        frame(np.arange(GROUP), np.full(GROUP, BEGIN + 200), "new"),
    ])  # fmt: skip
    whole = weigh(activity, 1)
    assert whole["part"].to_list() == list(PARTS)
    parts = tuple(part for part in PARTS if part != left_out)
    assert weigh(activity, 1, parts).equals(whole.filter(pl.col("part") != left_out))


def test_no_traffic_no_rows() -> None:
    nothing = crowd().head(0)
    assert traffic_evidence(members_of(2), nothing, people(GROUP * 2)).schema == RESULT
    assert traffic_evidence(members_of(2), nothing, people(GROUP * 2)).is_empty()
    # Members without traffic beside others with it: no row either.
    assert weigh(act(np.random.default_rng(10), range(GROUP), shares(DAY_SHAPE)), 2)[
        "cluster"
    ].unique().to_list() == [0]


def test_a_history_without_a_weekend_says_numbers() -> None:
    # Monday to Wednesday: half of the hours of a week, workdays and weekends apart, have not been yet.
    rows = pl.concat([act(np.random.default_rng(12), range(GROUP), shares(DAY_SHAPE)), crowd()])
    begin = BEGIN + (4 - BEGIN // 24 % 7) % 7 * 24
    days = rows.filter(pl.col("hour").is_between(begin, begin + 71)).sort("account", "hour", "model")
    assert not set(((days["hour"] // 24 + 3) % 7).unique()) & {5, 6}
    found = traffic_evidence(members_of(1), days, people(GROUP * 50 + CROWD))
    assert "sleepless" in found["part"].to_list()
    assert found["bits"].is_finite().all()


def test_expected_traffic_is_that_of_the_members_volumes() -> None:
    rng = np.random.default_rng(11)
    rows = pl.concat([act(rng, range(GROUP), shares(DAY_SHAPE)), crowd()])
    window = traffic(rows)
    fitted = fit(acting(members_of(1), window), window, people(GROUP * 50 + CROWD))
    assert fitted.expected.sum() == pytest.approx(fitted.observed.sum(), rel=0.02)
    assert (fitted.variance <= fitted.expected).all()
    assert np.var(fitted.residuals()) == pytest.approx(1.0, abs=0.25)


@given(st.integers(0, 10_000), st.integers(-20, 20), st.sampled_from([0.0, 0.5, 1.0]))
def test_order_names_and_whole_weeks_do_not_matter(seed: int, weeks: int, dealt: float) -> None:
    rng = np.random.default_rng(seed)
    flat = np.full(24 * DAYS, 1 / (24 * DAYS))
    rows = pl.concat([
        act(rng, range(2 * GROUP), (1 - dealt) * shares(DAY_SHAPE) + dealt * flat, rows=4),
        act(rng, range(2 * GROUP, 2 * GROUP + 300), shares(DAY_SHAPE), rows=4),
    ])  # fmt: skip
    accounts, members = people(2 * GROUP + 300), members_of(2)
    found = traffic_evidence(members, rows, accounts)
    assert found["bits"].is_finite().all()
    for part in PARTS:
        assert (bits(found, part) <= MOST_BITS[part]).all()
        assert (bits(found, part) >= np.log2(1 - DOING[part]) - 1e-9).all()
    mixed = traffic_evidence(members.sample(fraction=1.0, shuffle=True, seed=seed), rows.reverse(), accounts)
    assert mixed.equals(found)
    later = traffic_evidence(
        members,
        rows.with_columns(pl.col("hour") + 168 * weeks),
        accounts.with_columns(pl.col("created_at") + 168 * weeks * 3_600_000),
    )
    assert later["bits"].to_numpy() == pytest.approx(found["bits"].to_numpy(), abs=1e-6)


def test_it_tells_how_far_it_is_and_can_be_stopped() -> None:
    activity = pl.concat([act(np.random.default_rng(13), range(GROUP), shares(DAY_SHAPE)), crowd()])
    told: list[tuple[str, int, int]] = []
    everybody = people(GROUP * 50 + CROWD)
    traffic_evidence(members_of(2), activity, everybody, progress=lambda *step: told.append(step))
    assert told == [("traffic", 0, 2), ("traffic", 2, 2)]

    def stop(_stage: str, done: int, _total: int) -> None:
        raise KeyboardInterrupt(done)

    with pytest.raises(KeyboardInterrupt, match="0"):
        traffic_evidence(members_of(2), activity, everybody, progress=stop)
