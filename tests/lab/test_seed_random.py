"""The scenario `random`: the same seed the same world, within its ranges, as varied as it promises, and true."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_seed_determinism import seed_cli

from graphsvc.errors import SettingsError
from graphsvc.intake import read_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc_lab.worlds import pools, scenario
from graphsvc_lab.worlds.days import check_days
from graphsvc_lab.worlds.markets import RENTED, Shelf, get_stock_places, is_rented, open_shelves
from graphsvc_lab.worlds.randomised import CHANCES, RANGES, describe_world, draw_world
from graphsvc_lab.worlds.scenario import OPTIONAL_COLUMNS, Market
from graphsvc_lab.worlds.streams import Streams
from graphsvc_lab.worlds.world import World, create_world

SEEDS, MORE = range(40, 46), range(46, 52)
ACCOUNTS = 900
DEVELOPMENT = st.integers(0, 999)
"""Seeds from 1000 on belong to the benchmark."""


def small(seed: int, accounts: int = ACCOUNTS) -> World:
    plan, size = draw_world(seed, accounts)
    return create_world(plan, size, seed)


@pytest.fixture(scope="module")
def one_book_of_names() -> Iterator[None]:
    """Give all worlds the names of one seed: drawing them takes most of the time, and no promise here is of names."""
    names = pools.draw_pools(Streams(7))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "draw_pools", lambda _streams: names)
        yield


@pytest.fixture(scope="module")
def worlds(one_book_of_names: None) -> dict[int, dict[str, pl.DataFrame]]:
    return {seed: dict(small(seed).iter_tables()) for seed in SEEDS}


def test_the_number_of_accounts_is_drawn_for_this_scenario_alone(tmp_path: Path) -> None:
    seed, size = next((seed, size) for seed in range(100) if (size := draw_world(seed)[1]) < 800)
    done = seed_cli(tmp_path / "drawn", "--scenario", "random", "--seed", str(seed))
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(tmp_path / "drawn" / "accounts.parquet").height == size
    assert "--accounts" in seed_cli(tmp_path / "none", "--scenario", "demo").stderr


@pytest.mark.parametrize("seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.slow) for seed in MORE)])
def test_a_world_loads_without_a_rejected_row(
    worlds: dict[int, dict[str, pl.DataFrame]], tokens: Tokeniser, tmp_path: Path, seed: int
) -> None:
    tables = worlds[seed] if seed in worlds else dict(small(seed).iter_tables())
    for name, frame in tables.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    read = read_bundle(tmp_path, tokens, lambda ids: pl.Series([], dtype=pl.String))
    assert read.accounts.height == ACCOUNTS
    assert read.dead_letters.height == 0, read.dead_letters
    assert all(not report.rejected for report in read.tables)


def test_the_truth_is_consistent(worlds: dict[int, dict[str, pl.DataFrame]]) -> None:
    for seed, tables in worlds.items():
        truth, accounts = tables["truth"], tables["accounts"]
        assert truth["account_id"].n_unique() == truth.height == ACCOUNTS == accounts.height
        assert set(truth["account_id"]) == set(accounts["account_id"])
        hostile = truth.drop_nulls("campaign_id")
        assert hostile["role"].is_in(["member", "sleeper", "replacement"]).all()
        assert hostile["decoy"].is_null().all()
        assert truth.filter(pl.col("campaign_id").is_null())["role"].is_null().all()
        assert hostile.height <= 0.31 * ACCOUNTS, seed
        assert (hostile.group_by("campaign_id").len()["len"] >= 3).all(), seed


@given(DEVELOPMENT)
def test_what_is_drawn_stays_in_its_range(seed: int) -> None:
    said = describe_world(seed)
    for path, value in said["drawn"].items():
        name = path.split("/")[0]
        if isinstance(value, bool):
            assert name in CHANCES
        else:
            assert RANGES[name].low <= value <= RANGES[name].high, path
    sizes = [campaign["size"] for campaign in said["campaigns"]]
    assert 300 <= said["accounts"] <= 300_000
    assert all(3 <= size <= 30_000 for size in sizes)
    assert sum(sizes) <= max(0.3 * said["accounts"], 3)
    assert all(campaign["reuse"] for campaign in said["campaigns"]), "a campaign has nothing to share"
    json.dumps(said)


def test_the_same_seed_with_fewer_accounts_has_the_same_tables_and_manners() -> None:
    one, two = describe_world(7), describe_world(7, 600)
    assert two["accounts"] == 600
    assert (one["tables"], one["absent"], one["kinds"]) == (two["tables"], two["absent"], two["kinds"])
    assert one["drawn"]["campaigns.care"] == two["drawn"]["campaigns.care"]


def test_worlds_differ_in_what_exists() -> None:
    drawn = [describe_world(seed) for seed in range(120)]
    tables = [frozenset(world["tables"]) for world in drawn]
    assert len(set(tables)) > 20
    assert any(len(found) == 2 for found in tables), "no world has one table besides accounts"
    quiet = sum(not world["campaigns"] for world in drawn)
    assert 5 <= quiet <= 30  # of 120, with a chance of 1/8: 15 on average
    for column in (f"{table}.{column}" for table, columns in OPTIONAL_COLUMNS.items() for column in columns):
        assert 0 < sum(column in world["absent"] for world in drawn) < len(drawn), column
    sizes = [campaign["size"] for world in drawn for campaign in world["campaigns"]]
    assert min(sizes) == 3
    assert max(sizes) > 5_000
    assert len({kind for world in drawn for kind in world["kinds"]}) > 10
    decoys = {name for world in drawn for name in world["populations"]}
    assert {"agencies", "resellers", "cohorts", "classes", "households", "offices", "renters"} < decoys


@pytest.mark.usefixtures("one_book_of_names")
def test_people_and_several_operators_rent_from_one_market() -> None:
    """The market's values are used by campaigns and by accounts that no campaign runs."""
    met = 0
    for seed in range(60, 90):
        plan, size = draw_world(seed, 2_000)
        renters = [name for name, c in plan.campaigns.items() if c.cards.rented and c.cards.reuse[1] > 0]
        if len(renters) < 2 or plan.tables is None or "payments" not in plan.tables:
            continue
        tables = dict(create_world(plan, size, seed).iter_tables())
        uses = tables["payments"].select("account_id", "instrument").join(tables["truth"], on="account_id")
        by_card = uses.group_by("instrument").agg(
            pl.col("campaign_id").drop_nulls().n_unique().alias("operators"),
            pl.col("campaign_id").is_null().any().alias("honest"),
        )
        met += by_card.filter((pl.col("operators") > 0) & pl.col("honest")).height > 0
        if met == 2:
            return
    pytest.fail(f"{met} of these worlds have such a market")


def test_most_people_share_little(worlds: dict[int, dict[str, pl.DataFrame]]) -> None:
    """Of those who belong to no group that looks coordinated, nearly all have cards that are theirs alone."""
    shared = owned = 0
    for tables in worlds.values():
        if "payments" not in tables:
            continue
        uses = tables["payments"].join(tables["truth"], on="account_id")
        holders = uses.group_by("instrument").agg(pl.col("account_id").n_unique().alias("holders"))
        plain = uses.filter(pl.col("campaign_id").is_null() & pl.col("decoy").is_null()).join(
            holders, on="instrument"
        )
        owned += plain.height
        shared += plain.filter(pl.col("holders") > 1).height
    assert owned > 500
    assert shared < 0.05 * owned


@given(st.integers(1, 5_000), st.floats(0.01, 1.0), st.floats(0.0, 1.5), DEVELOPMENT)
def test_a_market_offers_what_is_on_its_shelf(values: int, shelf: float, exponent: float, seed: int) -> None:
    market = Market(values=values, shelf=shelf, exponent=exponent)
    opened = Shelf(123, market, start=0, end=1_000)
    rng = Streams(seed).rng("test")
    early, late = (opened.draw(rng, pl.repeat(moment, 200, eager=True).to_numpy()) for moment in (0, 1_000))
    width = max(1, round(shelf * values))
    for drawn in (early, late):
        assert is_rented(drawn).all()
        assert (drawn >= RENTED).all()
    assert get_stock_places(early).max() < width
    assert get_stock_places(late).min() >= values - width
    assert get_stock_places(late).max() < values


def test_markets_of_two_seeds_have_no_value_in_common() -> None:
    plan, _ = draw_world(next(seed for seed in range(100) if draw_world(seed)[0].markets))
    one, two = open_shelves(plan, 1), open_shelves(plan, 2)
    assert one.keys() == two.keys() == plan.markets.keys()
    assert not {s.number for s in one.values()} & {s.number for s in two.values()}


def test_it_is_refused_where_a_file_is_needed() -> None:
    with pytest.raises(SettingsError, match="seed"):
        scenario.load_scenario("random")
    with pytest.raises(SettingsError, match="days"):
        check_days(draw_world(3)[0], 2)
    assert "random" in scenario.list_names()
