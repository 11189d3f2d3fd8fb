"""Lineage events: what happened to a cluster in a run."""

from datetime import datetime
from enum import Enum

import strawberry

from graphsvc.store.connection import Row


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


@strawberry.type(description="An event of a cluster in one run.")
class LineageEvent:
    kind: EventKind = strawberry.field(description="The kind of event.")
    cluster_id: str = strawberry.field(description="Id of the cluster it happened to.")
    previous_id: str | None = strawberry.field(
        description="Id of what it was before: of a split the cluster it came off, of a merger the one it took in."
    )
    at: datetime = strawberry.field(description="When the run published it.")
    run_id: str = strawberry.field(description="Id of the run.")
    overlap: float = strawberry.field(description="How much of the smaller is in both, 0 to 1.")
    accounts_in_common: int = strawberry.field(description="Accounts before and after.")
    accounts_before: int = strawberry.field(description="Accounts before.")
    accounts_after: int = strawberry.field(description="Accounts after.")
    signals_in_common: int = strawberry.field(description="Rare signals before and after.")
    families: list[str] = strawberry.field(description="Families of those signals.")
    bits: float = strawberry.field(description="Evidence of those signals together, in bits.")
    description: str = strawberry.field(description="The event in a sentence.")

    @classmethod
    def from_row(cls, row: Row) -> "LineageEvent":
        """Build the type from a row of `query/cluster_lineage`."""
        return cls(
            kind=EventKind(row["kind"]),
            cluster_id=row["id"],
            previous_id=row["before"],
            at=row["at"],
            run_id=row["run"],
            overlap=row["overlap"],
            accounts_in_common=row["accounts"],
            accounts_before=row["accounts_before"],
            accounts_after=row["accounts_now"],
            signals_in_common=row["signals"],
            families=row["families"],
            bits=row["bits"],
            description=row["says"],
        )
