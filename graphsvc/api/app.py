"""The app factory. One lifespan opens and closes what the process holds."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from graphsvc.api import errors
from graphsvc.api.auth.keys import KeyRing
from graphsvc.api.auth.oidc import build_issuer
from graphsvc.api.auth.sign_in import build_sign_in
from graphsvc.api.http.concurrency_limit import ConcurrencyLimit
from graphsvc.api.http.metrics import SHOWN_SECONDS, Metrics
from graphsvc.api.http.prefix import Prefix
from graphsvc.api.http.rate_limits import RateLimits
from graphsvc.api.http.request_guard import RequestGuard
from graphsvc.api.http.telemetry import Telemetry
from graphsvc.api.http.traces import build_traces
from graphsvc.api.http.transport import build_router
from graphsvc.api.routers import (
    browser_kit,
    console,
    exports,
    graphiql,
    health,
    metrics,
    openapi,
    outcomes,
    score,
    sign_in,
)
from graphsvc.api.schema import build_schema
from graphsvc.api.services import Services
from graphsvc.api.subscriptions.pubsub import PubSub
from graphsvc.api.workers.detection_process import DetectionProcesses
from graphsvc.api.workers.recorder import Recorder
from graphsvc.api.workers.scheduler import Scheduler
from graphsvc.api.workers.scorer import AUDITED_SECONDS, Scorer, write_counts
from graphsvc.api.workers.worker import Worker
from graphsvc.delivery.sender import Sender, build_sender
from graphsvc.errors import GraphsvcError
from graphsvc.model.schedule import Plan
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.signing import load_or_create_signer
from graphsvc.store import Address, Store
from graphsvc.store.cluster_files import ClusterFiles
from graphsvc.store.reader import Reader
from graphsvc.store.snapshots import Snapshots


def create_app(
    settings: Settings, address: Address, plan: Plan | None = None, shared: Path | None = None
) -> FastAPI:
    """Build the app: the console at `/`, `/graphql`, `/browser`, `/metrics`, `/healthz` and `/readyz`.

    It starts and stays up whether or not the database answers. `Services.draining` makes `/readyz` say that the
    service is about to stop.

    Args:
        settings: of the installation.
        address: of the database.
        plan: when detection runs are due; None: this process starts none by itself.
        shared: directory where all processes of the service count; None: there is one process.
    """
    services = _build_services(settings, shared)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            Reader(address, settings.query_timeout, load_or_create_veil(settings)) as services.reader,
            Worker(address, settings.query_timeout, settings.wait_timeout) as services.worker,
            _send_events(settings, address) as services.sender,
        ):
            services.pubsub = PubSub(services.reader)
            services.recorder = Recorder(services.worker, settings, services.tokens, services.signer)
            services.processes = DetectionProcesses(services.worker, settings)
            services.concurrency_limit = ConcurrencyLimit(
                settings.divide(settings.requests_at_once),
                # Not divided: a request waits where its connection is, and one process may have all of a key.
                settings.requests_waiting,
                settings.request_timeout,
                wait=settings.wait_timeout,
                share=settings.principal_share,
                cost_at_once=settings.divide(settings.cost_at_once),
            )
            tasks = [
                asyncio.create_task(_audit_scores(services)),
                asyncio.create_task(services.scorer.follow_recent(services.worker)),
            ]
            if shared is not None:
                tasks.append(asyncio.create_task(_show_process(services)))
            async with _run_schedule(services, plan):
                yield
            for task in tasks:
                task.cancel()
            await _write_scores(services)
            services.processes.close()
        services.traces.close()

    # No OpenAPI pages: their script would come from a CDN, and GraphiQL documents the API.
    app = FastAPI(title="graphsvc", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.services = services
    app.add_middleware(RequestGuard, settings, services.rate_limits)
    app.add_middleware(Telemetry)
    app.add_middleware(Prefix, settings.root_path)  # the last is the outermost
    # For requests and WebSockets alike; the types know handlers of one of them only.
    app.add_exception_handler(GraphsvcError, errors.handle_error)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, errors.handle_http)
    app.add_exception_handler(Exception, errors.handle_unexpected)
    app.include_router(health.router)
    app.include_router(console.router)
    app.include_router(sign_in.router)
    app.include_router(graphiql.router)
    app.include_router(metrics.router)
    app.include_router(exports.router)
    app.include_router(score.router)
    app.include_router(outcomes.router)
    app.include_router(openapi.router)
    app.router.routes.insert(0, score.build_first_route())
    app.router.routes.extend(browser_kit.build_routes(address.uri))
    app.include_router(build_router(build_schema()))
    app.mount("/console", console.build_static_files())
    app.mount("/graphiql", graphiql.build_static_files())
    return app


@asynccontextmanager
async def _run_schedule(services: Services, plan: Plan | None) -> AsyncIterator[None]:
    """Start runs that are due while the block lasts."""
    if plan is None:
        yield
        return
    scheduler = services.scheduler = Scheduler(
        services.worker, services.processes, services.signer, plan, is_draining=lambda: services.draining
    )
    looking = asyncio.create_task(scheduler.run())
    yield
    scheduler.stop()
    await looking


@asynccontextmanager
async def _send_events(settings: Settings, address: Address) -> AsyncIterator[Sender]:
    """Send events to webhooks in threads of their own while the block lasts."""
    with Store(address, settings.query_timeout) as store:
        sender = build_sender(store, settings)
        thread = threading.Thread(target=sender.run, name="graphsvc-webhooks", daemon=True)
        thread.start()
        yield sender
        sender.stop()
        await asyncio.to_thread(thread.join)


async def _audit_scores(services: Services) -> None:
    """Write the counts of scores to the audit log, again and again."""
    while True:
        await asyncio.sleep(AUDITED_SECONDS)
        await _write_scores(services)


async def _write_scores(services: Services) -> None:
    """Write the counts of scores to the audit log. What cannot be written is tried again."""
    counts = services.scorer.counts.take()
    if not counts:
        return
    try:
        left = await services.worker.run(write_counts, services.signer, counts)
    except GraphsvcError:
        left = counts
    services.scorer.counts.give_back(left)


async def _show_process(services: Services) -> None:
    """Show what is under way in this process, again and again: another one may be asked for the metrics."""
    while True:
        services.metrics.show_process(services.concurrency_limit, services.worker, services.reader)
        await asyncio.sleep(SHOWN_SECONDS)


def _build_services(settings: Settings, shared: Path | None) -> Services:
    """Build the services that need no event loop.

    Raises:
        SettingsError: a setting is not usable.
    """
    rate_limits, traces = RateLimits(settings, shared), build_traces(settings)
    issuer, tokens = build_issuer(settings), load_or_create_key(settings)
    return Services(
        settings=settings,
        metrics=Metrics(shared),
        rate_limits=rate_limits,
        traces=traces,
        keys=KeyRing(settings.keys_dir),
        issuer=issuer,
        sign_in=build_sign_in(settings, issuer),
        signer=load_or_create_signer(settings),
        tokens=tokens,
        scorer=Scorer(settings, tokens),
        clusters=ClusterFiles(Snapshots(settings.runs_dir, settings.keep_runs)),
    )
