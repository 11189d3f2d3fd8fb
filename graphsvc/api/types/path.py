"""The common signals of two accounts, and the evidence path between them."""

import strawberry

from graphsvc.api.types.account import Account
from graphsvc.api.types.evidence import FamilyEvidence
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.signal import Signal
from graphsvc.store.queries.views import CommonUse

describe_model(CommonUse, "CommonSignal")


@strawberry.type(description="One step from an account to another.")
class PathStep:
    source: Account = strawberry.field(description="From here,")
    target: Account = strawberry.field(description="to here.")
    bits: float | None = strawberry.field(
        description="Evidence for one operator behind both, in bits, as published; null: not published as a link."
    )
    signal: Signal | None = strawberry.field(
        description="The signal that leads on; null: several do, see `explanation`."
    )
    explanation: list[FamilyEvidence] = strawberry.field(description="The evidence, by family.")
    description: str = strawberry.field(description="The step in a sentence.")


@strawberry.type(description="How the evidence leads from one account to another.")
class EvidencePath:
    steps: list[PathStep] = strawberry.field(description="The steps, in order.")
    bits: float | None = strawberry.field(
        description="Of the weakest step, which is what the whole path is worth; null: not of published links."
    )
    description: str = strawberry.field(description="The path in a sentence.")


@strawberry.type(description="Everything between two accounts.")
class Between:
    source: Account = strawberry.field(description="One account.")
    target: Account = strawberry.field(description="The other account.")
    common: list[CommonUse] = strawberry.field(description="Signals that both use, rarest first; at most 50.")
    common_total: int = strawberry.field(description="How many signals both use.")
    path: EvidencePath | None = strawberry.field(
        description="The strongest evidence path: through published links that whose weakest step is the strongest, "
        "else the shortest through rare signals; null: none was found, see `description`."
    )
    description: str = strawberry.field(description="The result, and where the search ended.")
