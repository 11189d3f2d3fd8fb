"""Events of a cluster in buckets of time."""
# mypy: disable-error-code=untyped-decorator

from datetime import UTC, datetime
from enum import Enum

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types.arguments import charge_walk
from graphsvc.api.types.moments import to_datetime, to_milliseconds, to_utc
from graphsvc.store.connection import Row

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


@strawberry.type(description="Events in a cluster from one moment to another.")
class TimelineBucket:
    begins_at: datetime = strawberry.field(description="When the bucket begins.")
    sign_ups: int = strawberry.field(description="Members that signed up.")
    bans: int = strawberry.field(
        description="Members that were banned or suspended and still are, by when that was."
    )
    replacements: int = strawberry.field(
        description="Those of the sign-ups that probably follow a banned account."
    )


@strawberry.type(description="Requests of a cluster from one moment to another.")
class TrafficBucket:
    begins_at: datetime = strawberry.field(description="When the bucket begins.")
    requests: int = strawberry.field(description="Requests of its members.")


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
        "query/cluster_timeline", cluster, limit=first, **_build_bounds(by, window)
    )
    return [
        TimelineBucket(
            begins_at=_compute_start(row, by),
            sign_ups=row["sign_ups"],
            bans=row["bans"],
            replacements=row["replacements"],
        )
        for row in reversed(rows)
    ]


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
        "query/cluster_traffic",
        cluster,
        limit=first,
        first_month=months[0],
        last_month=months[1],
        **_build_bounds(by, window),
    )
    return [
        TrafficBucket(begins_at=_compute_start(row, by), requests=row["requests"]) for row in reversed(rows)
    ]


def _build_bounds(by: Bucket, window: tuple[datetime | None, datetime | None]) -> dict[str, int | None]:
    unit, shift = LENGTHS[by]
    since, until = (to_milliseconds(end) if end else None for end in window)
    return {"unit": unit, "shift": shift, "since": since, "until": until}


def _compute_start(row: Row, by: Bucket) -> datetime:
    unit, shift = LENGTHS[by]
    return to_datetime(row["bucket"] * unit - shift)
