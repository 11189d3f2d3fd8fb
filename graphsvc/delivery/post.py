"""Send one request to a webhook: resolve its host, check every address, and connect to what was checked."""

import http.client
import math
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from graphsvc.errors import WebhookError
from graphsvc.events.targets import TOPIC, Location, is_public, parse_url

TIMEOUT_SECONDS = 15.0
"""Seconds that a receiver has, from the connection to the head of its answer; Standard Webhooks suggests 15 to 30."""
CONNECT_SECONDS = 5.0
"""Seconds for each address of a host to connect."""
MOST_ADDRESSES = 4
"""Addresses of a host that are tried."""


Addresses = Sequence[tuple[socket.AddressFamily, Any]]
"""Families and addresses of a host, as sockets take them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt.

    Attributes:
        status: of HTTP, 0 without an answer.
        reason: in a word or two, without anything that the receiver sent.
        retry_after: seconds that it asked to wait, or 0.
    """

    status: int
    reason: str
    retry_after: float = 0.0

    @property
    def is_delivered(self) -> bool:
        """Return whether the receiver took it."""
        return 200 <= self.status < 300

    @property
    def is_about_all(self) -> bool:
        """Return whether the receiver would treat any other event alike now: it is away, too busy, or broken."""
        return not self.status or self.status == 429 or self.status >= 500


class Poster:
    """Sends requests to webhooks.

    It follows no redirect, uses no proxy, and keeps no connection: each attempt resolves and checks again.
    """

    def __init__(self, allowed: frozenset[str], context: ssl.SSLContext | None = None) -> None:
        """Initialize.

        Args:
            allowed: hosts whose addresses need not be public.
            context: of TLS; None: the system's certificates.
        """
        self._allowed = allowed
        self._context = context or ssl.create_default_context()

    def check_url(self, url: str) -> Location:
        """Return the parts of an address that webhooks may be sent to now.

        Raises:
            WebhookError: its form or its host is refused. A host that is unknown now is not.
        """
        location = parse_url(url, self._allowed)
        if location.scheme == TOPIC:  # named by the operator, and reached by its own client
            return location
        with suppress(OSError):  # the resolver may know it later; each attempt checks again
            self._resolve(location)
        return location

    def post(self, url: str, body: str, headers: Mapping[str, str]) -> Outcome:
        """Send a request, and return what came of it. Never raises for what a receiver does."""
        try:
            return self._send(parse_url(url, self._allowed), body.encode(), headers)
        except WebhookError:
            return Outcome(0, "refused address")
        except ssl.SSLError:
            return Outcome(0, "TLS")
        except TimeoutError:
            return Outcome(0, "timed out")
        except socket.gaierror:
            return Outcome(0, "unknown host")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Outcome(0, "refused" if isinstance(error, ConnectionRefusedError) else "broken answer")

    def _send(self, location: Location, body: bytes, headers: Mapping[str, str]) -> Outcome:
        plain = self._connect(self._resolve(location))
        with plain, _limit_time(plain) as limited:
            secure = location.scheme == "https"
            stream = (
                # The handshake follows in the `try` below, so that one that fails closes the stream too.
                self._context.wrap_socket(plain, server_hostname=location.host, do_handshake_on_connect=False)
                if secure
                else plain
            )
            try:
                if isinstance(stream, ssl.SSLSocket):
                    stream.do_handshake()
                # It gets the socket of a checked address: by itself it would resolve the host again.
                connection = http.client.HTTPConnection(location.host, location.port)
                connection.sock = stream
                connection.request("POST", location.path, body, dict(headers) | _name_host(location))
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException):
                if limited.is_set():
                    raise TimeoutError from None
                raise
            finally:
                stream.close()
        # A head that was cut off can look like a complete one.
        if limited.is_set():
            raise TimeoutError
        return Outcome(answer.status, str(answer.status), read_pause(answer.headers.get("retry-after")))

    def _resolve(self, location: Location) -> Addresses:
        """Return family and address of a host, each checked.

        Raises:
            WebhookError: one of them is not public. A host with both is refused, since a receiver has no use for that.
            OSError: the host is unknown.
        """
        found = socket.getaddrinfo(location.host, location.port, type=socket.SOCK_STREAM)
        if location.host not in self._allowed and not all(is_public(str(each[4][0])) for each in found):
            raise WebhookError(
                f"The addresses of {location.host} are not all of the public internet.",
                "Name the host in GRAPHSVC_WEBHOOK_ALLOWED_HOSTS if webhooks may reach it.",
            )
        return [(family, address) for family, _, _, _, address in found][:MOST_ADDRESSES]

    def _connect(self, addresses: Addresses) -> socket.socket:
        """Connect to the first address that answers. Nothing is resolved again: these are the addresses checked."""
        problem: OSError = OSError("no address")
        for family, address in addresses:
            stream = socket.socket(family, socket.SOCK_STREAM)
            try:
                stream.settimeout(CONNECT_SECONDS)
                stream.connect(address)
                stream.settimeout(TIMEOUT_SECONDS)
            except OSError as error:
                stream.close()
                problem = error
            else:
                return stream
        raise problem


@contextmanager
def _limit_time(stream: socket.socket) -> Iterator[threading.Event]:
    """End a connection after `TIMEOUT_SECONDS`, however slowly bytes drip in. The event says that it was so."""
    limited = threading.Event()
    # TLS takes the descriptor from its socket, so a copy is needed to end the connection from outside.
    handle = stream.dup()

    def end() -> None:
        limited.set()
        with suppress(OSError):  # it has ended already
            handle.shutdown(socket.SHUT_RDWR)

    # The timeout of a socket starts again with each byte that comes.
    timer = threading.Timer(TIMEOUT_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield limited
    finally:
        timer.cancel()
        handle.close()


def _name_host(location: Location) -> dict[str, str]:
    """Return the header `host`, with the port where it is not the usual one."""
    host = f"[{location.host}]" if ":" in location.host else location.host
    usual = location.port == (443 if location.scheme == "https" else 80)
    return {"host": host if usual else f"{host}:{location.port}"}


def read_pause(text: str | None) -> float:
    """Read `Retry-After` in seconds; 0 for dates and anything else."""
    try:
        seconds = float(text or 0)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
