"""How many requests are executed at a time, how many wait for it, and how long one may take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from graphsvc.errors import Busy, GraphsvcError


class TimedOut(GraphsvcError):
    """A request that was not done in the time it has."""

    code: ClassVar[str] = "timed_out"
    http_status: ClassVar[int] = 503


class Gate:
    """Lets `at_once` requests through at a time; `waiting` more wait, those beyond are told to come again."""

    def __init__(self, at_once: int, waiting: int, timeout: float) -> None:
        """`timeout`: seconds from asking for a turn to the answer."""
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._timeout = timeout
        self.inside = 0
        """Requests that are executed or wait for it."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for a turn and holds it while the block lasts.

        Raises:
            Busy: as many as may wait do so already.
            TimedOut: the block was not done in time.
        """
        if self.inside >= self._most:
            raise Busy("The service has as many requests as it takes on.", "Try again in a moment.")
        self.inside += 1
        try:
            async with asyncio.timeout(self._timeout), self._turns:
                yield
        except TimeoutError:
            raise TimedOut(
                f"The request took longer than {self._timeout:g} s.",
                "Ask for less; of a change, look first whether it was made.",
            ) from None
        finally:
            self.inside -= 1
