"""From times as exporters write them to UTC: ISO 8601, epochs, local dates, names of months, zones.

A column in one common form costs one pass of Polars. Only the remaining distinct texts go through patterns.
"""

from typing import NamedTuple

import polars as pl

from graphsvc.intake.nulls import are_null_words, unwrap_scalars
from graphsvc.intake.numbers import LOST_DIGITS, expand_scientific
from graphsvc.model.columns import TIME

NAIVE, EPOCH, DAY_FIRST, MONTH_FIRST = "naive", "epoch", "day-first", "month-first"
"""What `Times.notes` can hold: times without a zone, numbers since 1970, and the order of local dates."""
NOT_A_TIME, AMBIGUOUS_DATE, NULL_WORD = "not_a_time", "ambiguous_date", "null_word"

_FAST = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")
_EPOCHS = ((1, 1_000_000), (1_000, 1_000), (1_000_000, 1), (1_000_000_000, 0))
"""Units of epochs: how many make a second, and the microseconds of one (0: a thousand make one)."""
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 4_102_444_800
"""1990 and 2100: within them seconds, milliseconds, microseconds and nanoseconds cannot be mistaken for each other."""

_EPOCH = r"^\+?(\d{9,19}(?:[.,]\d*)?)$"
_CLOCK = r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?\s*(?i:([ap])\.?m\b\.?)?"
_ZONE = r"\s*((?:UTC|GMT|UT)?[+-]\d{2}:?(?:\d{2})?|[A-Za-z][A-Za-z0-9_+/\-]*)?(?:\s*[\[(][^\])]*[\])])?"
_END = rf"{_ZONE}$"
_ISO = rf"^(\d{{4}})([-/])(\d{{1,2}})[-/](\d{{1,2}})(?:[Tt _,]+{_CLOCK})?{_END}"
_HOUR_ONLY = r"^(\d{4}-\d{2}-\d{2})[Tt ](\d{2})((?:[Zz]|[+-]\d{2}:?(?:\d{2})?)?)$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})(?:[Tt ]?(\d{2})(\d{2})(\d{2})(?:[.,](\d{1,9}))?)?" + _END
_LOCAL = rf"^(\d{{1,2}})([/.\-])(\d{{1,2}})[/.\-](\d{{4}}|\d{{2}})(?:[T ,]+{_CLOCK})?{_END}"
_DAY_NAME = r"(?:\p{L}{3,9}\.?,?\s+)?"
_DAY_MONTH = (
    rf"^{_DAY_NAME}(\d{{1,2}})(?:st|nd|rd|th|\.)?[\s/\-]+([A-Za-z]{{3,9}})\.?[\s/\-,]+(\d{{4}}|\d{{2}})"
    rf"(?:[\s:T,]+{_CLOCK})?{_END}"
)
_MONTH_DAY = (
    rf"^{_DAY_NAME}([A-Za-z]{{3,9}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})"
    rf"(?:,?\s+(?:at\s+)?{_CLOCK})?{_END}"
)
_CTIME = rf"^[A-Za-z]{{3}}\s+([A-Za-z]{{3}})\s+(\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+(\d{{4}})$"
_SLASHED = r"^(\d{1,2})[/\-](\d{1,2})[/\-]\d{2}"
"""How a date begins of which the order of day and month must be known."""
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_UTC_NAMES = ["", "Z", "UTC", "UT", "GMT"]
_PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction", "half", "zone")


class Times(NamedTuple):
    """Times of a column (`TIME`), why a text was not read (String, null: it was, or there is none), and notes."""

    values: pl.Series
    reasons: pl.Series | None
    notes: frozenset[str]


def read_texts(given: pl.Series, order: str | None, extra_nulls: frozenset[str] = frozenset()) -> Times:
    """Read a column of times that came as text.

    Args:
        given: String without surrounding white space; n rows.
        order: `DAY_FIRST` or `MONTH_FIRST` for dates such as 05/01/2024; None: it is not known.
        extra_nulls: words of the caller's, in lower case, that stand for nothing.

    Returns:
        UTC microseconds, n rows. A time without a zone is taken as UTC and noted as `NAIVE`.
    """
    times = pl.Series(given.name, [None] * len(given), dtype=TIME)
    notes: set[str] = set()
    for pattern in _FAST:
        left = given.is_not_null() & times.is_null()
        if not left.any():
            return Times(times, None, frozenset(notes))
        # Rows already read are hidden, so that a column of one format costs one pass.
        hidden = given if left.all() else given.set(~left, None)
        zone = "UTC" if pattern.endswith("z") else None
        read = hidden.str.to_datetime(pattern, time_unit="us", time_zone=zone, strict=False)
        if zone is None and read.count():
            notes.add(NAIVE)
        times = times.zip_with(times.is_not_null(), read if zone else read.dt.replace_time_zone("UTC"))
    left = given.is_not_null() & times.is_null()
    if not left.any():
        return Times(times, None, frozenset(notes))
    rest = given.filter(left)
    distinct = rest.unique()
    found = _read_distinct(distinct, order, extra_nulls)
    joined = rest.to_frame("text").join(
        found.frame.with_columns(text=distinct), on="text", how="left", maintain_order="left"
    )
    where = left.arg_true()
    reasons = None
    if joined["reason"].count():
        reasons = pl.Series([None] * len(given), dtype=pl.String).scatter(where, joined["reason"])
    return Times(times.scatter(where, joined["time"]), reasons, frozenset(notes | found.notes))


def read_numbers(numbers: pl.Series) -> pl.Series:
    """Convert seconds, milliseconds, microseconds or nanoseconds since 1970 to UTC microseconds (`TIME`).

    The magnitude gives the unit. Values outside the years 1990 to 2100 become null, because there it would
    not.
    """
    # Nanoseconds do not fit into the 53 bits of a float, so whole numbers stay whole.
    exact = numbers.cast(pl.Int64, strict=False) if numbers.dtype.is_integer() else None
    floats = numbers.cast(pl.Float64, strict=False)
    micros = pl.Series(numbers.name, [None] * len(numbers), dtype=pl.Int64)
    for per_second, factor in _EPOCHS:
        fits = floats.is_between(_FIRST_SECOND * per_second, _LAST_SECOND * per_second).fill_null(value=False)
        if not fits.any():
            continue
        if exact is None:
            of_unit = (floats.set(~fits, None) * (1_000_000 / per_second)).round().cast(pl.Int64)
        else:
            hidden = exact.set(~fits, None)
            of_unit = hidden * factor if factor else hidden // 1_000
        micros = micros.zip_with(micros.is_not_null(), of_unit)
    return micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def find_date_order(columns: list[pl.Series]) -> str | None:
    """Find the order that dates such as 13/01/2024 prove: `DAY_FIRST`, `MONTH_FIRST`, or None.

    Args:
        columns: the time columns of the file, String.
    """
    day_first = month_first = False
    for texts in columns:
        slashed = texts.filter(texts.str.contains(_SLASHED).fill_null(value=False))
        if slashed.is_empty():
            continue
        parts = slashed.str.extract_groups(_SLASHED).struct.unnest().cast(pl.Int64, strict=False)
        first, second = parts.to_series(0), parts.to_series(1)
        # A first number above 12 can only be a day.
        day_first = day_first or bool((first > 12).any())
        month_first = month_first or bool((second > 12).any())
    # Both or neither: the file contradicts itself, or proves nothing.
    if day_first == month_first:
        return None
    return DAY_FIRST if day_first else MONTH_FIRST


class _Found(NamedTuple):
    frame: pl.DataFrame
    notes: frozenset[str]


def _read_distinct(texts: pl.Series, order: str | None, extra_nulls: frozenset[str]) -> _Found:
    """Read texts that the fast formats do not cover: `time` (TIME) and `reason` (String), as many rows."""
    plain = unwrap_scalars(texts)
    void = are_null_words(plain, extra_nulls)
    frame = pl.DataFrame({"text": plain.set(void, None)})
    numbers = expand_scientific(plain.set(void, None))
    epoch = read_numbers(_parse_number(numbers.values.str.extract(_EPOCH).str.replace(",", ".")))
    # The first form that fits decides; their order puts the unambiguous ones first.
    parts = pl.coalesce(*(_build_struct(each) for each in _list_forms(order)))
    taken = frame.select(parts=parts)["parts"].struct.unnest()
    times = _build_times(taken)
    notes = {NAIVE} if (times.is_not_null() & taken["zone"].is_null()).any() else set()
    if epoch.count():
        notes.add(EPOCH)
    slashed = plain.str.contains(_SLASHED).fill_null(value=False)
    if order is not None and (slashed & times.is_not_null()).any():
        notes.add(order)
    time = epoch.zip_with(epoch.is_not_null(), times).alias("time")
    reason = pl.select(
        pl.when(time.is_not_null()).then(None)
        .when(void).then(pl.lit(NULL_WORD))
        .when(numbers.lost).then(pl.lit(LOST_DIGITS))
        .when(slashed if order is None else pl.Series([False]) & slashed).then(pl.lit(AMBIGUOUS_DATE))
        .otherwise(pl.lit(NOT_A_TIME)).alias("reason")
    ).to_series()  # fmt: skip
    return _Found(pl.DataFrame([time, reason]), frozenset(notes))


def _parse_number(texts: pl.Series) -> pl.Series:
    """Return the text of a number as Int64 where all are whole, else as Float64."""
    whole = texts.cast(pl.Int64, strict=False)
    return whole if whole.null_count() == texts.null_count() else texts.cast(pl.Float64, strict=False)


def _extract_groups(pattern: str, names: tuple[str, ...]) -> dict[str, pl.Expr]:
    struct = pl.col("text").str.extract_groups(pattern)
    return {name: struct.struct.field(str(place)) for place, name in enumerate(names, start=1) if name}


_CLOCK_NAMES = ("hour", "minute", "second", "fraction", "half")


def _list_forms(order: str | None) -> list[dict[str, pl.Expr]]:
    """Return what each form of a time consists of."""
    forms = [
        _extract_groups(_ISO, ("year", "", "month", "day", *_CLOCK_NAMES, "zone")),
        _extract_groups(_COMPACT, ("year", "month", "day", "hour", "minute", "second", "fraction", "zone")),
        _extract_hour_only(),
        _extract_groups(_DAY_MONTH, ("day", "month", "year", *_CLOCK_NAMES, "zone")),
        _extract_groups(_MONTH_DAY, ("month", "day", "year", *_CLOCK_NAMES, "zone")),
        _extract_groups(_CTIME, ("month", "day", *_CLOCK_NAMES, "zone", "year")),
        # With dots the day comes first in every locale that writes them.
        _extract_local(("day", "", "month", "year"), r"\."),
    ]
    if order is not None:
        names = ("day", "", "month", "year") if order == DAY_FIRST else ("month", "", "day", "year")
        forms.append(_extract_local(names, r"[/\-]"))
    return forms


def _extract_local(names: tuple[str, ...], separator: str) -> dict[str, pl.Expr]:
    pattern = _LOCAL.replace(r"[/.\-]", separator)
    return _extract_groups(pattern, (*names, *_CLOCK_NAMES, "zone"))


def _extract_hour_only() -> dict[str, pl.Expr]:
    day = pl.col("text").str.extract(_HOUR_ONLY, 1)
    zone = pl.col("text").str.extract(_HOUR_ONLY, 3)
    return {
        "year": day.str.slice(0, 4), "month": day.str.slice(5, 2), "day": day.str.slice(8, 2),
        "hour": pl.col("text").str.extract(_HOUR_ONLY, 2), "zone": pl.when(zone != "").then(zone),
    }  # fmt: skip


def _build_struct(form: dict[str, pl.Expr]) -> pl.Expr:
    fields = [form.get(name, pl.lit(None, pl.String)).alias(name) for name in _PARTS]
    return pl.when(form["year"].is_not_null()).then(pl.struct(fields))


def _build_times(parts: pl.DataFrame) -> pl.Series:
    """Return the UTC times that parts of texts make; null where they make none."""
    month = pl.col("month").str.to_lowercase().str.slice(0, 3)
    # Digits of other scripts match the patterns and are no numbers here.
    year, hour = (pl.col(name).cast(pl.Int64, strict=False) for name in ("year", "hour"))
    half = pl.col("half").str.to_lowercase()
    zone = pl.col("zone").str.replace(r"^(?:UTC|GMT|UT)([+-])", "$1")
    offset = zone.str.extract_groups(r"^([+-]\d{2}):?(\d{2})?$").struct
    frame = parts.select(
        # Two digits of a year are of this century (POSIX strptime would put 69–99 into the last).
        year=pl.when(pl.col("year").str.len_bytes() == 2).then(year + 2000).otherwise(year),
        month=pl.col("month").cast(pl.Int64, strict=False).fill_null(month.replace_strict(_MONTHS, default=None)),
        day=pl.col("day"),
        hour=pl.when(half.is_null()).then(pl.when(pl.col("hour").is_null()).then(0).otherwise(hour))
        .when(hour.is_between(1, 12)).then(hour % 12 + pl.when(half == "p").then(12).otherwise(0)),
        minute=pl.col("minute").fill_null("00"), second=pl.col("second").fill_null("00"),
        fraction=pl.col("fraction").fill_null("0"),
        offset=offset.field("1") + ":" + offset.field("2").fill_null("00"),
        zone=pl.when(zone.str.to_uppercase().is_in(_UTC_NAMES)).then(pl.lit("UTC")).otherwise(zone).fill_null("UTC"),
    )  # fmt: skip
    local = frame.select(
        pl.concat_str(
            pl.col("year").cast(pl.String).str.zfill(4), pl.lit("-"), pl.col("month").cast(pl.String).str.zfill(2),
            pl.lit("-"), pl.col("day").str.zfill(2), pl.lit("T"), pl.col("hour").cast(pl.String).str.zfill(2),
            pl.lit(":"), "minute", pl.lit(":"), "second", pl.lit("."), "fraction",
        ).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    ).to_series()  # fmt: skip
    shift = (local.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f") + frame["offset"]).str.to_datetime(
        _FAST[0], time_unit="us", time_zone="UTC", strict=False
    )
    times = shift
    # An offset names the time exactly, so a zone beside it adds nothing.
    named = frame["zone"].set(frame["offset"].is_not_null(), None)
    for name in named.drop_nulls().unique().sort():
        times = times.zip_with(~(named == name).fill_null(value=False), _convert_zone(local, name))
    return times


def _convert_zone(local: pl.Series, zone: str) -> pl.Series:
    """Return local times of an IANA zone as UTC; all null where there is no such zone."""
    try:
        # The repeated hour of autumn is read as its first; the one that spring skips does not exist.
        there = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    except pl.exceptions.PolarsError:
        return pl.Series(local.name, [None] * len(local), dtype=TIME)
    return there.dt.convert_time_zone("UTC")
