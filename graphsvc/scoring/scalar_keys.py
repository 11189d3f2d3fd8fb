"""Make the keys of values one by one in plain Python, as `intake.signals.build_keys` makes those of a column.

A pass of the columns costs the same for one value as for thousands. Values that these rules do not know go through it.
"""

from collections.abc import Callable
from functools import cache
from unicodedata import normalize

import polars as pl
import regex

from graphsvc.intake.signals import build_keys
from graphsvc.signals import normalise
from graphsvc.signals.kinds import SignalKind, kind_of
from graphsvc.signals.prompts import compute_bands, compute_bands_of_text
from graphsvc.signals.tokens import Tokeniser

LONGEST = 512
"""Characters of a value that is read here, but for prompts: a longer one could keep a backtracking engine busy."""
_BREAKS = str.maketrans("\t\n\r", "   ")


class Odd(Exception):
    """A value that the columns must read."""


def make_keys(name: str, value: str, tokens: Tokeniser) -> list[str]:
    """Make the keys of a value, as `intake.terms.make_keys` does."""
    kind = kind_of(name)
    values = find_bands(value) if name == "prompt" else [value]
    return [key for each in values if (key := build_key(kind, name, each, tokens)) is not None]


def build_key(kind: SignalKind, name: str, value: str, tokens: Tokeniser) -> str | None:
    """Build the key of the signal of a value, as `intake.signals.build_keys`; None where it makes no signal."""
    change = _NORMALISERS.get(kind.normalise)
    try:
        if change is None or len(value) > LONGEST:
            raise Odd
        check_known(value)
        normal = change(value)
    except Odd:
        key: str | None = build_keys(kind, name, pl.Series([value], dtype=pl.String), tokens).item()
        return key
    if not normal:
        return None
    return f"{name}:{tokens.tokenize_value(name, normal) if kind.tokenised else normal}"


def _normalize_name(value: str) -> str:
    return _compile(normalise.NO_WORD).sub(" ", normalize("NFKC", value).lower()).strip()


def _normalize_email_domain(value: str) -> str | None:
    found = _compile(normalise.DOMAIN).search(value.lower())
    if found is None:
        return None
    domain = found[1].rstrip(".")
    return normalise.convert_domain(domain) if match(normalise.ODD_DOMAIN, domain) else domain


def _normalize_email_handle(value: str) -> str | None:
    found = _compile(normalise.LOCAL).search(normalize("NFC", value).lower())
    if found is None:
        return None
    tail = _compile(normalise.AFTER_NUMBER).search(found[1])
    local = tail or _compile(normalise.BEFORE_TAG).search(found[1])
    if local is None:
        return None
    for pattern in (normalise.NO_LETTERS, normalise.NO_WORD):
        left = _compile(pattern).sub("", local[1])
        if len(left) >= normalise.LEAST_LETTERS:
            return left
    return None


def _normalize_phone(value: str) -> str | None:
    digits = _compile(normalise.ABROAD).sub("", _compile(normalise.NO_DIGITS).sub("", value))
    return digits if len(digits.encode()) >= normalise.LEAST_DIGITS else None


_NORMALISERS: dict[Callable[[pl.Expr], pl.Expr], Callable[[str], str | None]] = {
    normalise.keep_value: str,
    normalise.strip_text: str.strip,
    normalise.normalize_name: _normalize_name,
    normalise.normalize_email_domain: _normalize_email_domain,
    normalise.normalize_email_handle: _normalize_email_handle,
    normalise.normalize_phone: _normalize_phone,
}


def find_bands(text: str) -> list[str]:
    """Find the bands of a prompt, as `signals.prompts.compute_bands`."""
    try:
        check_known(text)
        found = compute_bands_of_text(text)
    except Odd:
        found = None
    return compute_bands(pl.Series([text]))["band"].to_list() if found is None else found


def check_known(text: str) -> None:
    """Check that Python and the columns know the same of a text's characters.

    Raises:
        Odd: perhaps not; the columns must read it.
    """
    # What prints is assigned in Python's Unicode. Blanks other than these, and what controls, are rare and differ.
    if not (text.isprintable() or text.translate(_BREAKS).isprintable()):
        raise Odd


@cache
def _compile(pattern: str) -> "regex.Pattern[str]":
    """Compile a pattern of the columns: there `$` is the end of the text alone."""
    return regex.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern)


def match(pattern: str, text: str) -> bool:
    """Return whether a pattern of the columns is found in a text."""
    return _compile(pattern).search(text) is not None
