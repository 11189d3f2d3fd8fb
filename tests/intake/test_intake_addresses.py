"""Addresses and autonomous systems as logs, proxies and warehouses write them."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from exports import addresses, nulls, read
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.intake.hosts import read_addresses, read_integers, read_packed
from graphsvc.intake.numbers import read_systems

TEST_NETS = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]
PUBLIC = st.one_of(
    st.sampled_from(TEST_NETS).flatmap(lambda net: st.ip_addresses(network=net)),
    st.ip_addresses(network="2001:db8::/32"),
)
PRIVATE = st.sampled_from(
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fd00::/8"]
).flatmap(lambda net: st.ip_addresses(network=net))
UNUSABLE = st.sampled_from(["127.0.0.0/8", "169.254.0.0/16", "fe80::/10", "ff00::/8", "224.0.0.0/4"]).flatmap(
    lambda net: st.ip_addresses(network=net)
)
Address = IPv4Address | IPv6Address


def one(text: str) -> tuple[str | None, str | None]:
    found = read_addresses(pl.Series([text]))
    return found.values.item(), found.reasons.item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("10.0.0.1, 203.0.113.7:80, 198.51.100.2", "203.0.113.7"),
        ("unknown, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1,192.168.0.2", "10.0.0.1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("2001:db8::1%eth0", "2001:db8::1"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("203.0.113.007", "203.0.113.7"),
        ("203.000.113.010", "203.0.113.10"),  # padded to three digits
        ('for="[2001:db8::1]:4711";proto=https', "2001:db8::1"),
        ("for=192.0.2.43, for=198.51.100.17", "192.0.2.43"),
        ("by=203.0.113.43;for=192.0.2.60;proto=http", "192.0.2.60"),
        ('"203.0.113.7"', "203.0.113.7"),
    ],
)
def test_an_address_in_other_clothes(text: str, expected: str) -> None:
    assert one(text) == (expected, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("localhost", "not_an_ip"),
        ("203.0.113.7/24", "not_an_ip"),
        ("3405803783", "not_an_ip"),
        ("0xcb007107", "not_an_ip"),
        ("010.0.0.1", "not_an_ip"),  # 8.0.0.1 for inet_aton, 10.0.0.1 for others
        ("203.0.113.256", "not_an_ip"),
        ("203.0.113.7:123456", "not_an_ip"),
        ("fe80::1%eth0", "unusable_ip"),
        ("127.0.0.1", "unusable_ip"),
        ("::1", "unusable_ip"),
        ("255.255.255.255", "unusable_ip"),
        ("0.0.0.0", "null_word"),  # noqa: S104
        ("::", "null_word"),
    ],
)
def test_what_is_no_address_says_why(text: str, reason: str) -> None:
    assert one(text) == (None, reason)


def dress(address: Address, style: int, port: int) -> str:
    text = address.exploded if style % 2 else str(address)
    if address.version == 6:
        return [text.upper(), f"[{text}]:{port}", f"[{text}]", f"{text}/128", f"{text}%eth0", f" {text}"][
            style % 6
        ]
    dressed = [text, f"{text}:{port}", f"{text}/32", f"::ffff:{text}", f'"{text}"', f"for={text}"]
    return dressed[style % 6]


@given(PUBLIC, st.integers(0, 11), st.integers(1, 65535))
def test_any_dress_of_any_address(address: Address, style: int, port: int) -> None:
    assert one(dress(address, style, port).strip()) == (str(address), None)


@given(
    st.lists(
        st.one_of(PRIVATE.map(str), UNUSABLE.map(str), st.sampled_from(["unknown", "_hidden", ""])),
        max_size=4,
    ),
    PUBLIC,
    st.lists(PUBLIC.map(str), max_size=3),
    st.sampled_from([",", ", ", " , "]),
)
def test_the_first_public_hop_of_any_list(
    before: list[str], first: Address, after: list[str], comma: str
) -> None:
    hops = [*before, str(first), *after]
    assert one(comma.join(hops).strip())[0] == str(first)


@given(st.lists(st.ip_addresses(), min_size=1))
def test_packed_addresses_and_integers(given_: list[Address]) -> None:
    expected = [str(ip_address(a).ipv4_mapped or a) if a.version == 6 else str(a) for a in given_]
    assert read_packed(pl.Series([a.packed for a in given_], dtype=pl.Binary)).to_list() == expected
    v4 = [int(a) for a in given_ if a.version == 4]
    assert read_integers(pl.Series(v4, dtype=pl.UInt32)).to_list() == [str(IPv4Address(n)) for n in v4]


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_has_a_reason(text: str) -> None:
    value, reason = one(text.strip())
    assert (value is None) == (reason is not None)


def test_an_odd_signup_address_costs_the_cell_and_never_the_account(tmp_path: Path) -> None:
    cells = {
        "f0": "unknown", "f1": "203.0.113.7:4711", "f2": "[2001:db8::1]:443", "f3": "203.0.113.7, 10.0.0.1",
        "f4": "fe80::1%eth0", "f5": "::ffff:203.0.113.7", "f6": "203.0.113.007", "f7": "-", "f8": "",
        "f9": "203.0.113.7/32", "f10": "localhost", "f11": " 203.0.113.7 ", "f12": "3405803783", "f13": "0xcb007107",
    }  # fmt: skip
    rows = "".join(f'{name},2024-01-05T10:00:00Z,"{cell}"\n' for name, cell in cells.items())
    columns = read(tmp_path, {"accounts.csv": f"account_id,created_at,signup_ip\n{rows}"})
    assert columns.accounts.height == 14
    assert columns.dead_letters.is_empty()
    assert addresses(columns) == dict.fromkeys(["f1", "f3", "f5", "f6", "f9", "f11"], "203.0.113.7") | {
        "f2": "2001:db8::1"
    }
    assert nulls(columns) == {
        ("signup_ip", "null_word"): 2, ("signup_ip", "not_an_ip"): 3, ("signup_ip", "unusable_ip"): 1,
    }  # fmt: skip


V6 = ip_address("2001:db8::1").packed


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([3405803783], pa.uint32()), "203.0.113.7"),  # ClickHouse IPv4
        (pa.array([3405803783], pa.int64()), "203.0.113.7"),  # BigQuery NET.IPV4_TO_INT64
        (pa.array([3405803783.0, None], pa.float64())[:1], "203.0.113.7"),
        (pa.array([V6], pa.binary(16)), "2001:db8::1"),  # ClickHouse IPv6
        (pa.array([ip_address("::ffff:203.0.113.7").packed], pa.binary(16)), "203.0.113.7"),
        (pa.array([V6], pa.binary()), "2001:db8::1"),  # BigQuery NET.IP_FROM_STRING
        (pa.array([b"\xcb\x00\x71\x07"], pa.binary()), "203.0.113.7"),
        (pa.array([b"203.0.113.7"], pa.binary()), "203.0.113.7"),
        (pa.array(["203.0.113.7"], pa.large_string()), "203.0.113.7"),
        (pa.array(["203.0.113.7"]).dictionary_encode(), "203.0.113.7"),
    ],
)
def test_addresses_that_are_no_text(tmp_path: Path, column: pa.Array, expected: str) -> None:
    table = pa.table({"account_id": ["a"], "created_at": ["2024-01-05"], "signup_ip": column})
    assert addresses(read(tmp_path, {"accounts.parquet": table})) == {"a": expected}


@given(
    st.integers(1, 2**32 - 1),
    st.sampled_from(["", "AS", "as", "ASN", "AS ", "ASN ", "asn:", "AS#"]),
    st.sampled_from(["", " Example", " Example, Inc.", " - EXAMPLE-NET", ".0", " (Example)", ", Example"]),
)
def test_autonomous_systems_in_any_form(number: int, prefix: str, suffix: str) -> None:
    assert read_systems(pl.Series([f"{prefix}{number}{suffix}"])).item() == number


@pytest.mark.parametrize(
    "text", ["", "AS", "Example", "AS1 2", "64500 64501", "{64500,64501}", "12345678901", "-5"]
)
def test_what_is_no_autonomous_system(text: str) -> None:
    assert read_systems(pl.Series([text])).item() is None


def test_an_autonomous_system_joins_sessions_and_networks(tmp_path: Path) -> None:
    forms = ["AS13335", "13335", "ASN 13335", "AS13335 Example", "13335.0", "{13335,1}", "AS0"]
    sessions = "".join(
        f'a{place},192.0.2.{place},"{form}",2024-01-05,2024-01-05\n' for place, form in enumerate(forms)
    )
    accounts = "".join(f"a{place},2024-01-05\n" for place in range(len(forms)))
    columns = read(
        tmp_path,
        {
            "accounts.csv": f"account_id,created_at\n{accounts}",
            "sessions.csv": f"account_id,ip,asn,first_seen,last_seen\n{sessions}",
            "networks.csv": "asn,cidr,network_class\nAS13335,198.51.100.7/24,hosting\nASN 13335,,vpn\n",
        },
    )
    assert columns.dead_letters.is_empty()
    assert columns.values["ip"].sort("key")["asn"].to_list() == [13335] * 5 + [None] * 2
    assert columns.networks.select("cidr", "asn").rows() == [(None, 13335), ("198.51.100.0/24", 13335)]
    assert nulls(columns) == {("asn", "not_an_asn"): 1, ("asn", "null_word"): 1}


def test_a_network_without_its_range_is_refused_since_it_would_be_the_whole_system(tmp_path: Path) -> None:
    columns = read(
        tmp_path,
        {
            "accounts.csv": "account_id,created_at\na,2024-01-05\n",
            "networks.csv": "asn,cidr,network_class\n64500,192.0.2.0/33,hosting\n64501,192.0.2.0/24,vpn\n",
        },
    )
    assert columns.dead_letters.select("row", "reason").rows() == [(1, "not_a_cidr")]
    assert columns.networks["asn"].to_list() == [64501]
