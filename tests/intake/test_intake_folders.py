"""Files as warehouses lay them out: Hive folders, JSON in its forms, names in any case; what is not read is named."""

import itertools
import json
import tempfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from exports import holders, read
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.errors import BundleError

ACCOUNTS = "account_id,created_at\na,2024-01-05\nb,2024-01-05\n"
SPAN = {"first_seen": "2024-01-05T00:00:00Z", "last_seen": "2024-01-06T00:00:00Z"}
RECORDS = [
    {"account_id": name, "created_at": "2024-01-05T10:00:00Z", "display_name": f"{name} x"} for name in "abc"
]


def session(account: str, ip: str) -> pa.Table:
    return pa.table({"account_id": [account], "ip": [ip], **{name: [value] for name, value in SPAN.items()}})


def test_hive_folders_of_any_depth(tmp_path: Path) -> None:
    columns = read(
        tmp_path,
        {
            "Accounts.CSV": ACCOUNTS,
            "sessions/day=0/data_0.parquet": session("a", "192.0.2.1"),
            "sessions/day=1/hour=3/data_0.parquet": session("b", "192.0.2.2"),
            "sessions/day=1/_SUCCESS": "",
            "sessions/_temporary/0/part.parquet": b"half",
            "sessions/day=1/.part.parquet.crc": b"crc",
            "sessions/day=1/part.orc": b"ORC",
        },
    )
    assert columns.edges["ip"]["account_id"].to_list() == ["a", "b"]
    assert columns.tables[1].unknown_columns == ("day", "hour")
    assert columns.unknown_files == ("sessions/day=1/part.orc",)


def test_a_folder_says_the_value_of_a_column_that_files_lack(tmp_path: Path) -> None:
    line = "account_id,instrument,first_seen,last_seen\n{},{},2024-01-05,2024-01-05\n"
    columns = read(
        tmp_path,
        {
            "accounts.csv": ACCOUNTS,
            "payments/kind=card/issuer_country=DE/1.csv": line.format("a", "i1"),
            "payments/kind=bank/issuer_country=__HIVE_DEFAULT_PARTITION__/1.csv": line.format("b", "i2"),
        },
    )
    found = columns.values["instrument"].select("instrument_kind", "issuer_country").sort("instrument_kind")
    assert found.rows() == [("bank", None), ("card", "DE")]
    one = read(tmp_path / "x", {"accounts.csv": ACCOUNTS, "payments/kind=card/1.csv": line.format("a", "i1")})
    two = read(tmp_path / "y", {"accounts.csv": ACCOUNTS, "payments/kind=bank/1.csv": line.format("a", "i1")})
    assert one.id != two.id


def test_a_table_that_keeps_a_log_of_its_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="sessions is a Delta Lake table"):
        read(
            tmp_path,
            {"accounts.csv": ACCOUNTS, "sessions/_delta_log/0.json": "{}", "sessions/a.parquet": b""},
        )


def test_what_is_not_read_is_named_with_what_may_be_meant(tmp_path: Path) -> None:
    odd = {
        "prompt.csv": "did you mean prompts.csv?", "sesions.parquet": "did you mean sessions.parquet?",
        "network.jsonl": "did you mean networks.ndjson?", "identifiers.tsv": "did you mean identifiers.csv?",
        "payments.xlsx": "did you mean payments.csv?", "account/x": "did you mean accounts/?",
        "sessions-000000000000.csv": "did you mean sessions/sessions-000000000000.csv?",
        "README.md": "it is no table of a bundle.",
    }  # fmt: skip
    columns = read(tmp_path, {"accounts.csv": ACCOUNTS, "truth.csv": "x", **dict.fromkeys(odd, "x")})
    assert len(columns.notes) == len(odd) + 1
    for name, hint in odd.items():
        start = name.split("/")[0]
        assert any(
            note.startswith(f"{start} is not read") and note.endswith(hint) for note in columns.notes
        ), name


def test_without_accounts_the_nearest_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"account.csv is not read; did you mean accounts.csv\?"):
        read(tmp_path, {"account.csv": ACCOUNTS})


@given(st.sampled_from(["accounts.csv", "networks.csv"]).flatmap(
    lambda name: st.tuples(*(st.sampled_from([c.lower(), c.upper()]) for c in name)).map("".join)
))  # fmt: skip
def test_names_in_any_case(name: str) -> None:
    content = ACCOUNTS if name.lower().startswith("a") else "asn,network_class\n64500,hosting\n"
    files = {name: content} if content == ACCOUNTS else {name: content, "accounts.csv": ACCOUNTS}
    with tempfile.TemporaryDirectory() as folder:
        assert sum(table.read for table in read(Path(folder), files).tables) == (
            2 if content == ACCOUNTS else 3
        )


def test_a_table_twice_in_two_cases(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is there twice"):
        read(tmp_path, {"accounts.csv": ACCOUNTS, "ACCOUNTS.csv": ACCOUNTS})


LINES = "\n".join(map(json.dumps, RECORDS))
FORMS = {
    "lines": LINES,
    "lines with a mark": "\ufeff" + LINES,
    "array": json.dumps(RECORDS),
    "array with indents": json.dumps(RECORDS, indent=1),
    "array of lines": "[\n" + LINES.replace("\n", ",\n") + "\n]\n",
    "objects with indents": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
    "clickhouse": json.dumps(
        {"meta": [{"name": "account_id", "type": "String"}], "data": RECORDS, "rows": 3}
    ),
    "stripe": json.dumps({"object": "list", "data": RECORDS, "has_more": False}, indent=2),
}


@pytest.mark.parametrize("form", FORMS)
def test_json_in_its_forms(tmp_path: Path, form: str) -> None:
    columns = read(tmp_path, {"accounts.json": FORMS[form]})
    assert columns.accounts["account_id"].to_list() == ["a", "b", "c"]
    assert columns.dead_letters.is_empty()
    assert columns.edges["display_name"].height == 3


@pytest.mark.parametrize("name", ["payments.jsonl", "payments.ndjson", "PAYMENTS.JSONL", "payments.json"])
def test_lines_under_each_name(tmp_path: Path, name: str) -> None:
    line = json.dumps({"account_id": "a", "instrument": "pm_1", "kind": "card", **SPAN})
    columns = read(tmp_path, {"accounts.csv": ACCOUNTS, name: line})
    assert holders(columns, "instrument") == [{"a"}]


def test_an_array_under_the_name_of_lines_says_how_to_name_it(tmp_path: Path) -> None:
    for name in ("accounts.ndjson", "accounts.jsonl"):
        with pytest.raises(BundleError, match=r"one JSON array.*Rename it to accounts.json"):
            read(tmp_path / name, {name: json.dumps(RECORDS, indent=1)})


@pytest.mark.parametrize(
    "content", ["[", "{", "nonsense", '[{"account_id": "a"}, {"acc', '{"account_id": {"0": "a"}}']
)
def test_json_that_is_none(tmp_path: Path, content: str) -> None:
    with pytest.raises(BundleError, match=r"accounts\.json"):
        read(tmp_path, {"accounts.json": content})


def test_what_is_no_record_of_an_array_is_a_dead_letter(tmp_path: Path) -> None:
    content = json.dumps([RECORDS[0], 5, "x", RECORDS[1], None])
    columns = read(tmp_path, {"accounts.json": content})
    assert columns.dead_letters.select("row", "reason").rows() == [(n, "malformed_row") for n in (2, 3, 5)]
    assert columns.accounts.height == 2


def test_nan_of_pythons_json_costs_the_cell(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(record | {"signup_device": float("nan")}) for record in RECORDS[:2])
    assert "NaN" in lines
    columns = read(tmp_path, {"accounts.jsonl": lines})
    assert columns.accounts.height == 2
    assert columns.dead_letters.is_empty()


def test_names_of_json_in_capitals(tmp_path: Path) -> None:
    lines = "\n".join(
        json.dumps({name.upper(): value for name, value in record.items()}) for record in RECORDS
    )
    assert read(tmp_path, {"accounts.jsonl": lines}).edges["display_name"].height == 3


def test_an_array_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphsvc.intake.records.BLOCK", 256)
    lengths = [7 * n % 90 for n in range(24)]  # ends of blocks fall into all parts of a record
    records = [
        {"account_id": f"ü{n}", "created_at": "2024-01-05", "plan": "x" * length}
        for n, length in enumerate(lengths)
    ]
    assert len(json.dumps(records)) > 8 * 256
    for indent, opened in itertools.product((None, 1), (True, False)):
        content = json.dumps(records, indent=indent, ensure_ascii=False)
        content = (
            content if opened else "\n".join(json.dumps(r, indent=1, ensure_ascii=False) for r in records)
        )
        columns = read(tmp_path, {"accounts.json": content})
        assert columns.accounts.height == len(lengths)
        assert columns.accounts["plan"].fill_null("").str.len_bytes().sum() == sum(lengths)


def test_partitioned_files_of_polars(tmp_path: Path) -> None:
    frame = pl.DataFrame({
        "account_id": ["a", "b", "a"], "instrument": ["i", "i", "j"], "kind": ["card", "card", "bank"],
        **{name: [value] * 3 for name, value in SPAN.items()},
    })  # fmt: skip
    (tmp_path / "payments").mkdir()
    frame.write_parquet(tmp_path / "payments", partition_by=["kind"])
    columns = read(tmp_path, {"accounts.csv": ACCOUNTS})
    assert holders(columns, "instrument") == [{"a", "b"}, {"a"}]
    assert set(columns.values["instrument"]["instrument_kind"]) == {"card", "bank"}
