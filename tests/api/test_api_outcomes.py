"""Promise: reporters and analysts report outcomes over HTTP, each counts once, what cannot be recorded is said, and the
account, its cluster's timeline and the audit log show what came of it; a scorer's or viewer's key may not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api import Api
from command import run_command as run
from fastapi.testclient import TestClient
from httpx import Response

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.routers.outcomes import OutcomesResponse
from graphsvc.settings import Settings
from graphsvc.store import Store

AT = "2026-03-05T10:00:00Z"
ACCOUNT = """query ($id: String!) { account(id: $id) { status statusChangedAt
  outcomes { id kind at by reason recordedAt recordedBy withdrawnAt withdrawnBy } } }"""
TIMELINE = """query ($id: String!) { cluster(id: $id) {
  timeline(by: DAY) { beginsAt bans chargebacks reinstatements } } }"""
WITHDRAW = 'mutation ($id: ID!) { withdrawOutcome(id: $id, reason: "wrong person") { id withdrawnBy } }'


@pytest.fixture(scope="module")
def clients(open_database: Store, installation: Settings, ring: str) -> Iterator[dict[Role, Api]]:
    """A client a role, over a graph with a published ring."""
    with TestClient(create_app(installation, open_database.address)) as client:
        yield {role: Api(client, keys.create_key(installation.keys_dir, role, role.value)) for role in Role}


def post(api: Api, body: object) -> Response:
    return api.client.post("/v1/outcomes", json=body, headers={"Authorization": f"Bearer {api.key}"})


def report(api: Api, *outcomes: dict[str, Any]) -> dict[str, Any]:
    answer = post(api, {"outcomes": outcomes})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def withdraw(api: Api, outcome: str) -> Response:
    return api.client.delete(f"/v1/outcomes/{outcome}", headers={"Authorization": f"Bearer {api.key}"})


def test_an_outcome_is_recorded_once_and_shown(clients: dict[Role, Api], ring: str) -> None:
    wanted = [
        {
            "account_id": "acct-00000",
            "kind": "banned",
            "at": AT,
            "by": "ada",
            "reason": "case 4711, ann@example.org",
        },
        {"account_id": "acct-00001", "kind": "chargeback", "at": AT, "outcome_id": "cb-1"},
        {"account_id": "acct-99999", "kind": "banned", "at": AT},
    ]
    first, again = (report(clients[Role.REPORTER], *wanted) for _ in range(2))
    counts = ("recorded", "known", "unknown_accounts", "conflicts")
    assert [first[name] for name in counts] == [2, 0, 1, 0]
    assert [again[name] for name in counts] == [0, 2, 1, 0]
    assert [each["result"] for each in first["outcomes"]] == ["recorded", "recorded", "unknown_account"]
    assert OutcomesResponse.model_validate(first).model_dump(mode="json") == first
    found = clients[Role.VIEWER].data(ACCOUNT, id="acct-00000")["account"]
    assert (found["status"], found["statusChangedAt"]) == ("BANNED", "2026-03-05T10:00:00+00:00")
    (outcome,) = found["outcomes"]
    assert (outcome["kind"], outcome["by"], outcome["reason"]) == ("BANNED", "ada", "case 4711, [masked]")
    assert outcome["recordedBy"].startswith("reporter (")
    # Without `by` it is the caller's.
    (charged,) = clients[Role.VIEWER].data(ACCOUNT, id="acct-00001")["account"]["outcomes"]
    assert (charged["id"], charged["by"]) == ("cb-1", charged["recordedBy"])
    buckets = clients[Role.VIEWER].data(TIMELINE, id=ring)["cluster"]["timeline"]
    assert [sum(each[name] for each in buckets) for name in ("bans", "chargebacks", "reinstatements")] == [
        1,
        1,
        0,
    ]
    log = clients[Role.ADMIN].data(
        '{ auditLog(first: 5, filter: {action: "recordOutcomes"}) { edges { node { subject details role } } } }'
    )
    (entry,) = [edge["node"] for edge in log["auditLog"]["edges"]]
    assert (entry["subject"], entry["role"]) == ("2 outcomes", "reporter")
    assert {"banned": 1, "chargeback": 1}.items() <= entry["details"].items()
    assert "acct-" not in json.dumps(entry)


def test_withdrawn_by_its_reporter_or_an_analyst(clients: dict[Role, Api]) -> None:
    mine = {"account_id": "acct-00003", "kind": "banned", "at": AT, "outcome_id": "mine"}
    theirs = {"account_id": "acct-00004", "kind": "banned", "at": AT, "outcome_id": "theirs"}
    report(clients[Role.REPORTER], mine)
    report(clients[Role.ANALYST], theirs)
    refused = withdraw(clients[Role.REPORTER], "theirs")
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "forbidden")
    for _ in range(2):
        done = withdraw(clients[Role.REPORTER], "mine")
        assert (done.status_code, done.json()["account_id"]) == (200, "acct-00003")
    assert clients[Role.ANALYST].data(WITHDRAW, id="theirs")["withdrawOutcome"]["id"] == "theirs"
    for account in ("acct-00003", "acct-00004"):
        found = clients[Role.VIEWER].data(ACCOUNT, id=account)["account"]
        assert found["status"] == "ACTIVE"
        assert found["outcomes"][0]["withdrawnAt"] is not None
    assert withdraw(clients[Role.ANALYST], "never").status_code == 404


@pytest.mark.parametrize("role", [Role.SCORER, Role.VIEWER])
def test_who_may_not_report(clients: dict[Role, Api], role: Role) -> None:
    for answer in (
        post(clients[role], {"outcomes": [{"account_id": "acct-00005", "kind": "banned", "at": AT}]}),
        withdraw(clients[role], "cb-1"),
    ):
        assert answer.status_code == 403
        assert answer.json()["errors"][0]["extensions"]["code"] == "forbidden"
    assert clients[Role.VIEWER].data(ACCOUNT, id="acct-00005")["account"]["outcomes"] == []


@pytest.mark.parametrize("path", ["/metrics", "/clusters/c1/export"])
def test_a_reporter_can_do_nothing_else(clients: dict[Role, Api], path: str) -> None:
    api = clients[Role.REPORTER]
    assert api.client.get(path, headers={"Authorization": f"Bearer {api.key}"}).status_code == 403
    answer = api.client.post(
        "/v1/score", json={"signups": [{}]}, headers={"Authorization": f"Bearer {api.key}"}
    )
    assert answer.status_code == 403
    assert api.post("{ viewer { role } }").json()["errors"][0]["extensions"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "exploded"}, "outcomes.0.kind: enum"),
        ({"account_id": ""}, "outcomes.0.account_id"),
        ({"at": "secret-4242"}, "outcomes.0.at"),
        ({"secret-4242": 1}, "outcomes.0.?: extra_forbidden"),
        ({"outcome_id": "a/b"}, "outcomes.0.outcome_id"),
        ({"reason": "4242 4242 4242 4242"}, "card number"),
        ({"reason": "\x1b[31m"}, "control characters"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "no time of the years"),
        ({"at": (datetime.now(UTC) + timedelta(days=3)).isoformat()}, "more than a day ahead"),
    ],
)
def test_a_faulty_report_is_named_without_its_values(
    clients: dict[Role, Api], change: dict[str, object], said: str
) -> None:
    body = {"outcomes": [{"account_id": "acct-00006", "kind": "banned", "at": AT, **change}]}
    answer = post(clients[Role.REPORTER], body)
    assert answer.status_code == 400
    assert said in answer.json()["errors"][0]["message"]
    assert "4242" not in answer.text


def test_a_thousand_are_one_call_and_the_description_is_whole(clients: dict[Role, Api]) -> None:
    many = [
        {"account_id": f"acct-{n:05}", "kind": "chargeback", "at": AT, "reason": "x" * 500}
        for n in range(400)
    ]
    body = {"outcomes": [{**each, "outcome_id": f"{n}"} for n, each in enumerate(many * 2 + many[:200])]}
    answer = post(clients[Role.REPORTER], body)
    assert answer.json()["recorded"] == 1_000, answer.text[:500]
    assert post(clients[Role.REPORTER], {"outcomes": body["outcomes"] * 2}).status_code in (400, 413)
    described = clients[Role.REPORTER].client.get("/v1/openapi.json").json()
    assert {"/v1/outcomes", "/v1/outcomes/{outcome_id}"} <= set(described["paths"])
    names = {each.partition('"')[0] for each in json.dumps(described).split('"#/components/schemas/')[1:]}
    assert names <= set(described["components"]["schemas"])


def test_the_command_line_records_lists_and_withdraws(
    clients: dict[Role, Api], cli_environment: Path, tmp_path: Path
) -> None:
    file = tmp_path / "enforcement.csv"
    file.write_text(
        "account_id,kind,at,by,outcome_id\n"
        f"acct-00410,banned,{AT},ada,case-7\n"
        f"acct-00410,appealed_and_reinstated,2026-03-06,bob,case-8\n"
        f"acct-99999,banned,{AT},ada,\n"
        f"acct-00411,exploded,{AT},ada,\n"
    )
    done = run("outcomes", "record", str(file))
    assert "3 outcomes: 2 recorded, 1 unknown account." in done.stdout
    assert "acct-99999" in done.stderr
    assert "1 rows were rejected: kind: not_one_of." in done.stderr
    assert (
        json.loads(run("outcomes", "record", str(file), "--json").stdout)["outcomes"][0]["result"] == "known"
    )
    listed = run("outcomes", "list", "acct-00410").stdout
    assert [line.split("  ")[1] for line in listed.splitlines()] == ["appealed_and_reinstated", "banned"]
    assert clients[Role.VIEWER].data(ACCOUNT, id="acct-00410")["account"]["status"] == "ACTIVE"
    assert "counts no more" in run("outcomes", "withdraw", "case-8").stdout
    assert clients[Role.VIEWER].data(ACCOUNT, id="acct-00410")["account"]["status"] == "BANNED"
    file.write_text("account_id,kind,at,by\nacct-99999,banned,2026-03-05,ada\n")
    assert run("outcomes", "record", str(file)).returncode == 1
