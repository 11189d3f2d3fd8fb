"""Fixtures. One managed Neo4j a process that runs tests, a clean database a test; nothing of it is mocked."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
from sharing import FileScheduling, check_names

from graphsvc import host, server
from graphsvc.database import open_store
from graphsvc.server import home, java
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.statements import add_folder
from graphsvc.store import Store

# Statements that the service does not need are not in its package.
HERE = Path(__file__).parent
add_folder("tests", HERE / "cypher")
add_folder("bench", HERE.parent / "bench" / "cypher")

os.environ["GRAPHSVC_ALLOWED_HOSTS"] = "testserver"  # what the test client calls every service

# A Neo4j of the tests lives for minutes and never earns back what the JVM's second compiler costs: without it a start
# takes 12 s of processor time instead of 19, and the first queries half. The answers are the same.
# Classes of pinned jars are not verified again, and code is compiled sooner: from a start to a first detection that is
# 28 s of processor time instead of 34.
os.environ.setdefault(
    "JDK_JAVA_OPTIONS",
    "-XX:TieredStopAtLevel=1 -XX:CompileThresholdScaling=0.3 "
    "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote",
)
# One thread collects the little garbage of a test for a tenth less than G1 does: 65 s of processor time instead of 72
# in 76 tests. This variable is read after the arguments of the server, which name G1.
os.environ.setdefault("_JAVA_OPTIONS", "-XX:-UseG1GC -XX:+UseSerialGC")

# How long an example takes is a property of the machine and of what else runs on it, not of the code. `make test` tries
# few examples, the same each time; `make test-slow` tries many others (--hypothesis-profile thorough).
UNTIMED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("ci", UNTIMED, max_examples=15, derandomize=True, database=None)
hypothesis.settings.register_profile("thorough", UNTIMED, max_examples=300)
hypothesis.settings.load_profile("ci")

BESIDE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
"""Processes that run tests side by side (pytest-xdist)."""
MOST = 4
MEMORY = 4 << 30
"""Bytes for one process that runs tests and its servers."""

OF_TESTS = {
    # Statistics of a database that each test empties and fills change all the time, and Neo4j plans a statement again
    # when they did: 142 times in the nine tests of test_lineage_published.py. Answers do not depend on plans.
    "dbms.cypher.min_replan_interval": "1d",
    # 256 MB for each of two databases, which would be memory (`in_memory`).
    "db.tx_log.preallocate": "false",
}
"""Settings of the session's Neo4j."""
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - for a directory of its own
ROOM = 2 << 30
"""Bytes that are free where a database of tests, of at most some 200 MB, is kept in memory."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: a process a core, as far as memory goes."""
    return max(1, min(os.cpu_count() or 1, host.read_memory().total // MEMORY, MOST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[object]) -> None:
    """Share the cores out, before any process starts: on one core, threads of Polars cost an eighth of its time."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(max(1, (os.cpu_count() or 1) // len(specs))))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """Share tests out as `sharing` says, whatever `--dist` is."""
    return FileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check that the files that use the session's Neo4j are known as such."""
    check_names(items)


def pytest_collection_finish() -> None:
    """Leave modules and syntax trees, which live to the end, out of every collection of garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let the interpreter end as ever: DuckDB's bindings report what a frozen heap keeps as leaks."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def without_trainer() -> Iterator[None]:
    """Train no start cache where there is none: a trainer ends with its server, so each start would begin another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(java, "launch_trainer", lambda *_: None)
        yield


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a directory in memory if there is room: a transaction waits 1.4 ms for a disk, and loads are many."""
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ROOM and os.access(IN_MEMORY, os.W_OK):
        with TemporaryDirectory(dir=IN_MEMORY, prefix="graphsvc-tests-", ignore_cleanup_errors=True) as place:
            yield Path(place)
    else:
        yield tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="session")
def installation(in_memory: Path) -> Iterator[Settings]:
    """A fresh installation with its own running server; jars come from the user's cache.

    Its path is not ASCII and its server is started in the locale C, in which a JVM cannot open such a path.
    """
    settings = Settings(data_dir=in_memory / "ínstallation", neo4j_uri=None)
    machine = host.read_memory()
    share = host.Memory(min(machine.total // BESIDE, MEMORY), machine.available // BESIDE)
    configured = home._build_configuration
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "read_memory", lambda: share)
        patch.setenv("LC_ALL", "C")
        patch.setattr(home, "_build_configuration", lambda *given: configured(*given) | OF_TESTS)
        server.ensure_running(settings)
    yield settings
    server.stop_server(settings)


@pytest.fixture(scope="session")
def open_database(installation: Settings) -> Iterator[Store]:
    """One store for the session; tests take `database`, which is emptied first."""
    with open_store(installation) as store:
        yield store


@pytest.fixture
def database(open_database: Store) -> Store:
    """The session's store with an empty, migrated database."""
    open_database.run_autocommit("bench/wipe")
    return open_database


@pytest.fixture(scope="module")
def without_gds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start a module's own servers without Graph Data Science, which takes 2 s of the 8 of a start."""
    configured = home._build_configuration
    nothing = {"server.directories.plugins": str(tmp_path_factory.mktemp("no-plugins"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "_build_configuration", lambda *given: configured(*given) | nothing)
        yield


@pytest.fixture
def cli_environment(monkeypatch: pytest.MonkeyPatch, installation: Settings) -> Path:
    """The environment of a CLI that works on the session's installation. Returns its data directory."""
    monkeypatch.setenv("GRAPHSVC_DATA_DIR", str(installation.data_dir))
    for name in ("NEO4J_URI", "NEO4J_USER", "NEO4J_PASSWORD", "NEO4J_DATABASE"):
        monkeypatch.delenv(f"GRAPHSVC_{name}", raising=False)
    return installation.data_dir


@pytest.fixture(scope="session")
def tokens() -> Tokeniser:
    """A tokeniser with a key that is no secret."""
    return Tokeniser(b"a key for tests, 32 bytes long..", "test")
