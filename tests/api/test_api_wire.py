"""Promise: bytes on a connection are read in one way only, in bounded time, and a refusal can be read by its client.

No database is needed here: the app is pointed at a closed port.
"""

import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from serving import serve_app

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.http.framing import StrictConnection
from graphsvc.settings import Settings
from graphsvc.store import Address

requests = pytest.importorskip("requests")
PATIENCE = 60.0
"""Seconds a test waits for a busy machine; the deadlines under test are tenths of a second."""
QUERY = b'{"query": "{ viewer { role } }"}'
SECOND = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
BIG = b" " * 5_000_000


@dataclass
class Wire:
    """A service, and a key for it."""

    port: int
    key: str

    def post(self, fields: bytes = b"", body: bytes = b"", version: bytes = b"1.1") -> bytes:
        """Return the bytes of a POST request of GraphQL."""
        head = b"POST /graphql HTTP/%s\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        return (
            head % (version, self.key.encode()) + b"Content-Type: application/json\r\n%s\r\n" % fields + body
        )

    def connect(self) -> socket.socket:
        """Return an open connection."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(PATIENCE)
        return connection

    def say(self, *pieces: bytes) -> tuple[list[int], list[str]]:
        """Send pieces, read until the service closes; return the statuses and codes of its answers."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            heard = b""
            while found := connection.recv(65536):
                heard += found
        return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d+)", heard)], [
            each.decode() for each in re.findall(rb'"code":"(\w+)"', heard)
        ]


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with serving(tmp_path_factory.mktemp("wire")) as found:
        yield found


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Wire]:
    """A service that waits for a request for a fifth of a second."""
    with serving(tmp_path, read_timeout=0.2) as found:
        yield found


@contextmanager
def serving(where: Path, **given: Any) -> Iterator[Wire]:
    """Serve over HTTP with some settings."""
    settings = Settings(data_dir=where, **given)
    key = keys.create_key(settings.keys_dir, keys.Role.VIEWER)
    nowhere = Address("bolt://127.0.0.1:9", "neo4j", SecretStr("unused"))
    with serve_app(create_app(settings, nowhere), settings) as port:
        yield Wire(port, key)


LENGTH = b"Content-Length: %d\r\n" % len(QUERY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY)

GOOD = {
    "length": (LENGTH, QUERY),
    "chunks": (CHUNKED, CHUNKS),
    "two chunks": (CHUNKED, b"3\r\n%s\r\n%X\r\n%s\r\n0\r\n\r\n" % (QUERY[:3], len(QUERY) - 3, QUERY[3:])),
    "chunk extension": (CHUNKED, CHUNKS.replace(b"\r\n", b';name="value"\r\n', 1)),
    "trailer": (CHUNKED, CHUNKS[:-2] + b"X-Digest: 12\r\n\r\n"),
    "leading zeros": (CHUNKED, b"00" + CHUNKS),
    "coding in capitals": (CHUNKED.replace(b"chunked", b"CHUNKED"), CHUNKS),
    "blanks around a value": (b"Content-Length: \t %d \t\r\n" % len(QUERY), QUERY),
    "offer of HTTP/2": (b"Upgrade: h2c\r\nConnection: Upgrade\r\n" + LENGTH, QUERY),
}

AMBIGUOUS = {
    "both lengths": (LENGTH + CHUNKED, CHUNKS),
    "both lengths, chunks first": (CHUNKED + LENGTH, CHUNKS),
    "both lengths, none in the body": (b"Content-Length: 0\r\n" + CHUNKED, CHUNKS),
    "two equal lengths": (LENGTH + LENGTH, QUERY),
    "two lengths": (b"Content-Length: 3\r\n" + LENGTH, QUERY),
    "list of lengths": (b"Content-Length: %d, %d\r\n" % (len(QUERY), len(QUERY)), QUERY),
    "length with a plus": (LENGTH.replace(b": ", b": +"), QUERY),
    "length with a minus": (LENGTH.replace(b": ", b": -"), QUERY),
    "length in hexadecimal": (b"Content-Length: 0x%x\r\n" % len(QUERY), QUERY),
    "length with a blank in it": (b"Content-Length: 3 2\r\n", QUERY),
    "length with an underscore": (b"Content-Length: 3_2\r\n", QUERY),
    "length with a fraction": (b"Content-Length: 32.0\r\n", QUERY),
    "length in other digits": ("Content-Length: ٣٢\r\n".encode(), QUERY),
    "length that is empty": (b"Content-Length:\r\n", QUERY),
    "length beyond all numbers": (b"Content-Length: 9%s\r\n" % (b"0" * 40), QUERY),
    "blank before a colon": (LENGTH.replace(b":", b" :"), QUERY),
    "tab before a colon": (CHUNKED.replace(b":", b"\t:"), CHUNKS),
    "unknown coding": (CHUNKED.replace(b"chunked", b"xchunked"), CHUNKS),
    "coding twice": (CHUNKED + CHUNKED, CHUNKS),
    "coding twice, one unknown": (CHUNKED + b"Transfer-Encoding: cow\r\n", CHUNKS),
    "list of codings": (CHUNKED.replace(b"chunked", b"chunked, identity"), CHUNKS),
    "list of codings, chunked last": (CHUNKED.replace(b"chunked", b"identity, chunked"), CHUNKS),
    "coding with a parameter": (CHUNKED.replace(b"chunked", b"chunked;q=1"), CHUNKS),
    "coding in quotes": (CHUNKED.replace(b"chunked", b'"chunked"'), CHUNKS),
    "coding after a vertical tab": (CHUNKED.replace(b"chunked", b"\x0bchunked"), CHUNKS),
    "coding with NUL": (CHUNKED.replace(b"chunked", b"chunked\0"), CHUNKS),
    "coding with another control character": (b"X: a\x01b\r\n" + LENGTH, QUERY),
    "coding on a folded line": (b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS),
    "length on a folded line": (b"X: a\r\n Content-Length: 3\r\n" + LENGTH, QUERY),
    "bare LF after a field": (b"X: a\n" + LENGTH, QUERY),
    "bare LF hides a coding": (b"X: a\nTransfer-Encoding: chunked\r\n", CHUNKS),
    "bare CR in a field": (b"X: a\rTransfer-Encoding: chunked\r\n" + LENGTH, QUERY),
    "two CR after a field": (b"X: a\r\r\n" + LENGTH, QUERY),
    "NUL in a name": (b"Content-Len\0gth: 3\r\n" + LENGTH, QUERY),
    "NUL before a name": (b"\0" + CHUNKED, CHUNKS),
    "name in brackets": (b"(Transfer-Encoding): chunked\r\n" + LENGTH, QUERY),
    "field without a colon": (b"Transfer-Encoding chunked\r\n" + LENGTH, QUERY),
    "field without a name": (b": chunked\r\n" + LENGTH, QUERY),
    "second host": (b"Host: other\r\n" + LENGTH, QUERY),
    "body of a WebSocket": (b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + LENGTH, QUERY),
    "chunk size with a prefix": (CHUNKED, b"0x" + CHUNKS),
    "chunk size with a plus": (CHUNKED, b"+" + CHUNKS),
    "chunk size with a minus": (CHUNKED, b"-" + CHUNKS),
    "chunk size after a blank": (CHUNKED, b" " + CHUNKS),
    "chunk size before a blank": (CHUNKED, CHUNKS.replace(b"\r\n", b" \r\n", 1)),
    "chunk size with an underscore": (CHUNKED, b"0_" + CHUNKS),
    "chunk size beyond all numbers": (CHUNKED, b"f" * 17 + b"\r\n" + QUERY),
    "chunk size that is empty": (CHUNKED, b"\r\n" + QUERY),
    "chunk size with a bare LF": (CHUNKED, CHUNKS.replace(b"\r\n", b"\n", 1)),
    "chunk size with a bare CR": (CHUNKED, CHUNKS.replace(b"\r\n", b";\rx\r\n", 1)),
    "chunk extension with a bare LF": (CHUNKED, CHUNKS.replace(b"\r\n", b";\nx\r\n", 1)),
    "chunk that is longer than it says": (CHUNKED, CHUNKS.replace(b"}\r\n0", b"}xx\r\n0")),
    "chunk without an end": (CHUNKED, CHUNKS.replace(b"}\r\n0", b"}0")),
    "last chunk with a bare LF": (CHUNKED, CHUNKS[:-2] + b"\n"),
    "trailer with a bare LF": (CHUNKED, CHUNKS[:-2] + b"X: a\n\r\n"),
    "trailer that is folded": (CHUNKED, CHUNKS[:-2] + b"X: a\r\n b\r\n\r\n"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_request_is_answered_and_the_next_one_after_it(wire: Wire, name: str) -> None:
    fields, body = GOOD[name]
    assert wire.say(wire.post(fields, body) + SECOND) == ([200, 200], [])


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_can_be_read_in_two_ways_is_refused_and_nothing_after_it_is_served(
    wire: Wire, name: str
) -> None:
    fields, body = AMBIGUOUS[name]
    assert wire.say(wire.post(fields, body) + SECOND) == ([400], ["bad_framing"])


@pytest.mark.parametrize(
    "start",
    [
        b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/0.9\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: localhost\n\n",
        b"GET /healthz HTTP/1.1\r\n Host: localhost\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz\tHTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /health z HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1 \r\nHost: localhost\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\n" + SECOND,
        b"\r\n" + SECOND,
    ],
)
def test_a_line_that_is_no_request_ends_the_connection(wire: Wire, start: bytes) -> None:
    assert wire.say(start + SECOND) == ([400], ["bad_framing"])


def test_chunks_in_an_old_version_are_refused(wire: Wire) -> None:
    request = wire.post(CHUNKED + b"Connection: keep-alive\r\n", CHUNKS, version=b"1.0")
    assert wire.say(request + SECOND) == ([400], ["bad_framing"])


def test_a_second_request_in_a_body_is_part_of_the_body(wire: Wire) -> None:
    assert wire.say(wire.post(b"Content-Length: %d\r\n" % len(SECOND), SECOND) + SECOND) == (
        [400, 200],
        ["bad_input"],
    )
    ignored = wire.post(b"Content_Length: %d\r\nConnection: close\r\n" % len(SECOND), SECOND)
    assert wire.say(ignored) == ([400], ["bad_input"])


def read(pieces: list[bytes]) -> list[object]:
    """Return the events of a connection that brings these pieces, bodies joined; `refused` at the end of a bad one."""
    connection, found = StrictConnection(h11.SERVER), list[object]()
    for piece in pieces:
        connection.receive_data(piece)
        try:
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Data) and isinstance(found[-1], bytes):
                    found[-1] += bytes(event.data)
                else:
                    found.append(bytes(event.data) if isinstance(event, h11.Data) else type(event))
        except h11.RemoteProtocolError:
            return [*found, "refused"]
    return found


@given(
    st.sampled_from([*GOOD.values(), *AMBIGUOUS.values()]),
    st.lists(st.integers(0, 300), max_size=40),
    st.booleans(),
)
def test_how_a_request_is_read_does_not_depend_on_how_it_arrives(
    request: tuple[bytes, bytes], cuts: list[int], each: bool
) -> None:
    fields, body = request
    sent = Wire(0, "key").post(fields, body) + SECOND
    ends = range(1, len(sent)) if each else sorted({cut for cut in cuts if 0 < cut < len(sent)})
    starts = [0, *ends]
    pieces = [sent[start:end] for start, end in zip(starts, [*ends, len(sent)], strict=True)]
    whole = read([sent])
    assert read(pieces) == whole
    assert (whole[-1] == "refused") == (request in AMBIGUOUS.values())


def test_a_head_that_does_not_arrive_is_refused(hasty: Wire) -> None:
    assert hasty.say(b"GET /healthz HTTP/1.1\r\nHost: local") == ([408], ["request_timeout"])


def test_a_connection_that_brings_nothing_is_closed_without_a_word(hasty: Wire) -> None:
    assert hasty.say() == ([], [])


@pytest.mark.parametrize("fields", [b"Content-Length: 100\r\n", CHUNKED])
def test_a_body_that_does_not_arrive_is_refused(hasty: Wire, fields: bytes) -> None:
    assert hasty.say(hasty.post(fields, b"9\r\n")) == ([408], ["request_timeout"])


def test_a_body_that_is_not_wanted_does_not_hold_its_connection(hasty: Wire) -> None:
    anonymous = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    assert hasty.say(anonymous) == ([401], ["access_denied"])


def test_a_request_after_others_on_a_connection_has_a_deadline_too(hasty: Wire) -> None:
    with hasty.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while b'"ok"' not in heard:
            heard += connection.recv(65536)
        connection.sendall(b"GET /hea")
        while found := connection.recv(65536):
            heard += found
    assert re.findall(rb"HTTP/1\.1 (\d+)", heard) == [b"200", b"408"]


def test_the_deadline_grows_with_what_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphsvc.api.http.request_guard.READ_RATE", 1e-3)  # a byte is worth minutes
    monkeypatch.setattr("graphsvc.api.http.protocol.READ_RATE", 1e-3)
    with serving(tmp_path, read_timeout=0.2) as wire, wire.connect() as connection:
        sent = wire.post(LENGTH, QUERY)
        connection.settimeout(0.5)  # beyond the deadline of a request that brings nothing
        for piece in (sent[:40], sent[40:-5]):
            connection.sendall(piece)
            with pytest.raises(TimeoutError):
                connection.recv(65536)
        connection.settimeout(PATIENCE)
        connection.sendall(sent[-5:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_head_beyond_the_cap_is_refused(wire: Wire) -> None:
    with wire.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 431")


def chunks() -> Iterator[bytes]:
    return (BIG[start : start + 65_536] for start in range(0, len(BIG), 65_536))


SENDERS: dict[str, Callable[..., int]] = {
    "httpx": lambda url, headers: httpx.post(url, content=BIG, headers=headers).status_code,
    "httpx in chunks": lambda url, headers: httpx.post(url, content=chunks(), headers=headers).status_code,
    "requests": lambda url, headers: requests.post(url, data=BIG, headers=headers).status_code,
    "requests in chunks": lambda url, headers: requests.post(url, data=chunks(), headers=headers).status_code,
}


@pytest.mark.parametrize("close", [False, True], ids=["kept", "closed"])
@pytest.mark.parametrize("sender", SENDERS)
def test_clients_read_why_a_large_body_is_refused(wire: Wire, sender: str, close: bool) -> None:
    headers = {"Authorization": f"Bearer {wire.key}", "Content-Type": "application/json"}
    headers |= {"Connection": "close"} if close else {}
    assert SENDERS[sender](f"http://127.0.0.1:{wire.port}/graphql", headers) == 413


@pytest.mark.parametrize("more", [[], ["Expect:"], ["Connection: close"], ["Transfer-Encoding: chunked"]])
def test_curl_reads_why_a_large_body_is_refused(wire: Wire, tmp_path: Path, more: list[str]) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl here")
    (tmp_path / "big").write_bytes(BIG)
    headers = [f"Authorization: Bearer {wire.key}", "Content-Type: application/json", *more]
    asked = [
        curl,
        "-sS",
        "-o",
        str(tmp_path / "answer"),
        "-w",
        "%{http_code}",
        "--data-binary",
        f"@{tmp_path}/big",
    ]
    asked += [part for header in headers for part in ("-H", header)]
    done = subprocess.run(
        [*asked, f"http://127.0.0.1:{wire.port}/graphql"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "413"
    assert "body_too_large" in (tmp_path / "answer").read_text()


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("fields", [b"Content-Length: %d\r\n" % len(BIG), CHUNKED])
def test_a_client_that_reads_only_when_it_has_sent_all_reads_the_refusal(
    wire: Wire, fields: bytes, more: bytes
) -> None:
    body = BIG if fields != CHUNKED else b"%x\r\n%s\r\n0\r\n\r\n" % (len(BIG), BIG)
    sent = wire.post(fields + more, body) + SECOND
    pieces = [sent[start : start + 200_000] for start in range(0, len(sent), 200_000)]
    assert wire.say(*pieces) == ([413], ["body_too_large"])
