"""Promise: what people decide over the API is on record, refused when somebody was faster, and can be undone."""

from collections.abc import Iterator
from typing import Any

import pytest
from api import Api, examples
from fastapi.testclient import TestClient
from published import A, B, Days

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.settings import Settings
from graphsvc.store import Store
from graphsvc.store.decisions import read_decision_log
from graphsvc.store.pins import read_pins

STATE = """query($id: String!) { cluster(id: $id) { status version assignee watchers
  decisions { id topic value note by undoneBy isActive } } }"""
SET = """mutation($id: ID!, $to: Disposition!, $v: Int!) {
  setClusterDisposition(id: $id, disposition: $to, note: "why", expectedVersion: $v) {
    version decision { id by value isActive } cluster { status } } }"""
UNDO = """mutation($id: ID!, $v: Int!) { undoDecision(id: $id, expectedVersion: $v) {
  version decision { undoneBy isActive } cluster { status assignee } account { disposition } } }"""
CHANGES = {
    "setClusterDisposition": "(id: $c, disposition: CONFIRMED, expectedVersion: $v)",
    "setAccountDisposition": "(id: $a, disposition: DISMISSED, expectedVersion: $v)",
    "assignCluster": '(id: $c, assignee: "eve", expectedVersion: $v)',
    "noteCluster": '(id: $c, note: "cards of one batch", expectedVersion: $v)',
    "noteAccount": '(id: $a, note: "wrote in", expectedVersion: $v)',
    "pinAccounts": "(a: $a, b: $b, operator: SAME, expectedVersion: $v)",
    "watchCluster": "(id: $c)",
    "unwatchCluster": "(id: $c)",
}


@pytest.fixture
def client(days: Days, installation: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(installation, days.store.address)) as client:
        yield client


@pytest.fixture
def ada(client: TestClient, installation: Settings) -> Api:
    return Api(client, keys.create_key(installation.keys_dir, keys.Role.ANALYST, "ada"))


@pytest.fixture
def bob(client: TestClient, installation: Settings) -> Api:
    return Api(client, keys.create_key(installation.keys_dir, keys.Role.ANALYST, "bob"))


def change(api: Api, name: str, days: Days, version: int = 0) -> Any:
    """Does one of `CHANGES` on the first cluster and its first accounts."""
    asked = CHANGES[name]
    named = [f"${key}: {kind}" for key, kind in {"c": "ID!", "a": "ID!", "b": "ID!", "v": "Int!"}.items()]
    used = [each for each in named if each.split(":")[0] in asked]
    query = f"mutation({', '.join(used)}) {{ {name}{asked} {{ version decision {{ id topic by }} }} }}"
    values = {"c": days.ids[0], "a": A[0], "b": A[1], "v": version}
    return api.post(query, **{key: value for key, value in values.items() if f"${key}" in asked})


def state(api: Api, cluster: str) -> Any:
    return api.data(STATE, id=cluster)["cluster"]


def entries(store: Store) -> list[tuple[str, str]]:
    rows = store.read("audit/entries", after=0, limit=1000)
    return [(row["entry"]["actor"], row["entry"]["action"]) for row in rows]


@pytest.mark.parametrize("name", list(CHANGES))
def test_every_change_is_attributed_on_record_once_and_undone_by_another(
    days: Days, ada: Api, bob: Api, name: str
) -> None:
    made = change(ada, name, days).json()["data"][name]
    assert made["decision"]["by"].startswith("ada (")
    assert len(read_decision_log(days.store).decisions) == 1
    assert [actor[:3] for actor, _ in entries(days.store)] == ["ada"]
    undone = bob.data(UNDO, id=made["decision"]["id"], v=made["version"])["undoDecision"]
    assert undone["decision"] == {"undoneBy": undone["decision"]["undoneBy"], "isActive": False}
    assert undone["decision"]["undoneBy"].startswith("bob (")
    assert [actor[:3] for actor, _ in entries(days.store)] == ["ada", "bob"]
    now = state(ada, days.ids[0])
    assert (now["status"], now["assignee"], now["watchers"]) == ("OPEN", None, [])
    assert read_pins(days.store).is_empty()


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_viewer_changes_nothing(days: Days, client: TestClient, installation: Settings, name: str) -> None:
    viewer = Api(client, keys.create_key(installation.keys_dir, keys.Role.VIEWER))
    (error,) = change(viewer, name, days).json()["errors"]
    assert error["extensions"]["code"] == "forbidden"
    assert not read_decision_log(days.store).decisions
    assert not entries(days.store)


def test_of_two_who_read_the_same_version_one_is_told_to_read_again(days: Days, ada: Api, bob: Api) -> None:
    one = days.ids[0]
    first = ada.data(SET, id=one, to="CONFIRMED", v=0)["setClusterDisposition"]
    assert first["cluster"]["status"] == "CONFIRMED"
    error = bob.error(SET, id=one, to="DISMISSED", v=0)
    assert error["extensions"]["code"] == "conflict"
    assert "by ada" in error["message"]
    assert state(bob, one)["status"] == "CONFIRMED"
    again = bob.data(SET, id=one, to="DISMISSED", v=first["version"])["setClusterDisposition"]
    assert again["cluster"]["status"] == "DISMISSED"
    late = ada.error(UNDO, id=first["decision"]["id"], v=first["version"])
    assert late["extensions"]["code"] == "conflict"
    assert len(entries(days.store)) == 2


def test_a_watch_is_each_persons_own_and_no_conflict_for_others(days: Days, ada: Api, bob: Api) -> None:
    one = days.ids[0]
    for api in (ada, bob):
        assert change(api, "watchCluster", days).json()["data"]
    assert len(state(ada, one)["watchers"]) == 2
    assert state(ada, one)["version"] == 0
    assert ada.data("{ watched { id } }") == {"watched": [{"id": one}]}
    change(ada, "unwatchCluster", days)
    assert ada.data("{ watched { id } }") == {"watched": []}
    assert bob.data("{ watched { id } }") == {"watched": [{"id": one}]}


def test_all_that_was_decided_follows_the_cluster_through_splits_and_mergers(days: Days, ada: Api) -> None:
    one, other = days.ids
    version = 0
    for name in ("setClusterDisposition", "assignCluster", "noteCluster", "watchCluster"):
        answer = change(ada, name, days, version).json()
        version = answer["data"][name]["version"]
    days.day(A[:16], A[16:], B)
    (bit,) = set(days.ids) - {one, other}
    for cluster in (one, bit):
        now = state(ada, cluster)
        assert (now["status"], now["assignee"], len(now["watchers"])) == ("CONFIRMED", "eve", 1)
        assert "cards of one batch" in {each["note"] for each in now["decisions"] if each["isActive"]}
    days.day(B, A)
    days.day(A + B)
    (whole,) = days.ids
    now = state(ada, whole)
    assert "cards of one batch" in {each["note"] for each in now["decisions"] if each["isActive"]}
    assert len(now["watchers"]) == 1


def test_an_account_has_a_disposition_of_its_own(days: Days, ada: Api) -> None:
    change(ada, "setAccountDisposition", days)
    question = "query($id: String!) { account(id: $id) { disposition version decisions { value by } } }"
    found = ada.data(question, id=A[0])["account"]
    assert (found["disposition"], found["decisions"][0]["value"]) == ("DISMISSED", "dismissed")
    assert ada.data(question, id=A[1])["account"]["disposition"] == "OPEN"


def test_a_pin_is_of_a_pair_and_the_last_one_counts(days: Days, ada: Api, bob: Api) -> None:
    made = change(ada, "pinAccounts", days).json()["data"]["pinAccounts"]
    question = "query($a: ID!, $b: ID!) { pair(a: $a, b: $b) { operator version } }"
    assert ada.data(question, a=A[1], b=A[0])["pair"] == {"operator": "SAME", "version": made["version"]}
    pin = """mutation($a: ID!, $b: ID!, $v: Int!) {
      pinAccounts(a: $a, b: $b, operator: DIFFERENT, expectedVersion: $v) { version } }"""
    bob.data(pin, a=A[1], b=A[0], v=made["version"])
    assert read_pins(days.store).rows() == [(A[0], A[1], False)]
    assert ada.error(pin, a=A[0], b=A[0], v=0)["extensions"]["code"] == "bad_input"


@pytest.mark.parametrize("note", ["x" * 4001, "a\x00b", "\x1b[31m"])
def test_what_is_no_note_is_refused(days: Days, ada: Api, note: str) -> None:
    query = (
        "mutation($id: ID!, $n: String!) { noteCluster(id: $id, note: $n, expectedVersion: 0) { version } }"
    )
    assert ada.error(query, id=days.ids[0], n=note)["extensions"]["code"] == "bad_input"
    assert not read_decision_log(days.store).decisions


def test_what_is_not_there_is_said_so(days: Days, ada: Api) -> None:
    assert ada.error(SET, id="nobody", to="OPEN", v=0)["extensions"]["code"] == "not_found"
    pin = 'mutation { pinAccounts(a: "a", b: "nobody", operator: SAME, expectedVersion: 0) { version } }'
    assert ada.error(pin)["extensions"]["code"] == "not_found"
    assert not entries(days.store)


def test_a_log_that_cannot_be_written_refuses_the_change_whole(days: Days, ada: Api) -> None:
    days.store.apply_schema("CREATE (:AuditEntry {number: 1, id: 'in the way'})")
    assert "errors" in change(ada, "setClusterDisposition", days).json()
    assert not read_decision_log(days.store).decisions
    assert state(ada, days.ids[0])["status"] == "OPEN"


def test_decisions_are_listed_page_by_page(days: Days, ada: Api, bob: Api) -> None:
    version = 0
    for to in ("CONFIRMED", "MONITORING", "APPEALED", "ACTIONED", "OPEN"):
        version = ada.data(SET, id=days.ids[0], to=to, v=version)["setClusterDisposition"]["version"]
    change(bob, "noteAccount", days)
    query = """query($after: String) { decisions(filter: {topic: DISPOSITION}, first: 2, after: $after) {
      edges { node { value isActive } } pageInfo { hasNextPage endCursor } } }"""
    found, after = [], None
    while True:
        page = ada.data(query, after=after)["decisions"]
        found += [(edge["node"]["value"], edge["node"]["isActive"]) for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert found == [
        (each, each == "open") for each in ("open", "actioned", "appealed", "monitoring", "confirmed")
    ]


def test_the_examples_of_the_page_run(days: Days, ada: Api) -> None:
    change(ada, "noteAccount", days)
    (note,) = read_decision_log(days.store).decisions
    subjects = {"cluster": days.ids[0], "account": A[0], "other": A[1]}
    examples(ada, "decisions", **subjects, version=0, decision=note.id, known=note.number)
