"""IP addresses in bulk: text to numbers and back, prefixes, longest match.

An address is a pair of unsigned 64-bit integers, `high` and `low`; IPv4 is held as IPv4-mapped
IPv6 (RFC 4291, section 2.5.5.2), so one code serves both. Text comes out as RFC 5952 has it.
"""

import ipaddress
import re
import socket

import numpy as np
import polars as pl
from numpy.typing import NDArray

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"
_IPV6 = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_MAPPED = 0xFFFF
_MAPPED_BITS = 96  # a /n of IPv4 is a /(96+n) here
_IS_V4 = (pl.col("high") == 0) & (pl.col("low") // (1 << 32) == _MAPPED)
_ONES = (1 << 64) - 1
_HIGH_MASK = np.array([_ONES ^ (_ONES >> min(n, 64)) for n in range(129)], dtype=np.uint64)
_LOW_MASK = np.array([_ONES ^ (_ONES >> max(n - 64, 0)) for n in range(129)], dtype=np.uint64)


def parse_addresses(texts: pl.Series) -> pl.DataFrame:
    """Parse a column of addresses.

    Args:
        texts: String, without surrounding white space; best distinct, because IPv6 is parsed one by one.

    Returns:
        A frame of the same length: `high`, `low` (UInt64), null where the text is no IPv4 or IPv6 address.
            Texts with leading zeros or zone ids (`%eth0`) are no addresses.
    """
    octets = texts.str.extract_groups(IPV4).struct.unnest().cast(pl.UInt64)
    first, second, third, fourth = (pl.col(name) for name in octets.columns)
    low = (_MAPPED << 32) + first * (1 << 24) + second * (1 << 16) + third * (1 << 8) + fourth
    frame = octets.select(high=(first * 0), low=low)
    # Almost all addresses are IPv4, which the regular expression parses in bulk. The rest goes through the C
    # library.
    rest = (frame["low"].is_null() & texts.is_not_null()).arg_true()
    packed = [pack_v6(text) for text in texts.gather(rest)]
    found = [i for i, address in enumerate(packed) if address is not None]
    if not found:
        return frame
    numbers = np.frombuffer(b"".join(packed[i] or b"" for i in found), dtype=">u8").astype(np.uint64)
    numbers = numbers.reshape(-1, 2)
    where = rest.gather(found)
    return pl.DataFrame([
        frame["high"].scatter(where, pl.Series(numbers[:, 0])),
        frame["low"].scatter(where, pl.Series(numbers[:, 1])),
    ])  # fmt: skip


def pack_v6(text: str) -> bytes | None:
    """Return the 16 bytes of an IPv6 address, None for any other text."""
    if not _IPV6.fullmatch(text):
        return None
    try:
        return socket.inet_pton(socket.AF_INET6, text)
    except OSError:
        return None


def format_addresses(addresses: pl.DataFrame) -> pl.Series:
    """Return the canonical text of `high`, `low`; null where they are null."""
    low = pl.col("low")
    octets = [(low // (1 << shift) % 256).cast(pl.String) for shift in (24, 16, 8, 0)]
    texts = addresses.select(pl.when(_IS_V4).then(pl.concat_str(octets, separator="."))).to_series()
    rest = (texts.is_null() & addresses["low"].is_not_null()).arg_true()
    if rest.is_empty():
        return texts
    numbers = addresses[rest].to_numpy().astype(">u8")
    return texts.scatter(rest, pl.Series([format_v6(row.tobytes()) for row in numbers], dtype=pl.String))


def format_v6(packed: bytes) -> str:
    """Return the canonical text of the 16 bytes of an IPv6 address."""
    written = socket.inet_ntop(socket.AF_INET6, packed)
    # The C library writes ::/96 addresses with a dotted tail; RFC 5952 wants hextets.
    return ipaddress.IPv6Address(packed).compressed if "." in written else written


def normalize_addresses(texts: pl.Series) -> pl.Series:
    """Return the canonical text of each address, null where there is none. An IPv4-mapped address becomes IPv4."""
    return format_addresses(parse_addresses(texts))


def normalize_networks(texts: pl.Series) -> pl.Series:
    """Return the canonical CIDR of each network, host bits cleared. A bare address is a network of one."""
    return format_networks(parse_networks(texts))


def parse_networks(texts: pl.Series) -> pl.DataFrame:
    """Parse a column of networks in CIDR text.

    Returns:
        `high`, `low` (UInt64, host bits cleared), `bits` (Int64, 0–128, IPv4 counted from 96); all null where
        the text is no network.
    """
    parts = texts.str.splitn("/", 2).struct.unnest()
    address, length = parts.to_series(0), parts.to_series(1)
    stated = pl.when(length.str.contains(r"^[0-9]{1,3}$")).then(length.cast(pl.Int64, strict=False))
    bits = pl.when(length.is_null()).then(128).otherwise(stated)
    frame = parse_addresses(address).with_columns(bits=bits, v4=~address.str.contains(":", literal=True))
    frame = frame.with_columns(
        bits=pl.when(pl.col("v4") & length.is_not_null())
        .then(pl.col("bits") + _MAPPED_BITS)
        .otherwise(pl.col("bits"))
    )
    good = pl.col("low").is_not_null() & pl.col("bits").is_between(0, 128)
    frame = frame.select(pl.when(good).then(pl.col(name)).alias(name) for name in ("high", "low", "bits"))
    return _mask_host_bits(frame)


def _mask_host_bits(frame: pl.DataFrame) -> pl.DataFrame:
    bits = frame["bits"].fill_null(0).to_numpy()
    return frame.with_columns(
        high=_mask_numbers(frame["high"], _HIGH_MASK[bits]), low=_mask_numbers(frame["low"], _LOW_MASK[bits])
    )


def _mask_numbers(numbers: pl.Series, mask: NDArray[np.uint64]) -> pl.Series:
    return numbers & pl.Series(mask, dtype=pl.UInt64)


def format_networks(networks: pl.DataFrame) -> pl.Series:
    """Return the CIDR text of `high`, `low`, `bits`."""
    address = format_addresses(networks.select("high", "low"))
    v4 = ~address.str.contains(":", literal=True)
    bits = networks["bits"] - pl.select(pl.when(v4).then(_MAPPED_BITS).otherwise(0)).to_series()
    return address + "/" + bits.cast(pl.String)


def find_prefixes(addresses: pl.DataFrame) -> pl.Series:
    """Return the /24 (IPv4) or /64 (IPv6) of each address, as CIDR text."""
    bits = pl.when(_IS_V4).then(_MAPPED_BITS + 24).otherwise(64).alias("bits")
    return format_networks(_mask_host_bits(addresses.select("high", "low", bits)))


def match_longest(addresses: pl.DataFrame, networks: pl.DataFrame) -> pl.Series:
    """Return the `asn` of the most specific network of each address.

    Args:
        addresses: `high`, `low`; n rows.
        networks: `high`, `low`, `bits`, `asn`; of equal networks the smallest asn counts.

    Returns:
        Int64, n rows, null where no network holds the address.
    """
    asn = pl.Series("asn", [None] * addresses.height, dtype=pl.Int64)
    is_v4 = addresses.select(_IS_V4.fill_null(value=False)).to_series()
    # One equality join a prefix length, longest first: there are at most 129 lengths, however many networks.
    for bits in networks["bits"].drop_nulls().unique().sort(descending=True):
        level = networks.filter(pl.col("bits") == bits).group_by("high", "low").agg(pl.col("asn").min())
        masked = _mask_host_bits(addresses.select("high", "low", pl.lit(bits).alias("bits")))
        hit = masked.join(level, on=["high", "low"], how="left", maintain_order="left")["asn"]
        if bits < _MAPPED_BITS:  # a network of IPv6 holds no IPv4, in whichever form this holds it
            hit = hit.set(is_v4, None)
        asn = asn.zip_with(asn.is_not_null(), hit)
    return asn
