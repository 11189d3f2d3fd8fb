"""Relations of a cluster or an account to others."""

import strawberry

from graphsvc.api.types.lineage import EventKind
from graphsvc.api.types.models import describe_model
from graphsvc.linkage.bits import sharing_bits
from graphsvc.store.queries.nodes import Account, Cluster
from graphsvc.store.queries.relations import SHOWN, Common, Neighbour, Touch, sum_strongest

__all__ = ["ConnectedAccount", "Neighbour"]

describe_model(Common)
describe_model(Neighbour, types={"events": list[EventKind]})


@strawberry.type(description="Another account that uses rare signals of one.")
class ConnectedAccount:
    account: Account = strawberry.field(description="The other account.")
    cluster: Cluster | None = strawberry.field(
        description="The published cluster that the other is in; null: in none."
    )
    bits: float = strawberry.field(
        description="Evidence of sharing these signals, in bits: families add, within one the strongest counts."
    )
    signals: list[Common] = strawberry.field(description=f"The signals, rarest first; {SHOWN} at most.")

    @classmethod
    def from_touch(cls, touch: Touch, population: int) -> "ConnectedAccount":
        """Build the type from what two accounts share, among so many accounts."""
        found = touch.signals
        weights = sharing_bits(
            [each["kind"] for each in found], [each["degree"] for each in found], population
        )
        signals = [{**each, "bits": bits} for each, bits in zip(found, weights, strict=True)]
        return cls(
            account=touch.account,
            cluster=touch.cluster,
            bits=sum_strongest(signals),
            signals=[Common(each["key"], each["kind"], each["bits"]) for each in signals[:SHOWN]],
        )
