"""Promise: links are exactly the pairs that share enough, whatever the chunking, and hubs count without pairing."""

import math
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.linkage.bits import signal_bits, signal_families, with_levels
from graphsvc.linkage.pairs import ONE_OBSERVATION, enumerate_links, tying
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph

KINDS = ["instrument", "ip", "device", "prompt", "referral_code"]


def graph_of(accounts: int, signals: list[tuple[str, str]], edges: set[tuple[int, int]]) -> SignalGraph:
    """`signals` are (kind, prefix or ''), edges (account, signal) pairs."""
    ordered = sorted(edges)
    return SignalGraph(
        pl.DataFrame(
            [(f"a{i:04}", 0, "active", -1, "", "") for i in range(accounts)],
            schema=ACCOUNT_COLUMNS,
            orient="row",
        ),
        pl.DataFrame(
            [(f"{i:04}", kind, parent, "", "") for i, (kind, parent) in enumerate(signals)],
            schema=SIGNAL_COLUMNS,
            orient="row",
        ),
        np.array([a for a, _ in ordered], dtype=np.int32),
        np.array([s for _, s in ordered], dtype=np.int32),
        np.zeros(len(ordered), dtype=np.int64),
        np.zeros(len(ordered), dtype=np.int64),
        pl.DataFrame(schema=ACTIVITY_COLUMNS),
    )


def by_brute_force(graph: SignalGraph, min_values: int) -> dict[tuple[int, int], float]:
    """The definition, pair by pair."""
    bits, (family, names), ties = signal_bits(graph), signal_families(graph), tying(graph)
    has: dict[int, set[int]] = {}
    for a, s in zip(graph.account.tolist(), graph.signal.tolist(), strict=True):
        has.setdefault(a, set()).add(s)
    found = {}
    for a, b in combinations(sorted(has), 2):
        shared = has[a] & has[b]
        total, values = 0.0, 0
        for f in sorted({int(family[s]) for s in shared}):
            mine = [s for s in shared if family[s] == f]
            total += max(bits[s] for s in mine)
            counted = sum(bool(ties[s]) for s in mine)
            values += min(counted, 1) if names[f] in ONE_OBSERVATION else counted
        if values >= min_values:
            found[a, b] = total
    return found


edges_of = st.sets(st.tuples(st.integers(0, 14), st.integers(0, 9)), min_size=1, max_size=70)


@settings(max_examples=60)
@given(edges_of, st.integers(1, 3), st.integers(1, 20))
def test_links_are_the_definition_whatever_the_chunk(
    edges: set[tuple[int, int]], min_values: int, chunk: int
) -> None:
    signals = [(KINDS[i % 5], f"10.0.{i % 2}.0/24" if KINDS[i % 5] == "ip" else "") for i in range(10)]
    graph = with_levels(graph_of(15, signals, edges))
    links = enumerate_links(graph, min_values=min_values, chunk=chunk)
    pairs = zip(links.source.tolist(), links.target.tolist(), strict=True)
    found = dict(zip(pairs, links.bits.tolist(), strict=True))
    assert found == pytest.approx(by_brute_force(graph, min_values))


def test_a_hub_makes_no_pairs_but_counts_beside_a_rare_value() -> None:
    hub, rare = 0, 1
    everyone = {(account, hub) for account in range(300)}
    graph = graph_of(2_000, [("prompt", ""), ("instrument", "")], everyone | {(3, rare), (7, rare)})
    links = enumerate_links(graph, min_values=1)
    assert list(zip(links.source.tolist(), links.target.tolist(), strict=True)) == [(3, 7)]
    assert links.bits[0] == pytest.approx(math.log2(0.2 / (1 / 1999)) + math.log2(0.2 / (299 / 1999)))


def test_sharing_an_address_counts_its_prefix_once() -> None:
    graph = with_levels(graph_of(1_000, [("ip", "10.0.0.0/24")], {(1, 0), (2, 0)}))
    links = enumerate_links(graph, min_values=1)
    assert links.values.tolist() == [1]
    assert links.bits[0] == pytest.approx(math.log2(0.2 / (1 / 999)))
