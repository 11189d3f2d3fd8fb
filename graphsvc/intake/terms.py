"""Interpret a search text: as ids, keys of signals, or ranges of addresses.

Values become keys exactly as when a bundle is loaded, so a raw value is found by its token. Nothing here
keeps, logs or repeats the text.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from graphsvc.intake import addresses
from graphsvc.intake.emails import DOMAIN
from graphsvc.intake.schemas import are_card_numbers
from graphsvc.intake.signals import build_keys
from graphsvc.signals.kinds import BY_NAME, KINDS, kind_of
from graphsvc.signals.prompts import compute_bands
from graphsvc.signals.tokens import Tokeniser

LEAST_BITS = {4: 8, 6: 16}
"""The widest ranges of addresses that can be searched in, by version of IP."""

_ID = re.compile(r"[^\s@＠]{1,256}")
_SYSTEM = re.compile(r"(?:system:)?AS[N:]?\s?([0-9]{1,10})", re.IGNORECASE)
_NAMED = re.compile(r"([a-z][a-z0-9_]{0,63}):(\S.*)", re.DOTALL)
_TOKEN = re.compile(r"[\w-]+\.[\w-]+")
_ADDRESS = re.compile(r"(?=.*[.:])[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?")
_WORD = re.compile(r"[!-~]+")
_PHONE = re.compile(r"\+?[0-9 ()./-]+")
_PLAIN = re.compile(r"[A-Za-z0-9_-]*")
"""What is no domain: that has a dot."""
_SHORTEST_CARD = 13
_UNIT = {4: 24, 6: 64}  # bits of the ranges that addresses are in, as `addresses.find_prefixes` has it

KeyMaker = Callable[[str, str, Tokeniser], Iterable[str]]
"""Makes the keys of a value: of the name of its kind, the value, and the key of tokens."""


class TooWide(ValueError):
    """A range with more addresses than can be searched."""


class Means(StrEnum):
    """The way from a text to a key."""

    KEY = "key"
    ADDRESS = "address"
    DOMAIN = "domain"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Range:
    """A range of addresses as a range of texts, since addresses are found by the CIDR text of their network.

    - `within`: the /24 or /64 that it is or lies in; None: it is wider.
    - `addresses`: keys of its addresses if it is smaller than that and IPv4.
    - `low`, `high`: its first and last /24 or /64, each group of digits padded with zeros.
    - `stem`: the common beginning of all of them.
    """

    stem: str
    separator: str
    groups: int
    zeros: str
    low: str
    high: str
    within: str | None
    addresses: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The interpretations of a text.

    `id`: what an id may be or begin with. `keys`: of signals, each with the way to it and the name of its
    kind. `asn`: of an autonomous system.
    """

    id: str | None = None
    keys: tuple[tuple[str, Means, str], ...] = ()
    range: Range | None = None
    asn: int | None = None


def has_card_number(text: str) -> bool:
    """Return whether a text is a card number, alone or after the name of a kind."""
    named = _NAMED.fullmatch(text)
    value = named[2] if named else text
    # A card number has no letters, as a kind's name has. So most texts need no pass of the columns.
    if len(value) < _SHORTEST_CARD or any(map(str.isalpha, value)):
        return False
    return bool(are_card_numbers(pl.Series([value])).any())


def make_keys(name: str, value: str, tokens: Tokeniser) -> Iterable[str]:
    """Make the keys of a value by the columns of a load."""
    values = pl.Series([value])
    if name == "prompt":
        values = compute_bands(values)["band"]
    return build_keys(kind_of(name), name, values, tokens).drop_nulls()


def parse_terms(text: str, tokens: Tokeniser, make: KeyMaker = make_keys) -> Terms:
    """Interpret `text`. The caller has checked that it is no card number.

    Args:
        text: without surrounding white space, not empty.
        tokens: of the installation's key.
        make: makes keys as `make_keys` does, perhaps sooner.

    Raises:
        TooWide: it is a range wider than `LEAST_BITS`.
    """
    system = _SYSTEM.fullmatch(text)
    network = text.removeprefix("prefix:").removeprefix("ip:")
    cidr = None
    if _is_plain_address(network):
        cidr = f"{network}/32"
    elif _ADDRESS.fullmatch(network):
        cidr = addresses.normalize_networks(pl.Series([network])).item()
    return Terms(
        id=text if _ID.fullmatch(text) else None,
        keys=tuple(_find_keys(text, tokens, make)),
        range=build_range(cidr) if cidr is not None else None,
        asn=int(system[1]) if system else None,
    )


def build_range(cidr: str) -> Range:
    """Build the range of a network in canonical CIDR text.

    Raises:
        TooWide: it is wider than `LEAST_BITS`.
    """
    network = ipaddress.ip_network(cidr)
    version, bits = network.version, network.prefixlen
    if bits < LEAST_BITS[version]:
        raise TooWide
    unit = _UNIT[version]
    whole = network if bits <= unit else network.supernet(new_prefix=unit)
    low, high = (_split_groups(int(end), version) for end in (whole.network_address, whole.broadcast_address))
    separator, zeros = (".", "000") if version == 4 else (":", "0000")
    fixed = [group for group, last in zip(low, high, strict=True) if group == last]
    # Groups of zeros at the end of IPv6 are not written, so the text may end before them.
    while version == 6 and fixed[-1:] == ["0"]:
        fixed.pop()
    inside = bits > unit and version == 4
    return Range(
        stem="".join(f"{group}{separator}" for group in fixed) or "::",
        separator=separator,
        groups=len(low),
        zeros=zeros,
        low="".join(group.zfill(len(zeros)) for group in low),
        high="".join(group.zfill(len(zeros)) for group in high),
        within=str(whole) if bits >= unit else None,
        addresses=tuple(f"ip:{address}" for address in network) if inside else None,
    )


def _split_groups(address: int, version: int) -> list[str]:
    """Return the groups of digits of an address that its /24 or /64 consists of."""
    if version == 4:
        return [str(address >> shift & 0xFF) for shift in (24, 16, 8)]
    return [f"{address >> shift & 0xFFFF:x}" for shift in (112, 96, 80, 64)]


def _is_plain_address(text: str) -> bool:
    """Return whether a text is an address of IPv4 in its usual form, as which it is stored."""
    try:
        return str(ipaddress.IPv4Address(text)) == text
    except ValueError:
        return False


def _find_keys(text: str, tokens: Tokeniser, make: KeyMaker) -> Iterator[tuple[str, Means, str]]:
    """Return the possible keys of a text, each once."""
    found: dict[str, tuple[Means, str]] = {}

    name, _, value = text.partition(":")
    stored = _TOKEN if kind_of(name).tokenised else _ID
    if _NAMED.fullmatch(text) and stored.fullmatch(value):
        found[text] = (Means.KEY, name)
    for means, name, value in _list_readings(text):
        # A signal may still have the token of an earlier key.
        for each in (tokens, *tokens.older):
            for key in make(name, value, each):
                found.setdefault(key, (means, name))
    return ((key, *how) for key, how in found.items())


def _list_readings(text: str) -> Iterator[tuple[Means, str, str]]:
    """Yield the kinds of value that a text can be, in the form of a bundle."""
    named = _NAMED.fullmatch(text)
    name, value = (named[1], named[2]) if named else ("", text)
    if name in ("", "ip") and _ADDRESS.fullmatch(value):
        address: str | None = value
        if not _is_plain_address(value):
            address = addresses.normalize_addresses(pl.Series([value])).item()
        if address is not None:
            yield Means.ADDRESS, "ip", address
    # Most texts have no dot, and are spared a pass of the columns.
    domain = name in ("", "email_domain") and _PLAIN.fullmatch(value) is None
    if domain and pl.Series([value]).str.contains(f"^{DOMAIN}$").item():
        yield Means.DOMAIN, "email_domain", f"@{value}"
    if named and kind_of(name).tokenised:
        yield Means.RAW, name, value
    if name not in BY_NAME:
        if "@" in text:
            yield Means.DOMAIN, "email_domain", text
        for kind in KINDS:
            if kind.tokenised and kind.name != "identifier" and _is_possible(kind.name, text):
                yield Means.RAW, kind.name, text


def _is_possible(kind: str, text: str) -> bool:
    """Return whether a text without a kind can be a value of `kind`.

    Values without a form of their own can be any text.
    """
    if kind == "phone":
        return _PHONE.fullmatch(text) is not None
    if kind == "email_handle":
        return "@" in text
    if kind == "prompt":
        return _WORD.fullmatch(text) is None
    return "@" not in text
