"""The context of a request for its resolvers: the principal, batched reads, and the budget."""

import strawberry
from starlette.websockets import WebSocket
from strawberry.fastapi import BaseContext

from graphsvc.api.auth.keys import Principal, Role
from graphsvc.api.auth.principals import find_principal
from graphsvc.api.dataloaders.decision_log import DecisionLogLoader
from graphsvc.api.dataloaders.rows import RowLoaders
from graphsvc.api.operations.limits import Budget
from graphsvc.api.services import Services
from graphsvc.errors import AccessDenied, Forbidden
from graphsvc.signals.veil import OpaqueVeil
from graphsvc.store.audit import Auditor


class Context(BaseContext):
    """The context of one request, or of one WebSocket, whose first message may name the principal."""

    def __init__(self, services: Services, principal: Principal | None, request_id: str) -> None:
        """Initialize with the app's services."""
        super().__init__()
        self.services = services
        self.worker = services.worker
        self.processes = services.processes
        self.pubsub = services.pubsub
        self.signer = services.signer
        self.keys_dir = services.keys.directory
        self.tokens = services.tokens
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
        self.loaders = RowLoaders(self.reader)
        self.decision_log = DecisionLogLoader(self.reader)

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
        # A scorer may ask for its one field; `Operation` refuses all others.
        self._set_principal(
            await find_principal(authorization, self.services.keys, self.services.issuer, Role.SCORER)
        )
        self.authorization = authorization

    def _set_principal(self, principal: Principal | None) -> None:
        """Set the principal and the redaction that it reads through. A viewer cannot look up an address."""
        self._principal = principal
        reader = self.services.reader
        handles_only = principal is None or not principal.role.includes(Role.ANALYST)
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
