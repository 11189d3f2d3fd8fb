"""Promise: `record: true` puts sign-ups into the graph as a load of the same values would, once however often it is
said, reports what it rejects, is off until the installation allows it, and never costs a caller the score."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api import Api
from fastapi.testclient import TestClient
from graphs import ring_bundle, write_bundle

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.api.auth.keys import Role
from graphsvc.api.services import get_services
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.model.events import EventType
from graphsvc.scoring.files import IndexFiles
from graphsvc.settings import Settings
from graphsvc.signals.tokens import load_or_create_key
from graphsvc.store import Store
from graphsvc.store.events import build_page_parameters
from graphsvc.store.graph import read_graph
from graphsvc.store.loads import RECORDED, begin_load, close_recordings
from graphsvc.store.published import read_members

SCORED = build_page_parameters(0, 100, [EventType.ACCOUNT_SCORED], newest_first=False)
AT = "2026-03-05T05:06:00Z"
FULL = {
    "account_id": "new-1", "created_at": AT, "email": "jane.doe@example.org", "phone": "+1 555 123 4567",
    "display_name": "Jane Doe", "signup_ip": "203.0.0.2", "signup_device": "dev_ring0_1", "instrument": "fp_ring0_1",
    "bin": "424242", "ip": "203.0.113.9", "asn": 64500, "device": "dev-2",
    "text": "You are a patient teacher. Explain photosynthesis to a child.", "identifiers": {"referral_code": "R-7"},
}  # fmt: skip


@pytest.fixture(scope="module")
def database(open_database: Store) -> Store:
    """The database of this module: each test adds accounts of its own to it."""
    open_database.run_autocommit("bench/wipe")
    return open_database


@pytest.fixture(scope="module")
def settings(database: Store, installation: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation whose last run has left an index, and that lets keys record."""
    place = tmp_path_factory.mktemp("record")
    load_bundle(database, ring_bundle(place / "bundle"), load_or_create_key(installation), place / "dead")
    detect_again(database, installation)
    return installation.model_copy(update={"score_record": True})


@pytest.fixture
def scorer(database: Store, settings: Settings) -> Iterator[Api]:
    with TestClient(create_app(settings, database.address)) as client:
        yield Api(client, keys.create_key(settings.keys_dir, Role.SCORER, "door"))


def detect_again(store: Store, settings: Settings) -> None:
    detect(store, InProcessDetector(), Parameters(), indexes=IndexFiles(settings.score_dir))


def post(api: Api, *signups: dict[str, Any], status: int = 200) -> Any:
    body = {"signups": signups, "record": True}
    answer = api.client.post("/v1/score", json=body, headers={"Authorization": f"Bearer {api.key}"})
    assert answer.status_code == status, answer.text
    return answer.json()


def describe_graph(store: Store) -> list[object]:
    """Everything a run would read."""
    graph = read_graph(store)
    frames = [graph.accounts, graph.signals]
    arrays = [graph.account, graph.signal, graph.first_seen, graph.last_seen]
    return [*(frame.to_dict(as_series=False) for frame in frames), *(array.tolist() for array in arrays)]


def load_same(store: Store, settings: Settings, directory: Path) -> None:
    seen = {"account_id": "new-1", "first_seen": AT, "last_seen": AT}
    names = ("account_id", "created_at", "email", "phone", "display_name", "signup_ip", "signup_device")
    others = [{**seen, "kind": "referral_code", "value": "R-7"}, {**seen, "kind": "device", "value": "dev-2"}]
    write_bundle(
        directory,
        accounts=[{name: FULL[name] for name in names}],
        payments=[{**seen, "instrument": FULL["instrument"], "kind": "card", "bin": FULL["bin"]}],
        sessions=[{**seen, "ip": FULL["ip"], "asn": FULL["asn"]}],
        prompts=[{**seen, "text": FULL["text"]}],
        identifiers=others,
    )
    load_bundle(store, directory, load_or_create_key(settings), directory / "dead")


def test_a_recorded_sign_up_is_in_the_graph_as_if_it_had_been_loaded(
    scorer: Api, database: Store, settings: Settings, tmp_path: Path
) -> None:
    before = describe_graph(database)
    (answer,) = post(scorer, FULL)["scores"]
    event = answer["recorded"].pop("event")
    assert answer["recorded"] == {"done": True, "rejected": [], "error": None}
    assert answer["recommendation"] == "review"
    # The event was written with it, names the campaign, and neither the account nor a value.
    (told,) = database.read("events/page", **SCORED)
    (match,) = answer["matches"][:1]
    assert told["event"].pop("number") > 0
    assert told["event"].pop("at")
    assert told["event"] == {
        "id": event, "type": "account.scored", "subject": told["event"]["clusterId"], "related": "",
        "clusterId": read_members(database).filter(account_id="acct-00000")["cluster_id"].item(),
        "runId": answer["run"], "recommendation": "review", "assessment": "campaign",
        **{name: match[name] for name in ("membership", "coordination")}, "score": match["hostility"],
        "description": f"A sign-up belongs to it with {match['membership']:.1%}.",
    }  # fmt: skip
    assert not any(str(value) in str(told) for value in FULL.values())
    recorded = describe_graph(database)
    assert recorded != before
    # Once more, and among others, changes nothing; nor does a load of the same.
    assert post(scorer, FULL)["scores"][0]["recorded"]["event"] == event
    # With another sign-up it is another load, and the same event.
    post(scorer, FULL, {"account_id": "jane@example.org", "created_at": AT})
    assert len(database.read("events/page", **SCORED)) == 1
    assert describe_graph(database) == recorded
    load_same(database, settings, tmp_path / "same")
    assert describe_graph(database) == recorded
    # The audit log counts, and nothing else.
    ((_, counts),) = get_services(scorer.client.app).scorer.counts.counts.items()  # type: ignore[arg-type]
    assert (counts["signups"], counts["recorded"]) == (4, 3)


def test_what_breaks_the_contract_is_named_and_the_rest_is_recorded(scorer: Api, database: Store) -> None:
    answers = post(
        scorer,
        {"account_id": "new-1", "created_at": AT, "instrument": "4242424242424242", "signup_device": "d-1"},
        {"account_id": "jane@example.org", "created_at": AT, "signup_device": "d-1"},
        {"account_id": "new-2", "signup_device": "d-1", "email": "none at all"},
    )["scores"]
    rejected = [{"table": "payments", "column": "instrument", "reason": "card_number"}]
    assert answers[0]["recorded"] == {"done": True, "rejected": rejected, "error": None, "event": None}
    assert answers[1]["recorded"]["done"] is False
    assert answers[1]["recorded"]["rejected"][0]["reason"] == "looks_like_email"
    assert answers[2]["recorded"]["done"] is True
    assert answers[2]["unread"] == ["email"]
    graph = read_graph(database)
    assert {"new-1", "new-2"} <= set(graph.accounts["id"])
    assert "jane@example.org" not in set(graph.accounts["id"])


@pytest.mark.parametrize(
    "signups", [[{"signup_ip": "203.0.113.9"}], [{"account_id": "a"}, {"account_id": "a"}]]
)
def test_what_is_recorded_needs_a_name_of_its_own(scorer: Api, signups: list[dict[str, Any]]) -> None:
    assert post(scorer, *signups, status=400)["errors"][0]["extensions"]["code"] == "bad_input"


def test_it_is_off_until_the_installation_allows_it(database: Store, settings: Settings) -> None:
    settings = settings.model_copy(update={"score_record": False})
    before = describe_graph(database)
    with TestClient(create_app(settings, database.address)) as client:
        for role in Role:
            api = Api(client, keys.create_key(settings.keys_dir, role, role.value))
            assert post(api, FULL, status=403)["errors"][0]["extensions"]["code"] == "forbidden"
    assert describe_graph(database) == before


def test_a_database_that_is_away_costs_no_score(scorer: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphsvc.errors import DatabaseUnavailable

    def fail(*_: object) -> None:
        raise DatabaseUnavailable("The database does not answer.", "Start it.")

    monkeypatch.setattr("graphsvc.api.workers.recorder.record_signups", fail)
    (answer,) = post(scorer, FULL)["scores"]
    assert answer["recommendation"] == "review"
    assert answer["recorded"] == {
        "done": False,
        "rejected": [],
        "error": "database_unavailable",
        "event": None,
    }


def test_a_recording_whose_process_died_holds_nothing_up(
    database: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begin_load(database, "abc", RECORDED, again=False).number
    close_recordings(database)
    assert [row["number"] < number for row in database.read("detect/watermark")] in ([], [True])
    monkeypatch.setattr("graphsvc.store.loads._DEAD_SECONDS", 0)
    close_recordings(database)
    assert [row["number"] for row in database.read("detect/watermark")] == [number]
    # Who records the same again writes all of it: what the dead one left may be a part.
    again = begin_load(database, "abc", RECORDED, again=False)
    assert (again.finished, again.number) == (False, number + 1)
    close_recordings(database)


def make_ring(number: int, stem: str = "ring") -> list[dict[str, Any]]:
    """Sign-ups since the run that share a card and devices that it has never seen."""
    return [
        {"account_id": f"{stem}-{i}", "created_at": f"2026-03-05T05:{i:02}:00Z", "instrument": f"fp_{stem}",
         "signup_device": f"dev_{stem}_{i % 2}", "signup_ip": f"198.51.100.{i}"}
        for i in range(number)
    ]  # fmt: skip


def test_sign_ups_of_one_call_that_are_recorded_are_a_group(scorer: Api, settings: Settings) -> None:
    ring = [*make_ring(9, "batch"), {"account_id": "alone-1", "created_at": AT, "instrument": "fp_alone"}]
    *answers, alone = post(scorer, *ring)["scores"]
    assert {each["recommendation"] for each in answers} == {"challenge"}
    assert all("since the last run" in each["reason"] for each in answers)
    assert (alone["recommendation"], alone["provisional"]) == ("allow", None)
    ((_, counts),) = get_services(scorer.client.app).scorer.counts.counts.items()  # type: ignore[arg-type]
    assert (counts["signups"], counts["challenge"], counts["allow"]) == (10, 9, 1)
    # Analysts see that all nine are of it, also the first.
    admin = Api(scorer.client, keys.create_key(settings.keys_dir, Role.ADMIN, "admin"))
    groups = [each["provisional"] for each in post(admin, *ring)["scores"][:9]]
    assert {(each["id"], each["size"]) for each in groups} == {(groups[0]["id"], 9)}
    # What is scored alone, and not recorded, is weighed against those that are.
    others = ask(scorer, *({**each, "account_id": f"x{n}"} for n, each in enumerate(make_ring(9, "other"))))
    assert {each["recommendation"] for each in others} == {"allow"}


def test_the_ninth_account_of_a_new_ring_is_challenged_before_the_next_run(
    scorer: Api, database: Store, settings: Settings
) -> None:
    ring = make_ring(9)
    answers = [post(scorer, each)["scores"][0] for each in ring]
    # Each was scored before it was recorded; four are a group.
    assert [each["recommendation"] for each in answers] == ["allow"] * 3 + ["challenge"] * 6
    assert [each["provisional"] is not None for each in answers] == [False] * 3 + [True] * 6
    last = answers[-1]
    assert (last["matches"], last["provisional"]["id"], last["provisional"]["size"]) == ([], None, None)
    assert {part["family"] for part in last["provisional"]["families"]} == {"payment", "device"}
    assert "since the last run" in last["reason"]
    # Who scores again, and shares nothing, hears nothing; nor does a service that begins later hear less.
    with TestClient(create_app(settings, database.address)) as client:
        api = Api(client, keys.create_key(settings.keys_dir, Role.ANALYST, "later"))
        client.portal.call(  # type: ignore[union-attr]
            get_services(client.app).scorer.read_recent,
            get_services(client.app).worker,  # type: ignore[arg-type]
        )
        (again, other) = ask(
            api, ring[8], {**ring[8], "account_id": "x", "instrument": "y", "signup_device": "z"}
        )
        assert again["provisional"]["size"] == 9
        assert again["provisional"]["id"].startswith("p")
        assert other["provisional"] is None
        query = "query ($i: SignUpInput!) { scoreAccount(input: $i) { provisional { groupId size } } }"
        found = api.data(query, i={"instrument": "fp_ring"})["scoreAccount"]["provisional"]
        assert found == {"groupId": again["provisional"]["id"], "size": 10}
        assert {each["provisional"] is None for each in ask(api, *make_ring(2, "other"))} == {True}


def test_the_next_run_confirms_or_dissolves(scorer: Api, database: Store, settings: Settings) -> None:
    replacements = [
        {
            "account_id": f"again-{i}",
            "created_at": AT,
            "instrument": "fp_ring1_1",
            "signup_device": "dev_ring1_1",
        }
        for i in range(3)
    ]
    post(scorer, *replacements, *make_ring(9, "many"), *make_ring(5, "few"))
    many, few = (make_ring(10, stem)[9] for stem in ("many", "few"))
    assert [each["provisional"] is not None for each in ask(scorer, many, few)] == [True, True]
    detect_again(database, settings)
    confirmed, dissolved = ask(scorer, many, few)
    members = dict(read_members(database).select("account_id", "cluster_id").iter_rows())
    # Nine are a cluster now, and no provisional group.
    assert len({members[f"many-{i}"] for i in range(9)}) == 1
    assert confirmed["provisional"] is None
    assert confirmed["matches"][0]["membership"] > 0.5
    # A run publishes none of fewer than six.
    assert (dissolved["provisional"], dissolved["matches"], dissolved["recommendation"]) == (
        None,
        [],
        "allow",
    )
    # And what was recorded is of the clusters that it belongs to.
    assert {members[f"again-{i}"] for i in range(3)} == {members["acct-00012"]}


def ask(api: Api, *signups: dict[str, Any]) -> list[dict[str, Any]]:
    answer = api.client.post(
        "/v1/score", json={"signups": signups}, headers={"Authorization": f"Bearer {api.key}"}
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["scores"])
