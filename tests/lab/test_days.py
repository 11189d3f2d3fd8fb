"""Promise: a world's days, loaded one after the other, make the graph of the whole; no day shows what came later."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from graphs import checksum
from hypothesis import given
from hypothesis import strategies as st
from test_seed_determinism import seed_cli

from bench.replay import graphs
from graphsvc.errors import SettingsError
from graphsvc.loading import load_bundle
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Store
from graphsvc.store.graph import read_graph
from graphsvc_lab.worlds import scenario, writer
from graphsvc_lab.worlds.days import check_days, get_directory, iter_parts, list_bounds, split_days
from graphsvc_lab.worlds.world import TABLES, World, create_world

DAYS = 3
PLAN = scenario.load_scenario("days")
START = datetime(2026, 5, 1, tzinfo=UTC)


def written(made: World, out: Path, days: int | None, among: pl.Series | None = None) -> Path:
    """Write a world by days.

    Args:
        made: the world.
        out: where to.
        days: how many; None: not by days.
        among: ids of the accounts to write; None: all.

    Returns:
        `out`.
    """
    for name, rows in made.iter_tables():
        chosen = (
            among is None or "account_id" not in rows.columns or pl.col("account_id").is_in(among.implode())
        )
        for place, part in iter_parts(made, name, rows.filter(chosen), days):
            (out / place).mkdir(parents=True, exist_ok=True)
            writer.write_table(part, out / place / f"{name}.parquet", "parquet")
    return out


def everything(store: Store) -> tuple[list[str], list[str]]:
    """All nodes but the books of the loads, of which there are as many as loads, and all relationships."""
    nodes = [node for node in store.stream("bench/checksum") if not {"Load", "LoadStep"} & set(node[0])]
    edges = store.stream("bench/checksum_edges")
    return sorted(map(line, nodes)), sorted(map(line, edges))


def line(record: tuple[Any, ...]) -> str:
    ordered = [sorted(part) if isinstance(part, list) else part for part in record]
    return json.dumps(ordered, sort_keys=True, default=str)


@pytest.fixture(scope="module")
def made() -> World:
    return create_world(PLAN, 1_000, 8)


@pytest.fixture(scope="module")
def few(made: World) -> pl.Series:
    """Ids of every fifth account; what loading does with a row does not depend on how many there are."""
    return dict(made.iter_tables())["accounts"]["account_id"].sort().gather_every(5)


@pytest.fixture(scope="module")
def few_by_days(made: World, few: pl.Series, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(made, tmp_path_factory.mktemp("few"), DAYS, few)


@pytest.fixture(scope="module")
def by_days(made: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(made, tmp_path_factory.mktemp("days"), DAYS)


@pytest.mark.slow
def test_the_days_make_the_graph_of_the_whole(
    database: Store, tokens: Tokeniser, made: World, few: pl.Series, few_by_days: Path, tmp_path: Path
) -> None:
    """Accounts, statuses, values, edges with their spans and counts, hours of traffic, networks."""
    load_bundle(database, written(made, tmp_path / "whole", None, few), tokens, tmp_path / "dead")
    whole = everything(database)
    database.run_autocommit("bench/wipe")
    for day in range(DAYS + 1):
        report = load_bundle(database, few_by_days / get_directory(day), tokens, tmp_path / "dead")
        assert not report.rejected
    for one, other in zip(everything(database), whole, strict=True):
        assert set(one) ^ set(other) == set()
        assert len(one) == len(other)
    # The bench's way without a database gives the same graph.
    *_, last = graphs(few_by_days, tokens)
    assert last.fingerprint() == read_graph(database).fingerprint()


def test_a_day_loaded_again_later_changes_nothing(
    database: Store, tokens: Tokeniser, few_by_days: Path, tmp_path: Path
) -> None:
    for day in (0, 1, 2):
        load_bundle(database, few_by_days / get_directory(day), tokens, tmp_path / "dead")
    before = checksum(database)
    load_bundle(database, few_by_days / get_directory(1), tokens, tmp_path / "dead", again=True)
    assert checksum(database) == before


def test_no_day_shows_what_came_later(made: World, by_days: Path) -> None:
    ends = [pl.lit(end * 1_000_000).cast(pl.Datetime("us", "UTC")) for _, end in list_bounds(PLAN, DAYS)]
    known: set[str] = set()
    for day, end in enumerate(ends):
        bundle = by_days / get_directory(day)
        for table in TABLES:
            if table in ("networks", "truth"):
                continue
            rows = pl.read_parquet(bundle / f"{table}.parquet")
            for column in ("created_at", "status_changed_at", "first_seen", "last_seen", "hour"):
                if column in rows.columns:
                    assert rows.filter(pl.col(column) >= end).is_empty(), (day, table, column)
        accounts = pl.read_parquet(bundle / "accounts.parquet")
        known |= set(accounts["account_id"])
        for table in ("sessions", "payments", "prompts", "identifiers", "activity"):
            assert set(pl.read_parquet(bundle / f"{table}.parquet")["account_id"]) <= known, (day, table)
        # Who is banned later is active today.
        active = accounts.filter(pl.col("status") == "active")
        assert active["status_changed_at"].is_null().all()
    assert len(known) == sum(len(m) for m in made.people.parts)


def test_a_ban_appears_on_its_day(by_days: Path) -> None:
    seen = [
        pl.read_parquet(by_days / get_directory(day) / "accounts.parquet")
        .filter(pl.col("status") == "banned")
        .with_columns(day=pl.lit(day))
        for day in range(DAYS + 1)
    ]
    later = pl.concat(seen).filter(pl.col("day") > 0)
    start = datetime.fromtimestamp(list_bounds(PLAN, DAYS)[0][1], UTC)
    assert later.height > 1
    day = 1 + (later["status_changed_at"] - start).dt.total_days()
    assert (day == later["day"]).all()


@st.composite
def uses(draw: st.DrawFn) -> pl.DataFrame:
    """Rows with spans of seconds to weeks around the days, and counts from one on."""
    rows = []
    for number in range(draw(st.integers(1, 6))):
        first = START + timedelta(seconds=draw(st.integers(-20 * 86_400, 6 * 86_400 - 1)))
        longest = int((START + timedelta(days=6) - first).total_seconds()) - 1
        last = first + timedelta(seconds=draw(st.integers(0, max(longest, 0))))
        rows.append((f"a{number}", first, last, draw(st.integers(1, 60))))
    schema = {
        "account_id": pl.String,
        "first_seen": pl.Datetime("us", "UTC"),
        "last_seen": pl.Datetime("us", "UTC"),
        "requests": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


@given(uses())
def test_the_parts_of_a_use_are_the_use(rows: pl.DataFrame) -> None:
    """Spans of days do not overlap and begin and end as the whole does; counts add up to its count."""
    first = int(START.timestamp())
    days = [(0, first), *((first + i * 86_400, first + (i + 1) * 86_400) for i in range(6))]
    accounts = rows.select("account_id", created_at="first_seen")
    parts = pl.concat(
        [
            part.with_columns(day=pl.lit(n))
            for n, part in enumerate(split_days("sessions", rows, accounts, days))
        ]
    )
    assert parts.select("account_id", "day").is_unique().all()
    whole = parts.group_by("account_id").agg(
        pl.col("first_seen").min(), pl.col("last_seen").max(), pl.col("requests").sum()
    )
    assert whole.sort("account_id").equals(rows.sort("account_id"))
    ordered = parts.sort("account_id", "day").with_columns(
        before=pl.col("last_seen").shift().over("account_id")
    )
    assert ordered.filter(pl.col("first_seen") <= pl.col("before")).is_empty()
    assert (parts["first_seen"] <= parts["last_seen"]).all()
    between = parts.filter(pl.col("day") > 0, pl.col("requests") == 0)
    # A day without a part of the count is shown only where a use that was counted once ends.
    assert set(between["account_id"]) <= set(rows.filter(pl.col("requests") == 1)["account_id"])


def tops(world: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(world.iterdir()) if path.is_file()}


def test_beside_the_days_stand_the_calendar_the_events_and_the_truth(tmp_path: Path) -> None:
    done = seed_cli(tmp_path / "w", "--accounts", "1000", "--scenario", "days", "--days", "2", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert set(tops(tmp_path / "w")) == {"calendar.parquet", "events.parquet", "truth.parquet"}
    calendar = pl.read_parquet(tmp_path / "w" / "calendar.parquet")
    assert calendar["directory"].to_list() == ["day-000", "day-001", "day-002"]
    assert calendar["ends"].dt.epoch("s").to_list()[-1] == PLAN.end
    again = seed_cli(tmp_path / "w", "--accounts", "1000", "--seed", "7", "--force")
    assert again.returncode == 0, again.stderr
    assert not list((tmp_path / "w").glob("day-*"))


def test_days_without_traffic_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="14 days"):
        check_days(scenario.load_scenario("demo"), 15)
    done = seed_cli(tmp_path / "w", "--accounts", "1000", "--days", "15")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "w").exists()
