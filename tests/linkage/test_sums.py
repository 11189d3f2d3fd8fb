"""Promise: groups are summed in the order of their rows, so that sums are the same to the last digit in every run."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.model.sums import summed

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(-1e9, 1e9)), max_size=60)


@given(ROWS)
def test_sums_are_those_of_the_rows_one_after_the_other(rows: list[tuple[int, int, float]]) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    expected: dict[tuple[int, int], float] = {}
    for a, b, value in rows:
        expected[a, b] = expected.get((a, b), 0.0) + value
    frame = pl.DataFrame(rows, schema={"a": pl.Int32, "b": pl.Int64, "x": pl.Float64}, orient="row")
    assert summed(frame, ["a", "b"], "x").tolist() == list(expected.values())


def test_groups_are_told_apart_by_each_of_their_keys() -> None:
    frame = pl.DataFrame({"a": ["x", "x", "y", "y"], "b": [1, 2, 2, 2], "x": [1, 2, 4, 8]})
    assert summed(frame, ["a", "b"], "x").tolist() == [1.0, 2.0, 12.0]
    assert summed(frame, ["a"], "x").tolist() == [3.0, 12.0]
    assert summed(frame.clear(), ["a"], "x").tolist() == []
