"""The decision log of one request, read once for all fields that need it."""

import asyncio
from dataclasses import dataclass, field

from graphsvc.store.decisions import DECISION_LOG, DecisionLog
from graphsvc.store.reader import Reader


@dataclass(slots=True)
class DecisionLogLoader:
    """Reads the decision log at its first use, and returns the same copy afterwards."""

    reader: Reader
    _task: "asyncio.Task[DecisionLog] | None" = field(default=None, init=False)

    async def read(self) -> DecisionLog:
        """Return the decision log as it was at the first call in this request."""
        if self._task is None:
            # Resolvers of one request run concurrently: they await one task instead of reading once each.
            self._task = asyncio.ensure_future(self._read_log())
        return await self._task

    def forget(self) -> None:
        """Discard the copy. Call it after writing a decision."""
        self._task = None

    async def _read_log(self) -> DecisionLog:
        (log,) = await self.reader.read(DECISION_LOG)
        return log
