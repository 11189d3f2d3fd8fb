"""Promise: a world with tables taken away has the columns and tables that a subset names, and its truth."""

from pathlib import Path

import polars as pl
import pytest

from bench.measures.subsets import SUBSETS, take_tables


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    directory = tmp_path / "whole"
    directory.mkdir()
    ids = pl.DataFrame({"account_id": ["a", "b"]})
    tables = {
        "accounts": ids.with_columns(created_at=pl.lit(0), country=pl.lit("DE"), email=pl.lit("x@y.example")),
        "sessions": ids.with_columns(ip=pl.lit("192.0.2.1"), device=pl.lit("d1")),
        "networks": pl.DataFrame({"cidr": ["192.0.2.0/24"]}),
        "truth": ids.with_columns(campaign_id=pl.lit(None, dtype=pl.String)),
    }
    for name, table in tables.items():
        table.write_parquet(directory / f"{name}.parquet")
    return directory


def test_sessions_alone_have_no_device_and_accounts_no_more_than_a_sign_up(
    whole: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    assert take_tables(whole, part, *SUBSETS["sessions"])
    assert sorted(path.stem for path in part.iterdir()) == ["accounts", "networks", "sessions", "truth"]
    assert pl.read_parquet(part / "accounts.parquet").columns == ["account_id", "created_at", "country"]
    assert pl.read_parquet(part / "sessions.parquet")["device"].null_count() == 2


@pytest.mark.parametrize("tables", ["prompts", "sessions, prompts", "payments, e-mail"])
def test_a_world_without_the_table_is_left_out(whole: Path, tmp_path: Path, tables: str) -> None:
    assert not take_tables(whole, tmp_path / "part", *SUBSETS[tables])
    assert not (tmp_path / "part").exists()


def test_accounts_alone_count_where_they_have_a_column(whole: Path, tmp_path: Path) -> None:
    assert take_tables(whole, tmp_path / "part", *SUBSETS["accounts alone"])
    assert "email" in pl.read_parquet(tmp_path / "part" / "accounts.parquet").columns
    assert not take_tables(whole, tmp_path / "other", ("phone",), ())
