"""What a resolver has at hand: who asks, a reader that batches, and a budget."""

import asyncio
from collections.abc import Sequence
from typing import cast

import strawberry
from starlette.datastructures import State
from starlette.websockets import WebSocket
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from graphsvc.api.book import BookOnce
from graphsvc.api.detection_process import DetectionProcesses
from graphsvc.api.hub import Hub
from graphsvc.api.keys import KeyRing, Principal, Role
from graphsvc.api.limits import Budget
from graphsvc.api.principals import find_principal
from graphsvc.api.worker import Worker
from graphsvc.errors import AccessDenied, Forbidden
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signals.veil import OpaqueVeil
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

    async def load_rows(self, statement: str, owner: str, **parameters: object) -> list[Row]:
        """Return the rows of `statement` for one owner, in the statement's order; parameters must be hashable.

        The key of an address may be given as it is or as its handle; rows name their owner by the handle.
        """
        owner = self._reader.veil.hide_named(owner)
        key = (statement, tuple(sorted(parameters.items())))
        if key not in self._loaders:
            self._loaders[key] = DataLoader(lambda ids: self._load_batch(statement, ids, parameters))
        return await self._loaders[key].load(owner)

    async def load_row(self, statement: str, owner: str) -> Row | None:
        """Return the only row of `statement` for one owner, or None."""
        rows = await self.load_rows(statement, owner)
        return rows[0] if rows else None

    async def load_many(self, statement: str, owners: Sequence[str]) -> list[Row]:
        """Return the only row of `statement` for each of some owners, in one query; those without one are left out."""
        rows = await asyncio.gather(*(self.load_row(statement, owner) for owner in owners))
        return [row for row in rows if row is not None]

    async def _load_batch(
        self, statement: str, ids: list[str], parameters: dict[str, object]
    ) -> Sequence[list[Row]]:
        found: dict[str, list[Row]] = {owner: [] for owner in ids}
        for row in await self._reader.read(statement, ids=ids, **parameters):
            found[row["owner"]].append(row)
        return [found[owner] for owner in ids]


class Context(BaseContext):
    """One request's, or one WebSocket's, of which the principal may come with its first message."""

    def __init__(self, state: State, principal: Principal | None, request_id: str) -> None:
        """`state` is the app's."""
        super().__init__()
        self.state = state
        self.worker = cast(Worker, state.worker)
        self.processes = cast(DetectionProcesses, state.processes)
        self.hub = cast(Hub, state.hub)
        self.signer = cast(Signer, state.signer)
        self.keys_dir = cast(KeyRing, state.keys).directory
        self.tokens = cast(Tokeniser, state.tokens)
        self.request_id = request_id
        self.authorization = ""
        self.budget = Budget()
        self._set_principal(principal)

    def renew(self) -> None:
        """Forget what was read, and counts anew what is charged: a subscription is told of what is, not of what was
        when it began, and of each news on its own."""
        self.budget = Budget(spend=self.budget.spend)
        self.loaders = Loaders(self.reader)
        self.book = BookOnce(self.reader)

    @property
    def principal(self) -> Principal:
        """Who asks.

        Raises:
            AccessDenied: nobody has said.
        """
        if self._principal is None:
            raise AccessDenied("This needs a valid API key, or a valid token of a person.")
        return self._principal

    async def admit(self, authorization: str) -> None:
        """Take `authorization` for who asks. Raises as `find_principal`."""
        self._set_principal(await find_principal(authorization, self.state))
        self.authorization = authorization

    def _set_principal(self, principal: Principal | None) -> None:
        """Who asks, and what they see through: a viewer names no address."""
        self._principal = principal
        reader = cast(Reader, self.state.reader)
        handles_only = principal is None or principal.role is Role.VIEWER
        self.reader = reader.copy_with_veil(OpaqueVeil(reader.veil)) if handles_only else reader
        self.veil = self.reader.veil
        self.renew()

    async def verify_principal(self) -> None:
        """Looks whether who asks still may; a connection of one who may not is closed. Raises as `find_principal`."""
        try:
            await self.admit(self.authorization)
        except (AccessDenied, Forbidden):
            if isinstance(self.request, WebSocket):
                await self.request.close(4403, "Forbidden")
            raise

    @property
    def auditor(self) -> Auditor:
        """Write to the audit log in the name of who asks."""
        return Auditor(self.signer, self.principal.name, self.principal.role.value, self.request_id)


Info = strawberry.Info[Context, None]
