"""Promise: a scorer's key scores sign-ups over HTTP and GraphQL and can do nothing else; of what it sends nothing is
stored, logged or repeated but counts, and no answer names an account, a value, or to a scorer a cluster."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from api import Api
from fastapi.testclient import TestClient
from graphs import ring_bundle, write_bundle
from httpx import Response
from walk import Known, document, roots

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.routers.score import ScoreResponse
from graphsvc.api.services import get_services
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.scoring.files import IndexFiles
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store
from graphsvc.store.published import read_members

REPLACEMENT = {
    "account_id": "new-1", "created_at": "2026-03-02T05:06:00Z", "instrument": "fp_ring0_1",
    "signup_device": "dev_ring0_1", "signup_ip": "203.0.0.2", "email": "somebody.real@example.org",
}  # fmt: skip
STRANGER = {"account_id": "new-2", "created_at": "2026-03-02T07:06:00Z", "instrument": "fp_mine"}
SCORE = """query ($input: SignUpInput!) { scoreAccount(input: $input) {
  runId recommendation reason otherGroup missing unread warnings { kind description }
  matches { clusterId assessment hostility coordination size stopped membership bits
            families { family bits description } }
  predecessors { accountId clusterId probability delayHours description families { family bits } } } }"""


BANNED = "acct-00100"
BACK = {
    "account_id": "new-3", "created_at": "2026-03-03T08:00:00Z", "instrument": "fp_own100_1",
    "signup_device": "dev_own100_0", "signup_ip": "10.0.100.7",
}  # fmt: skip
"""Comes with the card, the device and the address of `BANNED`, ten hours after its ban."""


@pytest.fixture(scope="module")
def settings(
    open_database: Store, installation: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """An installation whose last run has left an index."""
    open_database.run_autocommit("bench/wipe")
    place = tmp_path_factory.mktemp("score")
    ban = {"account_id": BANNED, "created_at": "2026-03-01T04:40:00Z", "status": "banned"}
    bans = write_bundle(place / "bans", accounts=[{**ban, "status_changed_at": "2026-03-02T22:00:00Z"}])
    for bundle in (ring_bundle(place / "bundle"), bans):
        load_bundle(open_database, bundle, load_or_create_key(installation), place / "dead")
    detect(
        open_database,
        InProcessDetector(),
        Parameters(),
        indexes=IndexFiles(installation.score_dir),
        name="run-a",
    )
    return installation


@pytest.fixture(scope="module")
def clients(open_database: Store, settings: Settings) -> Iterator[dict[Role, Api]]:
    with TestClient(create_app(settings, open_database.address)) as client:
        yield {role: Api(client, keys.create_key(settings.keys_dir, role, role.value)) for role in Role}


def post(api: Api, body: object) -> Response:
    return api.client.post("/v1/score", json=body, headers={"Authorization": f"Bearer {api.key}"})


def ask(api: Api, *signups: dict[str, Any]) -> list[dict[str, Any]]:
    answer = post(api, {"signups": signups})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["scores"])


def test_a_scorer_is_told_what_a_sign_up_is_worth_and_not_whose_values_they_are(
    clients: dict[Role, Api], open_database: Store
) -> None:
    replacement, stranger = ask(clients[Role.SCORER], REPLACEMENT, STRANGER)
    assert (replacement["account_id"], replacement["run"]) == ("new-1", "run-a")
    assert replacement["recommendation"] == "review"
    match = replacement["matches"][0]
    assert match["membership"] > 0.9
    assert match["assessment"] == "campaign"
    assert {part["family"] for part in match["families"]} >= {"payment", "device", "prior"}
    assert (match["cluster"], match["size"], match["stopped"]) == (None, None, None)
    assert (stranger["recommendation"], stranger["matches"]) == ("allow", [])
    text = json.dumps([replacement, stranger])
    members = read_members(open_database)
    for secret in [*members["account_id"], *members["cluster_id"], "fp_ring", "203.0.0.2", "somebody.real"]:
        assert secret not in text


@pytest.mark.parametrize(("role", "named"), [(Role.VIEWER, False), (Role.ANALYST, True), (Role.ADMIN, True)])
def test_clusters_are_named_to_analysts(
    clients: dict[Role, Api], open_database: Store, role: Role, *, named: bool
) -> None:
    (match, *_) = ask(clients[role], REPLACEMENT)[0]["matches"]
    members = read_members(open_database)
    ring = members.filter(account_id="acct-00000")["cluster_id"].item()
    assert match["cluster"] == (ring if named else None)
    assert match["size"] == (members.filter(cluster_id=ring).height if named else None)


@pytest.mark.parametrize("role", [each for each in Role if each.includes(Role.SCORER)])
def test_graphql_gives_the_same_answer(clients: dict[Role, Api], role: Role) -> None:
    named = {
        "created_at": "createdAt", "signup_ip": "signupIp", "signup_device": "signupDevice",
    }  # fmt: skip
    given = {named.get(name, name): value for name, value in REPLACEMENT.items() if name != "account_id"}
    found = clients[role].data(SCORE, input=given)["scoreAccount"]
    wanted = ask(clients[role], REPLACEMENT)[0]
    assert found["recommendation"] == wanted["recommendation"].upper()
    assert (found["runId"], found["reason"]) == (wanted["run"], wanted["reason"])
    assert found["missing"] == wanted["missing"]
    for match, same in zip(found["matches"], wanted["matches"], strict=True):
        assert match["clusterId"] == same["cluster"]
        assert [match[name] for name in ("membership", "bits", "size")] == [
            same[name] for name in ("membership", "bits", "size")
        ]
        assert match["families"] == same["families"]


@pytest.mark.parametrize("role", [each for each in Role if each.includes(Role.SCORER)])
def test_whom_a_sign_up_follows_is_named_to_analysts(clients: dict[Role, Api], role: Role) -> None:
    answer, later, replacement = ask(
        clients[role], BACK, {**BACK, "created_at": "2026-03-05T23:00:00Z"}, REPLACEMENT
    )
    (found,) = answer["predecessors"]
    assert found["probability"] > 0.5
    assert answer["recommendation"] == "challenge"
    assert "follows a banned account" in answer["reason"]
    bits = {part["family"]: part["bits"] for part in found["families"]}
    assert bits["payment"] > 5
    assert found["probability"] == pytest.approx(1 / (1 + 2 ** -sum(bits.values())))
    named = role.includes(Role.ANALYST)
    assert found["account"] == (BANNED if named else None)
    assert found["delay_hours"] == (10 if named else None)
    assert (found["description"] is not None) == named
    assert found["cluster"] is None
    # 73 hours after the ban, and without its card.
    assert (later["predecessors"], later["recommendation"]) == ([], "allow")
    assert replacement["predecessors"] == []
    named_values = {"created_at": "createdAt", "signup_ip": "signupIp", "signup_device": "signupDevice"}
    given = {named_values.get(name, name): value for name, value in BACK.items() if name != "account_id"}
    same = clients[role].data(SCORE, input=given)["scoreAccount"]["predecessors"]
    assert same[0]["accountId"] == found["account"]
    assert same[0]["probability"] == found["probability"]
    text = json.dumps(answer)
    assert "fp_own100" not in text
    assert named or BANNED not in text


def codes_of_subscription(api: Api, query: str) -> list[str]:
    """Subscribe, and return the codes of the first message, which must be an error."""
    with api.client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as socket:
        socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {api.key}"}})
        assert socket.receive_json()["type"] == "connection_ack"
        socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": query}})
        answer = socket.receive_json()
    assert answer["type"] == "error"
    return [each["extensions"]["code"] for each in answer["payload"]]


@pytest.mark.parametrize(
    "asked", [each for each in roots() if each.name != "scoreAccount"], ids=lambda each: each.name
)
def test_a_scorer_can_do_nothing_else(clients: dict[Role, Api], asked: Any) -> None:
    if asked.operation == "subscription":
        assert codes_of_subscription(clients[Role.SCORER], document(asked, Known())) == ["forbidden"]
        return
    answer = clients[Role.SCORER].post(document(asked, Known())).json()
    assert answer.get("data") is None
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"forbidden"}


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { types { name } } }",
        "query { ...all } fragment all on Query { viewer { role } }",
        "query { ... on Query { viewer { role } } }",
        "query { scoreAccount: viewer { role } }",
    ],
)
def test_a_scorer_finds_no_way_around(clients: dict[Role, Api], text: str) -> None:
    answer = clients[Role.SCORER].post(text).json()
    assert answer.get("data") is None
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["forbidden"]


@pytest.mark.parametrize("path", ["/clusters/c1/export", "/metrics"])
def test_other_pages_refuse_a_scorer(clients: dict[Role, Api], path: str) -> None:
    api = clients[Role.SCORER]
    answer = api.client.get(path, headers={"Authorization": f"Bearer {api.key}"})
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "forbidden"


def test_without_a_key_nothing_is_read(clients: dict[Role, Api]) -> None:
    answer = clients[Role.SCORER].client.post("/v1/score", content=b"{")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "signups: missing"),
        ({"signups": []}, "signups: too_short"),
        ({"signups": [{}] * 1_001}, "signups: too_long"),
        ({"signups": [{"email": 7}]}, "signups.0.email: string_type"),
        ({"signups": [{"created_at": "secret-4242"}]}, "signups.0.created_at"),
        ({"signups": [{"secret-4242": "x"}]}, "signups.0.?: extra_forbidden"),
        ({"signups": [{"identifiers": {str(i): "secret-4242" for i in range(21)}}]}, "signups.0.identifiers"),
        ("secret-4242", "body"),
    ],
)
def test_a_faulty_body_is_named_without_its_values(clients: dict[Role, Api], body: object, said: str) -> None:
    answer = post(clients[Role.SCORER], body)
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == "bad_input"
    assert said in error["message"]
    assert "secret-4242" not in answer.text


def test_a_batch_of_a_thousand_is_one_call_and_more_bytes_than_that_are_none(
    clients: dict[Role, Api],
) -> None:
    batch = [{**STRANGER, "account_id": str(i), "instrument": f"fp_{i}"} for i in range(999)]
    scores = ask(clients[Role.SCORER], *batch, REPLACEMENT)
    assert [each["account_id"] for each in scores] == [*(str(i) for i in range(999)), "new-1"]
    assert [each["recommendation"] for each in scores] == ["allow"] * 999 + ["review"]
    assert post(clients[Role.SCORER], {"signups": [{"text": "x" * (2 << 20)}]}).status_code == 413


def test_calls_at_once_are_answered_each_with_its_own(clients: dict[Role, Api]) -> None:
    together = threading.Barrier(8)

    def call(number: int) -> tuple[int, dict[str, Any]]:
        if number < 8:
            together.wait(60)
        mine = {**(REPLACEMENT if number % 3 == 0 else STRANGER), "account_id": str(number)}
        return number, ask(clients[Role.ANALYST if number % 2 else Role.SCORER], mine)[0]

    with ThreadPoolExecutor(8) as pool:
        for number, answer in pool.map(call, range(24)):
            assert answer["account_id"] == str(number)
            assert answer["recommendation"] == ("review" if number % 3 == 0 else "allow")
            if answer["matches"]:
                assert (answer["matches"][0]["cluster"] is not None) == bool(number % 2)


def test_nothing_of_a_sign_up_is_stored_or_logged_but_counts(
    clients: dict[Role, Api], open_database: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    secret = {
        **REPLACEMENT,
        "account_id": "label-777",
        "email": "canary.bird@nest.example",
        "phone": "+4930777777",
    }
    with caplog.at_level(logging.DEBUG):
        ask(clients[Role.SCORER], secret, STRANGER)
    app = clients[Role.SCORER].client.app
    counts = get_services(app).scorer.counts  # type: ignore[arg-type]
    assert all("label" not in str(each) for each in counts.counts.items())
    tokens = load_or_create_key(settings).tokenize_column
    token = tokens("phone", pl.Series(["4930777777"])).item()
    stored = " ".join(str(values) for (values,) in open_database.stream("tests/all_values"))
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    for value in ("label-777", "canary", "4930777777", token):
        assert value not in stored
        assert value not in logged


def test_scores_are_in_the_audit_log_as_counts(open_database: Store, settings: Settings) -> None:
    with TestClient(create_app(settings, open_database.address)) as client:
        api = Api(client, keys.create_key(settings.keys_dir, Role.SCORER, "door"))
        ask(api, REPLACEMENT, STRANGER)
        ask(api, STRANGER)
    # The service writes what it has counted before it ends.
    admin = keys.create_key(settings.keys_dir, Role.ADMIN, "boss")
    with TestClient(create_app(settings, open_database.address)) as client:
        found = Api(client, admin).data(
            "{ auditLog(first: 50) { edges { node { actor action subject details } } } }"
        )
    entries = [edge["node"] for edge in found["auditLog"]["edges"]]
    (entry,) = [each for each in entries if each["actor"].startswith("door (")]
    assert (entry["action"], entry["subject"]) == ("score", "3 sign-ups")
    details = entry["details"] if isinstance(entry["details"], dict) else json.loads(entry["details"])
    assert details == {"allow": 2, "calls": 2, "review": 1, "signups": 3}


def test_a_scorer_has_its_rate(open_database: Store, settings: Settings) -> None:
    slow = settings.model_copy(update={"rate_limit": "5/minute"})
    with TestClient(create_app(slow, open_database.address)) as client:
        api = Api(client, keys.create_key(settings.keys_dir, Role.SCORER))
        assert post(api, {"signups": [STRANGER] * 5}).status_code == 200
        refused = post(api, {"signups": [STRANGER]})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1


def test_a_new_run_is_picked_up_without_a_restart_and_a_missing_one_is_named(
    open_database: Store, settings: Settings, tmp_path: Path
) -> None:
    index = IndexFiles(settings.score_dir).load()
    fresh = settings.model_copy(update={"data_dir": tmp_path})
    with TestClient(create_app(fresh, open_database.address)) as client:
        api = Api(client, keys.create_key(fresh.keys_dir, Role.SCORER))
        missing = post(api, {"signups": [STRANGER]})
        assert missing.status_code == 409
        error = missing.json()["errors"][0]
        assert error["extensions"]["code"] == "score_index_missing"
        assert "graphsvc detect" in error["message"]
        for run in ("run-b", "run-c"):
            IndexFiles(fresh.score_dir).keep(replace(index, run=run))
            IndexFiles(fresh.score_dir).switch(run)
            assert ask(api, STRANGER)[0]["run"] == run
        (fresh.score_dir / "current").write_text("run-d")
        damaged = post(api, {"signups": [STRANGER]})
        assert damaged.json()["errors"][0]["extensions"]["code"] == "score_index_damaged"


def test_the_description_is_whole(clients: dict[Role, Api]) -> None:
    described = clients[Role.SCORER].client.get("/v1/openapi.json").json()
    schemas = described["components"]["schemas"]
    names = set(json.dumps(described).split('"#/components/schemas/')[1:])
    assert {each.partition('"')[0] for each in names} <= set(schemas)
    assert {"ScoreRequest", "SignUp", "ScoreResponse", "ScoreAnswer"} <= set(schemas)
    assert set(described["paths"]) >= {"/v1/score"}
    # Each answer is what the description says it is.
    body = post(clients[Role.ANALYST], {"signups": [REPLACEMENT, STRANGER]}).content
    assert ScoreResponse.model_validate_json(body, strict=True).model_dump(mode="json") == json.loads(body)


def test_a_ban_after_the_run_counts_before_the_next_one(
    clients: dict[Role, Api], open_database: Store, settings: Settings, tmp_path: Path
) -> None:
    """The last test of this module: it bans an account that the others count on."""
    member = {"account_id": "acct-00000", "created_at": "2026-03-02T05:00:00Z", "status": "banned"}
    bans = write_bundle(tmp_path / "bans", accounts=[{**member, "status_changed_at": "2026-03-03T08:30:00Z"}])
    back = {
        "created_at": "2026-03-03T09:00:00Z", "instrument": "fp_ring0_0", "signup_device": "dev_ring0_0",
        "signup_ip": "203.0.0.1",
    }  # fmt: skip
    admin = clients[Role.ADMIN]
    assert ask(admin, back)[0]["predecessors"] == []
    load_bundle(open_database, bans, load_or_create_key(settings), tmp_path / "dead")
    services = get_services(admin.client.app)  # type: ignore[arg-type]
    admin.client.portal.call(services.scorer.read_recent, services.worker)  # type: ignore[union-attr]
    (answer,) = ask(admin, back)
    (found,) = answer["predecessors"]
    assert (found["account"], found["delay_hours"]) == ("acct-00000", pytest.approx(0.5))
    assert found["cluster"] == answer["matches"][0]["cluster"]
