"""Promise: the hard worlds have every hard thing they are said to have; hard2 has it in other shapes than hard."""

import numpy as np
import polars as pl
import pytest
from worlds import labelled, world

from graphsvc_lab.worlds import scenario, sizes
from graphsvc_lab.worlds.streams import Streams

HARD = ["hard", "hard2"]
N = 12_000


def of_campaigns(name: str, table: str) -> pl.DataFrame:
    return world(name, N)[table].join(
        labelled(name, N).select("account_id", "campaign_id", "role"), on="account_id"
    )


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("style", ["hydra", "mill"])
def test_each_pool_is_reused_for_35_to_60_percent_of_slots(name: str, style: str) -> None:
    profile = scenario.load_scenario(name).campaigns[style]
    for pool in (profile.addresses, profile.cards, profile.devices, profile.prompts):
        assert pool.reuse == (0.35, 0.6)


@pytest.mark.parametrize("name", HARD)
def test_cards_carry_at_most_twelve_accounts(name: str) -> None:
    cards = of_campaigns(name, "payments").drop_nulls("campaign_id").group_by("instrument")
    assert cards.agg(pl.col("account_id").n_unique())["account_id"].max() <= 12


@pytest.mark.parametrize("name", HARD)
def test_operators_are_seen_where_honest_households_live(name: str) -> None:
    seen = of_campaigns(name, "sessions").select("account_id", "ip", "campaign_id").unique()
    decoys = world(name, N)["truth"].select("account_id", "decoy")
    homes = seen.filter(pl.col("campaign_id").is_null()).join(decoys, on="account_id")
    homes = homes.filter(pl.col("decoy") == "household")["ip"].unique()
    hydra = seen.filter(pl.col("campaign_id") == "hydra")
    assert hydra["ip"].is_in(homes.implode()).mean() > 0.03  # by chance it would be below 0.01


@pytest.mark.parametrize("name", HARD)
def test_members_sleep_and_banned_ones_are_replaced_week_by_week(name: str) -> None:
    hydra = labelled(name, N).filter(pl.col("campaign_id") == "hydra")
    roles = dict(hydra.group_by("role").agg(pl.len() / hydra.height).iter_rows())
    assert roles["sleeper"] > 0.08
    assert roles["replacement"] > 0.12
    bans = hydra.filter(pl.col("status") == "banned")["status_changed_at"].sort()
    assert (bans.diff().drop_nulls().dt.total_seconds() > 6 * 86_400).sum() > 10


@pytest.mark.parametrize("name", HARD)
def test_most_of_a_hydras_traffic_follows_peoples_days(name: str) -> None:
    assert scenario.load_scenario(name).campaigns["hydra"].traffic.balanced <= 0.4
    rows = of_campaigns(name, "activity").filter(pl.col("campaign_id") == "hydra")
    hours = np.bincount(rows["hour"].dt.hour().to_numpy(), minlength=24)
    assert hours.max() > 1.3 * hours.min()


def test_hard2_at_its_reference_size() -> None:
    accounts = 120_000
    found = sizes.plan_campaign_sizes(scenario.load_scenario("hard2"), accounts, Streams(1))
    assert sum(size for _, size in found.values()) < 0.25 * accounts
    assert sum(style == "mill" for style, _ in found.values()) == 2
    rings = [size for style, size in found.values() if style not in ("hydra", "mill")]
    assert len(rings) == 24
    assert 12 <= min(rings) <= 20
    assert 300 < max(rings) <= 400


def test_hard2_deals_an_exit_to_about_three_members() -> None:
    """Those exits of the hydra that two or more of it were seen at: three, where `hard` has five or six."""

    def median(name: str) -> float:
        seen = of_campaigns(name, "sessions").filter(pl.col("campaign_id") == "hydra")
        users = seen.select("account_id", "ip").unique().group_by("ip").len()["len"]
        return float(users.filter(users > 1).median() or 0)

    assert median("hard2") <= 3 < median("hard")


def test_hard2_deals_cards_in_the_order_of_sign_up() -> None:
    """Accounts of one card of the hydra signed up close together; in `hard` anywhere in its history."""

    def spread(name: str) -> float:
        born = labelled(name, N).filter((pl.col("campaign_id") == "hydra") & (pl.col("role") == "member"))
        born = born.select("account_id", rank=pl.col("created_at").rank() / born.height)
        paid = world(name, N)["payments"].join(born, on="account_id")
        shared = paid.filter(pl.len().over("instrument") > 2)
        return float(shared.group_by("instrument").agg(pl.col("rank").std())["rank"].median() or 0)

    assert spread("hard2") < 0.5 * spread("hard")


def test_half_of_hard2s_agency_clients_declare_no_organization() -> None:
    agencies = labelled("hard2", N).filter(pl.col("decoy") == "agency")
    assert 0.4 < agencies["organization"].is_null().mean() < 0.6
    cards = world("hard2", N)["payments"].join(agencies, on="account_id", how="semi")
    assert (cards.select(pl.len().over("instrument"))["len"] > 1).mean() > 0.75
