"""Work around each GraphQL operation: limits before it, its span, its cost, and its entry in the log.

A valid document is kept with its parse, so that it is parsed, measured and validated once. The front end's
own documents are kept for good, others by last use.
"""

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, ClassVar

import strawberry
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)
from starlette.websockets import WebSocket
from strawberry.extensions import SchemaExtension

from graphsvc.api.auth.keys import Role
from graphsvc.api.context import Context
from graphsvc.api.errors import MAX_ERRORS, BadInput, TooExpensive
from graphsvc.api.http.concurrency_limit import Entry
from graphsvc.api.http.request_info import RequestInfo, get_request_info
from graphsvc.api.operations.estimate import estimate_cost
from graphsvc.api.operations.limits import MAX_COST, MAX_TOKENS, Budget, check_shape
from graphsvc.api.operations.persisted import load_documents
from graphsvc.errors import Forbidden, GraphsvcError
from graphsvc.settings import Settings

log = logging.getLogger("graphsvc.api")

INTROSPECTION = 100
"""What a document that asks for the schema costs: some 40 ms, and no row of the database."""
_INTROSPECTION = re.compile(r"\b__(?:schema|type)\b")
SCORER_FIELDS = frozenset(("scoreAccount", "__typename"))
"""Fields of the root types that scorers may ask for, and no others."""
KEPT = 100
"""Documents of others that are kept parsed."""


class PersistedOnly(GraphsvcError):
    """A document other than the front end's, where only these are executed."""

    code: ClassVar[str] = "persisted_only"
    http_status: ClassVar[int] = 403


class Documents:
    """Parses of valid documents, by their text."""

    def __init__(self) -> None:
        self._own: dict[str, DocumentNode] = {}
        self._kept: LRUCache[str, DocumentNode] = LRUCache(KEPT)

    def prepare_documents(self, schema: strawberry.Schema) -> None:
        """Parse and validate the front end's documents. One that does not fit the schema is logged and not kept."""
        for own in load_documents():
            document = parse(own.text, max_tokens=MAX_TOKENS)
            errors = find_faults(schema._schema, document)
            reason = check_shape(document) or (errors[0].message if errors else None)
            if reason is not None:
                log.error("documents/%s.graphql does not fit the schema: %s", own.name, reason)
            else:
                self._own[own.text] = document

    def is_own(self, text: str | None) -> bool:
        """Return whether a text is one of the front end's documents."""
        return text in self._own

    def get(self, text: str) -> DocumentNode | None:
        """Return the parse of a valid document, if it is kept."""
        return self._own.get(text) or self._kept.get(text)

    def keep(self, text: str, document: DocumentNode) -> None:
        """Keep the parse of a valid document, and drop the one that was used least recently."""
        if text not in self._own:
            self._kept[text] = document


def find_faults(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """Return why a document does not fit the schema, without suggestions of similar names, which are slow to find."""
    errors = validate(schema, document, max_errors=MAX_ERRORS, hide_suggestions=True)
    for error in errors:
        error.original_error = None  # what a value could not be read for is the document's fault, too
    return errors


def _get_base_cost(text: str) -> int:
    """Return the cost of an operation before any row."""
    return 1 + INTROSPECTION if _INTROSPECTION.search(text) else 1


def _build_error(cause: GraphsvcError) -> GraphQLError:
    return GraphQLError(str(cause), original_error=cause)


class Operation(SchemaExtension):
    """The extension that surrounds one operation."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._good = False
        self._budget = Budget()
        self._request_info: RequestInfo | None = None
        self._refusal: GraphsvcError | None = None
        self._entry: Entry | None = None

    async def on_operation(self) -> AsyncIterator[None]:
        """Charge the operation, limit the parser, and report the operation at its end."""
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        context = self.execution_context.context
        if not isinstance(context, Context) or context.request is None:  # executed by no request
            yield
            return
        services, request_info = context.services, get_request_info(context.request)
        request_info.principal, request_info.kind, request_info.operation = (
            context.principal.id,
            "refused",
            "",
        )
        self._request_info = request_info
        spend = partial(services.rate_limits.charge_principal, context.principal.id)
        if isinstance(context.request, WebSocket):
            self._budget = context.budget = Budget(spend=spend)
        else:
            self._entry = context.request.state.entry
            self._budget = context.budget = Budget(spend=partial(self._charge_cost, spend))
        try:
            self._budget.charge(_get_base_cost(self.execution_context.query or ""))
            self._check_allowed(services.settings)
        except GraphsvcError as error:
            # A refusal is kept until validation, where the library turns it into an answer.
            self._refusal = error
        if isinstance(context.request, WebSocket):  # a subscription is many answers, each of its own task
            yield
            return
        with services.traces.start_span("operation") as span:
            yield
            if span is not None:
                span.update_name(f"{request_info.kind} {request_info.operation}".strip())
                span.set_attribute("graphsvc.cost", self._budget.spent)
        request_info.cost += self._budget.spent

    async def on_execute(self) -> AsyncIterator[None]:
        """Wait for a turn, by the estimated cost. A subscription needs none."""
        document = self.execution_context.graphql_document
        if self._entry is None or document is None:
            yield
            return
        cost = estimate_cost(
            document, self.execution_context._provided_operation_name, self.execution_context.variables
        )
        async with self._entry.wait_for_turn(cost):
            yield

    def _charge_cost(self, spend: Callable[[int], None], cost: int) -> None:
        spend(cost)
        if self._entry is not None:
            self._entry.add_cost(self._budget.spent)

    def on_parse(self) -> Iterator[None]:
        """Use the kept parse, if there is one."""
        text = self.execution_context.query
        document = self._documents.get(text) if text else None
        if document is not None:
            self._good = True
            self.execution_context.graphql_document = document
        yield

    def on_validate(self) -> Iterator[None]:
        """Refuse a document before any rule walks it."""
        execution, document = self.execution_context, self.execution_context.graphql_document
        if self._good:
            execution.pre_execution_errors = []
        elif document is not None and (reason := check_shape(document)) is not None:
            self._refusal = self._refusal or TooExpensive(reason, "Ask in several smaller documents.")
        if document is not None and not self._is_for_role(document):
            self._refusal = self._refusal or Forbidden(
                "This needs the role viewer; yours is scorer.",
                "A scorer's key asks for `scoreAccount` alone.",
            )
        if document is not None and not self._is_suitable(document):
            self._refusal = self._refusal or BadInput(
                "Over a WebSocket only subscriptions are executed.", "Send the others by POST."
            )
        if self._refusal is not None:
            execution.pre_execution_errors = [_build_error(self._refusal)]
        elif document is not None and self._is_ambiguous(document):
            execution.pre_execution_errors = [
                GraphQLError("Must provide operation name if query contains multiple operations.")
            ]
        elif not self._good and document is not None:
            execution.pre_execution_errors = find_faults(execution.schema._schema, document)
        yield
        if execution.pre_execution_errors:
            return
        if not self._good and document is not None and execution.query:
            self._documents.keep(execution.query, document)
        if self._request_info is not None:
            self._request_info.kind = execution.operation_type.value
            self._request_info.operation = execution.operation_name or ""

    def _is_ambiguous(self, document: DocumentNode) -> bool:
        """Return whether there are several operations and none is named (GraphQL, section 6.1).

        The library runs the first.
        """
        operations = sum(isinstance(each, OperationDefinitionNode) for each in document.definitions)
        return operations > 1 and self.execution_context._provided_operation_name is None

    def _is_for_role(self, document: DocumentNode) -> bool:
        """Return whether a principal's role may send a document: a scorer may ask for its one field."""
        context = self.execution_context.context
        if not isinstance(context, Context) or context.request is None:
            return True
        if context.principal.role.includes(Role.VIEWER):
            return True
        # Fragments at the root are refused, whatever is in them.
        return all(
            isinstance(node, FieldNode) and node.name.value in SCORER_FIELDS
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode)
            for node in each.selection_set.selections
        )

    def _is_suitable(self, document: DocumentNode) -> bool:
        """Return whether a document fits its transport: a WebSocket takes subscriptions only."""
        context = self.execution_context.context
        if not isinstance(context, Context) or not isinstance(context.request, WebSocket):
            return True
        return all(
            each.operation is OperationType.SUBSCRIPTION
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode)
        )

    def _check_allowed(self, settings: Settings) -> None:
        if settings.persisted_only and not self._documents.is_own(self.execution_context.query):
            raise PersistedOnly(
                "This service executes only the documents of its front end.", "Send a `documentId`."
            )

    def get_results(self) -> dict[str, Any]:
        """Return the cost of the operation, which stands next to its data."""
        return {"cost": {"spent": self._budget.spent, "limit": MAX_COST}}
