"""The service as programs meet it: over HTTP, on a port of loopback."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from graphsvc.api.app import create_app
from graphsvc.settings import Settings
from graphsvc.store import Store


@contextmanager
def served_over_http(store: Store, installation: Settings) -> Iterator[str]:
    """Where the service answers while the block lasts."""
    server = uvicorn.Server(uvicorn.Config(create_app(installation, store.address), port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
