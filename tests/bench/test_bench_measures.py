"""Promise: what the bench of quality leaves out, counts and compares is what it says."""

import json
from pathlib import Path

import polars as pl
import pytest
from test_baselines import graph_of
from test_evaluation import graded, truth
from worlds import world

from bench.measures.ablation import ablations, without_activity, without_family
from bench.measures.evasion import cost
from bench.measures.table import at_equal_precision
from bench.quality import as_json
from bench.report import as_markdown
from bench.trials import OURS, Name, Trial
from bench.worlds import World, graph_of_bundle, tokens
from graphsvc.model.graph import SignalGraph
from graphsvc_lab.evaluation.metrics import evaluate


def graph_without(directory: Path, *tables: str) -> SignalGraph:
    directory.mkdir()
    for name, table in world("demo", 1_500, 5).items():
        if name not in tables:
            table.write_parquet(directory / f"{name}.parquet")
    return graph_of_bundle(directory, tokens())


def test_a_family_left_out_is_as_if_its_table_had_never_been_there(tmp_path: Path) -> None:
    whole = graph_without(tmp_path / "whole")
    for change, table in (
        (without_family(whole, "prompt"), "prompts"),
        (without_activity(whole), "activity"),
    ):
        assert change.fingerprint() == graph_without(tmp_path / table, table).fingerprint()
        assert change.fingerprint() != whole.fingerprint()
    names = [one.name for one in ablations(whole)]
    assert names[0] == "all of it"
    assert {"without prompt", "without payment", "without network", "without device"} <= set(names)


def test_the_cost_counts_each_campaigns_values_for_itself() -> None:
    uses = {
        ("instrument", "pooled"): [0, 1, 2, 3],
        ("instrument", "own"): [0],
        ("instrument", "of an honest one"): [5],
        # Two campaigns at one address: each pays for it.
        ("ip", "borrowed"): [0, 4, 5],
        ("device", "d"): [2],
    }
    people = truth({"x": ["a0000", "a0001", "a0002", "a0003"], "y": ["a0004"]}, ["a0005"])
    paid = cost(World("w", graph_of(6, uses), people))
    assert paid == {"cards": 2 / 5, "addresses": 2 / 5, "devices": 1 / 5}


def trial(method: str, people: pl.DataFrame, members: pl.DataFrame) -> Trial:
    return Trial("hard:1:6", method, members, evaluate(people, members).to_dict(), 1.0, {}, 0.5)


@pytest.fixture
def contest() -> tuple[World, Trial, list[Trial]]:
    """Ours finds all and two strangers, best first; one baseline is purer, one flags nobody."""
    people = truth({"x": ["b0", "b1", "b2", "b3"]}, ["g0", "g1"])
    ours = graded(
        {"p": (1.0, [("b0", 0.99), ("b1", 0.98), ("g0", 0.7), ("b2", 0.6), ("b3", 0.6), ("g1", 0.5)])}
    )
    pure = graded({"q": (1.0, [("b0", 1.0), ("b1", 1.0)])})
    nothing = pure.clear()
    made = World("hard:1:6", graph_of(6, {}), people)
    return made, trial(OURS, people, ours), [trial("pure", people, pure), trial("nothing", people, nothing)]


def test_ours_is_compared_where_it_is_as_precise(contest: tuple[World, Trial, list[Trial]]) -> None:
    made, ours, theirs = contest
    compared = at_equal_precision(made, ours, theirs)
    # Its two surest members are as pure as the baseline's, and the same.
    assert compared["pure"]["ours"] == compared["pure"]["theirs"]
    assert compared["nothing"]["ours"] == ours.figures["bcubed_f"]


def test_the_report_says_what_was_measured(contest: tuple[World, Trial, list[Trial]]) -> None:
    made, ours, theirs = contest
    rows = [one.row() for one in theirs]
    rows.append({**ours.row(), "at_equal_precision": at_equal_precision(made, ours, theirs)})
    result = {
        "table": {"measured": "then", "commit": "abc", "cores": 2, "seconds": 3, "worlds": [], "rows": rows}
    }
    text = as_markdown(result, {})
    assert "| **graphsvc** | 0.6667 | 1.0000 | 100.000% |" in text
    assert "not above these in B-cubed F: pure (" in text
    assert "account precision, ≥ 0.98 (easy ≥ 0.99) | 0.6667 ✗" in text
    assert json.loads(as_json(result))["table"]["rows"][-1]["precision"] == {
        "hits": 4,
        "of": 6,
        "rate": 0.666667,
    }


def test_a_world_is_named_by_scenario_seed_and_size() -> None:
    assert str(Name.parse("hard:11:120000")) == "hard:11:120000"
    assert Name.parse("hard:11:120000").sized(5_000) == Name("hard", 11, 5_000)
    assert Name.parse("hard:11:3000").sized(5_000) == Name("hard", 11, 3_000)
