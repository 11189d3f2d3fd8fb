"""The installation that is measured: a world, loaded and detected, and the service over it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.trials import say
from graphsvc import server
from graphsvc.api.auth import keys
from graphsvc.database import find_address, open_store
from graphsvc.server.home import Home
from graphsvc.server.lifecycle import find_server
from graphsvc.settings import Settings
from graphsvc.store import Address, Store

GRAPHSVC = (sys.executable, "-m", "graphsvc")
UNLIMITED = "100000000/second"
"""The rate limit of the service that is measured: none that is reached."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running `graphsvc serve`, a key to it, and the database behind it; both with their process ids."""

    host: str
    port: int
    key: str
    database: Address
    process: int
    database_process: int


class Book:
    """A world of `accounts` accounts below `root`."""

    def __init__(self, root: Path, accounts: int, seed: int) -> None:
        self.accounts = accounts
        self.settings = Settings(data_dir=root / "data")
        self._root = root
        self._seed = seed
        self.bundle = root / "world"

    def prepare(self) -> None:
        """Seeds, loads and detects, each unless an earlier bench did."""
        bundle, ready = self.bundle, self._root / "ready"
        self._root.mkdir(parents=True, exist_ok=True)
        if not (bundle / "truth.parquet").exists():
            size = ("--accounts", str(self.accounts), "--seed", str(self._seed), "--scenario", "book")
            self._run("seed", *size, "--out", str(bundle))
        if not ready.exists():
            self._run("load", str(bundle), "--bulk")
            self._run("detect")
            ready.touch()

    def store(self) -> Store:
        """The database, migrated."""
        return open_store(self.settings)

    @contextmanager
    def serving(self, workers: int = 1) -> Iterator[Service]:
        """Runs the service, in so many processes, while the block lasts."""
        where = find_address(self.settings)
        key = keys.create_key(self.settings.keys_dir, keys.Role.ANALYST, "bench")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        limits = {"GRAPHSVC_RATE_LIMIT": UNLIMITED, "GRAPHSVC_CLIENT_RATE_LIMIT": UNLIMITED}
        process = subprocess.Popen(
            [*GRAPHSVC, "serve", "--port", str(port), "--workers", str(workers)],
            env={**self._environment(), **limits},
            stderr=(self._root / "serve.log").open("wb"),
        )
        try:
            self._until_ready(port, process, workers)
            yield Service("127.0.0.1", port, key, where, process.pid, _database(self.settings))
        finally:
            process.terminate()
            process.wait(timeout=30)
            keys.revoke_key(self.settings.keys_dir, key.partition(".")[0])

    def stop(self) -> None:
        """Stops the database."""
        server.stop_server(self.settings)

    def _run(self, *arguments: str) -> None:
        say(f"graphsvc {' '.join(arguments)}")
        subprocess.run([*GRAPHSVC, *arguments], env=self._environment(), check=True, stdout=sys.stderr)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "GRAPHSVC_DATA_DIR": str(self.settings.data_dir)}

    def _until_ready(self, port: int, process: "subprocess.Popen[bytes]", workers: int) -> None:
        """Waits until the port answers, and the other processes have had as long again."""
        began = time.monotonic()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                    time.sleep(time.monotonic() - began if workers > 1 else 0)
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        said = (self._root / "serve.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SystemExit(f"The service did not become ready:\n{said}")


def _database(settings: Settings) -> int:
    found = find_server(Home.from_settings(settings))
    if found is None:
        raise SystemExit("The managed Neo4j is not running.")
    return found.pid
