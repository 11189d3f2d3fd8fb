"""A bundle that cannot be read stops the load, says which file and which column, and quotes nothing."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from graphsvc.errors import BundleError
from graphsvc.intake import read_bundle
from graphsvc.signals.tokens import Tokeniser

TOKENS = Tokeniser(b"k" * 32, "test")
SECRET = "canary@leak.example"
ACCOUNTS = "account_id,created_at\na,2026-01-01\n"


def message(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(path, TOKENS)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_no_such_directory(tmp_path: Path) -> None:
    assert "No such file" in message(tmp_path / "nowhere")


def test_a_file_instead_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    assert "Not a directory" in message(tmp_path / "accounts.csv")


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").symlink_to(tmp_path / "gone.csv")
    assert "accounts.csv: No such file" in message(tmp_path)


def test_no_accounts(tmp_path: Path) -> None:
    (tmp_path / "sessions.csv").write_text("account_id\n", encoding="utf-8")
    assert "no table accounts" in message(tmp_path)


def test_a_table_in_two_forms(tmp_path: Path) -> None:
    for name in ("accounts.csv", "accounts.ndjson"):
        (tmp_path / name).write_text(ACCOUNTS, encoding="utf-8")
    found = message(tmp_path)
    assert "accounts.csv" in found
    assert "accounts.ndjson" in found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("accounts.csv", f"account_id,{SECRET}\na,b\n".encode()),
        ("accounts.csv", b"account_id;made_at\na;2026-01-01\n"),
        ("accounts.csv", b""),
        ("accounts.ndjson", b'{"account_id": "a", "createdAt": "2026-01-01"}\n'),
    ],
)
def test_a_required_column_is_missing(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = message(tmp_path)
    assert name in found
    assert "created_at" in found


def test_a_required_column_is_missing_in_parquet(tmp_path: Path) -> None:
    pl.DataFrame({"account_id": ["a"]}).write_parquet(tmp_path / "accounts.parquet")
    assert "accounts.parquet has no column created_at" in message(tmp_path)


def test_neither_of_two_columns(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (tmp_path / "prompts.csv").write_text("account_id,first_seen,last_seen\n", encoding="utf-8")
    assert "neither a column text nor a column fingerprint" in message(tmp_path)


def test_a_required_column_of_an_impossible_type(tmp_path: Path) -> None:
    frame = pl.DataFrame({"account_id": [["a"]], "created_at": ["2026-01-01"]})
    frame.write_parquet(tmp_path / "accounts.parquet")
    found = message(tmp_path)
    assert "account_id of accounts.parquet" in found


@pytest.mark.parametrize("name", ["accounts.parquet", "accounts.csv.gz", "accounts.ndjson.gz"])
def test_content_of_another_kind(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(f"{SECRET}\n".encode() * 100)
    assert name in message(tmp_path)


@pytest.mark.parametrize("name", ["accounts.csv.gz", "accounts.ndjson.gz"])
def test_a_file_that_is_cut_off(tmp_path: Path, name: str) -> None:
    lines = "account_id,created_at\n" + "".join(f"{SECRET}{i},2026-01-01\n" for i in range(100_000))
    if name.startswith("accounts.nd"):
        lines = "".join(f'{{"account_id":"{SECRET}{i}","created_at":"2026-01-01"}}\n' for i in range(100_000))
    whole = gzip.compress(lines.encode())
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert f"{name} is damaged" in message(tmp_path)


def test_a_parquet_file_that_is_cut_off_or_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "accounts.parquet"
    pl.DataFrame({"account_id": ["a"] * 9, "created_at": ["2026-01-01"] * 9}).write_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    assert "accounts.parquet" in message(tmp_path)
    path.write_bytes(content[:20] + b"\xff" * 40 + content[60:])
    assert "accounts.parquet" in message(tmp_path)


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,created_at,created_at\n", encoding="utf-8")
    assert "accounts.csv has two columns of one name" in message(tmp_path)
