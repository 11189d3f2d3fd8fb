"""Promise: the example clients work as they stand."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from api import write
from serving import served_over_http

from graphsvc.api.auth import keys
from graphsvc.settings import Settings
from graphsvc.store import Store

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def url(database: Store, installation: Settings) -> Iterator[str]:
    write(database, "published")
    with served_over_http(database, installation) as url:
        yield url


@pytest.fixture
def environment(installation: Settings) -> dict[str, str]:
    return {**os.environ, "GRAPHSVC_KEY": keys.create_key(installation.keys_dir, keys.Role.VIEWER)}


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
