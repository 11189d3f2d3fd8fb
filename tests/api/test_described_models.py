"""Promise: a dataclass of the model is a type of the schema, and its instances are the values."""

from dataclasses import dataclass
from typing import Annotated

import strawberry

from graphsvc.api.types.models import describe_model


@dataclass(frozen=True, slots=True)
class Base:
    """What both have."""

    id: Annotated[str, "Its id."]
    hidden: int


@dataclass(frozen=True, slots=True)
class Sheep(Base):
    """A sheep."""

    legs: Annotated[int, "How many."]
    friend: Annotated["Sheep | None", "Another one."] = None


class _BaseFields(Base):
    @strawberry.field(description="Twice what is hidden.")
    def doubled(self) -> int:
        return 2 * self.hidden


describe_model(Base, resolvers=_BaseFields)
describe_model(Sheep, "Animal", names={"legs": "legCount"})


@strawberry.type
class Query:
    @strawberry.field
    def sheep(self) -> Sheep:
        return Sheep("dolly", 21, 4, Sheep("molly", 1, 3))


SCHEMA = strawberry.Schema(Query)


def test_the_schema_has_the_fields_that_are_described() -> None:
    text = SCHEMA.as_str()
    assert '"""A sheep."""\ntype Animal {' in text
    told = [
        line.strip() for line in text.split("type Animal {")[1].split("}")[0].splitlines() if line.strip()
    ]
    assert told == [
        '"""Its id."""', "id: String!", '"""Twice what is hidden."""', "doubled: Int!",
        '"""How many."""', "legCount: Int!", '"""Another one."""', "friend: Animal",
    ]  # fmt: skip


def test_instances_of_the_model_are_the_values() -> None:
    done = SCHEMA.execute_sync(
        "{ sheep { id doubled legCount friend { id doubled legCount friend { id } } } }"
    )
    assert done.errors is None
    assert done.data == {
        "sheep": {
            "id": "dolly", "doubled": 42, "legCount": 4,
            "friend": {"id": "molly", "doubled": 2, "legCount": 3, "friend": None},
        }
    }  # fmt: skip
