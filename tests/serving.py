"""The service as programs meet it: over HTTP, on a port of loopback."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from graphsvc.api.app import create_app
from graphsvc.api.server import build_config
from graphsvc.settings import Settings
from graphsvc.store import Store


@contextmanager
def served_over_http(store: Store, installation: Settings) -> Iterator[str]:
    """Where the service answers while the block lasts."""
    with serve_app(create_app(installation, store.address), installation) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serve_app(app: FastAPI, settings: Settings) -> Iterator[int]:
    """Serve an app as `graphsvc serve` does, in a thread of this process; yield the port of loopback."""
    server = uvicorn.Server(build_config(app, settings))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)
