"""Promise: a dialled world has the reuse that was asked, of the pools that were asked, and nothing else changes."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_seed_determinism import digests, seed_cli

from graphsvc.errors import SettingsError
from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.dial import parse_reuse, set_reuse
from graphsvc_lab.worlds.members import MEMBER, NONE
from graphsvc_lab.worlds.networks import remove_interface
from graphsvc_lab.worlds.scenario import Scenario
from graphsvc_lab.worlds.world import World, create_world

N = 8_000
DIALS = [0.05, 0.2, 0.5, 1.0]
DIALLED = [
    pytest.param(name, share, marks=[pytest.mark.slow] if name == "hard" and 0.05 < share < 1.0 else [])
    for name in ("demo", "hard")
    for share in DIALS
]


@cache
def made(name: str, share: float) -> World:
    """A dialled world without prompts and traffic: they take two thirds of its time, and are drawn apart."""
    plan = scenario.load_scenario(name).model_copy(update={"tables": ("sessions", "payments", "identifiers")})
    return create_world(set_reuse(plan, {"all": share}), N, 7)


@cache
def tables(name: str, share: float) -> dict[str, pl.DataFrame]:
    return dict(made(name, share).iter_tables())


def whole(share: float | None, pool: str) -> dict[str, pl.DataFrame]:
    """All tables of a world whose pool is dialled, if one is."""
    plan = scenario.load_scenario("demo")
    dialled = plan if share is None else set_reuse(plan, {pool: share})
    return dict(create_world(dialled, N // 2, 7).iter_tables())


def members(name: str, share: float, table: str) -> pl.DataFrame:
    """Rows of the hydra's members proper, with how many accounts have the value, replacements not counted."""
    column = {"payments": "instrument", "sessions": "device"}[table]
    rows = tables(name, share)[table].drop_nulls(column).join(tables(name, share)["truth"], on="account_id")
    rows = rows.filter(pl.col("role").ne_missing("replacement"))
    users = rows.group_by(column).agg(users=pl.col("account_id").n_unique())
    return rows.filter((pl.col("campaign_id") == "hydra") & (pl.col("role") == "member")).join(
        users, on=column
    )


@pytest.mark.parametrize(("name", "share"), DIALLED)
def test_cards_and_devices_are_shared_as_often_as_asked(name: str, share: float) -> None:
    cards = members(name, share, "payments")
    assert (cards["users"] > 1).mean() == pytest.approx(share, abs=0.05)
    devices = members(name, share, "sessions")
    assert (devices["users"] > 1).mean() == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize(("name", "share"), DIALLED)
def test_addresses_are_shared_as_often_as_asked_and_the_others_are_nobody_elses(
    name: str, share: float
) -> None:
    world = made(name, share)
    seen = world._draw_sessions()
    at = next(i for i, m in enumerate(world.people.parts) if m.name == "hydra")
    hydra, mine = world.people.parts[at], seen[at]
    proper = (hydra.role == MEMBER) & (hydra.predecessor == NONE)
    everywhere = np.concatenate([remove_interface(s.address) for s in seen])
    owners = np.concatenate([s.owner + (i << 32) for i, s in enumerate(seen)])
    pairs = np.unique(np.stack([everywhere, owners]), axis=1)[0]
    value, users = np.unique(pairs, return_counts=True)
    alone = users[np.searchsorted(value, remove_interface(mine.address))] == 1
    shared = sum(world.scenario.campaigns["hydra"].addresses.shared.values())
    # Slots are pooled, or at addresses that anybody shares, or the member's own and nobody else's.
    expected = max(0.0, 1 - share - shared)
    assert alone[proper[mine.owner]].mean() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("share", DIALS)
def test_templates_are_used_as_often_as_asked(share: float) -> None:
    """Rows given as fingerprints tell templates apart; popular ones, which others have too, are left out."""
    plan = scenario.load_scenario("demo")
    hydra = plan.campaigns["hydra"]
    prompts = hydra.prompts.model_copy(update={"fingerprints": 1.0, "popular": 0.0, "common": 0.0})
    told = plan.model_copy(
        update={
            "campaigns": {"hydra": hydra.model_copy(update={"prompts": prompts})},
            "tables": ("prompts",),
        }
    )
    found = dict(create_world(set_reuse(told, {"prompts": share}), N, 7).iter_tables())
    rows = found["prompts"].join(found["truth"], on="account_id").filter(pl.col("role") == "member")
    templates = rows.filter(pl.len().over("fingerprint") > 1)
    assert templates.height / rows.height == pytest.approx(share, abs=0.03)
    assert templates["fingerprint"].n_unique() == 24


@pytest.mark.parametrize("share", DIALS)
def test_phones_and_referral_codes_are_shared_as_often_as_asked(share: float) -> None:
    found = tables("demo", share)
    people = found["truth"].filter((pl.col("campaign_id") == "hydra") & (pl.col("role") == "member"))
    codes = found["identifiers"].filter(pl.col("kind") == "referral_code").join(people, on="account_id")
    assert codes.height / people.height == pytest.approx(share, abs=0.05)
    phones = found["accounts"].join(people, on="account_id").with_columns(users=pl.len().over("phone"))
    shared = phones.filter(pl.col("phone").is_not_null() & (pl.col("users") > 1))
    assert shared.height / people.height == pytest.approx(share, abs=0.05)


def test_a_shared_card_carries_as_many_accounts_at_every_setting() -> None:
    def load(share: float) -> float:
        cards = members("demo", share, "payments").filter(pl.col("users") > 1)
        return float(cards.unique("instrument")["users"].mean())

    loads = [load(share) for share in DIALS]
    assert max(loads) < 1.25 * min(loads)


def test_replacements_inherit_less_as_less_is_reused() -> None:
    """Of their cards, those of a banned member: what demo gives them at full reuse, hardly any at a twentieth."""

    def inherited(share: float) -> float:
        found = tables("demo", share)
        banned = found["accounts"].filter(pl.col("status") == "banned").select("account_id")
        hydra = found["truth"].filter(pl.col("campaign_id") == "hydra")
        cards = found["payments"].join(hydra, on="account_id")
        theirs = cards.join(banned, on="account_id")["instrument"].unique()
        after = cards.filter(pl.col("role") == "replacement").join(banned, on="account_id", how="anti")
        return float(after["instrument"].is_in(theirs.implode()).mean())

    assert inherited(0.05) < 0.1
    assert inherited(1.0) > 0.3


def test_one_pool_leaves_the_others_and_the_honest_as_they_were() -> None:
    plain, cards = whole(None, "cards"), whole(0.05, "cards")
    for table in ("sessions", "prompts", "activity", "identifiers", "truth", "networks"):
        assert plain[table].equals(cards[table]), table
    honest = plain["truth"].filter(pl.col("campaign_id").is_null())
    before, after = (t["payments"].join(honest, on="account_id") for t in (plain, cards))
    assert before.equals(after)
    assert not plain["payments"].equals(cards["payments"])
    addresses = whole(0.2, "addresses")
    people = honest.select("account_id")
    before, after = (t["sessions"].join(people, on="account_id") for t in (plain, addresses))
    assert before.equals(after)


@given(st.floats(0, 1), st.sampled_from(["cards", "addresses", "devices", "prompts", "identity"]))
def test_reuse_is_set_exactly_and_pools_that_a_style_lacks_stay_away(share: float, pool: str) -> None:
    plan = scenario.load_scenario("hard")
    for name, style in set_reuse(plan, {pool: share}).campaigns.items():
        was = plan.campaigns[name]
        pairs = (
            [(was.identity.phones, style.identity.phones), (was.identity.referrals, style.identity.referrals)]
            if pool == "identity"
            else [(getattr(was, pool), getattr(style, pool))]
        )
        for before, after in pairs:
            assert after.reuse == ((share, share) if before.reuse[1] > 0 else before.reuse)
        for other in {"cards", "addresses", "devices", "prompts", "identity", "traffic", "signup"} - {pool}:
            assert getattr(style, other) == getattr(was, other)


def test_a_pool_of_its_own_counts_more_than_all() -> None:
    hydra = set_reuse(scenario.load_scenario("demo"), {"all": 0.1, "cards": 0.4}).campaigns["hydra"]
    assert hydra.cards.reuse == (0.4, 0.4)
    assert hydra.devices.reuse == hydra.addresses.reuse == hydra.prompts.reuse == (0.1, 0.1)


def test_the_sparse_world_of_identifiers_can_be_dialled() -> None:
    plan = set_reuse(scenario.load_scenario("sparse-identifiers"), {"counterparties": 0.1})
    assert {style.counterparties.reuse for style in plan.campaigns.values()} == {(0.1, 0.1)}


@pytest.mark.parametrize(
    ("name", "entries", "said"),
    [
        ("demo", ["card=0.2"], "no pool 'card'"),
        ("demo", ["cards"], "POOL=SHARE"),
        ("demo", ["cards=many"], "POOL=SHARE"),
        ("demo", ["cards=1.2"], "from 0 to 1"),
        ("demo", ["cards=nan"], "from 0 to 1"),
        ("demo", ["cards=0.2", "cards=0.3"], "twice"),
        ("demo", ["counterparties=0.2"], "No campaign"),
        ("sparse-names", ["all=0.2"], "No campaign"),
    ],
)
def test_what_cannot_be_dialled_is_said(name: str, entries: list[str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        set_reuse(scenario.load_scenario(name), parse_reuse(entries))
    assert said in str(refused.value)


def test_the_command_takes_it_and_says_so(tmp_path: Path) -> None:
    arguments = ("--accounts", "1000", "--seed", "7", "--reuse", "all=0.1", "--reuse", "cards=0.3")
    first, second = (seed_cli(tmp_path / name, *arguments) for name in ("a", "b"))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert "all=0.1 cards=0.3" in first.stdout
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    refused = seed_cli(tmp_path / "c", "--accounts", "1000", "--reuse", "cards=2")
    assert refused.returncode == 2
    assert not (tmp_path / "c").exists()


def test_without_a_dial_a_scenario_is_what_it_was() -> None:
    plan: Scenario = scenario.load_scenario("demo")
    assert set_reuse(plan, {}) == plan
