"""Enums of the model in the schema: the model declares the values, the API adds their descriptions."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

Kind = TypeVar("Kind", bound=Enum)


def describe_enum(kind: type[Kind], name: str, description: str, values: Mapping[Kind, str]) -> None:
    """Make an enum of the model a type of the schema. Fields then use the enum itself.

    Args:
        kind: the enum.
        name: its name in the schema.
        description: its description there.
        values: the description of each value.

    Raises:
        KeyError: a value has no description.
    """
    strawberry.enum(kind, name=name, description=description)
    definition: StrawberryEnumDefinition = kind.__strawberry_definition__  # type: ignore[attr-defined]
    # Strawberry takes descriptions only from values that are its own objects, which a model must not hold.
    for value in definition.values:
        value.description = values[kind(value.value)]
