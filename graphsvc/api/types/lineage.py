"""Lineage events: what happened to a cluster in a run."""

from enum import Enum

import strawberry

from graphsvc.api.types.models import describe_model
from graphsvc.store.queries.relations import LineageEvent

__all__ = ["EventKind", "LineageEvent"]


@strawberry.enum(description="Kinds of events of a cluster.")
class EventKind(Enum):
    BORN = strawberry.enum_value("born", description="Found for the first time.")
    SPLIT = strawberry.enum_value("split", description="It split from another, which continues.")
    REVIVED = strawberry.enum_value("revived", description="Found again, or no longer part of another.")
    MERGED = strawberry.enum_value("merged", description="Another became part of it.")
    DORMANT = strawberry.enum_value("dormant", description="Not found by a run.")
    GREW = strawberry.enum_value("grew", description="It has more accounts than before.")
    SHRANK = strawberry.enum_value("shrank", description="It has fewer accounts than before.")
    CONTINUED = strawberry.enum_value("continued", description="It has as many accounts as before.")


describe_model(LineageEvent, types={"kind": EventKind})
