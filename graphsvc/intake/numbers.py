"""Numbers in disguise: identifiers that became floats in an export, and autonomous systems with a prefix."""

from typing import NamedTuple

import polars as pl

LOST_DIGITS = "lost_digits"
"""Why an identifier in scientific notation is none: the export rounded it, so strangers would share it."""

SCIENTIFIC = r"^[+-]?(\d)(?:[.,](\d+))?[eE]\+(\d{1,3})$"
_SHOWN = 7
"""Decimals from which a mantissa is a program's exact one: a spreadsheet shows five, `%e` of C six."""
WHOLE_FLOAT = r"^(\d+)(?:\.0+|,0{1,2})$"
_GROUPED = r"^\d{1,3}\.000$"
_EXACT = 2**53
_SYSTEM = r"^(?i:ASN?)?[\s:#]*(\d{1,10})(?:\.0+)?(?:[\s,(\-–:]+\D.*)?$"


class Expanded(NamedTuple):
    """Text with scientific notation written out, and where it had lost digits (Boolean, no null)."""

    values: pl.Series
    lost: pl.Series


def expand_scientific(texts: pl.Series) -> Expanded:
    """Write out numbers in scientific notation with an explicit sign, such as 4.47E+11.

    A number that may have more digits than were written is lost. Without the sign it may be an identifier like 12e4,
    which stays as it is.

    Args:
        texts: String, n rows.
    """
    there = texts.str.contains(SCIENTIFIC).fill_null(value=False)
    if not there.any():
        return Expanded(texts, there)
    groups = texts.str.extract_groups(SCIENTIFIC).struct.unnest()
    first, decimals = groups.to_series(0), groups.to_series(1).fill_null("")
    exponent = groups.to_series(2).cast(pl.Int64, strict=False)  # null: digits of another script
    digits = decimals.str.len_bytes().cast(pl.Int64)
    # A mantissa with enough decimals has all digits of the number. A shorter one was rounded for display.
    exact = there & (exponent <= 18) & ((digits >= exponent) | (digits >= _SHOWN))
    frame = pl.DataFrame(
        {"first": first, "decimals": decimals, "exponent": exponent.clip(0, 18), "digits": digits}
    )
    written = frame.select(
        pl.concat_str("first", pl.col("decimals").str.slice(0, pl.col("exponent")))
        + pl.lit("0").repeat_by((pl.col("exponent") - pl.col("digits")).clip(0)).list.join("")
        + pl.when(pl.col("digits") > pl.col("exponent")).then(
            pl.lit(".") + pl.col("decimals").str.slice(pl.col("exponent"))
        ).otherwise(pl.lit(""))
    ).to_series()  # fmt: skip
    exact = exact.fill_null(value=False)
    return Expanded(written.zip_with(exact, texts), there & ~exact)


def restore_integers(texts: pl.Series) -> Expanded:
    """Return identifiers that a float column turned into `1001.0` or `1.001E+03` as `1001`.

    `411.000` stays: a locale may mean 411,000 by it.

    Args:
        texts: String, n rows.
    """
    values, lost = expand_scientific(texts)
    if values.str.contains(WHOLE_FLOAT).any():
        whole = values.str.extract(WHOLE_FLOAT)
        plain = values.str.contains(_GROUPED).fill_null(value=False)
        values = whole.zip_with(whole.is_not_null() & ~plain, values)
    return Expanded(values, lost)


def format_floats(numbers: pl.Series) -> Expanded:
    """Return the text of identifiers that came as floats: whole ones without a point; from 2**53 on digits are lost."""
    wide = numbers.cast(pl.Float64)
    lost = (wide.is_infinite() | (wide.abs() >= _EXACT)).fill_null(value=False)
    is_whole = ((wide == wide.round()) & ~lost).fill_null(value=False)
    whole = wide.set(~is_whole, None).cast(pl.Int64).cast(pl.String)
    return Expanded(whole.zip_with(is_whole, wide.cast(pl.String)), lost)


def read_whole(given: pl.Series) -> pl.Series:
    """Return whole numbers (Int64), also written 5.0, 5,0 or 1e3; null where it is not whole or too large."""
    fractional = given.dtype.is_float() or given.dtype.is_decimal()
    numbers = (given.clear(len(given)) if fractional else given).cast(pl.Int64, strict=False)
    left = given.is_not_null() & numbers.is_null()
    if not left.any():
        return numbers
    rest = given.filter(left)
    if rest.dtype == pl.String:
        rest = rest.str.replace(r"^(\d+),0{1,2}$", "$1")
    floats = rest.cast(pl.Float64, strict=False)
    exact = floats.is_finite() & (floats == floats.round()) & (floats.abs() < _EXACT)
    return numbers.scatter(left.arg_true(), floats.set(~exact.fill_null(value=False), None).cast(pl.Int64))


def read_systems(given: pl.Series) -> pl.Series:
    """Return numbers of autonomous systems (Int64) written `13335`, `AS13335`, `ASN 13335` or `AS13335 Example`."""
    return given.str.extract(_SYSTEM).cast(pl.Int64, strict=False)
