"""Around every request: an id, a cap on the body, headers that keep a browser careful. Plain ASGI."""

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphsvc.api.errors import BadInput, failure

MAX_BODY_BYTES = 64 * 1024


class BodyTooLarge(BadInput):
    """A request body beyond the cap."""

    code = "body_too_large"
    http_status = 413


class Edge:
    """Gives each request an id, refuses bodies beyond `MAX_BODY_BYTES` and sets the common headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; the lifespan passes through."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        read = 0

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        async def receive_capped() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                raise _too_large()
            return message

        declared = Headers(scope=scope).get("content-length", "0")
        if scope["type"] == "http" and declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
            await failure(_too_large(), request_id)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive_capped, send_with_headers)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The request is larger than {MAX_BODY_BYTES} bytes.", "Send a smaller document.")
