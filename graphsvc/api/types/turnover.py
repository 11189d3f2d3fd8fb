"""Types for the speed at which a cluster replaces its banned accounts, and for what the new ones take over."""

import json
from datetime import datetime
from typing import Any

import strawberry

from graphsvc.api.types.moments import to_datetime


@strawberry.type(description="One thing that accounts which come back take over.")
class TakenOver:
    family: str = strawberry.field(description="A family of signals.")
    share: float = strawberry.field(description="Share of the pairs that took it over, 0 to 1.")


@strawberry.type(description="Bans within 72 hours of each other.")
class BanWave:
    at: datetime = strawberry.field(description="When the first of them was.")
    stopped: int = strawberry.field(description="Accounts banned or suspended.")
    replaced: int = strawberry.field(description="Of these, how many probably came back.")


@strawberry.type(description="How a cluster replaces its banned, as the run that published it saw it.")
class Turnover:
    stopped: int = strawberry.field(description="Members banned or suspended.")
    replaced: int = strawberry.field(description="Of these, how many probably came back as another account.")
    by_chance: float = strawberry.field(description="How many of those pairs are expected to be wrong.")
    replacement_rate: float | None = strawberry.field(
        description="The rest of the pairs for each of the stopped, 0 to 1; at least so much, since accounts that take "
        "over nothing are not seen. Null: no member was stopped."
    )
    outside: int = strawberry.field(description="Followers that are not of the cluster.")
    delay_hours: float | None = strawberry.field(description="From ban to sign-up: the median, in hours.")
    delay_low: float | None = strawberry.field(description="The lower quartile.")
    delay_high: float | None = strawberry.field(description="The upper quartile.")
    half_life_days: float | None = strawberry.field(
        description="From sign-up to ban: after so many days half of its accounts were banned. "
        "Null: more than half last."
    )
    half_life_at_pace: float | None = strawberry.field(
        description="After how many days half will be banned at the present rate of bans; null: there were none."
    )
    taken_over: list[TakenOver] = strawberry.field(
        description="The things that they take over, most frequent first."
    )
    waves: list[BanWave] = strawberry.field(description="When its accounts were banned, and who came back.")
    description: str = strawberry.field(description="The same in a sentence.")

    @classmethod
    def from_json(cls, document: str) -> "Turnover":
        """Build the type from the property `turnover` of a `:Cluster`."""
        row: dict[str, Any] = json.loads(document)
        return cls(
            stopped=row["stopped"],
            replaced=row["pairs"],
            by_chance=row["by_chance"],
            replacement_rate=row["rate"],
            outside=row["outside"],
            delay_hours=row["delay_hours"],
            delay_low=row["delay_low"],
            delay_high=row["delay_high"],
            half_life_days=row["half_life_days"],
            half_life_at_pace=row["half_life_at_pace"],
            taken_over=[
                TakenOver(family=family, share=share)
                for family, share in zip(row["families"], row["family_shares"], strict=True)
            ],
            waves=[
                BanWave(at=to_datetime(at), stopped=stopped, replaced=replaced)
                for at, stopped, replaced in zip(
                    row["wave_at"], row["wave_stopped"], row["wave_followed"], strict=True
                )
            ],
            description=row["says"],
        )
