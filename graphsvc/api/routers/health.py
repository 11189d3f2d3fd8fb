"""Probes for load balancers and orchestrators: is the process alive, and can it serve."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from graphsvc.api.services import get_services
from graphsvc.api.workers.scheduler import load_health
from graphsvc.errors import GraphsvcError, MigrationError
from graphsvc.model.schedule import ScheduleHealth
from graphsvc.store.migrations import list_migrations
from graphsvc.store.queries.service import MIGRATIONS_APPLIED

router = APIRouter()


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def get_health() -> Response:
    """Answer that the process is alive."""
    return JSONResponse({"status": "ok"})


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def get_readiness(request: Request) -> Response:
    """Answer whether the service can serve requests; else 503 and the reason.

    It can if the database answers with this program's schema, and if the service is not about to stop. The body also
    says how the schedule of runs stands, if there is one.
    """
    services = get_services(request.app)
    if services.draining:
        return JSONResponse({"status": "draining"}, status_code=503)
    try:
        # Another version of the program may have migrated the database since this process started.
        applied = await services.reader.read(MIGRATIONS_APPLIED)
        if set(applied) != {migration.version for migration in list_migrations()}:
            raise MigrationError(
                "The schema of the database is not the one of this program.", "Restart the service."
            )
        schedule = await load_health(services.reader)
    except GraphsvcError as error:
        return JSONResponse(
            {"status": "unavailable", "code": error.code, "message": str(error)}, status_code=503
        )
    # Of the body only: a late run is no reason to take the service out of the balancer.
    return JSONResponse({"status": "ready", **({"schedule": describe_health(schedule)} if schedule else {})})


def describe_health(schedule: ScheduleHealth) -> dict[str, object]:
    """Return how the schedule stands for a body that anyone may read: without people and their words."""
    return {
        "plan": schedule.plan,
        "paused": schedule.is_paused,
        "late": schedule.late_seconds > 0,
        "next_run_at": schedule.next_run_at and schedule.next_run_at.isoformat(),
        "last_run": schedule.last_run_id,
        "last_run_failed": schedule.last_run_failed,
    }
