"""Batched reads of one request: rows that need the same statement share one query."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from graphsvc.store.queries.query import Query
from graphsvc.store.reader import Reader

Item = TypeVar("Item")
Parameters = tuple[tuple[str, object], ...]


class RowLoaders:
    """Data loaders of one request: all rows that need the same statement share one query.

    The statement takes `$ids` and returns `owner`, the id that a row belongs to. So the number of queries
    grows with the fields of a document, not with the rows of its answer.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loaders: dict[tuple[Query[Any], Parameters], DataLoader[str, list[Any]]] = {}

    async def load_rows(self, query: Query[Item], owner: str, **parameters: object) -> list[Item]:
        """Return the rows of a statement for one owner, in the statement's order.

        Args:
            query: the statement.
            owner: id. The key of an address may be given as it is or as its pseudonym.
            **parameters: of the statement; hashable.
        """
        # Rows name their owner by its pseudonym, so the lookup below must use that, too.
        owner = self._reader.veil.hide_named(owner)
        # Calls with different parameters cannot share a query.
        key = (query, tuple(sorted(parameters.items())))
        if key not in self._loaders:
            self._loaders[key] = DataLoader(lambda ids: self._load_batch(query, ids, parameters))
        return await self._loaders[key].load(owner)

    async def load_row(self, query: Query[Item], owner: str) -> Item | None:
        """Return the only row of a statement for one owner, or None."""
        rows = await self.load_rows(query, owner)
        return rows[0] if rows else None

    async def load_many(self, query: Query[Item], owners: Sequence[str]) -> list[Item]:
        """Return the row of a statement for each owner that has one, in one query."""
        rows = await asyncio.gather(*(self.load_row(query, owner) for owner in owners))
        return [row for row in rows if row is not None]

    async def _load_batch(
        self, query: Query[Item], ids: list[str], parameters: dict[str, object]
    ) -> Sequence[list[Item]]:
        found = await self._reader.read_by_owner(query, ids, **parameters)
        return [found[owner] for owner in ids]
