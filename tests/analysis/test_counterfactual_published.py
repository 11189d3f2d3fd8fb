"""Promise: `whatif` and `blast` answer from what is published, say what is unknown, and see what a run saw."""

import json
from pathlib import Path

import polars as pl
import pytest
from command import run_command
from graphs import ring_bundle, write_bundle

from graphsvc.analysis.published import read_parts_without
from graphsvc.campaigns.cluster_evidence import find_pool
from graphsvc.campaigns.membership import pools
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.gds import GdsDetector
from graphsvc.detection import detect, evidence_of
from graphsvc.errors import NotFound
from graphsvc.linkage.bits import with_levels
from graphsvc.linkage.signals import Incidence
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.cluster_files import ClusterFiles
from graphsvc.store.cluster_graph import read_cluster_evidence
from graphsvc.store.graph import read_graph
from graphsvc.store.published import read_members
from graphsvc.store.snapshots import Snapshots
from graphsvc.store.surroundings import read_acted, read_surroundings


@pytest.fixture
def ring(database: Store, tokens: Tokeniser, tmp_path: Path) -> str:
    """The published cluster of acct-00000 and eleven others, beside another ring and 400 single accounts."""
    load_bundle(database, ring_bundle(tmp_path / "bundle"), tokens, tmp_path / "dead")
    detect(database, GdsDetector(database.driver, database.address.database), Parameters())
    found = read_members(database).filter(pl.col("account_id") == "acct-00000")["cluster_id"]
    assert found.len() == 1
    return str(found[0])


def test_the_cluster_that_is_read_is_what_the_run_saw(database: Store, ring: str) -> None:
    held = read_cluster_evidence(database, ring)
    graph = with_levels(read_graph(database))
    assert held.members["id"].to_list() == [f"acct-{number:05}" for number in range(12)]
    assert held.population == graph.accounts.height == 424
    assert len(held.account) == 36
    assert held.signals.group_by("kind").len().sort("kind").rows() == [
        ("device", 2),
        ("instrument", 3),
        ("ip", 2),
    ]
    assert set(held.signals["degree"]) == {4, 6}
    rows = graph.accounts.with_row_index("account").filter(pl.col("id").is_in(held.members["id"].implode()))
    who = rows.select(cluster=pl.lit(0, dtype=pl.Int32), account=pl.col("account").cast(pl.Int32))
    seen = pools(evidence_of(Incidence.of(graph), signups=False), who).filter(pl.col("level") == 0)
    mine = find_pool(held)
    assert sorted(zip(held.signals["key"].gather(mine["signal"]), mine["bits"], strict=True)) == sorted(
        zip(graph.signals["key"].gather(seen["signal"]), seen["bits"], strict=True)
    )


def test_accounts_of_a_later_bundle_are_outsiders(
    database: Store, ring: str, tokens: Tokeniser, tmp_path: Path
) -> None:
    seen = {"first_seen": "2026-03-25T09:00:00Z", "last_seen": "2026-03-26T21:00:00Z", "requests": 5}
    late = [{"account_id": f"late-{number}", "created_at": "2026-03-25T09:00:00Z"} for number in range(3)]
    sessions = [{"account_id": account["account_id"], "ip": "203.0.0.1", **seen} for account in late]
    load_bundle(
        database, write_bundle(tmp_path / "late", accounts=late, sessions=sessions), tokens, tmp_path / "dead"
    )
    held = read_cluster_evidence(database, ring)
    shared = held.signals.filter(pl.col("key") == "ip:203.0.0.1")["degree"].to_list()
    assert shared == [9]
    accounts = read_acted(database, ["late-0", "acct-00001", "acct-00001"])
    assert accounts.select("id", "cluster").rows() == [("acct-00001", ring), ("late-0", "")]
    near, users = read_surroundings(database, ["late-0"])
    assert near.rows() == [("ip:203.0.0.1", "ip", "unknown", 9, 1)]
    assert users["account"].n_unique() == 9
    with pytest.raises(NotFound, match="nobody"):
        read_acted(database, ["late-0", "nobody"])


def test_an_unknown_cluster_is_named(database: Store) -> None:
    with pytest.raises(NotFound, match="No cluster c-none"):
        read_cluster_evidence(database, "c-none")


def test_what_is_not_in_a_cluster_is_named(database: Store, ring: str, tmp_path: Path) -> None:
    files = ClusterFiles(Snapshots(tmp_path / "runs", 0))
    read_parts_without(database, files, ring, ["ip:203.0.0.1"], ["payment"], ["acct-00003"])
    with pytest.raises(NotFound, match=r"ip:9\.9\.9\.9"):
        read_parts_without(database, files, ring, ["ip:9.9.9.9"], [], [])
    with pytest.raises(NotFound, match=r"shoes.*There are device, network, payment"):
        read_parts_without(database, files, ring, [], ["shoes"], [])
    with pytest.raises(NotFound, match="who"):
        read_parts_without(database, files, ring, [], [], ["who"])


@pytest.mark.usefixtures("cli_environment")
def test_whatif_and_blast_by_the_command_line(ring: str, tmp_path: Path) -> None:
    told = run_command("whatif", ring)
    assert told.returncode == 0
    assert told.stdout.startswith("12 accounts: 12.")
    left_out = ("--without-family", "payment", "--without-account", "acct-00003")
    after = json.loads(run_command("whatif", ring, *left_out, "--json").stdout)
    assert (after["before"]["members"], after["after"]["members"]) == (12, 11)
    assert after["after"]["sizes"] == [6, 5]
    done = run_command("whatif", "c-none")
    assert (done.returncode, "c-none" in done.stderr) == (NotFound.exit_status, True)

    told = run_command("blast", ring, "--stages", 3)
    assert told.returncode == 0
    assert "Stage 1: 4 accounts" in told.stdout
    file = tmp_path / "ids.txt"
    file.write_text("# two of the ring, and one who shares nothing\nacct-00000\n\nacct-00001\nacct-00100\n")
    found = json.loads(run_command("blast", "--accounts", file, "--json").stdout)
    assert (found["accounts"], found["strangers"]) == (3, 1)
    assert [each["cluster"] for each in found["clusters"]] == [ring]
    assert found["clusters"][0]["delay_hours"] is None


@pytest.mark.parametrize(
    "words",
    [["whatif"], ["blast"], ["blast", "c", "--account", "a"], ["blast", "--accounts", "/nonexistent"]],
)
def test_a_wrong_call_ends_with_2(words: list[str]) -> None:
    done = run_command(*words)
    assert (done.returncode, bool(done.stderr)) == (2, True)


def test_a_file_without_ids_is_a_wrong_call(tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("# nobody\n")
    assert run_command("blast", "--accounts", file).returncode == 2
