"""Several processes that serve one port, kept by uvicorn's supervisor: a process that ends or hangs is replaced.

The first process opens the port, and serves nothing itself. The others accept from the same socket, so that a
connection goes to one that has time for it. All share counts of rates and metrics, in files of a temporary directory.
"""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from prometheus_client import multiprocess
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from graphsvc.api.http import logs
from graphsvc.api.http.request_guard import MAX_BODY_BYTES
from graphsvc.api.http.windows import create_windows
from graphsvc.errors import SettingsError
from graphsvc.model.schedule import Plan
from graphsvc.settings import Settings
from graphsvc.store import Address

if TYPE_CHECKING:
    from fastapi import FastAPI

_METRICS = "PROMETHEUS_MULTIPROC_DIR"
"""Variable that makes prometheus_client keep its values in files of a directory. It reads it when it is imported."""
ACCEPTED = 1
"""Connections that a process accepts before it looks at its other work. With more, one process takes all that come at
once, and the others have none."""
WAITING = 2_048
"""Connections that wait to be accepted, as uvicorn has it by default."""
HUNG_SECONDS = 60
"""Seconds without a sign of life after which a process is replaced. Its first sign comes after its imports, which took
twenty seconds where ten others had the cores."""


@dataclass(frozen=True, slots=True)
class Service:
    """All that a process needs to build its app."""

    settings: Settings
    address: Address
    plan: Plan | None
    shared: Path


def serve_processes(
    settings: Settings,
    address: Address,
    plan: Plan | None,
    listener: socket.socket,
    announce: Callable[[], object],
) -> None:
    """Serve from `settings.workers` processes until a signal. Return when all have ended.

    Args:
        settings: of the installation.
        address: of the database.
        plan: when detection runs are due; each run is started by one of the processes.
        listener: the open port.
        announce: called when the first process serves.

    Raises:
        GraphsvcError: a process could not start.
    """
    with tempfile.TemporaryDirectory(prefix="graphsvc-serve-") as directory:
        create_windows(Path(directory))
        os.environ[_METRICS] = directory
        config = _Config(Service(settings, address, plan, Path(directory)))
        supervisor = _Supervisor(config, [listener], announce)
        supervisor.run()
    if supervisor.has_failed:
        from graphsvc.api.app import create_app

        # The process has no way to say why; the same steps fail here, and do.
        create_app(settings, address, plan)
        raise SettingsError("A process of the service could not start.", "Its log says why.")


def build_options(settings: Settings) -> dict[str, Any]:
    """Return the options of uvicorn that one process and several have in common."""
    return {
        "port": 0,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "ws_max_size": MAX_BODY_BYTES,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
    }


class _Config(uvicorn.Config):
    """uvicorn's configuration, which travels to each process and builds the app there."""

    def __init__(self, service: Service) -> None:
        self._service = service
        super().__init__(
            "built in the process",
            **build_options(service.settings),
            workers=service.settings.workers or 1,
            backlog=ACCEPTED,
            timeout_worker_healthcheck=HUNG_SECONDS,
        )

    def configure_logging(self) -> None:
        """Configure the log of this process; uvicorn calls it in each."""
        logs.configure_logging(self._service.settings.log_format)

    def load(self) -> None:
        """Build the app of this process."""
        # Not in the first process, which would hold 200 MB for nothing.
        from graphsvc.api.app import create_app
        from graphsvc.api.http.protocol import make_protocol_class
        from graphsvc.api.server import settle_memory

        service = self._service
        try:
            app = create_app(service.settings, service.address, service.plan, service.shared)
        except Exception:  # noqa: BLE001 - the first process meets it too, and says so
            sys.exit(STARTUP_FAILURE)  # else it would be started again and again
        self.app, self.http = app, make_protocol_class(service.settings)
        super().load()
        settle_memory()
        _drain_first(app, service.settings.drain_seconds)
        threading.Thread(target=_end_with_parent, name="graphsvc-parent", daemon=True).start()


class _Supervisor(Multiprocess):
    """uvicorn's supervisor, with a second signal that skips the draining, and one balanced queue of connections."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], announce: Callable[[], object]
    ) -> None:
        super().__init__(config, sockets)
        self._announce: Callable[[], object] | None = announce

    @property
    def has_failed(self) -> bool:
        """Return whether a process could not start."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def init_processes(self) -> None:
        """Start the processes."""
        super().init_processes()
        self._leave_pipes()

    def keep_subprocess_alive(self) -> None:
        """Replace processes that have ended or hang."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        self._leave_pipes()
        for pid in before - {process.pid for process in self.processes}:
            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
            logging.getLogger("graphsvc.api").warning("process %s of the service was replaced", pid)
        if self._announce is not None and any(process.is_ready(1) for process in self.processes):
            self._announce()
            self._announce = None
        # A process that starts makes the queue as long as the number that it accepts at a time.
        for listener in self.sockets:
            listener.listen(WAITING)

    def _leave_pipes(self) -> None:
        """Close the processes' own ends of their pipes here, as uvicorn does not.

        While this process holds such an end, one that has just ended looks as if it were about to answer, and
        `HUNG_SECONDS` pass before it is seen that it could not start.
        """
        for process in self.processes:
            process.child_conn.close()

    def terminate_all(self) -> None:
        """Let all processes drain and end. The port closes with the last of them."""
        super().terminate_all()
        for listener in self.sockets:
            listener.close()

    def join_all(self) -> None:
        """Wait for all processes. Another signal is passed on: it skips the draining."""
        for process in self.processes:
            while process.exitcode is None:
                process.process.join(0.1)
                if self.signal_queue:
                    self.signal_queue.clear()
                    super().terminate_all()


def _drain_first(app: "FastAPI", seconds: float) -> None:
    """Let SIGTERM make `/readyz` say `draining` for some seconds before the process stops. A second one skips that."""
    from graphsvc.api.services import get_services

    services, stop = get_services(app), signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        is_first, services.draining = not services.draining, True
        if not callable(stop):  # never: uvicorn has set it before it loads the app
            sys.exit()
        if is_first and seconds:
            timer = threading.Timer(seconds, stop, (number, frame))
            timer.daemon = True
            timer.start()
        else:
            stop(number, frame)

    signal.signal(signal.SIGTERM, drain)


def _end_with_parent() -> None:
    """Stop this process when the first one is gone, however that ended: else it would hold the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
