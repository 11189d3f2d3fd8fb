"""Times in the forms that exporters document, each with its right value; whatever is ambiguous is refused by name."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from exports import read
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.intake.options import ReadOptions
from graphsvc.intake.times import (
    DAY_FIRST,
    EPOCH,
    MONTH_FIRST,
    NAIVE,
    find_date_order,
    read_numbers,
    read_texts,
)
from graphsvc.intake.values import read_values
from graphsvc.model.columns import TIME

TEN = datetime(2024, 1, 5, 10, tzinfo=UTC)
NAIVE_TIMES = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30))  # noqa: DTZ001
ZONES = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


SEVERAL_TIMES = st.lists(NAIVE_TIMES, min_size=1, max_size=6)
"""A column of them: reading one takes as long as reading six."""


def one(text: str, order: str | None = None) -> datetime | None:
    return read_texts(pl.Series([text]), order).values.item()


def several(texts: list[str], order: str | None = None) -> list[datetime | None]:
    return read_texts(pl.Series(texts), order).values.to_list()


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05 10:00:00 UTC",  # BigQuery
        "2024-01-05 10:00:00.000000 UTC",
        "2024-01-05 10:00:00.000 UTC",  # Athena, Trino
        "2024-01-05 05:00:00.000 America/New_York",
        "2024-01-05 10:00:00.000 +0000",  # Snowflake
        "Fri, 05 Jan 2024 10:00:00 +0000",
        "2024-01-05 15:30:00+05:30",  # PostgreSQL
        "2024-01-05 10:00:00+00",
        "2024-01-05 04:30:00-05:30",
        "2024-01-05T10:00:00.000Z",  # Spark, MongoDB, Auth0
        "2024-01-05T10:00:00.000+0000",
        '{"$date":"2024-01-05T10:00:00Z"}',
        '{"$date": {"$numberLong": "1704448800000"}}',
        "2024-01-05T10:00Z[UTC]",  # Java
        "Fri Jan  5 10:00:00 UTC 2024",
        "Fri Jan 05 2024 10:00:00 GMT+0000 (Coordinated Universal Time)",  # JavaScript
        "05/Jan/2024:10:00:00 +0000",  # access logs
        "05-JAN-24 10.00.00.000000 AM",  # Oracle
        "20240105T100000Z",
        "05.01.2024 10:00:00",  # Excel and LibreOffice in German
        "5.1.24 10:00",
        "January 5, 2024, 10:00 AM",
        "2024-01-05 10:00",  # Stripe
        "2024/01/05 10:00:00",
        "1704448800",  # epochs
        "1704448800.0",
        "1704448800000",
        "1704448800000000",
        "1704448800000000000",
        "1.7044488E+9",
    ],
)
def test_a_time_as_an_exporter_writes_it(text: str) -> None:
    assert one(text) == TEN


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("noon", "not_a_time"),
        ("2024-13-05 10:00:00 UTC", "not_a_time"),
        ("2024-01-05 10:00:00 XYZ", "not_a_time"),
        ("1/5/2024", "ambiguous_date"),
        ("1.7E+09", "lost_digits"),  # a spreadsheet's epoch: which of three months
        ("45296.41", "not_a_time"),  # days since 1900 or since 1970
        ("NULL", "null_word"),
        ("２０24-01-05 10:00", "not_a_time"),  # digits of another width match the pattern and are no number
        ("2024-01-05 1٠:00", "not_a_time"),
        ("1.7E+０９", "lost_digits"),
    ],
)
def test_what_is_no_time_says_why(text: str, reason: str) -> None:
    read = read_texts(pl.Series([text]), None)
    assert read.values.item() is None
    assert read.reasons is not None
    assert read.reasons.item() == reason


@given(SEVERAL_TIMES, ZONES)
def test_every_way_to_write_an_offset(naive: list[datetime], zone: timezone) -> None:
    moments = [each.replace(tzinfo=zone) for each in naive]
    offset = moments[0].strftime("%z")[:5]
    forms = [
        offset,
        f" {offset}",
        f"{offset[:3]}:{offset[3:]}",
        f" GMT{offset}",
        f" UTC{offset[:3]}:{offset[3:]}",
    ]
    if offset.endswith("00"):
        forms.append(offset[:3])
    for form in forms:
        for separator in "T ":
            assert several([each.isoformat(separator) + form for each in naive]) == moments, form


@given(SEVERAL_TIMES)
def test_every_unit_of_an_epoch_as_number_float_and_text(naive: list[datetime]) -> None:
    moments = [each.replace(tzinfo=UTC) for each in naive]
    seconds = [moment.replace(microsecond=0) for moment in moments]
    whole = [int(second.timestamp()) for second in seconds]
    for factor in (1, 10**3, 10**6, 10**9):
        numbers = [each * factor for each in whole]
        assert read_numbers(pl.Series(numbers)).to_list() == seconds
        assert read_numbers(pl.Series(numbers, dtype=pl.UInt64)).to_list() == seconds
        assert several([str(number) for number in numbers]) == seconds
        if factor < 10**9:  # a float has no room for nanoseconds
            assert read_numbers(pl.Series([float(number) for number in numbers])).to_list() == seconds
            assert several([f"{number}.0" for number in numbers]) == seconds
    micros = [each * 10**6 + moment.microsecond for each, moment in zip(whole, moments, strict=True)]
    assert read_numbers(pl.Series(micros)).to_list() == moments
    read = several([f"{each / 10**6:.6f}" for each in micros])
    for found, moment in zip(read, moments, strict=True):
        assert abs(found - moment) <= timedelta(microseconds=1)  # type: ignore[operator]


@given(SEVERAL_TIMES)
def test_local_dates_are_read_in_the_order_that_was_said(naive: list[datetime]) -> None:
    days = [each.replace(second=0, microsecond=0) for each in naive]
    expected = [day.replace(tzinfo=UTC) for day in days]
    assert several([f"{day:%d/%m/%Y %H:%M}" for day in days], DAY_FIRST) == expected
    assert several([f"{day:%m/%d/%Y %I:%M %p}" for day in days], MONTH_FIRST) == expected
    assert several([f"{day.month}/{day.day}/{day:%Y} {day:%H:%M}" for day in days], MONTH_FIRST) == expected
    assert several([f"{day:%d.%m.%Y %H:%M}" for day in days]) == expected
    recent = [day for day in days if day.year >= 2000]
    if recent:
        short = several([f"{day:%m/%d/%y %H:%M}" for day in recent], MONTH_FIRST)
        assert short == [day.replace(tzinfo=UTC) for day in recent]


def test_a_file_proves_the_order_of_its_dates() -> None:
    assert find_date_order([pl.Series(["05/01/2024"]), pl.Series(["13/01/2024"])]) == DAY_FIRST
    assert find_date_order([pl.Series(["01/13/2024", None])]) == MONTH_FIRST
    assert find_date_order([pl.Series(["05/01/2024"])]) is None
    assert find_date_order([pl.Series(["13/01/2024", "01/13/2024"])]) is None


def test_dates_of_a_european_and_of_an_american_spreadsheet(tmp_path: Path) -> None:
    european = "account_id;created_at\na;05/01/2024 10:00\nb;25/01/2024 10:00\n"
    columns = read(tmp_path / "eu", {"accounts.csv": european})
    assert columns.accounts["created_at"].to_list() == [TEN, TEN + timedelta(days=20)]
    american = "account_id,created_at\na,1/5/2024 10:00\nb,1/25/24 10:00 AM\n"
    columns = read(tmp_path / "us", {"accounts.csv": american})
    assert columns.accounts["created_at"].to_list() == [TEN, TEN + timedelta(days=20)]
    assert "month first" in " ".join(columns.notes)


def test_dates_that_could_be_either_are_refused_until_the_order_is_said(tmp_path: Path) -> None:
    files = {"accounts.csv": "account_id,created_at\na,05/01/2024\nb,06/01/2024\n"}
    columns = read(tmp_path, files)
    assert columns.dead_letters["reason"].to_list() == ["ambiguous_date"] * 2
    columns = read(tmp_path, files, ReadOptions(dates=DAY_FIRST))
    assert [time.day for time in columns.accounts["created_at"]] == [5, 6]


@pytest.mark.parametrize("zone", [None, "UTC", "+00:00", "+02:00", "-05:30", "+05:45", "Asia/Kolkata"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_zones_of_parquet_types(tmp_path: Path, zone: str | None, unit: str) -> None:
    times = pa.array([TEN.replace(tzinfo=None)], pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
    columns = read(tmp_path, {"accounts.parquet": pa.table({"account_id": ["a"], "created_at": times})})
    assert columns.accounts["created_at"].to_list() == [TEN]
    assert any("without a zone" in note for note in columns.notes) == (zone is None)


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1704448800], pa.int64()),
        pa.array([1704448800], pa.uint32()),
        pa.array([1704448800000], pa.int64()),
        pa.array([1704448800.0], pa.float64()),
        pa.array(["1704448800"]),
        pa.array(["2024-01-05 10:00:00 UTC"]).dictionary_encode(),
        pa.array(["2024-01-05T10:00:00Z"], pa.large_string()),
    ],
)
def test_parquet_columns_that_mean_a_time(tmp_path: Path, times: pa.Array) -> None:
    columns = read(tmp_path, {"accounts.parquet": pa.table({"account_id": ["a"], "created_at": times})})
    assert columns.accounts["created_at"].to_list() == [TEN]


def test_a_day_is_its_first_moment(tmp_path: Path) -> None:
    table = pa.table({"account_id": ["a"], "created_at": pa.array([date(2024, 1, 5)])})
    columns = read(tmp_path, {"accounts.parquet": table})
    assert columns.accounts["created_at"].to_list() == [TEN.replace(hour=0)]


def test_a_missing_zone_is_said_once_with_all_columns(tmp_path: Path) -> None:
    span = "first_seen,last_seen\na,192.0.2.1,2024-01-05,2024-01-06\n" * 1
    columns = read(
        tmp_path,
        {
            "accounts.csv": "account_id,created_at\na,2024-01-05T10:00:00\nb,2024-01-05T10:00:00Z\n",
            "sessions/1.csv": f"account_id,ip,{span}",
            "sessions/2.csv": f"account_id,ip,{span}",
        },
    )
    assert columns.notes == (
        "Times without a zone are read as UTC: accounts.created_at, sessions.first_seen, sessions.last_seen.",
    )


def test_notes_of_a_column() -> None:
    assert read_values(pl.Series(["2024-01-05T10:00:00Z"]), TIME).notes == frozenset()
    assert read_values(pl.Series(["2024-01-05"]), TIME).notes == {NAIVE}
    assert read_values(pl.Series([1704448800]), TIME).notes == {EPOCH}


@given(st.text(max_size=40))
def test_any_text_is_a_time_of_these_years_or_has_a_reason(text: str) -> None:
    read = read_texts(pl.Series([text.strip()]), DAY_FIRST)
    if read.values.item() is None:
        assert read.reasons is not None
        assert read.reasons.item() is not None
