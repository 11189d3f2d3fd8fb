"""The first checks of a request: host name, body size, request rate; and headers that protect browsers.

Plain ASGI. It runs inside `telemetry` and around all else.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphsvc.api.errors import BadInput, build_response
from graphsvc.api.http.concurrency_limit import TooManyAtOnce
from graphsvc.api.http.rate_limits import ANONYMOUS, KEYED, WEBSOCKET, RateLimits, find_network
from graphsvc.errors import GraphsvcError
from graphsvc.settings import Settings

MAX_BODY_BYTES = 64 * 1024
LARGER = {"/v1/score": 2 << 20, "/v1/outcomes": 1 << 20}
"""Paths that take more: a thousand sign-ups of some 300 bytes each, and prompts; a thousand outcomes with reasons."""
READ_RATE = 2_000
"""Bytes a second that a request must bring after its first seconds. Apache's mod_reqtimeout asks for 500; a body has at
most 64 KiB here, so that 2,000 give it half a minute."""
UNKNOWN = 64
"""Requests of one address that are under way before it is known who asks: without a key, or WebSockets that did not yet
say it. A browser has six connections; these take milliseconds each."""
PROBES = frozenset(("/healthz", "/readyz"))
"""Asked by those who watch over the service: at any time, by any name."""
METRICS = "/metrics"
"""Asked by any name too: Prometheus asks each pod by its address. A page that rebinds its name has no key to send."""
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_REFUSED = frozenset((1008, 4401, 4403))
"""With these a WebSocket is closed that is not let in."""
_UNREAD = frozenset((408, 413))
"""With these a connection is closed: the rest of the request is not read."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class BodyTooLarge(BadInput):
    """A request body, or a message of a WebSocket, beyond the cap."""

    code = "body_too_large"
    http_status = 413


class RequestTimeout(GraphsvcError):
    """A request that arrives too slowly."""

    code = "request_timeout"
    http_status = 408


class UnknownHost(BadInput):
    """A request by a name that is not the service's."""

    code = "unknown_host"
    http_status = 421


class RequestGuard:
    """Rejects requests that must not enter, and sets the common headers."""

    def __init__(self, app: ASGIApp, settings: Settings, rates: RateLimits) -> None:
        self._app = app
        self._rates = rates
        self._read_timeout = settings.read_timeout
        self._unknown: Counter[str] = Counter()
        given = {host.strip().lower() for host in settings.allowed_hosts.split(",")}
        self._hosts = given | {settings.host.lower(), *_LOOPBACK}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or one WebSocket. Lifespan events pass through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = scope["state"]["request_id"]
        client = (scope.get("client") or ("unknown",))[0]
        kind = _get_kind(scope, headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                if message["status"] in _UNREAD:
                    answer["Connection"] = "close"
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
            # A refused sign-in costs as many requests, so guessing keys runs into the rate limit.
            if message.get("status") == 401 or message.get("code") in _REFUSED:
                self._rates.count_refusal(client, kind)
            await send(message)

        unknown = scope["state"]["unknown"] = ExitStack()
        try:
            self._check_request(scope, headers, client, kind)
            if kind != KEYED and _get_path(scope) not in PROBES:
                unknown.enter_context(self._count_unknown(client))
        except GraphsvcError as error:
            if scope["type"] == "websocket":
                # ASGI: a WebSocket can be closed only after its connect event was received.
                await receive()
                await send({"type": "websocket.close", "code": 1013 if error.http_status == 429 else 1008})
            else:
                scope["state"]["request_info"].codes.append(error.code)
                await build_response(error, request_id)(scope, receive, send_with_headers)
            return
        with unknown:
            most = LARGER.get(_get_path(scope), MAX_BODY_BYTES)
            await self._app(scope, _Body(receive, self._read_timeout, most), send_with_headers)

    @contextmanager
    def _count_unknown(self, client: str) -> Iterator[None]:
        """Count a request of an address while it is unknown who asks.

        Raises:
            TooManyAtOnce: there are as many of this address as there may be.
        """
        network = find_network(client)
        if self._unknown[network] >= UNKNOWN:
            raise TooManyAtOnce(
                f"This address has {UNKNOWN} requests without a key under way, as many as it may.",
                "Wait for one to be answered.",
            )
        self._unknown[network] += 1
        try:
            yield
        finally:
            self._unknown[network] -= 1
            # Without this the counter would grow with every address that ever asked.
            if not self._unknown[network]:
                del self._unknown[network]

    def _check_request(self, scope: Scope, headers: Headers, client: str, kind: str) -> None:
        path = _get_path(scope)
        if path in PROBES:
            return
        self._rates.count_request(client, kind)
        if (
            path != METRICS
            and "*" not in self._hosts
            and _parse_host(headers.get("host", "")) not in self._hosts
        ):
            raise UnknownHost(
                "The service is not known by this name.",
                "Add it to GRAPHSVC_ALLOWED_HOSTS, or ask by another.",
            )
        # Reject a large body before any of it is read. `_Body` enforces the limit for chunked bodies.
        declared = headers.get("content-length", "0")
        if (
            scope["type"] == "http"
            and declared.isdecimal()
            and int(declared) > LARGER.get(path, MAX_BODY_BYTES)
        ):
            raise _build_too_large_error(LARGER.get(path, MAX_BODY_BYTES))


class _Body:
    """The messages of a request or a WebSocket, limited in size and, for a body, in time."""

    def __init__(self, receive: Receive, timeout: float, most: int = MAX_BODY_BYTES) -> None:
        self._most = most
        self._receive = receive
        self._timeout = timeout
        self._began = 0.0
        self._read = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            BodyTooLarge: the body, or the message of a WebSocket, is beyond the cap.
            RequestTimeout: the body brings too little in the time since it was first asked for.
        """
        # The time begins when the app first asks, since a queued request reads its body late.
        self._began = self._began or time.monotonic()
        ends = self._began + self._timeout + self._read / READ_RATE
        try:
            async with asyncio.timeout(None if self._is_whole else ends - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimeout(
                "The body of the request did not arrive in time.", "Send it at once."
            ) from None
        if message["type"] == "websocket.receive":
            self._read = len(message.get("bytes") or (message.get("text") or "").encode())
        else:
            self._read += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._read > self._most:
            raise _build_too_large_error(self._most)
        return message


def _get_path(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _get_kind(scope: Scope, headers: Headers) -> str:
    if scope["type"] == "websocket":
        return WEBSOCKET
    return KEYED if "authorization" in headers else ANONYMOUS


def _parse_host(host: str) -> str:
    """Return the name in a `Host` header, without its port."""
    # An IPv6 address stands in brackets, and its colons are no port.
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def _build_too_large_error(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request is larger than {most} bytes.", "Send a smaller document.")
