"""Promise: a damaged or unwritable file is noticed and named in one paragraph, and nothing is made with it."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import run_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pydantic import SecretStr
from small import graph_of

from graphsvc import database, host
from graphsvc.api.auth import keys
from graphsvc.errors import (
    DatabaseUnavailable,
    ExportError,
    GraphsvcError,
    LoadError,
    ResourceError,
    ServerError,
    SettingsError,
    VerificationError,
)
from graphsvc.keyfile import load_or_create
from graphsvc.loading.common import keep_dead_letters
from graphsvc.model.audit import Head, LoggedEntry
from graphsvc.model.columns import Parts
from graphsvc.model.graph import Watermark
from graphsvc.server import sizing
from graphsvc.server.home import Home
from graphsvc.settings import Settings
from graphsvc.store import audit_log
from graphsvc.store.audit import HEAD_FILE, read_kept_head
from graphsvc.store.snapshots import Snapshots


def changed(content: bytes, at: int) -> bytes:
    """The same with one bit of one byte turned over."""
    at %= len(content)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda content: content[: len(content) // 2],
    "cut at 32 bytes": lambda content: content[:32],
    "cut by its checksum": lambda content: content[:64],
    "twice": lambda content: content * 2,
    "zeros": lambda content: bytes(len(content)),
    "blank": lambda _: b"\n",
    "changed": lambda content: changed(content, 7),
}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(tmp_path))
    return tmp_path / "keys"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_pepper_is_named_and_no_key_is_made_with_it(directory: Path, damage: str) -> None:
    key = keys.create_key(directory, keys.Role.VIEWER)
    pepper, before = directory / keys.PEPPER_FILE, (directory / keys.KEYS_FILE).read_bytes()
    whole = pepper.read_bytes()
    pepper.write_bytes(DAMAGES[damage](whole))
    for words in (("create", "--role", "viewer"), ("rotate", key.split(".")[0])):
        done = run_command("keys", *words)
        assert done.returncode == 2
        assert str(pepper) in done.stderr
        assert not done.stdout
    assert (directory / keys.KEYS_FILE).read_bytes() == before
    with pytest.raises(SettingsError, match="cannot be used"):
        keys.KeyRing(directory).verify_key(key)
    pepper.write_bytes(whole)  # from a backup
    assert keys.KeyRing(directory).verify_key(key) is not None


def test_a_pepper_that_is_gone_is_not_made_anew_while_there_are_keys(directory: Path) -> None:
    key = keys.create_key(directory, keys.Role.VIEWER)
    (directory / keys.PEPPER_FILE).unlink()
    with pytest.raises(SettingsError, match="No such file"):
        keys.create_key(directory, keys.Role.VIEWER)
    assert not (directory / keys.PEPPER_FILE).exists()
    keys.revoke_key(directory, key.split(".")[0])  # needs none


def test_a_pepper_of_before_is_taken(directory: Path) -> None:
    directory.mkdir()
    (directory / keys.PEPPER_FILE).write_bytes(bytes(range(200, 232)))
    assert keys.KeyRing(directory).verify_key(keys.create_key(directory, keys.Role.VIEWER)) is not None


@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_pepper_goes_unnoticed(tmp_path: Path, data: st.DataObject) -> None:
    if not (tmp_path / keys.PEPPER_FILE).exists():
        keys.create_key(tmp_path, keys.Role.VIEWER)
        (tmp_path / "whole").write_bytes((tmp_path / keys.PEPPER_FILE).read_bytes())
    whole = (tmp_path / "whole").read_bytes()
    length = len(whole.strip())
    damaged = data.draw(
        st.integers(0, length - 1).map(lambda end: whole[:end])
        | st.integers(0, length - 1).map(lambda at: changed(whole, at))
    )
    (tmp_path / keys.PEPPER_FILE).write_bytes(damaged)
    with pytest.raises(SettingsError):
        keys.create_key(tmp_path, keys.Role.VIEWER)


@pytest.mark.parametrize("damage", ["empty", "half", "zeros", "blank"])
def test_a_damaged_secret_key_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "token.key"
    whole = load_or_create(path, "token key")
    content = path.read_bytes()
    path.write_bytes(DAMAGES[damage](content))
    with pytest.raises(SettingsError, match=r"token\.key"):
        load_or_create(path, "token key")
    path.write_bytes(content)
    assert load_or_create(path, "token key") == whole


@hypothesis(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_secret_key_goes_unnoticed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "signing.key"
    path.unlink(missing_ok=True)
    key = load_or_create(path, "signing key")
    whole = path.read_bytes()
    end = data.draw(st.integers(0, len(whole) - 2))
    for damaged in (whole[:end], changed(whole, end)):
        path.write_bytes(damaged)
        try:
            assert load_or_create(path, "signing key") == key  # cut off after the key: the form of before
        except SettingsError as error:
            assert "signing.key" in error.what  # noqa: PT017


def test_a_secret_key_of_before_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    path.write_text("ab" * 32 + "\n")
    path.chmod(0o600)
    assert load_or_create(path, "signing key") == bytes([0xAB] * 32)


@hypothesis(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_key_file_goes_unnoticed(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / keys.KEYS_FILE
    if not (tmp_path / "whole").exists():
        keys.create_key(tmp_path, keys.Role.VIEWER, "ann")
        keys.create_key(tmp_path, keys.Role.ADMIN)
        (tmp_path / "whole").write_bytes(file.read_bytes())
    whole = (tmp_path / "whole").read_bytes()
    file.write_bytes(whole)
    before = keys.read_keys(tmp_path)
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
    try:
        assert keys.read_keys(tmp_path) == before  # a blank that became another
    except SettingsError as error:
        assert "file of API keys" in error.what  # noqa: PT017


SNAPSHOT = ["accounts.arrow", "signals.arrow", "uses.arrow", "activity.arrow", "manifest.json"]


def test_a_changed_name_in_a_manifest_does_not_pass_for_an_older_form(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "runs", 2)
    snapshots.keep("r1", graph_of(3, [("ip",), ("device",)], [(0, 0), (1, 0), (2, 1)]), Watermark(1, "l1"))
    manifest = tmp_path / "runs" / "r1" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"form"', '"gorm"'))
    assert snapshots.count_holding("a00009") == 1
    with pytest.raises(ExportError, match="damaged"):
        snapshots.load("r1")


@hypothesis(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_snapshot_goes_unnoticed(tmp_path: Path, data: st.DataObject) -> None:
    snapshots = Snapshots(tmp_path / "runs", 2)
    directory = tmp_path / "runs" / "r1"
    if not directory.exists():
        snapshots.keep(
            "r1", graph_of(3, [("ip",), ("device",)], [(0, 0), (1, 0), (2, 1)]), Watermark(1, "l1")
        )
    found = snapshots.latest()
    assert found is not None
    path = directory / data.draw(st.sampled_from(SNAPSHOT))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(data.draw(st.sampled_from([whole[:at], changed(whole, at)])))
    try:
        assert snapshots.latest() is None
        assert snapshots.count_holding("a00009") == (path.name in ("accounts.arrow", "manifest.json"))
        with pytest.raises(ExportError):
            snapshots.load("r1")
    finally:
        path.write_bytes(whole)


def test_a_fault_of_the_disk_that_polars_reports_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("No space left on device (os error 28)")  # without a number, as Polars raises it

    monkeypatch.setattr(pl.DataFrame, "write_ipc", refuse)
    with pytest.raises(ExportError, match="No space left on device"):
        Snapshots(tmp_path / "runs", 2).keep("r1", graph_of(2, [("ip",)], [(0, 0)]))


@pytest.mark.parametrize(
    "fault", [OSError(errno.ENOSPC, "No space left on device"), DatabaseUnavailable("It went away.")]
)
def test_half_of_an_exported_log_is_not_left(
    directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: Exception
) -> None:
    def break_off(_: object) -> Iterator[LoggedEntry]:
        yield LoggedEntry(1, None, "", "", "")
        raise fault

    monkeypatch.setattr(database, "open_store", lambda *_: nullcontext())
    monkeypatch.setattr(audit_log, "stream_entries", break_off)
    out = tmp_path / "log.ndjson"
    done = run_command("audit", "export", "--out", out)
    assert done.returncode in (ExportError.exit_status, DatabaseUnavailable.exit_status)
    assert not out.exists()
    out.write_text("of before")
    assert run_command("audit", "export", "--out", out).returncode == ExportError.exit_status
    assert out.read_text() == "of before"


HEADS = [b"", b"\n", b"{", b'{"number": 3', b'{"number": 3}', b'{"number": 3, "hash": ""}', b"null", b"\xff", b"[]",
         b'{"number": 0, "hash": "' + b"0" * 64 + b'"}', b'{"number": 3, "hash": "' + b"0" * 63 + b'"}']  # fmt: skip


@pytest.mark.parametrize("content", HEADS)
def test_a_damaged_head_of_the_audit_log_is_not_taken_for_none(tmp_path: Path, content: bytes) -> None:
    assert read_kept_head(tmp_path) is None
    (tmp_path / HEAD_FILE).write_bytes(b'{"number": 3, "hash": "' + b"a" * 64 + b'"}\n')
    assert read_kept_head(tmp_path) == Head(3, "a" * 64)
    (tmp_path / HEAD_FILE).write_bytes(content)
    with pytest.raises(VerificationError) as raised:
        read_kept_head(tmp_path)
    assert str(tmp_path / HEAD_FILE) in raised.value.what


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_keys_on_a_full_disk_are_as_they_were(
    directory: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    key = keys.create_key(directory, keys.Role.VIEWER)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}

    def refuse(_: int) -> None:
        raise OSError(fault, os.strerror(fault))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        for words in (
            ("create", "--role", "admin"),
            ("revoke", key.split(".")[0]),
            ("rotate", key.split(".")[0]),
        ):
            done = run_command("keys", *words)
            assert done.returncode == 2
            assert os.strerror(fault) in done.stderr
            assert "No key was created or changed." in done.stderr
            assert not done.stdout
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert keys.KeyRing(directory).verify_key(key) is not None


def test_dead_letters_that_are_a_file_end_the_load_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "dead-letters").write_text("a file")
    columns: Any = type("Columns", (), {"dead_letters": Parts.of(pl.DataFrame({"table": ["accounts"]}))})
    with pytest.raises(
        LoadError, match=r"cannot be written to .*dead-letters: File exists. Nothing was loaded"
    ):
        keep_dead_letters(columns, "l1", tmp_path / "dead-letters")


@pytest.mark.parametrize("most", [256, sizing.DESCRIPTORS - 1])
def test_too_few_file_descriptors_are_counted(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (most, most))
    with pytest.raises(ServerError, match=f"At most {most:,} file descriptors can be open here"):
        sizing.check_descriptors()
    for enough in (sizing.DESCRIPTORS, resource.RLIM_INFINITY):
        monkeypatch.setattr(resource, "getrlimit", lambda _, enough=enough: (256, enough))
        sizing.check_descriptors()  # a soft limit is raised by the JVM itself


@pytest.mark.parametrize("most", [200_000, 500_000, 2_000_000])
def test_too_little_address_space_is_one_paragraph(tmp_path: Path, most: int) -> None:
    command = f'ulimit -v {most}; exec "$0" -m graphsvc keys list'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable], capture_output=True, text=True, check=False,
        env={**os.environ, "GRAPHSVC_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (ResourceError.exit_status, "")
    assert done.stderr.startswith(f"graphsvc: This process may have {most // 1024:,} MiB of address space")
    assert done.stderr.count("\n") == 2


def test_a_limit_of_the_address_space_counts_as_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    before = host.read_memory()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 40, 1 << 40))
    assert host.read_memory().total == before.total
    monkeypatch.setattr(resource, "getrlimit", lambda _: (16 << 20, 16 << 20))
    assert host.read_memory() == host.Memory(16 << 20, 0)


def test_memory_that_runs_out_is_one_paragraph(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(keys, "read_keys", refuse)
    done = run_command("keys", "list")
    assert (done.returncode, done.stdout) == (ResourceError.exit_status, "")
    assert done.stderr.startswith("graphsvc: There is too little memory for this.\n")


def test_an_empty_password_of_the_database_is_named(tmp_path: Path) -> None:
    home = Home.from_settings(Settings(data_dir=tmp_path))
    home.create_directories()
    assert home.get_password() != SecretStr("")
    (tmp_path / "keys" / "neo4j-password").write_text("\n")
    with pytest.raises(GraphsvcError, match=r"neo4j-password\) is empty"):
        home.get_password()


def test_a_database_of_another_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "neo4j" / "data" / "databases" / "system").mkdir(parents=True)
    Home.from_settings(Settings(data_dir=tmp_path)).check_database()  # its own is yet to be made
    (tmp_path / "neo4j" / "data" / "databases" / "fraud-graph").mkdir()
    Home.from_settings(Settings(data_dir=tmp_path, neo4j_database="Fraud-Graph")).check_database()
    with pytest.raises(ServerError, match="is called fraud-graph, not neo4j"):
        Home.from_settings(Settings(data_dir=tmp_path)).check_database()


def test_a_fault_of_the_system_that_no_command_expects_is_one_paragraph(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(directory))

    monkeypatch.setattr(keys, "read_keys", refuse)
    done = run_command("keys", "list")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"graphsvc: {directory} cannot be used: Too many open files.\n")
