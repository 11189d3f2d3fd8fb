"""The app factory. One lifespan opens and closes what the process holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from graphsvc.api import errors, graphiql, oidc
from graphsvc.api.edge import Edge
from graphsvc.api.keys import KeyRing
from graphsvc.api.schema import build_schema
from graphsvc.api.transport import graphql_router
from graphsvc.api.worker import Worker
from graphsvc.errors import GraphsvcError, MigrationError
from graphsvc.settings import Settings
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.signing import load_or_create_signer
from graphsvc.store import Address
from graphsvc.store.migrations import available
from graphsvc.store.reader import Reader


def create_app(settings: Settings, address: Address) -> FastAPI:
    """The service: `/graphql`, `/healthz`, `/readyz`. It starts and stays up whether or not the database answers."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            Reader(address, settings.query_timeout, load_or_create_veil(settings)) as app.state.reader,
            Worker(address, settings.query_timeout) as app.state.worker,
        ):
            yield

    # No OpenAPI pages: their script would come from a CDN, and GraphiQL documents the API.
    app = FastAPI(title="graphsvc", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.keys = KeyRing(settings.keys_dir)
    app.state.issuer = oidc.configured(settings)
    app.state.signer = load_or_create_signer(settings)
    app.add_middleware(Edge)
    app.add_exception_handler(GraphsvcError, errors.handle)
    app.add_exception_handler(HTTPException, errors.handle_http)
    app.add_exception_handler(Exception, errors.handle_unexpected)
    app.add_api_route("/healthz", healthz, methods=["GET"])
    app.add_api_route("/readyz", readyz, methods=["GET"])
    app.include_router(graphiql.router)
    app.include_router(graphql_router(build_schema()))
    app.mount("/graphiql", graphiql.files())
    return app


async def healthz() -> Response:
    """The process is alive."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The database answers and has this program's schema; else 503 and why."""
    try:
        applied = {row["version"] for row in await request.app.state.reader.read("schema/applied")}
        if applied != {migration.version for migration in available()}:
            raise MigrationError(
                "The schema of the database is not the one of this program.", "Restart the service."
            )
    except GraphsvcError as error:
        return JSONResponse(
            {"status": "unavailable", "code": error.code, "message": str(error)}, status_code=503
        )
    return JSONResponse({"status": "ready"})
