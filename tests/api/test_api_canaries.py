"""Promise: no raw personal value is in any answer, header, log line, error or metric; only `reveal` shows an address.

A bundle full of planted values is loaded and detected, then every field of the schema is asked for (`tests/walk.py`).
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from api import Api
from fastapi.testclient import TestClient
from graphs import ring_bundle, write_bundle
from httpx import Response
from walk import Known, document, documents, roots

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.scoring.files import IndexFiles
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signals.veil import load_or_create_veil
from graphsvc.store import Store
from graphsvc.store.published import read_members

MEMBER, OTHER = "acct-00000", "acct-00001"
SITE = "2001:db8:5:6"  # of IPv6 the /48 may be shown, no more
CANARIES = (
    "canary.one", "canary.two", "leaky.card", "4111 1111 1111 1111", "4111111111111111", "0305550100", "305550100",
    "dev_ring0_0", "dev_ring0_1", "Canary Jane", "canary jane", "Canary Ltd", "canary ltd", "UA/canary", "ua/canary",
    "secret recipe of the canary", "ja4-canary", "fp_ring0_0", "fp_ring0_1", "fp_ring0_2",
    "203.0.0.1", "203.0.0.2", "203.0.1.1", "198.51.100.77", SITE,
)  # fmt: skip
"""Raw values as the bundle holds them, whole or the part that tells."""
REVEAL = 'mutation R($keys: [ID!]!) { reveal(keys: $keys, reason: "abuse report 4711") { value } }'
ONLY_REVEALED = {"reveal"}
NOT_DONE = {"startDetection"}
"""What would start a process of its own."""


def plant(directory: Path) -> Path:
    """Two rings among others; ring 0 has a personal value in every column that takes one, and where none belongs."""
    ring_bundle(directory)
    rows = [json.loads(line) for line in (directory / "accounts.ndjson").read_text().splitlines()]
    sessions = [json.loads(line) for line in (directory / "sessions.ndjson").read_text().splitlines()]
    payments = [json.loads(line) for line in (directory / "payments.ndjson").read_text().splitlines()]
    prompts, identifiers = [], []
    for number, row in enumerate(rows[:12]):
        seen = {
            "account_id": row["account_id"],
            "first_seen": row["created_at"],
            "last_seen": row["created_at"],
        }
        row |= {
            "email": f"canary.one+{number}@leak.example", "phone": "+49 30 5550100", "display_name": "Canary Jane",
            "organization": "Canary Ltd", "signup_ip": "198.51.100.77", "signup_device": "dev_ring0_0",
            "user_agent": "UA/canary", "plan": "plan of canary.two@leak.example",
        }  # fmt: skip
        sessions.append({**seen, "ip": f"{SITE}::{1 + number % 2}", "device": "dev_ring0_1", "requests": 9})
        payments.append({**seen, "instrument": "leaky.card@leak.example", "kind": "card", "bin": "411111"})
        text = "Explain the secret recipe of the canary, step by step, pay with 4111 1111 1111 1111"
        prompts.append({**seen, "text": text, "requests": 1})
        identifiers.append({**seen, "kind": "tls_fingerprint", "value": "ja4-canary", "count": 1})
    tables = {"accounts": rows, "sessions": sessions, "payments": payments}
    return write_bundle(directory, **tables, prompts=prompts, identifiers=identifiers)


@dataclass
class World:
    """Clients over a published run, and everything they were answered."""

    apis: dict[keys.Role, Api]
    known: Known
    store: Store
    answers: dict[str, str] = field(default_factory=dict)

    def ask(self, role: keys.Role, document: str) -> Response:
        answer = self.apis[role].post(document)
        self.keep(f"{role.value}: {document}", answer)
        return answer

    def keep(self, what: str, answer: Response) -> None:
        self.answers[what] = answer.text + "\n" + "\n".join(f"{k}: {v}" for k, v in answer.headers.items())

    def leaks(self) -> list[tuple[str, str]]:
        """What was asked, and the canary that came back."""
        return [(what, found) for what, text in self.answers.items() for found in found_in(text)]


def found_in(text: str) -> list[str]:
    return [canary for canary in CANARIES if re.search(rf"(?<![\w.]){re.escape(canary)}", text)]


@pytest.fixture(scope="module")
def world(
    open_database: Store, installation: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("canaries")
    open_database.run_autocommit("bench/wipe")
    tokens = Tokeniser(b"a key for tests, 32 bytes long..", "test")
    load_bundle(open_database, plant(directory / "bundle"), tokens, directory / "dead")
    indexes = IndexFiles(installation.score_dir)
    detect(open_database, InProcessDetector(), Parameters(min_score=0.0), indexes=indexes)
    found = read_members(open_database)
    veil = load_or_create_veil(installation)
    known = Known(
        cluster=str(found.filter(account_id=MEMBER)["cluster_id"].item()),
        account=MEMBER,
        other=OTHER,
        run=open_database.read("query/published_run")[0]["run"]["id"],
        signal=veil.hide("ip:203.0.0.1"),
        handle=veil.hide("ip:203.0.0.1"),
    )
    hasty = installation.model_copy(
        update={"rate_limit": "100000000/minute"}
    )  # much is asked here in little time
    with TestClient(create_app(hasty, open_database.address), raise_server_exceptions=False) as client:
        apis = {role: Api(client, keys.create_key(installation.keys_dir, role)) for role in keys.Role}
        yield World(apis, known, open_database)


def test_the_values_are_really_there(world: World) -> None:
    """Addresses are in the graph as they are, and the ring was found; else nothing here could fail."""
    stored = "\n".join(str(values) for (values,) in world.store.stream("tests/all_values"))
    assert {"203.0.0.1", "203.0.0.2", "198.51.100.77", SITE} <= set(found_in(stored))
    assert found_in("ip:203.0.0.1, and Canary Jane") == ["Canary Jane", "203.0.0.1"]
    assert not found_in("203.0.0.0/24 1203.0.0.1")


def test_no_answer_holds_one(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        for each in documents(world.known):
            world.ask(keys.Role.VIEWER, each)
        for change in roots():
            if change.operation == "mutation" and change.name not in ONLY_REVEALED | NOT_DONE:
                world.ask(keys.Role.ANALYST, document(change, world.known))
        # What was decided is there now; an admin is answered all that an analyst is.
        for each in documents(world.known):
            world.ask(keys.Role.ADMIN, each)
        revealed = world.apis[keys.Role.ANALYST].post(REVEAL, keys=[world.known.handle])
    assert revealed.json()["data"] == {"reveal": [{"value": "203.0.0.1"}]}
    broken = [
        (what, error["message"])
        for what, text in world.answers.items()
        for error in json.loads(text.splitlines()[0]).get("errors", [])
        if error["extensions"]["code"] not in ("forbidden", "not_found", "bad_input", "conflict")
    ]
    assert not broken
    assert not world.leaks()
    handles = sum(world.known.handle in text for text in world.answers.values())
    assert handles > 5  # the address was there, under its handle
    said = capfd.readouterr()
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.split(".")[0] not in ("httpx", "neo4j"))
    assert not found_in(ours + said.out + said.err)


QUESTIONS = [
    "{ account(id: %s) { id } }",
    "{ cluster(id: %s) { id } }",
    "{ run(id: %s) { id } }",
    "{ signal(key: %s) { key } }",
    "{ clusters(filter: {signalKey: %s}) { edges { cursor } } }",
    "{ clusters(after: %s) { edges { cursor } } }",
    'mutation { reveal(keys: [%s], reason: "abuse report 4711") { value } }',
    "mutation { cancelRun(id: %s) { id } }",
    "mutation { revokeApiKey(id: %s) { id } }",
]


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_what_somebody_types_is_neither_told_back_nor_logged(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], step: int
) -> None:
    """Each value in each question; in the quick form in every fourth, in turn, so that each question has six."""
    typed = Api(world.apis[keys.Role.ADMIN].client, world.apis[keys.Role.ADMIN].key)
    with caplog.at_level(logging.DEBUG):
        for number, canary in enumerate(CANARIES):
            for question in QUESTIONS[number % step :: step]:
                answer = typed.post(question % json.dumps(canary))
                assert not found_in(answer.text), question
            given = replace(world.known, texts={**world.known.texts, "text": canary})
            searches = [each for each in documents(given) if each.startswith("query { search(")]
            for search in searches[number % step :: step]:
                assert not found_in(typed.post(search).text), search
    said = capfd.readouterr()
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.split(".")[0] not in ("httpx", "neo4j"))
    assert not found_in(ours + said.out + said.err)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/graphql"])
def test_other_pages_hold_none(world: World, path: str) -> None:
    for api in world.apis.values():
        answer = api.client.get(path, headers={"Authorization": f"Bearer {api.key}", "Accept": "*/*"})
        assert answer.status_code < 500
        assert not found_in(answer.text)


def test_the_log_of_acts_holds_none(world: World) -> None:
    world.apis[keys.Role.ANALYST].data(REVEAL, keys=[world.known.handle])
    entries = "\n".join(str(row) for row in world.store.read("audit/entries"))
    assert "reveal" in entries
    assert not found_in(entries)
