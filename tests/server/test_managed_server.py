"""The managed Neo4j keeps what was committed, whatever happens to its processes."""

import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import neo4j
import psutil
import pytest
from waiting import until

from graphsvc import server
from graphsvc.errors import ServerError
from graphsvc.server import Endpoint, java, lockfile, process
from graphsvc.server.home import HOST, Home, State
from graphsvc.server.java import Jvm
from graphsvc.server.maven import get_jar_directory
from graphsvc.settings import Settings

launch_trainer = java.launch_trainer
"""As it is before `conftest` takes it away."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An installation of this module; jars come from the user's cache."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("own"), neo4j_uri=None)
    home = Home.from_settings(settings)
    home.create_directories()
    # Not Neo4j's own ports: another server of this machine may take them whenever this one is stopped.
    home.write_state(State(*process.choose_ports(str(home.root), None, avoid=process.USUAL)))
    yield settings
    server.stop_server(settings)


@pytest.fixture
def up(own: Settings) -> Endpoint:
    """The server of `own`, running."""
    return server.ensure_running(own)


@pytest.fixture
def used(own: Settings) -> Settings:
    """Return `own` after a server ran on it, whether or not one does now."""
    if not server.has_database(own):
        server.ensure_running(own)
    return own


def remembered(settings: Settings) -> Path:
    """Return the file in which the server that runs on `settings` is remembered."""
    return settings.data_dir / "neo4j" / "run" / "server.json"


def pid(settings: Settings) -> int:
    """Process id of the server that runs on `settings`."""
    number = json.loads(remembered(settings).read_text())["pid"]
    assert isinstance(number, int)
    return number


def command(settings: Settings, *args: str, **more: str) -> subprocess.Popen[str]:
    """`graphsvc neo4j ARGS` in a process group of its own, with next to nothing and `more` in its environment."""
    environment = {
        "HOME": str(settings.data_dir),
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "GRAPHSVC_DATA_DIR": str(settings.data_dir),
        "GRAPHSVC_CACHE_DIR": str(settings.cache_dir),
        "JDK_JAVA_OPTIONS": os.environ["JDK_JAVA_OPTIONS"],
        **more,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "graphsvc", "neo4j", *args],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(endpoint: Endpoint, query: neo4j.Query) -> list[object]:
    """First column of the answer to `query`."""
    auth = (endpoint.user, endpoint.password.get_secret_value())
    with neo4j.GraphDatabase.driver(endpoint.uri, auth=auth) as driver:
        return [record[0] for record in driver.execute_query(query).records]


def add_mark(endpoint: Endpoint) -> None:
    """Commits one more node."""
    run(endpoint, neo4j.Query("CREATE (:Mark)"))


def marks(endpoint: Endpoint) -> object:
    """How many nodes were committed."""
    return run(endpoint, neo4j.Query("MATCH (m:Mark) RETURN count(m)"))[0]


# A start takes 8 s of processor time. The order of the tests is that of one server's life, so that few are needed.


def test_two_processes_that_start_at_once_get_one_server_which_outlives_them(own: Settings) -> None:
    server.stop_server(own)
    both = [command(own, "start") for _ in range(2)]
    results = [(*one.communicate(timeout=600), one.returncode) for one in both]
    assert [result[2] for result in results] == [0, 0], results
    assert results[0][0] == results[1][0]
    assert server.find_running(own) is not None
    assert sum("starting Neo4j" in result[1] for result in results) == 1
    assert command(own, "status").wait(600) == 0


def test_it_answers_with_graph_data_science_and_is_found_again(own: Settings, up: Endpoint) -> None:
    assert run(up, neo4j.Query("RETURN gds.version()")) == [
        lockfile.read_lock().find_version("org.neo4j.gds", "proc")
    ]
    before = pid(own)
    assert server.ensure_running(own) == up == server.find_running(own)
    assert pid(own) == before


def test_only_the_loopback_interface_is_listened_on(own: Settings, up: Endpoint) -> None:
    sockets = psutil.Process(pid(own)).net_connections("tcp")
    listening = {c.laddr.ip.removeprefix("::ffff:") for c in sockets if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_the_password_is_generated_private_and_needed(own: Settings, up: Endpoint) -> None:
    keys = own.keys_dir
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()} == {0o600}
    secret = up.password.get_secret_value()
    assert len(secret) >= 32
    assert secret not in repr(up)
    for path in (own.data_dir / "neo4j").rglob("*"):
        if path.is_file() and path.suffix in {".log", ".conf", ".args", ".json"}:
            assert secret not in path.read_text(errors="replace"), path
    with (
        neo4j.GraphDatabase.driver(up.uri, auth=("neo4j", "neo4j")) as driver,
        pytest.raises(neo4j.exceptions.AuthError),
    ):
        driver.verify_connectivity()


def test_a_query_leaves_no_trace_in_the_logs(own: Settings, up: Endpoint) -> None:
    run(up, neo4j.Query("RETURN 'canary-in-a-query'"))
    for path in (own.data_dir / "neo4j" / "logs").iterdir():
        assert "canary-in-a-query" not in path.read_text(errors="replace"), path


def test_the_page_of_neo4j_browser_may_ask_this_machine_only(up: Endpoint) -> None:
    policy = httpx.get(up.browser).headers["Content-Security-Policy"]
    assert {"'self'", "ws://127.0.0.1:*", "http://localhost:*"} <= set(policy.split())
    hosts = {urlsplit(word).hostname for word in policy.split() if "://" in word}
    assert hosts == {"127.0.0.1", "localhost"}
    assert "." not in policy.replace("127.0.0.1", "")
    allowed = neo4j.Query(
        "SHOW SETTINGS YIELD name, value WHERE name STARTS WITH 'browser.remote' RETURN value"
    )
    assert run(up, allowed) == ["localhost,127.0.0.1"]


def test_the_address_of_the_browser_holds_the_connection_and_no_password(own: Settings, up: Endpoint) -> None:
    told = command(own, "console")
    output, errors = told.communicate(timeout=600)
    assert told.returncode == 0
    assert output.strip() == f"{up.browser}?dbms=bolt://neo4j@{up.uri.removeprefix('bolt://')}"
    assert ":guide http://localhost:8000/browser/guide" in errors
    assert up.password.get_secret_value() not in output + errors
    guided, _ = command(own, "console", "--guide").communicate(timeout=600)
    assert guided.strip() == f"{output.strip()}&cmd=guide&arg=http://localhost:8000/browser/guide"


def test_a_killed_server_is_started_again_with_all_that_was_committed_even_if_the_command_is_interrupted(
    own: Settings, up: Endpoint
) -> None:
    add_mark(up)
    before = marks(up)
    killed = psutil.Process(pid(own))
    killed.kill()
    killed.wait()
    assert server.find_running(own) is None
    starting = command(own, "start")
    assert starting.stderr is not None
    said = []
    for line in starting.stderr:
        said.append(line)
        if "starting Neo4j" in line:
            break
    assert any("ended without being stopped" in line for line in said)
    until(lambda: json.loads(remembered(own).read_text())["pid"] not in (None, killed.pid))
    os.killpg(starting.pid, signal.SIGINT)
    starting.communicate(timeout=600)
    assert starting.returncode == 130
    # The server that it was starting is in a session of its own, and comes up.
    number = pid(own)
    assert marks(server.ensure_running(own)) == before
    assert pid(own) == number


# One start shows four promises: what was committed, the ports, that nothing is written, and the foreground.
def test_a_stop_loses_nothing_and_in_the_foreground_a_server_that_takes_no_writes_has_the_same_ports(
    own: Settings, up: Endpoint, tmp_path: Path
) -> None:
    add_mark(up)
    before = marks(up)
    exploring = own.model_copy(update={"neo4j_read_only": True})
    with pytest.raises(ServerError, match="takes writes"):
        server.ensure_running(exploring)
    process = psutil.Process(pid(own))
    with pytest.raises(ServerError, match="stopped"):
        server.run_admin(own, "database", "dump", "neo4j", f"--to-path={tmp_path}")
    assert server.stop_server(own)
    assert not process.is_running()
    assert server.find_running(own) is None
    assert not server.stop_server(own)
    server.run_admin(own, "database", "dump", "neo4j", f"--to-path={tmp_path}")
    assert (tmp_path / "neo4j.dump").stat().st_size > 0
    with pytest.raises(ServerError, match="database dump failed"):
        server.run_admin(own, "database", "dump", "--nosuch")
    foreground = command(own, "run", GRAPHSVC_NEO4J_READ_ONLY="true")
    assert foreground.stdout is not None
    assert any("Started." in line for line in foreground.stdout)
    again = server.ensure_running(exploring)
    assert again == up == server.find_running(exploring)
    assert marks(again) == before
    for write in (
        neo4j.Query("CREATE (:Mark)"),
        neo4j.Query("CREATE INDEX mark FOR (m:Mark) ON (m.of)"),
        neo4j.Query("CALL db.createLabel('Another')"),
    ):
        with pytest.raises(neo4j.exceptions.ClientError, match="read-only"):
            run(again, write)
    foreground.send_signal(signal.SIGTERM)
    assert foreground.wait(600) == 0
    assert server.find_running(own) is None


@pytest.mark.parametrize("which", ["bolt", pytest.param("http", marks=pytest.mark.slow)])
def test_ports_that_other_programs_have_or_take_meanwhile_are_left_to_them(
    used: Settings, without_gds: None, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """One program has the port of the last run; another takes one after it was chosen, which costs an attempt."""
    server.stop_server(used)
    last = json.loads(remembered(used).read_text())["bolt"]
    choose, said = process.choose_ports, list[str]()
    with socket.socket() as first, socket.socket() as other:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind((HOST, last))
        first.listen()
        other.bind((HOST, 0))
        other.listen()
        late = [other.getsockname()[1]]

        def chosen(*given: Any) -> tuple[int, int]:
            bolt, http = choose(*given)
            if not late:
                return bolt, http
            return (late.pop(), http) if which == "bolt" else (bolt, late.pop())

        monkeypatch.setattr(process, "choose_ports", chosen)
        moved = server.ensure_running(used, said.append)
        other.setblocking(False)
        with pytest.raises(BlockingIOError):  # it was asked nothing: it might have been our password
            other.accept()
    assert not moved.uri.endswith(f":{last}")
    assert any("in use by another program" in line for line in said)
    assert sum("took the port meanwhile" in line for line in said) == 1
    assert not any("start cache" in line for line in said)
    assert server.find_running(used) == moved
    add_mark(moved)  # although the same database took no writes for a while in an earlier test


def test_where_none_runs_no_address_is_printed(used: Settings) -> None:
    server.stop_server(used)
    assert command(used, "console").wait(600) == 1


def test_the_number_of_a_dead_server_on_another_program_harms_nobody(used: Settings) -> None:
    server.stop_server(used)
    note = remembered(used)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        note.write_text(json.dumps({**json.loads(note.read_text()), "pid": bystander.pid}))
        assert server.find_running(used) is None
        assert not server.stop_server(used)
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_a_server_that_dies_while_starting_says_why_in_one_paragraph(used: Settings) -> None:
    server.stop_server(used)
    with (used.data_dir / "neo4j" / "data" / "databases" / "store_lock").open("r+b") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        starting = command(used, "start")
        output, errors = starting.communicate(timeout=600)
    assert starting.returncode == ServerError.exit_status
    assert "Another Neo4j has this database open" in errors
    assert "Traceback" not in output + errors
    assert "\tat " not in errors
    assert command(used, "status").wait(600) == 1


@pytest.fixture
def copied(tmp_path: Path, own: Settings) -> Iterator[tuple[Settings, Jvm]]:
    """`own` with a cache directory of its own that has the jars and no start cache; its server stopped."""
    server.stop_server(own)
    locked = lockfile.read_lock()
    real, jars = (get_jar_directory(cache.resolve(), locked) for cache in (own.cache_dir, tmp_path / "cache"))
    for folder in ("lib", "plugins"):
        (jars / folder).mkdir(parents=True)
        for path in (real / folder).glob("*.jar"):
            (jars / folder / path.name).symlink_to(path)
    settings = own.model_copy(update={"cache_dir": tmp_path / "cache"})
    yield settings, Jvm(jars, locked)
    server.stop_server(settings)


@pytest.mark.slow
def test_a_broken_start_cache_does_not_stop_the_start(copied: tuple[Settings, Jvm], tmp_path: Path) -> None:
    settings, jvm = copied
    written = tmp_path / "cache" / "written"
    written.write_bytes(b"this is no archive" * 1000)
    jvm.adopt_archive(written)
    assert jvm.find_sound_archive() is not None
    assert server.ensure_running(settings) == server.find_running(settings)


@pytest.mark.slow
def test_the_trainer_beside_the_first_server_ends_with_it(
    copied: tuple[Settings, Jvm], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, jvm = copied
    monkeypatch.setattr(java, "launch_trainer", launch_trainer)
    server.ensure_running(settings)
    (trainer,) = (
        one for one in psutil.process_iter(["cmdline"]) if str(jvm.jars) in (one.info["cmdline"] or ())
    )
    until(lambda: trainer.nice() == 19)
    server.stop_server(settings)
    assert not trainer.is_running()
    assert not (jvm.jars / "training").exists()
    assert str(jvm.jars) not in " ".join(
        part for one in psutil.process_iter(["cmdline"]) for part in one.info["cmdline"] or ()
    )


def test_a_damaged_start_cache_is_not_given_to_the_jvm(tmp_path: Path) -> None:
    jvm = Jvm(tmp_path, lockfile.read_lock())
    written = tmp_path / "written"
    written.write_bytes(b"0" * 1000)
    jvm.adopt_archive(written)
    jvm.archive.write_bytes(b"0" * 999 + b"1")
    assert jvm.find_sound_archive() is None
    assert not jvm.archive.exists()
