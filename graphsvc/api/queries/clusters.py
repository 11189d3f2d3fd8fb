"""Queries of clusters: a filtered list, and one by id."""
# mypy: disable-error-code=untyped-decorator

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.arguments import Id
from graphsvc.api.types.cluster import Cluster
from graphsvc.api.types.moments import to_milliseconds, to_utc
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.model.clusters import Assessment
from graphsvc.model.decisions import Status
from graphsvc.store.queries import nodes, relations

ALL_CLUSTERS = 50
"""What counting clusters that pass a filter costs, which looks at all of them."""
ALL_MEMBERS = 200
"""What looking for clusters by when their members joined costs, which may look at all members."""
LEAST, MOST = -1e300, 1e300
"""Bounds that hold for everything."""
_PROPERTIES = ("score", "coordination", "size", "firstSeen", "lastSeen")
EVERYTHING = {
    "ids": None,
    "least": dict.fromkeys(_PROPERTIES, LEAST),
    "most": dict.fromkeys(_PROPERTIES, MOST),
    "statuses": None,
    "families": None,
}
"""The condition of a filter that names nothing but assessments."""


@strawberry.enum(description="Fields that clusters can be ordered by.")
class ClusterOrderField(Enum):
    SCORE = strawberry.enum_value("score", description="How likely it is a campaign: its hostility.")
    COORDINATION = strawberry.enum_value("coordination", description="How likely one operator runs it.")
    SIZE = strawberry.enum_value("size", description="Number of accounts.")
    GROWTH = strawberry.enum_value("growth", description="Accounts gained in the last run.")
    FIRST_SEEN = strawberry.enum_value("first_seen", description="First sign-up of a member.")
    LAST_SEEN = strawberry.enum_value("last_seen", description="Last sign-up of a member.")


@strawberry.enum(description="The direction of the order.")
class Direction(Enum):
    ASC = strawberry.enum_value(1.0, description="Lowest or earliest first.")
    DESC = strawberry.enum_value(-1.0, description="Highest or latest first.")


@strawberry.input(description="An order of clusters.")
class ClusterOrder:
    field: ClusterOrderField = strawberry.field(
        default=ClusterOrderField.SCORE, description="The field to order by."
    )
    direction: Direction = strawberry.field(default=Direction.DESC, description="The direction of the order.")


@strawberry.input(description="Clusters that meet all that is given.")
class ClusterFilter:
    assessment: list[Assessment] | None = strawberry.field(
        default_factory=lambda: [Assessment.CAMPAIGN],
        description="Any of these assessments; by default campaigns alone. null: all clusters.",
    )
    min_score: float | None = strawberry.field(
        default=None, description="Score (hostility) at least this, 0 to 1."
    )
    max_score: float | None = strawberry.field(default=None, description="Score (hostility) at most this.")
    min_coordination: float | None = strawberry.field(
        default=None, description="Coordination at least this, 0 to 1."
    )
    max_coordination: float | None = strawberry.field(default=None, description="Coordination at most this.")
    min_size: int | None = strawberry.field(default=None, description="At least so many accounts.")
    max_size: int | None = strawberry.field(default=None, description="At most so many accounts.")
    min_growth: int | None = strawberry.field(
        default=None,
        description="Gained at least so many accounts in the last run; a new cluster gained all it has.",
    )
    max_growth: int | None = strawberry.field(
        default=None, description="Gained at most so many; negative: lost at least so many."
    )
    status: list[Status] | None = strawberry.field(default=None, description="Any of these statuses.")
    families: list[str] | None = strawberry.field(
        default=None, description="Held together by any of these families, for example `payment`, `network`."
    )
    ids: list[str] | None = strawberry.field(default=None, description="One of these clusters.")
    signal_key: str | None = strawberry.field(
        default=None, description="This signal is among those that hold it together."
    )
    account_id: str | None = strawberry.field(default=None, description="This account is in it.")
    first_seen_since: datetime | None = strawberry.field(
        default=None, description="Its first sign-up was at this moment or later."
    )
    first_seen_until: datetime | None = strawberry.field(
        default=None, description="Its first sign-up was at this moment or earlier."
    )
    last_seen_since: datetime | None = strawberry.field(
        default=None, description="Its last sign-up was at this moment or later."
    )
    last_seen_until: datetime | None = strawberry.field(
        default=None, description="Its last sign-up was at this moment or earlier."
    )
    joined_since: datetime | None = strawberry.field(
        default=None, description="An account is known to belong to it since this moment or later."
    )

    async def build_condition(self, info: Info) -> dict[str, object]:
        """Build the parameters of the statements that read clusters. Some filters first need a query of ids."""
        return {
            "ids": await self._find_ids(info),
            "least": {
                "score": LEAST if self.min_score is None else self.min_score,
                "coordination": LEAST if self.min_coordination is None else self.min_coordination,
                "size": LEAST if self.min_size is None else self.min_size,
                "firstSeen": _convert_bound(self.first_seen_since, LEAST),
                "lastSeen": _convert_bound(self.last_seen_since, LEAST),
            },
            "most": {
                "score": MOST if self.max_score is None else self.max_score,
                "coordination": MOST if self.max_coordination is None else self.max_coordination,
                "size": MOST if self.max_size is None else self.max_size,
                "firstSeen": _convert_bound(self.first_seen_until, MOST),
                "lastSeen": _convert_bound(self.last_seen_until, MOST),
            },
            "assessments": [each.value for each in self.assessment] if self.assessment is not None else None,
            "statuses": [each.value for each in self.status] if self.status is not None else None,
            "families": self.families,
        }

    async def _find_ids(self, info: Info) -> list[str] | None:
        """Return the ids of clusters that signals, accounts, growth and members allow; None: all."""
        asked: list[Awaitable[list[str]]] = []
        read = info.context.reader.read
        if self.signal_key is not None:
            asked.append(read(relations.CLUSTERS_WITH_SIGNAL, key=self.signal_key))
        if self.account_id is not None:
            asked.append(read(relations.CLUSTERS_OF_ACCOUNT, account=self.account_id))
        if self.min_growth is not None or self.max_growth is not None:
            growth = {"least": self.min_growth, "most": self.max_growth}
            asked.append(read(relations.CLUSTERS_THAT_GREW, **growth))
        if self.joined_since is not None:
            info.context.budget.charge(ALL_MEMBERS)
            asked.append(read(relations.CLUSTERS_JOINED_SINCE, since=to_utc(self.joined_since)))
        found = [set(ids) for ids in await asyncio.gather(*asked)]
        if self.ids is not None:
            found.append(set(self.ids))
        return sorted(set.intersection(*found)) if found else None


def _convert_bound(moment: datetime | None, none: float) -> float:
    return none if moment is None else to_milliseconds(moment)


@strawberry.type(description="One page of clusters.")
class ClusterConnection(Connection[Cluster]):
    condition: strawberry.Private[dict[str, object]]

    @strawberry.field(description="How many clusters pass the filter, on all pages.")
    async def total_count(self, info: Info) -> int:
        everything = {**self.condition, "assessments": None} == {**EVERYTHING, "assessments": None}
        info.context.budget.charge(1 if everything else ALL_CLUSTERS)
        (count,) = await info.context.reader.read(
            relations.CLUSTERS_COUNTED, **self.condition, any=everything
        )
        return count


@strawberry.type(description="Queries of clusters.")
class ClusterQueries:
    @strawberry.field(
        description="The published clusters: campaigns, or with a filter likely businesses, too."
    )
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
    ) -> ClusterConnection:
        # One row more than asked, which only tells whether there is a next page.
        limit = info.context.budget.charge_page(first) + 1
        where, order = filter or ClusterFilter(), order_by or ClusterOrder()
        scope = f"clusters.{order.field.value}.{order.direction.name}"
        # Before the first page everything is after the lowest key.
        after_key, after_id = decode_cursor(scope, after, (-1e300, ""))
        condition = await where.build_condition(info)
        place = {"after_key": after_key, "after_id": after_id, "limit": limit}
        # The default order has a statement of its own, which uses the index on rank.
        if order.field is ClusterOrderField.SCORE and order.direction is Direction.DESC:
            rows = await info.context.reader.read(relations.TOP_CLUSTERS, **condition, **place)
        else:
            how = {"order": order.field.value, "sign": order.direction.value}
            rows = await info.context.reader.read(relations.CLUSTERS, **condition, **how, **place)
        keys = {row.cluster.id: row.key for row in rows}
        page = build_connection(
            [row.cluster for row in rows],
            first,
            after,
            lambda cluster: encode_cursor(scope, (keys[cluster.id], cluster.id)),
        )
        # Kept, so that `totalCount` counts under the same filter, and only if it is asked for.
        return ClusterConnection(edges=page.edges, page_info=page.page_info, condition=condition)

    @strawberry.field(description="One published cluster; null: there is none of this id.")
    async def cluster(self, info: Info, id: Id) -> Cluster | None:
        return await info.context.loaders.load_row(nodes.CLUSTER, id)
