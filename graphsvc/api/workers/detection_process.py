"""Detection runs that the API starts. Each is a process of its own, so that the service stays responsive."""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from typing import IO

from graphsvc.api.workers.worker import Worker
from graphsvc.settings import Settings
from graphsvc.store.control import mark_failed

log = logging.getLogger("graphsvc.api")

LOOKING_SECONDS = 0.5
LAST_WORDS = 2_000
"""Characters of what a failed run said that go to the log."""


class DetectionProcesses:
    """Starts `graphsvc detect`, and marks a run as failed if its process dies.

    A run continues if the service stops: it is a process of its own, and publishes its result itself.
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
            # A Ctrl-C in the service's terminal must not reach the run.
            start_new_session=True,
        )
        watch = asyncio.create_task(self._watch_process(run, process, said))
        self._watched.add(watch)
        watch.add_done_callback(self._watched.discard)

    def close(self) -> None:
        """Stop watching. The processes continue."""
        for watch in self._watched:
            watch.cancel()

    async def _watch_process(self, run: str, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        with said:
            while process.poll() is None:
                await asyncio.sleep(LOOKING_SECONDS)
            if process.returncode:
                # A failed run prints its reason last.
                said.seek(max(said.tell() - LAST_WORDS, 0))
                words = said.read().decode(errors="replace")
                log.error("run %s ended with status %s: %s", run, process.returncode, words)
                await self._worker.run(mark_failed, run, "the process ended")
