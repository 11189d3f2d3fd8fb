"""Roles on fields: a field names the least role that may read it.

The role is checked before the field is resolved, and the schema shows it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

from graphsvc.api.auth.keys import Role
from graphsvc.api.context import Info
from graphsvc.errors import Forbidden


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION], name="needs", description="The least role that may ask for this."
)
class Needs:
    """A field's role in the schema."""

    role: str = strawberry.directive_field(name="role")


class _Check(FieldExtension):
    def __init__(self, role: Role) -> None:
        self.role = role

    def apply(self, field: StrawberryField) -> None:
        """Write the role into the schema."""
        # One field object is shared by every schema that is built in this process.
        others = [each for each in field.directives if not isinstance(each, Needs)]
        field.directives = [*others, Needs(role=self.role.value)]

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **arguments: Any) -> Any:
        """Resolve the field of a synchronous resolver, if the role allows it."""
        self._check_role(info)
        return next_(source, info, **arguments)

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **arguments: Any
    ) -> Any:
        """Resolve the field of an asynchronous resolver, if the role allows it."""
        self._check_role(info)
        return await next_(source, info, **arguments)

    def _check_role(self, info: Info) -> None:
        check_role(info.context.principal.role, self.role)


def require_role(role: Role) -> FieldExtension:
    """Return the extension of a field that only `role` and the roles above it may read."""
    return _Check(role)


def check_role(has: Role, least: Role) -> None:
    """Raise Forbidden unless the role `has` includes the role `least`."""
    if not has.includes(least):
        raise Forbidden(
            f"This needs the role {least.value}; yours is {has.value}.",
            "Ask an admin, or someone with that role.",
        )
