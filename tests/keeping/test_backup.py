"""Promise: what was backed up comes back whole, with its keys; nothing is changed by a wrong passphrase, a damaged file
or a restore that dies; nobody reads a backup without its passphrase."""

import io
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from command import run_command
from graphs import checksum, ring_bundle
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sealed_first import CHUNK, seal_first, write_first

from graphsvc import server
from graphsvc.api.auth import keys
from graphsvc.database import open_store
from graphsvc.errors import BackupError
from graphsvc.keeping import sealed as sealing
from graphsvc.keeping import sealed_v1
from graphsvc.keeping.backup import restore_backup, write_backup
from graphsvc.keeping.sealed import open_sealed, seal_file
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


@pytest.fixture(scope="module", autouse=True)
def opened_once() -> Iterator[None]:
    """Do the work that makes guessing expensive, a second of a processor, once for a file and its passphrase."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing.passphrase, "decrypt", cache(sealing.passphrase.decrypt))
        yield


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
def old(tmp_path_factory: pytest.TempPathFactory, without_gds: None) -> Iterator[Settings]:
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
def before(old: Settings) -> object:
    """Return all of it, read before a backup stops its server: the next one would be cold again."""
    with open_store(old) as store:
        return state(store, old)


@pytest.fixture(scope="module")
def backup(old: Settings, before: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    path = tmp_path_factory.mktemp("backups") / "graph.backup"
    write_backup(old, path, PASSPHRASE, keys_only=False)
    return path


def test_what_was_backed_up_comes_back_into_a_fresh_installation(
    old: Settings, before: object, backup: Path, tmp_path: Path
) -> None:
    assert server.find_running(old) is not None  # it was stopped for the dump only
    assert backup.stat().st_mode & 0o077 == 0
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


@pytest.mark.slow
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

    dies = "import graphsvc.server.adoption as a, os; a.take_keys = lambda _: os.kill(os.getpid(), 9); "
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


def rebuild(source: Path, target: Path, members: dict[str, str]) -> None:
    """Write a sealed file with other members: each name to the name whose content it gets."""
    with ZipFile(source) as before, ZipFile(target, "w") as after:
        for name, content in members.items():
            after.writestr(name, before.read(content))


IDENTITY, KEYS, DUMP = "identity.age", "installation.tar.age", "database.dump.age"


@pytest.mark.parametrize("damage", ["cut", "changed", "another file", "swapped", "without the dump", "more"])
def test_a_damaged_backup_changes_nothing(backup: Path, tmp_path: Path, damage: str) -> None:
    content = bytearray(backup.read_bytes())
    damaged = tmp_path / "damaged"
    with ZipFile(backup) as archive:
        assert archive.namelist() == [IDENTITY, KEYS, DUMP]
        middle = archive.getinfo(DUMP).header_offset + archive.getinfo(DUMP).file_size // 2
    if damage == "cut":
        damaged.write_bytes(content[:-1])
    elif damage == "changed":
        content[middle] ^= 1
        damaged.write_bytes(content)
    elif damage == "another file":
        damaged.write_bytes(b"no backup" * 100)
    elif damage == "swapped":
        rebuild(backup, damaged, {IDENTITY: IDENTITY, KEYS: DUMP, DUMP: KEYS})
    elif damage == "without the dump":
        rebuild(backup, damaged, {IDENTITY: IDENTITY, KEYS: KEYS})
    else:
        rebuild(backup, damaged, {IDENTITY: IDENTITY, KEYS: KEYS, DUMP: DUMP, "more.age": KEYS})
    fresh = Settings(data_dir=tmp_path / "fresh", neo4j_uri=None)
    with pytest.raises(BackupError, match="no backup" if damage == "another file" else "damaged"):
        restore_backup(fresh, damaged, PASSPHRASE, force=True)
    assert not server.has_database(fresh)
    assert not fresh.keys_dir.exists()


def test_a_content_whose_checksum_was_made_to_fit_is_damaged_too(tmp_path: Path) -> None:
    # A ZIP archive's checksum finds accidents; whoever changes a content can make another one.
    def extract(path: Path) -> bytes:
        target = io.BytesIO()
        with path.open("rb") as file, open_sealed(file, PASSPHRASE) as opener:
            opener.extract_content("a", target)
        return target.getvalue()

    with seal_file(tmp_path / "sealed", PASSPHRASE) as sealer:
        sealer.add_content("a", io.BytesIO(MARKED * 10_000))
    assert extract(tmp_path / "sealed") == MARKED * 10_000
    with ZipFile(tmp_path / "sealed") as before:
        members = {name: bytearray(before.read(name)) for name in before.namelist()}
    for change in ("a bit", "the end", "empty"):
        content = bytearray(members["a.age"])
        if change == "a bit":
            content[-100] ^= 1
        del content[
            len(content) - 70_000 if change == "the end" else 0 if change == "empty" else len(content) :
        ]
        with ZipFile(tmp_path / "forged", "w") as after:
            after.writestr("identity.age", bytes(members["identity.age"]))
            after.writestr("a.age", bytes(content))
        with pytest.raises(BackupError, match="damaged"):
            extract(tmp_path / "forged")
    with ZipFile(tmp_path / "packed", "w", ZIP_DEFLATED) as after:
        for name, whole in members.items():
            after.writestr(name, bytes(whole))
    with pytest.raises(BackupError, match="damaged"):
        extract(tmp_path / "packed")


@pytest.mark.parametrize("damage", ["", "cut", "cut at a chunk", "changed", "header", "passphrase"])
def test_a_backup_of_the_first_format_is_read(tmp_path: Path, damage: str) -> None:
    own = Settings(data_dir=tmp_path / "own", neo4j_uri="bolt://127.0.0.1:1", neo4j_password="x")
    kept = {"token.key": b"k" * 32, "large": secrets.token_bytes(3 * CHUNK)}
    write_first(tmp_path / "first", PASSPHRASE, kept, None)
    content = bytearray((tmp_path / "first").read_bytes())
    if damage == "cut":
        del content[-1]
    elif damage == "cut at a chunk":
        del content[content.index(b"\n", 20) + 1 + CHUNK + 16 :]
    elif damage == "changed":
        content[-100] ^= 1
    elif damage == "header":
        content[10] ^= 1
    (tmp_path / "first").write_bytes(content)
    phrase = SecretStr("incorrect horse battery") if damage == "passphrase" else PASSPHRASE
    if damage:
        with pytest.raises(BackupError):
            restore_backup(own, tmp_path / "first", phrase, force=False)
        assert not own.keys_dir.exists()
    else:
        assert restore_backup(own, tmp_path / "first", phrase, force=False).backup.graphsvc == "0.1.0"
        assert key_files(own) == kept


@pytest.mark.slow
def test_a_database_of_the_first_format_comes_back(old: Settings, backup: Path, tmp_path: Path) -> None:
    with backup.open("rb") as file, open_sealed(file, PASSPHRASE) as opener:
        dump = io.BytesIO()
        opener.extract_content("database.dump", dump)
    write_first(tmp_path / "first", PASSPHRASE, key_files(old), dump.getvalue())
    fresh = Settings(data_dir=tmp_path / "fresh", neo4j_uri=None)
    try:
        done = restore_backup(fresh, tmp_path / "first", PASSPHRASE, force=False)
        assert done.audit is not None
        assert (done.audit.holds, done.audit.entries) == (True, 1)
    finally:
        server.stop_server(fresh)


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


@given(
    contents=st.dictionaries(st.text("abc", min_size=1, max_size=3), st.binary(max_size=200), max_size=4),
    copies=st.sampled_from([1, 400, 2_000]),
)
def test_what_is_sealed_is_opened_as_it_was(contents: dict[str, bytes], copies: int) -> None:
    """Promise: whatever the sizes of contents, which age seals in chunks of 64 KiB."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as directory:
        # The work that makes guessing expensive is the library's; it takes a second.
        patch.setattr(sealing.passphrase, "encrypt", lambda content, _: content)
        patch.setattr(sealing.passphrase, "decrypt", lambda content, _: content)
        path = Path(directory) / "sealed"
        contents = {name: MARKED + content * copies for name, content in contents.items()}
        with seal_file(path, PASSPHRASE) as sealer:
            for name, content in contents.items():
                sealer.add_content(name, io.BytesIO(content))
        assert MARKED not in path.read_bytes()
        with path.open("rb") as file, open_sealed(file, PASSPHRASE) as opener:
            assert opener.list_contents() == list(contents)
            for name, content in contents.items():
                target = io.BytesIO()
                opener.extract_content(name, target)
                assert target.getvalue() == content


@given(content=st.binary(max_size=300), chunk=st.integers(1, 40))
def test_what_the_first_format_sealed_is_opened_as_it_was(content: bytes, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_v1, "CHUNK", chunk)
        opener = sealed_v1.Opener(io.BytesIO(seal_first(content, PASSPHRASE, chunk)), PASSPHRASE)
        assert b"".join(iter(lambda: opener.read(1), b"")) == content
