"""Promise: the bench of speed measures what it says, compares what belongs together, and types no verdict in."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from test_baselines import graph_of

from bench.scale.communities import modularity
from bench.scale.figures import GIB, Figures, aims
from bench.scale.meter import DONE, FAILED, OVER, measure
from bench.scale.place import DAY_SHARE, split
from bench.scale.plan import BY_NAME, STEPS, World, needed, repeats, turns, worlds
from bench.scale.report import as_markdown
from bench.scale.session import Measured, edges_written
from bench.scale.sql import FEW, KINDS, chance, duckdb_components
from bench.worlds import write_world
from graphsvc.model.links import Links
from graphsvc_lab.worlds import scenario

WORLD = World("book", 1, 1_000_000)


def row(step: str, seconds: float, turn: int = 0, world: World = WORLD, **more: object) -> dict[str, object]:
    found = {"links": 5, "modularity": 0.5, "communities": 2} if step.startswith("links-") else {}
    defaults = {"status": DONE, "cpu": seconds, "peak": GIB, "server_cpu": 0.0, "server_peak": 0, "load": 0.5}
    return {"world": str(world), "step": step, "turn": turn, "seconds": seconds, **defaults, **found, **more}


def test_a_step_is_measured_with_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; held = bytearray(b'x' * 150_000_000); "
        "subprocess.run([sys.executable, '-c', 'import time; held = bytearray(b\"x\" * 150_000_000); time.sleep(1)'])"
    )
    reading = measure([sys.executable, "-c", code], {}, tmp_path / "log", 600)
    assert (reading.status, reading.server_peak, reading.server_cpu) == (DONE, 0, 0.0)
    assert 300_000_000 < reading.peak < 600_000_000
    assert 1 < reading.seconds < 600


def test_a_step_that_takes_too_long_is_ended_and_one_that_fails_says_so(tmp_path: Path) -> None:
    over = measure([sys.executable, "-c", "import time; time.sleep(3600)"], {}, tmp_path / "log", 0.5)
    assert (over.status, over.seconds < 600) == (OVER, True)
    failed = measure([sys.executable, "-c", "raise SystemExit('no such thing')"], {}, tmp_path / "log", 600)
    assert failed.status == FAILED
    assert "no such thing" in failed.row()["said"]
    assert "said" not in over.row()


def test_a_day_and_the_days_before_have_every_row_once(tmp_path: Path) -> None:
    whole, base, day = (tmp_path / name for name in ("whole", "base", "day"))
    whole.mkdir()
    write_world(whole, scenario.load_scenario("book"), 4_000, 3)
    counted = split(whole, base, day)
    for file in whole.glob("*.parquet"):
        if file.stem == "truth":
            assert not (base / file.name).exists()
            continue
        table = pl.read_parquet(file)
        parts = [pl.read_parquet(part / file.name) for part in (base, day)]
        if file.stem == "networks":
            assert all(part.equals(table) for part in parts)
            continue
        assert pl.concat(parts).sort(table.columns).equals(table.sort(table.columns)), file.stem
        assert parts[1].height == counted[file.stem] > 0, file.stem
    accounts = pl.read_parquet(whole / "accounts.parquet")
    new = pl.read_parquet(day / "accounts.parquet")
    assert new.height == round(accounts.height * DAY_SHARE / 2)
    assert new["created_at"].min() >= pl.read_parquet(base / "accounts.parquet")["created_at"].max()  # type: ignore[operator]
    seen = pl.read_parquet(day / "sessions.parquet")["account_id"].unique()
    assert new["account_id"].is_in(seen.implode()).all()
    assert 0.009 < len(seen) / accounts.height < 0.0101


def test_turns_take_every_step_in_order_and_the_dear_ones_once() -> None:
    first, second = (steps for _, steps in turns(World("book", 1, 100_000), 2, frozenset()))
    assert first == list(STEPS)
    assert [step.name for step in second] == [step.name for step in STEPS if not step.once]
    ((_, large),) = turns(WORLD, 1, frozenset())
    assert not {"splink", "online", "online-again"} & {step.name for step in large}
    ((_, other),) = turns(World("demo", 1, 10_000), 1, frozenset())
    assert [step.name for step in STEPS if step not in other] == ["online", "online-again"]
    ((_, asked),) = turns(WORLD, 1, needed(["detect-day"]))
    assert [step.name for step in asked] == ["bulk", "detect", "load-day", "detect-day"]


def test_a_step_comes_after_what_it_needs() -> None:
    names = [step.name for step in STEPS]
    for step in STEPS:
        for before in step.after:
            assert names.index(before) < names.index(step.name)
            assert BY_NAME[before].chain in {None, step.chain}
            assert BY_NAME[before].most >= step.most
            assert step.once or not BY_NAME[before].once


def test_small_worlds_come_first_and_more_often() -> None:
    assert [str(w) for w in worlds((250_000, 100_000), 1, 100_000)] == [
        "book:1:100000",
        "demo:1:100000",
        "book:1:250000",
    ]
    books = [World("book", 1, size) for size in (10_000, 100_000, 250_000, 1_000_000)]
    assert [repeats(book, 3) for book in books] == [3, 3, 1, 1]
    assert repeats(books[2], 5) == 2
    assert repeats(World("demo", 1, 10_000), 3) == 1


def test_what_was_measured_is_kept_at_once(tmp_path: Path) -> None:
    measured = Measured.at(tmp_path / "rows.json")
    measured.add(row("bulk", 10.0))
    measured.add(row("bulk", 12.0))
    measured.add(row("bulk", 11.0, turn=1))
    again = Measured.at(tmp_path / "rows.json")
    assert [r["seconds"] for r in again.rows] == [12.0, 11.0]
    assert again.has(WORLD, "bulk", 1)
    assert not again.has(WORLD, "detect", 0)


def test_a_load_is_believed_what_it_says_of_its_edges() -> None:
    said = "Written: 10 accounts.\n6,300,000 edges in 1,201.5 s, 5,243 a second.\n"
    assert edges_written(said) == {"edges": 6_300_000, "edge_seconds": 1201.5}
    assert edges_written("This very bundle was loaded before.") == {}


def test_ratios_are_taken_turn_by_turn() -> None:
    """A machine that slows down half way changes both, and not what one is to the other."""
    rows = [row("bulk", 20.0), row("import", 10.0), row("bulk", 80.0, turn=1), row("import", 40.0, turn=1)]
    figures = Figures([*rows, row("bulk", 5.0, turn=2), row("import", 1.0, turn=2, status=FAILED)])
    assert figures.ratio(WORLD, "bulk", "import") == 2.0
    found = figures.spread(WORLD, "bulk")
    assert found is not None
    assert (found.middle, found.least, found.most) == (20.0, 5.0, 80.0)
    assert figures.ratio(WORLD, "detect", "bulk") is None


def test_a_peer_that_never_ended_counts_with_its_limit() -> None:
    figures = Figures([row("detect-whole", 30.0), row("gds-leiden", 300.0, status=OVER)])
    assert figures.over(WORLD, "gds-leiden") == 300.0
    assert figures.spread(WORLD, "gds-leiden") is None
    assert figures.ratio(WORLD, "detect-whole", "gds-leiden", "seconds", "seconds_alone") == 0.1


@pytest.mark.parametrize(("slower", "met"), [(1.0, True), (4.0, False)])
def test_verdicts_follow_from_the_measurements(slower: float, met: bool) -> None:
    rows = [
        row("import", 40.0, seconds_alone=30.0),
        row("bulk", 40.0 * slower, peak=round(1.5 * slower * GIB)),
        row("detect-whole", 40.0 * slower, peak=round(1.5 * slower * GIB), groups="a"),
        row("load-day", 2.0 * slower**2),
        row("detect-day", 3.0 * slower**2, groups="a" if met else "b"),
        row("gds-leiden", 52.0, seconds_alone=50.0),
        row("links-ours", 9.0, seconds_alone=6.0 * slower, communities_seconds=2.0 * slower),
        row("links-gds", 20.0, seconds_alone=16.0),
        row("links-igraph", 20.0, seconds_alone=12.0),
        row("links-networkx", 60.0, seconds_alone=50.0),
        row("online", 300.0 * slower, edges=6_300_000, edge_seconds=200.0 * slower),
        row("world", 0.0, edges=6_300_000, signals=2, activity=3),
        row("online-again", 300.0 * slower**2),
        row("detect-whole", 10.0, world=World("book", 1, 250_000), peak=GIB // 2),
    ]
    judged = aims(Figures(rows))
    assert len(judged) == 15
    assert {aim.met for aim in judged} == {met}, [(aim.what, aim.measured, aim.met) for aim in judged]
    text = as_markdown(Figures([*rows, row("seed", 60.0, commit="c", measured="2026-01-01")]), {})
    assert ("**not met**" in text) is not met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    judged = aims(
        Figures([row("bulk", 10.0), row("import", 5.0, status=FAILED), row("detect-day", 1.0, groups=None)])
    )
    unknown = [aim for aim in judged if aim.measured == "–"]
    assert len(unknown) > 5
    assert all(aim.met is None for aim in unknown)
    assert aims(Figures([row("bulk", 10.0, world=World("demo", 1, 100_000))])) == []


USES = st.lists(st.tuples(st.integers(0, 14), st.sampled_from("abc"), st.integers(0, 4)), max_size=60)


@given(USES)
def test_components_in_sql_are_components(uses: list[tuple[int, str, int]]) -> None:
    by_value: dict[tuple[str, str], list[int]] = {}
    for account, kind, value in sorted(set(uses)):
        by_value.setdefault((kind, str(value)), []).append(account)
    found = duckdb_components(graph_of(15, by_value), 1)
    kinds: dict[tuple[int, int], set[str]] = {}
    for (kind, _), accounts in by_value.items():
        for pair in [(a, b) for a in accounts for b in accounts if a < b]:
            kinds.setdefault(pair, set()).add(kind)
    pairs = [pair for pair, shared in kinds.items() if len(shared) >= KINDS]
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    shape = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(15, 15))
    component = connected_components(shape, directed=False)[1]
    linked = np.unique(ends)
    assert (found[np.setdiff1d(np.arange(15), linked)] == -1).all()
    together = found[linked][:, None] == found[linked][None, :]
    assert (together == (component[linked][:, None] == component[linked][None, :])).all()


def test_values_of_very_many_are_not_joined() -> None:
    accounts = range(FEW + 1)
    found = duckdb_components(graph_of(FEW + 1, {("device", "d"): accounts, ("ip", "i"): accounts}), 1)
    assert (found == -1).all()


@given(st.integers(0, 2**32 - 1))
def test_modularity_is_igraphs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.sort(rng.integers(0, 12, (20, 2)), axis=1), axis=0).astype(np.int32)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    bits = rng.uniform(1, 20, len(pairs))
    community = rng.integers(0, 3, 12)
    links = Links(12, pairs[:, 0], pairs[:, 1], bits, np.ones(len(pairs), dtype=np.int64))
    import igraph

    network = igraph.Graph(n=12, edges=pairs)
    assert modularity(links, community) == pytest.approx(
        network.modularity(community.tolist(), weights=bits), abs=1e-9
    )


def test_chance_is_that_of_two_records_at_random() -> None:
    assert chance(pl.Series(["a", "a", "a", "b", None])) == pytest.approx(6 / 12)
    assert chance(pl.Series(["a", "b", None])) == 1e-9
