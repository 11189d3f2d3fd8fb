"""Promise: what was backed up comes back whole, with its keys; nothing is changed by a wrong passphrase, a damaged file
or a restore that dies; nobody reads a backup without its passphrase."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import run_command
from graphs import checksum, ring_bundle
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from graphsvc import server
from graphsvc.api import keys
from graphsvc.database import open_store
from graphsvc.errors import BackupError
from graphsvc.keeping import sealed as sealing
from graphsvc.keeping.backup import restore_backup, write_backup
from graphsvc.keeping.sealed import Opener, Sealer
from graphsvc.loading import load_bundle
from graphsvc.model.decisions import On, Topic
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.signing import load_or_create_signer
from graphsvc.store import Store
from graphsvc.store.audit import Auditor
from graphsvc.store.audit_log import verify_log
from graphsvc.store.decisions import DecisionRequest, read_decision_log, record_decision

PASSPHRASE = SecretStr("correct horse battery staple")
MARKED = b"what nobody may read in the file"


def key_files(settings: Settings) -> dict[str, bytes]:
    """Content of the files that are to come back."""
    own = {"neo4j-password"}
    files = [path for path in settings.keys_dir.iterdir() if path.is_file() and path.name[0] != "."]
    return {path.name: path.read_bytes() for path in files if path.name not in own and path.suffix != ".lock"}


def state(store: Store, settings: Settings) -> object:
    """All that has to be the same again."""
    checked = verify_log(store, load_or_create_signer(settings))
    assert checked.holds, checked.faults
    return checksum(store), read_decision_log(store), checked.entries, checked.head, key_files(settings)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An installation with accounts, tokens, a decision on record and an API key."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("old"), neo4j_uri=None)
    with open_store(settings) as store:
        bundle = ring_bundle(settings.data_dir / "bundle", rings=2, singles=30)
        load_bundle(store, bundle, load_or_create_key(settings), settings.dead_letters_dir)
        auditor = Auditor(load_or_create_signer(settings), "ann", "analyst")
        wish = DecisionRequest(On.ACCOUNT, "acct-00001", Topic.DISPOSITION, "confirmed", "the same card")
        record_decision(store, auditor, wish, datetime(2026, 3, 9, tzinfo=UTC))
    keys.create_key(settings.keys_dir, keys.Role.VIEWER, "console")
    yield settings
    server.stop_server(settings)


@pytest.fixture(scope="module")
def backup(old: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    path = tmp_path_factory.mktemp("backups") / "graph.backup"
    write_backup(old, path, PASSPHRASE, keys_only=False)
    return path


def test_what_was_backed_up_comes_back_into_a_fresh_installation(
    old: Settings, backup: Path, tmp_path: Path
) -> None:
    assert server.find_running(old) is not None  # it was stopped for the dump only
    assert backup.stat().st_mode & 0o077 == 0
    with open_store(old) as store:
        before = state(store, old)
    fresh = Settings(data_dir=tmp_path / "fresh", neo4j_uri=None)
    try:
        done = restore_backup(fresh, backup, PASSPHRASE, force=False)
        assert done.audit is not None
        assert (done.audit.holds, done.audit.entries) == (True, 1)
        with open_store(fresh) as store:
            assert state(store, fresh) == before
            later = ring_bundle(tmp_path / "later", rings=2, singles=30)
            assert load_bundle(
                store, later, load_or_create_key(fresh), fresh.dead_letters_dir
            ).already_loaded  # by the same tokens
        assert not list(fresh.data_dir.glob("backup.tmp")) + list(old.data_dir.glob("backup.tmp"))
        with pytest.raises(BackupError, match="not empty"):
            restore_backup(fresh, backup, PASSPHRASE, force=False)
    finally:
        server.stop_server(fresh)


def test_a_restore_that_dies_leaves_what_was_there_or_is_finished_by_the_next_start(
    old: Settings, backup: Path, tmp_path: Path
) -> None:
    """Killed twice: while the database is loaded beside the old one, and while it takes its place."""
    with open_store(old) as store:
        wanted = state(store, old)
        later = ring_bundle(tmp_path / "later", rings=1, singles=3)
        load_bundle(store, later, load_or_create_key(old), old.dead_letters_dir)
        keys.create_key(old.keys_dir, keys.Role.ADMIN, "made after the backup")
        before = state(store, old)
    assert before != wanted
    server.stop_server(old)  # our child: another process that stops it would wait for us to notice
    environment = {**os.environ, "GRAPHSVC_DATA_DIR": str(old.data_dir)}
    environment["GRAPHSVC_PASSPHRASE"] = PASSPHRASE.get_secret_value()
    command = [sys.executable, "-m", "graphsvc", "restore", str(backup), "--force"]
    data = old.data_dir / "neo4j" / "data" / "databases"
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (data / "restored").is_dir():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with open_store(old) as store:
        assert state(store, old) == before
    assert not (data / "restored").exists()
    server.stop_server(old)

    dies = "import graphsvc.server.home as a, os; a.take_keys = lambda _: os.kill(os.getpid(), 9); "
    dies += "from graphsvc.cli import main; main()"
    killed = subprocess.run(
        [sys.executable, "-c", dies, *command[3:]], env=environment, check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL
    with open_store(old) as store:
        assert state(store, old) == wanted


def test_a_wrong_passphrase_says_so_and_writes_nothing(backup: Path, tmp_path: Path) -> None:
    fresh = Settings(data_dir=tmp_path / "fresh", neo4j_uri=None)
    with pytest.raises(BackupError, match="passphrase"):
        restore_backup(fresh, backup, SecretStr("incorrect horse battery"), force=True)
    assert not server.has_database(fresh)
    assert not fresh.keys_dir.exists()


@pytest.mark.parametrize("damage", ["cut", "cut at a chunk", "changed", "header"])
def test_a_damaged_backup_changes_nothing(backup: Path, tmp_path: Path, damage: str) -> None:
    content = bytearray(backup.read_bytes())
    header = content.index(b"\n", len(sealing.MAGIC)) + 1
    assert len(content) > header + sealing.CHUNK + 16  # or there would be only one chunk
    if damage == "cut":
        del content[-1]
    elif damage == "cut at a chunk":
        del content[header + sealing.CHUNK + 16 :]
    elif damage == "changed":
        content[-100] ^= 1
    else:
        content[: len(sealing.MAGIC)] = sealing.MAGIC.replace(b"1", b"9")
    (tmp_path / "damaged").write_bytes(content)
    fresh = Settings(data_dir=tmp_path / "fresh", neo4j_uri=None)
    with pytest.raises(BackupError):
        restore_backup(fresh, tmp_path / "damaged", PASSPHRASE, force=True)
    assert not server.has_database(fresh)
    assert not fresh.keys_dir.exists()


def test_keys_alone_for_a_neo4j_of_your_own(old: Settings, tmp_path: Path) -> None:
    own = Settings(data_dir=tmp_path / "own", neo4j_uri="bolt://127.0.0.1:1", neo4j_password="x")
    shutil.copytree(old.keys_dir, own.keys_dir)
    with pytest.raises(BackupError, match="own tool"):
        write_backup(own, tmp_path / "whole", PASSPHRASE, keys_only=False)
    write_backup(own, tmp_path / "keys", PASSPHRASE, keys_only=True)
    kept = key_files(own)
    assert {"token.key", "signing.key", "api-keys.json", "api-keys.pepper", "audit-head.json"} <= set(kept)
    shutil.rmtree(own.keys_dir)
    assert restore_backup(own, tmp_path / "keys", PASSPHRASE, force=False).audit is None
    assert key_files(own) == kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in own.keys_dir.iterdir())
    with pytest.raises(BackupError, match="exists already"):
        write_backup(own, tmp_path / "keys", PASSPHRASE, keys_only=True)


def test_whose_neo4j_it_is_decides_what_can_be_restored(backup: Path, tmp_path: Path) -> None:
    own = Settings(data_dir=tmp_path / "own", neo4j_uri="bolt://127.0.0.1:1", neo4j_password="x")
    with pytest.raises(BackupError, match="of your own"):
        restore_backup(own, backup, PASSPHRASE, force=True)
    assert not own.keys_dir.exists()


@pytest.mark.parametrize(
    ("given", "said"), [({}, "passphrase is needed"), ({"GRAPHSVC_PASSPHRASE": "short"}, "shorter")]
)
def test_the_command_asks_for_a_passphrase_worth_the_name(
    given: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    for name, value in {"GRAPHSVC_DATA_DIR": str(tmp_path), **given}.items():
        monkeypatch.setenv(name, value)
    done = run_command("backup", "--keys-only", "--out", tmp_path / "b")
    assert (done.returncode, said in done.stderr) == (1, True)
    assert not (tmp_path / "b").exists()


@given(parts=st.lists(st.binary(max_size=100), max_size=8), chunk=st.integers(1, 40), size=st.integers(1, 50))
def test_what_is_sealed_is_opened_as_it_was(parts: list[bytes], chunk: int, size: int) -> None:
    """Promise: whatever the sizes of chunks, writes and reads."""
    import io

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "CHUNK", chunk)
        patch.setattr(sealing.Parameters, "derive_key", lambda *_: b"k" * 32)
        file = io.BytesIO()
        sealer = Sealer(file, PASSPHRASE)
        for part in (MARKED, *parts):
            sealer.write(part)
        sealer.close()
        assert MARKED not in file.getvalue()
        file.seek(0)
        opener = Opener(file, PASSPHRASE)
        found = b"".join(iter(lambda: opener.read(size), b""))
        opener.finish()
        assert found == MARKED + b"".join(parts)
