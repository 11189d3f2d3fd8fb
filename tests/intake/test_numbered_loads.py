"""Promise: accounts and signals carry the number of the last load that wrote to them, which is a new one each time."""

from pathlib import Path
from typing import Any

from graphs import write_bundle

from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store

SEEN = {"first_seen": "2026-03-01T00:00:00Z", "last_seen": "2026-03-02T00:00:00Z"}


def account(name: str) -> dict[str, object]:
    return {"account_id": name, "created_at": "2026-03-01T00:00:00Z"}


def touched(store: Store) -> dict[str, Any]:
    rows = store.read("tests/touched")
    return {row["name"]: row["touched"] for row in rows}


def test_what_a_load_writes_to_is_marked_and_nothing_else(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    first = write_bundle(
        tmp_path / "1",
        accounts=[account("a"), account("b"), account("c")],
        sessions=[{"account_id": "b", "ip": "198.51.100.7", **SEEN}],
        identifiers=[{"account_id": "c", "kind": "ip", "value": "203.0.113.9"}],
    )
    second = write_bundle(
        tmp_path / "2",
        accounts=[account("d")],
        activity=[{"account_id": "a", "hour": "2026-03-02T05:00:00Z", "requests": 3}],
        sessions=[{"account_id": "d", "ip": "198.51.100.8", "asn": 64500, **SEEN}],
        networks=[{"cidr": "203.0.113.0/24", "network_class": "vpn"}],
    )
    load_bundle(database, first, tokens, tmp_path / "dead")
    assert set(touched(database).values()) == {1}
    load_bundle(database, second, tokens, tmp_path / "dead")
    # The address of the first load is now in a prefix that an autonomous system announces, the other has a class.
    assert touched(database) == {
        "a": 2, "b": 1, "c": 1, "d": 2, "ip:198.51.100.7": 2, "ip:198.51.100.8": 2, "ip:203.0.113.9": 2,
    }  # fmt: skip


def test_a_load_again_takes_a_new_number_and_one_already_loaded_none(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    bundles = [write_bundle(tmp_path / name, accounts=[account(name)]) for name in ("a", "b")]
    for bundle in bundles:
        load_bundle(database, bundle, tokens, tmp_path / "dead")
    load_bundle(database, bundles[0], tokens, tmp_path / "dead")
    assert touched(database) == {"a": 1, "b": 2}
    load_bundle(database, bundles[0], tokens, tmp_path / "dead", again=True)
    assert touched(database) == {"a": 3, "b": 2}
