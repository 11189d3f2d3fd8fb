"""A TCP proxy between the service and its database that fails as networks do: the toxics of Shopify's toxiproxy."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Toxic:
    """A way in which connections fail while it is set.

    Attributes:
        name: latency, jitter, bandwidth, slow close, timeout, reset, truncate, slice, down; "" for none.
        amount: how much of it, 0-1.
        key: seed of its draws.
    """

    name: str = ""
    amount: float = 0.0
    key: int = 0

    def delay(self, draw: random.Random) -> float:
        """Return the seconds by which a chunk is held back."""
        if self.name == "latency":
            return 0.01 + 0.2 * self.amount
        return draw.uniform(0, 0.01 + 0.3 * self.amount) if self.name == "jitter" else 0.0

    def budget(self) -> int | None:
        """Return the bytes after which a connection is cut or stands still; None: no limit."""
        return int(2_000 * self.amount) if self.name in ("truncate", "reset", "timeout") else None


class Proxy:
    """Forwards connections to a port of loopback, in a thread with an event loop of its own."""

    def __init__(self, target: int) -> None:
        """Start forwarding to the port `target` of loopback."""
        self.target = target
        self.port = 0
        self.toxic = Toxic()
        self._links: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._listen())

    def set_toxic(self, toxic: Toxic) -> None:
        """Let connections fail in this way from now on; those that are open as well."""
        self.toxic = toxic
        if toxic.name == "down":
            self._run(self._shut())
        elif toxic.name == "reset" and toxic.amount < 0.5:
            self._run(self._reset_all())

    def heal(self) -> None:
        """Forward as if nothing were; what stood still is closed."""
        stood = self.toxic.name in ("timeout", "truncate")
        self.toxic = Toxic()
        if stood:
            self._run(self._reset_all())
        if self._server is None:
            self._run(self._listen())

    def close(self) -> None:
        """Close all."""
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset_all()

    async def _reset_all(self) -> None:
        for link in list(self._links):
            _abort(link)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        link = (writer, far_writer)
        self._links.add(link)
        passed = [0]
        try:
            await asyncio.gather(
                self._forward(reader, far_writer, link, passed),
                self._forward(far_reader, writer, link, passed),
            )
        finally:
            self._links.discard(link)
            for end in link:
                end.close()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        link: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        passed: list[int],
    ) -> None:
        draw = random.Random(self.toxic.key)
        counted: Toxic | None = None
        with contextlib.suppress(OSError):
            while chunk := await reader.read(16_384):
                toxic = self.toxic
                if toxic is not counted:  # it was set just now: its budget counts from here
                    passed[0], counted = 0, toxic
                if (wait := toxic.delay(draw)) > 0:
                    await asyncio.sleep(wait)
                budget = toxic.budget()
                if budget is not None and passed[0] + len(chunk) > budget:
                    if toxic.name == "timeout":
                        await self._wait_for_another(toxic)
                        continue
                    writer.write(chunk[: max(budget - passed[0], 0)])
                    await writer.drain()
                    if toxic.name == "reset":
                        _abort(link)
                    return
                passed[0] += len(chunk)
                await self._write(writer, chunk, toxic, draw)
            if self.toxic.name == "slow close":
                await asyncio.sleep(0.2 + self.toxic.amount)
            if writer.can_write_eof():
                writer.write_eof()

    async def _wait_for_another(self, toxic: Toxic) -> None:
        while self.toxic is toxic:
            await asyncio.sleep(0.02)

    async def _write(
        self, writer: asyncio.StreamWriter, chunk: bytes, toxic: Toxic, draw: random.Random
    ) -> None:
        if toxic.name == "bandwidth":
            rate = 20_000 + 200_000 * toxic.amount  # bytes a second
            for at in range(0, len(chunk), 2_000):
                writer.write(chunk[at : at + 2_000])
                await writer.drain()
                await asyncio.sleep(len(chunk[at : at + 2_000]) / rate)
        elif toxic.name == "slice":
            at = 0
            while at < len(chunk):
                size = draw.randint(1, 1 + int(400 * toxic.amount))
                writer.write(chunk[at : at + size])
                await writer.drain()
                await asyncio.sleep(0)
                at += size
        else:
            writer.write(chunk)
            await writer.drain()


def _abort(link: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
    """Close both ends with a reset (RST) in place of an orderly end."""
    for end in link:
        raw = end.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.transport.abort()
