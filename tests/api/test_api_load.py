"""Promise: whatever one client does, the others are served; what cannot be done in time is refused soon, and as ours.

No test here measures time: deadlines are far away, or tenths of a second that only must pass.
"""

import asyncio
import json
import logging
import select
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from serving import serve_app
from waiting import until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.http import request_guard
from graphsvc.api.http.concurrency_limit import LIGHT, ConcurrencyLimit, FairSlots, TooManyAtOnce
from graphsvc.api.operations.estimate import DEFAULT_FIRST, estimate_cost
from graphsvc.api.operations.limits import MAX_COST
from graphsvc.api.services import get_services
from graphsvc.api.subscriptions import pubsub
from graphsvc.api.workers import worker
from graphsvc.api.workers.worker import Worker
from graphsvc.errors import Busy, TimedOut
from graphsvc.settings import Settings
from graphsvc.signals.veil import Veil
from graphsvc.store import Address, Store
from graphsvc.store import reader as reading
from graphsvc.store.reader import Reader

NOWHERE = Address("bolt://127.0.0.1:9", "neo4j", SecretStr("unused"))
VIEWER = "{ viewer { keyId } }"
FAR = 600.0


@dataclass
class Service:
    """A service without a database, over HTTP."""

    app: FastAPI
    port: int
    keys_dir: Path

    def key(self) -> str:
        return keys.create_key(self.keys_dir, keys.Role.VIEWER)

    def ask(self, key: str, query: str = VIEWER) -> tuple[int, str]:
        """Return the status of an answer, and its code or `ok`."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/graphql",
            json={"query": query},
            headers={"Authorization": f"Bearer {key}"},
            timeout=FAR,
        )
        errors = answer.json().get("errors")
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return answer.status_code, errors[0]["extensions"]["code"] if errors else "ok"

    @contextmanager
    def half_sent(self, number: int, key: str | None) -> Iterator[list[socket.socket]]:
        """Hold connections that sent the head of a request and one byte of its body."""
        authorization = f"Authorization: Bearer {key}\r\n" if key else ""
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: localhost\r\n{authorization}"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        with ExitStack() as stack:
            found = []
            for _ in range(number):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", self.port)))
                connection.settimeout(60)
                connection.sendall(head.encode())
                found.append(connection)
            yield found


@contextmanager
def serving(where: Path, **given: Any) -> Iterator[Service]:
    settings = Settings(data_dir=where, **given)
    app = create_app(settings, NOWHERE)
    with serve_app(app, settings) as port:
        yield Service(app, port, settings.keys_dir)


def answered(connections: list[socket.socket]) -> list[socket.socket]:
    """Return those that have something to read."""
    return select.select(connections, [], [], 0)[0]


def heard(connection: socket.socket) -> str:
    """Return one answer."""
    said = b""
    while not said.endswith(b"}"):
        said += connection.recv(65536)
    return said.decode()


def test_half_sent_bodies_of_one_key_take_its_share_and_no_more(tmp_path: Path) -> None:
    with serving(tmp_path, requests_at_once=2, requests_waiting=14, read_timeout=FAR) as service:
        mine, other = service.key(), service.key()
        with service.half_sent(10, mine) as sent:
            until(lambda: len(answered(sent)) == 6)  # a quarter of sixteen may be under way
            assert all("too_many_at_once" in heard(each) for each in answered(sent))
            gate: ConcurrencyLimit = get_services(service.app).concurrency_limit
            assert (gate._arriving.total(), gate.inside) == (4, 0)
            assert service.ask(mine) == (429, "too_many_at_once")
            assert service.ask(other) == (200, "ok")
        until(lambda: not gate._arriving)
        assert service.ask(mine) == (200, "ok")


def test_half_sent_bodies_are_let_go_after_their_deadline(tmp_path: Path) -> None:
    with serving(tmp_path, read_timeout=0.2) as service:
        key = service.key()
        with service.half_sent(3, key) as sent:
            for connection in sent:
                assert "request_timeout" in heard(connection)
        assert service.ask(key) == (200, "ok")


def test_half_sent_bodies_without_a_key_cost_those_with_one_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, client_rate_limit="50/hour", read_timeout=FAR) as service:
        key = service.key()
        with service.half_sent(200, None) as sent:
            answers = [heard(each) for each in sent]
            assert service.ask(key) == (200, "ok")
        assert {answer.split()[1] for answer in answers} == {"401", "429"}


def test_an_answer_has_its_own_status_whatever_comes_meanwhile(tmp_path: Path) -> None:
    stats, viewer = (json.dumps({"query": each}).encode() for each in ("{ stats { accounts } }", VIEWER))
    with serving(tmp_path, read_timeout=FAR) as service:
        gate: ConcurrencyLimit = get_services(service.app).concurrency_limit
        with ExitStack() as stack:
            waiting = []
            for body in (stats, viewer):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
                connection.settimeout(60)
                connection.sendall(
                    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"
                    % (service.key().encode(), len(body))
                )
                waiting.append((connection, body))
                until(lambda: gate._arriving.total() == len(waiting))
            for (connection, body), status in zip(waiting, ("503", "200"), strict=True):
                connection.sendall(body)
                assert heard(connection).split()[1] == status


def test_a_client_that_leaves_is_no_error_of_the_service(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(tmp_path, read_timeout=FAR) as service, caplog.at_level(logging.ERROR):
        gate: ConcurrencyLimit = get_services(service.app).concurrency_limit
        with service.half_sent(3, service.key()):
            until(lambda: gate._arriving.total() == 3)
        until(lambda: not gate._arriving)
    assert not caplog.messages


@asynccontextmanager
async def opened(service: Service) -> AsyncIterator[ClientConnection]:
    async with connect(
        f"ws://127.0.0.1:{service.port}/graphql", subprotocols=["graphql-transport-ws"]
    ) as found:  # type: ignore[list-item]
        yield found


async def introduce(connection: ClientConnection, key: str) -> object:
    """Say who asks; return the type of the answer, or the code that the service closes with."""
    await connection.send(
        json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {key}"}})
    )
    try:
        return json.loads(await connection.recv())["type"]
    except ConnectionClosed:
        return connection.close_code


def test_websockets_of_a_key_leave_its_requests_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pubsub, "CONNECTIONS", 3)
    with serving(tmp_path, client_rate_limit="20/hour") as service:
        key = service.key()

        async def open_many() -> tuple[list[object], tuple[int, str]]:
            async with opened(service) as a, opened(service) as b, opened(service) as c, opened(service) as d:
                heard = [await introduce(each, key) for each in (a, b, c, d)]
                return heard, await asyncio.to_thread(service.ask, key)

        for _ in range(3):  # a refused sign-in would count twenty
            heard, answer = asyncio.run(open_many())
            assert heard == [*["connection_ack"] * 3, 1013]
            assert answer == (200, "ok")
            until(lambda: not get_services(service.app).pubsub.connections)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


def test_websockets_that_do_not_say_who_asks_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_guard, "UNKNOWN", 2)
    with serving(tmp_path) as service:
        key = service.key()

        async def open_many() -> None:
            async with opened(service) as first, opened(service):
                with pytest.raises(InvalidStatus):
                    async with opened(service):
                        pass
                assert await asyncio.to_thread(service.ask, key) == (200, "ok")
                assert await introduce(first, key) == "connection_ack"
                async with opened(service):  # in the place that is free again
                    pass

        asyncio.run(open_many())


HEAVY = "{ clusters(first: 200) { edges { node { members(first: 50) { edges { cursor } } } } } }"
PAGE = "{ clusters(first: 1) { edges { cursor } } }"


def test_heavy_questions_are_shed_and_light_ones_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, begun = threading.Event(), []

    async def slow(self: Reader, name: str, **parameters: Any) -> list[dict[str, Any]]:
        if parameters.get("limit") == 2:
            return []
        begun.append(name)
        while not release.is_set():
            await asyncio.sleep(0.01)
        return []

    monkeypatch.setattr(Reader, "read_rows", slow)
    limits: dict[str, Any] = {
        "cost_at_once": 2 * MAX_COST,
        "principal_share": 0.5,
        "requests_waiting": 16,
        "wait_timeout": FAR,
    }
    with serving(tmp_path, **limits) as service, ThreadPoolExecutor(24) as pool:
        some = [service.key() for _ in range(4)]
        asked = [pool.submit(service.ask, key, HEAVY) for key in some * 5]
        until(lambda: sum(each.done() for each in asked) == 14)  # at once, as it takes on no more
        assert len(begun) == 2  # as many as there is room for; four wait
        assert service.ask(some[0], PAGE) == (200, "ok")  # while the heavy ones are under way
        release.set()
        answers = Counter(each.result() for each in asked)
    assert answers.pop((200, "ok")) == 6
    assert set(answers) <= {(503, "busy"), (429, "too_many_at_once")}


def test_a_question_that_does_not_begin_in_time_is_shed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    async def slow(self: Reader, name: str, **parameters: Any) -> list[dict[str, Any]]:
        while not release.is_set():
            await asyncio.sleep(0.01)
        return []

    monkeypatch.setattr(Reader, "read_rows", slow)
    with serving(tmp_path, requests_at_once=1, wait_timeout=0.2) as service, ThreadPoolExecutor() as pool:
        first = pool.submit(service.ask, service.key(), PAGE)
        until(lambda: get_services(service.app).concurrency_limit.turns.held == 1)
        assert service.ask(service.key(), PAGE) == (503, "busy")
        release.set()
        assert first.result() == (200, "ok")


def test_exports_of_one_key_take_its_share_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    async def slow(self: Worker, *args: object, **kwargs: object) -> SimpleNamespace:
        while not release.is_set():
            await asyncio.sleep(0.01)
        return SimpleNamespace(content=b"{}", hidden=0)

    monkeypatch.setattr(Worker, "run", slow)
    with serving(tmp_path, requests_at_once=4, requests_waiting=0) as service, ThreadPoolExecutor() as pool:
        mine, other = service.key(), service.key()

        def export(key: str) -> int:
            url = f"http://127.0.0.1:{service.port}/clusters/c/export"
            return httpx.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=FAR).status_code

        first = pool.submit(export, mine)
        until(lambda: get_services(service.app).concurrency_limit.inside == 1)
        assert export(mine) == 429
        assert service.ask(other) == (200, "ok")
        release.set()
        assert first.result() == 200


def test_what_a_request_reads_beyond_its_estimate_counts_too() -> None:
    async def run() -> None:
        gate = ConcurrencyLimit(8, 8, FAR, wait=0.05, cost_at_once=1000)
        async with gate.enter("a") as first, first.wait_for_turn(1):
            first.add_cost(LIGHT)
            assert gate.costs.held == 0
            first.add_cost(900)
            assert gate.costs.held == 900
            async with gate.enter("b") as light, light.wait_for_turn(LIGHT):
                pass
            with pytest.raises(Busy):
                async with gate.enter("b") as heavy, heavy.wait_for_turn(LIGHT + 1):
                    pass
        assert (gate.costs.held, gate.turns.held, gate.inside) == (0, 0, 0)

    asyncio.run(run())


def test_a_principal_waits_with_no_more_than_its_share() -> None:
    async def run() -> None:
        gate = ConcurrencyLimit(4, 4, FAR, share=0.25)
        async with gate.enter("a"), gate.enter("a"):
            with pytest.raises(TooManyAtOnce):
                await gate.enter("a").__aenter__()
            async with gate.enter("b"):
                pass
        assert gate.inside == 0

    asyncio.run(run())


def test_turns_go_to_the_principal_with_the_fewest() -> None:
    async def run() -> list[str]:
        slots, order = FairSlots(2, 1.0), list[str]()
        await slots.take_units("a", 1, FAR)
        await slots.take_units("a", 1, FAR)

        async def work(name: str) -> None:
            await slots.take_units(name, 1, FAR)
            order.append(name)
            await asyncio.sleep(0)
            slots.release_units(name, 1)

        tasks = []
        for name in "aaaabb":
            tasks.append(asyncio.create_task(work(name)))
            await asyncio.sleep(0)
        slots.release_units("a", 1)
        slots.release_units("a", 1)
        await asyncio.gather(*tasks)
        assert slots.held == 0
        return order

    order = asyncio.run(run())
    assert "b" in order[:2]  # though it came last
    assert sorted(order) == list("aaaabb")


steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.sampled_from(["take", "give", "leave"])),
    max_size=40,
)


@given(steps, st.integers(1, 8), st.sampled_from([0.25, 0.5, 1.0]))
def test_slots_are_never_given_twice_and_never_kept_from_who_fits(
    steps: list[tuple[str, int, str]], units: int, share: float
) -> None:
    async def run() -> None:
        slots = FairSlots(units, share)
        holding: list[tuple[str, int]] = []
        waiting: list[asyncio.Task[None]] = []

        async def take(name: str, wanted: int) -> None:
            await slots.take_units(name, wanted, FAR)
            holding.append((name, wanted))

        for name, wanted, step in steps:
            if step == "take":
                waiting.append(asyncio.create_task(take(name, wanted)))
            elif step == "give" and holding:
                slots.release_units(*holding.pop(wanted % len(holding)))
            elif step == "leave" and waiting:
                waiting[wanted % len(waiting)].cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            assert slots.held == sum(held for _, held in holding)
            assert slots.held <= units or len(holding) == 1
            for each in "abc":
                mine = [held for owner, held in holding if owner == each]
                assert sum(mine) <= slots._most or len(mine) == 1
            for owner, queue in slots._waiting.items():
                assert not queue or not slots._has_room(owner, queue[0][0])
        while holding:
            slots.release_units(*holding.pop())
            for _ in range(3):
                await asyncio.sleep(0)
        await asyncio.gather(*waiting, return_exceptions=True)
        assert slots.held == 0

    asyncio.run(run())


def test_an_analysis_that_gets_no_thread_in_time_is_refused_and_a_place_is_free_when_its_thread_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "THREADS", 1)

    async def run() -> None:
        release = threading.Event()
        async with Worker(NOWHERE, 1.0, 0.05) as works:
            first = asyncio.create_task(works.run(lambda _: release.wait(60)))
            await asyncio.sleep(0.01)
            with pytest.raises(Busy):
                await works.run(lambda _: 1)
            first.cancel()  # its thread goes on
            await asyncio.sleep(0.01)
            assert works.inside == 1
            release.set()
            while works.inside:
                await asyncio.sleep(0.01)
            assert await works.run(lambda _: 2) == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        (VIEWER, {}, 0),
        ("{ clusters(first: 7) { edges { cursor } } }", {}, 7),
        ("{ clusters { edges { cursor } } }", {}, DEFAULT_FIRST),
        (HEAVY, {}, MAX_COST),
        ("{ clusters(first: 10) { edges { node { members(first: 5) { edges { cursor } } } } } }", {}, 60),
        ("query Q($n: Int = 9) { clusters(first: $n) { edges { cursor } } }", {}, 9),
        ("query Q($n: Int = 9) { clusters(first: $n) { edges { cursor } } }", {"n": 3}, 3),
        ("query Q($n: Int!) { clusters(first: $n) { edges { cursor } } }", {"n": "many"}, DEFAULT_FIRST),
        ("query Q($n: Int!) { clusters(first: $n) { edges { cursor } } }", {"n": -5}, 1),
        ("{ ...A ...A } fragment A on Query { runs(first: 4) { edges { cursor } } }", {}, 8),
        ("{ ... { runs(first: 4) { edges { cursor } } } }", {}, 4),
        ("{ runs(first: 2000000000) { edges { cursor } } }", {}, 200),
    ],
)
def test_a_document_is_estimated_by_its_pages(document: str, variables: dict[str, Any], cost: int) -> None:
    assert estimate_cost(parse(document), None, variables) == cost


def test_the_estimate_is_of_the_operation_that_is_named() -> None:
    document = parse("query A { runs(first: 4) { edges { cursor } } } query B { viewer { keyId } }")
    assert [estimate_cost(document, name, None) for name in ("A", "B", "C")] == [4, 0, 0]


def test_a_statement_that_the_database_ends_for_its_time_is_ours_to_answer_for(
    database: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b RETURN count(a + b) AS count"
    monkeypatch.setattr(reading, "load_text", lambda _: endless)

    async def read() -> None:
        async with Reader(database.address, 0.5, Veil(b"a key for tests, 32 bytes long..")) as reader:
            await reader.read_rows("endless")

    with pytest.raises(TimedOut) as caught:
        asyncio.run(read())
    assert (caught.value.http_status, caught.value.code) == (503, "timed_out")
