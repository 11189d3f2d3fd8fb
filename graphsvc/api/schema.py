"""The schema: questions and changes, with limits before and masks after them."""

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from graphsvc.api.context import Context
from graphsvc.api.errors import TooExpensive, public
from graphsvc.api.limits import DocumentLimits
from graphsvc.api.mutation import Mutation
from graphsvc.api.query import Query
from graphsvc.api.types.run import BIG_INT, BigInt
from graphsvc.errors import DatabaseUnavailable


class _Schema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Replaces each error by what the client may see of it; every way out of the schema passes here.

        A database that is away makes the answer a 503, and an exhausted budget is said once, not once a row.
        """
        context = execution_context.context if execution_context is not None else None
        request_id = context.request_id if isinstance(context, Context) else "-"
        causes = [error.original_error for error in errors]
        away = any(isinstance(cause, DatabaseUnavailable) for cause in causes)
        if away and isinstance(context, Context) and context.response is not None:
            context.response.status_code = DatabaseUnavailable.http_status
        spent = [i for i, cause in enumerate(causes) if isinstance(cause, TooExpensive)]
        errors[:] = [public(error, request_id) for i, error in enumerate(errors) if i not in spent[1:]]


def build_schema() -> strawberry.Schema:
    """The executable schema."""
    return _Schema(
        query=Query,
        mutation=Mutation,
        extensions=[DocumentLimits],
        config=StrawberryConfig(scalar_map={BigInt: BIG_INT}),
    )
