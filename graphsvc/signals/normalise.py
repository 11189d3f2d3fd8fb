"""Normalisers: a column of raw text in, a column of comparable text out (null where nothing is left)."""

import polars as pl


def _null_if_empty(expr: pl.Expr) -> pl.Expr:
    return pl.when(expr.str.len_bytes() > 0).then(expr)


def identity(expr: pl.Expr) -> pl.Expr:
    """The value as it is; its table's validator has brought it to canonical form."""
    return expr


def text(expr: pl.Expr) -> pl.Expr:
    """Surrounding white space is not a difference; everything else is."""
    return _null_if_empty(expr.str.strip_chars())


def name(expr: pl.Expr) -> pl.Expr:
    """Names compare without case, accents of composition, punctuation and double spaces."""
    folded = expr.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ")
    return _null_if_empty(folded.str.strip_chars())


def email_domain(expr: pl.Expr) -> pl.Expr:
    """What stands behind the last @, in lower case."""
    return _null_if_empty(expr.str.to_lowercase().str.extract(r"@([^@\s]+)$"))


def email_handle(expr: pl.Expr) -> pl.Expr:
    """The letters of the local part before any +tag, so `j.smith+7` and `jsmith12` agree.

    Shorter than four letters says nothing and yields null.
    """
    local = expr.str.to_lowercase().str.extract(r"^([^@+]+)").str.replace_all(r"[^\p{L}]+", "")
    return pl.when(local.str.len_chars() >= 4).then(local)


def phone(expr: pl.Expr) -> pl.Expr:
    """Digits only, a leading international 00 dropped; fewer than seven digits yield null."""
    digits = expr.str.replace_all(r"\D+", "").str.replace(r"^00", "")
    return pl.when(digits.str.len_bytes() >= 7).then(digits)
