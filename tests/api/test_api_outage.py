"""Promise: a database that goes away is a 503 with a code while it is away, and nothing to restart when it is back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from api import Api
from fastapi.testclient import TestClient

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.settings import Settings
from graphsvc.store import Store


class Gate:
    """A port of its own before the real server, which can be shut and opened again."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._sockets: list[socket.socket] = []
        self.port = 0
        self.open()

    def open(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._sockets = [listener]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def shut(self) -> None:
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    @staticmethod
    def _forward(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def gate(database: Store) -> Iterator[Gate]:
    parts = urlsplit(database.address.uri)
    assert parts.hostname is not None
    assert parts.port is not None
    gate = Gate(parts.hostname, parts.port)
    yield gate
    gate.shut()


def test_an_outage_is_told_and_survived(gate: Gate, database: Store, installation: Settings) -> None:
    key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
    address = replace(database.address, uri=f"bolt://127.0.0.1:{gate.port}")
    with TestClient(create_app(installation, address)) as client:
        api = Api(client, key)
        for _ in range(2):
            assert api.data("{ stats { accounts } }") == {"stats": {"accounts": 0}}
            assert client.get("/readyz").status_code == 200
            gate.shut()
            answer = api.post("{ stats { accounts } }")
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["extensions"]["code"] == "database_unavailable"
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
            gate.open()
        assert api.data("{ stats { accounts } }") == {"stats": {"accounts": 0}}


def test_changes_and_metrics_tell_of_an_outage_too(
    gate: Gate, database: Store, installation: Settings
) -> None:
    key = keys.create_key(installation.keys_dir, keys.Role.ANALYST)
    address = replace(database.address, uri=f"bolt://127.0.0.1:{gate.port}")
    change = 'mutation { cancelRun(id: "nothing") { id } }'

    def up(client: TestClient) -> str:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200
        return next(line for line in answer.text.splitlines() if line.startswith("graphsvc_database_up "))

    with TestClient(create_app(installation, address)) as client:
        api = Api(client, key)
        assert api.error(change)["extensions"]["code"] == "not_found"
        assert up(client) == "graphsvc_database_up 1.0"
        gate.shut()
        answer = api.post(change)
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["extensions"]["code"] == "database_unavailable"
        assert up(client) == "graphsvc_database_up 0.0"
        gate.open()
        assert api.error(change)["extensions"]["code"] == "not_found"
        assert up(client) == "graphsvc_database_up 1.0"
