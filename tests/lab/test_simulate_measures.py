"""Promise: what a simulation says of ids, mergers, splits and earliness is what happened, by known answers."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc_lab.evaluation.days import GROWTH, DayResult, evaluate_day
from graphsvc_lab.evaluation.earliness import measure_earliness, measure_growth
from graphsvc_lab.evaluation.identity import (
    OVERLAPS,
    PLANNED,
    RECORDED,
    SOME,
    count_overlaps,
    evaluate_identity,
    find_main_clusters,
    match_planned_events,
)
from graphsvc_lab.evaluation.simulation import evaluate_days
from graphsvc_lab.evaluation.simulation_report import format_day, format_report


def met(*rows: tuple[int, str, str, int, int]) -> pl.DataFrame:
    """day, cluster, campaign, own, size."""
    return pl.DataFrame(rows, schema=OVERLAPS, orient="row")


def planned(*rows: tuple[int, str, str, str]) -> pl.DataFrame:
    """day, kind, campaign, other."""
    return pl.DataFrame(rows, schema=PLANNED, orient="row")


def recorded(*rows: tuple[int, str, str, str | None], into: str | None = None) -> pl.DataFrame:
    """day, kind, id, before; `into` is that of them all."""
    return pl.DataFrame([(*row, into) for row in rows], schema=RECORDED, orient="row")


def test_overlaps_count_own_accounts_and_all() -> None:
    members = pl.DataFrame({"account_id": ["a", "b", "c", "x"], "cluster_id": ["k", "k", "l", "k"]})
    truth = pl.DataFrame({"account_id": ["a", "b", "c", "x"], "campaign_id": ["one", "one", "one", None]})
    assert count_overlaps(3, members, truth).rows() == [(3, "k", "one", 2, 3), (3, "l", "one", 1, 1)]


def test_the_main_cluster_is_mostly_the_campaigns_and_holds_most_of_it() -> None:
    days = met(
        (1, "k", "one", 20, 60),  # most of its accounts, but mostly others'
        (1, "l", "one", 12, 14),
        (1, "m", "one", 9, 9),
        (2, "m", "one", SOME - 1, SOME - 1),  # too few to be looked at
    )
    assert find_main_clusters(days).select("day", "cluster_id").rows() == [(1, "l")]


def test_an_id_is_kept_over_days_on_which_nothing_was_found() -> None:
    found = evaluate_identity(met((1, "k", "one", 9, 9), (4, "k", "one", 30, 30)), recorded(), planned())
    assert (found.kept.hits, found.kept.of) == (1, 1)


def test_an_id_that_changes_and_comes_back_is_kept_but_not_steady() -> None:
    days = met(*((day, name, "one", 9, 9) for day, name in enumerate("kkmkk")))
    found = evaluate_identity(days, recorded(), planned())
    assert (found.kept.hits, found.steady.hits, found.steady.of) == (1, 0, 1)
    assert found.campaigns.row(0, named=True)["changes"] == 2
    assert found.campaigns.row(0, named=True)["ids"] == 2
    gone = evaluate_identity(
        met(*((day, name, "one", 9, 9) for day, name in enumerate("kkm"))), recorded(), planned()
    )
    assert (gone.kept.hits, gone.kept.of) == (0, 1)


def test_campaigns_with_something_planned_and_those_found_once_count_apart() -> None:
    days = met(
        (1, "k", "one", 9, 9), (2, "m", "one", 9, 9), (1, "x", "two", 9, 9),
        (1, "y", "three", 9, 9), (2, "y", "three", 9, 9),
    )  # fmt: skip
    found = evaluate_identity(days, recorded(), planned((2, "split", "one", "four")))
    assert (found.kept.hits, found.kept.of) == (1, 1)
    assert (found.kept_all.hits, found.kept_all.of) == (1, 2)


def test_an_id_that_becomes_another_campaigns_is_swapped_unless_it_was_planned() -> None:
    days = met((1, "k", "one", 9, 9), (2, "k", "two", 9, 9))
    assert evaluate_identity(days, recorded(), planned()).swaps == (("k", "one", "two"),)
    assert evaluate_identity(days, recorded(), planned((2, "merge", "two", "one"))).swaps == ()
    # Half and half is nobody's.
    assert (
        evaluate_identity(met((1, "k", "one", 9, 18), (2, "k", "two", 9, 18)), recorded(), planned()).swaps
        == ()
    )


def test_an_id_that_was_merged_leads_to_the_one_it_is_part_of() -> None:
    days = met((1, "k", "one", 9, 9), (2, "m", "one", 90, 90), (3, "n", "one", 99, 99))
    mergers = recorded((2, "merged", "m", "k"), (3, "merged", "n", "m"))
    assert (
        evaluate_identity(days, mergers, planned()).led.hits,
        evaluate_identity(days, mergers, planned()).kept.hits,
    ) == (
        1,
        0,
    )
    undone = recorded((2, "merged", "m", "k"), (3, "revived", "k", "k"), (3, "merged", "n", "m"))
    assert evaluate_identity(days, undone, planned()).led.hits == 0
    inside = recorded((2, "dormant", "k", "k"), into="n")
    assert evaluate_identity(days, inside, planned()).led.hits == 1
    assert evaluate_identity(days, recorded(), planned()).led.hits == 0


APART = met(
    (4, "k", "one", 30, 30), (4, "m", "two", 20, 20), (5, "k", "one", 30, 50), (5, "k", "two", 20, 50)
)  # fmt: skip


def outcome(
    days: pl.DataFrame, records: pl.DataFrame, plan: pl.DataFrame, window: int = 14
) -> tuple[object, ...]:
    found = match_planned_events(days, records, plan, within=3, window=window)
    (one,) = found.planned
    return one.visible, one.recorded, len(found.parts), len(found.strangers)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (recorded((5, "merged", "k", "m")), (True, 5, 0, 0)),
        (recorded((5, "merged", "m", "k")), (True, 5, 0, 0)),
        (recorded(), (True, None, 0, 0)),
        (recorded((5, "split", "k", "m")), (True, None, 0, 1)),
    ],
)
def test_a_planned_merger(records: pl.DataFrame, expected: tuple[object, ...]) -> None:
    assert outcome(APART, records, planned((5, "merge", "two", "one"))) == expected


def test_a_merger_before_its_day_or_long_after_is_not_the_planned_one() -> None:
    for day in (1, 9):
        assert (
            outcome(APART, recorded((5, "merged", "k", "m")), planned((day, "merge", "one", "two")))[1]
            is None
        )


def test_a_merger_of_what_was_never_found_apart_could_not_be_seen() -> None:
    joint = met((4, "k", "one", 30, 50), (4, "k", "two", 20, 50))
    assert outcome(joint, recorded(), planned((5, "merge", "one", "two"))) == (False, None, 0, 0)


TOGETHER = met(
    (1, "k", "one", 30, 50), (1, "k", "two", 20, 50), (12, "k", "one", 30, 30), (12, "n", "two", 20, 20)
)  # fmt: skip


def test_a_split_may_take_as_long_as_what_was_shared_counts() -> None:
    plan = planned((2, "split", "one", "two"))
    assert outcome(TOGETHER, recorded((12, "split", "n", "k")), plan) == (True, 12, 0, 0)
    assert outcome(TOGETHER, recorded((12, "split", "n", "k")), plan, window=3) == (False, None, 0, 1)


def test_an_id_that_comes_back_out_of_a_merger_is_a_split() -> None:
    """Without a plan it is no false one, for the merger that it undoes was counted."""
    days = pl.concat([met((0, "n", "two", 20, 20), (0, "k", "one", 30, 30)), TOGETHER])
    records = recorded((1, "merged", "k", "n"), (12, "revived", "n", "n"))
    found = match_planned_events(days, records, planned((2, "split", "one", "two")), within=3, window=14)
    assert found.planned[0].recorded == 12
    assert found.strangers == ((1, "merge", "two", "one"),)
    alone = match_planned_events(days, records, planned(), within=3, window=14)
    assert len(alone.strangers) == 1


def test_unplanned_records_are_told_apart_by_whose_sides_they_are() -> None:
    days = met((1, "k", "one", 30, 30), (1, "m", "one", 9, 9), (1, "n", "two", 9, 9))
    records = recorded((2, "merged", "k", "m"), (2, "merged", "k", "n"), (2, "merged", "k", "z"))
    found = match_planned_events(days, records, planned(), within=3, window=14)
    assert found.parts == ((2, "merge", "one"),)
    assert {row[2:] for row in found.strangers} == {("two", "one"), ("", "one")}


def sizes(*rows: tuple[int, str, int, int, float]) -> pl.DataFrame:
    """day, campaign, born, living, age."""
    return pl.DataFrame(rows, schema=GROWTH, orient="row")


def test_a_campaign_is_found_on_the_first_day_a_cluster_is_mostly_its_own() -> None:
    days = met((1, "k", "one", 12, 40), (2, "k", "one", 12, 14), (3, "k", "one", 90, 95))
    grown = sizes(
        (0, "one", 10, 10, 0.5), (1, "one", 40, 40, 1.5), (2, "one", 80, 78, 2.5), (3, "one", 160, 150, 3.5)
    )
    (row,) = measure_earliness(days, grown, {}).iter_rows(named=True)
    assert (row["day"], row["size_when_found"], row["age_days"]) == (2, 80, 2.5)
    assert (row["cluster_id"], row["own"], row["cluster_size"]) == ("k", 12, 14)
    assert (row["size"], row["half_day"], row["there_before"]) == (160, 3, True)


def test_allies_are_found_together_and_what_is_never_found_is_said_to_be() -> None:
    days = met((1, "k", "one", 9, 30), (1, "k", "two", 15, 30))
    grown = sizes(
        (0, "one", 9, 9, 1.0), (1, "one", 9, 9, 2.0), (1, "two", 15, 15, 0.1), (1, "three", 5, 5, 0.1)
    )
    found = measure_earliness(days, grown, {"one": "two", "two": "one"})
    assert dict(found.select("campaign_id", "day").rows()) == {"one": 1, "two": 1, "three": None}
    assert dict(found.select("campaign_id", "there_before").rows()) == {
        "one": True,
        "two": False,
        "three": False,
    }
    assert dict(measure_earliness(days, grown, {}).select("campaign_id", "day").rows())["one"] is None


def test_growth_counts_those_born_and_those_living() -> None:
    accounts = pl.DataFrame(
        {
            "account_id": ["a", "b", "x"],
            "created_at": [0, 43_200_000, 5],
            "status": ["banned", "active", "active"],
        }
    )
    truth = pl.DataFrame({"account_id": ["a", "b", "x"], "campaign_id": ["one", "one", None]})
    assert measure_growth(2, 2 * 86_400_000, accounts, truth).rows() == [(2, "one", 2, 1, 2.0)]


def day_of(day: int, born: int) -> DayResult:
    """A world of one campaign, wholly found from its tenth account on, and ten innocents."""
    ids = [f"bad{n}" for n in range(born)]
    everybody = [*ids, *(f"good{n}" for n in range(10))]
    none = pl.lit(None, dtype=pl.String)
    truth = pl.DataFrame({"account_id": [*(f"bad{n}" for n in range(30)), *everybody[born:]]}).with_columns(
        campaign_id=pl.when(pl.col("account_id").str.starts_with("bad")).then(pl.lit("ring")),
        role=none,
        decoy=none,
    )
    found = ids if born >= 10 else []
    return evaluate_day(
        day,
        (day + 1) * 86_400_000,
        run=f"r{day}",
        truth=truth,
        accounts=pl.DataFrame({"account_id": everybody, "created_at": 0, "status": "active"}),
        members=pl.DataFrame(
            {"cluster_id": ["c1"] * len(found), "account_id": found},
            schema={"cluster_id": pl.String, "account_id": pl.String},
        ),
        clusters=pl.DataFrame(
            [("c1", ["payment"], [{"kind": "instrument", "accounts": born, "share": 1.0}])] if found else [],
            schema={
                "cluster_id": pl.String,
                "families": pl.List(pl.String),
                "evidence": pl.List(
                    pl.Struct({"kind": pl.String, "accounts": pl.Int64, "share": pl.Float64})
                ),
            },
            orient="row",
        ),
        events=pl.DataFrame(
            [("born" if born == 10 else "grew", "c1", None, None)] if found else [],
            schema={"kind": pl.String, "id": pl.String, "before": pl.String, "into": pl.String},
            orient="row",
        ),
        seconds={"detect": 0.5},
    )


def test_days_are_judged_against_what_was_there_by_then_and_all_of_them_together() -> None:
    days = [day_of(0, 5), day_of(1, 10), day_of(2, 20)]
    assert [day.figures["accounts"] for day in days] == [15, 20, 30]
    assert days[1].figures["recall"]["rate"] == 1.0
    result = evaluate_days(days, planned(), window=14)
    (row,) = result.found
    assert (row["day"], row["size_when_found"], row["families"]) == (1, 10, ["payment"])
    assert row["signals"] == [{"kind": "instrument", "accounts": 10, "share": 1.0}]
    assert [day["largest_found"] for day in result.days] == [0, 10, 20]
    report = {"scenario": "s", "accounts": 30, "seed": 1, "window": 14, **result.to_dict()}
    text = format_report(json.loads(json.dumps(report)))
    assert "10 of its 20 accounts" in text
    assert "| ring | 20 | before | 1 | 10 |" in text
    assert "1 born" in format_day(days[1])


@given(st.integers(0, 30))
def test_a_day_is_the_same_after_it_was_stored(born: int) -> None:
    day = day_of(1, born)
    again = DayResult.from_dict(json.loads(json.dumps(day.to_dict())))
    assert again.to_dict() == day.to_dict()
    assert again.met.equals(day.met)
    assert again.growth.equals(day.growth)
    assert again.events.equals(day.events)
