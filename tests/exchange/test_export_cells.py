"""Promise: no cell of any CSV export is one that a spreadsheet executes, and no other cell is changed."""

import csv
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.exchange.tables import encode_csv, write_table

ROOT = Path(__file__).parents[2] / "graphsvc"
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
cells = texts | st.tuples(st.sampled_from(STARTS), texts).map("".join)


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


@given(st.lists(st.none() | cells, min_size=1, max_size=5))
def test_a_text_that_would_be_executed_gets_an_apostrophe_and_no_other(column: list[str | None]) -> None:
    frame = pl.DataFrame(
        {"account_id": column, "n": range(len(column))}, schema_overrides={"account_id": pl.String}
    )
    wanted = [f"'{cell}" if cell and cell[0] in STARTS else cell or "" for cell in column]
    assert [row[0] for row in read(encode_csv(frame))[1:]] == wanted


@pytest.mark.parametrize("start", STARTS)
def test_texts_of_every_type_are_held_to_it_and_numbers_are_not(tmp_path: Path, start: str) -> None:
    cell = f"{start}cmd|' /C calc'!A0"
    frame = pl.DataFrame(
        {
            "text": [cell],
            "category": pl.Series([cell], dtype=pl.Categorical),
            "choice": pl.Series([cell], dtype=pl.Enum([cell])),
            "list": [[cell]],
            "number": [-1.5],
            "time": [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)],
        }
    )
    write_table(frame, tmp_path / "out.csv")
    content = (tmp_path / "out.csv").read_bytes()
    assert content == encode_csv(frame)
    (text, category, choice, listed, number, time) = read(content)[1]
    assert text == category == choice == f"'{cell}"
    assert listed.startswith('["')
    assert (number, time) == ("-1.5", "2026-01-02T03:04:05.000Z")


def test_there_is_one_place_that_writes_csv() -> None:
    """Where results leave the program; what reads bundles writes CSV for itself alone."""
    writes = re.compile(r"\bwrite_csv\(|\bcsv\.writer\(|\bsink_csv\(|\bDictWriter\(")
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("analyst.py", "api", "cli", "exchange", "keeping", "store")
        for path in (*(ROOT / folder).rglob("*.py"), ROOT / folder)
        if path.is_file() and writes.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["exchange/tables.py"]
