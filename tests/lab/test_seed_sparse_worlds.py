"""Promise: worlds of few families hold nothing else, and their campaigns share what the scenario says they do."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_seed_determinism import seed_cli
from worlds import labelled, world

from graphsvc.errors import SettingsError
from graphsvc.intake import read_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc_lab.worlds import scenario
from graphsvc_lab.worlds.pools import FREEMAIL
from graphsvc_lab.worlds.series import DOTTED, insert_dots

N = 20_000
SPARSE = {
    "sparse-identifiers": {
        "identifiers": ["account_id", "kind", "value"],
        "accounts": ["account_id", "created_at"],
    },
    "sparse-names": {"accounts": ["account_id", "created_at", "email", "display_name"]},
}
DECOYS = {"sparse-identifiers": {"friends", "class"}, "sparse-names": {"household", "corporate"}}


def deals() -> pl.DataFrame:
    rows = world("sparse-identifiers", N)["identifiers"]
    return rows.with_columns(users=pl.len().over("value")).join(
        labelled("sparse-identifiers", N), on="account_id"
    )


def pairs_within_minutes(people: pl.DataFrame, minutes: float) -> float:
    """Share of accounts whose predecessor in the group signed up within so many minutes."""
    gaps = people.sort("created_at")["created_at"].diff().drop_nulls().dt.total_seconds()
    return float((gaps < minutes * 60).mean())


@pytest.mark.parametrize("name", SPARSE)
def test_nothing_else_is_in_the_bundle(name: str) -> None:
    tables = world(name, N)
    assert {table: frame.columns for table, frame in tables.items() if table != "truth"} == SPARSE[name]
    assert tables["accounts"]["account_id"].n_unique() == N
    assert tables["accounts"].select(pl.exclude("display_name")).null_count().sum_horizontal()[0] == 0
    assert set(tables["truth"]["account_id"]) == set(tables["accounts"]["account_id"])


@pytest.mark.parametrize("name", SPARSE)
def test_about_three_in_a_hundred_are_in_twenty_campaigns_of_ten_to_three_hundred(name: str) -> None:
    truth = world(name, N)["truth"]
    sizes = truth.drop_nulls("campaign_id").group_by("campaign_id").len()["len"]
    assert len(sizes) == 20
    assert 10 <= sizes.min() <= 15
    assert 100 < sizes.max() <= 300
    assert 0.02 < sizes.sum() / N < 0.045
    assert set(truth["decoy"].drop_nulls()) == DECOYS[name]
    assert truth.filter(pl.col("decoy").is_not_null() & pl.col("campaign_id").is_not_null()).is_empty()


@pytest.mark.parametrize("name", SPARSE)
def test_campaigns_sign_up_within_minutes(name: str) -> None:
    people = labelled(name, N)
    campaigns = people.drop_nulls("campaign_id").partition_by("campaign_id")
    assert np.median([pairs_within_minutes(c, 5) for c in campaigns]) > 0.7
    assert pairs_within_minutes(people.filter(pl.col("campaign_id").is_null()).sample(200, seed=1), 5) < 0.1


@pytest.mark.parametrize("name", SPARSE)
def test_they_are_bundles_without_a_dead_letter(tmp_path: Path, name: str) -> None:
    assert seed_cli(tmp_path / "w", "--accounts", "1000", "--scenario", name).returncode == 0
    nobody = pl.Series([], dtype=pl.String)
    read = read_bundle(tmp_path / "w", Tokeniser(b"k" * 32, "k1"), lambda ids: nobody)
    assert read.dead_letters.is_empty()
    assert read.accounts.height == 1_000
    assert sum(edges.height for edges in read.edges.values()) > 2_000


def test_every_account_has_up_to_forty_counterparties_and_a_few_are_hubs() -> None:
    rows = world("sparse-identifiers", N)["identifiers"]
    assert rows["kind"].unique().to_list() == ["counterparty"]
    assert not rows.is_duplicated().any()
    counts = rows.group_by("account_id").len()["len"]
    assert len(counts) == N
    assert 3 < counts.median() < counts.mean() < counts.max() <= 40
    users = rows.group_by("value").len()["len"]
    assert (users > 1_000).sum() >= 5
    assert (users == 1).mean() > 0.8


def test_members_share_rare_counterparties_for_a_third_to_two_thirds_of_slots() -> None:
    """What a member deals with and two or more of its campaign, but hardly anybody else, do too."""
    rows = deals().filter((pl.col("role") == "member") & (pl.col("campaign_id") == "farm"))
    within = pl.len().over("campaign_id", "value")
    shared = rows.with_columns(shared=(within > 5) & (pl.col("users") - within < 5))
    member = (
        shared.group_by("account_id").agg(share=pl.col("shared").mean(), n=pl.len()).filter(pl.col("n") >= 20)
    )
    assert member["share"].mean() == pytest.approx(0.525, abs=0.08)


def test_honest_groups_share_less_and_some_of_them_sign_up_together() -> None:
    rows = deals().with_columns(rare=pl.col("users").is_between(2, 60))
    shared = dict(
        rows.filter(pl.col("campaign_id").is_null()).group_by("decoy").agg(pl.col("rare").mean()).iter_rows()
    )
    campaigns = rows.drop_nulls("campaign_id")["rare"].mean()
    assert shared[None] < shared["class"] < campaigns - 0.1
    assert shared[None] < shared["friends"] < campaigns - 0.1
    people = labelled("sparse-identifiers", N)
    together = [
        pairs_within_minutes(people.filter(pl.col("decoy") == decoy), 1) for decoy in ("class", "friends")
    ]
    assert (
        together[0]
        > 0.5
        > together[1]
        > pairs_within_minutes(people.filter(pl.col("decoy").is_null()).head(1500), 1)
    )


def test_a_campaigns_handles_have_one_pattern_and_one_domain() -> None:
    people = labelled("sparse-names", N).with_columns(
        domain=pl.col("email").str.split("@").list.last(),
        stem=pl.col("email").str.replace_all(".", "", literal=True).str.slice(0, 7),
    )
    for campaign in people.drop_nulls("campaign_id").partition_by("campaign_id"):
        assert campaign["domain"].value_counts(sort=True)["count"][0] > 0.75 * campaign.height
        stems = campaign["stem"].value_counts(sort=True)["count"]
        assert stems[:6].sum() > 0.75 * campaign.height
        assert campaign["display_name"].n_unique() < 0.9 * campaign.height
    honest = people.filter(pl.col("campaign_id").is_null())
    assert honest["stem"].value_counts(sort=True)["count"][0] < 0.05 * honest.height


def test_no_two_accounts_have_one_address_and_many_people_are_namesakes() -> None:
    people = labelled("sparse-names", N)
    assert people["email"].is_unique().all()
    assert people["email"].str.contains(r"^[a-z0-9._+]+@[a-z0-9]+\.example$").all()
    honest = people.filter(pl.col("campaign_id").is_null()).drop_nulls("display_name")
    assert 0.03 < honest["display_name"].is_duplicated().mean() < 0.4


def test_families_share_a_surname_and_a_domain_and_offices_a_domain() -> None:
    people = labelled("sparse-names", N).with_columns(domain=pl.col("email").str.split("@").list.last())
    own = people.filter(~pl.col("domain").is_in(pl.Series(FREEMAIL).implode()))
    users = own.with_columns(n=pl.len().over("domain"))
    assert users.filter(pl.col("decoy") == "household")["n"].median() in (2, 3, 4, 5, 6)
    assert users.filter(pl.col("decoy") == "corporate")["n"].median() > 20


@given(st.text("abcdefgh", min_size=DOTTED, max_size=DOTTED), st.integers(2, 400))
def test_dots_make_different_handles_of_one_mailbox(stem: str, many: int) -> None:
    handles = insert_dots(pl.Series([stem] * many), np.arange(many))
    assert handles.n_unique() == many
    assert handles.str.replace_all(".", "", literal=True).unique().to_list() == [stem]
    assert not handles.str.contains(r"\.\.|^\.|\.$").any()


@pytest.mark.parametrize(
    ("entry", "profile", "change"),
    [
        (r"friends\.counterparties\.popularity", "friends", {"counterparties": {"popularity": 1}}),
        (r"crew\.series\.stem", "crew", {"series": {"stem": [1, 2]}}),
    ],
)
def test_a_misspelt_entry_names_itself(entry: str, profile: str, change: dict[str, object]) -> None:
    content = scenario.load_scenario("sparse-identifiers").model_dump(exclude_unset=True)
    table = "campaigns" if profile in content["campaigns"] else "populations"
    content[table][profile].update(change)
    with pytest.raises(SettingsError, match=entry):
        scenario.parse_scenario("changed", content)
