"""Limits of concurrency, shared fairly among principals: requests that run, requests that wait, and time.

No principal gets more than its share, so the others are served whatever it does. Turns go to the principal
with the fewest (max-min fairness: Bertsekas & Gallager, Data Networks, section 6.5.2).
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import ClassVar

from graphsvc.errors import Busy, GraphsvcError, TimedOut

LIGHT = 250
"""Cost up to which a request does not wait for heavier ones: a page of the console costs less."""


class TooManyAtOnce(GraphsvcError):
    """A principal has as many requests under way as its share of the service allows."""

    code: ClassVar[str] = "too_many_at_once"
    http_status: ClassVar[int] = 429


class FairSlots:
    """Units that principals hold for a while, at most a share each; those who wait get them by turns."""

    def __init__(self, units: int, share: float, waiting: int | None = None) -> None:
        """Initialize.

        Args:
            units: how many there are.
            share: part of them, and of the places to wait, that one principal may have, rounded up.
            waiting: how many may wait for units; None: any number.
        """
        self._units = units
        self._most = max(1, math.ceil(units * share))
        self._places = waiting
        # Rounded up, so that each principal may have at least one request waiting.
        self._places_of_one = None if waiting is None else math.ceil(waiting * share)
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}

    @property
    def held(self) -> int:
        """Return the units that all principals hold."""
        return self._held.total()

    async def take_units(self, principal: str, units: int, seconds: float) -> None:
        """Wait for units and take them. A principal that holds none may take more than a share.

        Raises:
            Busy: there were none in time, or too many requests wait already.
            TooManyAtOnce: too many requests of this principal wait already.
        """
        # Not past one's own queue: requests of a principal are served in order.
        if self._has_room(principal, units) and not self._waiting.get(principal):
            self._held[principal] += units
            return
        self._check_places(principal)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(principal, deque())
        queue.append((units, turn))
        try:
            async with asyncio.timeout(seconds):
                await turn
        # Also a cancellation: a client that went away must not keep its place.
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # both happened in one round of the loop
                self._remove_units(principal, units)
            elif (units, turn) in queue:
                queue.remove((units, turn))
            self._start_fitting()
            if isinstance(error, TimeoutError):
                raise Busy(
                    "The service has more to do than it can begin in time.", "Try again in a moment."
                ) from None
            raise

    def release_units(self, principal: str, units: int) -> None:
        """Give units back, and let others have them."""
        self._remove_units(principal, units)
        self._start_fitting()

    def add_units(self, principal: str, units: int) -> None:
        """Count more units as held than were taken."""
        self._held[principal] += units

    def _check_places(self, principal: str) -> None:
        if self._places is None or self._places_of_one is None:
            return
        if sum(map(len, self._waiting.values())) >= self._places:
            raise Busy(
                "The service has as many heavy requests to do as it takes on.", "Try again in a moment."
            )
        if len(self._waiting.get(principal, ())) >= self._places_of_one:
            raise TooManyAtOnce(
                "You have as many heavy requests under way as you may.", "Wait for one to be answered."
            )

    def _remove_units(self, principal: str, units: int) -> None:
        self._held[principal] -= units
        if not self._held[principal]:
            del self._held[principal]

    def _has_room(self, principal: str, units: int) -> bool:
        mine = self._held.get(principal, 0)
        # A request larger than all units must run some time: alone.
        return (not self.held or self.held + units <= self._units) and (
            not mine or mine + units <= self._most
        )

    def _start_fitting(self) -> None:
        """Hand out what is free, each time to the principal that holds least of those whose next request fits."""
        while True:
            for name in [name for name, queue in self._waiting.items() if not queue]:
                del self._waiting[name]
            # Only the head of each queue counts, so a principal's requests stay in order.
            fitting = [name for name, queue in self._waiting.items() if self._has_room(name, queue[0][0])]
            if not fitting:
                return
            name = min(fitting, key=lambda each: self._held.get(each, 0))
            units, turn = self._waiting[name].popleft()
            # One that was cancelled in the same round of the loop is passed over.
            if not turn.done():
                self._held[name] += units
                turn.set_result(None)


class Entry:
    """One request's place in the service."""

    def __init__(self, limit: "ConcurrencyLimit", principal: str, deadline: float) -> None:
        self._limit = limit
        self._principal = principal
        self._deadline = deadline
        self._cost = 0

    @asynccontextmanager
    async def wait_for_turn(self, cost: int) -> AsyncIterator[None]:
        """Wait for a turn and hold it while the block lasts.

        Args:
            cost: estimate of the rows that the request reads.

        Raises:
            Busy: there was no turn in time.
        """
        limit, principal = self._limit, self._principal
        # Light requests take no units of cost, so heavy ones cannot make them wait.
        held = cost if cost > LIGHT else 0
        if held:
            await limit.costs.take_units(principal, held, self._compute_remaining())
        self._cost = held
        try:
            # Cost first, then the turn: one that waits for cost must not occupy a turn.
            await limit.turns.take_units(principal, 1, self._compute_remaining())
            try:
                yield
            finally:
                limit.turns.release_units(principal, 1)
        finally:
            # Together with what `add_cost` has counted meanwhile.
            limit.costs.release_units(principal, self._cost)

    def add_cost(self, cost: int) -> None:
        """Count rows that the request reads beyond its estimate.

        Other requests wait for them; this one does not.
        """
        if cost > max(self._cost, LIGHT):
            self._limit.costs.add_units(self._principal, cost - self._cost)
            self._cost = cost

    def _compute_remaining(self) -> float:
        return max(0.0, self._deadline - asyncio.get_running_loop().time())


class ConcurrencyLimit:
    """Lets `at_once` requests through at a time; `waiting` more wait, those beyond are told to come again."""

    def __init__(
        self,
        at_once: int,
        waiting: int,
        timeout: float,
        *,
        wait: float = 4.0,
        share: float = 1.0,
        cost_at_once: int = 40_000,
    ) -> None:
        """Initialize.

        Args:
            at_once: requests that may run at a time.
            waiting: requests that may wait for their turn.
            timeout: seconds from coming in to the answer.
            wait: seconds from coming in to a turn.
            share: part of all that one principal may have.
            cost_at_once: rows that the heavy ones among the requests may read at a time.
        """
        self.turns = FairSlots(at_once, share)
        # Heavy requests that wait leave most places to the light ones, which are done sooner.
        self.costs = FairSlots(cost_at_once, share, waiting // 4)
        self._most = at_once + waiting
        self._share = max(1, math.ceil(self._most * share))
        self._timeout = timeout
        self._wait = wait
        self._arriving: Counter[str] = Counter()
        self._of: Counter[str] = Counter()
        self.inside = 0
        """Requests that are executed or wait for it."""

    @contextmanager
    def count_arrival(self, who: str) -> Iterator[None]:
        """Count a request whose body is yet to arrive; it takes the place of no request that is here.

        Raises:
            TooManyAtOnce: `who` sends as many as its share already.
        """
        with self._count_request(self._arriving, who):
            yield

    @asynccontextmanager
    async def enter(self, principal: str) -> AsyncIterator[Entry]:
        """Let a request in while the block lasts.

        Raises:
            Busy: as many as may wait do so already.
            TooManyAtOnce: as many of this principal as its share do.
            TimedOut: the block was not done in time.
        """
        if self.inside >= self._most:
            raise Busy("The service has as many requests as it takes on.", "Try again in a moment.")
        with self._count_request(self._of, principal):
            self.inside += 1
            try:
                async with asyncio.timeout(self._timeout):
                    yield Entry(self, principal, asyncio.get_running_loop().time() + self._wait)
            except TimeoutError:
                raise TimedOut(
                    f"The request took longer than {self._timeout:g} s.",
                    "Ask for less; of a change, look first whether it was made.",
                ) from None
            finally:
                self.inside -= 1

    @contextmanager
    def _count_request(self, counts: Counter[str], who: str) -> Iterator[None]:
        if counts[who] >= self._share:
            raise TooManyAtOnce(
                f"You have {self._share} requests under way, as many as you may.",
                "Wait for one to be answered.",
            )
        counts[who] += 1
        try:
            yield
        finally:
            counts[who] -= 1
            if not counts[who]:
                del counts[who]
