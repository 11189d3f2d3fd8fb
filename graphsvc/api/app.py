"""The app factory. One lifespan opens and closes what the process holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from graphsvc.api import errors
from graphsvc.api.auth import oidc, sign_in
from graphsvc.api.auth.keys import KeyRing
from graphsvc.api.http import metrics, traces
from graphsvc.api.http.concurrency_limit import ConcurrencyLimit
from graphsvc.api.http.metrics import Metrics
from graphsvc.api.http.prefix import Prefix
from graphsvc.api.http.rate_limits import RateLimits
from graphsvc.api.http.request_guard import RequestGuard
from graphsvc.api.http.telemetry import Telemetry
from graphsvc.api.http.transport import build_router
from graphsvc.api.routers import browser_kit, console, exports, graphiql, health
from graphsvc.api.schema import build_schema
from graphsvc.api.subscriptions.pubsub import PubSub
from graphsvc.api.workers.detection_process import DetectionProcesses
from graphsvc.api.workers.worker import Worker
from graphsvc.errors import GraphsvcError
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.signing import load_or_create_signer
from graphsvc.store import Address
from graphsvc.store.reader import Reader


def create_app(settings: Settings, address: Address) -> FastAPI:
    """Build the app: the console at `/`, `/graphql`, `/browser`, `/metrics`, `/healthz` and `/readyz`.

    It starts and stays up whether or not the database answers. `state.draining` makes `/readyz` say that the
    service is about to stop.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            Reader(address, settings.query_timeout, load_or_create_veil(settings)) as app.state.reader,
            Worker(address, settings.query_timeout, settings.wait_timeout) as app.state.worker,
        ):
            app.state.pubsub = PubSub(app.state.reader)
            app.state.processes = DetectionProcesses(app.state.worker, settings)
            app.state.gate = ConcurrencyLimit(
                settings.requests_at_once,
                settings.requests_waiting,
                settings.request_timeout,
                wait=settings.wait_timeout,
                share=settings.principal_share,
                cost_at_once=settings.cost_at_once,
            )
            yield
            app.state.processes.close()
        app.state.traces.close()

    # No OpenAPI pages: their script would come from a CDN, and GraphiQL documents the API.
    app = FastAPI(title="graphsvc", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.draining = False
    app.state.metrics = Metrics()
    app.state.rates = RateLimits(settings)
    app.state.traces = traces.build_traces(settings)
    app.state.keys = KeyRing(settings.keys_dir)
    app.state.issuer = oidc.build_issuer(settings)
    app.state.sign_in = sign_in.build_sign_in(settings, app.state.issuer)
    app.state.signer = load_or_create_signer(settings)
    app.state.tokens = load_or_create_key(settings)
    app.add_middleware(RequestGuard, settings, app.state.rates)
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
    app.router.routes.extend(browser_kit.build_routes(address.uri))
    app.include_router(build_router(build_schema()))
    app.mount("/console", console.build_static_files())
    app.mount("/graphiql", graphiql.build_static_files())
    return app
