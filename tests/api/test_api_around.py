"""Promise: what is around a cluster, an account or a signal is in one query, and costs the same number of statements
however many of them are asked about."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import log2
from typing import Any

import pytest
from api import Api, examples
from around import counted, nodes, served

from graphsvc.api.types import network as network_types
from graphsvc.api.types import signal as signal_types
from graphsvc.api.types.rarity import Rarity
from graphsvc.linkage.bits import sharing_bits
from graphsvc.settings import Settings
from graphsvc.store import Store


@pytest.fixture(scope="module")
def api(open_database: Store, installation: Settings) -> Iterator[Api]:
    with served(open_database, installation) as api:
        yield api


FILTERED = {
    "{minGrowth: 3}": ["c-large", "c-small"],
    "{maxGrowth: 2}": [],
    "{minGrowth: 3, maxGrowth: 3, maxSize: 7}": ["c-small"],
    "{status: [OPEN, CONFIRMED]}": ["c-large", "c-small"],
    "{status: CONFIRMED}": [],
    "{status: []}": [],
    '{ids: ["c-small", "c-old"]}': ["c-small"],
    "{ids: []}": [],
    '{ids: ["c-small"], signalKey: "instrument:k1.c4"}': ["c-small"],
    '{firstSeenSince: "2026-01-09T00:00:00Z"}': ["c-small"],
    '{firstSeenUntil: "2026-01-08T00:00:00+00:00"}': ["c-large"],
    '{lastSeenSince: "2026-01-08T00:00:00Z", lastSeenUntil: "2026-01-10T00:00:00Z"}': ["c-large"],
    '{joinedSince: "2026-02-05T00:00:00Z"}': ["c-small"],
    '{joinedSince: "2026-02-05T00:00:00Z", minScore: 0.9}': [],
    '{joinedSince: "2026-02-10T00:00:00"}': ["c-small"],
    '{lastSeenSince: "2026-01-11T00:00:00"}': ["c-small"],
}


@pytest.mark.parametrize("order", ["SCORE", "GROWTH"])
def test_clusters_are_filtered_and_counted(api: Api, order: str) -> None:
    for where, expected in FILTERED.items():
        data = api.data(
            f"{{ clusters(filter: {where}, orderBy: {{field: {order}}}) {{ totalCount edges {{ node {{ id }} }} }} }}"
        )["clusters"]
        assert [each["id"] for each in nodes(data)] == expected, where
        assert data["totalCount"] == len(expected), where


def test_all_clusters_are_counted_whatever_the_page_is(api: Api) -> None:
    assert api.data("{ clusters(first: 1) { totalCount edges { cursor } } }")["clusters"]["totalCount"] == 2


def test_growth_is_of_the_last_run(api: Api) -> None:
    query = """query Grown($direction: Direction!) {
      clusters(orderBy: {field: GROWTH, direction: $direction}) { edges { node {
        id growth joined(since: "2026-02-05T00:00:00Z") } } } }"""
    rows = nodes(api.data(query, direction="DESC")["clusters"])
    # The large one had five accounts before; the small one came off it and is new, so all of its three were gained.
    assert [(row["id"], row["growth"], row["joined"]) for row in rows] == [
        ("c-large", 3, 0),
        ("c-small", 3, 1),
    ]


MEMBERS = {
    "{status: BANNED}": ["a01"],
    "{status: [ACTIVE], minMembership: 0.97}": ["a02", "a03"],
    "{maxMembership: 0.93}": ["a07", "a08"],
    '{joinedSince: "2026-02-10T00:00:00Z"}': [],
}


def test_members_are_filtered(api: Api) -> None:
    for where, expected in MEMBERS.items():
        members = f"members(filter: {where}) {{ edges {{ node {{ account {{ id }} }} }} }}"
        query = f'{{ cluster(id: "c-large") {{ {members} }} }}'
        found = nodes(api.data(query)["cluster"]["members"])
        assert [each["account"]["id"] for each in found] == expected, where
    late = """{ cluster(id: "c-small") { members(filter: {joinedSince: "2026-02-10T00:00:00Z"}) {
      edges { node { since } } } } }"""
    assert len(nodes(api.data(late)["cluster"]["members"])) == 1


def test_pages_of_filtered_members_neither_skip_nor_repeat(api: Api) -> None:
    query = """query Page($after: String) { cluster(id: "c-large") {
      members(filter: {status: ACTIVE}, first: 2, after: $after) {
        edges { node { account { id } } } pageInfo { hasNextPage endCursor } } } }"""
    found: list[str] = []
    after = None
    while True:
        page = api.data(query, after=after)["cluster"]["members"]
        found += [each["account"]["id"] for each in nodes(page)]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found == [f"a0{i}" for i in range(2, 9)]


def test_a_cluster_is_counted_by_what_its_accounts_are(api: Api) -> None:
    cluster = api.data(
        """{ cluster(id: "c-large") { status: composition(by: STATUS) { value accounts }
          country: composition(by: COUNTRY) { value accounts }
          plan: composition(by: PLAN, first: 1) { value accounts } } }"""
    )["cluster"]
    assert cluster["status"] == [{"value": "active", "accounts": 7}, {"value": "banned", "accounts": 1}]
    assert cluster["country"] == [{"value": "US", "accounts": 8}]
    assert cluster["plan"] == [{"value": "api", "accounts": 8}]


def test_turnover_is_typed_and_null_where_nothing_is_kept(api: Api) -> None:
    query = """query T($id: String!) { cluster(id: $id) { turnover {
      stopped replaced byChance replacementRate outside delayHours halfLifeDays halfLifeAtPace
      takenOver { family share } waves { at stopped replaced } description } } }"""
    turnover = api.data(query, id="c-large")["cluster"]["turnover"]
    assert (turnover["stopped"], turnover["replaced"], turnover["replacementRate"]) == (1, 1, 0.9)
    assert (turnover["halfLifeDays"], turnover["halfLifeAtPace"]) == (None, 80.5)
    assert turnover["takenOver"] == [{"family": "payment", "share": 1.0}]
    assert turnover["waves"] == [{"at": "2026-01-20T00:00:00+00:00", "stopped": 1, "replaced": 1}]
    assert api.data(query, id="c-small")["cluster"]["turnover"] is None


def test_neighbours_share_signals_or_a_past(api: Api) -> None:
    query = """query N($id: String!) { cluster(id: $id) { neighbours {
      cluster { id size } shared bits accounts signals { key kind bits } events } } }"""
    (neighbour,) = api.data(query, id="c-large")["cluster"]["neighbours"]
    assert neighbour == {
        "cluster": {"id": "c-small", "size": 3}, "shared": 1, "bits": 5.0, "accounts": 2,
        "signals": [{"key": "instrument:k1.c4", "kind": "instrument", "bits": 5.0}], "events": ["SPLIT"],
    }  # fmt: skip
    (back,) = api.data(query, id="c-small")["cluster"]["neighbours"]
    assert (back["cluster"]["id"], back["accounts"], back["events"]) == ("c-large", 8, ["SPLIT"])


def test_shared_signals_say_who_else_uses_them(api: Api) -> None:
    query = """{ cluster(id: "c-large") { sharedSignals(first: 1) {
      accounts outside signal { degree rarity { isHub } } } } }"""
    (shared,) = api.data(query)["cluster"]["sharedSignals"]
    assert shared == {"accounts": 8, "outside": 1, "signal": {"degree": 9, "rarity": {"isHub": False}}}


def test_an_account_touches_others_by_its_rarest_signals(api: Api) -> None:
    query = """query T($id: String!, $outside: Boolean!) { account(id: $id) { connectedAccounts(outside: $outside) {
      account { id } cluster { id } bits signals { key kind bits } } } }"""
    touches = api.data(query, id="a09", outside=True)["account"]["connectedAccounts"]
    # By the card, of 9 of the 14 accounts; by the domain all 14: the rarer first, without its own cluster.
    assert [each["account"]["id"] for each in touches] == [f"a{i:02}" for i in [*range(1, 9), 12, 13, 14]]
    first = touches[0]
    assert first["cluster"] == {"id": "c-large"}
    assert [each["key"] for each in first["signals"]] == ["instrument:k1.c4", "email_domain:example.com"]
    expected = sharing_bits(["instrument", "email_domain"], [9, 14], 14)
    assert first["bits"] == pytest.approx(sum(expected))
    assert touches[-1]["cluster"] is None
    inside = api.data(query, id="a09", outside=False)["account"]["connectedAccounts"]
    assert [each["account"]["id"] for each in inside[:2]] == ["a10", "a11"]  # a device of three


def test_an_account_follows_and_is_followed(api: Api) -> None:
    query = """query S($id: String!) { account(id: $id) {
      predecessors { predecessor { id } probability description parts { name bits } }
      successors { successor { id } probability } } }"""
    new = api.data(query, id="a08")["account"]
    assert [each["predecessor"]["id"] for each in new["predecessors"]] == ["a01"]
    assert new["predecessors"][0]["parts"] == [
        {"name": "payment", "bits": 15.0},
        {"name": "moment", "bits": 5.0},
    ]
    assert new["successors"] == []
    banned = api.data(query, id="a01")["account"]
    # What the run before said of the ninth account is history.
    assert [(each["successor"]["id"], each["probability"]) for each in banned["successors"]] == [
        ("a08", 0.9),
        ("a09", 0.6),
    ]


def test_a_signal_says_how_rare_it_is_and_whom_it_serves(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    query = """query S($key: String!) { signal(key: $key) { rarity { bits share isHub isCrowded }
      clusters { cluster { id } accounts }
      range { cidr use { addresses accounts isComplete }
        system { asn name networkClass country use { addresses accounts isComplete } } } } }"""
    card = api.data(query, key="instrument:k1.c4")["signal"]
    assert card["rarity"]["share"] == pytest.approx(9 / 14)
    assert card["rarity"]["bits"] == 0.0  # the most used card there is
    assert card["clusters"] == [
        {"cluster": {"id": "c-large"}, "accounts": 8},
        {"cluster": {"id": "c-small"}, "accounts": 1},
    ]
    assert card["range"] is None
    device = api.data(query, key="device:k1.d1")["signal"]
    assert device["rarity"]["bits"] == pytest.approx(log2(0.2 / (2 / 13)))
    proxy = api.data(query, key="ip:203.0.113.7")["signal"]
    assert proxy["range"]["cidr"] == "203.0.113.0/24"
    assert proxy["range"]["use"] == {"addresses": 2, "accounts": 8, "isComplete": True}
    assert proxy["range"]["system"] == {
        "asn": 64500, "name": "Example Hosting", "networkClass": "hosting", "country": "US",
        "use": {"addresses": 2, "accounts": 8, "isComplete": True},
    }  # fmt: skip
    assert api.data(query, key="ip:198.51.100.1")["signal"]["range"]["system"] is None
    monkeypatch.setattr(network_types, "MOST_USES", 3)
    assert api.data(query, key="ip:203.0.113.7")["signal"]["range"]["use"] == {
        "addresses": 2, "accounts": 3, "isComplete": False,
    }  # fmt: skip
    monkeypatch.setattr(signal_types, "HUB_DEGREE", 1)
    widely = api.data(query, key="instrument:k1.c4")["signal"]["clusters"]
    assert [(each["cluster"]["id"], each["accounts"]) for each in widely] == [("c-large", 8), ("c-small", 2)]


def test_a_hub_and_a_crowded_network_are_named() -> None:
    hub = Rarity.compute("ip", 201, "mobile", 1_000_000)
    assert (hub.is_hub, hub.is_crowded) == (True, True)
    rare = Rarity.compute("ip", 200, "residential", 1_000_000)
    assert (rare.is_hub, rare.is_crowded) == (False, False)
    assert rare.bits > 5.0


PER_CLUSTER = """growth joined(since: "2026-01-01T00:00:00Z") turnover { stopped } composition(by: STATUS) { value }
  timeline(by: DAY) { bans } traffic(by: DAY) { requests } neighbours { cluster { id } events }
  sharedSignals(first: 5) { outside signal { rarity { bits } clusters { accounts } range { cidr use { accounts }
    system { use { accounts } } } } }"""
PER_MEMBER = """connectedAccounts(first: 3) { bits cluster { id } account { id } }
  predecessors { description predecessor { id } } successors { description } outcomes { kind at }
  signals(first: 9) { edges { node { signal { rarity { share } clusters(first: 2) { accounts } } } } }"""
GROWING = [
    ("clusters", f"query Q($n: Int!) {{ clusters(first: $n) {{ totalCount edges {{ node {{ {PER_CLUSTER} }} }} }} }}"),
    (
        "members",
        f"""query Q($n: Int!) {{ cluster(id: "c-large") {{ members(filter: {{minMembership: 0.1}}, first: $n) {{
          edges {{ node {{ account {{ {PER_MEMBER} }} }} }} }} }} }}""",
    ),
    (
        "accounts",
        f"""query Q($n: Int!) {{ signal(key: "email_domain:example.com") {{ accounts(first: $n) {{
          edges {{ node {{ account {{ {PER_MEMBER} }} }} }} }} }} }}""",
    ),
    ("neighbours", "query Q($n: Int!) { cluster(id: \"c-large\") { neighbours(first: $n) { cluster { growth } } } }"),
    ("search", "query Q($n: Int!) { search(text: \"a\", first: $n) { hits { found { ... on Account { "
     + PER_MEMBER + " } } } } }"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "query"), GROWING)
def test_the_number_of_statements_does_not_grow_with_the_rows(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str, query: str
) -> None:
    statements = counted(monkeypatch)
    seen = []
    for rows in (1, 14):
        statements.clear()
        api.data(query, n=rows)
        seen.append(dict(statements))
    few, many = seen
    assert len(many) > 1
    for statement, count in many.items():
        # One a place in the document; a first row may have nothing to ask further about.
        assert count <= max(few.get(statement, 1), 1), statement


def test_what_walks_much_costs_more(api: Api) -> None:
    """Few rows are shown, but thousands of uses walked for each."""
    uses = " ".join(f"s{i}: system {{ use {{ accounts }} }}" for i in range(25))
    touches = " ".join(f"t{i}: connectedAccounts(first: 200) {{ bits }}" for i in range(2))
    network = f'signal(key: "ip:203.0.113.7") {{ range {{ {uses} }} }}'
    users = f"accounts(first: 14) {{ edges {{ node {{ account {{ {touches} }} }} }} }}"
    query = f'{{ {network} domain: signal(key: "email_domain:example.com") {{ {users} }} }}'
    assert api.error(query)["extensions"]["code"] == "too_expensive"
    assert api.data(f"{{ {network} }}")


@pytest.mark.parametrize("page", ["clusters", "accounts", "signals"])
def test_every_example_of_the_documentation_answers(api: Api, page: str) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    values: dict[str, Any] = {"id": "c-large", "account": "a08", "key": "ip:203.0.113.7", "since": since}
    for data in examples(api, page, **values):
        assert all(data.values()), data
