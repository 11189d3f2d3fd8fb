"""Traffic over the hours: people's days and nights, load balancers that level them, moves to a new model."""

import polars as pl
from worlds import labelled, world

from graphsvc_lab.worlds import scenario


def hourly(of: pl.Expr) -> pl.DataFrame:
    people = labelled("demo", 12_000).filter(of)
    return world("demo", 12_000)["activity"].join(people, on="account_id", how="semi")


def unevenness(rows: pl.DataFrame) -> float:
    """Standard deviation of the share of each hour of the day, over its mean."""
    hours = rows.group_by(pl.col("hour").dt.hour()).agg(pl.len().alias("n"))["n"]
    return float((hours.std() or 0.0) / hours.mean())


def test_a_load_balancer_levels_the_sum() -> None:
    offices = hourly(pl.col("decoy") == "corporate")
    hydra = hourly(pl.col("campaign_id") == "hydra")
    assert unevenness(hydra) < 0.5 * unevenness(offices)


def test_no_account_is_active_at_every_hour() -> None:
    rows = world("demo", 12_000)["activity"].group_by("account_id").len()["len"]
    assert rows.max() < scenario.load_scenario("demo").activity_days * 24 / 2


def test_campaigns_move_to_a_new_model_within_a_day() -> None:
    plan = scenario.load_scenario("demo")
    since = (pl.lit(plan.end) - pl.col("hour").dt.epoch("s")) / 86_400 - plan.model_released_days_ago

    def moved(of: pl.Expr) -> tuple[float, float]:
        rows = hourly(of).with_columns(days=-since, new=pl.col("model") == plan.models[2])
        before, day_after = rows.filter(pl.col("days") < 0), rows.filter(pl.col("days").is_between(1, 2))
        return float(before["new"].mean()), float(day_after["new"].mean())

    hydra, people = moved(pl.col("campaign_id") == "hydra"), moved(pl.col("campaign_id").is_null())
    assert hydra[0] == people[0] == 0
    assert hydra[1] > 0.35
    assert people[1] < 0.15
