"""Decisions, and the status that they give a cluster or an account."""
# mypy: disable-error-code=untyped-decorator

from abc import abstractmethod
from datetime import datetime

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments
from graphsvc.api.types.enums import describe_enum
from graphsvc.model import decisions as model

describe_enum(
    model.On,
    "DecisionSubjectKind",
    "Kinds of subjects of decisions.",
    {
        model.On.CLUSTER: "A cluster.",
        model.On.ACCOUNT: "An account.",
        model.On.PAIR: "Two accounts.",
    },
)

describe_enum(
    model.Topic,
    "DecisionTopic",
    "The topic of a decision.",
    {
        model.Topic.DISPOSITION: "The disposition of a cluster or an account.",
        model.Topic.ASSIGNMENT: "Its assignee.",
        model.Topic.NOTE: "A note.",
        model.Topic.WATCH: "Whether a person watches for changes.",
        model.Topic.PIN: "Whether one operator runs two accounts.",
    },
)

describe_enum(
    model.Disposition,
    "Disposition",
    "Dispositions of a cluster or an account. Nothing here acts on accounts.",
    {
        model.Disposition.OPEN: "Nothing, or no longer what was thought before.",
        model.Disposition.CONFIRMED: "One operator runs it, against the rules.",
        model.Disposition.DISMISSED: "Nothing to act on.",
        model.Disposition.MONITORING: "Seen, not settled.",
        model.Disposition.ACTIONED: "Acted on, outside of this service.",
        model.Disposition.APPEALED: "Acted on, and the action was appealed.",
    },
)

describe_enum(
    model.Pin,
    "Operator",
    "Knowledge about the operator of two accounts.",
    {
        model.Pin.SAME: "One operator runs both.",
        model.Pin.DIFFERENT: "Two operators run them.",
    },
)


@strawberry.type(description="A decision of a person. It stays on record; undone, it is not active.")
class Decision:
    id: strawberry.ID = strawberry.field(description="Id of the decision.")
    subject_kind: model.On = strawberry.field(description="The kind of its subject.")
    topic: model.Topic = strawberry.field(description="The topic of a decision.")
    subject_id: str = strawberry.field(
        description="Id of the cluster or account; of a pair the first account."
    )
    other_id: str | None = strawberry.field(description="Of a pair: the second account.")
    value: str = strawberry.field(
        description="The value: a disposition, a name, `same` or `different`; empty for a note."
    )
    note: str = strawberry.field(description="The reason, or the text of the note.")
    by: str = strawberry.field(description="The person who decided.")
    at: datetime = strawberry.field(description="When.")
    size: int = strawberry.field(description="Accounts that the cluster had then.")
    origin_id: str = strawberry.field(
        description="Id of the cluster that the person decided on: another one if this is a copy that a split got."
    )
    undone_at: datetime | None = strawberry.field(description="When it was taken back; null: it stands.")
    undone_by: str | None = strawberry.field(description="The person who undid it.")
    is_active: bool = strawberry.field(
        description="Whether it stands and nothing of the same kind answered it."
    )
    number: strawberry.Private[int]

    @classmethod
    def from_model(cls, decision: model.Decision, forced: bool) -> "Decision":
        """Build the type from a decision of the log."""
        return cls(
            id=strawberry.ID(decision.id),
            subject_kind=decision.on,
            topic=decision.topic,
            subject_id=decision.subject,
            other_id=decision.other or None,
            value=decision.value,
            note=decision.note,
            by=decision.by,
            at=decision.at,
            size=decision.size,
            origin_id=decision.origin,
            undone_at=decision.undone_at,
            undone_by=decision.undone_by,
            is_active=forced,
            number=decision.number,
        )


@strawberry.type(description="Decisions on a subject.")
class Decided:
    """The fields that clusters, accounts and pairs have in common."""

    @property
    @abstractmethod
    def subject(self) -> tuple[model.On, str, str]:
        """Return the subject of the decisions: its kind, its id, and of a pair the second id."""

    @strawberry.field(
        description="Number of the last decision on it or undoing of one, 0: none yet. A change names the version it "
        "was read at, and is refused with the code `conflict` if someone else has changed it since."
    )
    async def version(self, info: Info) -> int:
        return (await info.context.decision_log.read()).compute_version(*self.subject)

    @strawberry.field(description="All decisions on it, newest first, those undone or answered included.")
    async def decisions(self, info: Info, first: arguments.First = 20) -> list[Decision]:
        limit = info.context.budget.charge_page(first)
        log = await info.context.decision_log.read()
        forced = {each.id for each in log.find_active(*self.subject)}
        newest = log.select_about(*self.subject)[::-1][:limit]
        return [Decision.from_model(each, each.id in forced) for each in newest]

    @strawberry.field(description="The assignee; null: unassigned.")
    async def assignee(self, info: Info) -> str | None:
        return (await info.context.decision_log.read()).get_last_value(
            model.Topic.ASSIGNMENT, *self.subject
        ) or None

    @strawberry.field(description="Names of those who watch it.")
    async def watchers(self, info: Info) -> list[str]:
        return (await info.context.decision_log.read()).list_watchers(*self.subject)
