"""Promise: in the world `framing` victims are honest, labelled, and tied to one campaign by cheap links only."""

from functools import cache

import polars as pl
import pytest
from worlds import labelled, world

from graphsvc.errors import SettingsError
from graphsvc_lab.worlds import scenario

N = 12_000
PLAN = scenario.load_scenario("framing").framing
KEYS = {
    "sessions": ["account_id", "ip", "device", "user_agent", "first_seen"],
    "payments": ["account_id", "instrument"],
    "identifiers": ["account_id", "kind", "value"],
}


def added(table: str) -> pl.DataFrame:
    """Rows that framing added to the world of the same seed."""
    return world("framing", N)[table].join(
        world("demo", N)[table], on=KEYS[table], how="anti", nulls_equal=True
    )


def victims() -> pl.DataFrame:
    return world("framing", N)["truth"].filter(pl.col("decoy") == "framed").select("account_id")


@cache
def links() -> pl.DataFrame:
    """`victim`, `way`, `account_id` (an attacker) and `campaign_id` of every link that framing made."""
    tables = world("framing", N)
    campaigns = tables["truth"].drop_nulls("campaign_id").select("account_id", "campaign_id")
    seen = world("demo", N)["sessions"].with_columns(users=pl.col("account_id").n_unique().over("ip"))
    homes = seen.join(victims(), on="account_id")
    ways = []
    for way, table, column in (
        ("address", "sessions", "ip"), ("device", "sessions", "device"),
        ("card", "payments", "instrument"), ("referral", "identifiers", "value"),
    ):  # fmt: skip
        rows = added(table)
        theirs = homes if table == "sessions" else rows.join(victims(), on="account_id")
        if way == "address":
            theirs = theirs.filter(pl.col("users") == pl.col("users").min().over("account_id"))
        theirs = theirs.select(column, victim="account_id").drop_nulls().unique()
        made = rows.join(campaigns, on="account_id").join(theirs, on=column)
        ways.append(made.select("victim", "account_id", "campaign_id", way=pl.lit(way)).unique())
    return pl.concat(ways)


def test_one_honest_account_in_a_hundred_is_framed_whatever_it_was() -> None:
    truth = world("framing", N)["truth"]
    honest = truth.filter(pl.col("campaign_id").is_null())
    assert PLAN is not None
    assert victims().height == round(PLAN.victims * honest.height)
    was = world("demo", N)["truth"].join(victims(), on="account_id")
    assert was["campaign_id"].is_null().all()
    assert was["decoy"].n_unique() > 3
    rest = truth.join(victims(), on="account_id", how="anti")
    assert rest.equals(world("demo", N)["truth"].join(victims(), on="account_id", how="anti"))
    status = world("framing", N)["accounts"].join(victims(), on="account_id")["status"]
    assert set(status) == {"active"}


def test_each_victim_is_hit_in_one_to_three_ways_by_one_to_five_accounts_each() -> None:
    found = links()
    assert set(found["victim"]) == set(victims()["account_id"])
    assert set(found["way"]) == {"address", "device", "card", "referral"}
    hit = found.group_by("victim", "way").agg(n=pl.col("account_id").n_unique())
    assert hit.filter(pl.col("way") != "address")["n"].is_between(1, 5).all()
    # A housemate or a colleague may be framed at the same address.
    assert (hit.filter(pl.col("way") == "address")["n"] <= 5).mean() > 0.8
    ways = hit.group_by("victim").len()["len"]
    assert set(ways) <= {1, 2, 3, 4}
    assert (ways <= 3).mean() > 0.9
    assert 1.5 < ways.mean() < 2.5


def test_a_victim_is_framed_by_one_campaign() -> None:
    by = links().filter(pl.col("way") != "address").group_by("victim").agg(pl.col("campaign_id").n_unique())
    assert (by["campaign_id"] == 1).all()
    assert links()["campaign_id"].n_unique() > 3


@pytest.mark.parametrize(
    ("table", "column"), [("sessions", "device"), ("payments", "instrument"), ("identifiers", "value")]
)
def test_devices_cards_and_codes_tie_nobody_but_victims(table: str, column: str) -> None:
    rows = world("framing", N)[table]
    campaigns = world("framing", N)["truth"].drop_nulls("campaign_id")
    own = world("demo", N)[table].join(campaigns, on="account_id")[column].drop_nulls().unique()
    new = added(table).join(campaigns, on="account_id")[column].drop_nulls().unique()
    new = new.filter(~new.is_in(own.implode()))
    assert len(new) > 10
    users = rows.filter(pl.col(column).is_in(new.implode())).join(campaigns, on="account_id", how="anti")
    strangers = users.join(victims(), on="account_id", how="anti")
    # A victim's tablet may be its household's too.
    assert strangers["account_id"].n_unique() < (0.6 if column == "device" else 1e-9) * victims().height


def test_it_costs_the_attackers_little() -> None:
    """One request, one payment; by no more than the share of active members that takes part."""
    assert set(added("sessions")["requests"]) == {1}
    assert set(added("payments")["payments"]) == {1}
    assert set(added("payments")["kind"]) == {"prepaid"}
    assert (
        added("payments").group_by("instrument").agg(pl.col("account_id").n_unique())["account_id"].max() <= 9
    )
    active = labelled("framing", N).filter(
        pl.col("campaign_id").is_not_null() & (pl.col("status") == "active")
    )
    busy = pl.concat([added(t).select("account_id") for t in KEYS]).unique().join(active, on="account_id")
    assert 0.05 < busy.height / active.height < 0.3
    born = labelled("framing", N).select("account_id", "created_at")
    for table in ("sessions", "payments"):
        rows = added(table).join(born, on="account_id")
        assert (rows["first_seen"] > rows["created_at"]).all()
        assert (rows["first_seen"] == rows["last_seen"]).all()


def test_members_are_seen_at_schools_and_paste_what_is_popular() -> None:
    campus = labelled("demo", N).filter(pl.col("decoy") == "campus").select("account_id")
    crowded = world("demo", N)["sessions"].join(campus, on="account_id")
    crowded = crowded.filter(pl.col("account_id").n_unique().over("ip") >= 3)["ip"].unique()
    visits = added("sessions").filter(pl.col("ip").is_in(crowded.implode()))
    assert visits["account_id"].n_unique() > 50
    for style in ("hydra", "mill", "card-ring", "device-farm", "prompt-ring"):
        assert scenario.load_scenario("framing").campaigns[style].prompts.popular == 0.15


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"victim": 0.02}, "framing.victim"),
        ({"ways": [1, 5]}, "framing.ways"),
        ({"attackers": [3, 2]}, "framing.attackers"),
        ({"members": 0.0}, "framing.members"),
    ],
)
def test_a_wrong_entry_names_itself(change: dict[str, object], said: str) -> None:
    content = scenario.load_scenario("framing").model_dump(exclude_unset=True)
    content["framing"].update(change)
    with pytest.raises(SettingsError, match=said.replace(".", r"\.")):
        scenario.parse_scenario("changed", content)


def test_framing_needs_campaigns() -> None:
    content = scenario.load_scenario("framing").model_dump(exclude_unset=True)
    content["campaigns"] = {}
    with pytest.raises(SettingsError, match="framing needs campaigns"):
        scenario.parse_scenario("changed", content)
