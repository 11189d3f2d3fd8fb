"""Promise: counts in windows are exact and shared, in a table that a flood of names neither fills nor makes forget."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.api.http import windows
from graphsvc.api.http.windows import Windows, create_windows

HOUR = 3_600
HOLD = """
import os, sys
from pathlib import Path
from graphsvc.api.http.windows import Windows
table = Windows(Path(sys.argv[1]))
table.count(("a",), 3, 3600)
with table._lock():
    print("held", flush=True)
    os.read(0, 1)
"""


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(0, 100)), max_size=40))
def test_counts_are_those_of_each_name(given: list[tuple[str, int]]) -> None:
    table, expected = Windows(), Counter[str]()
    for name, cost in given:
        expected[name] += cost
        count, seconds = table.count(("cost", name), cost, HOUR)
        assert count == expected[name]
        assert HOUR - 600 < seconds <= HOUR


def test_all_who_map_a_table_count_together(tmp_path: Path) -> None:
    create_windows(tmp_path)
    one, other = Windows(tmp_path), Windows(tmp_path)
    assert [each.count(("a",), 2, HOUR)[0] for each in (one, other, one)] == [2, 4, 6]
    assert (tmp_path / "windows").stat().st_mode & 0o777 == 0o600


def test_a_window_that_ended_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Windows()
    table.count(("a",), 5, 60)
    later = windows.time.monotonic_ns() + 61 * 10**9
    monkeypatch.setattr(windows.time, "monotonic_ns", lambda: later)
    assert table.count(("a",), 5, 60) == (5, 60.0)


def test_a_flood_of_names_takes_the_places_of_windows_that_end_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "SETS", 1)
    table = Windows()
    assert table.count(("cost", "principal"), 7, HOUR)[0] == 7
    for number in range(1_000):
        table.count(("client", str(number)), 1, 1)
    assert table.count(("cost", "principal"), 1, HOUR)[0] == 8


def test_who_dies_with_the_lock_leaves_it(tmp_path: Path) -> None:
    create_windows(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert Windows(tmp_path).count(("a",), 1, HOUR)[0] == 4
