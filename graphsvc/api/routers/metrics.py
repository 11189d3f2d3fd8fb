"""Metrics over HTTP, for Prometheus."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from graphsvc.api.auth.principals import find_principal
from graphsvc.api.http.request_info import get_request_info
from graphsvc.api.services import get_services

router = APIRouter()


@router.api_route("/metrics", methods=["GET", "HEAD"])
async def get_metrics(request: Request) -> Response:
    """Answer with all metrics, to a valid key of any role."""
    services = get_services(request.app)
    # Sizes and rates are of interest to an attacker, so metrics need a key, too.
    principal = await find_principal(request.headers.get("authorization", ""), services.keys, services.issuer)
    get_request_info(request).principal = principal.id
    answer = await services.metrics.build_answer(services.concurrency_limit, services.worker, services.reader)
    return Response(answer, media_type=CONTENT_TYPE_LATEST)
