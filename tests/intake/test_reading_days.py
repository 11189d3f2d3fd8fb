"""Promise: what loads wrote since a graph was read is all that must be read again; it comes to the same graph, hash for
hash."""

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from graphs import write_bundle

from graphsvc.errors import ExportError
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.graph import KeptGraph, Reading, read_graph_since
from graphsvc.store.snapshots import Snapshots

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def moment(chance: random.Random) -> str:
    return (BEGAN + timedelta(minutes=chance.randrange(90 * 1440))).isoformat()


def bundle(directory: Path, chance: random.Random, accounts: int) -> Path:
    """Some accounts, new and old, with uses of few and many values, traffic, and sometimes networks."""
    people = [f"a{chance.randrange(accounts):03}" for _ in range(20)]
    made = [
        {"account_id": who, "created_at": moment(chance), "status": chance.choice(["active", "banned"])}
        for who in dict.fromkeys(people[:12])
    ]

    def seen(who: str) -> dict[str, object]:
        first, last = sorted([moment(chance), moment(chance)])
        return {"account_id": who, "first_seen": first, "last_seen": last}

    tables: dict[str, list[dict[str, object]]] = {
        "accounts": made,
        "payments": [
            {**seen(who), "instrument": f"card{chance.randrange(40)}", "kind": "card", "bin": f"{4000 + n % 9}"}
            for n, who in enumerate(people)
        ],
        "sessions": [
            {**seen(who), "ip": f"198.51.{chance.randrange(4)}.{chance.randrange(9)}",
             "asn": 64500 + chance.randrange(3), "device": f"d{chance.randrange(60)}"}
            for who in people
        ],
        "activity": [
            {"account_id": who, "hour": moment(chance)[:13] + ":00:00Z", "requests": chance.randrange(1, 99),
             "model": chance.choice(["one", "two"])}
            for who in people * 2
        ],
    }  # fmt: skip
    if chance.random() < 0.5:
        cidr = f"198.51.{chance.randrange(4)}.0/{chance.choice([24, 29])}"
        tables["networks"] = [{"cidr": cidr, "network_class": chance.choice(["vpn", "mobile", "proxy"])}]
    return write_bundle(directory, **tables)


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def kept(reading: Reading) -> KeptGraph:
    assert reading.watermark is not None
    return KeptGraph(reading.graph, reading.watermark, "kept", reading.graph.fingerprint())


def same(one: Reading, other: Reading) -> None:
    assert one.graph.fingerprint() == other.graph.fingerprint()
    for name in ("accounts", "signals", "activity"):
        assert getattr(one.graph, name).equals(getattr(other.graph, name))
    assert one.watermark == other.watermark


@contextmanager
def killed(patch: pytest.MonkeyPatch, store: Store, after: int) -> Iterator[None]:
    """The program dies in the transaction that follows `after` others."""
    guarded, left = store.write_guarded, after

    def dying(guard: tuple[str, dict[str, Any]], *steps: tuple[str, dict[str, Any]]) -> bool:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return guarded(guard, *steps)

    with patch.context() as undone:
        undone.setattr(store, "write_guarded", dying)
        yield


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_reading_on_is_reading_all(
    database: Store, tokens: Tokeniser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    dead = tmp_path / "dead"
    load_bundle(database, bundle(tmp_path / "first", chance, 60), tokens, dead)
    last = read_graph_since(database)
    for day in range(5):
        today = bundle(tmp_path / str(day), chance, 80)
        if chance.random() < 0.6:
            with killed(monkeypatch, database, chance.randrange(12)), pytest.raises(KeyboardInterrupt):
                load_bundle(database, today, tokens, dead)
            # What is half there is read, and read again: the next reading goes on from before it.
            half = read_graph_since(database, silent, kept(last))
            same(half, read_graph_since(database))
            assert half.watermark == last.watermark
            last = half
        load_bundle(database, today, tokens, dead)
        on = read_graph_since(database, silent, kept(last))
        same(on, read_graph_since(database))
        assert on.accounts <= on.graph.accounts.height
        assert not on.why
        last = on
    assert last.watermark is not None
    assert last.watermark.number == 6


def test_nothing_new_is_nothing_read(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    load_bundle(database, bundle(tmp_path / "1", random.Random(9), 60), tokens, tmp_path / "dead")
    whole = read_graph_since(database)
    asked: list[str] = []
    again = read_graph_since(database, lambda stage, _done, _total: asked.append(stage), kept(whole))
    same(again, whole)
    assert (again.accounts, asked, whole.accounts) == (0, [], whole.graph.accounts.height)


def test_what_somebody_else_changed_is_seen_and_all_is_read(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    load_bundle(database, bundle(tmp_path / "1", random.Random(5), 60), tokens, tmp_path / "dead")
    whole = read_graph_since(database)
    who = whole.graph.accounts["id"][3]
    for what in ("edge", "account"):
        database.write("tests/take_away", account=who, what=what)
        on = read_graph_since(database, silent, kept(whole))
        assert "something else than loads" in on.why
        same(on, read_graph_since(database))
        whole = on
    assert who not in on.graph.accounts["id"]


def test_another_database_is_read_whole(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    made = bundle(tmp_path / "1", random.Random(6), 60)
    load_bundle(database, made, tokens, tmp_path / "dead")
    whole = read_graph_since(database)
    database.run_autocommit("bench/wipe")
    assert read_graph_since(database).watermark is None
    load_bundle(database, made, tokens, tmp_path / "dead")
    on = read_graph_since(database, silent, kept(whole))
    assert "not there as it was" in on.why
    assert on.graph.fingerprint() == whole.graph.fingerprint()


def test_a_kept_graph_is_the_graph_and_the_newest_one_is_read_on_from(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    snapshots = Snapshots(tmp_path / "runs", 4)
    assert snapshots.latest() is None
    load_bundle(database, bundle(tmp_path / "1", random.Random(7), 60), tokens, tmp_path / "dead")
    reading = read_graph_since(database)
    snapshots.keep("first", reading.graph, reading.watermark)
    snapshots.keep("second", reading.graph)
    (tmp_path / "runs" / "old").mkdir()
    pl.DataFrame({"id": ["a"]}).write_parquet(tmp_path / "runs" / "old" / "accounts.parquet")
    found = snapshots.latest()
    assert found is not None
    assert found.watermark == reading.watermark
    assert found.graph.fingerprint() == reading.graph.fingerprint()
    again = read_graph_since(database, silent, found)
    same(again, reading)
    # Nothing was loaded since: the files are shared, and stay whole when the first run's go.
    assert again.kept is found
    snapshots.keep("third", again.graph, again.watermark, fingerprint=found.fingerprint, kept=again.kept)
    assert (tmp_path / "runs" / "third" / "uses.arrow").samefile(tmp_path / "runs" / "first" / "uses.arrow")
    (tmp_path / "runs" / "first" / "signals.arrow").unlink()
    third = snapshots.load("third")
    assert third is not None
    assert third.fingerprint() == found.fingerprint
    shutil.rmtree(tmp_path / "runs" / "third")
    snapshots.keep("first", reading.graph, reading.watermark)
    with pytest.raises(ExportError, match="another version"):
        snapshots.load("old")
    (tmp_path / "runs" / "first" / "uses.arrow").write_bytes(b"not that")
    with pytest.raises(ExportError, match="damaged"):
        snapshots.load("first")
    assert snapshots.latest() is None
