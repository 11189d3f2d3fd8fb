"""Promise: a cluster that draws its prompts from one long list scores as a campaign; a class, a public template, and
prompts dealt out at random do not. Prompts that are missing say nothing, and the order of rows changes nothing."""

from collections.abc import Collection, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small import graph_of, members_of

from graphsvc.campaigns.prompt_profile import (
    ASKING,
    MOST_BITS,
    RESULT,
    draw_window,
    find_lists,
    length_bits,
    pattern_bits,
    prompt_uses,
    score_prompts,
)
from graphsvc.model.graph import SignalGraph

ACCOUNTS, SIZE = 1_000, 40
GROUP = range(SIZE)
LEAST = float(np.log2(1.0 - ASKING))

Prompts = list[tuple[int, int]]
"""(account, template) of each prompt."""


def own(count: int = 3, accounts: Collection[int] = range(ACCOUNTS)) -> Prompts:
    """As many prompts for each account, which no other sends."""
    return [(account, -1 - account * 10 - place) for account in accounts for place in range(count)]


def drawn(templates: int, each: int, accounts: Collection[int] = GROUP, first: int = 0) -> Prompts:
    """As many templates for each account, drawn from a list without regard to the others."""
    rng = np.random.default_rng(3)
    return [
        (account, first + int(template))
        for account in accounts
        for template in rng.choice(templates, each, replace=False)
    ]


def world(prompts: Prompts, bands: int = 1, kind: str = "prompt") -> SignalGraph:
    """A graph of these prompts, each sent at a moment of its own, and of so many bands."""
    names = {template: place for place, template in enumerate(sorted({t for _, t in prompts}))}
    edges, seen = [], {}
    for moment, (account, template) in enumerate(prompts):
        for band in range(bands):
            edge = (account, names[template] * bands + band)
            edges.append(edge)
            seen[edge] = (moment, moment + 1)
    return graph_of(ACCOUNTS, [(kind, "", "")] * len(names) * bands, edges, seen=seen)


def row_of(graph: SignalGraph, group: Collection[int] = GROUP) -> dict[str, object]:
    """The only row of a cluster."""
    return score_prompts(members_of(group), graph).row(0, named=True)


def bits_of(graph: SignalGraph, group: Collection[int] = GROUP) -> float:
    """The bits of a cluster."""
    return float(score_prompts(members_of(group), graph)["bits"].item())


def test_a_group_that_asks_alike_and_broadly_scores_as_a_campaign() -> None:
    row = row_of(world([*drawn(24, 3), *own()]))
    assert row["part"] == "asked"
    assert row["bits"] > 3.0
    assert (row["observed"], row["accounts"]) == (1.0, SIZE)
    assert row["expected"] == pytest.approx(0.1)  # the prior: no other account sends as many prompts
    assert row["says"] == (
        "100 % of members send a prompt template that others hardly send (10 % of other accounts), 100 % several of 21"
    )


@pytest.mark.parametrize("templates", [1, 2])
def test_a_class_with_a_shared_prompt_does_not(templates: int) -> None:
    row = row_of(world([*drawn(templates, 1), *own()]))
    assert row["observed"] == 1.0
    assert row["bits"] < 0.0


def test_a_template_that_the_public_sends_too_says_nothing() -> None:
    public = drawn(10, 3, range(ACCOUNTS))
    row = row_of(world([*public, *own()]))
    assert (row["observed"], row["says"]) == (0.0, "members share no prompt template of their own")
    assert row["bits"] == pytest.approx(LEAST, abs=0.05)


def test_a_public_template_does_not_hide_a_list() -> None:
    public = drawn(2, 1, range(ACCOUNTS), first=100)
    assert bits_of(world([*drawn(24, 3), *public, *own()])) > 3.0


@given(seed=st.integers(0, 999))
def test_prompts_dealt_out_at_random_are_no_evidence_for_a_campaign(seed: int) -> None:
    prompts = [*drawn(24, 3), *own()]
    accounts = np.random.default_rng(seed).permutation([account for account, _ in prompts])
    mixed = sorted(
        {(int(account), template) for account, (_, template) in zip(accounts, prompts, strict=True)}
    )
    found = score_prompts(members_of(GROUP, range(SIZE, 3 * SIZE)), world(mixed))
    assert found["bits"].max() <= 0.0


@given(seed=st.integers(0, 999))
def test_neither_the_order_of_rows_nor_the_numbers_of_signals_matter(seed: int) -> None:
    graph = world([*drawn(12, 2), *drawn(3, 1, range(SIZE, 2 * SIZE), first=50), *own()], bands=3)
    members = members_of(GROUP, range(SIZE, 2 * SIZE))
    rng = np.random.default_rng(seed)
    number = rng.permutation(graph.signals.height).astype(np.int32)
    order = np.lexsort((number[graph.signal], graph.account))
    other = SignalGraph(
        graph.accounts,
        graph.signals,
        *(
            column[order]
            for column in (graph.account, number[graph.signal], graph.first_seen, graph.last_seen)
        ),
        graph.activity,
    )
    shuffled = members[rng.permutation(members.height)]
    expected, found = score_prompts(members, graph), score_prompts(shuffled, other)
    assert found.drop("bits").equals(expected.drop("bits"))
    assert found["bits"].to_list() == pytest.approx(expected["bits"].to_list(), abs=1e-9)


@pytest.mark.parametrize("bands", [2, 6])
def test_the_bands_of_a_template_are_one(bands: int) -> None:
    prompts = [*drawn(12, 2), *own()]
    once, often = world(prompts), world(prompts, bands=bands)
    place = np.zeros(SIZE, dtype=np.int64)
    lists = [find_lists(prompt_uses(graph), np.arange(SIZE), place, 1) for graph in (once, often)]
    assert lists[0].counts.tolist() == lists[1].counts.tolist() == [[0.0, 0.0, float(SIZE)]]
    assert lists[0].templates.tolist() == lists[1].templates.tolist() == [12]


def test_members_who_use_none_one_and_several_templates_are_counted() -> None:
    # Template 0 is of five members, template 1 of three of those: what follows one template is always the other.
    prompts = [*((account, 0) for account in range(5)), *((account, 1) for account in range(3))]
    uses = prompt_uses(world([*prompts, *own()]))
    lists = find_lists(uses, np.arange(7), np.zeros(7, dtype=np.int64), 1)
    assert lists.counts.tolist() == [[2.0, 2.0, 3.0]]
    assert (lists.templates[0], lists.draws[0], lists.pairs[0], lists.coincidences[0]) == (2, 6.0, 6.0, 6.0)


def test_few_members_say_little() -> None:
    few, many = (bits_of(world([*drawn(24, 3, range(n)), *own()]), range(n)) for n in (3, SIZE))
    assert few < 2.0 < many <= MOST_BITS


def test_thousands_of_members_say_no_more_than_the_cap() -> None:
    counts = np.array([[0.0, 0.0, 3e4], [3e4, 0.0, 0.0]])
    bits = pattern_bits(counts, np.array([[0.98, 0.015, 0.005]] * 2))
    assert bits[0] <= np.log2(0.3 / 0.02) + 2.0
    assert bits[1] < -5.0


def test_long_lists_speak_for_a_campaign_and_short_ones_hardly_against_one() -> None:
    pairs = np.array([0.0, 4_000.0, 4_000.0, 4_000.0])
    coincidences = np.array([0.0, 4_000.0, 1_000.0, 100.0])
    none, one, four, forty = length_bits(np.full(4, 500.0), pairs, coincidences)
    assert none == pytest.approx(0.0)
    assert -1.0 <= one < 0.0
    assert -1.0 <= four < 0.0
    assert forty > 3.0


@pytest.mark.parametrize("graph", [world(own(), kind="device"), world(own(1)), world([])])
def test_clusters_without_prompts_or_with_one_each_have_no_row(graph: SignalGraph) -> None:
    found = score_prompts(members_of(GROUP), graph)
    assert found.is_empty()
    assert found.schema == pl.Schema(RESULT)


def test_no_clusters_have_no_rows() -> None:
    assert score_prompts(members_of(), world(own())).is_empty()


MIXED = prompt_uses(world([*own(2), *own(4, range(500, ACCOUNTS))]))


@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_windows_are_of_other_accounts_with_as_many_prompts(sizes: Sequence[int]) -> None:
    who = np.arange(sum(sizes))
    place = np.repeat(np.arange(len(sizes)), sizes)
    window, of = draw_window(MIXED, who, place)
    assert len(set(window.tolist())) == len(window)
    assert not any(
        window_of == cluster for window_of, cluster in zip(of, _cluster_of(window, place), strict=True)
    )
    counts = [sorted(MIXED.uses[accounts].tolist()) for accounts in (window, who)]
    if len(window) == len(who):
        assert counts[0] == counts[1]


def test_a_window_never_holds_its_own_cluster() -> None:
    uses = prompt_uses(world([*drawn(24, 3), *own()]))
    window, _ = draw_window(uses, np.arange(SIZE), np.zeros(SIZE, dtype=np.int64))
    assert not set(window.tolist()) & set(GROUP)


def _cluster_of(accounts: NDArray[np.int64], place: NDArray[np.int64]) -> list[int]:
    """The cluster of each account, -1 for those of none; members are the first accounts."""
    return [int(place[account]) if account < len(place) else -1 for account in accounts]
