"""Analyses and writes of the API, in a few threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from graphsvc.errors import Busy
from graphsvc.store.connection import Address, Store

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

THREADS = 2
"""How many works are done at a time; each may hold a cluster of tens of thousands of accounts as columns."""
WAITING = 16
"""How many may wait for a thread; more are told to come again."""


class Worker:
    """Runs `function(store, …)` off the event loop, so that a long analysis does not hold up short questions."""

    def __init__(self, address: Address, query_timeout: float, wait: float = 4.0) -> None:
        """Initialize.

        Args:
            address: of the database.
            query_timeout: seconds a statement may take in the database.
            wait: seconds a work may wait for a thread.
        """
        self._store = Store(address, query_timeout)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="graphsvc-work")
        self._free = asyncio.Semaphore(THREADS)
        self._wait = wait
        self.inside = 0
        """Works that are done or wait for a thread."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        self._store.close()

    async def run(
        self,
        function: Callable[Concatenate[Store, Given], Answer],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Answer:
        """Return the answer of `function(store, *args, **kwargs)`.

        Raises:
            Busy: too many works wait already, or no thread was free in time.
        """
        if self.inside >= THREADS + WAITING:
            raise Busy("The service has as many analyses to do as it takes on.", "Try again in a moment.")
        self.inside += 1
        try:
            async with asyncio.timeout(self._wait):
                await self._free.acquire()
        except BaseException as error:
            self.inside -= 1
            if isinstance(error, TimeoutError):
                raise Busy(
                    "The service has more analyses to do than it can begin in time.", "Try again in a moment."
                ) from None
            raise
        loop, context = asyncio.get_running_loop(), copy_context()
        work = self._threads.submit(context.run, partial(function, self._store, *args, **kwargs))

        def end(_: object) -> None:
            # A thread outlives a request that gave up waiting for it, so its place is free only now.
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._end)

        work.add_done_callback(end)
        return await asyncio.wrap_future(work)

    def _end(self) -> None:
        self.inside -= 1
        self._free.release()
