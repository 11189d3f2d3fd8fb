"""Promise: one operator and a campaign are two numbers; a pooling agency has the first without the second, is listed
apart, and changes nothing about the campaigns."""

from functools import cache

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.worlds import World, seeded
from graphsvc.campaigns.aspects import (
    ASPECTS,
    COORDINATION_PRIOR_BITS,
    Aspect,
    Part,
    measure_coordination,
    measure_hostility,
    probability,
)
from graphsvc.campaigns.judgement import Bar, assess_clusters
from graphsvc.campaigns.parameters import Parameters
from graphsvc.campaigns.pins import Pins
from graphsvc.campaigns.score import PRIOR, TIME, score
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import find
from graphsvc.measure import Clock
from graphsvc.model.clusters import Assessment, Found, hash_result
from graphsvc_lab.worlds import scenario

CAMPAIGN, BUSINESS = Assessment.CAMPAIGN.value, Assessment.LIKELY_BUSINESS.value
COORDINATED = sorted(name for name, aspect in ASPECTS.items() if aspect is Aspect.COORDINATION)
HOSTILE = sorted(name for name, aspect in ASPECTS.items() if aspect is Aspect.HOSTILITY)
bits = st.floats(-8.0, 8.0, allow_nan=False)
parts_of = st.dictionaries(st.sampled_from(sorted(ASPECTS)), bits).map(lambda each: list(each.items()))


@cache
def small_world() -> World:
    return seeded("demo", scenario.load_scenario("demo"), 5_000, 7)


@cache
def run(min_coordination: float = Parameters().min_coordination, pins: Pins = ()) -> Found:
    """What a detection finds in the small world."""
    parameters = Parameters(min_coordination=min_coordination, pins=pins)
    found, _, _ = find(small_world().graph, InProcessDetector(), parameters, Clock(), lambda *_: None)
    return found


def accounts_of(found: Found, assessment: str) -> pl.DataFrame:
    """cluster, account_id of the members of clusters of one assessment."""
    numbered = found.clusters.with_columns(cluster=pl.int_range(pl.len(), dtype=pl.Int32))
    members = found.members.join(
        numbered.filter(pl.col("assessment") == assessment), on="cluster", how="semi"
    )
    ids = small_world().graph.accounts["id"]
    return members.select("cluster", account_id=ids.gather(members["account"]))


@given(parts_of)
def test_hostility_is_the_score_to_the_last_bit(parts: list[tuple[str, float]]) -> None:
    assert measure_hostility(parts) == score([Part(name, each, "") for name, each in parts])


@given(parts_of, st.dictionaries(st.sampled_from(HOSTILE), bits))
def test_only_parts_about_one_operator_move_coordination(
    parts: list[tuple[str, float]], others: dict[str, float]
) -> None:
    changed = [(name, others.get(name, each)) for name, each in parts]
    assert measure_coordination(changed) == measure_coordination(parts)


@given(st.sampled_from(COORDINATED), bits)
def test_a_part_about_one_operator_moves_both_numbers(name: str, each: float) -> None:
    assert measure_coordination([(name, each)]) == probability(COORDINATION_PRIOR_BITS + each)
    assert measure_hostility([(name, each)]) == probability(each)


def test_a_part_of_no_aspect_is_an_error() -> None:
    with pytest.raises(KeyError, match="unheard"):
        measure_coordination([("unheard", 1.0)])


def test_every_part_from_time_has_an_aspect() -> None:
    assert {name for name in TIME if name not in ("signup", "arrivals")} <= set(ASPECTS)
    assert PRIOR.aspect is Aspect.HOSTILITY


@pytest.mark.parametrize(
    ("shared", "declared", "assessment"),
    [(6.0, 0.0, CAMPAIGN), (6.0, -8.0, BUSINESS), (1.0, 0.0, None), (1.0, -8.0, None)],
)
def test_clusters_are_assessed_by_both_numbers(
    shared: float, declared: float, assessment: str | None
) -> None:
    parts = {3: [PRIOR, Part("shared", shared, ""), Part("declared", declared, "")]}
    (row,) = assess_clusters(parts, Bar()).iter_rows(named=True)
    assert row == {
        "cluster": 3,
        "score": probability(shared + declared + PRIOR.bits),
        "coordination": probability(COORDINATION_PRIOR_BITS + shared),
        "assessment": assessment,
    }


def test_agencies_and_companies_are_likely_businesses() -> None:
    truth = small_world().truth
    members = accounts_of(run(), BUSINESS).join(truth, on="account_id", how="left")
    assert members["cluster"].n_unique() >= 5
    assert {"agency", "corporate"} <= set(members["decoy"])
    assert members["campaign_id"].is_null().all()
    assert not set(accounts_of(run(), CAMPAIGN)["account_id"]) & set(members["account_id"])


def test_campaigns_come_first_and_likely_businesses_change_nothing_about_them() -> None:
    found, alone = run(), run(min_coordination=2.0)
    assert alone.clusters.height
    assert alone.clusters.height < found.clusters.height
    assert set(alone.clusters["assessment"]) == {CAMPAIGN}
    assert found.clusters["assessment"].is_sorted()
    assert found.clusters["rank"].to_list() == list(range(1, found.clusters.height + 1))
    campaigns = found.select_campaigns()
    for name in ("clusters", "members", "shared", "links"):
        assert getattr(campaigns, name).equals(getattr(alone, name)), name
    assert campaigns.thresholds == alone.thresholds


def test_a_pin_draws_an_account_out_of_a_business_and_nobody_else() -> None:
    hostile, honest = (accounts_of(run(), each)["account_id"][0] for each in (CAMPAIGN, BUSINESS))
    pins = ((hostile, honest, True),)
    found, alone = run(pins=pins), run(min_coordination=2.0, pins=pins)
    assert honest in accounts_of(found, CAMPAIGN)["account_id"]
    assert honest not in accounts_of(found, BUSINESS)["account_id"]
    assert found.select_campaigns().members.equals(alone.members)
    assert found.members["account"].is_unique().all()


def test_a_pin_between_businesses_makes_one_of_them() -> None:
    members = accounts_of(run(), BUSINESS)
    first, second = (
        members.filter(pl.col("cluster") == each) for each in members["cluster"].unique().sort()[:2]
    )
    found = run(pins=((first["account_id"][0], second["account_id"][0], True),))
    together = accounts_of(found, BUSINESS).filter(
        pl.col("account_id").is_in(pl.concat([first, second])["account_id"].to_list())
    )
    assert together["cluster"].n_unique() == 1
    assert together.height == first.height + second.height


@pytest.mark.parametrize(("column", "value"), [("coordination", 0.25), ("assessment", "campaign")])
def test_the_hash_of_a_result_covers_both_numbers(column: str, value: object) -> None:
    found = run()
    ids = small_world().graph.accounts["id"]
    members = found.members.select("cluster", "membership", account=ids.gather(found.members["account"]))
    scores = found.clusters.select(
        "score", "coordination", "assessment", cluster=pl.int_range(pl.len(), dtype=pl.Int32)
    )
    last = pl.col("cluster") == found.clusters.height - 1
    changed = scores.with_columns(pl.when(last).then(pl.lit(value)).otherwise(column).alias(column))
    assert hash_result(members, scores) == found.fingerprint(small_world().graph)
    assert hash_result(members, changed) != hash_result(members, scores)
