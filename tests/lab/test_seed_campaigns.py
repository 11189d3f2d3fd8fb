"""What the scenarios promise: campaigns of the right size and manners, and decoys that look like them."""

import polars as pl
import pytest
from worlds import labelled, world

from graphsvc_lab.worlds import scenario, sizes
from graphsvc_lab.worlds.streams import Streams

DECOYS = {"household", "cgnat", "campus", "corporate", "vpn", "agency", "popular_prompt", "coworking"}


def planned(name: str, accounts: int) -> dict[str, int]:
    found = sizes.plan_campaign_sizes(scenario.load_scenario(name), accounts, Streams(1))
    return {campaign: size for campaign, (_, size) in found.items()}


@pytest.mark.parametrize("accounts", [120_000, 150_000, 1_000_000])
@pytest.mark.parametrize("name", ["demo", "easy", "hard"])
def test_sizes_at_and_above_the_reference(name: str, accounts: int) -> None:
    found = planned(name, accounts)
    assert found["hydra"] == 24_000
    assert 2_000 <= found["mill"] <= 3_000
    rings = [size for campaign, size in found.items() if campaign not in ("hydra", "mill")]
    assert len(rings) >= 20
    assert all(12 <= size <= 150 for size in rings)
    assert min(rings) <= 20
    assert max(rings) >= 100


@pytest.mark.parametrize(("accounts", "hydra"), [(2_000, 400), (12_000, 2_400), (60_000, 12_000)])
def test_sizes_below_the_reference(accounts: int, hydra: int) -> None:
    found = planned("demo", accounts)
    assert found["hydra"] == hydra
    assert all(size >= 12 for size in found.values())
    assert sum(found.values()) < accounts / 2


@pytest.mark.parametrize("name", ["demo", "hard"])
def test_truth_has_the_sizes_that_were_planned(name: str) -> None:
    found = dict(labelled(name).drop_nulls("campaign_id").group_by("campaign_id").len().iter_rows())
    intended = {
        c: s
        for c, (_, s) in sizes.plan_campaign_sizes(scenario.load_scenario(name), 3_000, Streams(7)).items()
    }
    assert found.keys() == intended.keys()
    for campaign, size in intended.items():
        # A ban wave that finds nobody to ban leaves its replacements unborn.
        assert size * 0.85 <= found[campaign] <= size


def test_quiet_worlds_have_no_campaign() -> None:
    assert world("quiet")["truth"]["campaign_id"].is_null().all()
    assert world("quiet")["truth"]["role"].is_null().all()


def test_a_book_has_the_campaigns_of_demo_among_accounts_that_are_hardly_used() -> None:
    book, demo = world("book"), world("demo")
    campaigns = ["account_id", "campaign_id", "role"]
    assert book["truth"].select(campaigns).equals(demo["truth"].select(campaigns))
    honest = book["truth"].filter(pl.col("campaign_id").is_null()).select("account_id")
    for table, most in {"prompts": 1.5, "sessions": 1.5, "payments": 0.3, "activity": 4.0}.items():
        rows = book[table].join(honest, on="account_id", how="semi").height
        of_demo = demo[table].join(honest, on="account_id", how="semi").height
        assert rows <= most * honest.height < of_demo, table
    assert book["prompts"].filter(pl.col("text").is_not_null()).is_empty()
    assert book["sessions"]["user_agent"].is_null().all()
    assert book["accounts"]["user_agent"].is_null().all()
    assert book["sessions"].select("account_id", "ip", "device").is_unique().all()


@pytest.mark.parametrize("name", ["demo", "easy", "hard", "quiet", "book"])
def test_every_decoy_is_there_and_in_no_campaign(name: str) -> None:
    truth = world(name)["truth"]
    assert set(truth["decoy"].drop_nulls()) == DECOYS
    assert truth.filter(pl.col("decoy").is_not_null() & pl.col("campaign_id").is_not_null()).is_empty()
    unlabelled = truth.filter(pl.col("decoy").is_null() & pl.col("campaign_id").is_null())
    assert unlabelled.height > 0.2 * truth.height


def test_campaigns_are_banned_far_more_often_than_people() -> None:
    banned = (
        labelled()
        .group_by(pl.col("campaign_id").is_not_null().alias("campaign"))
        .agg(share=(pl.col("status") == "banned").mean())
    )
    shares = dict(banned.iter_rows())
    assert 0.08 < shares[True] < 0.3
    assert shares[False] < 0.02


def test_replacements_follow_bans_within_days() -> None:
    """Each week some members are banned; about as many accounts are born within the next three days."""
    hydra = labelled("demo", 12_000).filter(pl.col("campaign_id") == "hydra")
    bans = hydra.filter(pl.col("status") == "banned").select(moment="status_changed_at").sort("moment")
    born = hydra.filter(pl.col("role") == "replacement").select("created_at").sort("created_at")
    assert 0.12 < born.height / hydra.height < 0.18
    assert born.height <= bans.height <= 1.25 * born.height
    followed = born.join_asof(bans, left_on="created_at", right_on="moment").with_columns(
        delay=pl.col("created_at") - pl.col("moment")
    )
    assert followed["delay"].null_count() == 0
    assert followed["delay"].max() < pl.Series([72 * 3600 * 10**6]).cast(pl.Duration("us"))[0]
    hours = bans["moment"].diff().drop_nulls().dt.total_seconds() / 3600
    assert ((hours < 7) | (hours > 6 * 24)).all()  # waves of some hours, a week apart
    assert (hours > 6 * 24).sum() > 10


def test_replacements_inherit_what_the_banned_used() -> None:
    """Replacements share cards with banned members of their campaign far more often than with other banned accounts."""
    tables, people = world("demo", 12_000), labelled("demo", 12_000)
    cards = tables["payments"].select("account_id", "instrument").unique().join(people, on="account_id")
    banned = set(
        cards.filter((pl.col("campaign_id") == "hydra") & (pl.col("status") == "banned"))["instrument"]
    )
    hydra = cards.filter((pl.col("campaign_id") == "hydra") & (pl.col("status") != "banned"))
    share = dict(
        hydra.group_by(pl.col("role") == "replacement")
        .agg(pl.col("instrument").is_in(list(banned)).mean())
        .iter_rows()
    )
    assert share[True] > share[False] + 0.1


@pytest.mark.parametrize("name", ["demo", "hard"])
def test_no_card_carries_more_than_fifteen_accounts(name: str) -> None:
    people = labelled(name, 12_000).drop_nulls("campaign_id")
    cards = world(name, 12_000)["payments"].join(people, on="account_id").group_by("instrument")
    assert cards.agg(pl.col("account_id").n_unique())["account_id"].max() <= 15


def test_one_address_serves_thousands_and_campaigns_share_addresses_with_people() -> None:
    people = labelled("demo", 12_000)
    seen = world("demo", 12_000)["sessions"].select("account_id", "ip").unique().join(people, on="account_id")
    users = seen.group_by("ip").agg(n=pl.len(), hostile=pl.col("campaign_id").is_not_null().mean())
    assert users["n"].max() > 200
    hydra = seen.filter(pl.col("campaign_id") == "hydra").join(users, on="ip")
    mixed = ((hydra["hostile"] > 0) & (hydra["hostile"] < 1)).mean()
    assert 0.1 < mixed < 0.6


def test_careful_operators_share_less_than_careless_ones() -> None:
    def shared(name: str) -> float:
        people = labelled(name, 12_000).filter(pl.col("campaign_id") == "hydra")
        cards = (
            world(name, 12_000)["payments"]
            .join(people, on="account_id")
            .select("account_id", "instrument")
            .unique()
        )
        degree = cards.with_columns(n=pl.len().over("instrument"))
        return float((degree["n"] > 1).mean())

    assert shared("easy") > 0.85 > shared("demo") > shared("hard")
    assert 0.3 < shared("hard") < 0.65


def test_sign_ups_of_campaigns_come_in_bursts() -> None:
    def lockstep(people: pl.DataFrame) -> float:
        gaps = people.sort("created_at")["created_at"].diff().drop_nulls().dt.total_seconds()
        return float((gaps < 60).mean())

    people = labelled("demo", 12_000)
    rings = people.filter(pl.col("campaign_id").str.contains("farm"))
    some = people.filter(pl.col("campaign_id").is_null() & pl.col("decoy").is_null()).head(rings.height)
    assert lockstep(rings) > 0.1 > lockstep(some)
