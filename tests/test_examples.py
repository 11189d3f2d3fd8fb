"""Promise: the example clients work as they stand."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from api import write

from graphsvc.api import keys
from graphsvc.api.app import create_app
from graphsvc.settings import Settings
from graphsvc.store import Store

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


@pytest.fixture
def url(database: Store, installation: Settings) -> Iterator[str]:
    write(database, "published")
    server = uvicorn.Server(
        uvicorn.Config(create_app(installation, database.address), port=0, log_config=None)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def environment(installation: Settings) -> dict[str, str]:
    return {**os.environ, "GRAPHSVC_KEY": keys.create(installation.keys_dir, keys.Role.VIEWER)}


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_python_client_prints_all_clusters(url: str, environment: dict[str, str]) -> None:
    done = run([sys.executable, str(EXAMPLES / "client.py"), url], environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("c-large")


def test_curl_prints_the_largest(url: str, environment: dict[str, str]) -> None:
    done = run([str(EXAMPLES / "curl.sh"), url], environment)
    assert done.returncode == 0, done.stderr
    assert '"c-large"' in done.stdout


def test_the_python_client_is_strictly_typed() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", str(EXAMPLES / "client.py")]
    done = run(command, dict(os.environ))
    assert done.returncode == 0, done.stdout
