"""Let clients misbehave, while another one is served."""

import base64
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from bench.faults.check import Change
from bench.faults.kinds.kills import ACCOUNTS
from bench.faults.plan import Fault
from bench.faults.result import Report, build_report
from bench.faults.service import NOTE, STATS, Answer, Service
from bench.faults.site import Site
from graphsvc.api.auth import keys

MOST_SECONDS = 5.0
"""Within this time another client is served; issue 22 asks for it."""
MANY, FLOOD = 40, 120
WORKERS = 12


def misbehave(site: Site, fault: Fault) -> Report:
    """Let clients with a key of their own misbehave; serve another; count what of theirs was recorded."""
    site.require()
    service = site.serve("crowded")
    crowd = Crowd(site, service, fault)
    sockets = crowd.begin()
    faults = list(crowd.faults)
    try:
        began = time.monotonic()
        answers = service.note(ACCOUNTS[0], f"among others {fault.number}", site.ledger)
        seconds = time.monotonic() - began
    finally:
        for each in sockets:
            each.close()
    faults += [each for answer in answers for each in answer.list_faults()]
    if answers[-1].data is None:
        faults.append(f"another client was answered {answers[-1]}")
    if seconds > MOST_SECONDS:
        faults.append(f"another client waited {seconds:.1f} s")
    faults += crowd.join()
    service.wait()
    return build_report(False, faults + site.find_faults(), f"another client was served in {seconds:.1f} s")


class Crowd:
    """Clients that misbehave in one way."""

    def __init__(self, site: Site, service: Service, fault: Fault) -> None:
        """Prepare them."""
        self.faults: list[str] = []
        self._site, self._service, self._fault = site, service, fault
        self._draw = random.Random(fault.key)
        self._threads: list[threading.Thread] = []
        if "crowd" not in site.other_keys:
            site.other_keys["crowd"] = keys.create_key(site.settings.keys_dir, keys.Role.ANALYST, "crowd")
        self._key = site.other_keys["crowd"]
        self._changes = fault.target == "changes"
        self._count = 0

    def begin(self) -> list[socket.socket]:
        """Let them begin; return the sockets that stay open."""
        ways: dict[str, Callable[[], list[socket.socket]]] = {
            "leave": lambda: self._leave(complete=True),
            "leave in the body": lambda: self._leave(complete=False),
            "hang in the head": lambda: self._hang(head=True),
            "hang in the body": lambda: self._hang(head=False),
            "flood": self._flood,
            "never read": self._never_read,
            "WebSockets that hang": self._hang_sockets,
            "garbage": self._send_garbage,
            "reset": self._reset,
        }
        return ways[self._fault.variant]()

    def join(self) -> list[str]:
        """Wait for those who wait for an answer; list what is not as promised."""
        before = len(self.faults)
        for thread in self._threads:
            thread.join()
        return self.faults[before:]

    def _make_request(self) -> bytes:
        """Make a request; a change is entered into the ledger as one whose answer may be lost."""
        self._count += 1
        if self._changes:
            note = f"{self._fault.number} of the crowd, {self._count}"
            # Each on a version that may be outdated: most of them are refused.
            asked = {"id": ACCOUNTS[3], "note": note, "version": self._version}
            body = {"query": NOTE, "variables": asked}
            self._site.ledger.lost.append(Change("account", ACCOUNTS[3], "note", "", note))
        else:
            body = {"query": STATS, "variables": {}}
        content = json.dumps(body).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    @property
    def _version(self) -> int:
        if not hasattr(self, "_seen"):
            answer = self._service.ask(
                "query R($id: String!) { account(id: $id) { version } }", id=ACCOUNTS[3]
            )
            self._seen = answer.data["account"]["version"] if answer.data else 0
        return self._seen

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._service.port), timeout=20)

    def _send(self, content: bytes) -> socket.socket:
        made = self._connect()
        with suppress(OSError):
            made.sendall(content)
        return made

    def _leave(self, *, complete: bool) -> list[socket.socket]:
        for _ in range(MANY):
            request = self._make_request()
            end = len(request) if complete else request.index(b"\r\n\r\n") + 4 + self._draw.randrange(20)
            self._send(request[:end]).close()
        return []

    def _hang(self, *, head: bool) -> list[socket.socket]:
        requests = [self._make_request() for _ in range(MANY)]
        ends = [
            request.index(b"\r\n\r\n") + (-self._draw.randrange(2, 80) if head else 9) for request in requests
        ]
        return [self._send(request[:end]) for request, end in zip(requests, ends, strict=True)]

    def _flood(self) -> list[socket.socket]:
        pending = [self._make_request() for _ in range(FLOOD)]

        def work() -> None:
            while pending:
                with suppress(IndexError):
                    self._ask(pending.pop())

        self._threads = [threading.Thread(target=work) for _ in range(WORKERS)]
        for thread in self._threads:
            thread.start()
        return []

    def _ask(self, request: bytes) -> None:
        """Send a request and read its answer to the end."""
        content = b""
        with (
            suppress(OSError),
            self._send(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)) as made,
        ):
            made.settimeout(40)
            while chunk := made.recv(65_536):
                content += chunk
        head, _, body = content.partition(b"\r\n\r\n")
        try:
            answer = Answer(int(head.split()[1]), json.loads(body))
        except (ValueError, IndexError):
            self.faults.append(f"a request of a flood was answered {content[:120]!r}")
            return
        self.faults += answer.list_faults()

    def _never_read(self) -> list[socket.socket]:
        requests = b"".join(self._make_request() for _ in range(20))
        return [self._send(requests) for _ in range(MANY // 4)]

    def _hang_sockets(self) -> list[socket.socket]:
        nonce = base64.b64encode(self._draw.randbytes(16)).decode()
        head = (
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        return [self._send(head.encode()) for _ in range(MANY)]

    def _send_garbage(self) -> list[socket.socket]:
        for _ in range(MANY):
            request = bytearray(self._make_request())
            head = request.index(b"\r\n\r\n")
            # Of the head alone: a note with another letter in it would be another note, rightly recorded.
            for _ in range(self._draw.randint(1, 6)):
                request[self._draw.randrange(head)] = self._draw.randrange(256)
            self._send(bytes(request)).close()
            self._send(self._draw.randbytes(self._draw.randint(1, 400))).close()
        return []

    def _reset(self) -> list[socket.socket]:
        for _ in range(MANY):
            made = self._send(self._make_request())
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if self._draw.random() < 0.5:
                time.sleep(0.01)
            made.close()
        return []
