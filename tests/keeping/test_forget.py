"""Promise: a forgotten account is nowhere, and what only it used is not either; what others share, what was decided and
the audit log stay whole; no load brings it back unless somebody allows it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import run_command
from graphs import checksum, ring_bundle, write_bundle
from published import SIGNER, person

from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.errors import KeepingError, LoadError, NotFound
from graphsvc.loading import LoadReport, load_bundle
from graphsvc.model.decisions import On, Topic
from graphsvc.scoring.files import IndexFiles
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.audit_log import LAST, EntryFilter, read_page, verify_log
from graphsvc.store.decisions import DecisionRequest, read_decision_log, record_decision
from graphsvc.store.forgetting import allow_accounts, find_traces, forget_accounts
from graphsvc.store.queries.nodes import CLUSTER
from graphsvc.store.snapshots import Snapshots

GONE, OTHER = "acct-00001", "acct-00002"
NAME = SIGNER.derive_pseudonym(GONE)
NOW = datetime(2026, 3, 9, tzinfo=UTC)


class World:
    """A loaded graph, and what loads into it and detects on it."""

    def __init__(self, store: Store, tokens: Tokeniser, directory: Path) -> None:
        self.store, self.tokens, self.directory = store, tokens, directory
        self.snapshots = Snapshots(directory / "runs", 5)
        self.indexes = IndexFiles(directory / "score")
        self.bundle = ring_bundle(directory / "bundle", singles=60)
        hours = [
            {"account_id": each, "hour": "2026-03-05T01:00:00Z", "requests": 3} for each in (GONE, OTHER)
        ]
        seen = {"first_seen": NOW.isoformat(), "last_seen": NOW.isoformat()}
        rows = [{"account_id": GONE, "ip": "2001:db8:7::1", "device": "only", **seen}]
        with (self.bundle / "sessions.ndjson").open("a") as sessions:
            sessions.write("".join(json.dumps(row) + "\n" for row in rows))
        write_bundle(self.bundle, activity=hours)
        self.load()

    def load(self, again: bool = False) -> LoadReport:
        return load_bundle(
            self.store, self.bundle, self.tokens, self.directory / "dead", signer=SIGNER, again=again
        )

    def detect(self) -> str:
        return detect(
            self.store,
            InProcessDetector(),
            Parameters(),
            signer=SIGNER,
            snapshots=self.snapshots,
            indexes=self.indexes,
        ).run.id


@pytest.fixture
def world(database: Store, tokens: Tokeniser, tmp_path: Path) -> World:
    return World(database, tokens, tmp_path)


def everything(store: Store) -> str:
    """All that the database holds, as text."""
    return "\n".join(str(record) for record in store.stream("tests/all_values"))


def test_what_is_forgotten_is_nowhere_and_the_rest_stays(world: World, tmp_path: Path) -> None:
    store = world.store
    run = world.detect()
    clusters = {
        row["cluster_id"]: row["size"] for row in store.read("export/clusters", assessments=["campaign"])
    }
    auditor = person("ann")
    noted = f"as {GONE} and {GONE}0 say"
    record_decision(
        store, auditor, DecisionRequest(On.ACCOUNT, GONE, Topic.DISPOSITION, "confirmed", noted), NOW
    )
    record_decision(store, auditor, DecisionRequest(On.PAIR, GONE, Topic.PIN, "same", other=OTHER), NOW)
    run = world.detect()  # which honours the pin, and says so in its certificate
    record_decision(
        store, auditor, DecisionRequest(On.CLUSTER, next(iter(clusters)), Topic.DISPOSITION, "confirmed"), NOW
    )
    assert world.snapshots.load(run) is not None
    before = find_traces(store, SIGNER, world.snapshots, [GONE])[0]
    assert (before.there, before.decisions, before.clusters, before.months) == (True, 2, 2, 1)
    assert (before.signals, before.snapshots, before.entries) == (2, 2, 0)

    done = forget_accounts(store, auditor, world.snapshots, world.indexes, [GONE], "ticket 7")
    assert (done.accounts, done.runs) == ([before], [])
    left = everything(store).replace(f"{GONE}0", "")
    assert GONE not in left
    assert "2001:db8:7::" not in left  # the address that only it used, and its prefix
    assert OTHER in left
    assert world.snapshots.load(run) is None
    assert not [path for path in tmp_path.glob("dead/*") if GONE in path.read_text()]

    book = read_decision_log(store)
    assert [(each.subject, each.other) for each in book.decisions[:2]] == [(NAME, ""), (NAME, OTHER)]
    assert book.decisions[0].note == f"as {NAME} and {GONE}0 say"
    assert book.decisions[0].origin == NAME
    checked = verify_log(store, SIGNER)
    assert checked.holds, checked.faults
    entries = read_page(store, LAST, 9, EntryFilter(subject=GONE, account=NAME))
    acts = [each.entry.act for each in entries if each.entry]
    assert [(act.action, act.subject) for act in acts] == [
        ("forget", NAME),
        ("pin", NAME),
        ("disposition", NAME),
    ]
    assert acts[0].reason == "ticket 7"
    assert {
        row["cluster_id"]: row["size"] for row in store.read("export/clusters", assessments=["campaign"])
    } == clusters
    members = {
        row["cluster_id"]: len(row["account_id"])
        for row in store.read("export/members", assessments=["campaign"])
    }
    shown = [CLUSTER.parse(row) for row in store.read(CLUSTER.statement, ids=list(clusters))]
    lost = {each.id: each.members_forgotten for each in shown if each.members_forgotten}
    assert lost
    assert {key: size - lost.get(key, 0) for key, size in clusters.items()} == members
    world.detect()  # the next detection works, and knows nothing of it
    assert GONE not in everything(store).replace(f"{GONE}0", "")


def test_the_graph_is_the_one_without_the_account(world: World, database: Store) -> None:
    forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE, OTHER])
    after = checksum_of_graph(database)
    database.run_autocommit("bench/wipe")
    for path in world.bundle.glob("*.ndjson"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text(
            "".join(line for line in lines if json.loads(line)["account_id"] not in (GONE, OTHER))
        )
    world.load()
    assert checksum_of_graph(database) == after


def checksum_of_graph(store: Store) -> list[str]:
    """All nodes and edges that loading writes, without its books."""
    nodes = [str(record) for record in store.stream("bench/checksum") if "Load" not in record[0][0]]
    edges = [str(sorted(map(str, record))) for record in store.stream("bench/checksum_edges")]
    return sorted(nodes + edges)


def test_no_load_brings_it_back_unless_it_is_allowed(world: World, database: Store) -> None:
    before = checksum_of_graph(database)
    forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE])
    after = checksum_of_graph(database)
    report = world.load()
    assert report.rejected == {
        ("accounts", "forgotten_account"): 1,
        ("activity", "forgotten_account"): 1,
        ("payments", "forgotten_account"): 1,
        ("sessions", "forgotten_account"): 2,
    }
    assert checksum_of_graph(database) == after
    with pytest.raises(LoadError, match="forgotten"):
        load_bundle(database, world.bundle, world.tokens, world.directory / "dead")
    allow_accounts(database, person("ann"), [GONE], "came back")
    with pytest.raises(NotFound):
        allow_accounts(database, person("ann"), [GONE])
    world.load(again=True)
    assert checksum_of_graph(database) == before


def test_it_is_done_once_and_only_to_who_was_there(world: World, database: Store) -> None:
    with pytest.raises(NotFound, match="nobody"):
        forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE, "nobody"])
    assert find_traces(database, SIGNER, world.snapshots, [GONE])[0].there
    forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE])
    whole = checksum(database)
    again = forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE]).accounts[0]
    assert (again.there, again.forgotten) == (False, True)
    assert checksum(database) == whole
    assert verify_log(database, SIGNER).entries == 1


def test_a_kept_graph_left_by_one_that_was_killed_goes_when_it_is_done_again(
    world: World, database: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.detect()

    class Killed(Exception):
        pass

    def die(*_: object) -> int:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Snapshots, "drop", die)
        with pytest.raises(Killed):
            forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE])
    assert world.snapshots.load(run) is not None
    forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE])
    assert world.snapshots.load(run) is None


def test_an_open_load_is_waited_for(world: World, database: Store) -> None:
    database.run_transaction(("load/begin", {"id": "open", "bundle": "b"}))
    with pytest.raises(KeepingError, match="being loaded"):
        forget_accounts(database, person("ann"), world.snapshots, world.indexes, [GONE])
    assert find_traces(database, SIGNER, world.snapshots, [GONE])[0].there


def test_the_command(database: Store, installation: Settings, cli_environment: Path, tmp_path: Path) -> None:
    def graphsvc(*words: str) -> str:
        done = run_command(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    bundle = ring_bundle(tmp_path / "bundle", rings=1, singles=2)
    graphsvc("load", str(bundle))
    assert f"{GONE}: would go: the account, 3 uses" in graphsvc("forget", GONE, "--dry-run")
    assert f"{GONE}: gone" in graphsvc("forget", GONE, "--reason", "asked for")
    assert "was forgotten before" in graphsvc("forget", GONE)
    assert "forgotten_account" in graphsvc("load", str(bundle))
    assert "forget" in graphsvc("audit", "list", "--subject", GONE)
    assert GONE not in graphsvc("audit", "list")
    graphsvc("forget", GONE, "--allow")
    assert not Snapshots(installation.runs_dir, installation.keep_runs).count_holding(GONE)
    assert cli_environment == installation.data_dir
