"""Raw columns to typed columns: text, times, whole numbers, addresses. What cannot be read is a fault."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from graphsvc.intake import addresses
from graphsvc.model.columns import TIME

_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")
_ISO = (
    r"^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?"
    r"(?:([Zz])|([+-]\d{2}):?(\d{2})?)?)?$"
)
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
_E_MAIL = r"[^\s@＠<>]+[@＠][^\s@＠<>]+"
_LONG_NUMBER = r"\d(?:[ ._\-]{0,2}\d){12,}"
_UNREADABLE = {TIME: "not_a_time", pl.Int64(): "not_a_number", pl.String(): "not_utf8"}
_IMPOSSIBLE = (pl.Boolean, pl.List, pl.Array, pl.Struct, pl.Duration, pl.Time, pl.Object)


class Typed(NamedTuple):
    """A typed column and, row by row, why a given value could not be read (String, null: it could)."""

    values: pl.Series
    faults: pl.Series | None


def by_distinct(values: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`change` applied to each distinct value once; nulls stay."""
    distinct = values.drop_nulls().unique()
    return values.replace_strict(distinct, change(distinct), default=None, return_dtype=pl.String)


def fits(stored: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether values of a stored column type can mean the wanted type at all."""
    if stored == pl.Null:
        return True
    if isinstance(stored, _IMPOSSIBLE):
        return False
    if wanted == TIME:
        return stored.is_temporal() or isinstance(stored, pl.String | pl.Binary | pl.Categorical | pl.Enum)
    return not stored.is_temporal()


def typed(raw: pl.Series, wanted: pl.DataType, form: str | None = None) -> Typed:
    """Read a raw column as `wanted` (String, `TIME` or Int64).

    Args:
        raw: the column as its file holds it: text, bytes, or a type that `fits`.
        form: how text is brought to canonical form, a key of `_FORMS`; None leaves it as it is.

    Returns:
        The column typed, null where nothing was given or what was given is a fault. Blank text is
        nothing given. Faults are `not_utf8`, `not_a_time`, `not_a_number`, `wrong_type`, or that
        of the form.
    """
    if not fits(raw.dtype, wanted):
        return Typed(pl.Series(raw.name, [None] * len(raw), dtype=wanted), _because(raw, "wrong_type"))
    if wanted == TIME and raw.dtype.is_temporal():
        values = _in_range(_utc(raw))
        return _checked(raw, values, "not_a_time")
    if wanted == pl.Int64() and raw.dtype.is_numeric():
        return _checked(raw, _whole(raw), "not_a_number")
    text = _text(raw)
    if text.values.dtype != pl.String or (wanted == pl.String() and form is None):
        return text
    given = text.values.str.strip_chars()
    if wanted == TIME:
        values, reason = _times(given), "not_a_time"
    elif wanted == pl.Int64():
        values, reason = _whole(given), "not_a_number"
    else:
        change, reason = _FORMS[form or ""]
        values = by_distinct(given, change)
    return _checked(given, values, reason, text.faults)


def _checked(given: pl.Series, values: pl.Series, reason: str, before: pl.Series | None = None) -> Typed:
    """Rows where something was given and nothing came out are faults."""
    lost = given.is_not_null() & values.is_null()
    if not lost.any():
        return Typed(values, before)
    faults = pl.select(pl.when(lost).then(pl.lit(reason))).to_series()
    return Typed(values, faults if before is None else before.zip_with(before.is_not_null(), faults))


def _because(raw: pl.Series, reason: str) -> pl.Series:
    return pl.select(pl.when(raw.is_not_null()).then(pl.lit(reason))).to_series()


def _text(raw: pl.Series) -> Typed:
    """Text of a column, blank as null."""
    if isinstance(raw.dtype, pl.Binary):
        try:
            values = raw.cast(pl.String)
        except pl.exceptions.ComputeError:
            values = pl.Series(raw.name, [_decoded(value) for value in raw], dtype=pl.String)
    elif raw.dtype.is_float():
        whole = _whole(raw).cast(pl.String)
        values = whole.zip_with(whole.is_not_null(), raw.cast(pl.String))
    else:
        values = raw.cast(pl.String)
    read = _checked(raw, values, "not_utf8")
    blank = values.str.contains(r"^\s*$").fill_null(value=False)
    return Typed(values.set(blank, None), read.faults) if blank.any() else read


def _decoded(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _utc(raw: pl.Series) -> pl.Series:
    """Datetimes of any unit and zone, and dates, as UTC microseconds; a naive time is UTC."""
    if isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is not None:
        return raw.dt.convert_time_zone("UTC").cast(TIME, strict=False)
    return raw.cast(pl.Datetime("us"), strict=False).dt.replace_time_zone("UTC")


def _in_range(times: pl.Series) -> pl.Series:
    """Only the years 1–9999, which every consumer of a time can hold."""
    outside = ~times.is_between(_EARLIEST, _LATEST)
    return times.set(outside.fill_null(value=False), None)


def _times(given: pl.Series) -> pl.Series:
    """ISO 8601 text as UTC: date only, `T` or a space, fractions, `Z` or an offset; naive is UTC."""
    times = pl.Series(given.name, [None] * len(given), dtype=TIME)
    for pattern in _FORMATS:
        left = given.is_not_null() & times.is_null()
        if not left.any():
            break
        # Rows already read are hidden, so that a column of one format costs one pass.
        hidden = given if left.all() else given.set(~left, None)
        zone = "UTC" if pattern.endswith("z") else None
        read = hidden.str.to_datetime(pattern, time_unit="us", time_zone=zone, strict=False)
        times = times.zip_with(times.is_not_null(), read if zone else read.dt.replace_time_zone("UTC"))
    left = given.is_not_null() & times.is_null()
    if left.any():
        times = times.scatter(left.arg_true(), _rare_times(given.filter(left)))
    return _in_range(times)


def _rare_times(given: pl.Series) -> pl.Series:
    """The forms of ISO 8601 that the direct formats do not cover, by rewriting them to one."""
    day, minute, second, fraction, _, hours, minutes = given.str.extract_groups(_ISO).struct.unnest()
    zone = pl.when(hours.is_null()).then(pl.lit("+00:00")).otherwise(hours + ":" + minutes.fill_null("00"))
    clock = minute.fill_null("00:00") + ":" + second.fill_null("00") + "." + fraction.fill_null("0")
    full = pl.select(day + "T" + clock + zone).to_series()
    return full.str.to_datetime(_FORMATS[0], time_unit="us", time_zone="UTC", strict=False)


def _whole(given: pl.Series) -> pl.Series:
    """Whole numbers, also written 5.0 or 1e3; null where the number is not whole or too large."""
    fractional = given.dtype.is_float() or given.dtype.is_decimal()
    numbers = (given.clear(len(given)) if fractional else given).cast(pl.Int64, strict=False)
    left = given.is_not_null() & numbers.is_null()
    if not left.any():
        return numbers
    floats = given.filter(left).cast(pl.Float64, strict=False)
    exact = floats.is_finite() & (floats == floats.round()) & (floats.abs() < 2.0**53)
    return numbers.scatter(left.arg_true(), floats.set(~exact.fill_null(value=False), None).cast(pl.Int64))


def masked(texts: pl.Series) -> pl.Series:
    """Text that will be stored as it is, with whatever looks like an e-mail address or holds 13 or
    more digits in a row replaced by `[masked]`."""
    return texts.str.replace_all(_E_MAIL, "[masked]").str.replace_all(_LONG_NUMBER, "[masked]")


def _kind_name(texts: pl.Series) -> pl.Series:
    """Names of identifier kinds: lower case, words joined by `_`; null for what is no name."""
    folded = texts.str.normalize("NFKC").str.to_lowercase()
    name = folded.str.replace_all(r"[^\p{L}\p{N}]+", "_").str.strip_chars("_")
    good = (
        name.str.contains(r"^\p{L}[\p{L}\p{N}_]{0,63}$")
        & ~folded.str.contains("@", literal=True)
        & (folded.str.count_matches(r"\d") < 10)
    )
    return name.set(~good, None)


_FORMS: dict[str, tuple[Callable[[pl.Series], pl.Series], str]] = {
    "ip": (addresses.canonical, "not_an_ip"),
    "cidr": (addresses.canonical_networks, "not_a_cidr"),
    "choice": (lambda texts: texts.str.to_lowercase(), ""),
    "country": (lambda texts: texts.str.to_uppercase(), ""),
    "label": (masked, ""),
    "kind": (_kind_name, "not_a_kind"),
    "text": (lambda texts: texts, ""),
}
