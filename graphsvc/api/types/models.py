"""Dataclasses of the model in the schema: the model declares and describes the fields, the API names the type."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import strawberry
from strawberry.types.base import has_object_definition
from strawberry.types.field import StrawberryField

from graphsvc.model.rows import list_hints

_types: dict[type, type] = {}
"""The type of the schema for each dataclass."""


def describe_model(
    model: type,
    name: str | None = None,
    resolvers: type = object,
    *,
    names: Mapping[str, str] | None = None,
    types: Mapping[str, object] | None = None,
) -> None:
    """Make a dataclass of the model a type of the schema. Fields then use the dataclass itself.

    Its docstring describes the type, and a text in `Annotated` a field; a field without one is not in the schema.
    Values are instances of the model, also for resolvers, so that nothing is converted.

    Args:
        model: the dataclass.
        name: its name in the schema; by default that of the dataclass.
        resolvers: class of further fields.
        names: names of fields in the schema that differ from those in the model.
        types: types of fields in the schema that differ from those in the model.
    """
    own = {key: value for key, value in vars(resolvers).items() if isinstance(value, StrawberryField)}
    annotations: dict[str, object] = {}
    namespace: dict[str, object] = {"__module__": resolvers.__module__ if own else model.__module__}
    # Fields of a base come first, with its resolvers.
    above = [base for base in model.__bases__ if base in _types]
    bases = [_types[base] for base in above]
    known = {key for base in above for key in list_hints(base)}
    for key, (hint, _, description) in list_hints(model).items():
        if description and key not in known:
            annotations[key] = (types or {}).get(key, hint)
            namespace[key] = strawberry.field(name=(names or {}).get(key), description=description)
    bases += [base for base in resolvers.__bases__ if has_object_definition(base) and base is not model]
    made = type(model.__name__, tuple(bases), {**namespace, "__annotations__": annotations, **own})
    text = " ".join(cleandoc(model.__doc__ or "").split())
    described: Any = strawberry.type(made, name=name or model.__name__, description=text)
    _types[model] = described
    # Strawberry would make the model a dataclass of its own. It only needs to find the definition there.
    described.__strawberry_definition__.origin = model
    model.__strawberry_definition__ = described.__strawberry_definition__  # type: ignore[attr-defined]
