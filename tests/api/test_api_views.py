"""Promise: a graph to be drawn holds what it says, counts what it leaves out, and a path is the strongest there is."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from api import Api, examples
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.analysis.levels import Group, Node, build_level, expand_bundle, parse_bundle
from graphsvc.analysis.paths import find_signal_path, find_widest_path
from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.settings import Settings
from graphsvc.store import Store

NODES = 8
links_of = st.dictionaries(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)).filter(lambda pair: pair[0] < pair[1]),
    st.integers(1, 5),
    max_size=20,
)


@given(links_of, st.integers(0, NODES - 1), st.integers(0, NODES - 1))
def test_no_path_is_stronger_and_none_as_strong_is_shorter(
    links: dict[tuple[int, int], int], start: int, end: int
) -> None:
    source, target = (np.array([pair[side] for pair in links], dtype=np.int64) for side in (0, 1))
    bits = np.array(list(links.values()), dtype=np.float64)
    found = find_widest_path(NODES, source, target, bits, start, end)
    graph = nx.Graph([(a, b, {"bits": value}) for (a, b), value in links.items()])
    paths = (
        list(nx.all_simple_paths(graph, start, end)) if start != end and {start, end} <= set(graph) else []
    )
    if not paths:
        assert found is None
        return
    worth = [(-min(graph.edges[step]["bits"] for step in pairwise(path)), len(path)) for path in paths]
    assert found is not None
    assert (-found.bits, len(found.nodes)) == min(worth)
    assert (found.nodes[0], found.nodes[-1]) == (start, end)
    for edge, step in zip(found.edges, pairwise(found.nodes), strict=True):
        assert {int(source[edge]), int(target[edge])} == set(step)


@given(
    st.dictionaries(st.sampled_from("stuvwx"), st.lists(st.sampled_from("abcdefg"), min_size=2, unique=True)),
    st.sampled_from("abcdefg"),
    st.sampled_from("abcdefg"),
)
def test_a_way_through_signals_is_the_shortest(users: dict[str, list[str]], start: str, end: str) -> None:
    graph = nx.Graph([(signal, account) for signal, accounts in users.items() for account in accounts])
    steps = find_signal_path(users, start, end)
    if start == end or not {start, end} <= set(graph) or not nx.has_path(graph, start, end):
        assert steps is None
        return
    assert steps is not None
    assert len(steps) * 2 == nx.shortest_path_length(graph, start, end)
    here = start
    for signal, account in steps:
        assert {here, account} <= set(users[signal])
        here = account
    assert here == end


@given(
    st.lists(st.tuples(st.sampled_from(["ip", "device", "prompt", ""]), st.integers(1, 50)), max_size=60),
    st.integers(4, 30),
)
def test_every_group_of_a_cluster_is_reached_level_by_level_and_once(
    sizes: list[tuple[str, int]], nodes: int
) -> None:
    keys_of = [f"{kind}:{number}" if kind else "" for number, (kind, _) in enumerate(sizes)]
    groups = [Group(key, size, 0.5) for key, (_, size) in zip(keys_of, sizes, strict=True)]
    groups = list({group.key: group for group in groups}.values())
    groups.sort(key=lambda group: (-group.accounts, group.key))
    reached: list[str] = []

    def reach(shown: list[Node], expected: int) -> None:
        assert len(shown) <= nodes
        assert sum(node.accounts for node in shown) == expected
        assert len({node.id for node in shown}) == len(shown)
        for node in shown:
            behind = parse_bundle(node.id)
            if behind is None:
                reached.append(node.id)
            else:
                reach(build_level(expand_bundle(groups, *behind), nodes, behind[1]), node.accounts)

    reach(build_level(groups, nodes), sum(group.accounts for group in groups))
    assert sorted(reached) == sorted(group.key for group in groups)


@pytest.fixture(scope="module")
def api(ring: str, open_database: Store, installation: Settings) -> Iterator[Api]:
    with TestClient(create_app(installation, open_database.address)) as client:
        yield Api(client, keys.create_key(installation.keys_dir, keys.Role.VIEWER))


CLUSTER = """query($id: ID!, $within: String, $nodes: Int!) {
  clusterGraph(cluster: $id, within: $within, nodes: $nodes) {
    nodes { id kind size isHub status membership } edges { source target kind links }
    leftOut { accounts signals description } } }"""


def whole(view: dict[str, Any]) -> None:
    """Every edge has its ends, and no node is there twice."""
    ids = [node["id"] for node in view["nodes"]]
    assert len(set(ids)) == len(ids)
    assert {end for edge in view["edges"] for end in (edge["source"], edge["target"])} <= set(ids)


def test_a_cluster_that_fits_is_drawn_whole(api: Api, ring: str) -> None:
    view = api.data(CLUSTER, id=ring, nodes=100)["clusterGraph"]
    whole(view)
    assert sum(node["kind"] == "ACCOUNT" for node in view["nodes"]) == 12
    assert (view["leftOut"]["accounts"], view["leftOut"]["signals"]) == (0, 0)
    assert sum(edge["kind"] == "USES" for edge in view["edges"]) == 36


def test_a_cluster_that_does_not_fit_is_groups_that_add_up_and_open(api: Api, ring: str) -> None:
    view = api.data(CLUSTER, id=ring, nodes=12)["clusterGraph"]
    whole(view)
    assert {node["kind"] for node in view["nodes"]} == {"GROUP"}
    assert sum(node["size"] for node in view["nodes"]) + view["leftOut"]["accounts"] == 12
    opened = 0
    for group in view["nodes"]:
        inner = api.data(CLUSTER, id=ring, nodes=12, within=group["id"])["clusterGraph"]
        whole(inner)
        drawn = sum(node["kind"] == "ACCOUNT" for node in inner["nodes"])
        assert drawn + inner["leftOut"]["accounts"] == group["size"]
        opened += drawn
    assert opened == 12
    assert api.error(CLUSTER, id=ring, nodes=12, within="ip:*90")["extensions"]["code"] == "not_found"
    assert api.error(CLUSTER, id=ring, nodes=12, within="nothing")["extensions"]["code"] == "not_found"


EGO = """query($id: ID!, $nodes: Int!) { egoGraph(account: $id, nodes: $nodes) {
  nodes { id kind size isHub clusterId } edges { source target } leftOut { accounts signals description } } }"""


def test_the_surroundings_of_an_account_are_counted_where_they_are_cut(api: Api, ring: str) -> None:
    view = api.data(EGO, id="acct-00000", nodes=500)["egoGraph"]
    whole(view)
    accounts = {node["id"] for node in view["nodes"] if node["kind"] == "ACCOUNT"}
    assert accounts == {f"acct-{number:05}" for number in range(12)} - {
        "acct-00001",
        "acct-00005",
        "acct-00007",
        "acct-00011",
    }
    assert {node["clusterId"] for node in view["nodes"] if node["kind"] == "ACCOUNT"} == {ring}
    assert view["leftOut"]["accounts"] == 0
    cut = api.data(EGO, id="acct-00000", nodes=10)["egoGraph"]
    whole(cut)
    assert len(cut["nodes"]) <= 10
    drawn = sum(node["kind"] == "ACCOUNT" for node in cut["nodes"])
    signals = sum(node["kind"] == "SIGNAL" for node in cut["nodes"])
    assert signals + cut["leftOut"]["signals"] == 3
    assert drawn + cut["leftOut"]["accounts"] <= len(accounts)


BETWEEN = """query($a: ID!, $b: ID!) { between(a: $a, b: $b) {
  description commonTotal common { isHub signal { kind degree } }
  path { bits steps { source { id } target { id } bits description } } } }"""


def test_two_members_are_joined_by_the_strongest_path(api: Api, ring: str) -> None:
    found = api.data(BETWEEN, a="acct-00000", b="acct-00001")["between"]
    assert found["commonTotal"] == 0
    steps = found["path"]["steps"]
    assert steps[0]["source"]["id"] == "acct-00000"
    assert steps[-1]["target"]["id"] == "acct-00001"
    assert len(steps) == 2  # they use other cards, addresses and devices of one pool
    assert all(before["target"] == after["source"] for before, after in pairwise(steps))
    direct = api.data(BETWEEN, a="acct-00000", b="acct-00006")["between"]
    assert direct["commonTotal"] == 3
    (step,) = direct["path"]["steps"]
    assert direct["path"]["bits"] == step["bits"] > 0.0
    assert [each["signal"]["degree"] for each in direct["common"]] == [4, 6, 6]


def test_what_is_not_linked_is_said_so_within_its_bound(api: Api) -> None:
    found = api.data(BETWEEN, a="acct-00000", b="acct-00400")["between"]
    assert found["path"] is None
    assert "No path was found through" in found["description"]
    assert api.error(BETWEEN, a="acct-00000", b="nobody")["extensions"]["code"] == "not_found"
    assert api.error(BETWEEN, a="acct-00000", b="acct-00000")["extensions"]["code"] == "bad_input"


@pytest.mark.parametrize("nodes", [0, 9, 2001, -1])
def test_a_graph_is_not_too_large(api: Api, ring: str, nodes: int) -> None:
    assert api.error(CLUSTER, id=ring, nodes=nodes)["extensions"]["code"] == "bad_input"
    assert api.error(EGO, id="acct-00000", nodes=nodes)["extensions"]["code"] == "bad_input"


def test_the_examples_of_the_page_run(api: Api, ring: str) -> None:
    cluster, ego, between = examples(
        api, "views", cluster=ring, account="acct-00000", other="acct-00001", within=None
    )
    assert len(cluster["clusterGraph"]["nodes"]) > 12
    assert len(ego["egoGraph"]["nodes"]) > 8
    assert between["between"]["path"]
