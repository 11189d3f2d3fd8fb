"""Promise: what was shared before the window holds nobody together, and what an account is registered with stays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small import graph_of

from graphsvc.linkage.window import DAY_MS, recent
from graphsvc.model.graph import SignalGraph

SIGNALS = [("instrument",), ("phone",), ("ip",)]
NOW = 100 * DAY_MS


def kept(graph: SignalGraph) -> set[tuple[int, int]]:
    return set(zip(graph.account.tolist(), graph.signal.tolist(), strict=True))


def test_uses_of_long_ago_are_left_out_and_those_of_an_unknown_time_stay() -> None:
    seen = {
        (0, 0): (0, NOW - 15 * DAY_MS),
        (1, 0): (0, NOW - 13 * DAY_MS),
        (2, 0): (-1, -1),
        (3, 2): (0, NOW),
    }
    graph = graph_of(4, SIGNALS, list(seen), seen=seen)
    assert kept(recent(graph, 14)) == {(1, 0), (2, 0), (3, 2)}


def test_a_registration_lasts_as_long_as_its_account_is_seen() -> None:
    seen = {(0, 1): (5, 5), (0, 2): (5, NOW), (1, 1): (5, 5), (1, 2): (5, 6), (2, 1): (5, 5)}
    hour = NOW // 3_600_000 - 5
    graph = graph_of(3, SIGNALS, list(seen), [(2, hour, "m", 1)], seen=seen)
    # Account 1 was last seen long ago; account 2's traffic is all there is of it.
    assert kept(recent(graph, 14)) == {(0, 1), (0, 2), (2, 1)}


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 2)), st.integers(0, 100), min_size=1, max_size=15
    ),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_a_longer_window_keeps_all_that_a_shorter_one_keeps(
    days: dict[tuple[int, int], int], one: int, other: int
) -> None:
    graph = graph_of(6, SIGNALS, list(days), seen={edge: (0, day * DAY_MS) for edge, day in days.items()})
    shorter, longer = recent(graph, min(one, other)), recent(graph, max(one, other))
    assert kept(shorter) <= kept(longer) <= kept(graph)
    assert kept(recent(graph, 200)) == kept(graph)
    assert longer.accounts is graph.accounts
    assert np.all(np.diff(longer.account) >= 0)
