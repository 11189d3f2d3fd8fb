"""State changes for subscribers, read from the database once for all of them.

One task a process reads the state every second while there are subscribers, and puts it into their queues. A
subscriber that does not keep up is dropped, so that it costs the others no memory.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from graphsvc.errors import Busy, GraphsvcError
from graphsvc.store.queries.service import STATE, ServiceState
from graphsvc.store.reader import Reader

LOOKING_SECONDS = 1.0
RUNS = 20
"""Latest runs that are looked at."""
BEHIND = 32
"""Looks that a listener may be behind before it is dropped."""
CONNECTIONS = 20
"""WebSockets that one principal may hold."""


class Lagging(GraphsvcError):
    """A subscriber that does not read its events."""

    code = "lagging"
    http_status = 429


class PubSub:
    """Distributes states to subscribers. Use `listen` inside the event loop."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._listeners: set[asyncio.Queue[ServiceState | None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._connections: Counter[str] = Counter()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator["asyncio.Queue[ServiceState | None]"]:
        """Yield a queue of the states from now on. None at its end: the subscriber was too slow."""
        queue: asyncio.Queue[ServiceState | None] = asyncio.Queue(BEHIND + 1)
        self._listeners.add(queue)
        if self._looking is None:
            self._looking = asyncio.create_task(self._watch_database())
        try:
            yield queue
        finally:
            self._listeners.discard(queue)
            if not self._listeners and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    @contextmanager
    def count_connection(self, principal: str) -> Iterator[None]:
        """Count one WebSocket of a principal while the block runs.

        Raises:
            Busy: the principal has as many as it may.
        """
        if self._connections[principal] >= CONNECTIONS:
            raise Busy("This key holds as many connections as it may.", "Close one.")
        self._connections[principal] += 1
        try:
            yield
        finally:
            self._connections[principal] -= 1
            if not self._connections[principal]:
                del self._connections[principal]

    @property
    def connections(self) -> int:
        """Return the number of open WebSockets that were admitted."""
        return self._connections.total()

    async def read_state(self) -> ServiceState:
        """Read the state from the database."""
        (state,) = await self._reader.read(STATE, runs=RUNS)
        return state

    async def _watch_database(self) -> None:
        last: ServiceState | None = None
        while True:
            try:
                state = await self.read_state()
            except GraphsvcError:  # away for now; what changed meanwhile is seen when it is back
                await asyncio.sleep(LOOKING_SECONDS)
                continue
            if state != last:
                self._send_state(state)
                last = state
            await asyncio.sleep(LOOKING_SECONDS)

    def _send_state(self, state: ServiceState) -> None:
        for queue in list(self._listeners):
            # The queue has one place more than that, for the None that ends it.
            if queue.qsize() >= BEHIND:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(state)
