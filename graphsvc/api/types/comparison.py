"""The differences of two runs."""
# mypy: disable-error-code=untyped-decorator

from enum import Enum
from typing import TypeVar

import polars as pl
import strawberry

from graphsvc.analysis.diff import ClusterChange, Diff, Move
from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.model.rows import parse_row

Change = TypeVar("Change", ClusterChange, Move)


@strawberry.enum(description="Kinds of changes of a cluster from one run to another.")
class ChangeKind(Enum):
    BORN = strawberry.enum_value("born", description="Not there before.")
    SPLIT = strawberry.enum_value("split", description="It came off another.")
    GREW = strawberry.enum_value("grew", description="It has more accounts.")
    SHRANK = strawberry.enum_value("shrank", description="It has fewer accounts.")
    CHANGED = strawberry.enum_value("changed", description="As many accounts, but others.")
    SAME = strawberry.enum_value("same", description="The same accounts.")
    MERGED = strawberry.enum_value("merged", description="It became part of another.")
    GONE = strawberry.enum_value("gone", description="It does not exist any more.")


@strawberry.type(description="How many clusters changed in one way.")
class ChangeCount:
    kind: ChangeKind = strawberry.field(description="The way.")
    clusters: int = strawberry.field(description="How many.")


describe_model(ClusterChange, types={"kind": ChangeKind})
describe_model(Move)


@strawberry.type(description="Changes from one run to another.")
class RunDiff:
    from_id: str = strawberry.field(description="Id of the earlier run.")
    to_id: str = strawberry.field(description="Id of the later run.")
    found: strawberry.Private[Diff]

    @strawberry.field(description="The number of clusters for each kind of change.")
    def counts(self) -> list[ChangeCount]:
        kinds = self.found.clusters.group_by("kind").len().sort("kind")
        return [ChangeCount(kind=ChangeKind(kind), clusters=count) for kind, count in kinds.iter_rows()]

    @strawberry.field(description="How many accounts moved.")
    def moved(self) -> int:
        return self.found.moves.height

    @strawberry.field(description="Clusters of either run that are not the same in both, largest first.")
    def clusters(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection[ClusterChange]:
        changed = self.found.clusters.filter(pl.col("kind") != "same")
        scope = f"diff.clusters.{self.from_id}.{self.to_id}"
        return _build_page(info, scope, ClusterChange, changed, first, after)

    @strawberry.field(description="Accounts that moved, by id.")
    def moves(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection[Move]:
        scope = f"diff.moves.{self.from_id}.{self.to_id}"
        return _build_page(info, scope, Move, self.found.moves, first, after)


def _build_page(
    info: Info, scope: str, kind: type[Change], table: pl.DataFrame, first: int, after: str | None
) -> Connection[Change]:
    """Build a page of a table. The table is computed the same each time, so a row number serves as cursor."""
    limit = info.context.budget.charge_page(first) + 1
    (done,) = decode_cursor(scope, after, (-1,))
    rows = table.with_row_index("place").slice(max(int(done) + 1, 0), limit).to_dicts()
    changes = [parse_row(kind, row) for row in info.context.veil.redact_rows(rows)]
    return build_connection(changes, first, after, lambda change: encode_cursor(scope, (change.place,)))
