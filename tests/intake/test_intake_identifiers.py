"""Identifiers that an export turned into something else, words for nothing, and types that are no text."""

import base64
import json
import uuid
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from exports import holders, nulls, read
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.errors import BundleError
from graphsvc.intake import nulls as null_words
from graphsvc.intake.numbers import restore_integers
from graphsvc.intake.options import make_options
from graphsvc.intake.values import read_values

ACCOUNTS = "account_id,created_at\n1001,2024-01-05\n1002,2024-01-05\n"
ID = uuid.UUID("0123abcd-1234-5678-9abc-def012345678")
WHEN = "2024-01-05T10:00:00Z"


def account(column: pa.Array, name: str = "account_id") -> pa.Table:
    rows = len(column)
    table = {"account_id": [f"a{row}" for row in range(rows)], "created_at": [WHEN] * rows}
    return pa.table({**table, name: column})


@given(st.integers(0, 2**53 - 1), st.integers(1, 6))
def test_an_integer_in_disguise_is_the_integer(number: int, zeros: int) -> None:
    digits = str(number)
    forms = [digits, f"{digits}.{'0' * zeros}", f"{digits},0"]
    if zeros == 3 and len(digits) <= 3:
        forms.pop(1)
    if len(digits) > 1:
        forms.append(f"{digits[0]}.{digits[1:]}E+{len(digits) - 1:02}")
        forms.append(f"{digits[0]},{digits[1:]}e+{len(digits) - 1}")
    found = restore_integers(pl.Series(forms))
    assert found.values.to_list() == [digits] * len(forms)
    assert not found.lost.any()


@given(st.integers(10**8, 10**15 - 1), st.integers(0, 5))
def test_scientific_notation_that_lost_digits_is_nothing(number: int, decimals: int) -> None:
    for text in (f"{number:.{decimals}E}", f"{number:.{decimals}e}".replace(".", ",")):
        found = restore_integers(pl.Series([text]))
        assert found.lost.to_list() == [True], text


@pytest.mark.parametrize(
    "text", ["12e4", "5E10", "x-1", "1.5", "411.000", "1e+", "0x1E+5", "1.2.0", "e+5", "007", "-3.0"]
)
def test_what_may_be_an_identifier_stays_as_it_is(text: str) -> None:
    found = restore_integers(pl.Series([text]))
    assert found.values.to_list() == [text]
    assert not found.lost.any()


def test_floats_of_pandas_join(tmp_path: Path) -> None:
    columns = read(
        tmp_path,
        {
            "accounts.csv": "account_id,created_at,phone\n1001.0,2024-01-05,15555550100.0\n1002.0,2024-01-05,\n"
            "x-1,2024-01-05,+1 555 555 0100\n",
            "payments.csv": "account_id,instrument,kind,bin,first_seen,last_seen,payments\n"
            "1001.0,pm_a,card,411111.0,2024-01-05,2024-01-06,3.0\n1002.0,pm_b,bank,,2024-01-05,2024-01-06,\n",
            "sessions.csv": "account_id,ip,first_seen,last_seen\n1001,192.0.2.1,2024-01-05,2024-01-05\n",
        },
    )
    assert columns.accounts["account_id"].to_list() == ["1001", "1002", "x-1"]
    assert holders(columns, "phone") == [{"1001", "x-1"}]
    assert holders(columns, "ip") == [{"1001"}]
    assert set(columns.values["instrument"]["bin"]) == {"411111", None}
    assert columns.edges["instrument"]["count"].to_list() == [3, None]


def test_phones_of_a_spreadsheet_make_no_cluster_of_strangers(tmp_path: Path) -> None:
    rows = "".join(f"a{row},2024-01-05,4.{40 + row // 95}E+11\n" for row in range(570))
    columns = read(tmp_path, {"accounts.csv": f"account_id,created_at,phone\n{rows}"})
    assert columns.accounts.height == 570
    assert holders(columns, "phone") == []
    assert nulls(columns) == {("phone", "lost_digits"): 570}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (pa.array([1001.0]), "1001"),
        (pa.array([1001.0], pa.float32()), "1001"),
        (pa.array([1001], pa.uint64()), "1001"),
        (pa.array([2**64 - 1], pa.uint64()), str(2**64 - 1)),
        (pa.array([1001], pa.int16()), "1001"),
        (pa.array([Decimal("1001.00")], pa.decimal128(10, 2)), "1001"),
        (pa.array([Decimal("411.000")], pa.decimal128(10, 3)), "411"),
        (pa.array([Decimal(10) ** 40], pa.decimal256(60, 0)), "1" + "0" * 40),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.array(["x"], pa.string_view()), "x"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([b"x"]), "x"),
        (pa.array([b"DE\0\0"], pa.binary(4)), "DE"),  # ClickHouse FixedString
        (pa.array([ID.bytes], pa.uuid()), str(ID)),  # DuckDB, pg_parquet
        (pa.array([ID.bytes], pa.binary(16)), str(ID)),
        (pa.array([ID.bytes], pa.binary()), str(ID)),
        (pa.array([bytes(range(128, 160))], pa.binary(32)), bytes(range(128, 160)).hex()),
    ],
)
def test_identifiers_of_any_stored_type(tmp_path: Path, stored: pa.Array, expected: str) -> None:
    columns = read(tmp_path, {"accounts.parquet": account(stored)})
    assert columns.dead_letters.is_empty()
    assert columns.accounts["account_id"].to_list() == [expected]


def test_a_float_without_room_for_its_digits_is_no_identifier(tmp_path: Path) -> None:
    columns = read(tmp_path, {"accounts.parquet": account(pa.array([2.0**53, 1.0]))})
    assert columns.dead_letters.select("row", "reason").rows() == [(1, "lost_digits")]
    columns = read(tmp_path, {"accounts.parquet": account(pa.array([1.5e17]), "phone")})
    assert nulls(columns) == {("phone", "lost_digits"): 1}


def test_nan_of_a_float_column_is_nothing(tmp_path: Path) -> None:
    table = account(pa.array([float("nan")] * 2), "signup_device")
    table = table.append_column("display_name", pa.array([float("nan")] * 2))
    columns = read(tmp_path, {"accounts.parquet": table})
    assert columns.edges == {}
    assert nulls(columns) == {("signup_device", "null_word"): 2, ("display_name", "null_word"): 2}
    assert read_values(pl.Series([float("nan"), 1.0]), pl.Int64()).values.to_list() == [None, 1]


WORDS = sorted(null_words.WORDS)


@given(
    st.sampled_from(WORDS),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["", " ", "\t"]),
)
def test_a_word_for_nothing_in_any_case_and_any_text_column(word: str, case: object, space: str) -> None:
    text = f"{space}{case(word)}{space}"  # type: ignore[operator]
    for form in ("identifier", "device", "text", "label", "email", "ip", "country", "kind"):
        read_ = read_values(pl.Series([text]), pl.String(), form)
        assert read_.values.to_list() == [None]
        assert read_.faults is not None
        assert read_.faults.to_list() == ["null_word"]
    assert read_values(pl.Series([text]), pl.Int64()).faults.to_list() == ["null_word"]  # type: ignore[union-attr]


ZEROS = ["00000000-0000-0000-0000-000000000000", "0" * 32, "{00000000-0000-0000-0000-000000000000}"]
DEVICES = ["0", "000000000000000", "00:00:00:00:00:00", "02:00:00:00:00:00", "9774D56D682E549C", "F" * 32]


@pytest.mark.parametrize("value", [*ZEROS, *DEVICES])
def test_ids_that_very_many_devices_give(value: str) -> None:
    assert read_values(pl.Series([value]), pl.String(), "device").values.to_list() == [None]
    taken = read_values(pl.Series([value]), pl.String(), "account").values.item()
    assert (taken is None) == (value in ZEROS)


@pytest.mark.parametrize(
    ("word", "taken"), [("NaN", False), ("\\N", False), ("None", False), ("unknown", True), ("-", True)]
)
def test_an_account_may_be_called_what_a_program_does_not_write_for_nothing(word: str, taken: bool) -> None:
    assert (read_values(pl.Series([word]), pl.String(), "account").values.item() is not None) == taken


def test_words_that_mean_something_where_they_stand(tmp_path: Path) -> None:
    columns = read(
        tmp_path,
        {
            "accounts.csv": "account_id,created_at,country,display_name\na,2024-01-05,NA,Na\nb,2024-01-05,XX,NA\n",
            "networks.csv": "asn,network_class,country\n64500,unknown,T1\n",
            "prompts.csv": "account_id,text,first_seen,last_seen\na,unknown,2024-01-05,2024-01-05\n",
        },
    )
    assert columns.accounts["country"].to_list() == ["NA", None]
    assert columns.networks["network_class"].to_list() == ["unknown"]
    assert holders(columns, "display_name") == [{"a"}]
    assert columns.dead_letters.is_empty()


def test_the_list_can_be_extended(tmp_path: Path) -> None:
    files = {
        "accounts.csv": "account_id,created_at,signup_device\na,2024-01-05,Anonymous\nb,2024-01-05,anonymous\n"
    }
    before = read(tmp_path, files)
    assert sum(map(len, holders(before, "device"))) == 2
    after = read(tmp_path, files, make_options(["ANONYMOUS"]))
    assert holders(after, "device") == []
    assert nulls(after) == {("signup_device", "null_word"): 2}
    assert before.id != after.id


def test_null_of_postgres_in_every_column(tmp_path: Path) -> None:
    header = "account_id\tcreated_at\tstatus\tstatus_changed_at\tplan\tcountry\temail\tphone\tsignup_ip"
    columns = read(tmp_path, {"accounts.csv": header + "\na\t2024-01-05 10:00:00+00" + "\t\\N" * 7 + "\n"})
    assert columns.accounts.rows()[0][2:] == ("active", None, None, None)
    assert sum(nulls(columns).values()) == 7


@pytest.mark.parametrize("value", [{"id": "a"}, {}, ["a"], [1, 2], [], [{"id": 1}], {"$ref": "x"}])
def test_objects_are_refused_by_name_of_column(tmp_path: Path, value: object) -> None:
    lines = [
        {"account_id": value, "created_at": WHEN},
        {"account_id": "b", "created_at": WHEN, "signup_device": value},
    ]
    columns = read(tmp_path, {"accounts.jsonl": "\n".join(map(json.dumps, lines))})
    assert columns.dead_letters.select("column", "reason").rows() == [("account_id", "nested_object")]
    assert nulls(columns) == {("signup_device", "nested_object"): 1}


@pytest.mark.parametrize(
    "type_", [pa.struct([("id", pa.string())]), pa.list_(pa.string()), pa.map_(pa.string(), pa.int8())]
)
def test_a_nested_parquet_column_is_refused_by_name(tmp_path: Path, type_: pa.DataType) -> None:
    with pytest.raises(
        BundleError, match=r"account_id of accounts.parquet holds objects.*Export a plain value"
    ):
        read(tmp_path, {"accounts.parquet": account(pa.array([None], type_))})
    optional = pa.array([[] if not pa.types.is_struct(type_) else {"id": "x"}], type_)
    columns = read(tmp_path, {"accounts.parquet": account(optional, "phone")})
    assert nulls(columns) == {("phone", "nested_object"): 1}


def test_values_of_extended_json_are_what_they_wrap(tmp_path: Path) -> None:
    binary = {"$binary": {"base64": base64.b64encode(ID.bytes).decode(), "subType": "04"}}
    lines = [
        {"account_id": {"$oid": "65a0c0ffee65a0c0ffee65a0"}, "created_at": {"$date": WHEN}},
        {"account_id": binary, "created_at": {"$date": {"$numberLong": "1704448800000"}}},
        {"account_id": {"$uuid": str(ID)}, "created_at": WHEN, "phone": {"$numberLong": "15555550100"}},
        {"account_id": "ObjectId(65a0c0ffee65a0c0ffee65a1)", "created_at": WHEN},
    ]
    columns = read(tmp_path, {"accounts.jsonl": "\n".join(map(json.dumps, lines))})
    assert columns.dead_letters.is_empty()
    assert set(columns.accounts["account_id"]) == {
        str(ID),
        "65a0c0ffee65a0c0ffee65a0",
        "65a0c0ffee65a0c0ffee65a1",
    }
    assert columns.accounts["created_at"].n_unique() == 1


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30))
def test_any_text_is_an_identifier_or_has_a_reason_or_is_blank(text: str) -> None:
    for form in ("account", "identifier", "device"):
        found = read_values(pl.Series([text]), pl.String(), form)
        reason = None if found.faults is None else found.faults.item()
        blank = not text.strip()
        assert (found.values.item() is None) == (
            reason is not None or blank or text.strip() in ('=""', '=" "')
        )


def test_text_that_a_spreadsheet_was_kept_from_reading(tmp_path: Path) -> None:
    columns = read(tmp_path, {"accounts.csv": 'account_id,created_at\n"=""0123""",2024-01-05\n'})
    assert columns.accounts["account_id"].to_list() == ["0123"]
