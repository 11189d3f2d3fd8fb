"""The OpenAPI description of the typed calls below `/v1`, for code generators."""

from typing import Any

from fastapi import APIRouter

from graphsvc.api.routers import outcomes, score
from graphsvc.api.routers.bodies import build_description

router = APIRouter()


@router.get("/v1/openapi.json", include_in_schema=False)
async def describe_calls() -> dict[str, Any]:
    """Answer with the description of all calls below `/v1`."""
    return build_description([score.router, outcomes.router], [score.ScoreRequest, outcomes.OutcomesRequest])
