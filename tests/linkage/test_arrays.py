"""Promise: helpers on groups of rows do what a loop over the rows does, and sums are the same to the last digit."""

from itertools import groupby

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.model.arrays import (
    expand_slices,
    find_ends,
    find_starts,
    flag_starts,
    label_components,
    sign_values,
    sum_runs,
)

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(-1e9, 1e9)), max_size=60)
PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20)


def columns_of(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array([pair[i] for pair in pairs], dtype=np.int64) for i in (0, 1))


@given(ROWS)
def test_sums_are_those_of_the_rows_one_after_the_other(rows: list[tuple[int, int, float]]) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    expected: dict[tuple[int, int], float] = {}
    for a, b, value in rows:
        expected[a, b] = expected.get((a, b), 0.0) + value
    frame = pl.DataFrame(rows, schema={"a": pl.Int32, "b": pl.Int64, "x": pl.Float64}, orient="row")
    assert sum_runs(frame, ["a", "b"], "x").tolist() == list(expected.values())


def test_groups_are_told_apart_by_each_of_their_keys() -> None:
    frame = pl.DataFrame({"a": ["x", "x", "y", "y"], "b": [1, 2, 2, 2], "x": [1, 2, 4, 8]})
    assert sum_runs(frame, ["a", "b"], "x").tolist() == [1.0, 2.0, 12.0]
    assert sum_runs(frame, ["a"], "x").tolist() == [3.0, 12.0]
    assert sum_runs(frame.clear(), ["a"], "x").tolist() == []


@given(PAIRS)
def test_runs_of_equal_rows_start_and_end_where_they_do(pairs: list[tuple[int, int]]) -> None:
    runs = [[place for place, _ in run] for _, run in groupby(enumerate(pairs), key=lambda row: row[1])]
    columns = columns_of(pairs)
    assert find_starts(*columns).tolist() == [run[0] for run in runs]
    assert find_ends(*columns).tolist() == [run[-1] for run in runs]
    assert np.flatnonzero(flag_starts(*columns)).tolist() == [run[0] for run in runs]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), max_size=10))
def test_slices_are_all_their_rows(slices: list[tuple[int, int]]) -> None:
    first, length = columns_of(slices)
    place, row = expand_slices(first, first + length)
    found = list(zip(place.tolist(), row.tolist(), strict=True))
    assert found == [(i, at + step) for i, (at, long) in enumerate(slices) for step in range(long)]


@given(PAIRS)
def test_components_are_what_edges_connect_numbered_by_their_first_nodes(
    edges: list[tuple[int, int]],
) -> None:
    parts = [{node} for node in range(10)]
    for one, other in edges:
        joined = next(part for part in parts if one in part) | next(part for part in parts if other in part)
        parts = [part for part in parts if not part & joined] + [joined]
    parts.sort(key=min)
    label = label_components(10, *columns_of(edges))
    assert label.tolist() == [next(i for i, part in enumerate(parts) if node in part) for node in range(10)]


@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1))
def test_values_of_the_same_rows_have_the_same_signature(uses: set[tuple[int, int]]) -> None:
    signs = sign_values(*columns_of(sorted(uses)), 6).tolist()
    rows = [frozenset(row for row, of in uses if of == value) for value in range(len(signs))]
    assert all(
        (signs[one] == signs[other]) == (rows[one] == rows[other])
        for one in range(len(signs))
        for other in range(one)
    )
