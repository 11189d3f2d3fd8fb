"""GraphQL over HTTP: who may ask, and answers that are JSON whatever goes wrong."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

import strawberry
from cross_web import HTTPException
from fastapi import Request, Response
from starlette.requests import HTTPConnection
from strawberry.fastapi import GraphQLRouter

from graphsvc.api.context import Context
from graphsvc.api.errors import MAX_MESSAGE, BadInput, failure, request_id
from graphsvc.api.gate import Gate
from graphsvc.api.keys import KeyRing
from graphsvc.api.persisted import text_of
from graphsvc.api.principals import principal_of
from graphsvc.api.worker import Worker
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.store.reader import Reader


async def _context(connection: HTTPConnection) -> Context:
    state = connection.app.state
    principal = await principal_of(connection.headers.get("authorization", ""), state)
    return Context(
        cast(Reader, state.reader),
        cast(Worker, state.worker),
        cast(Signer, state.signer),
        principal,
        request_id(connection),
        cast(KeyRing, state.keys).directory,
        cast(Tokeniser, state.tokens),
    )


class _Router(GraphQLRouter[Context, None]):
    def decode_json(self, data: str | bytes) -> object:
        """The parsed body, or message of a WebSocket, with the text of a persisted document beside its id."""
        try:
            body = super().decode_json(data)
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is JSON, but no text
        except (RecursionError, ValueError) as error:
            raise HTTPException(400, "Unable to parse request body as JSON") from error
        if isinstance(body, dict):
            for asked in (body, body.get("payload")):
                if isinstance(asked, dict) and "documentId" in asked:
                    asked["query"] = text_of(asked["documentId"])
        return body

    def parse_json(self, data: str | bytes) -> Any:
        """The parsed body of a request, which is an object or a list."""
        body = super().parse_json(data)
        if not isinstance(body, (dict, list)):
            raise HTTPException(400, "The body is no JSON object")
        return body

    async def run(self, request: Request, *args: object, **kwargs: object) -> Response:  # type: ignore[override]
        """Executes one request; a request that is none of GraphQL's is answered in GraphQL's shape."""
        try:
            answer = cast(Callable[..., Awaitable[Response]], super().run)
            if request.scope["type"] == "websocket":
                return await answer(request, *args, **kwargs)
            async with cast(Gate, request.app.state.gate).turn():
                return await answer(request, *args, **kwargs)
        except HTTPException as error:
            return failure(BadInput(f"{error.reason[:MAX_MESSAGE].rstrip('.')}."), request_id(request))


def graphql_router(schema: strawberry.Schema) -> GraphQLRouter[Context, None]:
    """Serves the schema to POST requests with a key: no queries by GET, no page, no batches, no uploads."""
    return _Router(
        schema,
        path="/graphql",
        graphql_ide=None,
        allow_queries_via_get=False,
        subscription_protocols=(),
        context_getter=_context,
    )
