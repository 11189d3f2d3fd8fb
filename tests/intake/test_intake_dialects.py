"""CSV in every dialect that can be told without doubt; else an error that names the dialect and the flag."""

import csv
import gzip
import io
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
from exports import TOKENS, read, write
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.errors import BundleError, SettingsError
from graphsvc.intake import read_bundle
from graphsvc.intake.options import ReadOptions, make_options
from graphsvc.model.columns import BundleColumns

HEADER = ["account_id", "created_at", "display_name"]
ROWS = [["a", "2024-01-05T10:00:00Z", "Zoë, the 1st"], ["b", "2024-01-06T10:00:00Z", 'José "Pepe"']]


def text_of(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue()


@cache
def read_plain() -> BundleColumns:
    with tempfile.TemporaryDirectory() as folder:
        return read(Path(folder), {"accounts.csv": text_of([HEADER, *ROWS])})


@given(
    delimiter=st.sampled_from([",", ";", "\t", "|", "\x01"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
    first=st.sampled_from(["", "sep={}"]),
    spaced=st.booleans(),
    trailing=st.integers(0, 3),
    blank=st.integers(0, 3),
    order=st.permutations(range(3)),
    packed=st.booleans(),
)
def test_any_dialect_gives_the_same_rows(
    delimiter: str, encoding: str, end: str, first: str, spaced: bool, trailing: int, blank: int, order: list[int],
    packed: bool, tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    rows = [[row[at] for at in order] + [""] * trailing for row in [HEADER, *ROWS]]
    if spaced:
        rows[0] = [f" {name} " if name else "" for name in rows[0]]
    rows += [[""] * (3 + trailing)] * blank
    text = (first.format(delimiter) + end if first else "") + text_of(rows, delimiter, end)
    content = text.encode(encoding)
    name = "accounts.csv.gz" if packed else "accounts.csv"
    path = tmp_path_factory.mktemp("dialect")
    columns = read(path, {name: gzip.compress(content) if packed else content})
    reference = read_plain()
    assert columns.dead_letters.is_empty()
    assert columns.accounts.equals(reference.accounts)
    assert columns.edges["display_name"].equals(reference.edges["display_name"])
    said = " ".join(columns.notes)
    assert ("separated by" in said) == (delimiter != ",")
    assert (" in " in said) == (encoding not in ("utf-8", "utf-8-sig"))
    assert ("blank records" in said) == (blank > 0)


def names(path: Path, content: str | bytes, options: ReadOptions | None = None) -> int:
    """Return how many accounts a file has, all of which have a display name."""
    columns = read(path, {"accounts.csv": content}, options)
    assert columns.dead_letters.is_empty()
    assert columns.edges["display_name"]["account_id"].n_unique() == columns.accounts.height
    return columns.accounts.height


def test_quotes_behind_spaces(tmp_path: Path) -> None:
    assert (
        names(
            tmp_path,
            'account_id, created_at, display_name\na, 2024-01-05, "Doe, ""J"" Jane"\nb, 2024-01-05, x\n',
        )
        == 2
    )


def test_quotes_behind_a_backslash_as_spark_writes_them(tmp_path: Path) -> None:
    assert (
        names(
            tmp_path,
            'account_id,created_at,display_name\na,2024-01-05,"Doe, \\"J\\" Jane"\nb,2024-01-05,"x"\n',
        )
        == 2
    )
    columns = read(
        tmp_path,
        {"accounts.csv": 'account_id,created_at,display_name\na,2024-01-05,"C:\\"\nb,2024-01-05,x\n'},
    )
    assert columns.edges["display_name"].height == 2


def test_rows_with_more_empty_cells_than_the_header(tmp_path: Path) -> None:
    assert (
        names(
            tmp_path,
            "account_id,created_at,display_name\na,2024-01-05,x\nb,2024-01-05,y,,\nc,2024-01-05,z,\n",
        )
        == 3
    )
    columns = read(
        tmp_path, {"accounts.csv": "account_id,created_at\na,2024-01-05\nb,2024-01-05,more\nc,2024-01-05,,\n"}
    )
    assert columns.dead_letters.select("row", "reason").rows() == [(2, "malformed_row")]
    assert columns.accounts["account_id"].to_list() == ["a", "c"]


def test_a_header_with_more_empty_cells_than_the_rows(tmp_path: Path) -> None:
    assert names(tmp_path, "account_id,created_at,display_name,,\na,2024-01-05,x\nb,2024-01-05,y\n") == 2


def test_numbers_of_rows_are_those_of_the_records_after_the_header(tmp_path: Path) -> None:
    content = "sep=;\r\n account_id ; created_at \r\na;2024-01-05\r\n;;\r\nb;never\r\n"
    columns = read(tmp_path, {"accounts.csv": content})
    assert columns.dead_letters.select("row", "column").rows() == [(3, "created_at")]


def test_lines_that_end_with_a_carriage_return_alone(tmp_path: Path) -> None:
    assert names(tmp_path, "account_id,created_at,display_name\ra,2024-01-05,x\rb,2024-01-05,y\r") == 2


def test_zeros_that_fill_up_columns_of_fixed_width(tmp_path: Path) -> None:
    columns = read(tmp_path, {"accounts.csv": "account_id,created_at\na\0\0,2024-01-05\n b ,2024-01-05\n"})
    assert columns.accounts["account_id"].to_list() == ["a", "b"]


def test_names_in_capitals_and_with_the_table_before_them(tmp_path: Path) -> None:
    columns = read(
        tmp_path, {"accounts.csv": "ACCOUNT_ID,accounts.created_at,Email\na,2024-01-05,a@b.example\n"}
    )
    assert columns.edges["email_domain"].height == 1
    assert "'ACCOUNT_ID' as account_id" in columns.notes[0]
    exact = read(
        tmp_path, {"accounts.csv": "account_id,created_at,EMAIL,email\na,2024-01-05,x,a@b.example\n"}
    )
    assert exact.edges["email_domain"].height == 1


@pytest.mark.parametrize("name", ["accounts.csv", "accounts.csv.gz"])
def test_packed_or_not_whatever_the_name_says(tmp_path: Path, name: str) -> None:
    plain = text_of([HEADER, *ROWS]).encode()
    content = plain if name.endswith(".gz") else gzip.compress(plain)
    columns = read(tmp_path, {name: content})
    assert columns.accounts.height == 2
    assert "compressed, other than its name says" in columns.notes[0]


def test_several_members_of_one_packed_file(tmp_path: Path) -> None:
    header, *rows = (gzip.compress(text_of([row]).encode()) for row in [HEADER, *ROWS])
    assert read(tmp_path, {"accounts.csv.gz": header + b"".join(rows)}).accounts.height == 2


def test_a_member_that_is_cut_off_is_damage(tmp_path: Path) -> None:
    members = [gzip.compress(text_of([row]).encode()) for row in [HEADER, *ROWS]]
    with pytest.raises(BundleError, match=r"accounts.csv.gz is damaged"):
        read(tmp_path, {"accounts.csv.gz": b"".join(members)[:-9]})


@pytest.mark.parametrize("name", ["sessions.csv", "sessions.csv.gz"])
@pytest.mark.parametrize("size", [1, 4_096, 300_000])
def test_a_file_of_zero_bytes_is_damaged(tmp_path: Path, name: str, size: int) -> None:
    with pytest.raises(BundleError, match=f"{name} holds zero bytes and nothing else"):
        read(tmp_path, {"accounts.csv": text_of([HEADER, *ROWS]), name: bytes(size)})


def test_a_file_of_no_bytes(tmp_path: Path) -> None:
    columns = read(
        tmp_path, {"accounts.csv": text_of([HEADER, *ROWS]), "sessions.csv": "", "payments.csv.gz": b""}
    )
    assert [(table.table, table.read) for table in columns.tables] == [
        ("accounts", 2),
        ("payments", 0),
        ("sessions", 0),
    ]
    assert "sessions.csv: empty: no row and no header." in columns.notes
    with pytest.raises(BundleError, match=r"accounts.csv is empty"):
        read(tmp_path / "none", {"accounts.csv": ""})


@pytest.mark.parametrize("name", ["accounts.csv", "accounts.parquet"])
def test_two_columns_of_one_name(tmp_path: Path, name: str) -> None:
    content: object = "account_id,created_at,email,email\na,2024-01-05,x,y\n"
    if name.endswith("parquet"):
        column = pa.array(["2024-01-05"])
        content = pa.table([column] * 4, names=["account_id", "created_at", "email", "email"])
    with pytest.raises(BundleError, match=rf"{name} has two columns of one name: email"):
        read(tmp_path, {name: content})  # type: ignore[dict-item]


def test_two_unknown_columns_of_one_name_are_only_unknown(tmp_path: Path) -> None:
    columns = read(tmp_path, {"accounts.csv": "account_id,created_at,x,x\na,2024-01-05,1,2\n"})
    assert columns.tables[0].unknown_columns == ("x",)


def test_an_error_names_the_dialect_and_what_may_be_meant(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        read(tmp_path, {"accounts.csv": "accountId;createdAt\na;2024-01-05\nb;2024-01-06\n"})
    text = str(caught.value)
    assert "separated by semicolons, in UTF-8" in text
    assert 'Is "accountId" account_id?' in text
    assert "--delimiter or --encoding" in text


def test_a_delimiter_and_an_encoding_that_are_said(tmp_path: Path) -> None:
    content = text_of([HEADER, ["a", "2024-01-05", "Иван"], ["b", "2024-01-05", "Мария"]], "~").encode(
        "cp1251"
    )
    with pytest.raises(BundleError):
        read(tmp_path, {"accounts.csv": content})
    said = make_options([], "~", "windows-1251")
    assert names(tmp_path, content, said) == 2
    utf8 = text_of([HEADER, ["a", "2024-01-05", "Иван"], ["b", "2024-01-05", "Мария"]])
    again = read(tmp_path, {"accounts.csv": utf8})
    assert again.edges["display_name"].equals(
        read_bundle(write(tmp_path, {"accounts.csv": content}), TOKENS, options=said).edges["display_name"]
    )


def test_bytes_of_an_unknown_encoding_cost_their_cells_and_say_the_flag(tmp_path: Path) -> None:
    content = text_of([HEADER, ["a", "2024-01-05", "Иван Петров"]]).encode("cp1251")
    columns = read(tmp_path, {"accounts.csv": content})
    assert [(cell.column, cell.reason) for cell in columns.cells] == [("display_name", "not_utf8")]
    assert "--encoding" in columns.notes[0]


@pytest.mark.parametrize(
    ("delimiter", "encoding", "dates"), [(";;", None, None), (None, "utf-7000", None), (None, None, "ymd")]
)
def test_options_that_do_not_exist(delimiter: str | None, encoding: str | None, dates: str | None) -> None:
    with pytest.raises(SettingsError):
        make_options([], delimiter, encoding, dates)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_bundle_or_an_error_of_ours(content: bytes) -> None:
    for name in ("accounts.csv", "accounts.csv.gz", "accounts.json", "accounts.jsonl", "accounts.parquet"):
        # Anything but an error of ours fails the test.
        with tempfile.TemporaryDirectory() as folder, suppress(BundleError):
            read(Path(folder), {name: content})
