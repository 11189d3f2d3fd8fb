"""What a resolver has at hand: who asks, a reader that batches, and a budget."""

from collections.abc import Sequence
from pathlib import Path

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from graphsvc.api.book import BookOnce
from graphsvc.api.keys import Principal
from graphsvc.api.limits import Budget
from graphsvc.api.worker import Worker
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store.audit import Auditor
from graphsvc.store.connection import Row
from graphsvc.store.reader import Reader

Parameters = tuple[tuple[str, object], ...]


class Loaders:
    """Batches of one request: all rows that want the same statement get it in one query.

    The statement takes `$ids` and returns `owner`, the id that a row is for. So the number of queries
    grows with the fields of a document, not with the rows of its answer.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loaders: dict[tuple[str, Parameters], DataLoader[str, list[Row]]] = {}

    async def rows(self, statement: str, owner: str, **parameters: object) -> list[Row]:
        """The rows of `statement` for one owner, in the statement's order; parameters must be hashable.

        The key of an address may be given as it is or as its handle; rows name their owner by the handle.
        """
        owner = self._reader.veil.hide(owner)
        key = (statement, tuple(sorted(parameters.items())))
        if key not in self._loaders:
            self._loaders[key] = DataLoader(lambda ids: self._load(statement, ids, parameters))
        return await self._loaders[key].load(owner)

    async def row(self, statement: str, owner: str) -> Row | None:
        """The only row of `statement` for one owner, or None."""
        rows = await self.rows(statement, owner)
        return rows[0] if rows else None

    async def _load(
        self, statement: str, ids: list[str], parameters: dict[str, object]
    ) -> Sequence[list[Row]]:
        found: dict[str, list[Row]] = {owner: [] for owner in ids}
        for row in await self._reader.read(statement, ids=ids, **parameters):
            found[row["owner"]].append(row)
        return [found[owner] for owner in ids]


class Context(BaseContext):
    """One request's."""

    def __init__(
        self,
        reader: Reader,
        worker: Worker,
        signer: Signer,
        principal: Principal,
        request_id: str,
        keys_dir: Path,
        tokens: Tokeniser,
    ) -> None:
        super().__init__()
        self.reader = reader
        self.worker = worker
        self.signer = signer
        self.principal = principal
        self.request_id = request_id
        self.keys_dir = keys_dir
        self.tokens = tokens
        self.veil = reader.veil
        self.loaders = Loaders(reader)
        self.book = BookOnce(reader)
        self.budget = Budget()

    @property
    def auditor(self) -> Auditor:
        """Writes to the audit log in the name of who asks."""
        return Auditor(self.signer, self.principal.name, self.principal.role.value, self.request_id)


Info = strawberry.Info[Context, None]
