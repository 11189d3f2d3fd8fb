"""Promise: nobody is shown an address who did not ask for it with a reason; a handle stands in its place everywhere."""

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from api import Api, write
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.settings import Settings
from graphsvc.signals.veil import Veil, find_network, load_or_create_veil
from graphsvc.store import Store

VEIL = Veil(b"a key for tests, 32 bytes long..")
RAW = "ip:203.0.113.7"
addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None)  # type: ignore[union-attr]
plain = st.text(alphabet=st.characters(exclude_categories=("Cs", "Nd")), max_size=20).filter(
    lambda t: "ip" not in t
)


@given(addresses)
def test_a_handle_opens_to_its_address_and_shows_nothing_of_it(address: ipaddress.IPv4Address) -> None:
    key = f"ip:{address}"
    handle = VEIL.hide(key)
    assert handle.startswith("ip:~")
    assert str(address) not in handle
    assert VEIL.open(handle) == key
    assert VEIL.hide(handle) == handle == VEIL.hide(key.upper().replace("IP:", "ip:"))
    assert len(handle) == (31 if address.version == 4 else 47)  # the length tells no more than that
    assert Veil(b"another key for tests, 32 bytes.").open(handle) == handle


@given(addresses, plain, st.sampled_from(["", ".", ":", ", ", " (+9.0)", "; ", ".\n"]))
def test_no_sentence_keeps_an_address(address: ipaddress.IPv4Address, before: str, after: str) -> None:
    said = VEIL.redact_text(f"{before} ip:{address}{after}")
    assert said == f"{before} {VEIL.hide(f'ip:{address}')}{after}"


@given(st.ip_addresses(v=6))
def test_a_64_of_ipv6_is_shown_as_its_48(address: ipaddress.IPv6Address) -> None:
    line = ipaddress.IPv6Network((address, 64), strict=False)
    site = ipaddress.IPv6Network((address, 48), strict=False)
    if address.ipv4_mapped is None:
        assert VEIL.redact_text(f"shares prefix:{line} with 3") == f"shares prefix:{site} with 3"


@pytest.mark.parametrize(
    "text",
    [
        "ip:",
        "ip:face",
        "tip:192.0.2.1",
        "ip:1.2.3.4.5",
        "prefix:203.0.113.0/24",
        "2001:db8::/32",
        "ip:~x",
        "ip:" + "." * 99,
    ],
)
def test_what_is_no_address_stays(text: str) -> None:
    assert VEIL.redact_text(text) == VEIL.hide(text) == VEIL.open(text) == text


class Pair(NamedTuple):
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Part:
    says: str
    signals: tuple[str, ...]


def test_rows_are_veiled_at_any_depth_and_opened_again() -> None:
    handle = VEIL.hide(RAW)
    row: dict[str, Any] = {
        "signal": {"key": RAW, "kind": "ip", "value": "203.0.113.7"},
        "other": {"key": "email_domain:example.com", "value": "example.com"},
        "nested": [[RAW], (RAW, 3), Pair(RAW, 2), Part(f"both have {RAW}.", (RAW,))],
        "by": {RAW: 1.5, "none": None},
        "json": json.dumps({"signal": RAW}),
    }
    veiled = VEIL.redact_rows(row)
    assert "203.0.113.7" not in repr(veiled)
    assert veiled["signal"] == {"key": handle, "kind": "ip", "value": "203.0.113.0/24"}
    assert veiled["other"] == row["other"]
    assert veiled["nested"] == [
        [handle],
        (handle, 3),
        Pair(handle, 2),
        Part(f"both have {handle}.", (handle,)),
    ]
    assert veiled["by"] == {handle: 1.5, "none": None}
    assert json.loads(veiled["json"]) == {"signal": handle}
    assert VEIL.open_handles({"key": handle, "in": [handle, "x", 3]}) == {"key": RAW, "in": [RAW, "x", 3]}


@given(st.text(max_size=60), st.integers(0, 30))
def test_only_whole_handles_open(text: str, at: int) -> None:
    assert VEIL.open("ip:~" + text) == "ip:~" + text
    handle = VEIL.hide(RAW)
    changed = handle[: 4 + at % 27] + ("A" if handle[4 + at % 27] != "A" else "B") + handle[5 + at % 27 :]
    assert VEIL.open(changed) == changed


def test_a_network_says_where_and_not_who() -> None:
    assert [find_network(text) for text in ("203.0.113.7", "2001:db8:1:2::3", "nobody")] == [
        "203.0.113.0/24",
        "2001:db8:1::/48",
        "hidden",
    ]


@pytest.fixture
def api(database: Store, installation: Settings) -> Iterator[Api]:
    write(database, "published")
    key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
    with TestClient(create_app(installation, database.address)) as client:
        yield Api(client, key)


def test_a_handle_works_wherever_a_key_does(api: Api, installation: Settings) -> None:
    handle = load_or_create_veil(installation).hide(RAW)
    query = """query Q($key: String!) {
      signal(key: $key) { key value degree accounts(first: 2) { edges { node { account { id } } } } }
      clusters(filter: {signalKey: $key}) { edges { node {
        id sharedSignals { signal { key } } links { summary } } } } }"""
    by_handle = api.data(query, key=handle)
    assert by_handle["signal"]["key"] == handle
    assert (by_handle["signal"]["value"], by_handle["signal"]["degree"]) == ("203.0.113.0/24", 8)
    assert [edge["node"]["account"]["id"] for edge in by_handle["signal"]["accounts"]["edges"]] == [
        "a01",
        "a02",
    ]
    assert [edge["node"]["id"] for edge in by_handle["clusters"]["edges"]] == ["c-large"]
    assert handle in by_handle["clusters"]["edges"][0]["node"]["links"][0]["summary"]
    assert "203.0.113.7" not in json.dumps(by_handle)


def test_pages_go_on_from_a_handle(api: Api) -> None:
    query = """query Q($after: String) { account(id: "a01") { signals(first: 1, after: $after) {
      edges { node { signal { kind } } } pageInfo { endCursor } } } }"""
    kinds, after = [], None
    for _ in range(4):
        page = api.data(query, after=after)["account"]["signals"]
        kinds += [edge["node"]["signal"]["kind"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
    assert kinds == ["email_domain", "instrument", "ip", "prompt"]


@pytest.mark.parametrize(
    "handle", ["ip:~", "ip:~AAAA", "ip:~zQTiw_vJJJhSyCkn3XVh10lbSow", "ip:~\N{SNOWMAN}", "ip:~" + "A" * 5000]
)
def test_a_foreign_handle_finds_nothing(api: Api, handle: str) -> None:
    query = """query Q($key: String!) {
      signal(key: $key) { key } clusters(filter: {signalKey: $key}) { edges { cursor } } }"""
    assert api.data(query, key=handle) == {"signal": None, "clusters": {"edges": []}}


def test_the_key_of_the_veil_is_kept_and_private(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert load_or_create_veil(settings).hide(RAW) == load_or_create_veil(settings).hide(RAW)
    (file,) = settings.keys_dir.glob("veil.key")
    assert file.stat().st_mode & 0o777 == 0o600
