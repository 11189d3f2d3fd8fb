"""The schedule of detection runs."""
# mypy: disable-error-code=untyped-decorator

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import schedule
from graphsvc.api.workers.scheduler import load_health
from graphsvc.model.schedule import ScheduleHealth

__all__ = ["ScheduleQueries", "schedule"]


@strawberry.type(description="Queries of the schedule.")
class ScheduleQueries:
    @strawberry.field(
        description="When detection runs are due, and whether one is late; null: there is no schedule."
    )
    async def schedule(self, info: Info) -> ScheduleHealth | None:
        return await load_health(info.context.reader)
