"""From raw columns to typed columns: text, times, integers, addresses. What cannot be read is a fault."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from graphsvc.intake import addresses, hosts
from graphsvc.intake.emails import read_emails
from graphsvc.intake.nulls import (
    COUNTRY_WORDS,
    NESTED,
    NULL_WORD,
    are_no_identifiers,
    are_null_words,
    are_objects,
    are_zero_uuids,
    unwrap_scalars,
)
from graphsvc.intake.numbers import LOST_DIGITS, format_floats, read_systems, read_whole, restore_integers
from graphsvc.intake.options import ReadOptions
from graphsvc.intake.times import EPOCH, NAIVE, NOT_A_TIME, read_numbers, read_texts
from graphsvc.model.columns import TIME

_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
_E_MAIL = r"[^\s@＠<>]+[@＠][^\s@＠<>]+"
_LONG_NUMBER = r"\d(?:[ ._\-]{0,2}\d){12,}"
_NO_VALUES = (pl.Boolean, pl.Duration, pl.Time, pl.Object)
POSTGRES_NULL = "\\N"
"""The one null word of prompt text: people may well ask a model `unknown` or `none`."""


class Typed(NamedTuple):
    """A typed column; row by row why a value was not taken (String, null: it was); and what its times were like."""

    values: pl.Series
    faults: pl.Series | None
    notes: frozenset[str] = frozenset()


class _Read(NamedTuple):
    """Distinct texts in canonical form, null where nothing is left, and why (String, null: blank, or taken)."""

    values: pl.Series
    reasons: pl.Series


def apply_distinct(values: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Return `change` applied to each distinct value once; nulls stay."""
    distinct = values.drop_nulls().unique()
    return values.replace_strict(distinct, change(distinct), default=None, return_dtype=pl.String)


def is_convertible(stored: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether values of a stored column type can mean the wanted type at all."""
    # A column without any value has no type; all its rows are null in any.
    if stored == pl.Null:
        return True
    if stored.is_nested() or isinstance(stored, _NO_VALUES):
        return False
    if wanted == TIME:
        texts = isinstance(stored, pl.String | pl.Binary | pl.Categorical | pl.Enum)
        return stored.is_temporal() or stored.is_numeric() or texts
    return not stored.is_temporal()


def read_values(
    raw: pl.Series, wanted: pl.DataType, form: str | None = None, options: ReadOptions | None = None,
    order: str | None = None,
) -> Typed:  # fmt: skip
    """Read a raw column as `wanted` (String, `TIME` or Int64).

    Args:
        raw: the column as its file holds it: text, bytes, or a type that `is_convertible`; n rows.
        wanted: the type.
        form: of the column's text, a key of `_FORMS`; None leaves it unchanged.
        options: what the caller says of the files; None: nothing.
        order: of dates such as 05/01/2024, as `times.read_texts` takes it.

    Returns:
        The column typed, null where the input was empty or faulty. Blank text is empty. Faults are
        `null_word`, `lost_digits`, `nested_object`, `not_utf8`, `not_a_time`, `ambiguous_date`,
        `not_a_number`, `wrong_type`, or that of the form.
    """
    options = options or ReadOptions()
    if not is_convertible(raw.dtype, wanted):
        reason = NESTED if raw.dtype.is_nested() else "wrong_type"
        return Typed(
            pl.Series(raw.name, [None] * len(raw), dtype=wanted), _set_reason(raw.is_not_null(), reason)
        )
    # Exporters write NaN for a missing number; it is not a value, nor does it break the row.
    raw, nan = _drop_nan(raw)
    if wanted == TIME:
        read = _read_times(raw, options, order)
    elif raw.dtype.is_numeric() and wanted == pl.Int64():
        read = _check_lost(raw, read_whole(raw), "not_a_number")
    elif wanted == pl.Int64():
        read = _read_integers(raw, form, options)
    else:
        read = _read_column(raw, form, options)
    return read if nan is None else Typed(read.values, _merge_faults(read.faults, nan), read.notes)


def _drop_nan(raw: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Return a float column with NaN as null, and where it was as faults."""
    if not raw.dtype.is_float():
        return raw, None
    nan = raw.is_nan().fill_null(value=False)
    return (raw.set(nan, None), _set_reason(nan, NULL_WORD)) if nan.any() else (raw, None)


def _read_times(raw: pl.Series, options: ReadOptions, order: str | None) -> Typed:
    if raw.dtype.is_temporal():
        # Read as UTC, and reported: a wrong zone shifts all behaviour in time.
        naive = not (isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is not None)
        read = _check_lost(raw, _limit_years(_convert_utc(raw)), NOT_A_TIME)
        return Typed(read.values, read.faults, frozenset({NAIVE} if naive and raw.count() else ()))
    if raw.dtype.is_numeric():
        read = _check_lost(raw, read_numbers(raw), NOT_A_TIME)
        return Typed(read.values, read.faults, frozenset({EPOCH} if read.values.count() else ()))
    text = _decode(raw)
    given = text.values.str.strip_chars()
    times = read_texts(given, order, options.null_words)
    values = _limit_years(times.values)
    faults = _merge_faults(text.faults, times.reasons)
    # Years outside 1–9999 were read, but cannot be kept.
    if values.null_count() > times.values.null_count():
        faults = _merge_faults(faults, _set_reason(values.is_null() & times.values.is_not_null(), NOT_A_TIME))
    return Typed(values, faults, times.notes)


def _read_integers(raw: pl.Series, form: str | None, options: ReadOptions) -> Typed:
    text = _decode(raw)
    given = text.values.str.strip_chars()
    values = read_whole(given)
    # Only what plain reading left: quotes, JSON scalars and null words are rare and slow.
    left = given.is_not_null() & values.is_null()
    if left.any():
        rest = unwrap_scalars(given.filter(left))
        void = are_null_words(rest, options.null_words)
        found = read_systems(rest) if form == "asn" else read_whole(rest)
        where = left.arg_true()
        values = values.scatter(where, found.set(void, None))
        given = given.scatter(where, rest.set(void, None))
        voids = pl.Series([None] * len(given), dtype=pl.String).scatter(where, _set_reason(void, NULL_WORD))
        text = Typed(text.values, _merge_faults(text.faults, voids))
    read = _check_lost(given, values, "not_a_number" if form is None else f"not_an_{form}", text.faults)
    if form == "asn" and (zero := (read.values == 0).fill_null(value=False)).any():
        # AS 0 is reserved (RFC 7607); exporters write it for an address that is announced by none.
        return Typed(read.values.set(zero, None), _merge_faults(read.faults, _set_reason(zero, NULL_WORD)))
    return read


def _read_column(raw: pl.Series, form: str | None, options: ReadOptions) -> Typed:
    """Read text: each distinct one once, and only what changes is written again."""
    if raw.dtype.is_numeric() and form == "ip":
        values = hosts.read_integers(raw)
        text = _check_lost(raw, values, hosts.NOT_AN_IP)
    else:
        text = _decode(raw, packed=form == "ip")
    values = text.values
    distinct = values.drop_nulls().unique()
    if distinct.is_empty():
        return text
    read = _read_prompts(distinct) if form is None else _read_distinct(distinct, form, options)
    if read.reasons.count() == 0 and read.values.equals(distinct):
        return text
    changed = pl.DataFrame({"text": distinct, "value": read.values, "reason": read.reasons})
    # By text, so that each distinct one was read once.
    joined = values.to_frame("text").join(changed, on="text", how="left", maintain_order="left")
    faults = joined["reason"] if read.reasons.count() else None
    return Typed(joined["value"].alias(raw.name), _merge_faults(text.faults, faults))


def _read_prompts(texts: pl.Series) -> _Read:
    void = texts == POSTGRES_NULL
    blank = texts.str.contains(r"^\s*$")
    return _Read(texts.set(void | blank, None), _set_reason(void, NULL_WORD))


def _read_distinct(texts: pl.Series, form: str, options: ReadOptions) -> _Read:
    plain = texts.str.strip_chars()
    text = pl.col("text")
    # In one query: most columns have neither, and each query has a price of its own.
    padded, quoted, empty = (
        plain.to_frame("text")
        .select(
            padded=text.str.contains("\0", literal=True).any(),
            quoted=text.str.contains('="', literal=True).any(),
            empty=(text.str.len_bytes() == 0).any(),
        )
        .row(0)
    )
    if padded:  # columns of fixed width are filled up with them
        plain = plain.str.replace_all("\0", "", literal=True).str.strip_chars()
    if quoted:  # how exporters keep a spreadsheet from reading a number
        plain = plain.str.replace(r'^="(.*)"$', "$1")
    # After the padding: `"x"` filled up with zeros would not be seen as JSON.
    unwrapped = unwrap_scalars(plain)
    if padded or quoted or empty or unwrapped is not plain:
        plain = unwrapped.set(unwrapped.str.len_bytes() == 0, None)
    # Zeros of a UUID are a missing value, too: linking by them would join strangers.
    void = are_null_words(plain, options.null_words, keep=MEANT.get(form, ())) | are_zero_uuids(plain)
    objects = are_objects(plain)
    reasons = pl.select(pl.when(void).then(pl.lit(NULL_WORD)).when(objects).then(pl.lit(NESTED))).to_series()
    read = _FORMS[form](plain.set(void | objects, None))
    return _Read(read.values.alias(texts.name), _merge_faults(reasons, read.reasons))


def _merge_faults(before: pl.Series | None, after: pl.Series | None) -> pl.Series:
    """Return the faults of two steps, those of the first where both have one."""
    if before is None or after is None:
        return before if after is None else after  # type: ignore[return-value]
    return before.zip_with(before.is_not_null(), after)


def _check_lost(given: pl.Series, values: pl.Series, reason: str, before: pl.Series | None = None) -> Typed:
    """Report a fault for each row with an input and no value."""
    # Reading never makes a value of none, so equal counts mean that each input has its value.
    if values.null_count() == given.null_count():
        return Typed(values, before)
    lost = given.is_not_null() & values.is_null()
    return Typed(values, _merge_faults(before, _set_reason(lost, reason)))


def _set_reason(where: pl.Series, reason: str) -> pl.Series:
    return pl.select(pl.when(where).then(pl.lit(reason))).to_series()


def _decode(raw: pl.Series, *, packed: bool = False) -> Typed:
    """Return a column as text, blank as null.

    `packed`: whether bytes that are no text are addresses in network order.
    """
    lost = None
    if isinstance(raw.dtype, pl.Binary):
        try:
            values = raw.cast(pl.String)
        # One row that is no UTF-8 fails the cast of all; the slow way finds which.
        except pl.exceptions.ComputeError:
            values = (
                hosts.read_packed(raw)
                if packed
                else pl.Series(raw.name, map(_decode_value, raw), dtype=pl.String)
            )
    elif raw.dtype.is_float():
        values, rounded = format_floats(raw)
        if rounded.any():
            values, lost = values.set(rounded, None), _set_reason(rounded, LOST_DIGITS)
    elif raw.dtype.is_decimal():
        # Decimals of scale are not part of an identifier.
        values = raw.cast(pl.String).str.replace(r"\.0+$", "")
    else:
        values = raw.cast(pl.String)
    read = _check_lost(raw, values, "not_utf8", lost)
    blank = values.str.contains(r"^\s*$")
    return Typed(values.set(blank.fill_null(value=False), None), read.faults) if blank.any() else read


def _decode_value(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _convert_utc(raw: pl.Series) -> pl.Series:
    """Return datetimes of any unit and zone, and dates, as UTC microseconds; a naive time is UTC."""
    if isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is not None:
        return raw.dt.convert_time_zone("UTC").cast(TIME, strict=False)
    return raw.cast(pl.Datetime("us"), strict=False).dt.replace_time_zone("UTC")


def _limit_years(times: pl.Series) -> pl.Series:
    """Return only the years 1–9999, which every consumer of a time can hold."""
    outside = (~times.is_between(_EARLIEST, _LATEST)).fill_null(value=False)
    return times.set(outside, None) if outside.any() else times


def mask_personal(texts: pl.Series) -> pl.Series:
    """Replace likely e-mail addresses, and 13 or more digits in a row, by `[masked]`.

    The text is stored readable.
    """
    return texts.str.replace_all(_E_MAIL, "[masked]").str.replace_all(_LONG_NUMBER, "[masked]")


def _normalize_kind(texts: pl.Series) -> pl.Series:
    """Return names of identifier kinds: lower case, words joined by `_`; null for what is no name."""
    folded = texts.str.normalize("NFKC").str.to_lowercase()
    name = folded.str.replace_all(r"[^\p{L}\p{N}]+", "_").str.strip_chars("_")
    # A kind is a name. What looks like an address or a number is a value in the wrong column, and personal.
    good = (
        name.str.contains(r"^\p{L}[\p{L}\p{N}_]{0,63}$")
        & ~folded.str.contains("@", literal=True)
        & (folded.str.count_matches(r"\d") < 10)
    )
    return name.set(~good, None)


def _make_form(change: Callable[[pl.Series], pl.Series], reason: str = "") -> Callable[[pl.Series], _Read]:
    """Return a form with one reason for all texts that come out as null."""

    def read_form(texts: pl.Series) -> _Read:
        values = change(texts)
        return _Read(values, _set_reason(texts.is_not_null() & values.is_null(), reason))

    return read_form


def _read_identifiers(texts: pl.Series, *, device: bool = False) -> _Read:
    """Return identifiers without the decimals of floats.

    Zeros, and numbers with lost digits, are no identifiers.
    """
    void = are_no_identifiers(texts, device=device)
    values, lost = restore_integers(texts)
    reasons = pl.select(
        pl.when(void).then(pl.lit(NULL_WORD)).when(lost).then(pl.lit(LOST_DIGITS))
    ).to_series()
    return _Read(values.set(void | lost, None), reasons)


def _read_accounts(texts: pl.Series) -> _Read:
    values, lost = restore_integers(texts)
    return _Read(values.set(lost, None), _set_reason(lost, LOST_DIGITS))


def _read_countries(texts: pl.Series) -> _Read:
    values = texts.str.to_uppercase()
    void = values.is_in(sorted(COUNTRY_WORDS)).fill_null(value=False)
    return _Read(values.set(void, None), _set_reason(void, NULL_WORD))


def _read_hosts(texts: pl.Series) -> _Read:
    return _Read(*hosts.read_addresses(texts))


MEANT = {
    "choice": ("unknown",),
    "country": ("NA",),
    "account": (
        "unknown",
        "missing",
        "nil",
        "-",
        "--",
        "?",
        "NA",
        "not set",
        "not available",
        "not provided",
    ),
}
"""Words of the list that mean something in a form: networks may be of the class unknown, NA is Namibia, and an account
may have the name of whatever no program writes for a missing key."""
_FORMS: dict[str, Callable[[pl.Series], _Read]] = {
    "account": _read_accounts,
    "identifier": _read_identifiers,
    "device": lambda texts: _read_identifiers(texts, device=True),
    "ip": _read_hosts,
    "cidr": _make_form(addresses.normalize_networks, "not_a_cidr"),
    "choice": _make_form(lambda texts: texts.str.to_lowercase()),
    "country": _read_countries,
    "email": _make_form(read_emails, "not_an_email"),
    "label": _make_form(mask_personal),
    "kind": _make_form(_normalize_kind, "not_a_kind"),
    "text": _make_form(lambda texts: texts),
}
