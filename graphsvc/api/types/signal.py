"""Signals: the values accounts share."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.network import AddressRange
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.rarity import Rarity, count_accounts
from graphsvc.signals.kinds import family_of, kind_of
from graphsvc.store.queries import nodes, relations
from graphsvc.store.queries.nodes import Signal
from graphsvc.store.queries.relations import SignalAccount, SignalCluster

__all__ = ["Signal"]

HUB_DEGREE = 20_000
"""From here on a page of a signal's accounts is found along the index of accounts instead of from the signal.

With `d` of `n` accounts on a signal the one way walks `d` relationships, the other `n / d` accounts a row of the page.
Measured with 400,000 accounts and pages of 50, both take the same time at 20,000; so no page is much slower than that.
"""


class _SignalFields(Signal):
    @strawberry.field(description="Its label in the graph, for example `IpAddress`.")
    def label(self) -> str:
        return kind_of(self.kind).label

    @strawberry.field(description="Its family: kinds of one family are not independent of each other.")
    def family(self) -> str:
        return family_of(self.kind)

    @strawberry.field(description="The accounts that use it, by id.")
    async def accounts(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection[SignalAccount]:
        limit = info.context.budget.charge_page(first, at_most=self.degree) + 1
        (last,) = decode_cursor("signal.accounts", after, ("",))
        # The one for hubs walks an index and stops at a full page; the other one looks at all users.
        query = relations.HUB_ACCOUNTS if self.degree >= HUB_DEGREE else relations.SIGNAL_ACCOUNTS
        rows = await info.context.loaders.load_rows(query, self.key, after=last, limit=limit)
        return build_connection(
            rows, first, after, lambda row: encode_cursor("signal.accounts", (row.account.id,))
        )

    @strawberry.field(description="How rare it is, and so what sharing it says.")
    async def rarity(self, info: Info) -> Rarity:
        return Rarity.compute(self.kind, self.degree, self.network_class, await count_accounts(info))

    @strawberry.field(
        description=f"Published clusters whose accounts use it, most first. Of a signal of {HUB_DEGREE:,} accounts or "
        "more only those that it helps to hold together."
    )
    async def clusters(self, info: Info, first: arguments.First = 20) -> list[SignalCluster]:
        limit = info.context.budget.charge_page(first)
        hub = self.degree >= HUB_DEGREE
        # A hub's clusters are read from the few that it holds together, not from all its users.
        arguments.charge_walk(info, 0 if hub else self.degree)
        query = relations.HUB_CLUSTERS if hub else relations.SIGNAL_CLUSTERS
        return await info.context.loaders.load_rows(query, self.key, limit=limit)

    @strawberry.field(description="Of an address: the range that it is in, and whose that is.")
    async def range(self, info: Info) -> AddressRange | None:
        return await info.context.loaders.load_row(nodes.RANGE_OF_ADDRESS, self.key)


describe_model(SignalCluster)
describe_model(SignalAccount)
describe_model(Signal, resolvers=_SignalFields)
