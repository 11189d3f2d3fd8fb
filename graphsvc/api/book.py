"""The book of decisions of one request: read once, whatever asks for it."""

import asyncio
from dataclasses import dataclass, field

from graphsvc.store.decisions import DecisionLog, parse_decision_log
from graphsvc.store.reader import Reader


@dataclass(slots=True)
class BookOnce:
    """Reads the book when it is first wanted."""

    reader: Reader
    _book: "asyncio.Task[DecisionLog] | None" = field(default=None, init=False)

    async def read(self) -> DecisionLog:
        """Return the book as it was when it was first asked for."""
        if self._book is None:
            self._book = asyncio.ensure_future(self._read_log())
        return await self._book

    def forget(self) -> None:
        """To be called after writing into it."""
        self._book = None

    async def _read_log(self) -> DecisionLog:
        (row,) = await self.reader.read("decisions/book")
        return parse_decision_log(row)
