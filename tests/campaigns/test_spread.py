"""Promise: a cluster's countries, cards, devices and requests are those of its members, and speak for and against it
as stated: one country, one card and one device for all speak against a campaign, traffic for it."""

import numpy as np
import polars as pl
import polars.testing
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import graph_of, members_of

from graphsvc.campaigns.spread import measure_spread, measure_usual_country, measure_usual_requests
from graphsvc.linkage.signals import Incidence
from graphsvc.model.graph import SignalGraph

DAY = 86_400_000


def row_of(graph: SignalGraph, cluster: int = 0) -> dict[str, float | None]:
    """What is measured of cluster 0, accounts 0-3, or 1, accounts 4 and 5."""
    found = measure_spread(graph, Incidence.of(graph).signals, members_of(range(4), (4, 5)))
    assert found["cluster"].to_list() == [0, 1]
    return found.row(cluster, named=True)


def test_a_cluster_without_anything_has_no_measures() -> None:
    row = row_of(graph_of(10, [], []), 1)
    assert row == {
        "cluster": 1, "size": 2, "one_country": None, "payment": None, "device": None,
        "tied": None, "known": 0.0, "later": None, "later_uses": 0.0, "requests": None, "active": 0.0,
    }  # fmt: skip


def test_countries_are_compared_in_pairs_of_members_that_name_one() -> None:
    graph = graph_of(10, [], [], country=["DE", "DE", "FR", "", *["US"] * 6])
    assert row_of(graph)["one_country"] == pytest.approx(1 / 3)
    assert row_of(graph, 1)["one_country"] == 1.0
    # Two of DE, one of FR, six of US among nine.
    assert measure_usual_country(graph) == pytest.approx((4 + 1 + 36) / 81)


def test_without_countries_all_are_of_one() -> None:
    assert measure_usual_country(graph_of(3, [], [])) == 1.0


def test_a_card_counts_by_the_members_that_it_pays_for() -> None:
    # Card 0 pays for all four and for others; device 1 is used by two, and device 2 by one member and two others.
    signals = [("instrument",), ("device",), ("device",)]
    edges = [(a, 0) for a in (0, 1, 2, 3, 8, 9)] + [(a, 1) for a in (0, 1)] + [(a, 2) for a in (1, 2, 6, 7)]
    row = row_of(graph_of(10, signals, edges))
    assert row["payment"] == 2.0
    # Members 0 and 1 share device 1; device 2 has two members, 1 and 2.
    assert row["device"] == pytest.approx(1.0)


def test_prefixes_and_other_kinds_are_not_dealt_out() -> None:
    row = row_of(graph_of(10, [("phone",), ("prompt",)], [(a, s) for a in range(4) for s in (0, 1)]))
    assert row["payment"] is None
    assert row["later"] is None


def test_members_are_tied_by_a_card_device_or_phone_number_that_another_member_has() -> None:
    # Members 0 and 1 share a card; 2 has a phone number that only outsiders share; 3 has an address of the others.
    signals = [("instrument",), ("phone",), ("ip",)]
    edges = [(0, 0), (1, 0), (2, 1), (8, 1), (0, 2), (3, 2)]
    row = row_of(graph_of(10, signals, edges))
    assert (row["tied"], row["known"]) == (pytest.approx(2 / 3), 0.75)


def test_what_members_come_to_use_later_is_told_from_what_they_signed_up_with() -> None:
    signals = [("device",), ("device",), ("ip",)]
    edges = [(0, 0), (1, 0), (2, 1), (2, 2), (3, 2)]
    seen = dict.fromkeys([(0, 0), (2, 1), (2, 2)], (3 * DAY, 3 * DAY))
    row = row_of(graph_of(10, signals, edges, seen=seen, created_at=[0] * 10))
    # Of three later uses device 0 and address 2 are another member's too.
    assert row["later"] == pytest.approx(2 / 3)
    assert row["later_uses"] == pytest.approx(3 / 4)


def test_requests_are_the_median_of_members_with_traffic() -> None:
    rows = [(0, 1, "m", 10), (0, 2, "m", 10), (1, 1, "m", 4), (1, 1, "n", 2), (2, 5, "m", 1), (7, 1, "m", 3)]
    graph = graph_of(10, [], [], rows)
    row = row_of(graph)
    assert (row["requests"], row["active"]) == (6.0, 0.75)
    assert measure_usual_requests(graph) == 4
    assert measure_usual_requests(graph_of(2, [], [])) == 1


@given(st.integers(0, 1_000))
def test_strangers_change_nothing_about_a_cluster(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = [("instrument",), ("device",), ("ip",)] * 4
    edges = {(int(rng.integers(12)), int(rng.integers(12))) for _ in range(40)}
    country = [str(rng.choice(["DE", "FR", ""])) for _ in range(12)]
    whole = graph_of(12, kinds, edges, country=country)
    alone = graph_of(12, kinds, {edge for edge in edges if edge[0] < 6}, country=country)
    members = members_of(range(3), range(3, 6))
    one, other = (measure_spread(g, Incidence.of(g).signals, members) for g in (whole, alone))
    pl.testing.assert_frame_equal(one, other)
