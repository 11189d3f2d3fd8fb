"""Accounts, what they were seen with, and the cluster they are in."""
# mypy: disable-error-code=untyped-decorator

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.decision import Decided
from graphsvc.api.types.evidence import Belonging
from graphsvc.api.types.moments import to_datetime, to_optional_datetime
from graphsvc.api.types.neighbour import ConnectedAccount
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.rarity import count_accounts
from graphsvc.api.types.signal import Signal
from graphsvc.model.decisions import Disposition, On, Topic
from graphsvc.store.connection import Row

if TYPE_CHECKING:
    from graphsvc.api.types.cluster import Cluster
    from graphsvc.api.types.succession import Succession

WIDEST = 200
"""Signals of more users are not walked to find whom an account touches: what so many share is rare no more."""
RAREST = 20
"""Signals of an account that are walked for that."""


@strawberry.enum(description="The status of an account, as the exporter states it.")
class AccountStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="In use.")
    SUSPENDED = strawberry.enum_value("suspended", description="Stopped for now.")
    BANNED = strawberry.enum_value("banned", description="Stopped for good.")
    CLOSED = strawberry.enum_value("closed", description="Ended by its holder.")


@strawberry.type(description="A signal that an account was seen with.")
class AccountSignal:
    signal: Signal = strawberry.field(description="The signal.")
    first_seen: datetime | None = strawberry.field(description="When the account was first seen with it.")
    last_seen: datetime | None = strawberry.field(description="When it was last seen with it.")
    count: int | None = strawberry.field(
        description="How often: payments, requests or sightings, by the kind."
    )

    @classmethod
    def from_row(cls, row: Row) -> "AccountSignal":
        """Build the type from a row of `query/account_signals`."""
        return cls(
            signal=Signal.from_row(row["signal"], row["degree"]),
            first_seen=to_optional_datetime(row["first_seen"]),
            last_seen=to_optional_datetime(row["last_seen"]),
            count=row["count"],
        )


@strawberry.type(description="That an account is in a cluster, how surely and why.")
class Membership(Belonging):
    cluster: Annotated["Cluster", strawberry.lazy("graphsvc.api.types.cluster")] = strawberry.field(
        description="The cluster."
    )


@strawberry.type(description="An account of the service that is watched over.")
class Account(Decided):
    id: str = strawberry.field(description="Id of the account, as the exporter names it.")
    created_at: datetime = strawberry.field(description="When it signed up.")
    status: AccountStatus = strawberry.field(description="Its status.")
    status_changed_at: datetime | None = strawberry.field(description="Since when.")
    plan: str | None = strawberry.field(description="Its plan.")
    country: str | None = strawberry.field(description="ISO 3166 alpha-2.")

    @classmethod
    def from_row(cls, account: Row) -> "Account":
        """Build the type from the properties of an `:Account`."""
        return cls(
            subject=(On.ACCOUNT, account["id"], ""),
            id=account["id"],
            created_at=to_datetime(account["createdAt"]),
            status=AccountStatus(account["status"]),
            status_changed_at=to_optional_datetime(account["statusChangedAt"]),
            plan=account.get("plan"),
            country=account.get("country"),
        )

    @strawberry.field(description="Its disposition.")
    async def disposition(self, info: Info) -> Disposition:
        value = (await info.context.decision_log.read()).get_last_value(Topic.DISPOSITION, *self.subject)
        return Disposition(value or Disposition.OPEN)

    @strawberry.field(description="Its signals, by key.")
    async def signals(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection[AccountSignal]:
        limit = info.context.budget.charge_page(first) + 1
        (last,) = decode_cursor("account.signals", after, ("",))
        rows = await info.context.loaders.load_rows("query/account_signals", self.id, after=last, limit=limit)
        return build_connection(
            rows,
            first,
            after,
            AccountSignal.from_row,
            lambda row: encode_cursor("account.signals", (row["signal"]["key"],)),
        )

    @strawberry.field(description="The cluster it is in; null: in none.")
    async def membership(self, info: Info) -> Membership | None:
        from graphsvc.api.types.cluster import Cluster

        row = await info.context.loaders.load_row("query/account_membership", self.id)
        if row is None:
            return None
        return Membership(
            membership=row["membership"],
            bits=row["bits"],
            since=to_optional_datetime(row["since"]),
            row=row,
            cluster=Cluster.from_row(row["cluster"]),
        )

    @strawberry.field(
        description="Other accounts that use its rarest signals: those on the rarest first, then those on most of them."
    )
    async def connected_accounts(
        self,
        info: Info,
        outside: Annotated[
            bool, strawberry.argument(description="Only accounts that are not in its own cluster.")
        ] = True,
        first: arguments.First = 20,
    ) -> list[ConnectedAccount]:
        limit = info.context.budget.charge_page(first)
        # Charged before it runs, at the most that it may read.
        arguments.charge_walk(info, WIDEST * RAREST)
        rows = await info.context.loaders.load_rows(
            "query/account_touches", self.id, widest=WIDEST, signals=RAREST, outside=outside, limit=limit
        )
        # Rarity is relative to all accounts; the count is read once a request.
        accounts = await count_accounts(info) if rows else 0
        return [ConnectedAccount.from_row(row, accounts) for row in rows]

    @strawberry.field(
        description="Banned accounts that it probably follows, most probable first, as the published run saw it."
    )
    async def predecessors(
        self, info: Info, first: arguments.First = 10
    ) -> list[Annotated["Succession", strawberry.lazy("graphsvc.api.types.succession")]]:
        return await self._load_successions(info, first, follows=True)

    @strawberry.field(
        description="Accounts that probably follow it after its ban, most probable first, as the published run saw it."
    )
    async def successors(
        self, info: Info, first: arguments.First = 10
    ) -> list[Annotated["Succession", strawberry.lazy("graphsvc.api.types.succession")]]:
        return await self._load_successions(info, first, follows=False)

    async def _load_successions(self, info: Info, first: int, *, follows: bool) -> list["Succession"]:
        from graphsvc.api.types.succession import Succession

        limit = info.context.budget.charge_page(first)
        rows = await info.context.loaders.load_rows(
            "query/account_successions", self.id, follows=follows, limit=limit
        )
        return [Succession.from_row(row) for row in rows]
