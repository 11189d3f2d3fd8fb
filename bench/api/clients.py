"""Clients that ask again as soon as they are answered: over HTTP, and with bare Cypher over the driver."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import neo4j
import numpy as np
import psutil

from bench.api.book import Service
from bench.api.questions import Question
from graphsvc.statements import load_text

WARM = 2.0
"""Seconds before each measurement that do not count."""

Ask = Callable[[int], Awaitable[None]]


async def over_http(service: Service, question: Question, clients: int, seconds: float) -> dict[str, Any]:
    """Latencies of POST requests, a connection a client, kept alive."""

    async def connected() -> Ask:
        reader, writer = await asyncio.open_connection(service.host, service.port)
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: {service.host}:{service.port}\r\nAuthorization: Bearer {service.key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

        async def ask(number: int) -> None:
            body = question.bodies[number % len(question.bodies)]
            writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            said = await reader.readuntil(b"\r\n\r\n")
            length = int(said.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            if not said.startswith(b"HTTP/1.1 200") or b'"errors"' in answer:
                raise SystemExit(f"{question.name}: {answer[:500]!r}")

        return ask

    return await measure_clients(service, [await connected() for _ in range(clients)], seconds)


async def over_driver(service: Service, question: Question, clients: int, seconds: float) -> dict[str, Any]:
    """Latencies of the statements behind each answer, one after the other, in a session each; rows as dictionaries."""
    where = service.database
    credentials = (where.user, where.password.get_secret_value())
    async with neo4j.AsyncGraphDatabase.driver(where.uri, auth=credentials) as driver:

        async def read(name: str, parameters: dict[str, Any]) -> None:
            async def work(tx: neo4j.AsyncManagedTransaction) -> None:
                result = await tx.run(load_text(name), parameters)
                [record.data() async for record in result]

            async with driver.session(
                database=where.database, default_access_mode=neo4j.READ_ACCESS
            ) as session:
                await session.execute_read(work)

        async def ask(number: int) -> None:
            for name, parameters in question.behind[number % len(question.behind)]:
                await read(name, parameters)

        return await measure_clients(service, [ask] * clients, seconds)


async def measure_clients(service: Service, clients: list[Ask], seconds: float) -> dict[str, Any]:
    """Milliseconds at p50, p95 and p99, answers a second, and the CPU that service and database used an answer."""
    taken: list[float] = []
    began = time.perf_counter() + WARM
    end = began + seconds
    load = os.getloadavg()[0]

    async def client(ask: Ask, number: int) -> None:
        while (start := time.perf_counter()) < end:
            await ask(number)
            if start >= began:
                taken.append(time.perf_counter() - start)
            number += 1

    async def used() -> tuple[float, float]:
        await asyncio.sleep(max(began - time.perf_counter(), 0.0))
        return _cpu(service)

    before, *_ = await asyncio.gather(
        used(), *(client(ask, 7 * number) for number, ask in enumerate(clients))
    )
    after = _cpu(service)
    p50, p95, p99 = np.percentile(np.array(taken) * 1e3, [50, 95, 99])
    return {
        "clients": len(clients),
        "answers": len(taken),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "a_second": len(taken) / seconds,
        "service_cpu": (after[0] - before[0]) / len(taken) * 1e3,
        "database_cpu": (after[1] - before[1]) / len(taken) * 1e3,
        "load": load,
    }


def _cpu(service: Service) -> tuple[float, float]:
    """Seconds used so far by the service, all its processes, and by the database."""
    first = psutil.Process(service.process)
    ours = [each.cpu_times() for each in (first, *first.children(recursive=True))]
    theirs = psutil.Process(service.database_process).cpu_times()
    return sum(each.user + each.system for each in ours), theirs.user + theirs.system
