"""Addresses as logs and proxies write them: with ports, brackets, prefixes, zones, and lists of hops."""

import ipaddress
from typing import NamedTuple

import polars as pl

from graphsvc.intake import addresses
from graphsvc.intake.nulls import NULL_WORD

NOT_AN_IP, UNUSABLE_IP = "not_an_ip", "unusable_ip"

_DOTTED = r"(\d{1,3}(?:\.\d{1,3}){3})"
_CLEANING = (
    (r"(?i)^(?:[^;]*;)*\s*for=", ""),  # RFC 7239, section 4
    (r";.*$", ""),
    (r"^[\s\"']+|[\s\"']+$", ""),
    (r"^\[([^\]]+)\](?::\d{1,5})?$", "$1"),  # RFC 3986, section 3.2.2
    (rf"^{_DOTTED}(?::\d{{1,5}}|/32)$", "$1"),
    (r"^([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)/128$", "$1"),
    (r"%[^\s/%]+$", ""),  # RFC 4007, section 11
)
_CERTAIN = r"(?:0*[0-7]|[1-9]\d{0,2})"
_ZEROS_FIRST = rf"^(?:{_CERTAIN}(?:\.{_CERTAIN}){{3}}|\d{{3}}(?:\.\d{{3}}){{3}})$"
"""Leading zeros that mean one number, taken as octal (inet_aton) or decimal; octets of three digits are padded."""


def _list_ranges(*networks: str) -> tuple[tuple[int, int], ...]:
    """Return networks as ranges: the first bits of their addresses as 128-bit numbers, and the number of other bits."""
    ranges = []
    for network in map(ipaddress.ip_network, networks):
        mapped = 0xFFFF << 32 if network.version == 4 else 0
        rest = network.max_prefixlen - network.prefixlen
        ranges.append(((mapped + int(network.network_address)) >> rest, rest))
    return tuple(ranges)


def _build_filter(ranges: tuple[tuple[int, int], ...]) -> pl.Expr:
    """Build the filter of addresses (`high`, `low`) that lie in one of the ranges."""
    high, low = pl.col("high"), pl.col("low")
    return pl.any_horizontal(
        (high == start >> (64 - rest)) & (low // (1 << rest) == start % (1 << (64 - rest)))
        if rest < 64
        else high // (1 << (rest - 64)) == start
        for start, rest in ranges
    )


UNSPECIFIED = _list_ranges("0.0.0.0/32", "::/128")
NO_NETWORK = _list_ranges(
    "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::1/128", "fe80::/10", "ff00::/8"
)
"""Loopback, link-local, multicast and broadcast: on every machine or link another one (RFC 6890)."""
_UNSPECIFIED, _NO_NETWORK = _build_filter(UNSPECIFIED), _build_filter(NO_NETWORK)
_PRIVATE = _build_filter(
    _list_ranges("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "0.0.0.0/8", "fc00::/7")
)


class Hosts(NamedTuple):
    """Canonical addresses, and the reason if there is none (String; null: there is one, or the input was empty)."""

    values: pl.Series
    reasons: pl.Series


def read_addresses(texts: pl.Series) -> Hosts:
    """Read addresses. Of several hops take the first public one, else the first that is an address.

    Args:
        texts: String without surrounding white space, distinct; n rows.

    Returns:
        Canonical text, n rows. Reasons: `unusable_ip` for an address that names no network; `null_word` for
            the unspecified one.
    """
    numbers = addresses.parse_addresses(texts)
    # Cleaning is slow, so only texts that are no plain address go through it.
    odd = (numbers["low"].is_null() & texts.is_not_null()).arg_true()
    if len(odd):
        found = _find_first_hops(texts.gather(odd))
        numbers = pl.DataFrame([numbers[name].scatter(odd, found[name]) for name in ("high", "low")])
    state = numbers.select(
        reason=pl.when(pl.col("low").is_null()).then(pl.lit(NOT_AN_IP))
        .when(_UNSPECIFIED).then(pl.lit(NULL_WORD)).when(_NO_NETWORK).then(pl.lit(UNUSABLE_IP)),
    )["reason"].set(texts.is_null(), None)  # fmt: skip
    return Hosts(addresses.format_addresses(numbers).set(state.is_not_null(), None), state)


def normalize_hosts(texts: pl.Series) -> pl.Series:
    """Return the address of each text as `read_addresses` reads it, null where there is none."""
    return read_addresses(texts.str.strip_chars()).values.alias(texts.name)


def read_packed(packed: pl.Series) -> pl.Series:
    """Return the text of addresses that came as 4 or 16 bytes in network order; null for any other length."""
    written = packed.bin.encode("hex")
    is_v4 = written.str.len_bytes() == 8
    numbers = pl.DataFrame({"text": written}).select(
        high=pl.when(is_v4).then(pl.lit(0, pl.UInt64)).otherwise(_parse_hex(0, 16)),
        low=pl.when(is_v4).then((0xFFFF << 32) + _parse_hex(0, 8)).otherwise(_parse_hex(16, 16)),
    )
    fits = (is_v4 | (written.str.len_bytes() == 32)).fill_null(value=False)
    return addresses.format_addresses(numbers).set(~fits, None)


def _parse_hex(start: int, length: int) -> pl.Expr:
    """Return hexadecimal digits as a number, in halves, since a signed parser takes 63 bits."""
    half = length // 2
    text = pl.col("text").str
    high, low = (
        text.slice(at, half).str.to_integer(base=16, strict=False).cast(pl.UInt64)
        for at in (start, start + half)
    )
    return high * (1 << (4 * half)) + low


def read_integers(numbers: pl.Series) -> pl.Series:
    """Return the text of IPv4 addresses that came as integers of 32 bits, as ClickHouse and BigQuery export them."""
    wide = numbers.cast(pl.Int64, strict=False)
    low = wide.set(~wide.is_between(0, 2**32 - 1).fill_null(value=False), None).cast(pl.UInt64) + (
        0xFFFF << 32
    )
    return addresses.format_addresses(pl.DataFrame({"high": low * 0, "low": low}))


def _find_first_hops(texts: pl.Series) -> pl.DataFrame:
    """Return the numbers of the first public hop of each text, else of its first address; nulls if there is none."""
    rows = (
        pl.DataFrame({"hop": texts.str.split(",")}).with_row_index("row").explode("hop", empty_as_null=True)
    )
    hops = rows["hop"].str.strip_chars()
    for pattern, replacement in _CLEANING:
        hops = hops.str.replace_all(pattern, replacement)
    padded = hops.str.contains(_ZEROS_FIRST).fill_null(value=False)
    if padded.any():
        hops = hops.str.replace_all(r"\b0+(\d)", "$1").zip_with(padded, hops)
    numbers = pl.concat([rows.select("row"), addresses.parse_addresses(hops)], how="horizontal").drop_nulls(
        "low"
    )
    local = (_PRIVATE | _NO_NETWORK | _UNSPECIFIED).fill_null(value=False)
    # Proxies append hops, so the client is on the left. Private hops are the client's own network.
    first = numbers.sort("row", local, maintain_order=True).unique("row", keep="first", maintain_order=True)
    every = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    return every.join(first, on="row", how="left", maintain_order="left").select("high", "low")
