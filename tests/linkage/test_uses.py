"""Promise: uses are found from either end as they were given, each once, whatever is asked for and how often."""

from random import Random

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from small import graph_of

from graphsvc.linkage.uses import Uses, used_by

ACCOUNTS, SIGNALS = 9, 7
PAIRS = st.dictionaries(
    st.tuples(st.integers(0, ACCOUNTS - 1), st.integers(0, SIGNALS - 1)), st.booleans(), max_size=40
)
Pairs = dict[tuple[int, int], bool]


def asked_of(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, most - 1), max_size=12)


def uses_of(pairs: Pairs) -> Uses:
    rows = sorted(pairs)
    account, signal = (np.array([row[i] for row in rows], dtype=np.int32) for i in (0, 1))
    passing = np.array([pairs[row] for row in rows], dtype=np.bool_)
    return Uses.of(account, signal, passing, accounts=ACCOUNTS, signals=SIGNALS)


def listed(*columns: np.ndarray[tuple[int], np.dtype[np.generic]]) -> list[tuple[object, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def array(numbers: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(numbers, dtype=np.int32)


@given(PAIRS, asked_of(ACCOUNTS), asked_of(SIGNALS))
def test_what_accounts_use_and_who_uses_signals(pairs: Pairs, who: list[int], what: list[int]) -> None:
    uses, held = uses_of(pairs), sorted(pairs)
    forth = [(i, s, pairs[a, s]) for i, asked in enumerate(who) for a, s in held if a == asked]
    back = [(i, a, pairs[a, s]) for i, asked in enumerate(what) for a, s in held if s == asked]
    assert listed(*uses.by(array(who))) == forth
    assert listed(*uses.users(array(what))) == back
    graph = graph_of(ACCOUNTS, [("ip",)] * SIGNALS, held)
    assert listed(*used_by(graph, array(who))) == [row[:2] for row in forth]


@given(
    PAIRS,
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, ACCOUNTS - 1)), max_size=12).map(sorted),
    st.sets(st.tuples(st.integers(0, 3), st.integers(0, SIGNALS - 1))).map(sorted),
)
def test_what_is_in_the_pool_of_an_account_s_cluster(
    pairs: Pairs, rows: list[tuple[int, int]], pool: list[tuple[int, int]]
) -> None:
    found = uses_of(pairs).pooled(
        pl.DataFrame(rows, schema={"cluster": pl.Int32, "account": pl.Int32}, orient="row"),
        pl.DataFrame(pool, schema={"cluster": pl.Int32, "signal": pl.Int32}, orient="row"),
    )
    wanted = [
        (row, value, pairs[account, signal])
        for row, (cluster, account) in enumerate(rows)
        for value, (of, signal) in enumerate(pool)
        if of == cluster and (account, signal) in pairs
    ]
    assert listed(*found) == wanted


@given(PAIRS, st.lists(st.tuples(*[st.integers(0, ACCOUNTS - 1)] * 2), max_size=10))
def test_what_two_accounts_share(pairs: Pairs, ends: list[tuple[int, int]]) -> None:
    found = uses_of(pairs).shared(*(array([end[i] for end in ends]) for i in (0, 1)))
    assert listed(*found) == [
        (number, signal)
        for number, (left, right) in enumerate(ends)
        for signal in range(SIGNALS)
        if (left, signal) in pairs and (right, signal) in pairs
    ]


@given(PAIRS, st.lists(st.tuples(*[st.integers(0, ACCOUNTS - 1)] * 2), max_size=10), st.integers(0, 2_000))
def test_comparing_a_piece_at_a_time_finds_the_same(
    pairs: Pairs, ends: list[tuple[int, int]], memory: int
) -> None:
    one, other = (array([end[i] for end in ends]) for i in (0, 1))
    uses = uses_of(pairs)
    pieces = list(uses.compare(one, other, memory))
    assert [place for which, _, _ in pieces for place in range(len(ends))[which]] == list(range(len(ends)))
    found = [(which.start + pair, signal) for which, *rows in pieces for pair, signal in listed(*rows)]
    assert found == listed(*uses.shared(one, other))


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_within_an_account_does_not_matter_and_stays(pairs: Pairs, random: Random) -> None:
    rows = sorted(pairs, key=lambda row: (row[0], random.random()))
    account, signal = (array([row[i] for row in rows]) for i in (0, 1))
    given_signal = signal.copy()
    transient = np.array([pairs[row] for row in rows], dtype=np.bool_)
    uses = Uses.of(account, signal, transient, accounts=ACCOUNTS, signals=SIGNALS)
    every = array(list(range(ACCOUNTS)))
    assert listed(*uses.by(every)) == listed(*uses_of(pairs).by(every))
    assert signal.tolist() == given_signal.tolist()
