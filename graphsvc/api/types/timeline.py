"""Events of a cluster in buckets of time."""
# mypy: disable-error-code=untyped-decorator

from datetime import UTC, datetime
from enum import Enum

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.arguments import charge_walk
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.moments import to_milliseconds, to_utc
from graphsvc.store.queries import relations
from graphsvc.store.queries.relations import TimelineBucket, TrafficBucket

__all__ = ["Bucket", "TimelineBucket", "TrafficBucket"]

HOUR = 3_600_000
DAY = 24 * HOUR
TRAFFIC = 5
"""The hours of traffic of a member take about as long as walking so many members."""
EVER = ("0000-01", "9999-12")


@strawberry.enum(description="How long a bucket of a timeline is.")
class Bucket(Enum):
    HOUR = strawberry.enum_value("hour", description="An hour.")
    DAY = strawberry.enum_value("day", description="A day, in UTC.")
    WEEK = strawberry.enum_value("week", description="A week, from Monday, in UTC.")


LENGTHS = {Bucket.HOUR: (HOUR, 0), Bucket.DAY: (DAY, 0), Bucket.WEEK: (7 * DAY, 3 * DAY)}
"""Length of a bucket, and how long before 1970 one began: ms."""


describe_model(TimelineBucket)
describe_model(TrafficBucket)


async def load_timeline(
    info: Info,
    cluster: str,
    size: int,
    by: Bucket,
    window: tuple[datetime | None, datetime | None],
    first: int,
) -> list[TimelineBucket]:
    """Return the latest `first` buckets of a cluster that have events, in order of time."""
    info.context.budget.charge_page(first)
    charge_walk(info, size)
    rows = await info.context.loaders.load_rows(
        relations.CLUSTER_TIMELINE, cluster, limit=first, **_build_bounds(by, window)
    )
    return rows[::-1]


async def load_traffic(
    info: Info,
    cluster: str,
    size: int,
    by: Bucket,
    window: tuple[datetime | None, datetime | None],
    first: int,
) -> list[TrafficBucket]:
    """Return the latest `first` buckets of a cluster that have requests, in order of time."""
    info.context.budget.charge_page(first)
    charge_walk(info, size * TRAFFIC)
    months = [
        f"{to_utc(end).astimezone(UTC):%Y-%m}" if end else none
        for end, none in zip(window, EVER, strict=True)
    ]
    rows = await info.context.loaders.load_rows(
        relations.CLUSTER_TRAFFIC,
        cluster,
        limit=first,
        first_month=months[0],
        last_month=months[1],
        **_build_bounds(by, window),
    )
    return rows[::-1]


def _build_bounds(by: Bucket, window: tuple[datetime | None, datetime | None]) -> dict[str, int | None]:
    unit, shift = LENGTHS[by]
    since, until = (to_milliseconds(end) if end else None for end in window)
    return {"unit": unit, "shift": shift, "since": since, "until": until}
