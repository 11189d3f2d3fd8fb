"""Promise: one rule tells which values link and how much they say, whichever accounts tell how rare they are."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.linkage.bits import sharing_bits
from graphsvc.linkage.rule import CROWDED, RARE_SHARE, SOLE_DEGREE, Reference
from graphsvc.linkage.signals import SignalTable
from graphsvc.linkage.transience import BRIEF_MS, find_brief, find_transient, is_usual
from graphsvc.model.graph import SIGNAL_COLUMNS
from graphsvc.signals.kinds import KINDS, kind_of

NAMES = [kind.name for kind in KINDS]
CLASSES = ["", "hosting", "residential", *CROWDED]
ACCOUNTS = 100_000


def signals_of(rows: list[tuple[str, str]]) -> pl.DataFrame:
    """Signals of (kind, class)."""
    filled = [(f"{i:03}", kind, "", "", group) for i, (kind, group) in enumerate(rows)]
    return pl.DataFrame(filled, schema=SIGNAL_COLUMNS, orient="row")


@given(
    st.lists(
        st.tuples(st.sampled_from([*NAMES, "badge"]), st.sampled_from(CLASSES), st.integers(1, 300)),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_a_value_links_by_its_kind_its_network_and_its_users(
    rows: list[tuple[str, str, int]], outside: bool
) -> None:
    users = np.array([row[2] for row in rows], dtype=np.int64)
    reference = (
        Reference.of_outsiders(users, ACCOUNTS, 500) if outside else Reference.of_others(users, ACCOUNTS)
    )
    table = SignalTable.of(signals_of([row[:2] for row in rows]), reference)
    links = [
        kind_of(kind).ties and group not in CROWDED and count <= kind_of(kind).hub_degree
        for kind, group, count in rows
    ]
    assert table.linking.tolist() == links
    assert table.sufficient.tolist() == [
        flag and kind_of(kind).sole and count <= SOLE_DEGREE
        for flag, (kind, _, count) in zip(links, rows, strict=True)
    ]
    assert [table.families[place] for place in table.family] == [
        kind_of(kind).family if kind in NAMES else kind for kind, _, _ in rows
    ]


@pytest.mark.parametrize("outside", [False, True])
def test_a_value_of_a_quarter_of_all_accounts_links_none(outside: bool) -> None:
    def links(users: int) -> bool:
        counts = np.array([users], dtype=np.int64)
        reference = Reference.of_outsiders(counts, 40, 8) if outside else Reference.of_others(counts, 40)
        return bool(SignalTable.of(signals_of([("ip", "")]), reference).linking[0])

    assert links(int(RARE_SHARE * 40))
    assert not links(int(RARE_SHARE * 40) + 1)


def test_bits_by_hand() -> None:
    card = signals_of([("instrument", "")])
    users = np.array([3], dtype=np.int64)
    # Of 49 others 2 have it; of 40 outsiders 3, with half an account added.
    others = SignalTable.of(card, Reference.of_others(users, 50)).bits[0]
    outsiders = SignalTable.of(card, Reference.of_outsiders(users, 50, 10)).bits[0]
    prior = kind_of("instrument").prior_m
    assert others == pytest.approx(math.log2(prior / (2 / 49)))
    assert others == sharing_bits(["instrument"], [3], 50)[0]
    assert outsiders == pytest.approx(math.log2(prior / (3.5 / 41)))


SPANS = st.tuples(st.integers(-1, 20), st.integers(-1, 20))


@given(st.lists(st.tuples(SPANS, st.integers(0, 2)), min_size=1, max_size=30))
def test_a_use_is_transient_if_it_is_brief_and_its_kind_seldom_is(
    rows: list[tuple[tuple[int, int], int]],
) -> None:
    unit = BRIEF_MS // 10
    first, last = (
        np.array([moment * unit if moment >= 0 else -1 for moment in moments], dtype=np.int64)
        for moments in zip(*(span for span, _ in rows), strict=True)
    )
    signal = np.array([signal for _, signal in rows], dtype=np.int32)
    # Signals 0 and 1 are of one kind.
    kind = np.array([0, 0, 1])
    brief = find_brief(first, last)
    assert brief.tolist() == [a >= 0 and b >= 0 and b - a < 10 for (a, b), _ in rows]
    uses, short = (np.bincount(kind[of], minlength=2) for of in (signal, signal[brief]))
    usual = is_usual(short, uses)
    assert usual.tolist() == [5 * some > max(every, 1) for some, every in zip(short, uses, strict=True)]
    found = find_transient(first, last, signal, kind, uses)
    assert found.tolist() == (brief & ~usual[kind[signal]]).tolist()
