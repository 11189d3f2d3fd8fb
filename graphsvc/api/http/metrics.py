"""Metrics for Prometheus: one registry an app, labels only of words that this program knows."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    Summary,
)

from graphsvc.api.http.concurrency_limit import ConcurrencyLimit
from graphsvc.api.http.request_info import RequestInfo
from graphsvc.api.workers.scheduler import load_health
from graphsvc.api.workers.worker import Worker
from graphsvc.errors import GraphsvcError
from graphsvc.model.schedule import ScheduleHealth
from graphsvc.store.queries.service import DELIVERIES_COUNTED, RUNS_COUNTED
from graphsvc.store.reader import Reader

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COSTS = (1, 10, 50, 100, 500, 1_000, 5_000, 10_000)


class Metrics:
    """Counters of served requests, and gauges that are read at each scrape."""

    def __init__(self) -> None:
        # One registry an app: the default one is global, and two apps in a test would clash.
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "graphsvc_requests",
            "Requests by kind and by the code they ended with.",
            ["kind", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "graphsvc_request_seconds",
            "How long requests took.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._cost = Histogram(
            "graphsvc_request_cost",
            "Rows that operations were charged for.",
            buckets=_COSTS,
            registry=registry,
        )
        self._statements = Summary(
            "graphsvc_statement_seconds", "How long Cypher statements took.", ["statement"], registry=registry
        )
        self._failed = Counter(
            "graphsvc_database_errors", "Statements that failed, by code.", ["code"], registry=registry
        )
        self._websockets = Gauge("graphsvc_websockets", "Open WebSocket connections.", registry=registry)
        self._inside = Gauge(
            "graphsvc_requests_inside",
            "GraphQL requests that are executed or wait for it.",
            registry=registry,
        )
        self._works = Gauge(
            "graphsvc_works_inside", "Analyses and writes that are done or wait for it.", registry=registry
        )
        self._connections = Gauge(
            "graphsvc_database_connections", "Connections to Neo4j.", ["state"], registry=registry
        )
        self._up = Gauge("graphsvc_database_up", "Whether Neo4j answers: 1 or 0.", registry=registry)
        self._runs = Gauge("graphsvc_runs", "Detection runs by status.", ["status"], registry=registry)
        self._age = Gauge(
            "graphsvc_published_run_age_seconds", "Since the published run was finished.", registry=registry
        )
        self._schedule = Gauge(
            "graphsvc_schedule",
            "The schedule of runs by a fact, as 1 or 0: paused, late, last_run_failed. No value without a schedule.",
            ["fact"],
            registry=registry,
        )
        self._late = Gauge(
            "graphsvc_schedule_late_seconds",
            "How late the next scheduled run is; 0: it is not.",
            registry=registry,
        )
        self._next = Gauge(
            "graphsvc_schedule_next_run_timestamp_seconds",
            "When the next scheduled run starts, in seconds since 1970; 0: paused, or no schedule.",
            registry=registry,
        )
        self._deliveries = Gauge(
            "graphsvc_webhook_deliveries",
            "Events that wait for their delivery, and those that were given up.",
            ["state"],
            registry=registry,
        )

    @property
    def websockets(self) -> AbstractContextManager[object]:
        """Return a context manager for the life of a WebSocket."""
        return self._websockets.track_inprogress()

    def count_request(self, request_info: RequestInfo, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        # The first code only: labels of combinations would multiply without bound.
        code = request_info.codes[0] if request_info.codes else "ok" if status < 400 else f"http_{status}"
        self._requests.labels(request_info.kind, code).inc()
        self._seconds.labels(request_info.kind).observe(seconds)
        if request_info.cost:
            self._cost.observe(request_info.cost)

    @contextmanager
    def measure_statement(self, name: str) -> Iterator[None]:
        """Measure a statement while the block runs."""
        began = time.perf_counter()
        try:
            yield
        # Other exceptions are faults of ours, and are counted with the request.
        except GraphsvcError as error:
            self._failed.labels(error.code).inc()
            raise
        finally:
            self._statements.labels(name).observe(time.perf_counter() - began)

    async def update_gauges(self, limit: ConcurrencyLimit, worker: Worker, reader: Reader) -> None:
        """Read what is not counted along the way. A database that does not answer shows as down."""
        self._inside.set(limit.inside)
        self._works.set(worker.inside)
        for name, number in reader.count_connections().items():
            self._connections.labels(name).set(number)
        try:
            counts = await reader.read(RUNS_COUNTED)
            schedule = await load_health(reader)
            (deliveries,) = await reader.read(DELIVERIES_COUNTED)
        except GraphsvcError:
            self._up.set(0)
            return
        self._up.set(1)
        self._deliveries.labels("pending").set(deliveries.pending)
        self._deliveries.labels("dead").set(deliveries.dead)
        # A status without runs must disappear, not keep its last number.
        self._runs.clear()
        for count in counts:
            self._runs.labels(count.status).set(count.runs)
            if count.age is not None:
                self._age.set(count.age)
        self._show_schedule(schedule)

    def _show_schedule(self, schedule: ScheduleHealth | None) -> None:
        self._schedule.clear()
        self._late.set(schedule.late_seconds if schedule else 0)
        at = schedule.next_run_at if schedule else None
        self._next.set(at.timestamp() if at else 0)
        if schedule:
            self._schedule.labels("paused").set(schedule.is_paused)
            self._schedule.labels("late").set(schedule.late_seconds > 0)
            self._schedule.labels("last_run_failed").set(schedule.last_run_failed)
