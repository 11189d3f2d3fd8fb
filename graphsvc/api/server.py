"""The process that serves the app, with the graceful shutdown that load balancers expect.

On SIGTERM `/readyz` says `draining` at once. After `drain_seconds` the service stops listening, and closes
idle connections and WebSockets (code 1012, service restart). Running requests get `shutdown_seconds` to
finish. SIGINT, or a second SIGTERM, skips the draining.
"""

import gc
import signal
import socket
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

from graphsvc.api.http.protocol import make_protocol_class
from graphsvc.api.processes import build_options
from graphsvc.api.services import get_services
from graphsvc.settings import Settings

GARBAGE = 20_000
"""Objects made before the collector looks at the youngest: an answer makes thousands and leaves none."""


def build_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return the configuration of uvicorn: HTTP/1.1 and WebSockets."""
    return uvicorn.Config(app, http=make_protocol_class(settings), **build_options(settings))


def serve_app(app: FastAPI, listener: socket.socket, settings: Settings) -> None:
    """Serve from this process until a signal. Return when all resources are closed."""
    settle_memory()
    _Server(build_config(app, settings), app, settings.drain_seconds).run(sockets=[listener])


def settle_memory() -> None:
    """Let the garbage collector leave alone what is there now, which took 150 ms each time it walked it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float) -> None:
        super().__init__(config)
        self._services = get_services(app)
        self._drain_seconds = drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain, or to stop. The signal is not raised again at the end, so the exit status is 0."""
        if sig == signal.SIGTERM and not self._services.draining and self._drain_seconds:
            timer = threading.Timer(self._drain_seconds, self._stop_server)
            timer.daemon = True
            timer.start()
        else:
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self._stop_server()
        self._services.draining = True

    def _stop_server(self) -> None:
        self.should_exit = True
