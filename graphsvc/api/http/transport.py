"""GraphQL over HTTP and WebSockets: authentication, and answers that are always JSON."""

import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, cast

import strawberry
from cross_web import HTTPException
from fastapi import Request, Response
from starlette.requests import ClientDisconnect, HTTPConnection
from strawberry.exceptions import ConnectionRejectionError
from strawberry.fastapi import GraphQLRouter
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET

from graphsvc.api.context import Context
from graphsvc.api.errors import MAX_MESSAGE, BadInput, build_response, get_request_id
from graphsvc.api.operations.persisted import find_text, is_handshake, refuse_handshake
from graphsvc.api.services import get_services
from graphsvc.errors import Busy, GraphsvcError

INIT_SECONDS = 5
"""How long a WebSocket may take to say who asks."""
SUBSCRIPTIONS = 10
"""Of one WebSocket at a time."""


async def _build_context(connection: HTTPConnection) -> Context:
    """Build the context with the principal of the header. A WebSocket may send it in its first message instead."""
    context = Context(get_services(connection.app), None, get_request_id(connection))
    authorization = connection.headers.get("authorization", "")
    if authorization or connection.scope["type"] == "http":
        await context.admit(authorization)
    return context


class _Router(GraphQLRouter[Context, None]):
    def decode_json(self, data: str | bytes) -> object:
        """Parse a body or a WebSocket message, and add the text of a persisted document to its id.

        Raises:
            json.JSONDecodeError: it is no JSON, or has texts or numbers that Python cannot hold.
        """
        try:
            body = super().decode_json(data)
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is JSON, but no text
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:  # too deep, half a character, more than 4,300 digits
            raise json.JSONDecodeError(type(error).__name__, "", 0) from None
        if isinstance(body, dict):
            for asked in (body, body.get("payload")):
                if isinstance(asked, dict) and "documentId" in asked:
                    asked["query"] = find_text(asked["documentId"])
                elif isinstance(asked, dict) and is_handshake(asked):
                    raise refuse_handshake()
        return body

    def parse_json(self, data: str | bytes) -> Any:
        """Parse the body of a request, which is an object or a list."""
        body = super().parse_json(data)
        if not isinstance(body, (dict, list)):
            raise HTTPException(400, "The body is no JSON object")
        return body

    async def run(self, request: Request, *args: object, **kwargs: object) -> Response:  # type: ignore[override]
        """Execute one request. Answer a request that is not GraphQL in GraphQL's shape."""
        try:
            answer = cast(Callable[..., Awaitable[Response]], super().run)
            if request.scope["type"] == "websocket":
                with ExitStack() as request.state.held:
                    return await answer(request, *args, **kwargs)
            limit = get_services(request.app).concurrency_limit
            context = cast(Context, kwargs["context"])
            who = context.principal.id
            # A slow upload must not take the place of a request that could run.
            with limit.count_arrival(who):
                await request.body()  # kept by the request for whoever reads it next
            request.state.answer = context.response
            async with limit.enter(who) as request.state.entry:
                return await answer(request, *args, **kwargs)
        except ClientDisconnect:
            return Response(status_code=400)  # goes nowhere
        except HTTPException as error:
            return build_response(
                BadInput(f"{error.reason[:MAX_MESSAGE].rstrip('.')}."), get_request_id(request)
            )

    async def get_sub_response(self, request: Request) -> Response:
        """Return the response whose status and headers the answer takes: this request's.

        The library takes that of the request that came last, which another may be while this one waits.
        """
        found: Response = request.state.answer
        return found

    async def on_ws_connect(self, context: Context) -> object:  # type: ignore[override]
        """Admit a WebSocket, or close it: with 4403, or with 1013 if the principal has too many."""
        parameters = context.connection_params or {}
        given = parameters.get("authorization") or parameters.get("Authorization") or context.authorization
        try:
            await context.admit(given if isinstance(given, str) else "")
            if context.request is not None:
                context.request.state.held.enter_context(
                    context.pubsub.count_connection(context.principal.id)
                )
                context.request.state.unknown.close()
        except Busy:  # no refusal of who asks
            raise
        except GraphsvcError as error:
            raise ConnectionRejectionError from error
        return UNSET


def build_router(schema: strawberry.Schema) -> GraphQLRouter[Context, None]:
    """Build the router: POST requests and WebSocket subscriptions, with a key.

    It has no queries by GET, no page, no batches and no uploads.
    """
    return _Router(
        schema,
        path="/graphql",
        graphql_ide=None,
        allow_queries_via_get=False,
        subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
        connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
        max_subscriptions_per_connection=SUBSCRIPTIONS,
        context_getter=_build_context,
    )
