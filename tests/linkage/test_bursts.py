"""Promise: bursts are found where sign-ups outrun their own rate, and honest sign-ups give next to none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.linkage.bursts import FALSE_BURSTS, Bursts, find_bursts
from graphsvc.linkage.rates import find_units, fit_rate, fit_scatter
from graphsvc.linkage.timing import DAY, HOUR, MINUTE

START = 1_769_990_400_000
BY_HOUR = np.array(
    [
        1,
        0.6,
        0.4,
        0.3,
        0.3,
        0.4,
        0.8,
        1.5,
        2.5,
        3,
        3,
        2.8,
        2.5,
        2.7,
        3,
        3,
        2.8,
        2.5,
        2.3,
        2.4,
        2.5,
        2.3,
        1.9,
        1.4,
    ]
)
BY_DAY = np.array([1.1, 1.15, 1.1, 1.05, 1, 0.7, 0.6])


def sign_ups(
    rng: np.random.Generator, accounts: int, days: int = 90, *, swings: float = 0.0, company: float = 0.0
) -> np.ndarray:
    """Honest sign-ups with a weekly cycle, a growing trend, hours that swing, and people who arrive in company."""
    hours = np.arange(days * 24)
    rate = BY_HOUR[hours % 24] * BY_DAY[hours // 24 % 7] * (1 + hours / len(hours))
    if swings:
        rate = rate * rng.gamma(1 / swings, swings, len(hours))
    counts = rng.multinomial(accounts, rate / rate.sum())
    created = START + np.repeat(hours, counts) * HOUR + rng.integers(0, HOUR, accounts)
    late = rng.choice(accounts, int(accounts * company), replace=False)
    created[late] = created[rng.integers(0, accounts, len(late))] + rng.integers(0, 10 * MINUTE, len(late))
    return created // 1000 * 1000


def with_burst(created: np.ndarray, at: int, count: int, width: int, seed: int = 9) -> np.ndarray:
    """The sign-ups and, after them, `count` more within `width`."""
    return np.append(
        created, at + np.sort(np.random.default_rng(seed).integers(0, width, count)) // 1000 * 1000
    )


@pytest.mark.parametrize(
    ("swings", "company"),
    [
        pytest.param(0.0, 0.0, marks=pytest.mark.slow),
        pytest.param(0.5, 0.0, marks=pytest.mark.slow),
        (2.0, 0.0),
        pytest.param(0.0, 0.2, marks=pytest.mark.slow),
        (0.5, 0.2),
    ],
)
def test_honest_worlds_have_bursts_at_the_stated_rate_at_most(swings: float, company: float) -> None:
    found = 0
    for seed in range(20):
        created = sign_ups(np.random.default_rng(seed), 2_000, swings=swings, company=company)
        found += len(find_bursts(created).start) > 0
    # 1 of 20 is expected at most; 5 or more have a chance of 1 in 390.
    assert found <= 4


@pytest.mark.parametrize("accounts", [300, 3_000])
def test_a_burst_far_above_its_rate_is_found_with_its_accounts(accounts: int) -> None:
    created = sign_ups(np.random.default_rng(1), accounts)
    created = with_burst(created, START + 40 * DAY + 3 * HOUR, 20, 10 * MINUTE)
    bursts = find_bursts(created)
    assert len(bursts.start) == 1
    assert (bursts.burst[accounts:] == 0).mean() >= 0.9
    assert bursts.observed[0] == (bursts.burst == 0).sum()
    assert bursts.expected[0] < 2
    assert bursts.says()[0].startswith(f"{bursts.observed[0]} accounts signed up within ")


def test_twelve_within_ten_minutes_at_five_an_hour_are_found() -> None:
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        created = START + rng.integers(0, 90 * DAY, 90 * 24 * 5) // 1000 * 1000
        created = with_burst(created, START + 30 * DAY + seed * HOUR, 12, 10 * MINUTE, seed)
        found += (find_bursts(created).burst[-12:] >= 0).mean() > 0.5
    assert found >= 17


def test_the_busy_hour_of_every_week_is_no_burst() -> None:
    created = sign_ups(np.random.default_rng(2), 4_000, days=120)
    weeks = np.arange(17)
    rng = np.random.default_rng(3)
    monday = np.concatenate([START + week * 7 * DAY + 9 * HOUR + rng.integers(0, HOUR, 40) for week in weeks])
    assert len(find_bursts(np.append(created, monday // 1000 * 1000)).start) == 0
    once = START + 7 * 7 * DAY + 9 * HOUR + DAY + rng.integers(0, HOUR, 60)
    assert len(find_bursts(np.append(created, once // 1000 * 1000)).start) == 1


@pytest.mark.parametrize("unit", [MINUTE, HOUR, DAY])
def test_coarse_times_make_no_bursts_and_hide_none_that_outruns_its_unit(unit: int) -> None:
    created = sign_ups(np.random.default_rng(4), 2_000) // unit * unit
    assert len(find_bursts(created).start) == 0
    together = np.append(created, np.full(150, START + 50 * DAY // unit * unit))
    bursts = find_bursts(together)
    assert bursts.unit.tolist() == [unit]
    assert (bursts.burst[2_000:] == 0).all()


def test_sources_that_know_hours_or_days_only_make_no_bursts() -> None:
    created = sign_ups(np.random.default_rng(5), 6_000)
    created[::3] = created[::3] // DAY * DAY
    created[1::3] = created[1::3] // HOUR * HOUR
    units = find_units(created)
    assert (units[::3] == DAY).all()
    assert (units[1::3] >= HOUR).all()
    assert (units[2::3] == 1000).mean() > 0.99
    assert len(find_bursts(created).start) == 0


def test_a_burst_at_one_second_is_no_coarse_recording() -> None:
    created = np.append(sign_ups(np.random.default_rng(6), 2_000), np.full(40, START + 9 * DAY))
    assert (find_units(created) == 1000).all()


def vendors(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """3,900 accounts of which three vendors made 686: 614 within ten minutes of another; whether a vendor's."""
    rng = np.random.default_rng(seed)
    parts, left = [sign_ups(rng, 3_900 - 686)], 614
    while left:
        size = min(left, int(rng.geometric(1 / 12)) + 1)
        size += left - size == 1
        parts.append(START + rng.integers(0, 90 * DAY) + rng.integers(0, 10 * MINUTE, size))
        left -= size
    parts.append(START + rng.integers(0, 90 * DAY, 72))
    created = np.concatenate(parts) // 1000 * 1000
    return created, np.arange(len(created)) >= 3_900 - 686


def test_vendors_that_share_nothing_but_their_minutes_are_found() -> None:
    precision, recall = [], []
    for seed in range(10):
        created, bought = vendors(seed)
        inside = find_bursts(created).burst >= 0
        precision.append(bought[inside].mean())
        recall.append(inside[bought].mean())
    assert np.mean(precision) >= 0.95
    assert np.mean(recall) >= 0.6


def test_a_larger_budget_finds_more() -> None:
    created, _ = vendors(0)
    few, usual, many = (find_bursts(created, false_bursts=level) for level in (1e-6, FALSE_BURSTS, 1.0))
    discoveries = find_bursts(created, discoveries=True)
    assert len(few.start) < len(usual.start) < len(many.start)
    assert len(usual.start) < len(discoveries.start)
    assert (few.bits >= np.log2(1e6)).all()


def equal(one: Bursts, other: Bursts) -> bool:
    names = ("burst", "start", "end", "unit", "observed", "expected", "bits")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@settings(max_examples=3)
@given(st.integers(0, 900), st.integers(-50, 50))
def test_the_order_of_rows_and_whole_weeks_do_not_matter(seed: int, weeks: int) -> None:
    created, _ = vendors(seed)
    created[::97] = -1
    bursts = find_bursts(created)
    order = np.random.default_rng(seed).permutation(len(created))
    shuffled = find_bursts(created[order])
    assert np.array_equal(shuffled.burst, bursts.burst[order])
    assert np.array_equal(shuffled.bits, bursts.bits)
    assert equal(bursts, find_bursts(created))
    moved = find_bursts(np.where(created >= 0, created + weeks * 7 * DAY, -1))
    assert np.array_equal(moved.burst, bursts.burst)


@given(st.lists(st.integers(-1, 30 * DAY), max_size=60))
def test_any_times_give_disjoint_intervals_that_hold_their_accounts(times: list[int]) -> None:
    created = np.array([START + time if time >= 0 else -1 for time in times], dtype=np.int64)
    bursts = find_bursts(created, false_bursts=1.0)
    assert (bursts.burst[created < 0] == -1).all()
    for unit in np.unique(bursts.unit):
        rows = bursts.unit == unit
        assert (bursts.start[rows][1:] > bursts.end[rows][:-1]).all()
    for number in range(len(bursts.start)):
        inside = created[bursts.burst == number]
        assert inside.min() == bursts.start[number]
        assert inside.max() == bursts.end[number]
        assert len(inside) == bursts.observed[number]
        assert bursts.observed[number] > bursts.expected[number]


def test_the_fitted_rate_adds_up_and_scatter_knows_who_arrives_in_company() -> None:
    alone = np.sort(sign_ups(np.random.default_rng(7), 8_000))
    rate = fit_rate(alone, 1000)
    assert rate.until[-1] == pytest.approx(8_000, rel=0.05)
    company = np.sort(sign_ups(np.random.default_rng(7), 8_000, company=0.3))
    spread = [fit_scatter(times, 1000, fit_rate(times, 1000)) for times in (alone, company)]
    chances = [each.chance(np.array([4.0]), np.array([0.1]), np.zeros(1), 5)[0] for each in spread]
    assert chances[1] > 10 * chances[0]
    # Poisson: 1 - exp(-.1) * (1 + .1 + .1**2 / 2 + .1**3 / 6) = 3.8e-6.
    assert 3.8e-6 <= chances[0] < 4e-4
