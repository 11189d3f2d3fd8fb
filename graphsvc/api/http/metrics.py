"""Metrics for Prometheus: one registry an app, labels only of words that this program knows.

Where several processes serve, prometheus_client keeps what they count in files of a directory, and any of them answers
for all. What the database tells is read for each answer, and is in no process.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    Summary,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from graphsvc.api.http.concurrency_limit import ConcurrencyLimit
from graphsvc.api.http.request_info import RequestInfo
from graphsvc.api.workers.scheduler import load_health
from graphsvc.api.workers.worker import Worker
from graphsvc.errors import GraphsvcError
from graphsvc.store.queries.service import DELIVERIES_COUNTED, RUNS_COUNTED
from graphsvc.store.reader import Reader

SHOWN_SECONDS = 1.0
"""Between two times that a process shows what is under way in it: so old the answer of another process may be."""
DATABASE_GAUGES = {
    "graphsvc_database_up": ("Whether Neo4j answers: 1 or 0.", ""),
    "graphsvc_runs": ("Detection runs by status.", "status"),
    "graphsvc_published_run_age_seconds": ("Since the published run was finished.", ""),
    "graphsvc_schedule": (
        "The schedule of runs by a fact, as 1 or 0: paused, late, last_run_failed. No value without a schedule.",
        "fact",
    ),
    "graphsvc_schedule_late_seconds": ("How late the next scheduled run is; 0: it is not.", ""),
    "graphsvc_schedule_next_run_timestamp_seconds": (
        "When the next scheduled run starts, in seconds since 1970; 0: paused, or no schedule.",
        "",
    ),
    "graphsvc_webhook_deliveries": (
        "Events that wait for their delivery, and those that were given up.",
        "state",
    ),
}
"""What is read from the database for each answer: in words, and its label if it has one."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COSTS = (1, 10, 50, 100, 500, 1_000, 5_000, 10_000)


class Metrics:
    """Counters of served requests, and gauges that are read at each scrape."""

    def __init__(self, shared: Path | None = None) -> None:
        """Make the metrics.

        Args:
            shared: directory where the processes of a service keep their values; None: there is one process.
        """
        # One registry an app: the default one is global, and two apps in a test would clash.
        self.registry = registry = CollectorRegistry()
        self._shared = shared
        self._counted: Collector = registry
        if shared is not None:
            self._counted = MultiProcessCollector(None, str(shared))  # type: ignore[no-untyped-call]
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
        self._websockets = Gauge(
            "graphsvc_websockets",
            "Open WebSocket connections.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._inside = Gauge(
            "graphsvc_requests_inside",
            "GraphQL requests that are executed or wait for it.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._works = Gauge(
            "graphsvc_works_inside",
            "Analyses and writes that are done or wait for it.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._connections = Gauge(
            "graphsvc_database_connections",
            "Connections to Neo4j.",
            ["state"],
            registry=registry,
            multiprocess_mode="livesum",
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

    def show_process(self, limit: ConcurrencyLimit, worker: Worker, reader: Reader) -> None:
        """Show what is under way in this process."""
        self._inside.set(limit.inside)
        self._works.set(worker.inside)
        for name, number in reader.count_connections().items():
            self._connections.labels(name).set(number)

    async def build_answer(self, limit: ConcurrencyLimit, worker: Worker, reader: Reader) -> bytes:
        """Build the text of all metrics. A database that does not answer shows as down."""
        read = _Read(await _read_database(reader))
        self.show_process(limit, worker, reader)
        answer = CollectorRegistry()
        for each in (self._counted, _Processes(self._shared), read):
            answer.register(each)
        return generate_latest(answer)


class _Processes(Collector):
    """The standard metrics of processes, summed over all that serve; of the time of start the first one."""

    def __init__(self, shared: Path | None) -> None:
        # Gauges of a process that ended are removed, and what it counted is kept.
        files = shared.glob("gauge_live*.db") if shared else ()
        found = {path.stem.rpartition("_")[2] for path in files} or {"self"}
        self._processes = [ProcessCollector(pid=partial(str, each), registry=None) for each in sorted(found)]

    def collect(self) -> Iterable[Metric]:
        """Return a metric a name."""
        metrics: dict[str, Metric] = {}
        for metric in (each for process in self._processes for each in process.collect()):
            first = metrics.setdefault(metric.name, metric)
            if first is not metric:
                combine = min if metric.name == "process_start_time_seconds" else sum
                value = combine(each.samples[0].value for each in (first, metric))
                first.samples = [first.samples[0]._replace(value=value)]
        return metrics.values()


class _Read(Collector):
    """Metrics that were read for one answer."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._metrics


async def _read_database(reader: Reader) -> Iterable[Metric]:
    """Read what the database tells: runs, schedule and webhooks."""
    values: dict[str, Mapping[str, float]] = {"graphsvc_database_up": {"": 0}}
    # A database that does not answer tells nothing else.
    with suppress(GraphsvcError):
        values = await _read_values(reader)
    return [_build_gauge(name, values[name]) for name in DATABASE_GAUGES if name in values]


async def _read_values(reader: Reader) -> dict[str, Mapping[str, float]]:
    """Read the values of the gauges of the database, by name and by the word of the label."""
    counts = await reader.read(RUNS_COUNTED)
    schedule = await load_health(reader)
    (deliveries,) = await reader.read(DELIVERIES_COUNTED)
    ages = [count.age for count in counts if count.age is not None]
    at = schedule.next_run_at if schedule else None
    return {
        "graphsvc_database_up": {"": 1},
        "graphsvc_runs": {count.status: count.runs for count in counts},
        "graphsvc_published_run_age_seconds": {"": ages[-1] if ages else 0},
        "graphsvc_schedule": {
            "paused": schedule.is_paused,
            "late": schedule.late_seconds > 0,
            "last_run_failed": schedule.last_run_failed,
        }
        if schedule
        else {},
        "graphsvc_schedule_late_seconds": {"": schedule.late_seconds if schedule else 0},
        "graphsvc_schedule_next_run_timestamp_seconds": {"": at.timestamp() if at else 0},
        "graphsvc_webhook_deliveries": {"pending": deliveries.pending, "dead": deliveries.dead},
    }


def _build_gauge(name: str, values: Mapping[str, float]) -> Metric:
    """Build a gauge of the database with a value a word of its label."""
    words, label = DATABASE_GAUGES[name]
    gauge = GaugeMetricFamily(name, words, labels=[label] if label else [])
    for word, value in values.items():
        gauge.add_metric([word] if label else [], float(value))
    return gauge
