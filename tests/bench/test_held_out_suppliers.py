"""Promise: a world of suppliers is made of its seed alone, and its truth covers the accounts in its tables."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from bench.held_out_suppliers.export import Tables, compute_fingerprint, export, truncate
from bench.held_out_suppliers.simulation import SMALLEST_CAMPAIGN, simulate

WORDS, RIVALS = 4, 7
SMALL = 600


@cache
def make(world: int, seed: int = 1) -> Tables:
    return export(simulate(world, seed, SMALL))


@pytest.mark.parametrize("world", [WORDS, RIVALS])
def test_the_same_seed_gives_the_same_tables(world: int) -> None:
    again = export(simulate(world, 1, SMALL))
    assert again.keys() == make(world).keys()
    assert all(again[name].equals(table) for name, table in make(world).items())


@pytest.mark.parametrize("world", [WORDS, RIVALS])
def test_another_seed_gives_other_tables(world: int) -> None:
    other = make(world, 2)
    assert other.keys() == make(world).keys()
    assert not any(other[name].equals(table) for name, table in make(world).items())


@pytest.mark.parametrize("world", [WORDS, RIVALS])
def test_every_row_is_of_an_account(world: int) -> None:
    tables = make(world)
    ids = tables["accounts"]["account_id"]
    assert ids.len() == ids.n_unique() == SMALL
    for table in tables.values():
        assert table["account_id"].is_in(ids.implode()).all()


@pytest.mark.parametrize("world", [WORDS, RIVALS])
def test_the_truth_has_a_row_for_each_account(world: int) -> None:
    tables = make(world)
    assert tables["truth"]["account_id"].to_list() == tables["accounts"]["account_id"].to_list()


@pytest.mark.parametrize("world", [WORDS, RIVALS])
def test_campaigns_have_at_least_five_accounts(world: int) -> None:
    sizes = make(world)["truth"].drop_nulls("campaign_id").group_by("campaign_id").len()
    assert sizes.height >= 7
    assert (sizes["len"] >= SMALLEST_CAMPAIGN).all()


def test_a_campaign_is_not_a_decoy() -> None:
    truth = make(RIVALS)["truth"]
    assert truth.filter(pl.col("campaign_id").is_not_null() & pl.col("decoy").is_not_null()).is_empty()


def test_too_few_accounts_are_refused() -> None:
    with pytest.raises(ValueError, match="accounts of campaigns"):
        simulate(WORDS, 1, 20)


def test_addresses_are_truncated_to_their_network() -> None:
    assert truncate("203.0.113.7") == "203.0.113.0"
    assert truncate("2001:db8:1:2:3:4:5:6") == "2001:db8:1::"
    assert truncate("64:ff9b::cb00:7107") == "64:ff9b::"
    assert truncate(None) is None


def test_fingerprints_depend_on_the_instruction_without_its_numbers() -> None:
    assert compute_fingerprint("Rate item 7.\n\nA", "prefix") == compute_fingerprint(
        "rate item 8.\n\nB", "prefix"
    )
    assert compute_fingerprint("Rate item 7.\n\nA", "prefix") != compute_fingerprint(
        "Translate.\n\nA", "prefix"
    )


def test_the_command_writes_a_bundle(tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    command = [sys.executable, "-m", "bench.held_out_suppliers", "--world", str(WORDS), "--out", str(out)]
    done = subprocess.run(
        [*command, "--accounts", str(SMALL)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "600 rows of accounts" in done.stdout
    assert {file.stem for file in out.iterdir()} == {"accounts", "prompts", "truth"}
    for name, table in make(WORDS).items():
        assert pl.read_parquet(out / f"{name}.parquet").equals(table)
