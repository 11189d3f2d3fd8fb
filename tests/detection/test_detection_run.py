"""Promise: a run finds the rings and spares the rest, the same in every run, and publishes whole or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from graphs import ring_bundle, write_bundle

from graphsvc.campaigns.budget import FLOOR, LEAST_INNOCENTS
from graphsvc.campaigns.parameters import Parameters
from graphsvc.campaigns.score import TIME
from graphsvc.community.engines import SPARK
from graphsvc.community.gds import GdsDetector
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.community.protocol import Detector
from graphsvc.detection import Outcome, detect
from graphsvc.errors import DetectionError
from graphsvc.loading import load_bundle
from graphsvc.model.runs import Algorithm
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.published import read_clusters, read_members
from graphsvc.store.runs import list_runs, read_published_run
from graphsvc_lab.evaluation.metrics import evaluate
from graphsvc_lab.evaluation.truth import read_truth

MOMENT = "2026-03-25T09:00:00Z"


@pytest.fixture
def rings(database: Store, tokens: Tokeniser, tmp_path: Path) -> Path:
    """A loaded bundle of two rings of twelve among 400 others."""
    bundle = ring_bundle(tmp_path / "bundle")
    load_bundle(database, bundle, tokens, tmp_path / "dead")
    return bundle


def run(store: Store, detector: Detector | None = None, **parameters: object) -> Outcome:
    # The engine that runs by default, and starts at once; `test_engines` holds the two against each other.
    return detect(store, detector or InProcessDetector(), Parameters(**parameters))  # type: ignore[arg-type]


# `test_engines` holds all algorithms of both engines to one contract.
@pytest.mark.parametrize(
    "algorithm",
    [each if each is Algorithm.LEIDEN else pytest.param(each, marks=pytest.mark.slow) for each in Algorithm],
)
def test_rings_are_found_by_every_algorithm(database: Store, rings: Path, algorithm: Algorithm) -> None:
    outcome = run(database, GdsDetector(database.driver, database.address.database), algorithm=algorithm)
    figures = evaluate(read_truth(rings / "truth.parquet"), read_members(database))
    said = (outcome.clusters, figures.precision.rate, figures.recall.rate, figures.campaigns_found.rate)
    assert said == (2, 1.0, 1.0, 1.0)


def test_an_office_beside_the_rings_is_spared(
    database: Store, rings: Path, tokens: Tokeniser, tmp_path: Path
) -> None:
    # Thirty people behind one address who pay with one of two cards and say whom they work for.
    accounts, payments, sessions = [], [], []
    for number in range(30):
        seen = {"account_id": f"office-{number:02}", "first_seen": MOMENT, "last_seen": MOMENT}
        made = f"2026-03-{1 + number % 20:02}T{8 + number % 9:02}:{number:02}:00Z"
        accounts.append({"account_id": seen["account_id"], "created_at": made, "organization": "Example Ltd"})
        payments.append({**seen, "instrument": f"fp_office_{number % 2}", "kind": "card"})
        sessions.append({**seen, "ip": "192.0.2.1", "device": f"dev_office_{number}", "requests": 5})
    office = write_bundle(tmp_path / "office", accounts=accounts, payments=payments, sessions=sessions)
    load_bundle(database, office, tokens, tmp_path / "dead")
    outcome = run(database)
    assert outcome.links >= 30 * 14 // 2
    assert outcome.clusters == 2
    assert not [account for account in read_members(database)["account_id"] if account.startswith("office")]


def test_what_the_run_set_itself_is_kept_with_it(database: Store, rings: Path) -> None:
    run(database)
    (kept,) = database.read("query/published_run")
    thresholds = json.loads(kept["run"]["thresholds"])
    found = read_members(database)
    assert FLOOR <= thresholds["membership"] <= float(found["membership"].min())  # type: ignore[arg-type]
    # The budget is of memberships: how likely a cluster is a campaign is asked apart, and is expected of both.
    assert float((1.0 - found["membership"]).sum()) <= LEAST_INNOCENTS
    doubts = 1.0 - found["membership"] * found["cluster_score"]
    assert thresholds["expected_innocents"] == pytest.approx(float(doubts.sum()))
    assert 0 <= thresholds["low_innocents"] <= thresholds["likely_innocents"] <= thresholds["high_innocents"]
    assert json.loads(kept["run"]["parameters"])["budget"] == Parameters().budget


def test_evidence_from_time_can_be_left_out_and_leaves_a_run_less_sure(database: Store, rings: Path) -> None:
    run(database)
    timed = read_clusters(database)
    run(database, time=(), min_score=0.01)
    untimed = read_clusters(database)
    assert timed.height == untimed.height == 2
    assert max(untimed["cluster_score"]) < min(timed["cluster_score"])
    for row in timed.iter_rows(named=True):
        assert {"prior", "shared", "lockstep"} <= {part["name"] for part in row["score_parts"]}
    for row in untimed.iter_rows(named=True):
        assert not {part["name"] for part in row["score_parts"]} & set(TIME)
    # What reaches a score by its evidence from time does not without.
    between = (float(max(untimed["cluster_score"])) + float(min(timed["cluster_score"]))) / 2
    assert run(database, min_score=between).clusters == 2
    assert run(database, min_score=between, time=()).clusters == 0


def test_a_score_nobody_reaches_publishes_nobody(database: Store, rings: Path) -> None:
    assert run(database, min_score=1.0).clusters == 0
    assert run(database, min_size=13).clusters == 0


def test_without_rounds_cores_are_published_as_they_are(
    database: Store, rings: Path, tokens: Tokeniser, tmp_path: Path
) -> None:
    # One who comes from an address of each ring on another day, of whose cards and devices nothing is known: no link,
    # and enough to belong.
    late = [f"late-{ring}" for ring in range(2)]
    seen = {"first_seen": MOMENT, "last_seen": "2026-03-26T21:00:00Z", "requests": 5}
    sessions = [{"account_id": name, "ip": f"203.0.{ring}.1", **seen} for ring, name in enumerate(late)]
    accounts = [{"account_id": name, "created_at": MOMENT} for name in late]
    load_bundle(
        database, write_bundle(tmp_path / "late", accounts=accounts, sessions=sessions), tokens, tmp_path
    )
    truth = read_truth(rings / "truth.parquet").filter(pl.col("campaign_id").is_not_null())
    cores = set(truth["account_id"])
    run(database, rounds=0)
    assert set(read_members(database)["account_id"]) == cores
    run(database)
    assert set(read_members(database)["account_id"]) == cores | set(late)


def test_the_same_graph_gives_the_same_result_and_hashes(database: Store, rings: Path) -> None:
    run(database)
    first, first_members = published_run(database), read_members(database)
    run(database)
    second = published_run(database)
    assert read_members(database).equals(first_members)
    assert second["id"] != first["id"]
    assert (second["inputHash"], second["resultHash"]) == (first["inputHash"], first["resultHash"])


def test_everything_a_cluster_shows_can_be_explained(database: Store, rings: Path) -> None:
    run(database)
    for row in read_clusters(database).iter_rows(named=True):
        kinds = {signal["kind"] for signal in row["evidence"]}
        assert kinds == {"instrument", "ip", "device"}
        assert all(signal["bits"] > 0 and signal["accounts"] > 1 for signal in row["evidence"])
        assert "payment instruments" in row["summary"]
        assert 0.5 <= row["cluster_score"] <= 1.0


def test_a_run_that_fails_leaves_what_was_published(database: Store, rings: Path) -> None:
    run(database)
    before = read_members(database)

    class Broken(InProcessDetector):
        def communities(self, *_args: object, **_options: object) -> object:  # type: ignore[override]
            raise DetectionError("The engine is broken.", "Mend it.")

    with pytest.raises(DetectionError):
        run(database, Broken())
    assert read_members(database).equals(before)
    assert [row["status"] for row in database.read("detect/runs")] == ["failed", "published"]


def test_an_interrupted_run_is_swept_up_by_the_next(database: Store, rings: Path) -> None:
    run(database)
    before = read_members(database)
    database.write("publish/begin", **interrupted())
    rows = {name: [value] for name, value in staged().items()}
    database.write("publish/clusters", run="r-interrupted", **rows)
    assert read_members(database).equals(before)
    run(database)
    assert [row["status"] for row in database.read("detect/runs")] == ["published", "failed", "superseded"]
    assert read_members(database).equals(before)


def test_an_empty_graph_is_said_to_be_empty(database: Store) -> None:
    with pytest.raises(DetectionError, match="no accounts"):
        run(database)


def test_no_links_publish_an_empty_result(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    load_bundle(database, ring_bundle(tmp_path / "b", rings=0, singles=30), tokens, tmp_path / "dead")
    assert run(database).clusters == 0
    assert read_members(database).is_empty()


def test_accounts_of_which_nothing_else_is_known_publish_an_empty_result(
    database: Store, tokens: Tokeniser, tmp_path: Path
) -> None:
    accounts = [{"account_id": f"a{n}", "created_at": "2026-03-01T00:00:00Z"} for n in range(12)]
    load_bundle(database, write_bundle(tmp_path / "b", accounts=accounts), tokens, tmp_path / "dead")
    assert run(database).clusters == 0
    assert read_members(database).is_empty()


def published_run(store: Store) -> dict[str, object]:
    return next(row for row in store.read("detect/runs") if row["status"] == "published")


def interrupted() -> dict[str, object]:
    empty = dict.fromkeys(("engine", "algorithm", "parameters", "versions", "input_hash"), "")
    numbers = dict.fromkeys(("seed", "accounts", "signals", "newest_signup"), 0)
    now = datetime.now(UTC)
    return {"id": "r-interrupted", "started_at": now, **empty, **numbers}


def staged() -> dict[str, object]:
    return {
        "id": "c1", "score": 1.0, "coordination": 1.0, "assessment": "campaign",
        "size": 1, "bits": 1.0, "families": ["x"], "first_seen": 0, "last_seen": 0,
        "summary": "", "parts": "[]", "rank": 1,
    }  # fmt: skip


def test_a_part_of_what_spark_detected_in_does_not_replace_its_clusters(rings: Path, database: Store) -> None:
    first = run(database, InProcessDetector(SPARK))
    # The entire bundle is here: a run reads no less than the one before.
    second = run(database, InProcessDetector(SPARK))
    assert second.run.accounts == first.run.accounts
    database.write("tests/read_elsewhere", run=second.run.id, accounts=100_000)
    with pytest.raises(DetectionError, match="100,000 accounts on Spark"):
        run(database)
    assert read_published_run(database).id == second.run.id  # type: ignore[union-attr]
    assert [each["id"] for each in list_runs(database)] == [second.run.id, first.run.id]
