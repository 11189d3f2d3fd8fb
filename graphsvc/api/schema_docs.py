"""The schema as a product: its text, its breaking changes, and its reference page."""

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    StringValueNode,
    build_schema,
    find_breaking_changes,
    is_introspection_type,
    is_specified_scalar_type,
)

from graphsvc.api import schema

Part = GraphQLField | GraphQLInputField | GraphQLEnumValue

_KINDS: tuple[tuple[str, type[GraphQLNamedType]], ...] = (
    ("Types", GraphQLObjectType),
    ("Inputs", GraphQLInputObjectType),
    ("Enums", GraphQLEnumType),
    ("Scalars", GraphQLScalarType),
)


def format_schema() -> str:
    """Return the schema in the schema definition language."""
    return schema.build_schema().as_str().rstrip() + "\n"


def list_breaking_changes(before: str) -> list[str]:
    """List what a client of an earlier schema could rely on and is gone now.

    Args:
        before: text of the earlier schema.

    Raises:
        GraphQLSyntaxError: `before` is no schema.
    """
    changes = find_breaking_changes(build_schema(before), build_schema(format_schema()))
    return sorted(f"{change.type.name}: {change.description}" for change in changes)


def find_undescribed() -> list[str]:
    """Return types, fields, arguments and values without a description, as `Type.field(argument)`."""
    found = []
    for each in _list_types(build_schema(format_schema())):
        found += [] if each.description else [each.name]
        for name, part in _list_parts(each):
            found += [] if part.description else [f"{each.name}.{name}"]
            if isinstance(part, GraphQLField):
                found += [f"{each.name}.{name}({a})" for a, b in part.args.items() if not b.description]
    return found


def build_reference() -> str:
    """Build the reference page as Markdown."""
    built = build_schema(format_schema())
    lines = [
        "# Reference",
        "",
        "Made by `make schema` out of the schema; [schema.graphql](../../schema.graphql)",
    ]
    lines += [
        "is the same as text. *Role*: the least role that may ask; where none is named, every role may.",
        "",
    ]
    roots = [built.query_type, built.mutation_type, built.subscription_type]
    for title, root in zip(("Queries", "Mutations", "Subscriptions"), roots, strict=True):
        if root is not None:
            lines += [f"## {title}", "", *_format_fields(root)]
    for title, kind in _KINDS:
        lines += [f"## {title}", ""]
        for each in _list_types(built):
            if isinstance(each, kind) and each not in roots:
                lines += [f"### {each.name}", "", _join_lines(each.description), "", *_format_fields(each)]
    return "\n".join(lines).rstrip() + "\n"


def _format_fields(named: GraphQLNamedType) -> list[str]:
    lines = []
    for name, part in _list_parts(named):
        kind = f": `{part.type}`" if isinstance(part, (GraphQLField, GraphQLInputField)) else ""
        # Read from the directive, so that the page cannot say something else than the check.
        role = _format_role(part) if isinstance(part, GraphQLField) else ""
        lines.append(f"- `{name}`{kind}{role} – {_join_lines(part.description)}")
        if isinstance(part, GraphQLField):
            lines += [
                f"  - `{a}: {_format_argument(b)}` – {_join_lines(b.description)}"
                for a, b in part.args.items()
            ]
    return [*lines, ""] if lines else []


def _format_argument(argument: GraphQLArgument) -> str:
    node = argument.ast_node
    default = node.default_value if node is not None else None
    if default is None:
        return str(argument.type)
    # As it was written: a parsed default would show enums and lists in another notation.
    source = default.loc.source.body[default.loc.start : default.loc.end] if default.loc else ""
    return f"{argument.type} = {source}"


def _format_role(field: GraphQLField) -> str:
    directives = field.ast_node.directives or () if field.ast_node is not None else ()
    for directive in directives:
        for argument in directive.arguments or ():
            if directive.name.value == "needs" and isinstance(argument.value, StringValueNode):
                return f" *Role {argument.value.value}.*"
    return ""


def _list_parts(named: GraphQLNamedType) -> list[tuple[str, Part]]:
    if isinstance(named, (GraphQLObjectType, GraphQLInputObjectType)):
        return list(named.fields.items())
    return list(named.values.items()) if isinstance(named, GraphQLEnumType) else []


def _list_types(built: GraphQLSchema) -> list[GraphQLNamedType]:
    return [
        each
        for _, each in sorted(built.type_map.items())
        if not is_introspection_type(each) and not is_specified_scalar_type(each)
    ]


def _join_lines(description: str | None) -> str:
    return " ".join((description or "").split())
