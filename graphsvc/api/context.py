"""The context of a request for its resolvers: the principal, batched reads, and the budget."""

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


class Context(BaseContext):
    """The context of one request, or of one WebSocket, whose first message may name the principal."""

    def __init__(self, state: State, principal: Principal | None, request_id: str) -> None:
        """Initialize with the app's `state`."""
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
        """Discard what was read, and start a new budget.

        A subscription calls it before each event, so that it reports the present state and pays for each
        event alone.
        """
        self.budget = Budget(spend=self.budget.spend)
        self.loaders = Loaders(self.reader)
        self.book = BookOnce(self.reader)

    @property
    def principal(self) -> Principal:
        """Return the principal of the request.

        Raises:
            AccessDenied: there is none.
        """
        if self._principal is None:
            raise AccessDenied("This needs a valid API key, or a valid token of a person.")
        return self._principal

    async def admit(self, authorization: str) -> None:
        """Set the principal from `authorization`. Raise as `find_principal`."""
        self._set_principal(await find_principal(authorization, self.state))
        self.authorization = authorization

    def _set_principal(self, principal: Principal | None) -> None:
        """Set the principal and the redaction that it reads through. A viewer cannot look up an address."""
        self._principal = principal
        reader = cast(Reader, self.state.reader)
        handles_only = principal is None or principal.role is Role.VIEWER
        self.reader = reader.copy_with_veil(OpaqueVeil(reader.veil)) if handles_only else reader
        self.veil = self.reader.veil
        self.renew()

    async def verify_principal(self) -> None:
        """Check that the principal still has access; else close the connection.

        Raises:
            AccessDenied, Forbidden: it has none; ProviderAway: its token cannot be checked now.
        """
        try:
            await self.admit(self.authorization)
        except (AccessDenied, Forbidden):
            if isinstance(self.request, WebSocket):
                await self.request.close(4403, "Forbidden")
            raise

    @property
    def auditor(self) -> Auditor:
        """Return the writer of audit entries in the name of the principal."""
        return Auditor(self.signer, self.principal.name, self.principal.role.value, self.request_id)


Info = strawberry.Info[Context, None]
