"""Relations of a cluster or an account to others."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from graphsvc.api.types.lineage import EventKind
from graphsvc.api.types.rarity import sum_strongest
from graphsvc.linkage.bits import sharing_bits
from graphsvc.store.connection import Row

if TYPE_CHECKING:
    from graphsvc.api.types.account import Account
    from graphsvc.api.types.cluster import Cluster

SHOWN = 20
"""Signals that are named of all that two have in common."""


@strawberry.type(description="A signal that two clusters or accounts have in common.")
class Common:
    key: str = strawberry.field(description="Its key.")
    kind: str = strawberry.field(description="Its kind.")
    bits: float = strawberry.field(description="Evidence for one operator from sharing it, in bits.")


def _build_common(signals: list[Row]) -> list[Common]:
    return [Common(key=each["key"], kind=each["kind"], bits=each["bits"]) for each in signals[:SHOWN]]


@strawberry.type(description="A published cluster that shares signals or a past with another.")
class Neighbour:
    cluster: Annotated["Cluster", strawberry.lazy("graphsvc.api.types.cluster")] = strawberry.field(
        description="The neighbour."
    )
    shared: int = strawberry.field(description="How many of the signals that hold one together hold both.")
    bits: float = strawberry.field(
        description="Evidence of these together, in bits: families add, within one the strongest counts."
    )
    accounts: int = strawberry.field(
        description="At least so many accounts of the neighbour use one of these signals: those on the one most of "
        "them use."
    )
    signals: list[Common] = strawberry.field(description=f"Those signals, strongest first; {SHOWN} at most.")
    events: list[EventKind] = strawberry.field(
        description="The event that connects their histories, for example `SPLIT`: `lineage` says more."
    )

    @classmethod
    def from_row(cls, row: Row) -> "Neighbour":
        """Build the type from a row of `query/cluster_neighbours`."""
        from graphsvc.api.types.cluster import Cluster

        signals = row["signals"]
        return cls(
            cluster=Cluster.from_row(row["cluster"]),
            shared=len(signals),
            bits=sum_strongest(signals),
            accounts=max((each["there"] for each in signals), default=0),
            signals=_build_common(signals),
            events=[EventKind(event) for event in row["events"]],
        )


@strawberry.type(description="Another account that uses rare signals of one.")
class ConnectedAccount:
    account: Annotated["Account", strawberry.lazy("graphsvc.api.types.account")] = strawberry.field(
        description="The other account."
    )
    cluster: Annotated["Cluster", strawberry.lazy("graphsvc.api.types.cluster")] | None = strawberry.field(
        description="The published cluster that the other is in; null: in none."
    )
    bits: float = strawberry.field(
        description="Evidence of sharing these signals, in bits: families add, within one the strongest counts."
    )
    signals: list[Common] = strawberry.field(description=f"The signals, rarest first; {SHOWN} at most.")

    @classmethod
    def from_row(cls, row: Row, population: int) -> "ConnectedAccount":
        """Build the type from a row of `query/account_touches`, among so many accounts."""
        from graphsvc.api.types.account import Account
        from graphsvc.api.types.cluster import Cluster

        found = row["signals"]
        weights = sharing_bits(
            [each["kind"] for each in found], [each["degree"] for each in found], population
        )
        signals = [{**each, "bits": bits} for each, bits in zip(found, weights, strict=True)]
        return cls(
            account=Account.from_row(row["account"]),
            cluster=Cluster.from_row(row["cluster"]) if row["cluster"] else None,
            bits=sum_strongest(signals),
            signals=_build_common(signals),
        )
