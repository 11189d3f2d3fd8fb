"""Promise: `graphsvc succession` tells from the database who follows whom, and how campaigns replace their banned."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from graphs import write_bundle
from typer.testing import CliRunner

from graphsvc.campaigns.parameters import Parameters
from graphsvc.cli.commands import app
from graphsvc.community.gds import GdsDetector
from graphsvc.detection import detect
from graphsvc.errors import NotFound
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.published import read_members, read_successions

START = datetime(2026, 1, 1, tzinfo=UTC)
BANNED = range(8)


def ring_whose_banned_come_back(directory: Path) -> Path:
    """A ring of 32 on five cards, eight addresses and three devices; eight are banned, and each is followed a day later
    by an account with the same card and an address that both alone have. 300 others share nothing."""
    accounts, payments, sessions = [], [], []

    def add(
        name: str, day: float, card: str, addresses: list[str], device: str, banned: float | None = None
    ) -> None:
        made = (START + timedelta(days=day)).isoformat()
        row: dict[str, object] = {"account_id": name, "created_at": made}
        if banned is not None:
            row |= {"status": "banned", "status_changed_at": (START + timedelta(days=banned)).isoformat()}
        accounts.append(row)
        seen = {"account_id": name, "first_seen": made, "last_seen": (START + timedelta(days=90)).isoformat()}
        payments.append({**seen, "instrument": card, "kind": "card"})
        sessions.extend({**seen, "ip": ip, "device": device, "requests": 5} for ip in addresses)

    for i in range(32):
        ended = 40 + i * 4 if i in BANNED else None
        own = [f"203.0.113.{i // 4}", f"198.51.100.{i}"]
        add(f"ring-{i:02}", i / 2, f"fp_{i % 5}", own, f"dev_{i % 3}", ended)
    for i in BANNED:
        taken = [f"203.0.113.{(i + 3) % 8}", f"198.51.100.{i}"]
        add(f"heir-{i:02}", 41 + i * 4, f"fp_{i % 5}", taken, f"dev_{(i + 1) % 3}")
    for i in range(300):
        add(f"other-{i:03}", i * 0.3, f"own_{i}", [f"10.0.{i // 200}.{i % 200}"], f"own_{i}")
    return write_bundle(directory, accounts=accounts, payments=payments, sessions=sessions)


@pytest.fixture
def published(database: Store, tokens: Tokeniser, tmp_path: Path) -> str:
    """The id of the ring's cluster, published."""
    load_bundle(database, ring_whose_banned_come_back(tmp_path / "bundle"), tokens, tmp_path / "dead")
    detect(database, GdsDetector(database.driver, database.address.database), Parameters())
    (cluster,) = read_members(database)["cluster_id"].unique()
    return str(cluster)


@pytest.mark.usefixtures("cli_environment")
def test_it_tells_who_follows_whom(published: str) -> None:
    run = CliRunner().invoke
    everything = run(app, ["succession"]).stdout
    assert f"{published}  8 of 40 accounts were banned in 8 waves; " in everything
    told = json.loads(run(app, ["succession", published, "--json"]).stdout)
    (campaign,) = told["campaigns"]
    assert (campaign["cluster"], campaign["stopped"], campaign["delay_hours"]) == (published, 8, 24.0)
    found = {row["predecessor"]: row["successor"] for row in told["pairs"]}
    right = {f"ring-{i:02}": f"heir-{i:02}" for i in BANNED}
    assert len(found) >= 6
    assert found.items() <= right.items()
    lines = run(app, ["succession", published, "--limit", "2"]).stdout.splitlines()
    assert sum(" → heir-" in line for line in lines) == 2
    assert lines[-1].endswith("more pairs; --limit shows more.")
    legator, heir = next(iter(found.items()))
    assert (
        f"May follow {legator} (probable): made 24 hours"
        in run(app, ["succession", "--account", heir]).stdout
    )
    assert f"May be followed by {heir} (probable)" in run(app, ["succession", "--account", legator]).stdout
    assert "It follows no banned account" in run(app, ["succession", "--account", "other-000"]).stdout


@pytest.mark.usefixtures("cli_environment", "published")
def test_what_is_not_there_is_named() -> None:
    for words, named in (
        (["no-cluster"], "no-cluster"),
        (["--account", "no-account"], "no-account"),
    ):
        failed = CliRunner().invoke(app, ["succession", *words])
        assert isinstance(failed.exception, NotFound)
        assert named in failed.exception.what


@pytest.mark.usefixtures("cli_environment", "database")
def test_nothing_published_is_named() -> None:
    failed = CliRunner().invoke(app, ["succession"])
    assert isinstance(failed.exception, NotFound)
    assert "graphsvc detect" in failed.exception.todo


def test_a_run_keeps_what_the_command_says(
    published: str, database: Store, cli_environment: Path, tmp_path: Path
) -> None:
    said = json.loads(CliRunner().invoke(app, ["succession", published, "--json"]).stdout)
    done = CliRunner().invoke(app, ["export", "successions", "--out", str(tmp_path / "pairs.json")])
    assert done.exit_code == 0, done.output
    kept = json.loads((tmp_path / "pairs.json").read_text())
    pairs = {(row["successor"], row["predecessor"]): row for row in kept}
    assert {(row["successor"], row["predecessor"]) for row in said["pairs"]} == set(pairs)
    assert len(pairs) == len(BANNED)
    for row in said["pairs"]:
        stored = pairs[row["successor"], row["predecessor"]]
        assert stored["probability"] == pytest.approx(row["probability"])
        assert (stored["cluster_id"], stored["says"]) == (published, row["says"])
    # A later run's pairs take the place of the earlier one's.
    detect(database, GdsDetector(database.driver, database.address.database), Parameters())
    assert read_successions(database).height == len(pairs)
