"""Mutations of the schedule of detection runs: it is paused and resumed."""
# mypy: disable-error-code=untyped-decorator

from datetime import UTC, datetime
from typing import Annotated

import strawberry

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.roles import require_role
from graphsvc.api.context import Info
from graphsvc.api.mutations.decisions import clean_text
from graphsvc.api.types import schedule
from graphsvc.model.schedule import ScheduleHealth
from graphsvc.store.schedule import pause_schedule, resume_schedule

__all__ = ["ScheduleMutations", "schedule"]

LONGEST_REASON = 500


@strawberry.type(description="Mutations of the schedule.")
class ScheduleMutations:
    @strawberry.mutation(
        description="Pauses the schedule: no run is started until it is resumed. A run that is under way continues.",
        extensions=[require_role(Role.ADMIN)],
    )
    async def pause_schedule(
        self,
        info: Info,
        reason: Annotated[str, strawberry.argument(description="Why.")] = "",
    ) -> ScheduleHealth:
        said = clean_text(reason, LONGEST_REASON)
        return await info.context.worker.run(pause_schedule, info.context.auditor, said, datetime.now(UTC))

    @strawberry.mutation(
        description="Resumes the schedule with the next time that a run is due. What was due meanwhile is skipped.",
        extensions=[require_role(Role.ADMIN)],
    )
    async def resume_schedule(self, info: Info) -> ScheduleHealth:
        return await info.context.worker.run(resume_schedule, info.context.auditor, datetime.now(UTC))
