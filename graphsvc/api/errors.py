"""Errors as a client sees them: our own unchanged, those of a document readable, all others masked."""

import logging
import re
import traceback
from collections.abc import Callable

from graphql import GraphQLError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from graphsvc.api.http.rate_limits import RateLimited
from graphsvc.errors import AccessDenied, Busy, GraphsvcError

log = logging.getLogger("graphsvc.api")

MAX_ERRORS = 10
"""Errors of one answer; there is nothing to learn from more."""
MAX_MESSAGE = 500
"""Characters of a message about a document, which may quote it."""
PASSING = frozenset((429, 503))
"""What tells a client, by the status of the whole answer, that the same request may do later."""

_SUGGESTION = re.compile(r"\s*Did you mean .*$", re.DOTALL)
_VALUES = (
    (re.compile(r"(cannot represent[^:]*): .*", re.DOTALL), r"\1."),
    (re.compile(r", found: .*", re.DOTALL), "."),
    (re.compile(r"found (\w*String|Int|Float) '.*", re.DOTALL), r"found \1."),
    (re.compile(r"Value (['\"]).*\1 does not exist", re.DOTALL), "A value does not exist"),
    (re.compile(r"(unknown field|operation named) '(?![_A-Za-z]\w*'\.?$).*", re.DOTALL), r"\1."),
)
"""How messages on documents quote values, and what is to stand there: a value may be of a person."""


class BadInput(GraphsvcError):
    """An argument or a request that cannot be served as it is."""

    code = "bad_input"
    http_status = 400


class TooExpensive(GraphsvcError):
    """A document that asks for more than one request may."""

    code = "too_expensive"
    http_status = 400


def mask_error(error: GraphQLError, request_id: str, veiled: Callable[[str], str] = str) -> GraphQLError:
    """Return the error as the client may see it.

    An unexpected error goes to the log under the request's id: its type and where it was raised, never its
    message, because messages quote values.

    Args:
        error: as the executor reports it.
        request_id: names the request in the log.
        veiled: hides addresses in a text.
    """
    cause = error.original_error
    # An error about a variable wraps the one that caused it.
    while isinstance(cause, GraphQLError):  # about a variable, told of by another
        cause = cause.original_error
    if isinstance(cause, GraphsvcError):
        return _build_error(error, veiled(str(cause)), cause.code, request_id)
    if cause is None:
        return _build_error(error, _trim_message(_remove_values(error.message)), "bad_document", request_id)
    log.error(
        "request %s: %s in %s\n%s",
        request_id,
        type(cause).__name__,
        error.path,
        "".join(traceback.format_tb(cause.__traceback__)),
    )
    return _build_error(error, "Something went wrong here; the service's log has it.", "internal", request_id)


def _remove_values(message: str) -> str:
    message = _SUGGESTION.sub("", message)
    for quoted, instead in _VALUES:
        message = quoted.sub(instead, message)
    return message


def _trim_message(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + "…"


def _build_error(error: GraphQLError, message: str, code: str, request_id: str) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes[:MAX_ERRORS] if error.nodes else None,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={"code": code, "requestId": request_id},
    )


def build_response(error: GraphsvcError, request_id: str) -> JSONResponse:
    """Return an error outside a GraphQL document in the shape of a GraphQL answer."""
    return JSONResponse(
        {"errors": [{"message": str(error), "extensions": {"code": error.code, "requestId": request_id}}]},
        status_code=error.http_status,
        headers=build_headers(error),
    )


def build_headers(error: GraphsvcError) -> dict[str, str]:
    """Return the headers that belong to an error: how to authenticate, or when to retry."""
    if isinstance(error, AccessDenied):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, Busy):
        return {"Retry-After": "1"}  # the shortest there is: a turn takes parts of a second
    return {"Retry-After": str(error.seconds)} if isinstance(error, RateLimited) else {}


async def handle_error(connection: HTTPConnection, error: Exception) -> Response | None:
    """Answer one of our errors that reached the framework; close a WebSocket."""
    if not isinstance(error, GraphsvcError):
        raise error
    if isinstance(connection, WebSocket):
        if isinstance(error, Busy):
            await connection.close(code=1013, reason=str(error))  # try again later (IANA's registry of codes)
        else:
            await connection.close(code=1008)
        return None
    return build_response(error, get_request_id(connection))


async def handle_http(request: HTTPConnection, error: Exception) -> Response:
    """Answer an error of the framework itself, such as an unknown path."""
    if not isinstance(error, HTTPException):
        raise error
    response = build_response(BadInput(f"{error.detail}."), get_request_id(request))
    response.status_code = error.status_code
    return response


async def handle_unexpected(request: Request, _: Exception) -> Response:
    """Answer an unexpected error, masked. The server logs it."""
    masked = GraphsvcError("Something went wrong here; the service's log has it.")
    response = build_response(masked, get_request_id(request))
    response.headers["X-Request-Id"] = get_request_id(request)  # nothing of ours is around this answer
    return response


def get_request_id(connection: HTTPConnection) -> str:
    """Return the id of the request in the log. The client gets it as X-Request-Id."""
    return str(connection.state.request_id)
