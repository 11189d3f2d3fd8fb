"""An upper bound of a document's cost in rows, from its text and variables, before it is executed."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from graphsvc.api.operations.limits import MAX_COST, MAX_FIRST

DEFAULT_FIRST = 20
"""Rows of a page that names no `first`: the least of the schema's defaults that is common."""


def estimate_cost(document: DocumentNode, name: str | None, variables: Mapping[str, Any] | None) -> int:
    """Return the rows that the pages of an operation ask for, `MAX_COST` at most.

    Pages multiply with those they are nested in, as in GitHub's node limit. Analyses, whose cost depends on what the
    database holds, count nothing here.

    Args:
        document: a document without cycles of fragments.
        name: the operation's; None: the only one.
        variables: as the request brought them.
    """
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    named = [each for each in operations if name is None or (each.name and each.name.value == name)]
    if not named:
        return 0
    pages = _Pages(document, _collect_values(named[0], variables or {}))
    return min(pages.count_rows(named[0].selection_set), MAX_COST)


class _Pages:
    def __init__(self, document: DocumentNode, values: Mapping[str, Any]) -> None:
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._values = values
        self._memo: dict[str, int] = {}

    def count_rows(self, selections: SelectionSetNode | None) -> int:
        """Return the rows for one row of what the selections are of."""
        total = 0
        for node in selections.selections if selections is not None else ():
            if isinstance(node, FragmentSpreadNode):
                total += self._count_fragment(node.name.value)
                continue
            inner = self.count_rows(node.selection_set)  # type: ignore[attr-defined]
            rows = self._get_page_size(node) if isinstance(node, FieldNode) else 0
            # Each row of the page brings the rows that are nested in it.
            total += rows * (1 + inner) if rows else inner
        return total

    def _count_fragment(self, name: str) -> int:
        if name not in self._memo:
            fragment = self._fragments.get(name)
            self._memo[name] = self.count_rows(fragment.selection_set) if fragment else 0
        return self._memo[name]

    def _get_page_size(self, node: FieldNode) -> int:
        """Return the rows of a field's page; 0: it is none."""
        for argument in node.arguments or ():
            if argument.name.value == "first":
                return min(_parse_number(argument.value, self._values), MAX_FIRST)
        inner = node.selection_set.selections if node.selection_set else ()
        # By Relay's convention each page has `edges`. So fields need no list of names here.
        is_page = any(isinstance(each, FieldNode) and each.name.value == "edges" for each in inner)
        return DEFAULT_FIRST if is_page else 0


def _collect_values(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {
        each.variable.name.value: _parse_number(each.default_value, {})
        for each in operation.variable_definitions or ()
        if isinstance(each.default_value, IntValueNode)
    }
    return {**defaults, **given}


def _parse_number(value: ValueNode | None, values: Mapping[str, Any]) -> int:
    found: Any = DEFAULT_FIRST
    if isinstance(value, IntValueNode):
        found = int(value.value)
    elif isinstance(value, VariableNode):
        found = values.get(value.name.value, DEFAULT_FIRST)
    # A variable of another type fails validation later; here it must only not raise.
    return max(1, found) if isinstance(found, int) else DEFAULT_FIRST
