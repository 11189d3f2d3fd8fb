"""Promise: what is kept of a published cluster is what the database says of it; nobody else can read it, it is bounded,
and it goes with its run and with an account that is forgotten, whoever is about to keep something."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from graphs import ring_bundle, write_bundle
from published import SIGNER, person

from graphsvc.analysis.anatomy import Anatomy
from graphsvc.analysis.published import read_impact, read_parts_without, read_weak_points
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.model.graph import SignalGraph
from graphsvc.scoring.files import IndexFiles
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store, cluster_files
from graphsvc.store.cluster_files import ClusterFiles, PublishedCluster
from graphsvc.store.cluster_graph import read_cluster_evidence
from graphsvc.store.forgetting import forget_accounts
from graphsvc.store.published import read_members
from graphsvc.store.snapshots import Snapshots
from graphsvc.store.surroundings import read_surroundings

MEMBER = "acct-00001"


class World:
    """A ring that was loaded, detected and published, and the files of its run."""

    def __init__(self, store: Store, tokens: Tokeniser, directory: Path) -> None:
        self.store, self.tokens, self.directory = store, tokens, directory
        self.snapshots = Snapshots(directory / "runs", 1)
        self.files = ClusterFiles(self.snapshots)
        load_bundle(store, ring_bundle(directory / "bundle", singles=60), tokens, directory / "dead")
        self.detect()
        members = read_members(store)
        self.id = str(members.filter(pl.col("account_id") == MEMBER)["cluster_id"][0])

    def detect(self) -> None:
        detect(self.store, InProcessDetector(), Parameters(), signer=SIGNER, snapshots=self.snapshots)

    @property
    def cluster(self) -> PublishedCluster:
        return self.files.find_cluster(self.store, self.id)

    def list_kept(self) -> list[Path]:
        return sorted(path for path in (self.directory / "runs").rglob("*/clusters/*"))

    def forget(self, account: str = MEMBER) -> None:
        indexes = IndexFiles(self.directory / "score")
        forget_accounts(self.store, person("ann"), self.snapshots, indexes, [account])

    def estimate(self, files: ClusterFiles) -> object:
        return read_impact(self.store, files, self.id, [], least_membership=0.0, stages=3, most_innocents=3.0)


@pytest.fixture
def world(database: Store, tokens: Tokeniser, tmp_path: Path) -> World:
    return World(database, tokens, tmp_path)


def test_what_is_kept_is_what_the_database_says(world: World) -> None:
    read = read_cluster_evidence(world.store, world.id)
    near, users = read_surroundings(world.store, read.members["id"].to_list())
    for _ in range(2):  # made of the snapshot, then read from the file
        found = world.files.load_surroundings(world.store, world.cluster)
        assert found is not None
        evidence, around = found
        assert evidence.members.equals(read.members)
        assert evidence.signals.equals(read.signals)
        assert evidence.population == read.population
        for name in ("account", "signal", "first_seen", "last_seen", "passing"):
            assert np.array_equal(getattr(evidence, name), getattr(read, name)), name
        told = around.select(np.ones(read.members.height, dtype=np.bool_))
        assert told[0].equals(near)
        assert told[1].sort("signal", "account").equals(users)
    # Of a part of the members, too.
    some = np.arange(read.members.height) % 3 == 0
    near, users = read_surroundings(world.store, read.members["id"].filter(pl.Series(some)).to_list())
    told = around.select(some)
    assert told[0].equals(near)
    assert told[1].sort("signal", "account").equals(users)


def test_questions_have_the_answers_that_the_database_gives(world: World) -> None:
    without = ClusterFiles(Snapshots(world.directory / "none", 0))
    asked = (world.id, ["ip:203.0.0.1"], ["payment"], ["acct-00003"])
    for _ in range(2):
        assert read_parts_without(world.store, world.files, *asked) == read_parts_without(
            world.store, without, *asked
        )
        assert read_weak_points(world.store, world.files, world.id, 2) == read_weak_points(
            world.store, without, world.id, 2
        )
        assert world.estimate(world.files) == world.estimate(without)
    assert not (world.directory / "none").exists()
    assert len(world.list_kept()) == 4
    for path in world.list_kept():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_answers_are_those_of_the_run_but_statuses_are_those_of_now(world: World) -> None:
    before = world.files.load_evidence(world.store, world.cluster)
    ban = {"account_id": MEMBER, "created_at": "2026-03-01T04:40:00Z", "status": "banned"}
    late = {"account_id": "late-1", "created_at": "2026-03-25T09:00:00Z"}
    seen = {"first_seen": "2026-03-25T09:00:00Z", "last_seen": "2026-03-26T21:00:00Z", "requests": 5}
    bundle = write_bundle(
        world.directory / "late",
        accounts=[{**ban, "status_changed_at": "2026-03-26T00:00:00Z"}, late],
        sessions=[{"account_id": "late-1", "ip": "203.0.0.1", **seen}],
    )
    impact = world.estimate(world.files)
    load_bundle(world.store, bundle, world.tokens, world.directory / "dead")
    after = world.files.load_evidence(world.store, world.cluster)
    assert after.signals.equals(before.signals)  # the late account counts from the next run on
    banned = world.estimate(world.files)
    assert (impact.inactive, banned.inactive) == (0, 1)  # type: ignore[attr-defined]
    world.detect()
    assert not world.list_kept()  # the run before was pruned, and its files with it
    now = world.files.load_evidence(world.store, world.cluster)
    assert now.population == before.population + 1


def test_nothing_of_a_forgotten_account_is_kept(world: World) -> None:
    read_weak_points(world.store, world.files, world.id)
    world.estimate(world.files)
    assert world.list_kept()
    world.forget()
    assert not world.list_kept()
    assert not list((world.directory / "runs").iterdir())
    # Asked again, the database answers, and nothing is kept until the next run.
    assert MEMBER not in str(read_weak_points(world.store, world.files, world.id))
    assert not world.list_kept()


@pytest.mark.parametrize("moment", ["while the graph is read", "while the file is written"])
def test_who_is_about_to_keep_an_account_that_is_forgotten_keeps_nothing(
    world: World, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if moment == "while the graph is read":
        load = Snapshots.load

        def load_and_forget(self: Snapshots, run: str, *, activity: bool = True) -> SignalGraph | None:
            found = load(self, run, activity=activity)
            monkeypatch.undo()
            world.forget()
            return found

        monkeypatch.setattr(Snapshots, "load", load_and_forget)
    else:
        pack = cluster_files._pack_frames

        def pack_and_forget(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
            monkeypatch.undo()
            world.forget()  # the draft is open
            return pack(frames)

        monkeypatch.setattr(cluster_files, "_pack_frames", pack_and_forget)
    world.files.load_evidence(world.store, world.cluster)
    assert not list((world.directory / "runs").rglob("*"))


def test_several_build_the_same_at_once(world: World) -> None:
    cluster = world.cluster
    with ThreadPoolExecutor(4) as pool:
        files = [ClusterFiles(world.snapshots) for _ in range(4)]
        found = list(pool.map(lambda each: each.load_evidence(world.store, cluster), files))
    assert all(each.signals.equals(found[0].signals) for each in found)
    assert [path.name for path in world.list_kept()] == [f"{world.id}.uses.arrow"]


def test_a_damaged_file_is_made_again(world: World) -> None:
    expected = read_weak_points(world.store, world.files, world.id)
    for path in world.list_kept():
        path.write_bytes(path.read_bytes()[:100])
    assert read_weak_points(world.store, world.files, world.id) == expected
    kept = world.files.answer(world.cluster, "weak-points-8-None", Anatomy, pytest.fail)
    assert kept == expected


def test_the_oldest_go_where_there_are_too_many_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.files.load_evidence(world.store, world.cluster)
    (uses,) = world.list_kept()
    monkeypatch.setattr(cluster_files, "MOST_BYTES", uses.stat().st_size)
    read_weak_points(world.store, world.files, world.id)
    assert [path.name for path in world.list_kept()] == [f"{world.id}.weak-points-8-None.json"]


def test_what_is_kept_can_go_without_the_graph_of_the_run(world: World) -> None:
    """As when the token key is rotated, after which signals have other keys."""
    expected = read_weak_points(world.store, world.files, world.id)
    world.snapshots.drop_clusters()
    assert not world.list_kept()
    assert world.snapshots.load(world.cluster.run) is not None
    assert read_weak_points(world.store, world.files, world.id) == expected
    assert not world.list_kept()
