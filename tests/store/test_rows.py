"""Promise: a row becomes the dataclass that its statement names, whatever form the driver gave it."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.analysis.diff import CHANGES, ClusterChange
from graphsvc.model.frames import build_schema
from graphsvc.model.rows import Column, list_hints, parse_row
from graphsvc.statements import load_statement
from graphsvc.store.queries import nodes, relations, search, service, views
from graphsvc.store.queries.query import Query


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    key: str
    bits: float


@dataclass(frozen=True, slots=True)
class Outer:
    id: Annotated[str, "Its id."]
    first_seen: datetime | None
    colour: Colour
    inner: Inner | None
    all: list[Inner]
    settings: dict[str, Any]
    doubled: Annotated[float, Column(lambda row: 2 * row["half"]), "Twice the half."]
    named: Annotated[int, Column("other")]


ROW = {
    "id": "a",
    "firstSeen": 1_000,
    "colour": "red",
    "inner": {"key": "k", "bits": 1.5},
    "half": 2.0,
    "other": 7,
}


def test_a_row_is_read_by_the_types_of_its_fields() -> None:
    found = parse_row(Outer, {**ROW, "all": [{"key": "k", "bits": 0.5}], "settings": '{"seed": 7}'})
    assert found == Outer(
        id="a",
        first_seen=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
        colour=Colour.RED,
        inner=Inner("k", 1.5),
        all=[Inner("k", 0.5)],
        settings={"seed": 7},
        doubled=4.0,
        named=7,
    )


def test_what_an_earlier_version_did_not_store_is_none_or_empty() -> None:
    found = parse_row(Outer, {**ROW, "firstSeen": None, "inner": None})
    assert (found.first_seen, found.inner, found.all, found.settings) == (None, None, [], {})


def test_a_column_in_snake_case_goes_before_one_in_camel_case() -> None:
    assert parse_row(Outer, {**ROW, "first_seen": 0}).first_seen == datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 4_102_444_800_000))
def test_times_keep_their_milliseconds(stamp: int) -> None:
    found = parse_row(Outer, {**ROW, "firstSeen": stamp}).first_seen
    assert found is not None
    assert round(found.timestamp() * 1000) == stamp
    assert parse_row(Outer, {**ROW, "firstSeen": found}).first_seen == found


def test_descriptions_and_columns_are_told_apart() -> None:
    hints = list_hints(Outer)
    assert list(hints) == [each.name for each in fields(Outer)]
    assert hints["id"] == (str, None, "Its id.")
    assert hints["named"] == (int, Column("other"), None)
    assert hints["doubled"][2] == "Twice the half."


def test_a_table_has_the_columns_that_its_type_reads() -> None:
    assert build_schema(ClusterChange) == CHANGES
    assert CHANGES["score_now"] == pl.Float64
    assert list(CHANGES)[:4] == ["cluster", "kind", "other", "before"]


def test_every_query_reads_columns_that_its_statement_returns() -> None:
    queries = [
        each
        for module in (nodes, relations, search, service, views)
        for each in vars(module).values()
        if isinstance(each, Query)
    ]
    assert len(queries) > 50
    for query in queries:
        header = load_statement(query.statement).header
        returns = header.partition("Returns:")[2]
        if isinstance(query.column, str):
            assert query.column in returns, query
        if query.column is None and query.kind not in (int, str):
            for name, (_, column, _) in list_hints(query.kind).items():
                source = column.source if column else name
                optional = name in {
                    "cluster",
                    "membership",
                    "in_all",
                    "accounts",
                    "status",
                    "bits",
                    "cluster_id",
                }
                assert callable(source) or source in returns or optional, (query, name)
