"""A seeded world is a bundle as the contract has it: tables, columns, types, domains of values, keys."""

import ipaddress
from itertools import pairwise

import polars as pl
import pytest
from worlds import world

TIME = pl.Datetime("us", "UTC")
SCHEMA: dict[str, dict[str, tuple[pl.DataType | type[pl.DataType], bool]]] = {
    "accounts": {
        "account_id": (pl.String, False), "created_at": (TIME, False), "status": (pl.String, True),
        "status_changed_at": (TIME, True), "plan": (pl.String, True), "country": (pl.String, True),
        "email": (pl.String, True), "phone": (pl.String, True), "display_name": (pl.String, True),
        "organization": (pl.String, True), "signup_ip": (pl.String, True), "signup_device": (pl.String, True),
        "user_agent": (pl.String, True),
    },
    "payments": {
        "account_id": (pl.String, False), "instrument": (pl.String, False), "kind": (pl.String, False),
        "bin": (pl.String, True), "issuer_country": (pl.String, True), "first_seen": (TIME, False),
        "last_seen": (TIME, False), "payments": (pl.Int64, True),
    },
    "sessions": {
        "account_id": (pl.String, False), "ip": (pl.String, False), "asn": (pl.Int64, True),
        "device": (pl.String, True), "user_agent": (pl.String, True), "first_seen": (TIME, False),
        "last_seen": (TIME, False), "requests": (pl.Int64, True),
    },
    "prompts": {
        "account_id": (pl.String, False), "text": (pl.String, True), "fingerprint": (pl.String, True),
        "model": (pl.String, True), "first_seen": (TIME, False), "last_seen": (TIME, False),
        "requests": (pl.Int64, True),
    },
    "activity": {
        "account_id": (pl.String, False), "hour": (TIME, False), "requests": (pl.Int64, False),
        "model": (pl.String, True),
    },
    "networks": {
        "asn": (pl.Int64, True), "cidr": (pl.String, True), "name": (pl.String, True),
        "network_class": (pl.String, False), "country": (pl.String, True),
    },
    "identifiers": {"account_id": (pl.String, False), "kind": (pl.String, False), "value": (pl.String, False)},
    "truth": {
        "account_id": (pl.String, False), "campaign_id": (pl.String, True), "role": (pl.String, True),
        "decoy": (pl.String, True),
    },
}  # fmt: skip
DOMAINS = {
    ("accounts", "status"): {"active", "suspended", "banned", "closed"},
    ("payments", "kind"): {"card", "bank", "wallet", "prepaid", "crypto", "invoice"},
    ("networks", "network_class"): {
        "residential", "mobile", "hosting", "vpn", "proxy", "cgnat", "corporate", "education", "unknown",
    },
    ("truth", "role"): {"member", "sleeper", "replacement"},
}  # fmt: skip


@pytest.mark.parametrize("scenario", ["demo", "easy", "hard", "hard2", "framing", "quiet"])
@pytest.mark.parametrize("table", SCHEMA)
def test_columns_types_and_nulls(scenario: str, table: str) -> None:
    frame = world(scenario)[table]
    assert frame.height > 0
    assert dict(frame.schema) == {name: dtype for name, (dtype, _) in SCHEMA[table].items()}
    for name, (_, optional) in SCHEMA[table].items():
        assert optional or frame[name].null_count() == 0, name


@pytest.mark.parametrize(("place", "allowed"), DOMAINS.items())
def test_domains_of_values(place: tuple[str, str], allowed: set[str]) -> None:
    table, column = place
    assert set(world()[table][column].drop_nulls()) <= allowed


def test_accounts_are_unique_and_known_to_every_table() -> None:
    tables = world()
    ids = tables["accounts"]["account_id"]
    assert ids.n_unique() == len(ids) == 3_000
    assert set(tables["truth"]["account_id"]) == set(ids)
    for table in ("payments", "sessions", "prompts", "activity", "identifiers"):
        assert set(tables[table]["account_id"]) <= set(ids), table


def test_times_are_in_order() -> None:
    tables = world()
    born = tables["accounts"].select("account_id", "created_at", "status_changed_at")
    for table in ("payments", "sessions", "prompts"):
        rows = tables[table].join(born, on="account_id")
        assert rows.filter(pl.col("first_seen") > pl.col("last_seen")).is_empty(), table
        assert rows.filter(pl.col("first_seen") < pl.col("created_at")).is_empty(), table
        assert rows.filter(pl.col("last_seen") > pl.col("status_changed_at")).is_empty(), table
    hours = tables["activity"].join(born, on="account_id")
    assert hours.filter(pl.col("hour") < pl.col("created_at")).is_empty()
    assert hours.filter(pl.col("hour") > pl.col("status_changed_at")).is_empty()
    assert hours.filter(pl.col("hour") != pl.col("hour").dt.truncate("1h")).is_empty()
    assert not hours.select("account_id", "hour").is_duplicated().any()


def test_only_the_inactive_have_a_moment_of_change() -> None:
    accounts = world()["accounts"]
    assert ((accounts["status"] == "active") == accounts["status_changed_at"].is_null()).all()


def test_exactly_one_of_text_and_fingerprint() -> None:
    prompts = world()["prompts"]
    assert (prompts["text"].is_null() != prompts["fingerprint"].is_null()).all()
    assert prompts["fingerprint"].is_not_null().any()


def test_addresses_are_canonical_and_lie_in_their_networks() -> None:
    tables = world()
    ranges = {
        ipaddress.ip_network(cidr): asn
        for asn, cidr in tables["networks"].select("asn", "cidr").drop_nulls().iter_rows()
    }
    assert all(network.version == 6 or network.prefixlen >= 16 for network in ranges)
    by_number = set(tables["networks"].filter(pl.col("cidr").is_null())["asn"])
    versions = set()
    for text, asn in tables["sessions"].select("ip", "asn").unique().sort("ip").gather_every(4).iter_rows():
        address = ipaddress.ip_address(text)
        versions.add(address.version)
        assert str(address) == text
        assert not address.is_multicast
        assert not address.is_loopback
        found = [number for network, number in ranges.items() if address in network]
        assert len(found) <= 1
        if found and asn is not None:
            assert found == [asn]
        if not found and asn is not None:
            assert asn in by_number
    assert versions == {4, 6}


def test_networks_do_not_overlap() -> None:
    ranges = sorted(ipaddress.ip_network(c) for c in world()["networks"]["cidr"].drop_nulls() if ":" not in c)
    assert not any(a.overlaps(b) for a, b in pairwise(ranges))


def test_no_instrument_could_be_a_card_number() -> None:
    assert not world()["payments"]["instrument"].str.contains(r"\d").any()


def test_declared_identity_is_made_up() -> None:
    """Every e-mail address lies under the top-level domain that is reserved for examples."""
    emails = world()["accounts"]["email"]
    assert emails.str.contains(r"^[a-z0-9._+]+@[a-z0-9]+\.example$").all()
    phones = world()["accounts"]["phone"].drop_nulls()
    assert phones.str.contains(r"^\+\d{10,12}$").all()


def test_an_identifier_kind_that_nobody_declares_is_there() -> None:
    assert set(world()["identifiers"]["kind"]) == {"tls_fingerprint", "referral_code"}


def test_volumes_stay_modest() -> None:
    """Rows an account: what the load and the demo are sized for."""
    tables = world()
    mean = {name: frame.height / 3_000 for name, frame in tables.items()}
    assert 2 <= mean["sessions"] <= 4
    assert 2 <= mean["prompts"] <= 4
    assert mean["activity"] <= 25
