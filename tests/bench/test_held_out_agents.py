"""Promise: a held-out world depends on its seed alone, and its truth names every account."""

from pathlib import Path

import polars as pl
import pytest

from bench.held_out_agents.settings import WORLDS
from bench.held_out_agents.simulation import TooFewAccounts
from bench.held_out_agents.tables import build_tables, write_tables

ACCOUNTS = 800
Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module", params=(3, 7))
def number(request: pytest.FixtureRequest) -> int:
    world: int = request.param
    return world


@pytest.fixture(scope="module")
def tables(number: int) -> Tables:
    return build_tables(number, 1, ACCOUNTS)


def test_the_same_seed_gives_the_same_tables(number: int, tables: Tables) -> None:
    again = build_tables(number, 1, ACCOUNTS)
    assert list(again) == list(tables)
    assert all(again[name].equals(table) for name, table in tables.items())


def test_another_seed_gives_other_tables(number: int, tables: Tables) -> None:
    other = build_tables(number, 2, ACCOUNTS)
    assert list(other) == list(tables)
    assert not any(other[name].equals(table) for name, table in tables.items())


def test_a_world_has_its_tables_and_columns(number: int, tables: Tables) -> None:
    settings = WORLDS[number]
    assert set(tables) == {*settings.tables, "truth"}
    for name, columns in settings.dropped_columns.items():
        assert not set(columns) & set(tables[name].columns)


def test_every_account_is_in_the_table_of_accounts(tables: Tables) -> None:
    accounts = tables["accounts"]["account_id"]
    assert accounts.is_unique().all()
    assert abs(accounts.len() - ACCOUNTS) < 0.1 * ACCOUNTS
    for table in tables.values():
        assert table["account_id"].is_in(accounts.implode()).all()


def test_the_truth_has_a_row_for_each_account(tables: Tables) -> None:
    truth = tables["truth"]
    assert truth["account_id"].sort().equals(tables["accounts"]["account_id"].sort())
    # A member of a campaign is no look-alike.
    assert truth.filter(pl.col("campaign_id").is_not_null() & pl.col("decoy").is_not_null()).is_empty()


def test_campaigns_have_five_accounts_or_more(number: int, tables: Tables) -> None:
    sizes = tables["truth"]["campaign_id"].drop_nulls().value_counts()["count"]
    assert sizes.len() == len(WORLDS[number].operator_sizes)
    assert sizes.min() >= 5


def test_files_of_an_earlier_world_are_removed(tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "identifiers.parquet").write_bytes(b"of another world")
    write_tables(tables, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(tables)
    assert pl.read_parquet(tmp_path / "accounts.parquet").equals(tables["accounts"])


def test_a_world_that_is_too_small_says_so() -> None:
    with pytest.raises(TooFewAccounts, match=r"of 50\. Ask for more"):
        build_tables(3, 1, 50)
