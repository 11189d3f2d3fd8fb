"""Promise: sign-ups at the door of a world are what they are said to be: one of the campaign, one of a campus, one of
nowhere."""

from pathlib import Path

import polars as pl
import pytest
from worlds import world

from graphsvc_lab.signups import STOPPED, make_signups


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("door")
    for table, frame in world().items():
        frame.write_parquet(directory / f"{table}.parquet")
    return directory


def users(bundle: Path, table: str, column: str, value: object) -> pl.DataFrame:
    """The truth of the accounts that have a value."""
    rows = pl.read_parquet(bundle / f"{table}.parquet").filter(pl.col(column) == value)
    truth = pl.read_parquet(bundle / "truth.parquet")
    return truth.join(rows, on="account_id", how="semi")


def test_each_is_what_it_is_said_to_be(bundle: Path) -> None:
    replacement, student, customer = make_signups(bundle)
    payers = users(bundle, "payments", "instrument", replacement["instrument"])
    accounts = pl.read_parquet(bundle / "accounts.parquet").join(payers, on="account_id", how="semi")
    assert "hydra" in payers["campaign_id"].to_list()
    assert accounts["status"].is_in(STOPPED).any()
    for table, column, field in (("sessions", "ip", "signup_ip"), ("prompts", "text", "text")):
        assert set(users(bundle, table, column, replacement[field])["campaign_id"]) == {"hydra"}
    neighbours = users(bundle, "sessions", "ip", student["signup_ip"])
    assert neighbours.height >= 5
    assert set(neighbours["decoy"]) == {"campus"}
    assert users(bundle, "sessions", "ip", customer["signup_ip"]).is_empty()
    assert users(bundle, "payments", "instrument", customer["instrument"]).is_empty()


def test_they_are_the_same_each_time(bundle: Path) -> None:
    assert make_signups(bundle) == make_signups(bundle)
