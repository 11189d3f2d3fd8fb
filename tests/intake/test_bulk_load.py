"""Promise: a bulk load gives the graph that an online load gives, even if it was killed, and only where nothing is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphs import checksum, ring_bundle, write_bundle
from polars.testing import assert_frame_equal

from graphsvc import server
from graphsvc.database import open_store
from graphsvc.errors import LoadError
from graphsvc.intake import read_parts
from graphsvc.intake.networks import assign_networks
from graphsvc.intake.spool import Spool
from graphsvc.loading import load_bundle
from graphsvc.loading.bulk import load_bulk
from graphsvc.loading.common import SPOOL
from graphsvc.server.home import Home
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser, load_or_create_key
from graphsvc.store import Store
from graphsvc.store.graph import read_graph, read_graph_since
from graphsvc.store.import_files import write_files
from graphsvc.store.imported import read_import_files
from graphsvc.store.snapshots import Snapshots

MARCH = {"first_seen": "2026-03-01T00:00:00.123Z", "last_seen": "2026-03-02T00:00:00Z"}


@pytest.fixture
def apart(tmp_path: Path, installation: Settings, without_gds: None) -> Iterator[Settings]:
    """A fresh installation of the test's own, with the token key of the session's, so that tokens are the same."""
    settings = Settings(data_dir=tmp_path / "apart", neo4j_uri=None)
    settings.keys_dir.mkdir(parents=True)
    load_or_create_key(installation)
    key = settings.keys_dir / "token.key"
    key.write_bytes((installation.keys_dir / "token.key").read_bytes())
    key.chmod(0o600)
    yield settings
    server.stop_server(settings)


def everything(directory: Path) -> Path:
    """A bundle with all there can be: times before 1970, text that quoting would spoil, rows that are refused."""
    names = ["plain", 'q"uote', "semi;colon", "line\nbreak", "back\\slash", "comma,", "tab\t", "ünï", "a|b"]
    accounts = [
        {"account_id": name, "created_at": f"19{60 + 4 * place}-03-01T00:00:00.0019Z", "plan": name.upper()}
        for place, name in enumerate(names)
    ]
    accounts[0] |= {"status": "banned", "status_changed_at": "2026-03-09T00:00:00Z", "country": "DE"}
    accounts[1] |= {"email": "a.b@example.org", "phone": "+49 30 1234567", "organization": "Some; thing"}
    sessions = [
        {
            "account_id": name,
            "ip": ip,
            "asn": asn,
            "device": f"dev {place % 2}",
            "user_agent": "ua",
            "requests": 3,
            **MARCH,
        }
        for place, name in enumerate(names)
        for ip, asn in (
            (f"198.51.100.{place}", 64500 + place % 2),
            ("2001:db8::1", None),
            ("203.0.113.9", 64502),
        )
    ]
    return write_bundle(
        directory,
        accounts=accounts,
        sessions=[
            *sessions,
            {"account_id": "nobody", "ip": "198.51.100.7", **MARCH},
            {"account_id": "plain", "ip": "?"},
        ],
        payments=[
            {"account_id": "plain", "instrument": "fp_1", "kind": "card", "bin": "123456", "payments": 2, **MARCH},
            {"account_id": 'q"uote', "instrument": "fp_1", "kind": "card", "issuer_country": "FR", **MARCH},
        ],
        prompts=[{"account_id": name, "text": "tell me of rings " * 9, **MARCH} for name in names[:4]],
        identifiers=[{"account_id": "tab\t", "kind": "referral code", "value": "R;1"}],
        activity=[
            {"account_id": name, "hour": f"2026-0{month}-02T0{hour}:00:00Z", "requests": 3 + hour, "model": model}
            for name in names[2:6]
            for month in (3, 4)
            for hour, model in ((1, None), (2, "m;1"), (2, None), (3, 'm"2'))
        ],
        outcomes=[
            {"account_id": names[2], "kind": "banned", "at": "2026-03-04T00:00:00.0019Z", "by": "a;b"},
            {"account_id": names[2], "kind": "chargeback", "at": "2026-03-05T00:00:00Z", "by": "bank", "reason": "x"},
            {"account_id": "plain", "kind": "confirmed_legitimate", "at": "2026-03-08T00:00:00Z", "by": "ada"},
        ],
        networks=[
            {"asn": 64500, "network_class": "residential", "name": "Homes"},
            {"cidr": "198.51.100.0/29", "network_class": "vpn", "name": "Tunnel; Inc", "asn": 64500, "country": "NL"},
            {"asn": 64999, "network_class": "hosting"},
        ],
    )  # fmt: skip


def loaded_online(store: Store, bundle: Path, installation: Settings) -> tuple[int, int, str]:
    load_bundle(store, bundle, load_or_create_key(installation), installation.dead_letters_dir)
    return checksum(store)


def test_both_roads_give_the_same_graph_and_the_next_bundle_goes_on_from_it(
    database: Store, installation: Settings, apart: Settings, tmp_path: Path
) -> None:
    bundle = everything(tmp_path / "bundle")
    later = ring_bundle(tmp_path / "later", rings=1, singles=5)
    tokens = load_or_create_key(apart)
    online = loaded_online(database, bundle, installation)
    report = load_bulk(apart, bundle, tokens)
    assert sum(report.rejected.values()) == 2
    assert report.dead_letters is not None
    assert (
        report.dead_letters.read_text()
        == (installation.dead_letters_dir / report.dead_letters.name).read_text()
    )
    with open_store(apart) as store:
        assert checksum(store) == online
        assert {row["touched"] for row in store.read("tests/touched")} == {1}
    assert load_bulk(apart, bundle, tokens).already_loaded
    with pytest.raises(LoadError, match="empty database"):
        load_bulk(apart, later, tokens)
    both = loaded_online(database, later, installation)
    with open_store(apart) as store:
        assert loaded_online(store, later, apart) == both
        assert max(row["touched"] for row in store.read("tests/touched")) == 2


def test_the_files_of_an_import_hold_the_graph_that_is_read_afterwards(
    database: Store, installation: Settings, tmp_path: Path
) -> None:
    bundle = everything(tmp_path / "bundle")
    (bundle / "outcomes.ndjson").unlink()
    tokens = load_or_create_key(installation)
    loaded_online(database, bundle, installation)
    for name in ("spool", "files"):
        (tmp_path / name).mkdir()
    spool = Spool(tmp_path / "spool", budget=1, part=1)
    columns = read_parts(bundle, tokens, spool, lambda ids: ids.clear())
    load: dict[str, object] = {"id": "l", "bundle": columns.id, "number": 1, "bulk": True}
    files = write_files(columns, load, assign_networks, tmp_path / "files", lambda *_: None)
    kept, read = read_import_files(files), read_graph(database)
    for name in ("accounts", "signals", "activity"):
        assert_frame_equal(getattr(kept, name), getattr(read, name))
    assert kept.fingerprint() == read.fingerprint()


@pytest.mark.slow
def test_killed_and_run_again(
    database: Store, installation: Settings, apart: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = ring_bundle(tmp_path / "bundle", rings=10, singles=3_000)
    online = loaded_online(database, bundle, installation)
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(apart.data_dir))
    command = [sys.executable, "-m", "graphsvc", "load", "--bulk", str(bundle)]
    mark = apart.data_dir / "neo4j" / "run" / "replacing"
    # While the tool imports, and while the server starts on what it made.
    for moment in ("importing", "checking"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begun = False
        while process.poll() is None and not (begun and moment == "checking" and not mark.exists()):
            if begun and moment == "importing":
                break
            begun = begun or mark.exists()
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    # The files of those that were killed are gone, too.
    assert not list(apart.data_dir.glob(f"{SPOOL}*"))
    with open_store(apart) as store:
        assert checksum(store) == online
        assert store.read("load/bulk_loads")[0]["finishedAt"] is not None
        # The first detection reads no account: the load kept the graph.
        reading = read_graph_since(store, base=Snapshots(apart.runs_dir, 1).latest())
        assert (reading.accounts, reading.why) == (0, "")
        assert reading.graph.fingerprint() == read_graph(store).fingerprint()


class Died(Exception):
    pass


def die_while_importing(stage: str, done: int, total: int) -> None:
    if stage.startswith("import (") and done > 20:
        raise Died


def test_an_import_that_dies_leaves_nothing_that_the_next_start_would_keep(
    apart: Settings, tokens: Tokeniser, tmp_path: Path
) -> None:
    bundle = ring_bundle(tmp_path / "bundle", rings=1)
    with pytest.raises(Died):
        load_bulk(apart, bundle, tokens, progress=die_while_importing)
    assert not list(apart.data_dir.glob(f"{SPOOL}*"))
    home = Home.from_settings(apart)
    assert home.drop_half_replaced()  # as each start does first
    assert not [
        path
        for folder in ("databases", "transactions")
        for path in (home.root / "data" / folder).glob(apart.local_database)
    ]


@pytest.mark.slow
def test_an_import_that_dies_leaves_an_empty_database(
    apart: Settings, tokens: Tokeniser, tmp_path: Path
) -> None:
    with pytest.raises(Died):
        load_bulk(apart, ring_bundle(tmp_path / "bundle", rings=1), tokens, progress=die_while_importing)
    with open_store(apart) as store:
        assert checksum(store)[:2] == (0, 0)


def test_an_own_neo4j_is_refused_with_what_to_do(tokens: Tokeniser, tmp_path: Path) -> None:
    own = Settings(data_dir=tmp_path, neo4j_uri="bolt://127.0.0.1:1", neo4j_password="x")
    with pytest.raises(LoadError, match="without --bulk"):
        load_bulk(own, tmp_path, tokens)
