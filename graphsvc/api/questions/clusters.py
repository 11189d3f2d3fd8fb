"""The clusters that matter, and one of them."""
# mypy: disable-error-code=untyped-decorator

from enum import Enum
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.pagination import Connection, connection, decode, encode
from graphsvc.api.types import arguments
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.cluster import Cluster, ClusterStatus


@strawberry.enum(description="What clusters are ordered by.")
class ClusterOrderField(Enum):
    SCORE = strawberry.enum_value("score", description="How sure the detection is.")
    SIZE = strawberry.enum_value("size", description="Number of accounts.")
    FIRST_SEEN = strawberry.enum_value("first_seen", description="First sign-up of a member.")
    LAST_SEEN = strawberry.enum_value("last_seen", description="Last sign-up of a member.")


@strawberry.enum(description="Which end comes first.")
class Direction(Enum):
    ASC = strawberry.enum_value(1.0, description="Lowest or earliest first.")
    DESC = strawberry.enum_value(-1.0, description="Highest or latest first.")


@strawberry.input(description="An order of clusters.")
class ClusterOrder:
    field: ClusterOrderField = strawberry.field(
        default=ClusterOrderField.SCORE, description="What they are ordered by."
    )
    direction: Direction = strawberry.field(default=Direction.DESC, description="Which end comes first.")


@strawberry.input(description="Clusters that meet all that is given.")
class ClusterFilter:
    min_score: float | None = strawberry.field(default=None, description="Score at least this, 0 to 1.")
    max_score: float | None = strawberry.field(default=None, description="Score at most this.")
    min_size: int | None = strawberry.field(default=None, description="At least so many accounts.")
    max_size: int | None = strawberry.field(default=None, description="At most so many accounts.")
    status: ClusterStatus | None = strawberry.field(default=None, description="What people decided.")
    families: list[str] | None = strawberry.field(
        default=None, description="Held together by any of these families, for example `payment`, `network`."
    )
    signal_key: str | None = strawberry.field(
        default=None, description="This signal is among those that hold it together."
    )
    account_id: str | None = strawberry.field(default=None, description="This account is in it.")


async def _cluster_ids(info: Info, where: ClusterFilter) -> list[str] | None:
    found: list[set[str]] = []
    if where.signal_key is not None:
        rows = await info.context.reader.read("query/cluster_ids_with_signal", key=where.signal_key)
        found.append({row["id"] for row in rows})
    if where.account_id is not None:
        rows = await info.context.reader.read("query/cluster_ids_of_account", account=where.account_id)
        found.append({row["id"] for row in rows})
    return sorted(set.intersection(*found)) if found else None


@strawberry.type(description="Questions about clusters.")
class ClusterQuestions:
    @strawberry.field(description="The published clusters.")
    async def clusters(
        self,
        info: Info,
        filter: Annotated[
            ClusterFilter | None, strawberry.argument(description="Only clusters that meet this.")
        ] = None,
        order_by: Annotated[
            ClusterOrder | None,
            strawberry.argument(description="Their order; by default highest score first."),
        ] = None,
        first: arguments.First = 50,
        after: arguments.After = None,
    ) -> Connection[Cluster]:
        limit = info.context.budget.page(first) + 1
        where, order = filter or ClusterFilter(), order_by or ClusterOrder()
        scope = f"clusters.{order.field.value}.{order.direction.name}"
        after_key, after_id = decode(scope, after, (-1e300, ""))
        condition = {
            "ids": await _cluster_ids(info, where),
            "min_score": where.min_score,
            "max_score": where.max_score,
            "min_size": where.min_size,
            "max_size": where.max_size,
            "status": where.status.value if where.status else None,
            "families": where.families,
        }
        place = {"after_key": after_key, "after_id": after_id, "limit": limit}
        if order.field is ClusterOrderField.SCORE and order.direction is Direction.DESC:
            rows = await info.context.reader.read("query/top_clusters", **condition, **place)
        else:
            how = {"order": order.field.value, "sign": order.direction.value}
            rows = await info.context.reader.read("query/clusters", **condition, **how, **place)
        return connection(
            rows,
            first,
            after,
            lambda row: Cluster.of(row["cluster"]),
            lambda row: encode(scope, (row["key"], row["cluster"]["id"])),
        )

    @strawberry.field(description="One published cluster; null: there is none of this id.")
    async def cluster(self, info: Info, id: Id) -> Cluster | None:
        row = await info.context.loaders.row("query/cluster_by_id", id)
        return Cluster.of(row["cluster"]) if row else None
