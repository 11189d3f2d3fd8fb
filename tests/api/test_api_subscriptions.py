"""Promise: who listens is told of runs and clusters as they change, nobody else is, and nothing leaks."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from published import A, B, Days, person
from waiting import until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.http import transport
from graphsvc.api.services import get_services
from graphsvc.api.subscriptions import pubsub, subscription
from graphsvc.model.decisions import On, Topic
from graphsvc.settings import Settings
from graphsvc.store.control import record_heartbeat
from graphsvc.store.decisions import DecisionRequest, record_decision
from graphsvc.store.publish import fail_run

PROTOCOL = "graphql-transport-ws"
CHANGES = """subscription($ids: [ID!]) {
  clusterChanges(ids: $ids) { clusterId cause kind description decision { by value } } }"""
PROGRESS = "subscription($id: String!) { runProgress(id: $id) { status progress { stage done total } } }"


@dataclass
class Service:
    """A server in a thread of this process."""

    app: FastAPI
    port: int
    loop: asyncio.AbstractEventLoop
    keys_dir: Path

    async def listened_to(self) -> None:
        """Wait until a subscriber has seen what there is and waits for what changes."""
        async with asyncio.timeout(600):
            while not any(queue._getters for queue in list(get_services(self.app).pubsub._listeners)):
                await asyncio.sleep(0.01)

    def key(self, role: keys.Role = keys.Role.VIEWER, name: str = "") -> str:
        return keys.create_key(self.keys_dir, role, name)

    def tasks(self) -> int:
        """Tasks of the server's loop."""

        async def count() -> int:
            return len(asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self.loop).result(600)

    @asynccontextmanager
    async def socket(self, key: str = "", protocol: str = PROTOCOL) -> AsyncIterator[ClientConnection]:
        """A connection, not yet let in."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        where = f"ws://127.0.0.1:{self.port}/graphql"
        async with connect(where, subprotocols=[protocol], additional_headers=headers) as socket:  # type: ignore[list-item]
            yield socket

    @asynccontextmanager
    async def listening(self, key: str, query: str, **variables: object) -> AsyncIterator[ClientConnection]:
        """A connection that was let in and has subscribed."""
        async with self.socket() as socket:
            await say(socket, type="connection_init", payload={"authorization": f"Bearer {key}"})
            assert (await hear(socket))["type"] == "connection_ack"
            payload = {"query": query, "variables": variables}
            await say(socket, id="1", type="subscribe", payload=payload)
            yield socket


async def say(socket: ClientConnection, **message: object) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection, seconds: float = 600.0) -> Any:
    return json.loads(await asyncio.wait_for(socket.recv(), seconds))


async def closed(socket: ClientConnection, seconds: float = 600.0) -> int:
    """The code that the server closes with."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(seconds):
            while True:
                await socket.recv()
    return socket.close_code or 0


@pytest.fixture
def service(days: Days, installation: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(pubsub, "LOOKING_SECONDS", 0.05)
    monkeypatch.setattr(subscription, "CHECK_SECONDS", 0.3)
    app = create_app(installation, days.store.address)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=3))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Service(app, server.servers[0].sockets[0].getsockname()[1], loop, installation.keys_dir)
    server.should_exit = True
    thread.join(10)


def dismissed(days: Days, cluster: str) -> None:
    wish = DecisionRequest(On.CLUSTER, cluster, Topic.DISPOSITION, "dismissed")
    record_decision(days.store, person("ada"), wish, datetime.now(UTC))


def test_a_decision_and_a_run_are_told_to_who_listens(service: Service, days: Days) -> None:
    one, other = days.ids

    async def listen() -> tuple[Any, Any]:
        async with service.listening(service.key(), CHANGES, ids=[one]) as socket:
            await service.listened_to()
            await asyncio.to_thread(dismissed, days, other)
            await asyncio.to_thread(dismissed, days, one)
            first = await hear(socket)
            await asyncio.to_thread(days.day, A[:25], B)
            return first, await hear(socket)

    decided, published = asyncio.run(listen())
    event = decided["payload"]["data"]["clusterChanges"]
    assert (event["clusterId"], event["cause"], event["kind"]) == (one, "DECISION", "disposition")
    assert event["decision"] == {"by": "ada", "value": "dismissed"}
    event = published["payload"]["data"]["clusterChanges"]
    assert (event["clusterId"], event["cause"], event["kind"]) == (one, "RUN", "shrank")


def test_a_decision_made_between_a_look_and_its_answer_is_sent_once(
    service: Service, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = days.ids
    monkeypatch.setattr(pubsub, "LOOKING_SECONDS", 3600)  # the looks of this test are made by hand
    looks = get_services(service.app).pubsub

    async def listen() -> list[Any]:
        async with service.listening(service.key(), CHANGES, ids=[one]) as socket:
            await service.listened_to()
            now = asyncio.run_coroutine_threadsafe(looks.read_state(), service.loop)
            before = await asyncio.wrap_future(now)
            await asyncio.to_thread(dismissed, days, other)
            await asyncio.to_thread(dismissed, days, one)
            for version in (before.log_version + 1, before.log_version + 2):
                look = pubsub.ServiceState(before.published, version, before.runs)
                service.loop.call_soon_threadsafe(looks._send_state, look)
            first = await hear(socket)
            await asyncio.to_thread(days.day, A[:25], B)
            after = await asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(looks.read_state(), service.loop)
            )
            service.loop.call_soon_threadsafe(looks._send_state, after)
            return [first, await hear(socket)]

    causes = [each["payload"]["data"]["clusterChanges"]["cause"] for each in asyncio.run(listen())]
    assert causes == ["DECISION", "RUN"]


def test_who_watches_is_told_of_what_they_watch(service: Service, days: Days) -> None:
    key = service.key(keys.Role.ANALYST, "ada")
    name = f"ada ({key.partition('.')[0]})"
    watch = DecisionRequest(On.CLUSTER, days.ids[1], Topic.WATCH, "watched")
    record_decision(days.store, person(name), watch, datetime.now(UTC))

    async def listen() -> Any:
        async with service.listening(key, CHANGES) as socket:
            await service.listened_to()
            await asyncio.to_thread(dismissed, days, days.ids[0])
            await asyncio.to_thread(dismissed, days, days.ids[1])
            return await hear(socket)

    assert asyncio.run(listen())["payload"]["data"]["clusterChanges"]["clusterId"] == days.ids[1]


def test_the_progress_of_a_run_is_told_until_it_ends(service: Service, days: Days) -> None:
    run = days.begin()

    async def listen() -> list[Any]:
        heard = []
        async with service.listening(service.key(), PROGRESS, id=run.id) as socket:
            heard.append(await hear(socket))
            await asyncio.to_thread(record_heartbeat, days.store, run.id, "links", 3, 9)
            heard.append(await hear(socket))
            await asyncio.to_thread(fail_run, days.store, run, "test")
            heard += [await hear(socket), await hear(socket)]
        return heard

    heard = asyncio.run(listen())
    said = [each["payload"]["data"]["runProgress"] for each in heard[:3]]
    assert [each["status"] for each in said] == ["RUNNING", "RUNNING", "FAILED"]
    assert said[1]["progress"] == {"stage": "links", "done": 3, "total": 9}
    assert heard[3]["type"] == "complete"


@pytest.mark.parametrize("how", ["no key", "wrong key", "wrong header"])
def test_who_is_not_let_in_hears_nothing(service: Service, how: str) -> None:
    async def listen() -> int:
        async with service.socket("a.b" if how == "wrong header" else "") as socket:
            payload = {"authorization": "Bearer a.b"} if how == "wrong key" else {}
            await say(socket, type="connection_init", payload=payload)
            await say(socket, id="1", type="subscribe", payload={"query": CHANGES})
            return await closed(socket)

    if how == "wrong header":
        with pytest.raises(InvalidStatus):
            asyncio.run(listen())
    else:
        assert asyncio.run(listen()) == 4403


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that waits half a second for the first message, and not five."""
    monkeypatch.setattr(transport, "INIT_SECONDS", 0.5)


def test_who_says_nothing_is_not_waited_for(impatient: None, service: Service) -> None:
    async def listen() -> int:
        async with service.socket() as socket:
            return await closed(socket)

    assert asyncio.run(listen()) == 4408


def test_a_key_that_is_revoked_hears_no_more(service: Service, days: Days) -> None:
    key = service.key()

    async def listen() -> int:
        async with service.listening(key, CHANGES, ids=[days.ids[0]]) as socket:
            await service.listened_to()
            keys.revoke_key(service.keys_dir, key.partition(".")[0])
            return await closed(socket)

    assert asyncio.run(listen()) == 4403


@pytest.mark.parametrize("query", ["{ viewer { role } }", 'mutation { cancelRun(id: "r") { id } }'])
def test_only_subscriptions_come_over_a_socket(service: Service, query: str) -> None:
    async def listen() -> Any:
        async with service.listening(service.key(), query) as socket:
            return await hear(socket)

    said = asyncio.run(listen())
    assert said["type"] == "error"
    assert said["payload"][0]["extensions"]["code"] == "bad_input"


def test_another_protocol_is_refused(service: Service) -> None:
    async def listen() -> int:
        async with service.socket(service.key(), "graphql-ws") as socket:
            return await closed(socket)

    with contextlib.suppress(InvalidStatus):
        assert asyncio.run(listen()) == 4406


def test_a_key_holds_so_many_connections_and_no_more(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "CONNECTIONS", 2)
    key = service.key()

    async def listen() -> int:
        async with (
            service.listening(key, CHANGES, ids=["a"]),
            service.listening(key, CHANGES, ids=["a"]),
            service.socket() as third,
        ):
            await say(third, type="connection_init", payload={"authorization": f"Bearer {key}"})
            return await closed(third)

    assert asyncio.run(listen()) == 1013
    until(lambda: get_services(service.app).pubsub.connections == 0)


def test_who_does_not_keep_up_is_dropped(service: Service, days: Days) -> None:
    async def lag() -> bool:
        told = get_services(service.app).pubsub
        async with told.listen() as queue:
            for number in range(pubsub.BEHIND + 1):
                told._send_state(pubsub.ServiceState("", number, {}))
            while (state := queue.get_nowait()) is not None:
                assert isinstance(state, pubsub.ServiceState)
            return not told._listeners

    assert asyncio.run_coroutine_threadsafe(lag(), service.loop).result(600)


def test_a_thousand_subscriptions_leave_nothing_behind(service: Service) -> None:
    key = service.key()

    async def once() -> None:
        async with service.listening(key, CHANGES, ids=["a"]) as socket:
            await say(socket, id="1", type="complete")

    async def loop(times: int) -> None:
        for _ in range(times // 4):
            await asyncio.gather(*(once() for _ in range(4)))

    def held() -> tuple[int, int, int]:
        """Open files other than the pool's connections, tasks, and connections in the pool."""
        pooled = sum(get_services(service.app).reader.count_connections().values())
        return len(list(Path("/proc/self/fd").iterdir())) - pooled, service.tasks(), pooled

    asyncio.run(loop(20))  # threads that stay are made now
    until(lambda: not get_services(service.app).pubsub.connections)
    time.sleep(0.5)  # what is left of them ends; more that is held before would only allow more after
    before = held()
    asyncio.run(loop(1_000))
    until(lambda: not get_services(service.app).pubsub.connections)
    with contextlib.suppress(AssertionError):  # what is left of them ends as soon as the machine lets it
        until(lambda: held()[0] <= before[0] + 2 and held()[1] <= before[1])
    after = held()
    assert after[0] <= before[0] + 2
    assert after[1] <= before[1]
    assert after[2] <= pubsub.CONNECTIONS + 1  # the pool is as large as what once was asked at a time
