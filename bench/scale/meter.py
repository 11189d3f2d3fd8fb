"""Runs one step in a process of its own and measures it: wall, CPU, peak memory, and the server's beside it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

DONE, OVER, FAILED = "done", "over", "failed"
_TICK = 0.1
_SERVER = "java.args"
"""The managed server's JVM is started with this argument file, the admin tool's with another."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One step as it was measured; seconds and bytes.

    `peak` is the most that the process and its children held together (resident, sampled ten times a second),
    `cpu` what they used; `server_peak` and `server_cpu` are the database server's. `load` is the machine's one-minute
    load before the step. `status`: done, over (the time limit) or failed.
    """

    status: str
    seconds: float
    cpu: float
    peak: int
    server_cpu: float
    server_peak: int
    load: float
    said: str

    def row(self) -> dict[str, Any]:
        """JSON-ready; what it said only where it failed."""
        row = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }
        if self.status != FAILED:
            del row["said"]
        return row


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    limit: float,
    server: Callable[[], int | None] = lambda: None,
) -> Reading:
    """Runs `command` and measures it; it is ended after `limit` seconds.

    Args:
        environment: added to this process's own.
        log: where its output goes; holds the last step's only.
        server: process id of the database server, None while there is none.
    """
    load = os.getloadavg()[0]
    before = _cpu(server())
    began = time.monotonic()
    with log.open("wb") as output:
        # A session of its own, so that it can be ended with its children, and nothing else can be.
        step = subprocess.Popen(
            list(command),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    watched = _Watched(psutil.Process(step.pid))
    peak = server_peak = 0
    over = False
    while step.poll() is None:
        ours, theirs = watched.resident(server())
        peak, server_peak = max(peak, ours), max(server_peak, theirs)
        if time.monotonic() - began > limit:
            over = True
            with suppress(ProcessLookupError):
                os.killpg(step.pid, signal.SIGKILL)
            step.wait()
            break
        time.sleep(_TICK)
    seconds = time.monotonic() - began
    after = _cpu(server())
    same = before is not None and after is not None and before[0] == after[0]
    server_cpu = (after[1] - before[1]) if same and before and after else (after[1] if after else 0.0)
    status = OVER if over else DONE if step.returncode == 0 else FAILED
    said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    return Reading(status, seconds, watched.cpu, peak, server_cpu, server_peak, load, said)


class _Watched:
    """A process and its children, but for a database server among them."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._used: dict[int, float] = {}
        self._servers: dict[int, bool] = {}

    @property
    def cpu(self) -> float:
        """Seconds that all of them have used, as far as it was seen."""
        return sum(self._used.values())

    def resident(self, server: int | None) -> tuple[int, int]:
        """Bytes held now: by them, and by the server."""
        ours = theirs = 0
        counted = False
        with suppress(psutil.Error):
            for process in (self._process, *self._process.children(recursive=True)):
                with suppress(psutil.Error):
                    with process.oneshot():
                        size = process.memory_info().rss
                        times = process.cpu_times()
                        if self._is_server(process):
                            theirs, counted = max(theirs, size), counted or process.pid == server
                            continue
                    ours += size
                    self._used[process.pid] = times.user + times.system
        if server is not None and not counted:
            with suppress(psutil.Error):
                theirs = max(theirs, psutil.Process(server).memory_info().rss)
        return ours, theirs

    def _is_server(self, process: psutil.Process) -> bool:
        if not self._servers.get(process.pid, False):
            # A process is asked until it is one: between fork and exec it still looks like its parent.
            self._servers[process.pid] = any(part.endswith(_SERVER) for part in process.cmdline())
        return self._servers[process.pid]


def _cpu(process: int | None) -> tuple[int, float] | None:
    if process is None:
        return None
    try:
        times = psutil.Process(process).cpu_times()
    except psutil.Error:
        return None
    return process, times.user + times.system
