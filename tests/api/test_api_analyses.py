"""Promise: what if, what then and what changed are answered over the API as by the command line, behind the veil."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api import Api, examples
from fastapi.testclient import TestClient
from graphs import write_bundle
from typer.testing import CliRunner

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.commands import app
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.store import Store


@pytest.fixture(scope="module")
def api(ring: str, open_database: Store, installation: Settings) -> Iterator[Api]:
    with TestClient(create_app(installation, open_database.address)) as client:
        yield Api(client, keys.create_key(installation.keys_dir, keys.Role.ANALYST))


def command(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_cluster_without_a_signal_is_what_the_command_says(
    api: Api, ring: str, installation: Settings, cli_environment: Path
) -> None:
    shared = "query($id: String!) { cluster(id: $id) { sharedSignals { signal { key kind } } } }"
    signals = api.data(shared, id=ring)["cluster"]["sharedSignals"]
    handle = next(each["signal"]["key"] for each in signals if each["signal"]["kind"] == "ip")
    assert handle.startswith("ip:~")
    query = """query($id: String!, $signals: [String!]) { counterfactual(cluster: $id, withoutSignals: $signals) {
      before { members sizes isolated } after { members sizes isolated } descriptions } }"""
    found = api.data(query, id=ring, signals=[handle])["counterfactual"]
    raw = load_or_create_veil(installation).open(handle)
    told = command("whatif", ring, "--without-signal", raw)
    for side in ("before", "after"):
        parts = {"members": "members", "sizes": "sizes", "isolated": "alone"}
        assert found[side] == {name: told[side][theirs] for name, theirs in parts.items()}
    assert handle in found["descriptions"][0]
    assert raw not in json.dumps(found)


def test_what_holds_a_cluster_is_what_the_command_says(api: Api, ring: str, cli_environment: Path) -> None:
    query = """query($id: String!) { anatomy(cluster: $id, minPartSize: 2) {
      isComplete splitsWithoutStrongest cut { bits sizes } parts { members sizes isolated } } }"""
    found = api.data(query, id=ring)["anatomy"]
    told = command("whatif", ring, "--smallest", "2")
    assert found["cut"] == {name: told["cut"][name] for name in ("bits", "sizes")}
    assert found["parts"]["sizes"] == told["parts"]["sizes"]


def test_the_impact_is_what_the_command_says(api: Api, ring: str, cli_environment: Path) -> None:
    query = """query($id: ID, $accounts: [ID!]) { impact(cluster: $id, accounts: $accounts, stages: 3) {
      accounts expectedFalsePositives unclustered plan { order stages { accounts expectedFalsePositives } }
      clusters { cluster delayHours } descriptions } }"""
    found = api.data(query, id=ring)["impact"]
    told = command("blast", ring, "--stages", "3")
    assert found["accounts"] == 12
    assert found["expectedFalsePositives"] == told["innocents"]
    assert found["plan"]["order"] == told["plan"]["order"]
    assert [each["cluster"] for each in found["clusters"]] == [ring]
    assert found["clusters"][0]["delayHours"] is None  # nobody was banned: not known, and not a number
    few = api.data(query, accounts=["acct-00000", "acct-00400"])["impact"]
    assert (few["accounts"], few["unclustered"]) == (2, 1)


def test_what_is_not_there_or_too_much_is_said_so(api: Api, ring: str) -> None:
    ask = "query($id: String!) { anatomy(cluster: $id) { isComplete } }"
    assert api.error(ask, id="nobody")["extensions"]["code"] == "not_found"
    without = "query($id: String!, $s: [String!]) { counterfactual(cluster: $id, withoutSignals: $s) { descriptions } }"
    assert api.error(without, id=ring, s=[])["extensions"]["code"] == "bad_input"
    error = api.error(without, id=ring, s=["ip:203.0.113.99"])
    assert error["extensions"]["code"] == "not_found"
    assert "203.0.113.99" not in error["message"]
    both = 'query($id: ID) { impact(cluster: $id, accounts: ["a"]) { accounts } }'
    assert api.error(both, id=ring)["extensions"]["code"] == "bad_input"
    many = "query($a: [ID!]) { impact(accounts: $a) { accounts } }"
    assert api.error(many, a=["a"] * 2001)["extensions"]["code"] == "bad_input"


def test_the_examples_of_the_page_run(api: Api, ring: str, open_database: Store) -> None:
    detect(open_database, InProcessDetector(), Parameters())
    runs = api.data("{ runs { edges { node { id } } } }")["runs"]["edges"]
    now, before, *_ = (edge["node"]["id"] for edge in runs)
    anatomy, without, impact, successions, difference = examples(
        api, "analyses", cluster=ring, **{"from": before, "to": now}
    )
    assert anatomy["anatomy"]["parts"]["members"] == 12
    assert without["counterfactual"]["before"]["members"] == 12
    assert impact["impact"]["accounts"] == 12
    assert successions["successions"]["edges"] == []
    assert difference["runDiff"]["moved"] == 0


def test_two_runs_differ_by_what_was_loaded_between(
    api: Api, ring: str, open_database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    late = [{"account_id": "acct-late", "created_at": "2026-03-01T00:00:00Z"}]
    bundle = write_bundle(tmp_path / "late", accounts=late)
    load_bundle(open_database, bundle, tokens, tmp_path / "dead")
    detect(open_database, InProcessDetector(), Parameters(min_size=13))
    runs = api.data("{ runs { edges { node { id } } } }")["runs"]["edges"]
    now, before, *_ = (edge["node"]["id"] for edge in runs)
    query = """query($from: ID!, $to: ID!, $after: String) { runDiff(from: $from, to: $to) {
      counts { kind clusters } moved moves(first: 5, after: $after) {
        edges { node { accountId fromId toId } } pageInfo { hasNextPage endCursor } } } }"""
    moved, after = [], None
    while True:
        found = api.data(query, **{"from": before, "to": now, "after": after})["runDiff"]
        moved += [edge["node"]["accountId"] for edge in found["moves"]["edges"]]
        if not found["moves"]["pageInfo"]["hasNextPage"]:
            break
        after = found["moves"]["pageInfo"]["endCursor"]
    assert {"kind": "GONE", "clusters": 2} in found["counts"]
    assert moved == sorted(moved)
    assert len(moved) == found["moved"] == len(set(moved)) > 12
