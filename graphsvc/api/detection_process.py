"""Detection runs that the API starts: each a process of its own, so that the service answers as ever meanwhile."""

import asyncio
import logging
import os
import sys
from typing import Any

from graphsvc.api.worker import Worker
from graphsvc.settings import Settings
from graphsvc.store.connection import Store

log = logging.getLogger("graphsvc.api")

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

    async def start(self, run: str, *options: str) -> None:
        """Starts the process of a requested run."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "graphsvc",
            "detect",
            "--run",
            run,
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        watch = asyncio.create_task(self._see_through(run, process))
        self._watched.add(watch)
        watch.add_done_callback(self._watched.discard)

    def close(self) -> None:
        """Watches no longer; the processes go on."""
        for watch in self._watched:
            watch.cancel()

    async def _see_through(self, run: str, process: asyncio.subprocess.Process) -> None:
        said = b""
        if process.stderr is not None:
            while part := await process.stderr.read(4096):
                said = (said + part)[-LAST_WORDS:]
        if await process.wait():
            log.error(
                "run %s ended with status %s: %s", run, process.returncode, said.decode(errors="replace")
            )
            await self._worker.run(_failed, run)


def _failed(store: Store, run: str) -> list[dict[str, Any]]:
    """Marks a run failed that its process left as if it were under way."""
    return store.write("publish/fail", run=run, error="the process ended")
