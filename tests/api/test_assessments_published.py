"""Promise: an agency is published apart from campaigns: no list, export or count holds it unless it is asked for."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from api import Api
from fastapi.testclient import TestClient
from graphs import ring_bundle, write_bundle
from lives import Ring, names
from published import Days, addresses, person, populate, statuses
from typer.testing import CliRunner

from graphsvc.analysis.published import read_differences, read_impact
from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.commands import app
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import Outcome, detect
from graphsvc.loading import load_bundle
from graphsvc.model.certificate import Certificate
from graphsvc.model.clusters import Assessment
from graphsvc.model.decisions import On, Topic
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import load_or_create_signer
from graphsvc.store import Store
from graphsvc.store.cluster_files import ClusterFiles
from graphsvc.store.decisions import DecisionRequest, record_decision
from graphsvc.store.lineage import read_run_events
from graphsvc.store.published import read_clusters, read_members
from graphsvc.store.snapshots import Snapshots
from graphsvc.verification import verify_run

CLIENTS = 24
MOMENT = "2026-03-25T09:00:00Z"
BUSINESS = (Assessment.LIKELY_BUSINESS,)
LIST = """query($filter: ClusterFilter, $order: ClusterOrder) { clusters(filter: $filter, orderBy: $order) { totalCount
  edges { node { id score hostility coordination assessment scoreParts { name aspect } } } } }"""
A, B = names("a", 20), names("b", 20)


def agency(directory: Path) -> Path:
    """Clients of an agency that pools cards, exits and browsers, and who say whose they are."""
    accounts, payments, sessions = [], [], []
    for number in range(CLIENTS):
        seen = {
            "account_id": f"client-{number:02}",
            "first_seen": "2026-03-02T09:00:00Z",
            "last_seen": MOMENT,
        }
        made = f"2026-03-{1 + number % 20:02}T{8 + number % 9:02}:{number:02}:00Z"
        accounts.append(
            {"account_id": seen["account_id"], "created_at": made, "organization": "Example Agency"}
        )
        payments.append({**seen, "instrument": f"fp_agency_{number % 2}", "kind": "card"})
        for exit in range(2):
            sessions.append(
                {
                    **seen,
                    "ip": f"192.0.2.{number % 3 + exit}",
                    "device": f"agency_{number % 4 // 2}",
                    "requests": 5,
                }
            )
    return write_bundle(directory, accounts=accounts, payments=payments, sessions=sessions)


@pytest.fixture(scope="module")
def outcome(
    open_database: Store,
    installation: Settings,
    tokens: Tokeniser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Outcome:
    """A run over two rings of twelve, an agency, and 400 others; the last test that takes it publishes another."""
    open_database.run_autocommit("bench/wipe")
    place = tmp_path_factory.mktemp("assessed")
    for bundle in (ring_bundle(place / "rings"), agency(place / "agency")):
        load_bundle(open_database, bundle, tokens, place / "dead")
    return detect(
        open_database,
        InProcessDetector(),
        Parameters(),
        signer=load_or_create_signer(installation),
        snapshots=Snapshots(installation.runs_dir, 2),
    )


@pytest.fixture(scope="module")
def api(outcome: Outcome, open_database: Store, installation: Settings) -> Iterator[Api]:
    key = keys.create_key(installation.keys_dir, keys.Role.VIEWER)
    with TestClient(create_app(installation, open_database.address)) as client:
        yield Api(client, key)


@pytest.fixture
def days(database: Store, tokens: Tokeniser, tmp_path: Path) -> Days:
    populate(database, tokens, tmp_path, [*A, *B])
    return Days(database)


def export(directory: Path, name: str, *more: str) -> pl.DataFrame:
    """What `graphsvc export NAME` writes."""
    file = directory / f"{name}.parquet"
    done = CliRunner().invoke(app, ["export", name, "--out", str(file), *more])
    assert done.exit_code == 0, done.output
    return pl.read_parquet(file)


def nodes(api: Api, **variables: object) -> list[dict[str, Any]]:
    found = api.data(LIST, **variables)["clusters"]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"] for edge in found["edges"]]


def test_an_agency_is_a_likely_business_and_no_campaign(open_database: Store, outcome: Outcome) -> None:
    (row,) = read_clusters(open_database, BUSINESS).iter_rows(named=True)
    assert (row["size"], row["assessment"]) == (CLIENTS, "likely_business")
    assert row["cluster_score"] == row["hostility"] < Parameters().min_score
    assert row["coordination"] >= Parameters().min_coordination
    assert set(read_members(open_database, BUSINESS)["account_id"]) == {
        f"client-{n:02}" for n in range(CLIENTS)
    }
    assert not [each for each in read_members(open_database)["account_id"] if each.startswith("client")]
    assert set(read_clusters(open_database)["assessment"]) == {"campaign"}


def test_the_run_counts_campaigns_and_businesses_apart(open_database: Store, outcome: Outcome) -> None:
    counts = {"clusters": 2, "members": 24, "businesses": 1, "business_members": CLIENTS}
    assert {name: getattr(outcome, name) for name in counts} == counts
    (kept,) = open_database.read("query/published_run")
    assert [kept["run"][name] for name in ("clusters", "members", "businesses", "businessMembers")] == [
        2,
        24,
        1,
        24,
    ]
    certificate = Certificate.from_json(kept["run"]["certificate"])
    assert {name: getattr(certificate, name) for name in counts} == counts
    assert certificate.links == kept["run"]["links"]


def test_a_run_with_a_business_is_verified(
    open_database: Store, installation: Settings, outcome: Outcome
) -> None:
    signer, kept = load_or_create_signer(installation), Snapshots(installation.runs_dir, 2)
    assert verify_run(open_database, outcome.run.id, InProcessDetector(), signer, kept).holds


def test_exports_hold_what_is_asked_for(outcome: Outcome, cli_environment: Path, tmp_path: Path) -> None:
    sizes = {"campaign": 24, "likely-business": CLIENTS, "all": 24 + CLIENTS}
    for asked, size in sizes.items():
        assert export(tmp_path, "members", "--assessment", asked).height == size
        assert export(tmp_path, "clusters", "--assessment", asked)["size"].sum() == size
    by_default = export(tmp_path, "members")
    assert by_default.equals(export(tmp_path, "members", "--assessment", "campaign"))
    assert by_default.columns == ["cluster_id", "account_id", "membership", "cluster_score", "status"]


def test_a_stix_bundle_of_a_business_is_asked_for_by_name(
    open_database: Store, outcome: Outcome, cli_environment: Path, tmp_path: Path
) -> None:
    (name,) = read_clusters(open_database, BUSINESS)["cluster_id"]
    command = ["export", "cluster", name, "--out", str(tmp_path / "it.json")]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code != 0
    assert not (tmp_path / "it.json").exists()
    assert CliRunner().invoke(app, [*command, "--likely-business"]).exit_code == 0
    found = json.loads((tmp_path / "it.json").read_text())["objects"]
    (grouping,) = [each for each in found if each["type"] == "grouping"]
    assert (grouping["context"], grouping["labels"]) == ("unspecified", ["open", "likely-business"])
    assert {each["indicator_types"][0] for each in found if each["type"] == "indicator"} == {"benign"}


def test_an_action_on_a_business_hits_innocents_alone(
    open_database: Store, outcome: Outcome, tmp_path: Path
) -> None:
    (name,) = read_clusters(open_database, BUSINESS)["cluster_id"]
    files = ClusterFiles(Snapshots(tmp_path, 0))
    found = read_impact(open_database, files, name, (), least_membership=0.0, stages=5, most_innocents=3.0)
    assert (found.businesses, found.innocents, found.plan.stages) == (CLIENTS, float(CLIENTS), ())


def test_the_list_is_of_campaigns_unless_asked(api: Api) -> None:
    campaigns = nodes(api)
    businesses = nodes(api, filter={"assessment": ["LIKELY_BUSINESS"]})
    assert [each["assessment"] for each in campaigns] == ["CAMPAIGN"] * 2
    assert [each["assessment"] for each in businesses] == ["LIKELY_BUSINESS"]
    every = nodes(api, filter={"assessment": None})
    assert every == nodes(api, filter={"assessment": ["CAMPAIGN", "LIKELY_BUSINESS"]})
    assert every == campaigns + businesses
    assert nodes(api, filter={"minSize": 1}) == campaigns
    assert nodes(api, filter={"assessment": None, "maxCoordination": 0.5}) == []


def test_a_cluster_has_both_numbers_and_parts_say_what_they_speak_to(api: Api) -> None:
    (business,) = nodes(api, filter={"assessment": ["LIKELY_BUSINESS"]})
    assert business["score"] == business["hostility"] < Parameters().min_score
    assert business["coordination"] >= Parameters().min_coordination
    aspects = {part["name"]: part["aspect"] for part in business["scoreParts"]}
    assert (aspects["shared"], aspects["declared"]) == ("COORDINATION", "HOSTILITY")


def test_clusters_are_ordered_by_coordination(api: Api) -> None:
    order = {"field": "COORDINATION", "direction": "ASC"}
    found = [each["coordination"] for each in nodes(api, filter={"assessment": None}, order=order)]
    assert found == sorted(found)
    assert len(found) == 3


def test_what_there_is_is_counted_apart(api: Api) -> None:
    asked = "{ stats { clusters members businesses businessMembers } publishedRun { clusters businesses } }"
    assert api.data(asked) == {
        "stats": {"clusters": 2, "members": 24, "businesses": 1, "businessMembers": CLIENTS},
        "publishedRun": {"clusters": 2, "businesses": 1},
    }


def test_without_businesses_the_campaigns_are_the_same(open_database: Store, outcome: Outcome) -> None:
    before = read_members(open_database), read_clusters(open_database).drop("status")
    detect(open_database, InProcessDetector(), Parameters(min_coordination=2.0))
    assert read_clusters(open_database, BUSINESS).is_empty()
    assert read_members(open_database).equals(before[0])
    assert read_clusters(open_database).drop("status").equals(before[1])


def test_a_business_keeps_its_id_and_what_was_decided_also_as_a_campaign(days: Days) -> None:
    days.day(A, Ring(B, addresses(1, 4), Assessment.LIKELY_BUSINESS))
    _, name = days.ids
    wish = DecisionRequest(On.CLUSTER, name, Topic.DISPOSITION, "dismissed")
    record_decision(days.store, person("ada"), wish, datetime.now(UTC))
    days.day(A, Ring(B, addresses(1, 4), Assessment.LIKELY_BUSINESS))
    assert days.ids[1] == name
    days.day(A, Ring(B, addresses(1, 4)))
    assert days.ids[1] == name
    assert statuses(days.store)[name] == "dismissed"
    assert name in set(read_members(days.store)["cluster_id"])


def test_events_of_businesses_are_told_when_asked_for(days: Days, cli_environment: Path) -> None:
    days.day(A, Ring(B, {}, Assessment.LIKELY_BUSINESS))
    campaign, business = days.ids
    by_default, all_of_them = (
        {row["id"] for row in json.loads(CliRunner().invoke(app, ["lineage", "--json", *more]).stdout)}
        for more in ([], ["--businesses"])
    )
    assert (by_default, all_of_them) == ({campaign}, {campaign, business})
    days.day(A)
    assert set(read_run_events(days.store, "run-2", (Assessment.CAMPAIGN,))["id"]) == {campaign}
    dormant = read_run_events(days.store, "run-2", BUSINESS)
    assert dormant.select("id", "kind").rows() == [(business, "dormant")]


def test_the_difference_of_runs_is_of_campaigns(days: Days) -> None:
    days.day(A, Ring(B, {}, Assessment.LIKELY_BUSINESS))
    days.day(A, Ring(B, {}))
    found = read_differences(days.store, "run-1", "run-2").clusters
    assert dict(found.select("cluster", "kind").rows()) == {days.ids[0]: "same", days.ids[1]: "born"}
