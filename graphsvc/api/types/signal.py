"""Signals: the values accounts share."""
# mypy: disable-error-code=untyped-decorator

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.moments import to_optional_datetime
from graphsvc.api.types.network import AddressRange
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.rarity import Rarity, count_accounts
from graphsvc.signals.kinds import family_of, kind_of
from graphsvc.store.connection import Row

if TYPE_CHECKING:
    from graphsvc.api.types.account import Account
    from graphsvc.api.types.cluster import Cluster

HUB_DEGREE = 20_000
"""From here on a page of a signal's accounts is found along the index of accounts instead of from the signal.

With `d` of `n` accounts on a signal the one way walks `d` relationships, the other `n / d` accounts a row of the page.
Measured with 400,000 accounts and pages of 50, both take the same time at 20,000; so no page is much slower than that.
"""


@strawberry.type(
    description="A value that accounts have in common or could have: an address, a card, a device …"
)
class Signal:
    key: str = strawberry.field(
        description="Key of the signal: `kind:value`; of an address a handle, `ip:~…`, that works wherever a key does."
    )
    kind: str = strawberry.field(description="Kind, for example `ip`, `instrument`, `device`, `prompt`.")
    value: str = strawberry.field(
        description="A domain as it is; of an address the network it is in, /24 or /48; of everything else personal a "
        "token, `keyid.digest`."
    )
    degree: int = strawberry.field(description="Accounts that use it, in a cluster or not.")
    network_class: str | None = strawberry.field(
        description="Of an address: residential, mobile, hosting, vpn, proxy, cgnat, corporate, education, unknown."
    )
    network: str | None = strawberry.field(description="Of an address: name of its network.")
    instrument_kind: str | None = strawberry.field(
        description="Of a payment instrument: card, bank, wallet …"
    )
    issuer_country: str | None = strawberry.field(description="Of a payment instrument: ISO 3166 alpha-2.")
    bin: str | None = strawberry.field(description="Of a card: the issuer's number range, 6 to 8 digits.")

    @classmethod
    def from_row(cls, signal: Row, degree: int) -> "Signal":
        """Build the type from the properties of a `:Signal` and the number of accounts on it."""
        return cls(
            key=signal["key"],
            kind=signal["kind"],
            value=signal["value"],
            degree=degree,
            network_class=signal.get("networkClass"),
            network=signal.get("network"),
            instrument_kind=signal.get("instrumentKind"),
            issuer_country=signal.get("issuerCountry"),
            bin=signal.get("bin"),
        )

    @strawberry.field(description="Its label in the graph, for example `IpAddress`.")
    def label(self) -> str:
        return kind_of(self.kind).label

    @strawberry.field(description="Its family: kinds of one family are not independent of each other.")
    def family(self) -> str:
        return family_of(self.kind)

    @strawberry.field(description="The accounts that use it, by id.")
    async def accounts(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection["SignalAccount"]:
        limit = info.context.budget.charge_page(first, at_most=self.degree) + 1
        (last,) = decode_cursor("signal.accounts", after, ("",))
        # The one for hubs walks an index and stops at a full page; the other one looks at all users.
        statement = "query/hub_accounts" if self.degree >= HUB_DEGREE else "query/signal_accounts"
        rows = await info.context.loaders.load_rows(statement, self.key, after=last, limit=limit)
        return build_connection(
            rows,
            first,
            after,
            SignalAccount.from_row,
            lambda row: encode_cursor("signal.accounts", (row["account"]["id"],)),
        )

    @strawberry.field(description="How rare it is, and so what sharing it says.")
    async def rarity(self, info: Info) -> Rarity:
        return Rarity.compute(self.kind, self.degree, self.network_class, await count_accounts(info))

    @strawberry.field(
        description=f"Published clusters whose accounts use it, most first. Of a signal of {HUB_DEGREE:,} accounts or "
        "more only those that it helps to hold together."
    )
    async def clusters(self, info: Info, first: arguments.First = 20) -> list["SignalCluster"]:
        limit = info.context.budget.charge_page(first)
        hub = self.degree >= HUB_DEGREE
        # A hub's clusters are read from the few that it holds together, not from all its users.
        arguments.charge_walk(info, 0 if hub else self.degree)
        statement = "query/hub_clusters" if hub else "query/signal_clusters"
        rows = await info.context.loaders.load_rows(statement, self.key, limit=limit)
        return [SignalCluster.from_row(row) for row in rows]

    @strawberry.field(description="Of an address: the range that it is in, and whose that is.")
    async def range(self, info: Info) -> AddressRange | None:
        row = await info.context.loaders.load_row("query/signal_place", self.key)
        return AddressRange.from_row(row, self.key) if row else None


@strawberry.type(description="A cluster on a signal.")
class SignalCluster:
    cluster: Annotated["Cluster", strawberry.lazy("graphsvc.api.types.cluster")] = strawberry.field(
        description="The cluster."
    )
    accounts: int = strawberry.field(description="Its accounts that use the signal.")

    @classmethod
    def from_row(cls, row: Row) -> "SignalCluster":
        """Build the type from a row of `query/signal_clusters`."""
        from graphsvc.api.types.cluster import Cluster

        return cls(cluster=Cluster.from_row(row["cluster"]), accounts=row["accounts"])


@strawberry.type(description="An account on a signal.")
class SignalAccount:
    account: Annotated["Account", strawberry.lazy("graphsvc.api.types.account")] = strawberry.field(
        description="The account."
    )
    first_seen: datetime | None = strawberry.field(
        description="When the account was first seen with the signal."
    )
    last_seen: datetime | None = strawberry.field(description="When it was last seen with it.")
    count: int | None = strawberry.field(
        description="How often: payments, requests or sightings, by the kind."
    )

    @classmethod
    def from_row(cls, row: Row) -> "SignalAccount":
        """Build the type from a row of `query/signal_accounts`."""
        from graphsvc.api.types.account import Account

        return cls(
            account=Account.from_row(row["account"]),
            first_seen=to_optional_datetime(row["first_seen"]),
            last_seen=to_optional_datetime(row["last_seen"]),
            count=row["count"],
        )
