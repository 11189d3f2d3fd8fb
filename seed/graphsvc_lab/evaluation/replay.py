"""A world written day by day, as a simulation reads it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import polars as pl

from graphsvc.errors import BundleError
from graphsvc_lab.evaluation.identity import PLANNED
from graphsvc_lab.evaluation.truth import read_truth


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a world: its number, its bundle, and when it ends (ms since 1970)."""

    number: int
    bundle: Path
    end_ms: int


@dataclass(frozen=True, slots=True)
class Replay:
    """A world by days. `truth` is that of all days (see `read_truth`); `planned` has the schema `identity.PLANNED`."""

    days: tuple[Day, ...]
    truth: pl.DataFrame
    planned: pl.DataFrame

    @classmethod
    def read(cls, world: Path) -> Self:
        """Read what `graphsvc seed --days` wrote into the directory `world`, as Parquet.

        Raises:
            BundleError: the directory holds no such world, or an incomplete one.
        """
        try:
            calendar = pl.read_parquet(world / "calendar.parquet").sort("day")
            events = pl.read_parquet(world / "events.parquet")
            truth = read_truth(world / "truth.parquet")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise BundleError(
                f"{world} is no world by days ({type(error).__name__}).",
                "Write one with `graphsvc seed --days 30`.",
            ) from None
        ends = calendar.select(end=pl.col("ends").dt.epoch("ms"))["end"]
        days = tuple(
            Day(number, world / name, end)
            for number, name, end in zip(calendar["day"], calendar["directory"], ends, strict=True)
        )
        # An event lies at the beginning of a day: it is of the day that begins then.
        at = pl.col("at").dt.epoch("ms")
        planned = events.with_columns(
            day=at.map_elements(lambda ms: _find_day(ms, days), return_dtype=pl.Int64)
        )
        return cls(days, truth, planned.select(pl.col(name).cast(dtype) for name, dtype in PLANNED.items()))

    def iter_accounts(self) -> Iterator[pl.DataFrame]:
        """Yield account_id, created_at (ms since 1970) and status at the end of each day."""
        held: pl.DataFrame | None = None
        for day in self.days:
            table = pl.read_parquet(day.bundle / "accounts.parquet").select(
                "account_id", pl.col("created_at").dt.epoch("ms"), "status"
            )
            # A later row is the newer state of an account.
            held = table if held is None else pl.concat([held, table]).unique("account_id", keep="last")
            yield held


def _find_day(ms: int, days: tuple[Day, ...]) -> int:
    return next((day.number for day in days if ms < day.end_ms), days[-1].number + 1)
