"""A receiver of webhooks on loopback, which answers as its path says and keeps what it was sent."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Sent:
    """A request: path, headers in lower case, and body."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        """Id of the event."""
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        return dict(json.loads(self.body)["data"])


@dataclass
class Receiver:
    """The receiver.

    Attributes:
        url: its address, without a path.
        got: all requests, in the order they arrived.
        answers: status by path, or a function of the request; 200 for other paths. `hang` answers when it is let go.
        go: lets those that hang go.
    """

    url: str
    got: list[Sent] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    go: threading.Event = field(default_factory=threading.Event)

    def at(self, path: str) -> list[Sent]:
        """Requests that a path got."""
        return [each for each in self.got if each.path == path]


@contextmanager
def receive(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Yield a receiver that runs while the block lasts; by TLS with `context`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            sent = Sent(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            answer = receiver.answers.get(self.path, 200)
            status = answer(sent) if callable(answer) else answer
            receiver.got.append(sent)
            if status == "hang":
                receiver.go.wait(60)
                return
            if status == "drip":  # a head that never ends, a byte at a time
                self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
                while not receiver.go.wait(0.1):
                    self.wfile.write(b"x")
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{receiver.url}/elsewhere")
            if status == 503:
                self.send_header("retry-after", "77")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A sender that gave up is no error."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        receiver.go.set()
        server.shutdown()
        thread.join()
