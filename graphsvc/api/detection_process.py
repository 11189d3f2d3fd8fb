"""Detection runs that the API starts: each a process of its own, so that the service answers as ever meanwhile."""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from typing import IO, Any

from graphsvc.api.worker import Worker
from graphsvc.settings import Settings
from graphsvc.store.connection import Store

log = logging.getLogger("graphsvc.api")

LOOKING_SECONDS = 0.5
LAST_WORDS = 2_000
"""Characters of what a failed run said that go to the log."""


class DetectionProcesses:
    """Starts `graphsvc detect` and sees to it that a run whose process died does not look as if it went on.

    A run that is under way when the service stops goes on: it is a process of its own, and publishes by itself.
    """

    def __init__(self, worker: Worker, settings: Settings) -> None:
        self._worker = worker
        self._environment = {**os.environ, "GRAPHSVC_DATA_DIR": str(settings.data_dir)}
        self._watched: set[asyncio.Task[None]] = set()

    async def start_run(self, run: str, *options: str) -> None:
        """Start the process of a requested run."""
        said = tempfile.TemporaryFile()  # noqa: SIM115  # closed by who reads it
        command = [sys.executable, "-m", "graphsvc", "detect", "--run", run, *options]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=self._environment,
            start_new_session=True,
        )
        watch = asyncio.create_task(self._watch_process(run, process, said))
        self._watched.add(watch)
        watch.add_done_callback(self._watched.discard)

    def close(self) -> None:
        """Watch no longer; the processes go on."""
        for watch in self._watched:
            watch.cancel()

    async def _watch_process(self, run: str, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        with said:
            while process.poll() is None:
                await asyncio.sleep(LOOKING_SECONDS)
            if process.returncode:
                said.seek(max(said.tell() - LAST_WORDS, 0))
                words = said.read().decode(errors="replace")
                log.error("run %s ended with status %s: %s", run, process.returncode, words)
                await self._worker.run(_mark_failed, run)


def _mark_failed(store: Store, run: str) -> list[dict[str, Any]]:
    """Marks a run failed that its process left as if it were under way."""
    return store.write("publish/fail", run=run, error="the process ended")
