"""Address ranges and autonomous systems, and how widely they are used."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.arguments import charge_walk
from graphsvc.store.connection import Row

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
    def from_row(cls, row: Row) -> "NetworkUse":
        """Build the type from a row of `query/range_use` or `query/system_use`."""
        return cls(addresses=row["addresses"], accounts=row["accounts"], is_complete=row["uses"] < MOST_USES)


@strawberry.type(description="An autonomous system: a network that announces ranges of addresses as its own.")
class AutonomousSystem:
    asn: int = strawberry.field(description="Its number.")
    name: str | None = strawberry.field(description="Its name.")
    network_class: str | None = strawberry.field(
        description="The kind of network, for example hosting, mobile."
    )
    country: str | None = strawberry.field(description="ISO 3166 alpha-2.")

    @classmethod
    def from_row(cls, system: Row) -> "AutonomousSystem":
        """Build the type from the properties of an `:AutonomousSystem`."""
        return cls(
            asn=system["asn"],
            name=system.get("name"),
            network_class=system.get("class"),
            country=system.get("country"),
        )

    @strawberry.field(description="How widely it is used; null: no address of it was seen.")
    async def use(self, info: Info) -> NetworkUse | None:
        charge_walk(info, MOST_USES)
        rows = await info.context.loaders.load_rows("query/system_use", str(self.asn), most=MOST_USES)
        return NetworkUse.from_row(rows[0]) if rows and rows[0]["addresses"] else None


@strawberry.type(description="A range of addresses: /24 of IPv4, /64 of IPv6.")
class AddressRange:
    cidr: str = strawberry.field(description="The range as CIDR; of IPv6 the /48 that it is in.")
    system: AutonomousSystem | None = strawberry.field(
        description="The system that announces it; of several the one of the smallest number. Null: not known."
    )
    address: strawberry.Private[str]  # key or handle of one in it, by which it is found again

    @classmethod
    def from_row(cls, row: Row, address: str) -> "AddressRange":
        """Build the type from a row of `query/signal_place` or `query/search_ranges`."""
        return cls(
            cidr=row["cidr"],
            system=AutonomousSystem.from_row(row["system"]) if row["system"] else None,
            address=address,
        )

    @strawberry.field(description="How widely it is used.")
    async def use(self, info: Info) -> NetworkUse | None:
        charge_walk(info, MOST_USES)
        rows = await info.context.loaders.load_rows("query/range_use", self.address, most=MOST_USES)
        return NetworkUse.from_row(rows[0]) if rows else None
