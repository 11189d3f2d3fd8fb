"""Promise: the API answers its questions from the published graph, and only from it."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from api import Api, text, write
from around import counted, nodes
from fastapi.testclient import TestClient

from graphsvc.api import app
from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.types import signal as signal_types
from graphsvc.settings import Settings
from graphsvc.signals.veil import Veil
from graphsvc.store import Store, reader
from graphsvc.store.migrations import migrate

PROXY = Veil(b"a key for tests, 32 bytes long..").hide("ip:203.0.113.7")


@pytest.fixture
def api(database: Store, installation: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    write(database, "published")
    monkeypatch.setattr(
        app, "load_or_create_veil", lambda settings: Veil(b"a key for tests, 32 bytes long..")
    )
    key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
    with TestClient(create_app(installation, database.address)) as client:
        yield Api(client, key)


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the statements that go to the database, which answers them as ever."""
    return counted(monkeypatch)


def walk(api: Api, query: str, *path: str, first: int, **variables: object) -> list[Any]:
    """All nodes of a list, page by page."""
    found: list[Any] = []
    after = None
    while True:
        page = api.data(query, first=first, after=after, **variables)
        for step in path:
            page = page[step]
        found += nodes(page)
        assert len(page["edges"]) <= first
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


def test_everything_about_a_cluster_in_one_query(api: Api) -> None:
    cluster = api.data(
        """query Page($id: String!) { cluster(id: $id) {
          id score size status firstSeen lastSeen families bits summary rank publishedAt
          run { id status engine algorithm seed parameters versions timings startedAt finishedAt clusters resultHash }
          members(first: 3) { edges { node { account { id status createdAt plan country } membership bits since } } }
          sharedSignals(first: 2) { rank accounts share bits
            signal { key kind label family value degree networkClass } }
          links(first: 2) { source { id } target { id } bits families }
        } }""",
        id="c-large",
    )["cluster"]
    assert (cluster["score"], cluster["size"], cluster["status"], cluster["rank"]) == (0.97, 8, "OPEN", 1)
    assert cluster["firstSeen"] == "2026-01-01T00:00:00+00:00"
    assert cluster["run"]["id"] == "run-2"
    assert cluster["run"]["seed"] == 9007199254740993
    assert cluster["run"]["parameters"] == {"min_bits": 12.0}
    members = nodes(cluster["members"])
    assert [(m["account"]["id"], m["membership"]) for m in members] == [
        ("a01", 1.0),
        ("a02", 1.0),
        ("a03", 0.97),
    ]
    assert members[0]["account"]["status"] == "BANNED"
    assert [s["signal"]["key"] for s in cluster["sharedSignals"]] == ["instrument:k1.c4", PROXY]
    assert cluster["sharedSignals"][1]["signal"] == {
        "key": PROXY, "kind": "ip", "label": "IpAddress", "family": "network",
        "value": "203.0.113.0/24", "degree": 8, "networkClass": "proxy",
    }  # fmt: skip
    assert [(link["source"]["id"], link["target"]["id"], link["bits"]) for link in cluster["links"]] == [
        ("a01", "a02", 40.0),  # the 99 bits of the run before are history
        ("a02", "a03", 39.0),
    ]


def test_an_account_knows_its_signals_and_its_cluster(api: Api) -> None:
    account = api.data(
        """{ account(id: "a09") { id createdAt status statusChangedAt
          signals { edges { node { signal { key label family degree } firstSeen lastSeen count } } }
          membership { membership bits since cluster { id size } } } }"""
    )["account"]
    assert [s["signal"]["key"] for s in nodes(account["signals"])] == [
        "device:k1.d1",
        "email_domain:example.com",
        "tls_fingerprint:k1.t1",
    ]
    undeclared = nodes(account["signals"])[2]
    assert undeclared["signal"] == {
        "key": "tls_fingerprint:k1.t1", "label": "Identifier", "family": "tls_fingerprint", "degree": 3,
    }  # fmt: skip
    assert (undeclared["firstSeen"], undeclared["count"]) == (None, 1)
    assert account["membership"]["cluster"] == {"id": "c-small", "size": 3}


WHY = "summary explanation { family bits signalKey sharers description signal { kind degree } }"


def test_a_membership_is_explained_by_family(api: Api) -> None:
    data = api.data(
        f"""{{ account(id: "a01") {{ membership {{ {WHY} }} }}
          cluster(id: "c-large") {{ members(first: 1) {{ edges {{ node {{ {WHY} }} }} }} }} }}"""
    )
    why = data["account"]["membership"]
    assert nodes(data["cluster"]["members"]) == [why]
    assert why["summary"] == (
        "Belongs with more than 99.9 %: shares payment instrument instrument:k1.c4 with 7 other members (+27.8 bits), "
        "shares address range prefix:203.0.113.0/24 with 7 other members (+9.0); shares no device (−0.8 bits); "
        "prior −7.0 bits."
    )
    card, network, device, prior = why["explanation"]
    assert card == {
        "family": "payment", "bits": 27.75, "signalKey": "instrument:k1.c4", "sharers": 7,
        "description": "Shares payment instrument instrument:k1.c4 with 7 other members (+27.8 bits).",
        "signal": {"kind": "instrument", "degree": 8},
    }  # fmt: skip
    # What a signal is part of is named, but accounts have it only through the signal.
    assert (network["signalKey"], network["signal"]) == ("prefix:203.0.113.0/24", None)
    assert (device["signalKey"], device["signal"], device["sharers"]) == (None, None, None)
    assert prior["description"] == "Before any evidence (−7.0 bits)."


def test_a_link_is_explained_by_family(api: Api) -> None:
    links = api.data(f'{{ cluster(id: "c-large") {{ links(first: 1) {{ {WHY} }} }} }}')["cluster"]["links"]
    assert links[0]["summary"] == (
        "Linked with +40.0 bits: both have payment instrument instrument:k1.c4 (+31.0 bits), "
        f"both have address {PROXY} (+9.0)."
    )
    assert [row["signal"]["kind"] for row in links[0]["explanation"]] == ["instrument", "ip"]
    assert sum(row["bits"] for row in links[0]["explanation"]) == 40.0


def test_a_score_is_put_together_from_its_parts(api: Api) -> None:
    cluster = api.data('{ cluster(id: "c-large") { explanation scoreParts { name bits description } } }')[
        "cluster"
    ]
    assert [part["name"] for part in cluster["scoreParts"]] == ["prior", "shared", "bans"]
    assert cluster["scoreParts"][1] == {"name": "shared", "bits": 8.5, "description": "3 kinds"}
    assert cluster["explanation"] == (
        "Score 0.97: prior −5.0 + shared infrastructure +8.5 + bans +1.5 = +5.0 bits."
    )


def test_results_that_kept_no_evidence_by_family_say_so(api: Api) -> None:
    data = api.data(
        f"""{{ account(id: "a09") {{ membership {{ {WHY} }} }}
          cluster(id: "c-small") {{ explanation scoreParts {{ name }} }} }}"""
    )
    assert data["account"]["membership"] == {
        "summary": "Belongs with 90.0 %; the run that found it kept no evidence by family.",
        "explanation": [],
    }
    assert data["cluster"] == {
        "explanation": "Score 0.81; the run that found it kept no parts of it.",
        "scoreParts": [],
    }


def test_signals_of_explanations_are_asked_for_only_when_wanted(api: Api, queries: Counter[str]) -> None:
    query = '{ cluster(id: "c-large") { members { edges { node { summary explanation { %s } } } } } }'
    api.data(query % "family bits description signalKey")
    assert queries["query/signal_by_key"] == 0
    api.data(query % "signal { degree }")
    assert queries["query/signal_by_key"] == 1  # of eight members


def test_past_clusters_are_not_served(api: Api) -> None:
    data = api.data(
        """{ old: cluster(id: "c-old") { id } account(id: "a12") { membership { membership } }
          a01: account(id: "a01") { membership { cluster { id } } } }"""
    )
    assert data["old"] is None
    assert data["account"]["membership"] is None
    assert data["a01"]["membership"]["cluster"]["id"] == "c-large"


def test_what_does_not_exist_is_null(api: Api) -> None:
    data = api.data(
        '{ cluster(id: "x") { id } account(id: "x") { id } signal(key: "x") { key } run(id: "x") { id } }'
    )
    assert data == {"cluster": None, "account": None, "signal": None, "run": None}


FILTERED = {
    "": ["c-large", "c-small"],
    "{minScore: 0.9}": ["c-large"],
    "{maxScore: 0.9}": ["c-small"],
    "{minSize: 4}": ["c-large"],
    "{maxSize: 3, status: OPEN}": ["c-small"],
    '{families: ["device", "prompt"]}': ["c-large", "c-small"],
    '{families: ["device"]}': ["c-small"],
    '{signalKey: "instrument:k1.c4"}': ["c-large"],
    '{accountId: "a10"}': ["c-small"],
    '{accountId: "a10", signalKey: "instrument:k1.c4"}': [],
    '{accountId: "a14"}': [],
}


@pytest.mark.parametrize("order", ["", "orderBy: {field: SIZE}"])
def test_clusters_are_filtered(api: Api, order: str) -> None:
    for where, expected in FILTERED.items():
        condition = f"filter: {where}" if where else ""
        arguments = f"({condition} {order})" if condition or order else ""
        data = api.data(f"{{ clusters{arguments} {{ edges {{ node {{ id }} }} }} }}")
        assert [c["id"] for c in nodes(data["clusters"])] == expected, where


ORDERED = {"SCORE": "score", "SIZE": "size", "FIRST_SEEN": "firstSeen", "LAST_SEEN": "lastSeen"}


def test_pages_of_clusters_neither_skip_nor_repeat(api: Api, database: Store) -> None:
    write(database, "more_clusters")
    query = f"""query Clusters($order: ClusterOrder!, $first: Int!, $after: String) {{
      clusters(orderBy: $order, first: $first, after: $after) {{
        edges {{ node {{ id score size firstSeen lastSeen }} }} {PAGE} }} }}"""
    for (field, name), direction, first in product(ORDERED.items(), ["ASC", "DESC"], [1, 7, 200]):
        order = {"field": field, "direction": direction}
        found = walk(api, query, "clusters", first=first, order=order)
        assert len({c["id"] for c in found}) == len(found) == 22
        values = [c[name] for c in found]
        assert values == sorted(values, reverse=direction == "DESC"), (order, first)


@pytest.mark.parametrize("first", [1, 3, 8])
def test_pages_of_members_signals_accounts_and_runs(
    api: Api, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    def pages(field: str, inner: str, *path: str) -> list[Any]:
        arguments = "first: $first, after: $after"
        page = f"{{ edges {{ node {{ {inner} }} }} {PAGE} }}"
        query = f"query P($first: Int!, $after: String) {{ {field % arguments} {page}" + "}" * len(path)
        return walk(api, query, *path, first=first)

    members = pages('cluster(id: "c-large") { members(%s)', "account { id } membership", "cluster", "members")
    assert [m["account"]["id"] for m in members] == [f"a0{i}" for i in range(1, 9)]
    signals = pages('account(id: "a01") { signals(%s)', "signal { key }", "account", "signals")
    assert [s["signal"]["key"] for s in signals] == sorted(s["signal"]["key"] for s in signals)
    assert len(signals) == 4
    everyone = [f"a{i:02}" for i in range(1, 15)]
    for hub_degree in (signal_types.HUB_DEGREE, 1):  # both ways of finding them
        monkeypatch.setattr(signal_types, "HUB_DEGREE", hub_degree)
        users = pages(
            'signal(key: "email_domain:example.com") { accounts(%s)',
            "account { id } count",
            "signal",
            "accounts",
        )
        assert [u["account"]["id"] for u in users] == everyone
    runs = pages("runs(%s)", "id", "runs")
    assert [r["id"] for r in runs] == ["run-3", "run-2", "run-1"]


def test_runs_stats_and_viewer(api: Api) -> None:
    data = api.data(
        """{ publishedRun { id status } run(id: "run-3") { status error seed links }
          stats { accounts signals clusters members } viewer { role keyId } }"""
    )
    assert data["publishedRun"] == {"id": "run-2", "status": "PUBLISHED"}
    assert data["run"] == {"status": "FAILED", "error": "The database went away.", "seed": 7, "links": None}
    assert data["stats"] == {"accounts": 14, "signals": 8, "clusters": 2, "members": 11}
    assert data["viewer"] == {"role": "VIEWER", "keyId": api.key.split(".")[0]}


def test_an_empty_installation_has_empty_answers(api: Api, database: Store) -> None:
    database.run_autocommit("bench/wipe")
    data = api.data(
        """{ clusters { edges { cursor } pageInfo { hasNextPage endCursor } } publishedRun { id }
          runs { edges { cursor } } stats { accounts clusters } }"""
    )
    assert data == {
        "clusters": {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}},
        "publishedRun": None,
        "runs": {"edges": []},
        "stats": {"accounts": 0, "clusters": 0},
    }


DEEP = """query Deep($clusters: Int!, $members: Int!) { clusters(first: $clusters) { edges { node {
  run { id } sharedSignals(first: 2) { signal { accounts(first: 2) { edges { node { account { id } } } } } }
  links(first: 2) { source { membership { cluster { id } } } }
  members(first: $members) { edges { node { account {
    signals(first: 2) { edges { node { signal { degree } } } } membership { cluster { run { id } } } } } } } } } } }"""


def test_the_number_of_queries_does_not_grow_with_the_rows(api: Api, queries: Counter[str]) -> None:
    for clusters, members in ((1, 1), (2, 8)):
        queries.clear()
        api.data(DEEP, clusters=clusters, members=members)
        # One a place in the document: memberships and runs are asked for in two places, all else in one.
        assert queries["query/cluster_members"] == 1
        for name, count in queries.items():
            assert count <= (2 if name in ("query/account_membership", "query/run_by_id") else 1), name


def test_a_request_that_asks_for_too_much_is_refused_once(api: Api, queries: Counter[str]) -> None:
    part = "members(first: 200) { edges { node { account { signals(first: 200) { edges { cursor } } } } } }"
    query = "{ clusters { edges { node { " + " ".join(f"m{i}: {part}" for i in range(8)) + " } } } }"
    error = api.error(query)
    assert error["extensions"]["code"] == "too_expensive"
    assert "10000 rows" in error["message"]


def test_the_service_is_ready_only_with_its_own_schema(api: Api, database: Store) -> None:
    assert api.client.get("/readyz").json() == {"status": "ready"}
    last = max(row["version"] for row in database.read("schema/applied"))
    database.write("tests/forget_migration", version=last)
    try:
        answer = api.client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "migration")
    finally:
        migrate(database)


def test_a_query_that_takes_too_long_is_ended_and_named(
    database: Store, installation: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "load_text", lambda name: text("endless"))
    key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
    hasty = installation.model_copy(update={"query_timeout": 0.1})
    with TestClient(create_app(hasty, database.address)) as client:
        error = Api(client, key).error("{ stats { accounts } }")
    assert error["extensions"]["code"] == "timed_out"
    assert "longer than 0.1 s" in error["message"]


def test_every_query_of_the_documentation_works(api: Api) -> None:
    root = Path(__file__).parents[2]
    names = ("README.md", "docs/graphql.md", "docs/find-campaigns.md", "docs/investigate.md")
    pages = "".join((root / page).read_text(encoding="utf-8") for page in names)
    documented = re.findall(r"```graphql\n(.*?)```", pages, re.DOTALL)
    assert len(documented) == 5
    for query in documented:
        data = api.data(query, id="c-large", account="a01", key="ip:203.0.113.7")
        assert all(data.values()), query
