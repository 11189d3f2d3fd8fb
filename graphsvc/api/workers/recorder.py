"""Record sign-ups for requests: those that came while others were written are written together, as one load."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from graphsvc.api.workers.scorer import MOST
from graphsvc.api.workers.worker import Worker
from graphsvc.loading.signups import RecordedSignup, Rejection, record_signups
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer


@dataclass(slots=True)
class _Call:
    signups: Sequence[RecordedSignup]
    answer: asyncio.Future[list[list[Rejection]]]


class Recorder:
    """Puts sign-ups into the graph. A load takes some twenty transactions, however many sign-ups it has."""

    def __init__(self, worker: Worker, settings: Settings, tokens: Tokeniser, signer: Signer) -> None:
        self._worker = worker
        self._directory = settings.dead_letters_dir
        self._tokens = tokens
        self._signer = signer
        self._waiting: list[_Call] = []
        self._running: asyncio.Task[None] | None = None

    async def record(self, signups: Sequence[RecordedSignup]) -> list[list[Rejection]]:
        """Record sign-ups, and return the rejected rows of each once all others are in the graph.

        Raises:
            LoadError, DatabaseUnavailable, DatabaseRefused, Busy: they are not recorded, or not entirely.
        """
        call = _Call(signups, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._record_waiting())
        return await call.answer

    async def _record_waiting(self) -> None:
        while self._waiting:
            calls = self._take_calls()
            try:
                together = [each for call in calls for each in call.signups]
                found = iter(
                    await self._worker.run(
                        record_signups, together, self._tokens, self._signer, self._directory
                    )
                )
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                for call in calls:
                    # Whoever has gone away waits no longer.
                    if not call.answer.done():
                        call.answer.set_exception(error)
                continue
            for call in calls:
                rejections = list(islice(found, len(call.signups)))
                if not call.answer.done():
                    call.answer.set_result(rejections)

    def _take_calls(self) -> list[_Call]:
        """Take calls that wait, in their order, up to `MOST` sign-ups and at least one call."""
        total, taken = 0, 0
        for call in self._waiting:
            total += len(call.signups)
            if taken and total > MOST:
                break
            taken += 1
        calls, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return calls
