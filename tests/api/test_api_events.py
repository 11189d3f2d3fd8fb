"""Promise: an analyst reads what happened and misses nothing while away; only an admin manages webhooks."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api import Api
from fastapi import FastAPI
from fastapi.testclient import TestClient
from published import A, B, Days, person
from receiver import Receiver, receive
from standardwebhooks import Webhook as Reference
from test_api_subscriptions import Service, hear, service
from waiting import until

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.delivery import sender
from graphsvc.events.secrets import Sealer
from graphsvc.model.decisions import On, Topic
from graphsvc.model.events import EventType
from graphsvc.model.webhooks import AlertRule, EventFilter, WebhookFormat
from graphsvc.settings import Settings
from graphsvc.store.decisions import DecisionRequest, record_decision
from graphsvc.store.events import remove_old_events
from graphsvc.store.webhooks import NewEndpoint, RuleChange, apply_rules

EVENTS = """query($first: Int!, $after: String, $types: [EventType!], $newest: Boolean!) {
  events(first: $first, after: $after, types: $types, newestFirst: $newest) {
    edges { cursor node { id number at type subject data } } pageInfo { endCursor hasNextPage } } }"""
LISTEN = """subscription($after: String, $types: [EventType!]) {
  events(after: $after, types: $types) { cursor node { number type } } }"""
ADD = """mutation($input: WebhookInput!) { addWebhook(input: $input) {
  secret webhook { id name host format pending filter { types minSize } rules { name } } } }"""


__all__ = ["service"]  # a fixture of the tests of subscriptions


def confirm(days: Days, cluster: str) -> None:
    wish = DecisionRequest(On.CLUSTER, cluster, Topic.DISPOSITION, "confirmed", "because")
    record_decision(days.store, person("ada"), wish, datetime.now(UTC))


@pytest.fixture
def app(days: Days, installation: Settings) -> FastAPI:
    allowing = installation.model_copy(update={"webhook_allowed_hosts": "127.0.0.1"})
    return create_app(allowing, days.store.address)


@pytest.fixture
def api(app: FastAPI, installation: Settings) -> Iterator[Api]:
    with TestClient(app) as client:
        yield Api(client, keys.create_key(installation.keys_dir, keys.Role.ADMIN))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as found:
        yield found


def code(said: Any) -> str:
    """The code of the error in a message over a WebSocket."""
    payload = said["payload"]
    (error,) = payload if isinstance(payload, list) else payload["errors"]
    return str(error["extensions"]["code"])


def page(api: Api, first: int = 50, after: str | None = None, newest: bool = True, **more: Any) -> Any:
    return api.data(EVENTS, first=first, after=after, newest=newest, **{"types": None, **more})["events"]


def test_pages_go_back_from_the_newest_or_on_from_the_oldest(api: Api, days: Days) -> None:
    confirm(days, days.ids[0])
    newest = page(api)["edges"]
    assert [each["node"]["number"] for each in newest] == [4, 3, 2, 1]
    assert [each["node"]["type"] for each in newest][0::3] == ["DECISION_MADE", "RUN_PUBLISHED"]
    assert newest[0]["node"]["subject"] == days.ids[0]
    first = page(api, 2, newest=False)
    assert first["pageInfo"]["hasNextPage"]
    rest = page(api, 2, first["pageInfo"]["endCursor"], newest=False)
    assert [each["node"]["number"] for part in (first, rest) for each in part["edges"]] == [1, 2, 3, 4]
    born = page(api, types=["CLUSTER_BORN"])["edges"]
    assert {each["node"]["data"]["accountsAfter"] for each in born} == {30, 24}


def test_a_client_that_was_away_continues_from_its_last_event(
    service: Service,
    days: Days,
) -> None:
    key = service.key(keys.Role.ANALYST)

    async def listen(after: str | None, heard: int, **more: Any) -> list[Any]:
        async with service.listening(key, LISTEN, after=after, **more) as socket:
            if after is None:
                await service.listened_to()
                await asyncio.to_thread(confirm, days, days.ids[0])
            return [(await hear(socket))["payload"]["data"]["events"] for _ in range(heard)]

    (decided,) = asyncio.run(listen(None, 1))
    assert decided["node"] == {"number": 4, "type": "DECISION_MADE"}
    # While it was away:
    days.day(A[:20], B)
    confirm(days, days.ids[1])
    missed = asyncio.run(listen(decided["cursor"], 2))
    assert [each["node"]["type"] for each in missed] == ["RUN_PUBLISHED", "DECISION_MADE"]
    (only,) = asyncio.run(listen(decided["cursor"], 1, types=["DECISION_MADE"]))
    assert only["node"] == missed[1]["node"]
    confirm(days, days.ids[1])
    remove_old_events(days.store, datetime.now(UTC) + timedelta(days=1))

    async def refused() -> Any:
        async with service.listening(key, LISTEN, after=decided["cursor"]) as socket:
            return await hear(socket)

    assert code(asyncio.run(refused())) == "events_expired"


@pytest.mark.parametrize("role", [keys.Role.SCORER, keys.Role.VIEWER])
def test_below_an_analyst_nobody_hears_events(service: Service, role: keys.Role) -> None:
    async def listen() -> Any:
        async with service.listening(service.key(role), LISTEN) as socket:
            return await hear(socket)

    said = asyncio.run(listen())
    assert code(said) == "forbidden"


def test_rules_of_a_file_are_shown_and_the_filter_is_what_they_have_in_common(api: Api, days: Days) -> None:
    rules = [
        AlertRule("large", EventFilter([EventType.CLUSTER_BORN], 50)),
        AlertRule("watched", EventFilter([EventType.CLUSTER_GROWN], 20, followed=True)),
    ]
    new = NewEndpoint("cases", "https://example.org/x", "example.org", WebhookFormat.STANDARD)
    apply_rules(
        days.store, person("ada"), Sealer(b"a key for tests, 32 bytes long.."), [RuleChange(new, rules)]
    )
    shown = api.data(
        "{ webhooks { filter { types minSize } rules { name filter { types minSize followed } } } }"
    )
    assert shown["webhooks"] == [
        {
            "filter": {"types": ["CLUSTER_BORN", "CLUSTER_GROWN"], "minSize": 20},
            "rules": [
                {"name": "large", "filter": {"types": ["CLUSTER_BORN"], "minSize": 50, "followed": False}},
                {"name": "watched", "filter": {"types": ["CLUSTER_GROWN"], "minSize": 20, "followed": True}},
            ],
        }
    ]


def test_an_admin_manages_webhooks_and_the_service_sends(
    api: Api, receiver: Receiver, days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"url": f"{receiver.url}/x", "types": ["DECISION_MADE"], "minSize": 3, "name": " cases "}
    made = api.data(ADD, input=asked)["addWebhook"]
    webhook, secret = made["webhook"]["id"], made["secret"]
    assert made["webhook"] == {
        "id": webhook,
        "name": "cases",
        "host": "127.0.0.1",
        "format": "STANDARD",
        "pending": 0,
        "filter": {"types": ["DECISION_MADE"], "minSize": 3},
        "rules": None,
    }
    test = api.data("mutation($id: String!) { testWebhook(id: $id) { isDelivered reason } }", id=webhook)
    assert test["testWebhook"] == {"isDelivered": True, "reason": "200"}
    confirm(days, days.ids[0])
    until(lambda: len(receiver.got) == 2)
    Reference(secret).verify(receiver.got[1].body, receiver.got[1].headers)
    until(lambda: api.data("{ webhooks { delivered } }")["webhooks"] == [{"delivered": 1}])
    again = "mutation($id: String!, $event: String) { redeliverWebhook(id: $id, eventId: $event) }"
    assert api.data(again, id=webhook, event=receiver.got[1].id) == {"redeliverWebhook": 1}
    until(lambda: len(receiver.got) == 3)
    assert receiver.got[2].id == receiver.got[1].id
    rotate = "mutation($id: String!) { rotateWebhook(id: $id, graceHours: 0) { secret } }"
    assert api.data(rotate, id=webhook)["rotateWebhook"]["secret"] != secret
    assert api.data("mutation($id: String!) { removeWebhook(id: $id) }", id=webhook) == {
        "removeWebhook": webhook
    }
    assert api.data("{ webhooks { id } }") == {"webhooks": []}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"url": "https://127.0.0.2/"}, "webhook"),
        ({"url": "https://example.org/", "quiet": "night"}, "webhook"),
        ({"url": "file:///etc/passwd"}, "webhook"),
        ({"url": "https://example.org/", "minSize": -1}, "bad_input"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(api: Api, asked: dict[str, object], code: str) -> None:
    answer = api.post(ADD, input=asked)
    assert [each["extensions"]["code"] for each in answer.json()["errors"]] == [code]
    assert answer.status_code < 500


def test_an_unknown_webhook_is_not_found(api: Api) -> None:
    for name in (
        "removeWebhook",
        "redeliverWebhook",
        "testWebhook { reason }",
        "rotateWebhook { secret }",
    ):
        field, _, inner = name.partition(" ")
        assert api.error(f'mutation {{ {field}(id: "w1") {inner} }}')["extensions"]["code"] == "not_found"


def test_the_sender_looks_every_two_seconds() -> None:
    assert sender.LOOK_SECONDS <= 2.0  # what docs/operations/events.md says
