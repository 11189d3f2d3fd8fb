"""Detection runs."""

from enum import Enum
from typing import NewType

import strawberry
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from graphsvc.api.types.models import describe_model
from graphsvc.store.queries.nodes import Progress, Run

__all__ = ["BIG_INT", "BigInt", "Run", "RunStatus"]

BigInt = NewType("BigInt", int)
BIG_INT: ScalarDefinition = strawberry.scalar(
    name="BigInt",
    description="An integer of up to 64 bits, as a JSON number.",
    serialize=int,
    parse_value=int,
)


@strawberry.enum(description="How far a run has come.")
class RunStatus(Enum):
    RUNNING = strawberry.enum_value("running", description="At work, or died without a word.")
    PUBLISHED = strawberry.enum_value("published", description="Its clusters are the ones served now.")
    SUPERSEDED = strawberry.enum_value(
        "superseded", description="A later run's clusters took the place of its own."
    )
    FAILED = strawberry.enum_value("failed", description="Ended with an error; it published nothing.")


describe_model(Progress)
describe_model(
    Run,
    types={
        "status": RunStatus,
        "seed": BigInt | None,
        **dict.fromkeys(("parameters", "versions", "thresholds", "timings", "stages"), JSON),
    },
)
