"""Limits of one document: its shape before validation, its cost during execution.

One walk with a memo a fragment measures the shape. So a document costs its own length at most, however
often its fragments spread each other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    SelectionSetNode,
)
from graphql import OperationDefinitionNode as Operation
from graphql.validation.rules import overlapping_fields_can_be_merged

from graphsvc.api.errors import BadInput, TooExpensive

MAX_FIRST = 200
"""Rows of one page."""
MAX_COST = 10_000
"""Rows one request may ask for in all its pages."""
MAX_TOKENS = 1_000
MAX_DEPTH = 20
MAX_FIELDS = 400
MAX_ALIASES = 30
MAX_DIRECTIVES = 30

# graphql-core compares fields of one name pairwise; this budget ends it after some 10 ms (its own allows 100).
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000


class Shape(NamedTuple):
    """Of a selection with its fragments spread out: depth in levels, and counts."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0


_LIMITS = Shape(MAX_DEPTH, MAX_FIELDS, MAX_ALIASES, MAX_DIRECTIVES)


def check_shape(document: DocumentNode) -> str | None:
    """Return the reason to reject a document, or None. Cycles of fragments are rejected, too."""
    shapes = _Shapes(document)
    try:
        for definition in document.definitions:
            if isinstance(definition, Operation):
                shape = shapes.measure_selections(definition.selection_set, len(definition.directives or ()))
                for name, found, limit in zip(Shape._fields, shape, _LIMITS, strict=True):
                    if found > limit:
                        return f"The document's {name} count {found} is beyond the limit of {limit}."
    except _Cycle as cycle:
        return f"The fragment {cycle} spreads itself."
    return None


class _Cycle(Exception):
    pass


class _Shapes:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        self._memo: dict[str, Shape | None] = {}

    def measure_selections(self, selections: SelectionSetNode | None, directives: int) -> Shape:
        depth = fields = aliases = 0
        for node in selections.selections if selections is not None else ():
            directives += len(node.directives or ())
            if isinstance(node, FragmentSpreadNode):
                inner = self._measure_fragment(node.name.value)
            else:
                is_field = isinstance(node, FieldNode)
                inner = self.measure_selections(node.selection_set, 0)  # type: ignore[attr-defined]
                inner = inner._replace(depth=inner.depth + is_field, fields=inner.fields + is_field)
                aliases += isinstance(node, FieldNode) and node.alias is not None
            depth = max(depth, inner.depth)
            fields += inner.fields
            aliases += inner.aliases
            directives += inner.directives
        return Shape(depth, fields, aliases, directives)

    def _measure_fragment(self, name: str) -> Shape:
        definition = self._fragments.get(name)
        if definition is None:  # an unknown fragment is for validation to report
            return Shape()
        if name in self._memo:
            shape = self._memo[name]
            if shape is None:
                raise _Cycle(name)
            return shape
        # Marks a fragment in progress: meeting it again is a cycle.
        self._memo[name] = None
        shape = self.measure_selections(definition.selection_set, len(definition.directives or ()))
        self._memo[name] = shape
        return shape


@dataclass(slots=True)
class Budget:
    """Counts the rows of one request before the database is queried.

    `spend` learns of each charge and may refuse it.
    """

    left: int = MAX_COST
    spend: Callable[[int], None] | None = None

    @property
    def spent(self) -> int:
        """Return the rows that were charged, including those refused."""
        return MAX_COST - self.left

    def charge_page(self, first: int, at_most: int = MAX_FIRST) -> int:
        """Charge a page of `first` rows, or of `at_most` if there cannot be more, and return `first`.

        Raises:
            BadInput: `first` is not within 1 and `MAX_FIRST`.
            TooExpensive: the request needs more than `MAX_COST` rows.
        """
        if not 1 <= first <= MAX_FIRST:
            raise BadInput(
                f"`first` is {first}, it must be from 1 to {MAX_FIRST}.", "Use `after` for the next page."
            )
        self.charge(min(first, at_most))
        return first

    def charge(self, cost: int) -> None:
        """Charge about as many rows as are read for something other than a page.

        Raises:
            TooExpensive: the request needs more than `MAX_COST` rows.
            RateLimited: the principal's requests need more than its rate limit.
        """
        self.left -= cost
        if self.spend is not None:
            self.spend(cost)
        if self.left < 0:
            raise TooExpensive(
                f"This request asks for more than {MAX_COST} rows in all.", "Use smaller pages (`first`)."
            )
