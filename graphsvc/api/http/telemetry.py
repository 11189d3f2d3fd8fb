"""The outermost middleware: each request's facts, span, log line and metrics. Plain ASGI."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphsvc.api.http.request_info import RequestInfo, choose_request_id
from graphsvc.api.services import Services, get_services
from graphsvc.store.watch import Watcher, watch_statements

log = logging.getLogger("graphsvc.requests")


class Telemetry:
    """Collects facts of each request, and reports its statements and, at the end, the request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or one WebSocket. Lifespan events pass through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        services = get_services(scope["app"])
        headers = Headers(scope=scope)
        request_info = RequestInfo(choose_request_id(headers.get("x-request-id", "")))
        scope.setdefault("state", {}).update(request_info=request_info, request_id=request_info.id)
        began = time.perf_counter()
        status = 0 if scope["type"] == "websocket" else 500

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            await send(message)

        method = scope.get("method", "WEBSOCKET")
        opened = services.metrics.websockets if method == "WEBSOCKET" else nullcontext()
        with (
            opened,
            services.traces.start_span(method, headers) as span,
            watch_statements(_make_watcher(services)),
        ):
            try:
                await self._app(scope, receive, watched_send)
            finally:
                seconds = time.perf_counter() - began
                said = {
                    "request_id": request_info.id,
                    "method": method,
                    # The raw path can hold ids of accounts, which must not reach the log.
                    "path": _get_route(scope),
                    "status": status,
                    "ms": round(seconds * 1e3, 1),
                    "principal": request_info.principal,
                    "kind": request_info.kind,
                    "operation": request_info.operation,
                    "cost": request_info.cost,
                    "codes": request_info.codes,
                }
                log.info(
                    "request", extra={name: value for name, value in said.items() if value not in ("", [])}
                )
                if scope["type"] == "http":
                    services.metrics.count_request(request_info, status, seconds)
                if span is not None:
                    span.update_name(f"{method} {_get_route(scope)}")
                    span.set_attribute("http.response.status_code", status)
                    span.set_attribute("graphsvc.request_id", request_info.id)


def _make_watcher(services: Services) -> Watcher:
    @contextmanager
    def watch(name: str) -> Iterator[None]:
        with services.traces.start_span(name), services.metrics.measure_statement(name):
            yield

    return watch


def _get_route(scope: Scope) -> str:
    """Return the path of the matched route, with names in place of values; `unknown` for any other path."""
    return getattr(scope.get("route"), "path", "") or "unknown"
