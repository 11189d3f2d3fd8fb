"""Address ranges and autonomous systems, and how widely they are used."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.arguments import charge_walk
from graphsvc.api.types.models import describe_model
from graphsvc.store.queries import relations
from graphsvc.store.queries.nodes import AddressRange, AutonomousSystem
from graphsvc.store.queries.relations import NetworkUse

__all__ = ["AddressRange", "AutonomousSystem"]

MOST_USES = 20_000
"""Uses that are walked to count the accounts of a range or a system. The description of `NetworkUse` names it."""


class _UseFields(NetworkUse):
    @strawberry.field(description="Whether these are all; else it is at least so many.")
    def is_complete(self) -> bool:
        return self.uses < MOST_USES


class _SystemFields(AutonomousSystem):
    @strawberry.field(description="How widely it is used; null: no address of it was seen.")
    async def use(self, info: Info) -> NetworkUse | None:
        charge_walk(info, MOST_USES)
        uses = await info.context.loaders.load_rows(relations.SYSTEM_USE, str(self.asn), most=MOST_USES)
        return uses[0] if uses and uses[0].addresses else None


class _RangeFields(AddressRange):
    @strawberry.field(description="How widely it is used.")
    async def use(self, info: Info) -> NetworkUse | None:
        charge_walk(info, MOST_USES)
        uses = await info.context.loaders.load_rows(relations.RANGE_USE, self.address, most=MOST_USES)
        return uses[0] if uses else None


describe_model(NetworkUse, resolvers=_UseFields)
describe_model(AutonomousSystem, resolvers=_SystemFields)
describe_model(AddressRange, resolvers=_RangeFields)
