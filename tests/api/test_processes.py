"""Promise: several processes at one port are one service. Limits, metrics and events are of all of them together; one
that is killed is replaced; all of them drain."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import uvicorn
from published import A, B, Days, populate
from waiting import until
from websockets.asyncio.client import connect

from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.processes import _Supervisor
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store

COUNT = {"query": "{ stats { accounts } }"}


@dataclass(frozen=True, slots=True)
class Served:
    """A `graphsvc serve --workers 2`."""

    process: psutil.Process
    port: int

    def workers(self) -> list[psutil.Process]:
        """The processes that accept connections."""
        found = []
        for each in self.process.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(c.status == psutil.CONN_LISTEN for c in each.net_connections("tcp")):
                    found.append(each)
        return found

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.connect()
        return connection

    def find_worker(self, connection: http.client.HTTPConnection) -> int:
        """The process that a connection belongs to, once one has accepted it."""
        ours = connection.sock.getsockname()
        found = list[int]()

        def is_accepted() -> bool:
            workers = self.workers()
            found[:] = [w.pid for w in workers if any(c.raddr == ours for c in w.net_connections("tcp"))]
            return bool(found)

        until(is_accepted)
        return found[0]

    def connect_to_each(self) -> dict[int, http.client.HTTPConnection]:
        """A connection to each process."""
        while True:
            found: dict[int, http.client.HTTPConnection] = {}
            kept = list[http.client.HTTPConnection]()
            began = time.monotonic()
            while len(found) < 2:
                kept.append(self.connect())
                found.setdefault(self.find_worker(kept[-1]), kept[-1])
            quick = (
                time.monotonic() - began < 5
            )  # of ten, after which a connection without a request is closed
            for each in set(kept) - (set(found.values()) if quick else set()):
                each.close()
            if quick:
                return found


def ask(connection: http.client.HTTPConnection, key: str, body: object = None, path: str = "/graphql") -> Any:
    """Status and body of an answer."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    return answer.status, json.loads(text) if text.startswith("{") else text


@pytest.fixture(scope="module")
def cluster(open_database: Store, tokens: Tokeniser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A published cluster."""
    open_database.run_autocommit("bench/wipe")
    populate(open_database, tokens, tmp_path_factory.mktemp("accounts"), [*A, *B])
    days = Days(open_database)
    days.day(A, B)
    return days.ids[0]


@pytest.fixture(scope="module")
def served(cluster: str, installation: Settings) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        "GRAPHSVC_DATA_DIR": str(installation.data_dir),
        "GRAPHSVC_RATE_LIMIT": "1000/hour",
        "GRAPHSVC_DRAIN_SECONDS": "3",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "graphsvc", "serve", "--workers", "2", "--port", str(port)],
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
    )
    found = Served(psutil.Process(process.pid), port)
    try:
        until(lambda: process.poll() is not None or len(found.workers()) == 2)
        for connection in found.connect_to_each().values():
            connection.close()
        yield found
    finally:
        for each in (*found.process.children(), found.process) if process.poll() is None else ():
            each.kill()
        process.wait()


@pytest.fixture
def key(installation: Settings) -> str:
    return keys.create_key(installation.keys_dir, Role.ANALYST)


def test_a_principal_has_one_rate_in_all_processes(served: Served, key: str) -> None:
    connections = list(served.connect_to_each().values())
    page = {"query": "{ clusters(first: 99) { edges { cursor } } }"}  # costs 100
    answered = [ask(connections[turn % 2], key, page)[0] for turn in range(11)]
    assert answered == [200] * 10 + [429]
    assert [ask(each, key, COUNT)[0] for each in connections] == [429, 429]


def test_any_process_tells_the_metrics_of_all(served: Served, key: str) -> None:
    def counted(connection: http.client.HTTPConnection) -> dict[str, float]:
        lines = ask(connection, key, path="/metrics")[1].splitlines()
        return {
            name: float(value)
            for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        }

    connections = list(served.connect_to_each().values())
    name = 'graphsvc_requests_total{code="ok",kind="query"}'
    before = counted(connections[0]).get(name, 0)
    for each in (*connections, *connections, connections[0]):
        assert ask(each, key, COUNT)[0] == 200
    for each in connections:
        found = counted(each)
        assert found[name] == before + 5
        assert found["graphsvc_database_up"] == 1
        assert found['graphsvc_runs{status="published"}'] == 1
        # Of both processes together: one of them has less than two thirds of it.
        resident = sum(worker.memory_info().rss for worker in served.workers())
        assert resident * 2 / 3 < found["process_resident_memory_bytes"] < resident * 3 / 2


def test_who_listens_at_one_process_hears_of_a_decision_at_another(
    served: Served, cluster: str, key: str
) -> None:
    subscription = f'subscription {{ clusterChanges(ids: ["{cluster}"]) {{ clusterId cause }} }}'

    async def listen() -> Any:
        async with connect(
            f"ws://127.0.0.1:{served.port}/graphql",
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
        ) as listening:
            await listening.send(
                json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}})
            )
            await listening.recv()
            await listening.send(
                json.dumps({"id": "1", "type": "subscribe", "payload": {"query": subscription}})
            )
            ours = listening.transport.get_extra_info("sockname")
            (of,) = [
                w.pid for w in served.workers() if any(c.raddr == ours for c in w.net_connections("tcp"))
            ]
            others = await asyncio.to_thread(served.connect_to_each)
            (other,) = [connection for pid, connection in others.items() if pid != of]
            heard = asyncio.create_task(listening.recv())
            version = {"query": f'{{ cluster(id: "{cluster}") {{ version }} }}'}
            while not heard.done():  # it hears of what comes after its first look
                _, said = await asyncio.to_thread(ask, other, key, version)
                arguments = (
                    f'id: "{cluster}", note: "seen", expectedVersion: {said["data"]["cluster"]["version"]}'
                )
                note = {"query": f"mutation {{ noteCluster({arguments}) {{ version }} }}"}
                _, said = await asyncio.to_thread(ask, other, key, note)
                assert "errors" not in said, said
                await asyncio.wait([heard], timeout=2)
            return json.loads(heard.result())["payload"]["data"]["clusterChanges"]

    assert asyncio.run(listen()) == {"clusterId": cluster, "cause": "DECISION"}


def test_a_process_that_is_killed_is_replaced(served: Served, key: str) -> None:
    killed, other = served.workers()
    killed.kill()
    # The other one answers meanwhile, and counts stay.
    assert ask(served.connect(), key, COUNT)[0] == 200
    until(lambda: len(served.workers()) == 2 and killed not in served.workers())
    assert other in served.workers()
    for connection in served.connect_to_each().values():
        assert ask(connection, key, COUNT)[0] == 200


def test_all_processes_drain_and_end(served: Served, key: str) -> None:
    """Last in the file: it ends the service."""
    connections = list(served.connect_to_each().values())
    workers = served.workers()
    served.process.send_signal(signal.SIGTERM)
    for each in connections:
        until(lambda each=each: ask(each, key, path="/readyz") == (503, {"status": "draining"}))
        assert ask(each, key, COUNT)[0] == 200
    assert served.process.wait(timeout=600) == 0
    assert not any(each.is_running() for each in workers)
    with pytest.raises(OSError, match="refused"):
        served.connect()


def test_a_setting_that_does_not_fit_is_named_before_an_address_is_shown(installation: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "graphsvc", "serve", "--workers", "2", "--port", "0"],
        env={
            **os.environ,
            "GRAPHSVC_DATA_DIR": str(installation.data_dir),
            "GRAPHSVC_RATE_LIMIT": "many",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "GRAPHSVC_RATE_LIMIT is no rate" in done.stderr
    assert "GraphiQL" not in done.stderr


def test_a_process_that_ends_before_it_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end of the pipe is closed with it, so that nothing waits for an answer until it counts as hung."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the signals of this process stay as they are
    supervisor = _Supervisor(uvicorn.Config("no_module_of_this_name:app"), [], lambda: None)
    supervisor.init_processes()
    (process,) = supervisor.processes
    process.process.join()
    assert process.parent_conn.poll(0)
    assert not process.ping(0)
