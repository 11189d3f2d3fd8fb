"""Promise: what changed between two runs is said cluster by cluster and account by account, with the reason."""

import json
from pathlib import Path

import polars as pl
import pytest
from graphs import ring_bundle, write_bundle
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from graphsvc.analysis.diff import Diff, compare_runs
from graphsvc.analysis.published import read_differences
from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.commands import app
from graphsvc.community.gds import GdsDetector
from graphsvc.detection import detect
from graphsvc.errors import NotFound
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store

Memberships = dict[str, str]
"""Cluster of each account."""


def members(of: Memberships, bits: dict[str, float] | None = None) -> pl.DataFrame:
    families = bits or {"payment": 6.0, "device": 4.0, "prior": -3.0}
    rows = [(cluster, name, 0.9, list(families), list(families.values())) for name, cluster in of.items()]
    schema = {
        "cluster": pl.String, "account": pl.String, "membership": pl.Float64,
        "families": pl.List(pl.String), "family_bits": pl.List(pl.Float64),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def scores(of: Memberships) -> pl.DataFrame:
    names = sorted(set(of.values()))
    return pl.DataFrame(
        {"cluster": names, "score": [0.9] * len(names)}, schema={"cluster": pl.String, "score": pl.Float64}
    )


def between(
    before: Memberships,
    now: Memberships,
    new: set[str] = frozenset(),  # type: ignore[assignment]
    bits: tuple[dict[str, float] | None, dict[str, float] | None] = (None, None),
) -> Diff:
    names = sorted(before.keys() | now.keys())
    states = pl.DataFrame(
        {
            "account": names,
            "status": ["banned" if n.startswith("x") else "active" for n in names],
            "new": [n in new for n in names],
        },
        schema={"account": pl.String, "status": pl.String, "new": pl.Boolean},
    )
    return compare_runs(members(before, bits[0]), members(now, bits[1]), scores(before), scores(now), states)


def kinds(found: Diff) -> dict[str, tuple[str, str | None]]:
    return {row["cluster"]: (row["kind"], row["other"]) for row in found.clusters.iter_rows(named=True)}


def in_one(cluster: str, names: str) -> Memberships:
    return dict.fromkeys(names.split(), cluster)


def test_each_kind_of_change_is_told_apart() -> None:
    before = {
        **in_one("grows", "a b c"), **in_one("shrinks", "d e f"), **in_one("same", "g h"), **in_one("gone", "i j"),
        **in_one("splits", "k l m n o"), **in_one("whole", "p q r"), **in_one("part", "s t"), **in_one("turns", "u v"),
    }  # fmt: skip
    now = {
        **in_one("grows", "a b c c2"), **in_one("shrinks", "d e"), **in_one("same", "g h"), **in_one("born", "y z"),
        **in_one("splits", "k l m"), **in_one("off", "n o"), **in_one("whole", "p q r s t"), **in_one("turns", "u w"),
    }  # fmt: skip
    assert kinds(between(before, now)) == {
        "grows": ("grew", None), "shrinks": ("shrank", None), "same": ("same", None), "gone": ("gone", None),
        "born": ("born", None), "splits": ("shrank", None), "off": ("split", "splits"), "turns": ("changed", None),
        "whole": ("grew", None), "part": ("merged", "whole"),
    }  # fmt: skip


def test_who_moved_is_told_with_the_reason() -> None:
    before = {**in_one("c1", "a b x1 leaves"), **in_one("c2", "d e goes")}
    now = {**in_one("c1", "a b goes late"), **in_one("c3", "n1 n2"), **in_one("c2", "d e")}
    found = between(before, now, {"late", "n1"})
    why = {row["account"]: (row["kind"], row["why"]) for row in found.moves.iter_rows(named=True)}
    assert set(why) == {"goes", "late", "leaves", "n1", "n2", "x1"}
    gained = "evidence gained: payment instrument +6.0 bits, device +4.0"
    assert why["late"] == ("joined", f"signed up since; {gained}")
    assert why["n2"] == ("joined", f"was in no cluster; its cluster is new; {gained}")
    lost = "evidence lost: payment instrument −6.0 bits, device −4.0"
    assert why["leaves"] == ("left", f"what it shares is no longer enough; {lost}")
    assert why["x1"] == ("left", f"what it shares is no longer enough; is banned; {lost}")
    assert why["goes"][0] == "moved"


def test_evidence_that_hardly_changed_is_no_reason() -> None:
    bits = ({"payment": 6.0, "device": 4.0}, {"payment": 6.5, "device": 1.0, "network": 3.0})
    found = between({"a": "c1", "b": "c1"}, {"a": "c2", "b": "c1"}, bits=bits)
    assert found.moves["why"].to_list() == [
        "evidence gained: address +3.0 bits; evidence lost: device −3.0 bits"
    ]


def test_what_speaks_against_a_membership_is_neither_lost_by_joining_nor_gained_by_leaving() -> None:
    bits = {"payment": 6.0, "device": -2.0}
    found = between({"leaves": "c1", "a": "c1"}, {"joins": "c1", "a": "c1"}, bits=(bits, bits))
    why = dict(found.moves.select("account", "why").iter_rows())
    assert why["joins"].endswith("evidence gained: payment instrument +6.0 bits")
    assert why["leaves"].endswith("evidence lost: payment instrument −6.0 bits")


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["c1", "c2", "c3"])),
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["c1", "c2", "c4"])),
)
def test_counts_add_up_whatever_changed(before: Memberships, now: Memberships) -> None:
    found = between(before, now)
    rows = found.clusters
    assert set(rows["cluster"]) == set(before.values()) | set(now.values())
    assert (rows["before"] + rows["came"] - rows["went"]).to_list() == rows["now"].to_list()
    assert found.moves.height == sum(before.get(name) != now.get(name) for name in before.keys() | now.keys())
    assert between(now, now).moves.is_empty()
    assert set(between(now, now).clusters["kind"]) <= {"same"}


@pytest.mark.usefixtures("cli_environment")
def test_two_runs_in_the_database(database: Store, tokens: Tokeniser, tmp_path: Path) -> None:
    def run() -> str:
        # The accounts of the third ring have cards of their own from the first bundle, which a score notices.
        parameters = Parameters(min_score=0.01)
        return detect(database, GdsDetector(database.driver, database.address.database), parameters).run.id

    load_bundle(database, ring_bundle(tmp_path / "one", rings=2), tokens, tmp_path / "dead")
    first = run()
    with pytest.raises(NotFound, match="no run 'r-unknown'"):
        read_differences(database, first, "r-unknown")
    load_bundle(database, ring_bundle(tmp_path / "two", rings=3), tokens, tmp_path / "dead")
    seen = {"first_seen": "2026-03-25T09:00:00Z", "last_seen": "2026-03-26T21:00:00Z"}
    late = write_bundle(
        tmp_path / "late",
        accounts=[{"account_id": "late", "created_at": "2026-03-25T09:00:00Z"}],
        payments=[{"account_id": "late", "instrument": "fp_ring0_1", "kind": "card", **seen}],
        sessions=[{"account_id": "late", "ip": "203.0.0.1", "device": "dev_ring0_1", **seen}],
    )
    load_bundle(database, late, tokens, tmp_path / "dead")
    second = run()
    found = read_differences(database, first, second)
    assert sorted(found.clusters["kind"]) == ["born", "grew", "same"]
    moved = {row["account"]: row for row in found.moves.iter_rows(named=True)}
    assert len(moved) == 13
    assert moved["late"]["why"].startswith("signed up since; evidence gained: ")
    # The commands show the same: both runs, and by themselves what changed from the first to the second.
    listed = CliRunner().invoke(app, ["runs"])
    assert listed.exit_code == 0, listed.output
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [
        [second, "published"],
        [first, "superseded"],
    ]
    by_hand = CliRunner().invoke(app, ["diff", first, second, "--json"])
    by_itself = CliRunner().invoke(app, ["diff", "--json"])
    assert by_hand.stdout == by_itself.stdout
    assert json.loads(by_hand.stdout)["moves"] == found.moves.to_dicts()
    shown = CliRunner().invoke(app, ["diff", "--limit", "1"])
    assert shown.exit_code == 0, shown.output
    assert "clusters 1 born, 1 grew, 1 same; 13 accounts moved" in shown.stdout


@pytest.mark.usefixtures("database", "cli_environment")
def test_the_commands_say_what_they_need() -> None:
    failed = CliRunner().invoke(app, ["diff"])
    assert isinstance(failed.exception, NotFound)
    assert "no two runs" in str(failed.exception)
    listed = CliRunner().invoke(app, ["runs", "--json"])
    assert (listed.exit_code, listed.stdout.strip()) == (0, "[]")
