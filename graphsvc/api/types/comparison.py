"""The differences of two runs."""
# mypy: disable-error-code=untyped-decorator

from collections.abc import Callable
from enum import Enum

import polars as pl
import strawberry

from graphsvc.analysis.diff import Diff
from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.pagination import Connection, Made, build_connection, decode_cursor, encode_cursor
from graphsvc.store.connection import Row


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


@strawberry.type(description="The change of one cluster.")
class ClusterChange:
    cluster_id: str = strawberry.field(description="Id of the cluster.")
    kind: ChangeKind = strawberry.field(description="The kind of change.")
    other_id: str | None = strawberry.field(
        description="Of a split what it came off, of a merger what it became part of."
    )
    accounts_before: int = strawberry.field(description="Accounts in the earlier run.")
    accounts_after: int = strawberry.field(description="Accounts in the later run.")
    accounts_joined: int = strawberry.field(description="Accounts that came.")
    accounts_left: int = strawberry.field(description="Accounts that went.")
    score_before: float | None = strawberry.field(description="Score in the earlier run; null: not there.")
    score_after: float | None = strawberry.field(description="Score in the later run; null: not there.")
    description: str = strawberry.field(description="The same in a sentence.")


@strawberry.type(
    description="An account that is in another cluster than before, or in none in one of the two runs."
)
class Move:
    account_id: str = strawberry.field(description="Id of the account.")
    kind: str = strawberry.field(description="How it moved, for example `joined`, `left`.")
    from_id: str | None = strawberry.field(description="Its cluster in the earlier run.")
    to_id: str | None = strawberry.field(description="Its cluster in the later run.")
    membership_before: float | None = strawberry.field(description="How surely it belonged, 0 to 1.")
    membership_after: float | None = strawberry.field(description="How surely it belongs, 0 to 1.")
    reason: str = strawberry.field(description="The reason, in a sentence.")


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
        return _build_page(
            info, f"diff.clusters.{self.from_id}.{self.to_id}", changed, first, after, _build_change
        )

    @strawberry.field(description="Accounts that moved, by id.")
    def moves(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection[Move]:
        scope = f"diff.moves.{self.from_id}.{self.to_id}"
        return _build_page(info, scope, self.found.moves, first, after, _build_move)


def _build_page(
    info: Info, scope: str, table: pl.DataFrame, first: int, after: str | None, make: Callable[[Row], Made]
) -> Connection[Made]:
    """Build a page of a table. The table is computed the same each time, so a row number serves as cursor."""
    limit = info.context.budget.charge_page(first) + 1
    (done,) = decode_cursor(scope, after, (-1,))
    rows = table.with_row_index("place").slice(max(int(done) + 1, 0), limit).to_dicts()
    veiled = info.context.veil.redact_rows(rows)
    return build_connection(
        veiled, first, after, make, lambda row: encode_cursor(scope, (int(row["place"]),))
    )


def _build_change(row: Row) -> ClusterChange:
    return ClusterChange(
        cluster_id=row["cluster"],
        kind=ChangeKind(row["kind"]),
        other_id=row["other"],
        accounts_before=row["before"],
        accounts_after=row["now"],
        accounts_joined=row["came"],
        accounts_left=row["went"],
        score_before=row["score_before"],
        score_after=row["score_now"],
        description=row["says"],
    )


def _build_move(row: Row) -> Move:
    return Move(
        account_id=row["account"],
        kind=row["kind"],
        from_id=row["from"],
        to_id=row["to"],
        membership_before=row["membership_before"],
        membership_after=row["membership_now"],
        reason=row["why"],
    )
