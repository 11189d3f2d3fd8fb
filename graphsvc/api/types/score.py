"""Scores of sign-ups."""

from datetime import datetime
from typing import Any

import strawberry

from graphsvc.api.types.enums import describe_enum
from graphsvc.model.clusters import Assessment
from graphsvc.scoring.answers import Recommendation

describe_enum(
    Recommendation,
    "ScoreRecommendation",
    "Advice about a sign-up, by the installation's thresholds.",
    {
        Recommendation.ALLOW: "Let it in.",
        Recommendation.CHALLENGE: "Ask for more: it is more likely of a campaign than not.",
        Recommendation.REVIEW: "Have a person look: a run would publish it as a member of a campaign.",
    },
)


@strawberry.input(description="An identifier of any other kind.")
class IdentifierInput:
    kind: str = strawberry.field(description="Its kind, such as `referral_code`.")
    value: str = strawberry.field(description="Its value.")


@strawberry.input(description="A sign-up, in the names of the bundle's tables. All fields are optional.")
class SignUpInput:
    created_at: datetime | None = strawberry.field(default=None, description="When it signed up.")
    email: str | None = strawberry.field(default=None, description="E-mail address.")
    phone: str | None = strawberry.field(default=None, description="Phone number.")
    display_name: str | None = strawberry.field(default=None, description="Name.")
    organization: str | None = strawberry.field(default=None, description="Organization.")
    signup_ip: str | None = strawberry.field(default=None, description="IP address.")
    signup_device: str | None = strawberry.field(default=None, description="Device.")
    user_agent: str | None = strawberry.field(default=None, description="User agent.")
    instrument: str | None = strawberry.field(
        default=None, description="The processor's fingerprint or token, never a card number."
    )
    bin: str | None = strawberry.field(default=None, description="BIN of the instrument.")
    ip: str | None = strawberry.field(default=None, description="A further IP address.")
    asn: str | None = strawberry.field(default=None, description="Autonomous system of `ip`.")
    device: str | None = strawberry.field(default=None, description="A further device.")
    text: str | None = strawberry.field(default=None, description="A prompt.")
    fingerprint: str | None = strawberry.field(
        default=None, description="A prompt's fingerprint, instead of its text."
    )
    identifiers: list[IdentifierInput] = strawberry.field(
        default_factory=list, description="Identifiers of other kinds, 20 at most."
    )


@strawberry.type(description="Bits that a family of values speaks for a cluster, negative if against.")
class ScoreFamily:
    family: str = strawberry.field(
        description="The family; `time` is the moment of sign-up, `prior` the base rate."
    )
    bits: float = strawberry.field(description="Its bits.")
    description: str = strawberry.field(description="A sentence.")


@strawberry.type(description="A published cluster that a sign-up may belong to.")
class ScoreMatch:
    cluster_id: strawberry.ID | None = strawberry.field(description="Its id; null below the role analyst.")
    assessment: Assessment = strawberry.field(description="What it most likely is.")
    hostility: float = strawberry.field(description="Probability that it is a campaign, 0–1.")
    coordination: float = strawberry.field(description="Probability that one operator runs it, 0–1.")
    size: int | None = strawberry.field(description="Its members; null below the role analyst.")
    stopped: float | None = strawberry.field(
        description="Share of them banned or suspended, 0–1; null below the role analyst."
    )
    membership: float = strawberry.field(description="Probability that the sign-up is of it, 0–1.")
    bits: float = strawberry.field(description="Sum of the families' bits.")
    families: list[ScoreFamily] = strawberry.field(description="The evidence, strongest first.")


@strawberry.type(description="A value that very many accounts share, by its kind.")
class SharedValueWarning:
    kind: str = strawberry.field(description="Its kind.")
    description: str = strawberry.field(description="A sentence.")


@strawberry.type(description="Accounts that signed up since the run, and that a sign-up hangs together with.")
class ProvisionalGroup:
    group_id: strawberry.ID | None = strawberry.field(description="Its id; null below the role analyst.")
    size: int | None = strawberry.field(
        description="Accounts, this one among them; null below the role analyst."
    )
    families: list[ScoreFamily] = strawberry.field(
        description="The families of values that link it, strongest first."
    )


@strawberry.type(description="A banned or suspended account that a sign-up may follow.")
class ScorePredecessor:
    account_id: strawberry.ID | None = strawberry.field(description="Its id; null below the role analyst.")
    cluster_id: strawberry.ID | None = strawberry.field(
        description="Id of its campaign; null below the role analyst, and where it is of none."
    )
    probability: float = strawberry.field(
        description="That the sign-up follows it, 0–1; below the role analyst only from 0.5 on."
    )
    delay_hours: float | None = strawberry.field(
        description="From the ban to the sign-up; null below the role analyst."
    )
    families: list[ScoreFamily] = strawberry.field(
        description="Bits of each family of values, and of `moment`, `prior`, `chance` and `rivals`."
    )
    description: str | None = strawberry.field(description="A sentence; null below the role analyst.")


@strawberry.type(description="A score of a sign-up.")
class AccountScore:
    run_id: strawberry.ID = strawberry.field(description="The run that it was weighed against.")
    recommendation: Recommendation = strawberry.field(description="What to do.")
    reason: str = strawberry.field(description="Why, in a sentence.")
    matches: list[ScoreMatch] = strawberry.field(
        description="The nearest published clusters, the best first."
    )
    other_group: bool = strawberry.field(
        description="Whether a group that is not published explains it better."
    )
    warnings: list[SharedValueWarning] = strawberry.field(description="Values that say little.")
    missing: list[str] = strawberry.field(
        description="Families in which it has no value; `time`: its moment says nothing."
    )
    unread: list[str] = strawberry.field(description="Fields whose value could not be read.")
    provisional: ProvisionalGroup | None = strawberry.field(
        description="Its group among the accounts since the run, which no run has weighed yet."
    )

    predecessors: list[ScorePredecessor] = strawberry.field(
        description="The banned accounts that it may follow, the likeliest first."
    )

    @classmethod
    def from_answer(cls, said: dict[str, Any]) -> "AccountScore":
        """Build the type from an answer as plain values (`scorer.describe_answer`)."""
        matches = [
            ScoreMatch(
                cluster_id=each["cluster"] and strawberry.ID(each["cluster"]),
                families=[ScoreFamily(**part) for part in each["families"]],
                **{name: each[name] for name in _PLAIN},
            )
            for each in said["matches"]
        ]
        group = said["provisional"]
        return cls(
            provisional=group
            and ProvisionalGroup(
                group_id=group["id"] and strawberry.ID(group["id"]),
                size=group["size"],
                families=[ScoreFamily(**part) for part in group["families"]],
            ),
            predecessors=[
                ScorePredecessor(
                    account_id=each["account"] and strawberry.ID(each["account"]),
                    cluster_id=each["cluster"] and strawberry.ID(each["cluster"]),
                    families=[ScoreFamily(**part) for part in each["families"]],
                    **{name: each[name] for name in ("probability", "delay_hours", "description")},
                )
                for each in said["predecessors"]
            ],
            run_id=strawberry.ID(said["run"]),
            matches=matches,
            warnings=[SharedValueWarning(**each) for each in said["warnings"]],
            missing=list(said["missing"]),
            unread=list(said["unread"]),
            **{name: said[name] for name in ("recommendation", "reason", "other_group")},
        )


_PLAIN = ("assessment", "hostility", "coordination", "size", "stopped", "membership", "bits")
