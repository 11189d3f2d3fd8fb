"""Walks the schema and makes documents for all of it, so that tests cover fields that are yet to come."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
)

from graphsvc.api.auth import keys
from graphsvc.api.auth.roles import Needs
from graphsvc.api.schema import build_schema

SCHEMA: GraphQLSchema = build_schema()._schema
COMPOSITE = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
DEEPEST = 12


@dataclass(frozen=True)
class Known:
    """Ids that exist in the world a document is asked of; `texts` are for arguments that people write."""

    cluster: str = "c-large"
    account: str = "a01"
    other: str = "a02"
    run: str = "run-2"
    signal: str = "instrument:k1.c4"
    handle: str = "ip:~"
    texts: dict[str, str] = field(default_factory=lambda: {"reason": "a reason that is long enough"})


@dataclass(frozen=True)
class Asked:
    """A field of a root type, and what it needs: None: nothing."""

    operation: str
    name: str
    field: GraphQLField

    @property
    def needs(self) -> keys.Role | None:
        return role_of(self.field)


def role_of(asked: GraphQLField) -> keys.Role | None:
    """The role of a field's `@needs`."""
    made = asked.extensions.get("strawberry-definition")
    roles = [each.role for each in getattr(made, "directives", ()) if isinstance(each, Needs)]
    return keys.Role(roles[0]) if roles else None


def roots() -> list[Asked]:
    """All questions, changes and subscriptions."""
    kinds = {
        "query": SCHEMA.query_type,
        "mutation": SCHEMA.mutation_type,
        "subscription": SCHEMA.subscription_type,
    }
    return [
        Asked(operation, name, each)
        for operation, kind in kinds.items()
        if kind is not None
        for name, each in kind.fields.items()
    ]


def document(asked: Asked, known: Known) -> str:
    """The shortest document that asks for a field of a root type."""
    kind = get_named_type(asked.field.type)
    inner = "{ __typename }" if isinstance(kind, COMPOSITE) else ""
    return f"{asked.operation} {{ {asked.name}{_arguments(asked.name, asked.field, known)} {inner} }}"


def documents(known: Known, operation: str = "query") -> Iterator[str]:
    """Documents that ask for every field that can be reached, each below each of the fields that lead to its type; of
    lists two items. Optional arguments that are ids are given one at a time."""
    seen: set[str] = set()
    waiting = [
        (f"{operation} {{ ", each.name, each.field, 1) for each in roots() if each.operation == operation
    ]
    while waiting:
        before, name, asked, depth = waiting.pop(0)
        kind = get_named_type(asked.type)
        for variant in _variants(name, asked, known):
            path = f"{before}{name}{variant}"
            for selection in _selections(kind, known):
                yield f"{path} {selection}" + " }" * path.count("{ ")
        path = f"{before}{name}{_arguments(name, asked, known)} {{ "
        for each, start in _objects(kind, path):
            if each.name in seen or depth > DEEPEST:
                continue
            seen.add(each.name)
            waiting += [
                (start, below, inner, depth + 1)
                for below, inner in each.fields.items()
                if isinstance(get_named_type(inner.type), COMPOSITE)
            ]


def _objects(kind: GraphQLNamedType, path: str) -> list[tuple[GraphQLObjectType, str]]:
    """The types with fields that a field's type can be, and the beginning of a document that goes on in them."""
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        return [(each, f"{path}... on {each.name} {{ ") for each in SCHEMA.get_possible_types(kind)]
    return [(kind, path)] if isinstance(kind, GraphQLObjectType) else []


def _selections(kind: GraphQLNamedType, known: Known) -> list[str]:
    """All leaves of a type, of a page those of its items; of a union one selection for each type it can be, because
    fields of one name may differ in type."""
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        return [
            "{ __typename ... on " + each.name + " " + inner + " }"
            for each in SCHEMA.get_possible_types(kind)
            for inner in _selections(each, known)
        ]
    if not isinstance(kind, GraphQLObjectType):
        return [""]
    made = ["__typename"]
    for name, each in kind.fields.items():
        inner_kind = get_named_type(each.type)
        if not isinstance(inner_kind, COMPOSITE):
            made = [f"{parts} {name}{_arguments(name, each, known)}" for parts in made]
        elif name in ("edges", "node", "pageInfo"):
            inners = _selections(inner_kind, known)
            made = [f"{parts} {name} {inner}" for parts in made for inner in inners]
    return ["{ " + parts + " }" for parts in made]


def _variants(name: str, asked: GraphQLField, known: Known) -> list[str]:
    optional = [
        each
        for each, argument in asked.args.items()
        if _is_id(each, argument.type) and not _required(argument)
    ]
    return [_arguments(name, asked, known), *(_arguments(name, asked, known, each) for each in optional)]


def _arguments(name: str, asked: GraphQLField, known: Known, more: str = "") -> str:
    given = [
        f"{each}: {_value(name, each, argument.type, known)}"
        for each, argument in asked.args.items()
        if _required(argument) or each == more
    ]
    if "first" in asked.args:
        given.append("first: 2")
    return f"({', '.join(given)})" if given else ""


def _required(argument: GraphQLArgument | GraphQLInputField) -> bool:
    return isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined


def _is_id(name: str, kind: Any) -> bool:
    return get_named_type(kind).name in ("String", "ID") and name not in ("after", "text", "reason", "note")


def _value(owner: str, name: str, kind: Any, known: Known) -> str:
    """A value for an argument or an input field, as GraphQL writes it."""
    if isinstance(kind, GraphQLNonNull):
        return _value(owner, name, kind.of_type, known)
    if isinstance(kind, GraphQLList):
        return f"[{_value(owner, name, kind.of_type, known)}]"
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        one = getattr(kind, "is_one_of", False)
        chosen = [each for each in kind.fields.items() if one or _required(each[1])]
        inside = [
            f"{each}: {_value(owner, each, made.type, known)}"
            for each, made in (chosen[:1] if one else chosen)
        ]
        return "{" + ", ".join(inside) + "}"
    return _scalar(owner, name, kind.name, known)


def _scalar(owner: str, name: str, kind: str, known: Known) -> str:
    if kind in ("String", "ID"):
        return f'"{_text(owner.lower(), name.lower(), known)}"'
    if name == "expectedVersion":
        return "0"
    return {"Float": "0.5", "Boolean": "true", "DateTime": '"2026-01-01T00:00:00Z"'}.get(kind, "1")


def _text(owner: str, name: str, known: Known) -> str:
    if name in known.texts:
        return known.texts[name]
    if name == "keys":
        return known.handle
    for word, value in (
        ("signal", known.signal), ("key", known.signal), ("account", known.account), ("cluster", known.cluster),
        ("run", known.run),
    ):  # fmt: skip
        if word in name:
            return value
    if name in ("a", "b"):
        return known.account if name == "a" else known.other
    for word, value in (("account", known.account), ("run", known.run), ("cluster", known.cluster)):
        if word in owner:
            return value
    return known.run if name in ("from", "to") else known.cluster
