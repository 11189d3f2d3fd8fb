"""Batched reads of one request: rows that need the same statement share one query."""

import asyncio
from collections.abc import Sequence

from strawberry.dataloader import DataLoader

from graphsvc.store.connection import Row
from graphsvc.store.reader import Reader

Parameters = tuple[tuple[str, object], ...]


class RowLoaders:
    """Data loaders of one request: all rows that need the same statement share one query.

    The statement takes `$ids` and returns `owner`, the id that a row belongs to. So the number of queries
    grows with the fields of a document, not with the rows of its answer.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loaders: dict[tuple[str, Parameters], DataLoader[str, list[Row]]] = {}

    async def load_rows(self, statement: str, owner: str, **parameters: object) -> list[Row]:
        """Return the rows of `statement` for one owner, in the statement's order.

        Args:
            statement: name of the statement.
            owner: id. The key of an address may be given as it is or as its pseudonym.
            **parameters: of the statement; hashable.
        """
        # Rows name their owner by its pseudonym, so the lookup below must use that, too.
        owner = self._reader.veil.hide_named(owner)
        # Calls with different parameters cannot share a query.
        key = (statement, tuple(sorted(parameters.items())))
        if key not in self._loaders:
            self._loaders[key] = DataLoader(lambda ids: self._load_batch(statement, ids, parameters))
        return await self._loaders[key].load(owner)

    async def load_row(self, statement: str, owner: str) -> Row | None:
        """Return the only row of `statement` for one owner, or None."""
        rows = await self.load_rows(statement, owner)
        return rows[0] if rows else None

    async def load_many(self, statement: str, owners: Sequence[str]) -> list[Row]:
        """Return the row of `statement` for each owner that has one, in one query."""
        rows = await asyncio.gather(*(self.load_row(statement, owner) for owner in owners))
        return [row for row in rows if row is not None]

    async def _load_batch(
        self, statement: str, ids: list[str], parameters: dict[str, object]
    ) -> Sequence[list[Row]]:
        found: dict[str, list[Row]] = {owner: [] for owner in ids}
        for row in await self._reader.read(statement, ids=ids, **parameters):
            found[row["owner"]].append(row)
        return [found[owner] for owner in ids]
