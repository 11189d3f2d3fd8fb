"""Dataclasses of the model in the schema: the model declares and documents the fields, the API names the type."""

import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from inspect import cleandoc
from typing import Any, get_type_hints

import strawberry
from strawberry.types.base import has_object_definition
from strawberry.types.field import StrawberryField

_ATTRIBUTE = re.compile(r" {4}(\w+): (.*)")


def describe_model(
    model: type,
    name: str | None = None,
    resolvers: type = object,
    *,
    names: Mapping[str, str] | None = None,
    types: Mapping[str, object] | None = None,
    hidden: Collection[str] = (),
) -> None:
    """Make a dataclass of the model a type of the schema. Fields then use the dataclass itself.

    Its docstring describes the type, and the section `Attributes` its fields. Values are instances of the model, also
    for resolvers, so that nothing is converted.

    Args:
        model: the dataclass.
        name: its name in the schema; by default that of the dataclass.
        resolvers: class of further fields. One with the name of a field of the model takes its place.
        names: names of fields in the schema that differ from those in the model.
        types: types of fields in the schema that differ from those in the model.
        hidden: fields that the schema does not have.
    """
    description, texts = parse_docstring(model)
    own = {key: value for key, value in vars(resolvers).items() if isinstance(value, StrawberryField)}
    hints = {**get_type_hints(model), **(types or {})}
    annotations: dict[str, object] = {}
    namespace: dict[str, object] = {"__module__": resolvers.__module__ if own else model.__module__}
    for each in fields(model):
        if each.name in own:
            annotations[each.name] = own[each.name].type_annotation
        elif each.name not in hidden:
            annotations[each.name] = hints[each.name]
            namespace[each.name] = strawberry.field(
                name=(names or {}).get(each.name), description=texts.get(each.name)
            )
    bases = tuple(base for base in resolvers.__bases__ if has_object_definition(base) and base is not model)
    made = type(model.__name__, bases, {**namespace, "__annotations__": annotations, **own})
    described: Any = strawberry.type(made, name=name or model.__name__, description=description)
    # Strawberry would make the model a dataclass of its own. It only needs to find the definition there.
    described.__strawberry_definition__.origin = model
    model.__strawberry_definition__ = described.__strawberry_definition__  # type: ignore[attr-defined]


def parse_docstring(model: type) -> tuple[str, dict[str, str]]:
    """Parse a Google-style docstring.

    Returns:
        The text before its sections, and the text of each of its `Attributes`; without line breaks.
    """
    summary, _, section = cleandoc(model.__doc__ or "").partition("\n\nAttributes:\n")
    texts: dict[str, str] = {}
    last = ""
    for line in section.splitlines():
        if found := _ATTRIBUTE.fullmatch(line):
            last, texts[found[1]] = found[1], found[2]
        elif last:
            texts[last] += " " + line.strip()
    return " ".join(summary.split()), texts
