"""The schema: questions and changes, with limits before and masks after them."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graphsvc.api.context import Context
from graphsvc.api.errors import MAX_ERRORS, PASSING, TooExpensive, advice, public
from graphsvc.api.mutation import Mutation
from graphsvc.api.operation import Documents, Operation
from graphsvc.api.query import Query
from graphsvc.api.rates import RateLimited
from graphsvc.api.record import record_of
from graphsvc.api.types.run import BIG_INT, BigInt
from graphsvc.errors import GraphsvcError

_ONCE = (TooExpensive, RateLimited)


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Replaces each error by what the client may see of it; every way out of the schema passes here.

        What is no fault of the document and may pass, such as a database that is away, makes the answer a 429 or 503;
        an error that many rows have is said once.
        """
        context = execution_context.context if execution_context is not None else None
        request_id = context.request_id if isinstance(context, Context) else "-"
        veiled = context.veil.text if isinstance(context, Context) else str
        causes = [error.original_error for error in errors]
        once = {type(cause): i for i, cause in reversed(list(enumerate(causes))) if isinstance(cause, _ONCE)}
        errors[:] = [
            public(error, request_id, veiled)
            for i, (error, cause) in enumerate(zip(errors, causes, strict=True))
            if once.get(type(cause), i) == i
        ][:MAX_ERRORS]
        if isinstance(context, Context) and context.request is not None:
            record_of(context.request).codes += [error.extensions["code"] for error in errors]
            for cause in causes:
                if isinstance(cause, GraphsvcError) and cause.http_status in PASSING and context.response:
                    context.response.status_code = cause.http_status
                    context.response.headers.update(advice(cause))

    def _get_custom_context_kwargs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """What goes to graphql-core: also for variables no search for names that were meant instead."""
        return {**super()._get_custom_context_kwargs(*args, **kwargs), "hide_suggestions": True}


def build_schema() -> strawberry.Schema:
    """The executable schema."""
    documents = Documents()
    schema = _Schema(
        query=Query,
        mutation=Mutation,
        extensions=[lambda: Operation(documents)],
        config=StrawberryConfig(scalar_map={BigInt: BIG_INT}),
    )
    documents.prepare(schema)
    return schema
