"""Every broken row is kept with its reason, and nothing in what is kept or read is personal."""

import json
import stat
from pathlib import Path

import polars as pl
import pytest
from broken_bundle import CANARIES, CELLS, FAULTS, write, write_cells

from graphsvc.intake import read_bundle, write_dead_letters
from graphsvc.model.columns import DEAD_LETTERS, BundleColumns
from graphsvc.signals.tokens import Tokeniser

TOKENS = Tokeniser(b"k" * 32, "test")


def everything(columns: BundleColumns) -> str:
    """All that a bundle's columns hold, as text."""
    frames = [columns.accounts, columns.networks, columns.activity, columns.dead_letters]
    frames += [*columns.values.values(), *columns.edges.values()]
    return "\n".join(frame.write_csv() for frame in frames) + repr(columns.tables)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_each_of_a_thousand_broken_rows_is_kept_with_its_reason(tmp_path: Path, form: str) -> None:
    expected = write(tmp_path, broken=1000, form=form)
    columns = read_bundle(tmp_path, TOKENS)
    found = columns.dead_letters.select("table", "file", "row", "column", "reason").rows()
    assert sorted(found, key=str) == sorted(
        [(b.table, b.file, b.row, b.column, b.reason) for b in expected], key=str
    )
    assert len(expected) == 1000
    assert {b.reason for b in expected} >= {reason for faults in FAULTS.values() for _, _, reason in faults}
    assert sum(table.rejected for table in columns.tables) == 1000
    assert [table.read - table.rejected for table in columns.tables] == [500] * 7
    assert columns.accounts["account_id"].n_unique() == 500


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_no_card_number_and_no_address_is_found_in_anything(tmp_path: Path, form: str) -> None:
    write(tmp_path / "bundle", form=form)
    columns = read_bundle(tmp_path / "bundle", TOKENS)
    write_dead_letters([columns.dead_letters], tmp_path / "dead.ndjson")
    text = everything(columns) + (tmp_path / "dead.ndjson").read_text(encoding="utf-8")
    assert [canary for canary in CANARIES if canary in text] == []
    assert "leak.example" in text  # the domain of an account's address is a signal of its own


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_unreadable_optional_cell_is_null_and_counted_and_its_row_loads(tmp_path: Path, form: str) -> None:
    write_cells(tmp_path, form)
    columns = read_bundle(tmp_path, TOKENS)
    assert columns.dead_letters.is_empty()
    assert {table.table: table.read for table in columns.tables} == {
        table: len(cells) + 1 for table, cells in CELLS.items()
    }
    expected: dict[tuple[str, str, str], int] = {}
    for table, cells in CELLS.items():
        for column, _, reason in cells:
            expected[table, column, reason] = expected.get((table, column, reason), 0) + 1
    assert {(c.table, c.column, c.reason): c.count for c in columns.cells} == expected
    text = everything(columns) + repr(columns.cells) + repr(columns.notes) + repr(columns.hubs)
    assert [canary for canary in CANARIES if canary in text] == []


def test_a_card_number_leaves_no_shape(tmp_path: Path) -> None:
    write(tmp_path)
    letters = read_bundle(tmp_path, TOKENS).dead_letters
    assert letters.filter(pl.col("reason") == "card_number")["shape"].null_count() >= 5
    assert letters.filter((pl.col("reason") == "card_number") & pl.col("shape").is_not_null()).is_empty()
    assert "aaaaaa.aaa@aaaa.aaaaaaa" in letters["shape"].to_list()


def test_the_file_is_private_whole_and_the_same_each_time(tmp_path: Path) -> None:
    write(tmp_path / "bundle", broken=50)
    for name in ("one", "two"):
        letters = read_bundle(tmp_path / "bundle", TOKENS).dead_letters
        write_dead_letters([letters], tmp_path / "dead" / name)
    one, two = (tmp_path / "dead" / "one").read_bytes(), (tmp_path / "dead" / "two").read_bytes()
    assert one == two
    assert stat.S_IMODE((tmp_path / "dead" / "one").stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "dead").iterdir()) == ["one", "two"]
    records = [json.loads(line) for line in one.splitlines()]
    assert len(records) == 50
    assert list(records[0]) == list(DEAD_LETTERS)


def test_further_faults_of_a_row_are_listed(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(
        "account_id,created_at,country\na@mail.example,never,Germany\n", encoding="utf-8"
    )
    letters = read_bundle(tmp_path, TOKENS).dead_letters
    assert letters.rows(named=True) == [
        {
            "table": "accounts", "file": "accounts.csv", "row": 1, "column": "account_id",
            "reason": "looks_like_email", "shape": "a@aaaa.aaaaaaa", "also": "created_at:not_a_time",
        }
    ]  # fmt: skip


def test_rows_of_accounts_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,created_at\na,2026-01-01\n", encoding="utf-8")
    (tmp_path / "activity.csv").write_text(
        "account_id,hour,requests\na,2026-01-01T00:00:00Z,1\nb,2026-01-01T00:00:00Z,1\n"
        "c,2026-01-01T00:00:00Z,1\nc,2026-01-01T00:00:00Z,1\n",
        encoding="utf-8",
    )
    asked: list[list[str]] = []

    def known(ids: pl.Series) -> pl.Series:
        asked.append(ids.to_list())
        return ids.filter(ids == "b")

    columns = read_bundle(tmp_path, TOKENS, known)
    assert asked == [["b", "c"]]
    assert columns.activity["account_id"].to_list() == ["a", "b"]
    assert columns.dead_letters.select("row", "reason").rows() == [
        (3, "unknown_account"),
        (4, "unknown_account"),
    ]
    assert read_bundle(tmp_path, TOKENS).activity["account_id"].to_list() == ["a", "b", "c"]


def test_identifiers_of_declared_kinds_keep_the_rules_of_their_kind(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(
        "account_id,created_at,signup_device,signup_ip,email\na,2026-01-01,dev-1,192.0.2.1,ann@mail.example\n",
        encoding="utf-8",
    )
    (tmp_path / "identifiers.csv").write_text(
        "account_id,kind,value\nb,Device,dev-1\nb,ip,192.0.2.1\nb,email_domain,Mail.example\nb,Referral code,r1\n"
        "b,ip,x\nb,email_domain,4111 1111\nb,instrument,4111 1111 1111 1111\n",
        encoding="utf-8",
    )
    columns = read_bundle(tmp_path, TOKENS)
    assert columns.dead_letters.select("row", "reason").rows() == [
        (5, "not_an_ip"), (6, "not_a_domain"), (7, "card_number"),
    ]  # fmt: skip
    for kind in ("device", "ip", "email_domain"):
        assert columns.edges[kind]["account_id"].to_list() == ["a", "b"]
        assert columns.values[kind].height == 1
    assert columns.values["identifier"]["kind"].to_list() == ["referral_code"]
