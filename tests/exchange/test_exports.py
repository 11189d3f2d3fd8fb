"""Promise: a cluster leaves as STIX, CSV or Parquet to who may, on record, addresses only if they say why."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import stix2
from api import Api, write
from fastapi.testclient import TestClient
from httpx import Response
from typer.testing import CliRunner

from graphsvc.api.app import create_app
from graphsvc.api.auth import keys
from graphsvc.cli.commands import app
from graphsvc.exchange.stix import MARKINGS
from graphsvc.exchange.tlp import Tlp
from graphsvc.settings import Settings
from graphsvc.store import Store

ADDRESS = "203.0.113.7"
REASON = "abuse case 4711, seizure"


@pytest.fixture
def client(database: Store, installation: Settings) -> Iterator[TestClient]:
    write(database, "published")
    with TestClient(create_app(installation, database.address)) as client:
        yield client


@pytest.fixture
def viewer(client: TestClient, installation: Settings) -> Api:
    return Api(client, keys.create_key(installation.keys_dir, keys.Role.VIEWER))


@pytest.fixture
def analyst(client: TestClient, installation: Settings) -> Api:
    return Api(client, keys.create_key(installation.keys_dir, keys.Role.ANALYST))


def get(api: Api, cluster: str = "c-large", **asked: str) -> Response:
    headers = {"Authorization": f"Bearer {api.key}"}
    return api.client.get(f"/clusters/{cluster}/export", params=asked, headers=headers)


def bundle(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return stix2.parse(answer.text, allow_custom=True)


def test_a_bundle_is_valid_and_holds_the_cluster(viewer: Api) -> None:
    found = bundle(get(viewer))
    kinds = [each["type"] for each in found.objects]
    assert kinds.count("user-account") == 8
    (grouping,) = [each for each in found.objects if each["type"] == "grouping"]
    ids = {each["id"] for each in found.objects}
    assert set(grouping.object_refs) <= ids
    assert grouping.confidence == 97
    (seen,) = [each for each in found.objects if each["type"] == "observed-data"]
    assert len(seen.object_refs) == 8
    relations = [each for each in found.objects if each["type"] == "relationship"]
    assert {(each.relationship_type) for each in relations} == {"based-on", "related-to"}
    assert {end for each in relations for end in (each.source_ref, each.target_ref)} <= ids
    assert {ref for each in found.objects for ref in each.get("object_marking_refs", [])} == {
        MARKINGS[Tlp.AMBER]
    }
    assert MARKINGS[Tlp.AMBER] in ids


def test_the_same_cluster_is_the_same_bundle(viewer: Api) -> None:
    assert get(viewer).content == get(viewer).content
    red = bundle(get(viewer, tlp="red"))
    assert MARKINGS[Tlp.RED] in {each["id"] for each in red.objects}


@pytest.mark.parametrize("form", ["stix", "csv", "parquet"])
def test_addresses_are_left_out_and_counted(viewer: Api, form: str) -> None:
    answer = get(viewer, format=form)
    assert ADDRESS.encode() not in answer.content
    assert answer.headers["X-Addresses-Left-Out"] == "1"
    assert "attachment" in answer.headers["Content-Disposition"]


def test_who_says_why_has_them_and_it_is_on_record(analyst: Api, database: Store) -> None:
    found = bundle(get(analyst, reason=REASON))
    patterns = {each.pattern for each in found.objects if each["type"] == "indicator"}
    assert f"[ipv4-addr:value = '{ADDRESS}']" in patterns
    (row,) = database.read("audit/entries")
    entry = row["entry"]
    assert (entry["action"], entry["subject"], entry["reason"]) == ("export", "c-large", REASON)
    assert json.loads(entry["details"]) == {"addresses": True, "format": "stix", "members": 8, "tlp": "amber"}


def test_who_may_not_gets_nothing_and_leaves_no_record(viewer: Api, analyst: Api, database: Store) -> None:
    assert get(viewer, reason=REASON).status_code == 403
    assert get(Api(viewer.client, "a.b")).status_code == 401
    assert get(analyst, reason="short").status_code == 400
    assert get(analyst, format="pdf").status_code == 400
    assert get(analyst, tlp="blue").status_code == 400
    assert get(analyst, "nobody").status_code == 404
    assert not database.read("audit/entries")


def test_a_log_that_cannot_be_written_keeps_the_cluster_in(analyst: Api, database: Store) -> None:
    write(database, "unwritable_log")
    assert get(analyst).status_code >= 500


def test_tables_hold_members_with_why(viewer: Api) -> None:
    csv = pl.read_csv(io.BytesIO(get(viewer, format="csv").content))
    parquet = pl.read_parquet(io.BytesIO(get(viewer, format="parquet").content))
    assert csv["account_id"].to_list() == parquet["account_id"].to_list() == [f"a{n:02}" for n in range(1, 9)]
    assert parquet["why"][0].startswith("Belongs with")
    assert {row["family"] for row in json.loads(parquet["evidence"][0])} == {
        "device",
        "network",
        "payment",
        "prior",
    }


def test_the_command_writes_what_the_service_sends(
    viewer: Api, database: Store, cli_environment: Path, tmp_path: Path
) -> None:
    out = tmp_path / "c.json"
    done = CliRunner().invoke(app, ["export", "cluster", "c-large", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "8 members; 1 addresses are hidden" in done.stdout
    assert out.read_bytes() == get(viewer).content
    assert (
        CliRunner().invoke(app, ["export", "cluster", "c-large", "--out", str(tmp_path / "c.txt")]).exit_code
    )
