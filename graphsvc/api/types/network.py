"""Address ranges and autonomous systems, and how widely they are used."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.arguments import charge_walk
from graphsvc.api.types.models import describe_model
from graphsvc.store.queries import relations
from graphsvc.store.queries.nodes import AddressRange, AutonomousSystem
from graphsvc.store.queries.relations import NetworkWalk

__all__ = ["AddressRange", "AutonomousSystem", "NetworkUse"]

MOST_USES = 20_000
"""Uses that are walked to count the accounts of a range or a system; a carrier's have millions."""


@strawberry.type(description="How widely a range or a system is used.")
class NetworkUse:
    addresses: int = strawberry.field(description="Addresses in it that were seen.")
    accounts: int = strawberry.field(
        description=f"Accounts seen at these, counted over at most {MOST_USES:,} uses."
    )
    is_complete: bool = strawberry.field(description="Whether these are all; else it is at least so many.")

    @classmethod
    def from_walk(cls, walk: NetworkWalk) -> "NetworkUse":
        """Build the type from a walk of at most `MOST_USES` uses."""
        return cls(addresses=walk.addresses, accounts=walk.accounts, is_complete=walk.uses < MOST_USES)


class _SystemFields(AutonomousSystem):
    @strawberry.field(description="How widely it is used; null: no address of it was seen.")
    async def use(self, info: Info) -> NetworkUse | None:
        charge_walk(info, MOST_USES)
        walks = await info.context.loaders.load_rows(relations.SYSTEM_USE, str(self.asn), most=MOST_USES)
        return NetworkUse.from_walk(walks[0]) if walks and walks[0].addresses else None


class _RangeFields(AddressRange):
    @strawberry.field(description="How widely it is used.")
    async def use(self, info: Info) -> NetworkUse | None:
        charge_walk(info, MOST_USES)
        walks = await info.context.loaders.load_rows(relations.RANGE_USE, self.address, most=MOST_USES)
        return NetworkUse.from_walk(walks[0]) if walks else None


describe_model(AutonomousSystem, resolvers=_SystemFields)
describe_model(AddressRange, resolvers=_RangeFields)
