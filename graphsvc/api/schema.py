"""The executable schema, with limits before and masked errors after each operation."""

from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graphsvc.api.context import Context
from graphsvc.api.errors import MAX_ERRORS, PASSING, TooExpensive, build_headers, mask_error
from graphsvc.api.http.rate_limits import RateLimited
from graphsvc.api.http.request_info import RequestInfo, get_request_info
from graphsvc.api.mutations.mutation import Mutation
from graphsvc.api.operations.operation import Documents, Operation
from graphsvc.api.queries.query import Query
from graphsvc.api.subscriptions.subscription import Subscription
from graphsvc.api.types.run import BIG_INT, BigInt
from graphsvc.errors import GraphsvcError

_ONCE = (TooExpensive, RateLimited)


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Replace each error by what the client may see. Every answer of the schema passes here.

        An error that may pass, such as a database that does not answer, makes the status 429 or 503. An error
        that many rows share is reported once.
        """
        given = execution_context.context if execution_context is not None else None
        context = given if isinstance(given, Context) else None
        response = context.response if context is not None else None
        request_info = (
            get_request_info(context.request) if context is not None and context.request else RequestInfo("-")
        )
        told: list[GraphQLError] = []
        seen: set[type] = set()
        for error in errors:
            cause = error.original_error
            if isinstance(cause, GraphsvcError) and cause.http_status in PASSING and response is not None:
                response.status_code = cause.http_status
                response.headers.update(build_headers(cause))
            if len(told) < MAX_ERRORS and not (isinstance(cause, _ONCE) and type(cause) in seen):
                told.append(
                    mask_error(
                        error, request_info.id, context.veil.redact_text if context is not None else str
                    )
                )
            seen.add(type(cause))
        errors[:] = told
        request_info.codes[:] = [(error.extensions or {})["code"] for error in told]

    def _get_custom_context_kwargs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the options of graphql-core: no search for similar names in errors about variables."""
        return {**super()._get_custom_context_kwargs(*args, **kwargs), "hide_suggestions": True}


@cache
def build_schema() -> strawberry.Schema:
    """Build the executable schema, once a process: it keeps nothing but the parses of good documents."""
    documents = Documents()
    schema = _Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[lambda: Operation(documents)],
        config=StrawberryConfig(scalar_map={BigInt: BIG_INT}),
    )
    documents.prepare_documents(schema)
    return schema
