"""HTTP/1.1 of one connection: deadlines for what arrives slowly, strict framing, and refusals that clients can read.

uvicorn has no deadline for the head of a request and closes a connection while the client still sends, which resets it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from graphsvc.api.errors import BadInput, build_response
from graphsvc.api.http.framing import StrictConnection
from graphsvc.api.http.request_guard import READ_RATE, RequestTimeout
from graphsvc.api.http.request_info import choose_request_id
from graphsvc.errors import GraphsvcError
from graphsvc.settings import Settings

DRAIN_BYTES = 32 << 20
"""Bytes of a refused request that are read and thrown away, so that its client reads the answer."""
DRAIN_RATE = 256 << 10
"""Bytes a second that a refused request must bring; 5 MB take 20 s at most."""
HEAD_BYTES = 16 << 10
"""Bytes of request line and fields, as h11 has it by default."""


class BadFraming(BadInput):
    """A request that is malformed, or that two programs could read differently."""

    code = "bad_framing"


class HeadTooLarge(BadInput):
    """A request whose line and fields are beyond the cap."""

    code = "head_too_large"
    http_status = 431


def make_protocol_class(settings: Settings) -> type["HttpProtocol"]:
    """Return the protocol for uvicorn's `http`, with the deadlines of these settings."""
    # uvicorn takes a class and gives it no settings, so they become attributes of a subclass.
    return type("HttpProtocol", (HttpProtocol,), {"read_timeout": settings.read_timeout})


class HttpProtocol(H11Protocol):
    """One connection of a client."""

    read_timeout = 10.0
    """Seconds a head may take, before what `READ_RATE` adds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # After `super().__init__`, which sets h11's own connection.
        self.conn: StrictConnection = StrictConnection(h11.SERVER, HEAD_BYTES)
        self._socket: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._arrived = 0
        self._is_rest = False
        """Whether what arrives is the rest of a request that is answered already."""
        self._is_draining = False
        """Whether what arrives is thrown away, and the answer's side is closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and give the client the time of a head."""
        # Kept beside uvicorn's: closing goes through `_Careful`, which must not close itself.
        self._socket = transport
        super().connection_made(cast(asyncio.Transport, _Careful(transport, self._close)))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; a request under way learns that its client is gone."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; of a request that was refused, read and throw away."""
        self._arrived += len(data)
        if self._is_draining:
            if self._arrived > DRAIN_BYTES:
                self._socket.abort()
            return
        super().data_received(data)
        if self._is_draining or self._socket.is_closing():
            return
        # Between requests or in a head: its time runs. In a body `edge` has the deadline.
        if self.conn.their_state is h11.IDLE:
            if self._timer is None or self._is_rest:
                self._await_head()
        elif not self._is_rest:
            self._stop_timer()
        # The rest of an answered request is read for the connection's sake, within bounds.
        elif self._arrived > DRAIN_BYTES:
            self._socket.abort()

    def on_response_complete(self) -> None:
        """Continue with the next request. The rest of this one has a limited time."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self._is_draining and not self._socket.is_closing():
            self._unset_keepalive_if_required()
            self._start_timer(DRAIN_RATE, self._socket.close)
            self._is_rest = True

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Pass the connection on to the WebSocket protocol."""
        self._stop_timer()
        # The WebSocket protocol closes by its own rules.
        self.transport = self._socket
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Refuse a request whose end is not known, and close."""
        error: GraphsvcError = BadFraming(
            "The request is no HTTP/1.1 that can be read in one way only.", "Nothing after it is read."
        )
        # h11 reports both as one error; what it holds back tells which it was.
        if len(self.conn.trailing_data[0]) > HEAD_BYTES:
            error = HeadTooLarge(
                f"The head of the request is larger than {HEAD_BYTES} bytes.", "Send fewer fields."
            )
        self._refuse_request(error)

    def shutdown(self) -> None:
        """Close what waits; let a request under way be answered."""
        if self._is_draining:
            self._socket.close()
        else:
            super().shutdown()

    def _refuse_request(self, error: GraphsvcError) -> None:
        """Answer what never becomes a request, if no answer has begun, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            # Wakes an application that waits for the rest of the body.
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            # An id of our own: the request's fields cannot be trusted, if they were read at all.
            answer = build_response(error, choose_request_id(""))
            fields = [*answer.raw_headers, (b"connection", b"close")]
            for event in (
                h11.Response(status_code=answer.status_code, headers=fields),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self._socket.write(self.conn.send(event) or b"")
        self._close()

    def _close(self) -> None:
        """Close the connection.

        If the client still sends, wait for its end: unread bytes would turn the close into a reset.
        """
        self._unset_keepalive_if_required()
        if self._is_draining or self._socket.is_closing():
            return
        is_read = self.conn.their_state is not h11.SEND_BODY and not self.conn.refused
        if is_read or not self._socket.can_write_eof():
            self._stop_timer()
            self._socket.close()
            return
        # Half a close: the client reads the answer to its end, and may still send.
        self._socket.write_eof()
        self._begin_drain()

    def _begin_drain(self) -> None:
        """Throw away what comes until the client closes, within bounds of bytes and time."""
        self._is_draining = True
        self._unset_keepalive_if_required()
        # Reading may be paused for an application that will never take the body.
        self.flow.resume_reading()
        self._start_timer(DRAIN_RATE, self._socket.abort)

    def _await_head(self) -> None:
        self._start_timer(READ_RATE, self._end_head)

    def _end_head(self) -> None:
        """Refuse a head that did not arrive in time; a connection that brought nothing is closed without a word."""
        if self.conn.trailing_data[0]:
            self._refuse_request(
                RequestTimeout("The head of the request did not arrive in time.", "Send it at once.")
            )
        else:
            self._socket.close()

    def _start_timer(self, rate: int, late: Callable[[], None]) -> None:
        """Call `late` after `read_timeout` and a second for each `rate` bytes that arrive meanwhile."""
        self._stop_timer()
        self._began, self._arrived = self.loop.time(), 0

        def check_deadline() -> None:
            self._timer = None
            # One timer for a connection, moved only when it fires: each byte that arrives costs nothing.
            ends = self._began + self.read_timeout + self._arrived / rate
            if self._socket.is_closing():
                return
            if self.loop.time() < ends:
                self._timer = self.loop.call_at(ends, check_deadline)
            else:
                late()

        self._timer = self.loop.call_later(self.read_timeout, check_deadline)

    def _stop_timer(self) -> None:
        self._is_rest = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Careful:
    """A transport that asks its protocol how to close."""

    def __init__(self, inner: asyncio.Transport, close: Callable[[], None]) -> None:
        self._inner = inner
        self._close = close
        self._is_closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def close(self) -> None:
        """Close as the protocol thinks right."""
        self._is_closed = True
        self._close()

    def is_closing(self) -> bool:
        """Return whether it is closed or about to be."""
        return self._is_closed or self._inner.is_closing()
