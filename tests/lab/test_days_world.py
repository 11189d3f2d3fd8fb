"""Promise: the world `days` has what a replay is to show: weekly bans, ramps, a release, alliances made and ended."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.clock import DAY
from graphsvc_lab.worlds.members import BANNED, NONE
from graphsvc_lab.worlds.world import World, create_world

N = 30_000
PLAN = scenario.load_scenario("days")
VALUES = {"sessions": ["ip", "device"], "payments": ["instrument"]}


@cache
def made() -> World:
    return create_world(PLAN, N, 8)


@cache
def tables() -> dict[str, pl.DataFrame]:
    return dict(made().iter_tables())


def campaigns() -> pl.DataFrame:
    return tables()["truth"].drop_nulls("campaign_id").select("account_id", "campaign_id")


def test_each_week_one_in_twenty_living_accounts_is_banned_and_nearly_all_are_followed() -> None:
    """Over all campaigns and waves; each wave finds those older than a day."""
    banned = living = followed = 0
    for members in made().people.parts:
        if not members.campaign:
            continue
        gone = np.flatnonzero(members.status == BANNED)
        followed += int((members.predecessor != NONE).sum())
        banned += len(gone)
        first = int(np.sort(members.ended[gone])[0]) if len(gone) else PLAN.end
        for wave in range(first - first % DAY, PLAN.end - 4 * DAY, 7 * DAY):
            living += int(((members.created < wave - DAY) & (members.ended > wave)).sum())
    assert 0.04 < banned / living < 0.06
    assert 0.88 < followed / banned <= 1.0


def test_the_hydra_is_born_on_the_third_day_and_grows_with_the_square_of_time() -> None:
    (hydra,) = (m for m in made().people.parts if m.name == "hydra")
    days = (hydra.created - (PLAN.end - 30 * DAY)) / DAY
    assert 2.0 < days.min() < 4.0
    first = hydra.created[hydra.predecessor == NONE]
    half = int(first.min()) + (PLAN.end - int(first.min())) // 2
    assert 0.18 < (first < half).mean() < 0.32
    assert 0.9 < len(hydra) / (0.2 * N) < 1.1


def test_its_first_accounts_share_what_it_bought_first() -> None:
    """A twentieth of a pool that any member may meet would be shared by hardly anybody of the first twentieth."""
    born = tables()["accounts"].join(campaigns().filter(pl.col("campaign_id") == "hydra"), on="account_id")
    first = born.sort("created_at").head(len(born) // 20).select("account_id")
    paid = tables()["payments"].join(first, on="account_id")
    shared = paid.filter(pl.col("account_id").n_unique().over("instrument") > 1)
    assert shared["account_id"].n_unique() > 0.3 * paid["account_id"].n_unique()


def test_half_of_the_campaigns_traffic_moves_within_a_day_of_the_release() -> None:
    released = PLAN.end - int(PLAN.model_released_days_ago * DAY)
    traffic = tables()["activity"].join(campaigns(), on="account_id", how="left")
    since = (pl.col("hour").dt.epoch("s") - released) / 3_600
    day_after = traffic.filter(since.is_between(24, 48))
    share = (pl.col("model") == PLAN.models[2]).mean()
    assert 0.45 < day_after.filter(pl.col("campaign_id").is_not_null()).select(share).item() < 0.6
    assert day_after.filter(pl.col("campaign_id").is_null()).select(share).item() < 0.15
    assert traffic.filter(since < 0).select(share).item() == 0.0


def together(one: str, other: str, after: bool, at: pl.Expr) -> int:
    """Values that both campaigns use before or after a moment, uses that last beyond it included."""
    found = 0
    for table, columns in VALUES.items():
        rows = tables()[table].join(
            campaigns().filter(pl.col("campaign_id").is_in([one, other])), on="account_id"
        )
        rows = rows.filter(pl.col("last_seen") >= at if after else pl.col("first_seen") < at)
        for column in columns:
            # Tunnels, carriers and strangers' homes are met by chance: only what nobody else uses.
            others = tables()[table].join(rows.select("account_id"), on="account_id", how="anti")
            own = rows.drop_nulls(column).join(others, on=column, how="anti")
            sides = own.group_by(column).agg(pl.col("campaign_id").n_unique())
            found += sides.filter(pl.col("campaign_id") > 1).height
    return found


def test_allies_share_from_their_day_on_or_until_it() -> None:
    events = made().events
    assert set(events["kind"]) == {"merge", "split"}
    names = events["campaign_id"].to_list() + events["other_id"].to_list()
    assert len(names) == len(set(names))
    for kind, one, other, at in events.iter_rows():
        moment = pl.lit(at)
        before, after = together(one, other, False, moment), together(one, other, True, moment)
        fewer, more = (before, after) if kind == "merge" else (after, before)
        assert (fewer, more >= 8) == (0, True), (kind, one, other, before, after)


def test_alliances_add_rows_and_change_none() -> None:
    alone = dict(create_world(PLAN.model_copy(update={"alliances": None}), N, 8).iter_tables())
    for name, rows in tables().items():
        if name in VALUES:
            keys = alone[name].columns
            assert alone[name].join(rows, on=keys, how="anti", nulls_equal=True).is_empty(), name
            assert rows.height > alone[name].height
        else:
            assert rows.equals(alone[name]), name


def test_worlds_without_alliances_have_no_events() -> None:
    assert create_world(scenario.load_scenario("demo"), 2_000, 3).events.is_empty()


@pytest.mark.parametrize("entry", ["ramp", "kept", "banned_weekly"])
def test_other_worlds_are_as_they_were(entry: str) -> None:
    """None of what `days` brought is used by them."""
    for name in ("demo", "easy", "hard", "hard2", "quiet", "framing"):
        plan = scenario.load_scenario(name)
        for profile in (*plan.populations.values(), *plan.campaigns.values()):
            assert not getattr(profile.signup if entry == "ramp" else profile, entry, 0)


def test_days_hard_is_hard_in_all_that_days_does_not_say() -> None:
    days, hard, both = (scenario.load_scenario(name) for name in ("days", "hard", "days-hard"))
    assert both.campaigns["hydra"].cards.reuse == hard.campaigns["hydra"].cards.reuse
    assert both.campaigns["hydra"].cards.locality == days.campaigns["hydra"].cards.locality
    assert (both.history_days, both.alliances) == (days.history_days, days.alliances)
