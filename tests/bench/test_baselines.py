"""Promise: each baseline of the bench does what its name says, on graphs small enough to see it."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.baselines import (
    BASELINES,
    leiden_bipartite,
    leiden_weighted,
    louvain_projection,
    neo4j_demo,
    wcc_any,
    wcc_rare,
)
from graphsvc.model.graph import ACCOUNT_COLUMNS, ACTIVITY_COLUMNS, SIGNAL_COLUMNS, SignalGraph

Uses = dict[tuple[str, str], Sequence[int]]
"""Accounts by (kind, value)."""


def graph_of(accounts: int, uses: Uses) -> SignalGraph:
    people = pl.DataFrame(
        {
            "id": [f"a{i:04}" for i in range(accounts)],
            "created_at": [0] * accounts,
            "status": ["active"] * accounts,
        }
    ).with_columns(status_changed_at=-1, plan=pl.lit(""), country=pl.lit(""))
    named = sorted(uses, key=lambda use: f"{use[0]}:{use[1]}")
    signals = pl.DataFrame(
        {"key": [f"{kind}:{value}" for kind, value in named], "kind": [kind for kind, _ in named]},
        schema={"key": pl.String, "kind": pl.String},
    ).with_columns([pl.lit("").alias(c) for c in ("parent", "grandparent", "class")])
    edges = sorted((account, number) for number, use in enumerate(named) for account in uses[use])
    account = np.array([a for a, _ in edges], dtype=np.int32)
    signal = np.array([s for _, s in edges], dtype=np.int32)
    unknown = np.full(len(edges), -1, dtype=np.int64)
    return SignalGraph(
        people.select(pl.col(c).cast(t) for c, t in ACCOUNT_COLUMNS.items()),
        signals.select(pl.col(c).cast(t) for c, t in SIGNAL_COLUMNS.items()),
        account,
        signal,
        unknown,
        unknown,
        pl.DataFrame(schema=ACTIVITY_COLUMNS),
    )


def groups(members: pl.DataFrame) -> list[list[int]]:
    found = members.group_by("cluster_id").agg(pl.col("account_id").str.slice(1).cast(pl.Int64).sort())
    return sorted(found["account_id"].to_list())


RING, CROWD = list(range(8)), list(range(20, 40))


def test_components_take_any_shared_value_and_the_strict_ones_only_rare_values() -> None:
    chain: Uses = {("instrument", f"c{i}"): [i, i + 1] for i in range(7)}
    graph = graph_of(50, {**chain, ("ip", "cafe"): CROWD, ("prompt", "popular"): range(50)})
    assert groups(wcc_any(graph)) == [RING, CROWD]
    assert groups(wcc_rare(graph)) == [RING]


def test_the_demos_rule_wants_a_rare_card_or_device_and_two_more() -> None:
    ring: Uses = {("device", "d"): RING, ("ip", "i"): RING}
    assert groups(neo4j_demo(graph_of(50, ring))) == []
    # The two more may be of any degree; the first may not.
    third: Uses = {**ring, ("ip", "many"): range(40)}
    assert groups(neo4j_demo(graph_of(50, third))) == [RING]
    crowd: Uses = {("device", "d"): CROWD, ("ip", "i"): CROWD, ("instrument", "c"): CROWD}
    assert groups(neo4j_demo(graph_of(50, crowd))) == []


@pytest.mark.parametrize("baseline", [leiden_bipartite, leiden_weighted, louvain_projection])
def test_communities_are_told_apart_where_components_are_one(baseline: object) -> None:
    left, right = range(10), range(10, 20)
    uses: Uses = {("instrument", f"l{i}"): left for i in range(8)}
    uses |= {("instrument", f"r{i}"): right for i in range(8)}
    graph = graph_of(60, {**uses, ("ip", "bridge"): [9, 10]})
    assert groups(wcc_any(graph)) == [list(range(20))]
    assert groups(baseline(graph)) == [list(left), list(right)]  # type: ignore[operator]


def test_a_world_of_one_undeclared_kind_is_taken_as_it_is() -> None:
    uses: Uses = {("counterparty", f"p{i}"): RING for i in range(3)}
    graph = graph_of(200, uses)
    for name, baseline in BASELINES.items():
        assert groups(baseline(graph)) == [RING], name


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["instrument", "device", "ip", "prompt"]), st.sampled_from("abcdef")),
        st.sets(st.integers(0, 29), min_size=1).map(sorted),
        max_size=12,
    )
)
def test_any_graph_gives_whole_disjoint_groups_and_the_same_again(uses: Uses) -> None:
    graph = graph_of(30, uses)
    for name, baseline in BASELINES.items():
        members = baseline(graph)
        assert members["account_id"].is_unique().all(), name
        assert all(len(group) >= 8 for group in groups(members)), name
        assert baseline(graph).equals(members), name
    # What is rare is some of what is shared at all.
    rare = set(wcc_rare(graph)["account_id"])
    assert rare <= set(wcc_any(graph)["account_id"])
