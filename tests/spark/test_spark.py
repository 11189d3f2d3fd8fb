"""Promise: the engine spark finds what one process finds, to the last bit: a bundle's graph, its links and clusters,
however its rows are divided and ordered; it publishes them, and its failures say what to do."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from graphs import ring_bundle
from worlds import world

from bench.worlds import graph_of_bundle
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.engines import SPARK, Engine, build_detector
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect, find
from graphsvc.errors import BundleError, DetectionError, NothingLoaded, ResourceError, SparkError
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.pairs import enumerate_links
from graphsvc.linkage.signals import Incidence
from graphsvc.loading import load_bundle
from graphsvc.loading.spark import SparkSource
from graphsvc.measure import Clock
from graphsvc.model.graph import SignalGraph
from graphsvc.model.links import Links
from graphsvc.signals.tokens import Tokeniser
from graphsvc.signing import Signer
from graphsvc.spark import session as sessions
from graphsvc.spark.session import Work, open_session
from graphsvc.store import Store
from graphsvc.store.snapshots import Snapshots
from graphsvc.types import ignore_progress
from graphsvc.verification import verify_run

pytestmark = pytest.mark.spark
pyspark = pytest.importorskip("pyspark")

OURS = Signer(bytes(range(32)))
SMALL = {"spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "2"}


@pytest.fixture(scope="module")
def session() -> Iterator["pyspark.sql.SparkSession"]:
    opened = open_session("local[2]", SMALL)
    yield opened
    opened.stop()


@pytest.fixture
def work(session: "pyspark.sql.SparkSession", tmp_path: Path) -> Work:
    return Work(session, str(tmp_path / "work"))


def write_world(directory: Path, name: str, accounts: int) -> Path:
    directory.mkdir()
    for table, frame in world(name, accounts).items():
        frame.write_parquet(directory / f"{table}.parquet")
    return directory


def source_of(bundle: Path, tokens: Tokeniser, work: Work) -> SparkSource:
    return SparkSource(str(bundle), tokens, None, work)


def is_same_graph(one: SignalGraph, other: SignalGraph) -> bool:
    for name in ("accounts", "signals", "activity"):
        assert getattr(one, name).equals(getattr(other, name)), name
    for name in ("account", "signal", "first_seen", "last_seen"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    return one.fingerprint() == other.fingerprint()


def is_same_links(one: Links, other: Links) -> bool:
    return all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes()
        for name in ("source", "target", "bits", "values")
    )


@pytest.mark.parametrize(("name", "accounts"), [("hard", 6_000), ("demo", 3_000)])
def test_the_clusters_of_a_world_are_those_of_one_process(
    work: Work, tokens: Tokeniser, tmp_path: Path, name: str, accounts: int
) -> None:
    bundle = write_world(tmp_path / "bundle", name, accounts)
    source = source_of(bundle, tokens, work)
    graph = source.read(ignore_progress)
    assert is_same_graph(graph, graph_of_bundle(bundle, tokens))
    detector = InProcessDetector()
    ours, our_links, _ = find(graph, detector, Parameters(), Clock(), ignore_progress, source=source)
    theirs, links, _ = find(graph, detector, Parameters(), Clock(), ignore_progress)
    assert is_same_links(our_links, links)
    assert ours.clusters.height
    for frame in ("clusters", "members", "shared", "links", "grown"):
        assert getattr(ours, frame).equals(getattr(theirs, frame)), frame
    assert ours.fingerprint(graph) == theirs.fingerprint(graph)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_parts_and_the_order_of_rows_change_nothing(
    session: "pyspark.sql.SparkSession", work: Work, tokens: Tokeniser, tmp_path: Path, parts: int
) -> None:
    bundle = tmp_path / "bundle"
    for table, frame in world("hard", 700, 3).items():
        # Rows are there in another order, in several files, and some of them twice.
        mixed = pl.concat([frame, frame.head(40)]).sample(fraction=1.0, shuffle=True, seed=parts)
        for at, part in enumerate(mixed.iter_slices(-(-mixed.height // parts))):
            (bundle / table).mkdir(parents=True, exist_ok=True)
            part.write_parquet(bundle / table / f"part-{at}.parquet")
    session.conf.set("spark.sql.shuffle.partitions", str(parts))
    try:
        source = source_of(bundle, tokens, work)
        graph = source.read(ignore_progress)
        assert is_same_graph(graph, graph_of_bundle(bundle, tokens))
        incidence = Incidence.of(with_levels(graph))
        for least in (1, 2):
            links = enumerate_links(incidence, min_values=least)
            assert len(links)
            found = source.link(incidence, min_values=least, memory=1 << 20, progress=ignore_progress)
            assert is_same_links(found, links)
    finally:
        session.conf.set("spark.sql.shuffle.partitions", SMALL["spark.sql.shuffle.partitions"])


def test_rows_are_judged_merged_and_hashed_as_by_a_load(
    work: Work, tokens: Tokeniser, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    made, later = "2026-03-01T10:00:00Z", "2026-03-02T10:00:00.123456Z"
    (bundle / "accounts.csv").write_text(
        "account_id,created_at,status,status_changed_at,email,display_name,plan,other\n"
        f'a1,{made},,,"Jane.Doe@example.com","Doe, ""Jane""",free,x\n'
        f"a1,{later},banned,{later},janedoe@example.com,Jane Doe,,\n"
        f"a2,{made},,,not an address,,pro,\n"
        "a3,yesterday,,,,,,\n"
    )
    sessions_of = [
        ("a1", "198.51.100.7", 64500, "d1", made, made, 3),
        ("a1", "198.51.100.7", 64500, "d1", made, made, 3),
        ("a1", "198.51.100.7", 64501, "d1", made, later, 5),
        ("a2", "198.51.100.9", None, "d1", made, later, 5),
        ("a2", "2001:db8::1", None, None, made, made, 1),
        ("stranger", "198.51.100.7", None, "d9", made, made, 1),
        ("a2", "no address", None, "d2", made, made, 1),
    ]
    columns = ["account_id", "ip", "asn", "device", "first_seen", "last_seen", "requests"]
    pl.DataFrame(sessions_of, schema=columns, orient="row").write_csv(bundle / "sessions.csv")
    with (bundle / "sessions.csv").open("a") as more:
        more.write(f"a2,198.51.100.77,,d3,{made},{made},1,and,more\n")
    networks = [("198.51.100.0/24", 64499, "Rack", "hosting"), (None, 64501, "Other", "vpn")]
    pl.DataFrame(networks, schema=["cidr", "asn", "name", "network_class"], orient="row").write_csv(
        bundle / "networks.csv"
    )
    traffic = [("a1", "2026-03-01T10:00:00Z", 3, None)] * 2 + [("a1", "2026-03-01T10:00:00Z", 4, "m")]
    pl.DataFrame(traffic, schema=["account_id", "hour", "requests", "model"], orient="row").write_csv(
        bundle / "activity.csv"
    )
    lines: list[str] = []
    source = SparkSource(str(bundle), tokens, lambda ids: ids.filter(ids == "a2"), work, say=lines.append)
    graph = source.read(ignore_progress)
    assert graph.accounts["id"].to_list() == ["a1"]
    assert any("accounts/not_a_time" in line for line in lines)
    assert any("sessions/malformed_row" in line for line in lines)
    whole = source_of(bundle, tokens, work)
    assert is_same_graph(whole.read(ignore_progress), graph_of_bundle(bundle, tokens))
    # What is kept between the steps holds no raw value.
    kept = b"".join(path.read_bytes() for path in Path(work.directory).rglob("*.parquet"))
    assert b"example.com" in kept
    for raw in (b"jane", b"Jane", b"d1\0"):
        assert raw not in kept


@pytest.mark.neo4j
def test_what_is_found_is_published_and_can_be_verified_without_spark(
    database: Store, work: Work, tokens: Tokeniser, tmp_path: Path
) -> None:
    bundle = ring_bundle(tmp_path / "bundle", singles=150)
    for table in ("accounts", "payments", "sessions"):
        pl.read_ndjson(bundle / f"{table}.ndjson").write_parquet(bundle / f"{table}.parquet")
        (bundle / f"{table}.ndjson").unlink()
    snapshots = Snapshots(tmp_path / "runs", 2)
    detector = build_detector(SPARK, database.driver, database.address.database)
    source = source_of(bundle, tokens, work)
    first = detect(database, detector, Parameters(), signer=OURS, snapshots=snapshots, source=source)
    assert first.clusters == 2
    assert first.run.engine == SPARK
    # The rings are there, and not all the single accounts.
    (counts,) = database.read("detect/counts")
    assert counts["accounts"] == 24
    assert verify_run(database, first.run.id, detector, OURS, snapshots).holds
    load_bundle(database, bundle, tokens, tmp_path / "dead")
    again = detect(
        database, build_detector(Engine.INPROCESS, database.driver, None), Parameters(), signer=OURS
    )
    hashes = [
        verify_run(database, run, detector, OURS, snapshots).certificate
        for run in (first.run.id, again.run.id)
    ]
    assert hashes[0].result_hash == hashes[1].result_hash
    assert hashes[0].input_hash == hashes[1].input_hash


def test_what_cannot_be_read_is_named(work: Work, tokens: Tokeniser, tmp_path: Path) -> None:
    bundle = ring_bundle(tmp_path / "bundle", singles=5)
    with pytest.raises(BundleError, match="no table accounts"):
        source_of(bundle, tokens, work).read(ignore_progress)
    pl.DataFrame({"account_id": ["a"]}).write_parquet(bundle / "accounts.parquet")
    with pytest.raises(BundleError, match="created_at"):
        source_of(bundle, tokens, work).read(ignore_progress)
    (bundle / "accounts.parquet").write_bytes(b"this is no Parquet")
    with pytest.raises(SparkError, match=r"accounts\.parquet cannot be read") as failed:
        source_of(bundle, tokens, work).read(ignore_progress)
    assert failed.value.code == "spark"
    pl.DataFrame({"account_id": ["a"], "created_at": ["never"]}).write_parquet(bundle / "accounts.parquet")
    with pytest.raises(NothingLoaded, match="accounts keeps 0 of 1 rows") as refused:
        source_of(bundle, tokens, work).read(ignore_progress)
    assert "not_a_time" in str(refused.value)
    pl.DataFrame(schema={"account_id": pl.String, "created_at": pl.String}).write_parquet(
        bundle / "accounts.parquet"
    )
    with pytest.raises(DetectionError, match="no accounts"):
        source_of(bundle, tokens, work).read(ignore_progress)
    pl.DataFrame({"id": ["o"]}).write_parquet(bundle / "outcomes.parquet")
    with pytest.raises(BundleError, match="outcomes"):
        source_of(bundle, tokens, work).read(ignore_progress)


def test_a_graph_that_does_not_fit_is_not_collected(work: Work, tokens: Tokeniser, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    pl.DataFrame({"account_id": ["a"], "created_at": ["2026-03-01T10:00:00Z"]}).write_parquet(
        bundle / "accounts.parquet"
    )
    source = SparkSource(str(bundle), tokens, None, work, memory=1 << 20)
    with pytest.raises(ResourceError):
        source.read(ignore_progress)


def test_workers_of_other_versions_are_refused(
    session: "pyspark.sql.SparkSession", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "version", lambda _name: "0.0")
    with pytest.raises(SparkError, match="other versions"):
        sessions._check_versions(session)
