"""A world day by day: what an export at the end of each day shows that the day before's did not.

Loaded in order, the days' bundles make the same graph as the world in one bundle.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from graphsvc.errors import SettingsError
from graphsvc_lab.worlds.clock import DAY
from graphsvc_lab.worlds.scenario import Scenario
from graphsvc_lab.worlds.tables import build_births, to_times
from graphsvc_lab.worlds.world import World

DAYS = "day-*"
"""Names of the days' bundles."""
SECOND = 1_000_000
"""In the tables' unit of time."""
_COUNTS = {"sessions": "requests", "payments": "payments", "prompts": "requests"}


def get_directory(day: int) -> str:
    """Return the name of a day's bundle."""
    return f"day-{day:03d}"


def check_days(scenario: Scenario, days: int) -> None:
    """Check that the world's traffic covers the days.

    Raises:
        SettingsError: more days than the scenario has traffic or history of, or an export without some
            columns.
    """
    if scenario.tables is not None or scenario.filled:
        raise SettingsError(
            f"The scenario {scenario.name} may lack the columns that days are cut by.",
            "Choose the scenario `days`.",
        )
    most = scenario.activity_days if scenario.bundle == "full" else scenario.history_days - 1
    if days > most:
        raise SettingsError(
            f"The scenario {scenario.name} has traffic of its last {most} days; {days} are asked for.",
            "Ask for fewer days, or choose the scenario `days`.",
        )


def list_bounds(scenario: Scenario, days: int) -> list[tuple[int, int]]:
    """Return beginning and end of each day, seconds since 1970. The first holds all that was before the replay."""
    first = scenario.end - days * DAY
    return [(0, first), *((first + i * DAY, first + (i + 1) * DAY) for i in range(days))]


def build_calendar(scenario: Scenario, days: int) -> pl.DataFrame:
    """Build the table `calendar`: day, directory, ends (UTC), of each day."""
    ends = np.array([end for _, end in list_bounds(scenario, days)])
    numbers = range(len(ends))
    return pl.DataFrame(
        {"day": numbers, "directory": [get_directory(day) for day in numbers], "ends": to_times(ends)},
        schema_overrides={"day": pl.Int64},
    )


def iter_parts(
    world: World, table: str, rows: pl.DataFrame, days: int | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield one table of a world in parts, each with its directory: the days', or "." for an undivided table.

    The truth is undivided, and so is every table if `days` is None.
    """
    if days is None or table == "truth":
        yield ".", rows
        return
    parts = split_days(table, rows, build_births(world.people), list_bounds(world.scenario, days))
    for day, part in enumerate(parts):
        yield get_directory(day), part


def split_days(
    table: str, rows: pl.DataFrame, accounts: pl.DataFrame, days: list[tuple[int, int]]
) -> Iterator[pl.DataFrame]:
    """Yield the rows of each day of one table, in the order of `days`; no rows if a day adds none.

    - `accounts`: those who signed up, and, without what they declared, those whose status changed. A status
      is shown from
      its day on.
    - tables with a span and a count: what was seen on that day, with its first and last time and its part of
      the count. A
      use is seen on its first and last day, and between on as many days as its count gives.
    - `activity`: the hours of the day. `identifiers`: with their account. `networks`: all, every day.

    Args:
        table: its name.
        rows: its rows.
        accounts: `account_id`, `created_at`, of all.
        days: of `list_bounds`.
    """
    if "account_id" in rows.columns and table == "identifiers":
        rows = rows.join(accounts.select("account_id", "created_at"), on="account_id", maintain_order="left")
    for day, (begin, end) in enumerate(days):
        low, high = _build_time(begin), _build_time(end)
        if table == "networks":
            yield rows
        elif table == "accounts":
            yield _select_accounts(rows, low, high)
        elif table == "identifiers":
            yield rows.filter(pl.col("created_at").is_between(low, high, closed="left")).drop("created_at")
        elif table == "activity":
            yield rows.filter(pl.col("hour").is_between(low, high, closed="left"))
        else:
            yield _select_uses(rows, _COUNTS[table], low, high, last=day == len(days) - 1)


def _build_time(seconds: int) -> pl.Expr:
    return pl.lit(seconds * SECOND).cast(pl.Datetime("us", "UTC"))


def _select_accounts(rows: pl.DataFrame, low: pl.Expr, high: pl.Expr) -> pl.DataFrame:
    """Select accounts born on the day, as they were at its end, and those whose status changed on it."""
    born = rows.filter(pl.col("created_at").is_between(low, high, closed="left"))
    if "status" not in rows.columns:
        return born
    so_far = pl.col("status_changed_at") < high
    born = born.with_columns(
        status=pl.when(so_far).then("status").otherwise(pl.lit("active")),
        status_changed_at=pl.when(so_far).then("status_changed_at"),
    )
    changed = rows.filter(
        (pl.col("created_at") < low) & pl.col("status_changed_at").is_between(low, high, closed="left")
    )
    told = ("account_id", "created_at", "status", "status_changed_at", "plan", "country")
    nothing = [pl.lit(None, dtype=rows.schema[name]).alias(name) for name in rows.columns if name not in told]
    return pl.concat([born, changed.with_columns(nothing)])


def _select_uses(rows: pl.DataFrame, count: str, low: pl.Expr, high: pl.Expr, *, last: bool) -> pl.DataFrame:
    """Select uses of the day, with their part of the count."""
    first_seen, last_seen = pl.col("first_seen"), pl.col("last_seen")
    if last:
        # The present is the last moment there is; what ends with it was seen on the last day.
        high = pl.max_horizontal(high, last_seen + pl.duration(microseconds=SECOND))
    live = rows.filter((first_seen < high) & (last_seen >= low))
    part = live.with_columns(
        pl.max_horizontal(first_seen, low).alias("first_seen"),
        pl.min_horizontal(last_seen, high - pl.duration(microseconds=SECOND)).alias("last_seen"),
        (_count_before(count, high) - _count_before(count, low)).alias(count),
    )
    ends = pl.Series(live.select((first_seen >= low) | (last_seen < high)).to_series())
    shown = part.filter(ends | (pl.col(count) > 0))
    # Two uses of one thing can look the same on a day that both last; rows that are equal are one to a reader.
    same = shown.group_by(pl.exclude(count), maintain_order=True).agg(pl.col(count).sum())
    return same.select(rows.columns)


def _count_before(count: str, moment: pl.Expr) -> pl.Expr:
    """Compute the part of a use's count before `moment`: one at its beginning, one at its end, the rest evenly."""
    first_seen, last_seen, total = pl.col("first_seen"), pl.col("last_seen"), pl.col(count)
    length = (last_seen - first_seen).dt.total_microseconds() // SECOND
    passed = ((moment - first_seen).dt.total_microseconds() // SECOND).clip(0, length)
    # Integer division, so that the parts of all days add up to the count.
    between = (total - 2).clip(0) * passed // length.clip(1)
    so_far = pl.min_horizontal(1 + between, total)
    return pl.when(moment <= first_seen).then(0).when(last_seen < moment).then(total).otherwise(so_far)
