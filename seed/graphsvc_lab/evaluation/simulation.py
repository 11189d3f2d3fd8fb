"""Evaluate all days of a simulation: how early campaigns are found, whether ids last, and which events are recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from graphsvc_lab.evaluation.days import DayResult
from graphsvc_lab.evaluation.earliness import measure_earliness
from graphsvc_lab.evaluation.identity import (
    EventOutcomes,
    Identity,
    evaluate_identity,
    find_main_clusters,
    match_planned_events,
)
from graphsvc_lab.evaluation.rates import Rate

WITHIN = 5
"""Days after it happened within which a merger or split is recorded in time."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result of all days.

    `found`: schema `earliness.FOUND`, with `families` and `signals` of the cluster in the first find. `days`:
    a row a day, ready for JSON. `largest`: the campaign with most accounts at the end.
    """

    days: list[dict[str, Any]]
    found: list[dict[str, Any]]
    identity: Identity
    happenings: EventOutcomes
    largest: str

    def to_dict(self) -> dict[str, Any]:
        """Return the assessment ready for JSON."""
        happened = self.happenings
        return {
            "identity": {
                "kept": _build_rate(self.identity.kept),
                "kept_all": _build_rate(self.identity.kept_all),
                "steady": _build_rate(self.identity.steady),
                "led": _build_rate(self.identity.led),
                "swaps": [list(swap) for swap in self.identity.swaps],
                "campaigns": self.identity.campaigns.to_dicts(),
            },
            "happenings": {
                "recorded": {
                    name: _build_rate(happened.count_recorded(kind))
                    for name, kind in (("all", None), ("merge", "merge"), ("split", "split"))
                },
                "recorded_of_visible": _build_rate(happened.count_recorded(visible=True)),
                "planned": [
                    {name: getattr(h, name) for name in h.__dataclass_fields__} for h in happened.planned
                ],
                "unplanned_within_one_campaign": [list(row) for row in happened.parts],
                "unplanned_between_strangers": [list(row) for row in happened.strangers],
            },
            "largest": self.largest,
            "earliness": self.found,
            "days": self.days,
        }


def evaluate_days(days: Sequence[DayResult], planned: pl.DataFrame, *, window: int) -> Assessment:
    """Evaluate all days.

    Args:
        days: in order. Events of the first are ignored, because every cluster is born on it.
        planned: schema `identity.PLANNED`.
        window: days for which a run counts a use after it was last seen; 0: for ever.
    """
    met = pl.concat([day.met for day in days])
    sizes = pl.concat([day.growth for day in days])
    # `clear` keeps the schema for a simulation of a single day.
    events = pl.concat([day.events for day in days[1:]] or [days[0].events.clear()])
    pairs = planned.select("campaign_id", "other_id").rows()
    partners = {**dict(pairs), **{other: one for one, other in pairs}}
    why = {(day.day, cluster): reasons for day in days for cluster, reasons in day.why.items()}
    found = [
        {**row, **why.get((row["day"], row["cluster_id"]), {"families": [], "signals": []})}
        for row in measure_earliness(met, sizes, partners).iter_rows(named=True)
    ]
    # The largest at the end, by accounts ever made: bans must not hide it.
    final = sizes.filter(pl.col("day") == pl.col("day").max()).sort(
        "born", "campaign_id", descending=[True, False]
    )
    largest = str(final["campaign_id"][0]) if final.height else ""
    return Assessment(
        [_build_row(day, largest) for day in days],
        found,
        evaluate_identity(met, events, planned),
        match_planned_events(met, events, planned, within=WITHIN, window=window),
        largest,
    )


def _build_row(day: DayResult, largest: str) -> dict[str, Any]:
    """Build the row of a day, with what it found of the largest campaign."""
    main = find_main_clusters(day.met).filter(pl.col("campaign_id") == largest)
    size = day.growth.filter(pl.col("campaign_id") == largest)
    return {
        "day": day.day,
        **day.figures,
        "largest": int(size["born"].sum()),
        "largest_found": int(main["own"].sum()),
        "largest_id": main["cluster_id"].first() if main.height else None,
        "events": day.kinds,
        "seconds": day.seconds,
    }


def _build_rate(rate: Rate) -> dict[str, Any]:
    return {"hits": rate.hits, "of": rate.of, "rate": rate.rate}
