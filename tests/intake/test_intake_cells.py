"""Any text in any cell: never a crash, every row counted once, and what is read is what was meant."""

import csv
import io
import json
import re
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import polars as pl
import pytest
from costly import HALF
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.intake import addresses, read_bundle
from graphsvc.intake.schemas import are_card_numbers
from graphsvc.intake.values import mask_personal, read_values
from graphsvc.model.columns import TIME
from graphsvc.signals.tokens import Tokeniser

TOKENS = Tokeniser(b"k" * 32, "test")
COLUMNS = ("account_id", "ip", "asn", "device", "first_seen", "last_seen", "requests")
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
CELL = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            "acct-1",
            "192.0.2.1",
            "2001:db8::1",
            "2026-01-01",
            "5",
            "a,b",
            'q"q',
            "x\ny",
            "4111111111111111",
        ]
    ),
)
ROWS = st.lists(st.tuples(*[CELL] * len(COLUMNS)), max_size=12)


def bundle(sessions: bytes, form: str) -> tuple[int, int]:
    """Rows read (blank ones too) and rejected of a `sessions` table beside one good account."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "accounts.csv").write_text("account_id,created_at\nacct-1,2026-01-01\n", encoding="utf-8")
        (path / f"sessions.{form}").write_bytes(sessions)
        columns = read_bundle(path, TOKENS)
        table = columns.tables[1]
        blank = [int(n) for note in columns.notes for n in re.findall(r"(\d+) blank", note)]
        assert columns.dead_letters.height == table.rejected
        assert (columns.dead_letters["row"] >= 1).all()
        return table.read + sum(blank), table.rejected


@HALF
@given(ROWS)
def test_any_csv_cell(rows: list[tuple[str, ...]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *rows])
    read, rejected = bundle(text.getvalue().encode(errors="replace"), "csv")
    assert read == len(rows)
    assert rejected <= read


@HALF
@given(ROWS, st.lists(st.sampled_from(["", "{", "[1]", "null", '{"ip": NaN}', "5"]), max_size=3))
def test_any_ndjson_cell_and_broken_lines(rows: list[tuple[str, ...]], broken: list[str]) -> None:
    lines = [json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows]
    whole = [*lines[:2], *broken, *lines[2:]]
    if not rows:
        whole.append(json.dumps(dict.fromkeys(COLUMNS, "")))
    read, rejected = bundle("\n".join(whole).encode(errors="replace"), "ndjson")
    # Blank lines keep their number, which a person needs to find the others, and are no rows.
    assert read <= len([line for line in whole if line.strip()])
    assert rejected >= len([line for line in broken if line])


@given(st.binary(max_size=300))
def test_any_bytes_after_a_header(content: bytes) -> None:
    read, rejected = bundle(",".join(COLUMNS).encode() + b"\n" + content, "csv")
    assert rejected <= read


def test_ragged_rows_cost_the_row_and_bad_bytes_the_cell() -> None:
    good = b"acct-1,192.0.2.1,1,d,2026-01-01,2026-01-02,3\n"
    header = b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    bad = [b"acct-1,192.0.2.1\n", good.strip() + b",more\n", good.replace(b",d,", b",\xff\xfe,"), b"\n"]
    assert bundle(header + good + b"".join(bad) + good.rstrip(), "csv") == (5, 2)


@given(
    st.datetimes(min_value=NAIVE.replace(year=1900), max_value=NAIVE.replace(year=2200)),
    st.integers(-14 * 60, 14 * 60),
)
def test_times_in_every_form_of_iso_8601(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    utc = naive.replace(tzinfo=UTC)
    texts = {
        moment.isoformat(): moment, moment.isoformat(" "): moment, naive.isoformat(): utc,
        naive.isoformat() + "Z": utc, f" {naive:%Y-%m-%dT%H:%M} ": utc.replace(second=0, microsecond=0),
        f"{naive:%Y-%m-%d %H:%M:%S}+00": utc.replace(microsecond=0),
        f"{naive:%Y-%m-%d}": utc.replace(hour=0, minute=0, second=0, microsecond=0),
        f"{naive.isoformat(timespec='microseconds')}999Z": utc,
    }  # fmt: skip
    read = read_values(pl.Series(list(texts)), TIME)
    assert read.faults is None
    assert read.values.to_list() == [time.astimezone(UTC) for time in texts.values()]


@pytest.mark.parametrize(
    "text", ["2026-13-01", "2026-02-30", "noon", "20261301", "17000000", "45296.4", "2026-01-01T25:00:00Z"]
)
def test_what_is_no_time(text: str) -> None:
    assert read_values(pl.Series([text]), TIME).faults.to_list() == ["not_a_time"]


@pytest.mark.parametrize(
    ("stored", "wanted", "expected"),
    [
        (pl.Series([5, None]), pl.String(), ["5", None]),
        (pl.Series([5.0, 1e15]), pl.String(), ["5", "1000000000000000"]),
        (pl.Series(["a", " "], dtype=pl.Categorical), pl.String(), ["a", None]),
        (pl.Series(["5", "5.0", "1e3", " 7 "]), pl.Int64(), [5, 5, 1000, 7]),
        (pl.Series([1.0, None]), pl.Int64(), [1, None]),
        (pl.Series([7], dtype=pl.UInt64), pl.Int64(), [7]),
        (pl.Series(["7.00"]).str.to_decimal(scale=2), pl.Int64(), [7]),
        (
            pl.Series([NAIVE], dtype=pl.Datetime("ns")),
            TIME,
            [datetime(2026, 1, 1, tzinfo=UTC)],
        ),
        (pl.Series([NAIVE]).dt.date(), TIME, [datetime(2026, 1, 1, tzinfo=UTC)]),
        (
            pl.Series([NAIVE]).dt.replace_time_zone("Asia/Tokyo"),
            TIME,
            [datetime(2025, 12, 31, 15, tzinfo=UTC)],
        ),
    ],
)
def test_stored_types_that_can_be_read(
    stored: pl.Series, wanted: pl.DataType, expected: list[object]
) -> None:
    read = read_values(stored, wanted)
    assert read.faults is None
    assert read.values.to_list() == expected


def test_an_optional_column_of_an_impossible_type_costs_its_cells(tmp_path: Path) -> None:
    frame = pl.DataFrame({"account_id": ["a", "b"], "created_at": ["2026-01-01"] * 2, "phone": [["1"], None]})
    frame.write_parquet(tmp_path / "accounts.parquet")
    columns = read_bundle(tmp_path, TOKENS)
    assert columns.dead_letters.is_empty()
    assert [(c.column, c.reason, c.count, c.row) for c in columns.cells] == [("phone", "nested_object", 1, 1)]
    assert columns.accounts["account_id"].to_list() == ["a", "b"]


@given(
    st.lists(
        st.one_of(
            st.ip_addresses().map(str),
            st.ip_addresses(v=6).map(lambda a: a.exploded.upper()),
            st.text(max_size=12),
        )
    )
)
def test_addresses_agree_with_the_standard_library(texts: list[str]) -> None:
    def expected(text: str) -> str | None:
        try:
            address = ip_address(text)
        except ValueError:
            return None
        if isinstance(address, IPv6Address):
            if address.scope_id is not None:
                return None
            address = address.ipv4_mapped or address
        return str(address)

    assert addresses.normalize_addresses(pl.Series(texts, dtype=pl.String)).to_list() == [
        expected(text) for text in texts
    ]


PLAIN = st.ip_addresses().filter(lambda address: address.version == 4 or address.ipv4_mapped is None)


@given(PLAIN, st.lists(st.tuples(PLAIN, st.integers(0, 128)), min_size=1, max_size=20))
def test_the_most_specific_network_wins(
    address: IPv4Address | IPv6Address, networks: list[tuple[IPv4Address | IPv6Address, int]]
) -> None:
    near = [(address, bits) for _, bits in networks[::2]]
    all_ = [ip_network(f"{a}/{min(bits, a.max_prefixlen)}", strict=False) for a, bits in networks + near]
    held = addresses.parse_networks(pl.Series([str(n) for n in all_], dtype=pl.String))
    assert addresses.format_networks(held).to_list() == [str(n) for n in all_]
    found = addresses.match_longest(
        addresses.parse_addresses(pl.Series([str(address)])),
        held.with_columns(asn=pl.Series([n.prefixlen for n in all_], dtype=pl.Int64)),
    )
    assert found.to_list() == [max((n.prefixlen for n in all_ if address in n), default=None)]


def luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 * (d > 9) for d in doubled) % 10 == 0


@given(st.lists(st.from_regex(r"[0-9][0-9 -]{10,24}[0-9]", fullmatch=True)))
def test_card_numbers_are_those_that_pass_the_luhn_check(texts: list[str]) -> None:
    bare = [text.replace(" ", "").replace("-", "") for text in texts]
    expected = [13 <= len(text) <= 19 and luhn(text) for text in bare]
    assert are_card_numbers(pl.Series(texts, dtype=pl.String)).to_list() == expected


@given(st.text(max_size=20), st.text(max_size=20))
def test_stored_text_holds_no_address_and_no_long_number(before: str, after: str) -> None:
    for secret in ("canary@leak.example", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111"):
        assert secret not in mask_personal(pl.Series([f"{before}{secret}{after}"])).item()


def test_what_is_no_whole_number() -> None:
    decimal = pl.Series(["1.50"]).str.to_decimal(scale=2)
    for stored in (pl.Series([1.5]), decimal, pl.Series(["1.5"]), pl.Series(["1e99"])):
        faults = read_values(stored, pl.Int64()).faults
        assert faults is not None
        assert faults.to_list() == ["not_a_number"]
