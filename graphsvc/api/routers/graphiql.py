"""GraphiQL, served from the package. The page holds no data and contacts only this service."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from graphsvc.api.errors import BadInput, build_response, get_request_id
from graphsvc.api.operations.persisted import refuse_handshake

_DIRECTORY = Path(__file__).parents[1] / "static" / "graphiql"

# Styles are inline because GraphiQL's libraries set them from script; scripts and connections are ours alone.
_CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:",
    "font-src data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
))  # fmt: skip

router = APIRouter()


class MethodNotAllowed(BadInput):
    """A query sent by GET."""

    code = "method_not_allowed"
    http_status = 405


def build_static_files() -> StaticFiles:
    """Return the app that serves the page's scripts and styles."""
    return StaticFiles(directory=_DIRECTORY)


@router.api_route("/graphql", methods=["GET", "HEAD"])
async def get_page(request: Request) -> Response:
    """Answer a browser with the page.

    Reject a query by GET, and a bare hash in the way that Apollo's clients expect.
    """
    if "persistedQuery" in request.query_params.get("extensions", "") and "query" not in request.query_params:
        return build_response(refuse_handshake(), get_request_id(request))
    if "query" in request.query_params or "text/html" not in request.headers.get("accept", ""):
        response: Response = build_response(
            MethodNotAllowed("GraphQL is served to POST here.", "Send the query as JSON by POST."),
            get_request_id(request),
        )
        response.headers["Allow"] = "POST"
        return response
    return FileResponse(
        _DIRECTORY / "index.html", headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY}
    )
