"""`graphsvc seed`: what it prints, what it refuses and how, and what it leaves alone."""

from pathlib import Path

import polars as pl
import pytest
from test_seed_determinism import seed_cli

from graphsvc_lab.worlds import scenario


def test_a_bundle_and_its_summary(tmp_path: Path) -> None:
    done = seed_cli(tmp_path / "new" / "world", "--accounts", "1000", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert "1,000 accounts, scenario demo, seed 7" in done.stdout
    assert "hydra: 200" in done.stdout
    assert pl.read_parquet(tmp_path / "new" / "world" / "accounts.parquet").height == 1_000


def test_the_scenarios_are_listed_without_other_options(tmp_path: Path) -> None:
    done = seed_cli(tmp_path, "--list-scenarios")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == scenario.list_names()
    assert {"demo", "easy", "hard", "quiet"} < set(scenario.list_names())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--accounts", "100"], "at least 500"),
        (["--accounts", "0"], "accounts"),
        (["--accounts", "1000", "--scenario", "nowhere"], "demo, easy"),
        (["--accounts", "1000", "--format", "xlsx"], "parquet"),
        (["--accounts", "1000", "--seed", "-1"], "seed"),
        ([], "accounts"),
    ],
)
def test_wrong_calls_end_with_2_and_write_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = seed_cli(tmp_path / "world", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "world").exists()


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = seed_cli(tmp_path, "--accounts", "600")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]

    assert seed_cli(tmp_path, "--accounts", "600", "--force", "--format", "csv").returncode == 0
    assert seed_cli(tmp_path, "--accounts", "600", "--force").returncode == 0
    assert not list(tmp_path.glob("*.csv"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_out_that_cannot_be_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = seed_cli(tmp_path / "file" / "world", "--accounts", "600")
    assert done.returncode not in (0, 2)
    assert str(tmp_path / "file" / "world") in done.stderr
    assert "Traceback" not in done.stderr
