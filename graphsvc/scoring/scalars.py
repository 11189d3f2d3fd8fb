"""Read one sign-up in plain Python, value by value, to the last byte as the intake's columns read it.

A pass of the columns makes some 700 operations of Polars, whatever it reads. Here are only the rules for values as
sign-up services send them, by the patterns and words of the intake. Any other value is odd: wrapped JSON, numbers that
were floats, addresses with ports, characters that do not print. It goes through the columns, as a table of one row.
`tests/scoring/test_score_scalars.py` holds both ways equal.
"""

import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from graphsvc.intake.addresses import IPV4, format_v6, pack_v6
from graphsvc.intake.emails import DOMAIN, EMAIL
from graphsvc.intake.hosts import NO_NETWORK, UNSPECIFIED, normalize_hosts
from graphsvc.intake.nulls import DEVICE_WORDS, LEAST_ZEROS, NOT_APPLICABLE, WORDS, ZERO_UUID, ZEROS
from graphsvc.intake.numbers import SCIENTIFIC, WHOLE_FLOAT
from graphsvc.intake.schemas import BIN, LARGEST_ASN, LEAST_DIGITS, are_card_numbers, list_columns
from graphsvc.intake.validation import drop_invalid
from graphsvc.intake.values import POSTGRES_NULL, read_values
from graphsvc.model.columns import TIME
from graphsvc.scoring.scalar_keys import LONGEST, Odd, build_key, check_known, find_bands, match
from graphsvc.scoring.signups import (
    COLUMNS,
    DEVICE,
    IDENTIFIER,
    LEADS,
    NOT_KNOWN,
    Key,
    Signups,
    Unread,
    Whole,
)
from graphsvc.signals.kinds import BY_NAME, KINDS, SignalKind, Source, kind_of
from graphsvc.signals.tokens import Tokeniser

_WRAPPED = ("{", "[", "Obj", '="')
"""How texts begin that JSON or a spreadsheet may have wrapped."""
_MAPPED = bytes(10) + b"\xff\xff"
"""What stands before the four bytes of IPv4 in IPv6."""
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
_YEARS = range(1971, 9999)
"""Years in which a moment is surely after 1970 and within the years of a load, whatever its zone."""
_PARTS = {"ip": ("asn", "system:AS"), "instrument": ("bin", "bin:")}
"""Columns that say what a value is part of, and how the keys of that begin."""


class Cell(NamedTuple):
    """A value as a load would have it, None for none; and whether there was one that could not be read."""

    value: str | None
    lost: bool = False


def read_signup(
    columns: Mapping[str, str | None],
    identifiers: Iterable[tuple[str, str]],
    tokens: Tokeniser,
    kinds: Collection[str] | None = None,
) -> Signups:
    """Validate and tokenise one sign-up, as `signups.read_signups` reads a table of it alone.

    Args:
        columns: raw values by column.
        identifiers: kind and value of further ones.
        tokens: of the installation's key.
        kinds: undeclared kinds of identifiers that matter; None: all.
    """
    reader = _Reader(tokens)
    given = {name: value for name, value in columns.items() if value is not None}
    reader.read_tables(given)
    for kind, value in identifiers:
        reader.read_identifier(kind, value, kinds)
    return reader.finish(given)


class _Reader:
    """The keys of one sign-up while its values are read."""

    def __init__(self, tokens: Tokeniser) -> None:
        self._tokens = tokens
        self._keys: dict[str, Key] = {}
        self._wholes: set[str] = set()
        self._unread: list[Unread] = []

    def read_tables(self, given: Mapping[str, str]) -> None:
        """Read all columns but the moment of sign-up."""
        for table, names in COLUMNS.items():
            leads = LEADS.get(table, ())
            if leads and not any(name in given for name in leads):
                continue
            cells = {
                name: read_cell(table, name, given[name])
                for name in names
                if name in given and name != "created_at"
            }
            row = {name: cell.value for name, cell in cells.items() if cell.value is not None}
            # A row has exactly one of its leads; a prompt dies for either that is lost.
            if leads and (
                sum(name in row for name in leads) != 1
                or any(cells[name].lost for name in leads if name in cells)
            ):
                row = {}
            self._unread += [Unread(0, name) for name in cells if name not in row]
            for name, value in row.items():
                self._add_values(table, name, value, row)
        if DEVICE in given:
            device = read_cell("accounts", "signup_device", given[DEVICE]).value
            if device is None:
                self._unread.append(Unread(0, DEVICE))
            else:
                self._add_key(BY_NAME["device"], "device", device)

    def read_identifier(self, kind: str, value: str, kinds: Collection[str] | None) -> None:
        """Read a further identifier."""
        name, read = (read_cell("identifiers", *each).value for each in (("kind", kind), ("value", value)))
        if read is not None and name in _LIKE_COLUMNS:
            read = _LIKE_COLUMNS[name](read)
        if name is None or read is None:
            self._unread.append(Unread(0, IDENTIFIER + kind))
        elif kinds is None or name in kinds or name in BY_NAME:
            self._add_key(kind_of(name), name, read)

    def finish(self, given: Mapping[str, str]) -> Signups:
        """Return the sign-up with its moment, and with what stands in no row of its table."""
        for table, leads in LEADS.items():
            if not any(name in given for name in leads):
                self._unread += [Unread(0, name) for name in COLUMNS[table] if name in given]
        moment = NOT_KNOWN
        if "created_at" in given:
            read = read_moment(given["created_at"])
            if read is None:
                self._unread.append(Unread(0, "created_at"))
            else:
                moment = read
        keys = sorted(self._keys.values(), key=lambda each: each.key)
        wholes = [Whole(0, key, key.partition(":")[0]) for key in sorted(self._wholes)]
        return Signups(1, np.array([moment], dtype=np.int64), keys, wholes, self._unread)

    def _add_values(self, table: str, name: str, value: str, row: Mapping[str, str]) -> None:
        if (table, name) == ("prompts", "text"):
            for band in find_bands(value):
                self._add_key(BY_NAME["prompt"], "prompt", band)
            return
        for kind in _list_kinds(table, name):
            key = self._add_key(kind, kind.name, value)
            column, stem = _PARTS.get(kind.name, ("", ""))
            if key is not None and column in row:
                self._wholes.add(stem + row[column])

    def _add_key(self, kind: SignalKind, name: str, value: str) -> str | None:
        key = build_key(kind, name, value, self._tokens)
        if key is None:
            return None
        # A value that is said twice counts once, as in a load.
        if key not in self._keys:
            older = self._tokens.older if kind.tokenised else ()
            former = next((build_key(kind, name, value, each) for each in older), None)
            self._keys[key] = Key(0, key, former, name)
        if kind.name == "ip" and (packed := _pack_address(key.partition(":")[2])) is not None:
            self._wholes.add(f"prefix:{_format_prefix(packed)}")
        return key


def read_cell(table: str, name: str, text: str) -> Cell:
    """Read a value of a column.

    Args:
        table: of the bundle.
        name: of the column.
        text: raw.
    """
    try:
        return _read_plain(_find_form(table, name), name, text)
    except Odd:
        column, form = list_columns(table)[name], _find_form(table, name)
        values, reasons, _ = read_values(pl.Series(name, [text], dtype=pl.String), column.dtype, form)
        values, reasons = drop_invalid(values, reasons, column)
        value = values.item()
        lost = reasons is not None and reasons.item() is not None
        return Cell(None if value is None else str(value), lost)


@cache
def _find_form(table: str, name: str) -> str | None:
    """Return the form of a column's text."""
    form: str | None = (list_columns(table)[name].metadata or {}).get("form")
    return form


def read_moment(text: str) -> int | None:
    """Read the moment of sign-up, ms since 1970; None for what is none."""
    try:
        if match(_TIME, text) and int(text[:4]) in _YEARS:
            at = datetime.fromisoformat(text)
            # In integers: a timestamp with a fraction can lose its last millisecond to rounding.
            return int(at.replace(microsecond=0).timestamp()) * 1_000 + at.microsecond // 1_000
    except ValueError:
        pass
    moment: int | None = read_values(pl.Series([text], dtype=pl.String), TIME).values.dt.epoch("ms").item()
    return moment


def _read_plain(form: str | None, name: str, text: str) -> Cell:
    """Read a value of a form.

    Raises:
        Odd: the columns must read it.
    """
    check_known(text)
    plain = text.strip()
    if not plain:
        return Cell(None)
    if form is None:
        return Cell(None, lost=True) if text == POSTGRES_NULL else Cell(text)
    if len(text) > LONGEST or plain.startswith(_WRAPPED):
        raise Odd
    if plain.lower() in WORDS or plain == NOT_APPLICABLE or _is_zeros(ZERO_UUID, plain):
        return Cell(None, lost=True)
    value = _FORMS[form](plain)
    if value is not None and name in _CHECKS and not _CHECKS[name](value):
        value = None
    return Cell(value, lost=value is None)


def _read_identifier(plain: str) -> str | None:
    if len(plain) >= LEAST_ZEROS and _is_zeros(ZEROS, plain):
        return None
    # Both patterns begin with a digit or a sign.
    if (plain[0] in "+-" or plain[0].isdecimal()) and (match(SCIENTIFIC, plain) or match(WHOLE_FLOAT, plain)):
        raise Odd
    return plain


def _is_zeros(pattern: str, plain: str) -> bool:
    return plain[0] in "0+{" and match(pattern, plain)


def _read_device(plain: str) -> str | None:
    if _is_zeros(ZEROS, plain) or plain.lower() in DEVICE_WORDS:
        return None
    return _read_identifier(plain)


def _read_email(plain: str) -> str:
    if not match(EMAIL, plain) or plain.lower().startswith("mailto:"):
        raise Odd
    return plain


def _read_system(plain: str) -> str | None:
    if not plain.isascii() or not plain.isdecimal():
        raise Odd
    # 0 is reserved.
    return str(int(plain)) if 0 < int(plain) <= LARGEST_ASN else None


def _read_kind(plain: str) -> str:
    # The names of kinds are an exporter's own few words.
    if not plain.isascii() or not plain.replace("_", "").isalpha() or plain != plain.strip("_").lower():
        raise Odd
    if len(plain) > _LONGEST_KIND or "__" in plain:
        raise Odd
    return plain


_LONGEST_KIND = 64


def _read_host(plain: str) -> str | None:
    packed = _pack_address(plain)
    if packed is None:
        raise Odd
    number = int.from_bytes(packed)
    if any(number >> rest == start for start, rest in (*UNSPECIFIED, *NO_NETWORK)):
        return None
    return socket.inet_ntoa(packed[12:]) if packed.startswith(_MAPPED) else format_v6(packed)


def _pack_address(text: str) -> bytes | None:
    """Return the 16 bytes of an address, those of IPv4 as mapped; None for any other text."""
    return _MAPPED + socket.inet_aton(text) if match(IPV4, text) else pack_v6(text)


def _format_prefix(packed: bytes) -> str:
    if packed.startswith(_MAPPED):
        return f"{socket.inet_ntoa(packed[12:15] + bytes(1))}/24"
    return f"{format_v6(packed[:8] + bytes(8))}/64"


def _is_no_card_number(value: str) -> bool:
    if any(character.isalpha() for character in value):
        return True
    return not are_card_numbers(pl.Series([value])).item()


_FORMS: dict[str, Callable[[str], str | None]] = {
    "identifier": _read_identifier, "device": _read_device, "ip": _read_host, "email": _read_email,
    "asn": _read_system, "kind": _read_kind, "text": str,
}  # fmt: skip
_CHECKS: dict[str, Callable[[str], bool]] = {
    "phone": lambda value: sum(each.isdecimal() for each in value) >= LEAST_DIGITS,
    "bin": lambda value: match(BIN, value),
    "instrument": _is_no_card_number,
}


def _read_host_of_identifier(value: str) -> str | None:
    try:
        check_known(value)
        return _read_host(value.strip())
    except Odd:
        read: str | None = normalize_hosts(pl.Series([value], dtype=pl.String)).item()
        return read


def _read_domain_of_identifier(value: str) -> str | None:
    return f"@{value}" if pl.Series([value]).str.contains(rf"^{DOMAIN}\.?$").item() else None


_LIKE_COLUMNS: dict[str | None, Callable[[str], str | None]] = {
    "ip": _read_host_of_identifier,
    "email_domain": _read_domain_of_identifier,
    "instrument": lambda value: value if _is_no_card_number(value) else None,
}
"""From an identifier of a declared kind to a value as in that kind's column."""


@cache
def _list_kinds(table: str, name: str) -> list[SignalKind]:
    """Return the kinds that the values of a column make signals of."""
    return [kind for kind in KINDS if Source(table, name) in kind.sources]
