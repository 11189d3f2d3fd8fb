"""Promise: a later bundle adds and widens, and never takes away."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from graphs import checksum, write_bundle

from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.addresses import place_addresses

MARCH = {"first_seen": "2026-03-01T00:00:00Z", "last_seen": "2026-03-02T00:00:00Z"}
APRIL = {"first_seen": "2026-04-01T00:00:00Z", "last_seen": "2026-04-02T00:00:00Z"}
ACCOUNT = {"account_id": "a", "created_at": "2026-03-01T00:00:00Z"}


def edge(store: Store) -> dict[str, Any]:
    edges = [
        dict(zip(("type", "from", "to", "properties"), record, strict=True))
        for record in store.stream("bench/checksum_edges")
    ]
    return next(found["properties"] for found in edges if found["type"] == "SEEN_AT")


def test_times_widen_and_counts_of_other_days_add(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    session = {"account_id": "a", "ip": "198.51.100.7"}
    first = write_bundle(tmp_path / "1", accounts=[ACCOUNT], sessions=[{**session, **MARCH, "requests": 3}])
    second = write_bundle(tmp_path / "2", accounts=[ACCOUNT], sessions=[{**session, **APRIL, "requests": 4}])
    for bundle in (first, second, first, second):
        load_bundle(database, bundle, tokens, tmp_path / "dead", again=True)
        found = edge(database)
    assert found["count"] == 7
    assert found["firstSeen"].iso_format().startswith("2026-03-01")
    assert found["lastSeen"].iso_format().startswith("2026-04-02")


def test_an_export_repeated_with_more_rows_does_not_count_twice(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    session = {"account_id": "a", "ip": "198.51.100.7", **MARCH}
    once = write_bundle(tmp_path / "1", accounts=[ACCOUNT], sessions=[{**session, "requests": 3}])
    more = write_bundle(tmp_path / "2", accounts=[ACCOUNT], sessions=[{**session, "requests": 5}])
    for bundle in (once, more, once):
        load_bundle(database, bundle, tokens, tmp_path / "dead", again=True)
    assert edge(database)["count"] == 5


def test_a_later_bundle_may_speak_of_accounts_of_an_earlier_one(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    load_bundle(database, write_bundle(tmp_path / "1", accounts=[ACCOUNT]), tokens, tmp_path / "dead")
    other = {"account_id": "b", "created_at": "2026-04-01T00:00:00Z"}
    sessions = [{"account_id": who, "ip": "198.51.100.7", **APRIL} for who in ("a", "b", "nobody")]
    later = write_bundle(tmp_path / "2", accounts=[other], sessions=sessions)
    report = load_bundle(database, later, tokens, tmp_path / "dead")
    assert report.rejected == {("sessions", "unknown_account"): 1}
    assert report.written["ip edges"] == 2


def test_a_status_moves_forward_only(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    banned = {**ACCOUNT, "status": "banned", "status_changed_at": "2026-03-09T00:00:00Z"}
    for number, account in enumerate((ACCOUNT, banned, ACCOUNT)):
        bundle = write_bundle(tmp_path / str(number), accounts=[{**account, "plan": f"p{number}"}])
        load_bundle(database, bundle, tokens, tmp_path / "dead")
    account = next(record[1] for record in database.stream("bench/checksum") if "Account" in record[0])
    assert (account["status"], account["plan"]) == ("banned", "p2")


def test_networks_that_come_later_class_addresses_that_came_before(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    sessions = [
        {"account_id": "a", "ip": ip, "asn": 64500, **MARCH} for ip in ("198.51.100.7", "203.0.113.9")
    ]
    first = write_bundle(tmp_path / "1", accounts=[ACCOUNT], sessions=sessions)
    networks = [
        {"asn": 64500, "network_class": "residential"},
        {"cidr": "198.51.100.0/24", "network_class": "vpn", "name": "Wide"},
        {"cidr": "198.51.100.4/30", "network_class": "proxy", "name": "Narrow"},
    ]
    second = write_bundle(tmp_path / "2", accounts=[ACCOUNT], networks=networks)
    load_bundle(database, first, tokens, tmp_path / "dead")
    load_bundle(database, second, tokens, tmp_path / "dead")
    together = checksum_of_addresses(database)
    assert together == {"198.51.100.7": ("proxy", "Narrow"), "203.0.113.9": ("residential", None)}
    assert place_addresses(database, 9) == 0
    before = checksum(database)
    load_bundle(database, first, tokens, tmp_path / "dead", again=True)
    assert checksum(database) == before


def test_a_load_looks_again_only_at_addresses_that_may_have_changed(
    database: Store, tokens: Tokeniser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    stream = Store.stream

    def listened(store: Store, name: str, /, **parameters: object) -> Generator[tuple[Any, ...]]:
        asked.append(name)
        return stream(store, name, **parameters)

    def load(number: int, **tables: list[dict[str, object]]) -> None:
        bundle = write_bundle(tmp_path / str(number), accounts=[ACCOUNT], **tables)
        load_bundle(database, bundle, tokens, tmp_path / "dead")

    def seen(ip: str, **more: object) -> dict[str, object]:
        return {"account_id": "a", "ip": ip, **more, **MARCH}

    monkeypatch.setattr(Store, "stream", listened)
    load(
        1,
        networks=[{"asn": 64500, "network_class": "vpn"}],
        sessions=[seen("198.51.100.7"), seen("203.0.113.9")],
    )
    assert "load/unplaced" in asked
    asked.clear()
    load(2, sessions=[seen("198.51.100.8", asn=64500)])
    assert asked == ["load/unplaced_since"]
    # A system that is new to its prefix changes an address of an earlier load too.
    assert {ip: by[0] for ip, by in checksum_of_addresses(database).items()} == {
        "198.51.100.7": "vpn", "198.51.100.8": "vpn", "203.0.113.9": "unknown",
    }  # fmt: skip
    asked.clear()
    load(3, networks=[{"cidr": "203.0.113.0/24", "network_class": "hosting"}])
    assert asked == ["load/unplaced"]
    assert checksum_of_addresses(database)["203.0.113.9"] == ("hosting", None)
    asked.clear()
    load(4, sessions=[seen("203.0.113.10")])
    assert asked == ["load/unplaced_since"]
    assert checksum_of_addresses(database)["203.0.113.10"] == ("hosting", None)


def checksum_of_addresses(store: Store) -> dict[str, tuple[str, str | None]]:
    return {
        record[1]["value"]: (record[1]["networkClass"], record[1].get("network"))
        for record in store.stream("bench/checksum")
        if "IpAddress" in record[0]
    }


def test_rows_of_unknown_accounts_are_taken_once_the_accounts_are_there(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    other = {"account_id": "b", "created_at": "2026-04-01T00:00:00Z"}
    sessions = [{"account_id": name, "ip": "198.51.100.7", **MARCH} for name in "ab"]
    early = write_bundle(tmp_path / "1", accounts=[other], sessions=sessions)
    assert load_bundle(database, early, tokens, tmp_path / "dead").rejected
    load_bundle(database, write_bundle(tmp_path / "2", accounts=[ACCOUNT]), tokens, tmp_path / "dead")
    report = load_bundle(database, early, tokens, tmp_path / "dead")
    assert not report.already_loaded
    assert report.written["ip edges"] == 2
