"""Published clusters, their members, and their evidence."""
# mypy: disable-error-code=untyped-decorator

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments, timeline
from graphsvc.api.types.account import AccountStatus
from graphsvc.api.types.decision import Decided
from graphsvc.api.types.enums import describe_enum
from graphsvc.api.types.evidence import EXPLANATION, FamilyEvidence, parse_evidence
from graphsvc.api.types.lineage import LineageEvent
from graphsvc.api.types.models import describe_model
from graphsvc.api.types.moments import to_utc
from graphsvc.api.types.neighbour import Neighbour
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.run import Run
from graphsvc.api.types.timeline import Bucket, TimelineBucket, TrafficBucket
from graphsvc.api.types.turnover import Turnover
from graphsvc.campaigns import sentences
from graphsvc.campaigns.aspects import ASPECTS, Aspect
from graphsvc.model.clusters import Assessment
from graphsvc.model.decisions import Status
from graphsvc.store.queries import nodes, relations
from graphsvc.store.queries.nodes import Cluster, ScorePart
from graphsvc.store.queries.relations import Link, Member, SharedSignal, TraitCount

__all__ = ["Cluster"]

describe_enum(
    Status,
    "ClusterStatus",
    "The status of a cluster, from people's decisions.",
    {
        Status.OPEN: "No decision yet.",
        Status.CONFIRMED: "One operator runs it, against the rules.",
        Status.DISMISSED: "Nothing to act on.",
        Status.MONITORING: "Seen, not settled.",
        Status.ACTIONED: "Acted on, outside of this service.",
        Status.APPEALED: "Acted on, and the action was appealed.",
        Status.CONFLICT: "Decisions that came together by splits and mergers differ; a new decision is needed.",
    },
)

describe_enum(
    Assessment,
    "ClusterAssessment",
    "The assessment of a published cluster.",
    {
        Assessment.CAMPAIGN: "A campaign: one operator runs it, against the rules.",
        Assessment.LIKELY_BUSINESS: "Coordinated, not hostile: an agency, a reseller of seats, a class or a "
        "company, for example.",
    },
)

describe_enum(
    Aspect,
    "ScoreAspect",
    "The question that a part of a cluster's score answers.",
    {
        Aspect.COORDINATION: "Does one operator run it? Such parts speak to hostility, too.",
        Aspect.HOSTILITY: "Is it a campaign?",
    },
)


class _LinkFields(Link):
    @strawberry.field(description="The reason for the link, in a sentence.")
    def summary(self) -> str:
        return sentences.link(self.bits, parse_evidence(self.row))

    @strawberry.field(description=EXPLANATION)
    def explanation(self) -> list[FamilyEvidence]:
        return [
            FamilyEvidence.from_evidence(row, sentences.family_of_link) for row in parse_evidence(self.row)
        ]


class _ScorePartFields(ScorePart):
    @strawberry.field(description="The question that it answers.")
    def aspect(self) -> Aspect:
        return ASPECTS[self.name]


describe_model(Member)
describe_model(SharedSignal)
describe_model(Link, resolvers=_LinkFields)
describe_model(ScorePart, resolvers=_ScorePartFields, names={"says": "description"})
describe_model(TraitCount)


@strawberry.enum(description="Traits that members of a cluster are counted by.")
class MemberTrait(Enum):
    STATUS = strawberry.enum_value("status", description="The status of the account.")
    COUNTRY = strawberry.enum_value("country", description="ISO 3166 alpha-2.")
    PLAN = strawberry.enum_value("plan", description="The plan of the account.")


@strawberry.input(description="Members that meet all that is given.")
class MemberFilter:
    status: list[AccountStatus] | None = strawberry.field(default=None, description="Any of these.")
    min_membership: float | None = strawberry.field(default=None, description="At least so surely, 0 to 1.")
    max_membership: float | None = strawberry.field(default=None, description="At most so surely.")
    joined_since: datetime | None = strawberry.field(
        default=None, description="Known to belong to it since this moment or later."
    )

    def build_parameters(self) -> dict[str, object]:
        """Build the parameters of `query/cluster_members`."""
        return {
            "statuses": tuple(status.value for status in self.status) if self.status is not None else None,
            "least": self.min_membership,
            "most": self.max_membership,
            "since": to_utc(self.joined_since) if self.joined_since else None,
        }


By = Annotated[Bucket, strawberry.argument(description="How long a bucket is.")]
Since = Annotated[datetime | None, strawberry.argument(description="From this moment on.")]
Until = Annotated[datetime | None, strawberry.argument(description="Before this moment.")]


class _ClusterFields(Cluster, Decided):
    @strawberry.field(description="The parts that add up to its score.")
    def score_parts(self) -> list[ScorePart]:
        return self.parse_parts()

    @strawberry.field(
        description="How it replaces its banned; null: the run that found it kept nothing of that."
    )
    def turnover(self) -> Turnover | None:
        return self.parse_turnover()

    @strawberry.field(description="How its score is put together, in a sentence.")
    def explanation(self) -> str:
        return sentences.score(self.score, [(part.name, part.bits) for part in self.parse_parts()])

    @strawberry.field(description="The detection run that found it.")
    async def run(self, info: Info) -> Run | None:
        return await info.context.loaders.load_row(nodes.RUN, self.run_id)

    @strawberry.field(description="Its accounts, highest membership first.")
    async def members(
        self,
        info: Info,
        filter: Annotated[
            MemberFilter | None, strawberry.argument(description="Only members that meet this.")
        ] = None,
        first: arguments.First = 50,
        after: arguments.After = None,
    ) -> Connection[Member]:
        # A cluster's size bounds the page, so a small one costs less than what was asked for.
        limit = info.context.budget.charge_page(first, at_most=self.size) + 1
        membership, account_id = decode_cursor("cluster.members", after, (2.0, ""))
        rows = await info.context.loaders.load_rows(
            relations.CLUSTER_MEMBERS,
            self.id,
            after_membership=membership,
            after_id=account_id,
            limit=limit,
            **(filter or MemberFilter()).build_parameters(),
        )
        return build_connection(
            rows,
            first,
            after,
            lambda row: encode_cursor("cluster.members", (float(row.membership), row.account.id)),
        )

    @strawberry.field(description="The signals that hold it together, strongest first.")
    async def shared_signals(self, info: Info, first: arguments.First = 20) -> list[SharedSignal]:
        limit = info.context.budget.charge_page(first)
        return await info.context.loaders.load_rows(relations.CLUSTER_SIGNALS, self.id, limit=limit)

    @strawberry.field(description="The strongest links between its accounts.")
    async def links(self, info: Info, first: arguments.First = 20) -> list[Link]:
        limit = info.context.budget.charge_page(first)
        return await info.context.loaders.load_rows(relations.CLUSTER_LINKS, self.id, limit=limit)

    @strawberry.field(description="Its history from run to run, newest first.")
    async def lineage(self, info: Info, first: arguments.First = 20) -> list[LineageEvent]:
        limit = info.context.budget.charge_page(first)
        return await info.context.loaders.load_rows(relations.CLUSTER_LINEAGE, self.id, limit=limit)

    @strawberry.field(
        description="Accounts gained in the last run, negative: lost; a cluster that is new gained all it has."
    )
    def growth(self, info: Info) -> int:
        # In a list the statement has said it already: a value now, where an awaitable costs a task a row.
        known = self.before is not None
        return self.size - self.before if known else _load_growth(info, self)  # type: ignore[operator, return-value]

    @strawberry.field(description="How many accounts are known to belong to it since a moment or later.")
    async def joined(
        self, info: Info, since: Annotated[datetime, strawberry.argument(description="The moment.")]
    ) -> int:
        arguments.charge_walk(info, self.size)
        counts = await info.context.loaders.load_rows(relations.CLUSTER_JOINED, self.id, since=to_utc(since))
        return counts[0] if counts else 0

    @strawberry.field(description="Its accounts counted by status, country or plan, most first.")
    async def composition(
        self,
        info: Info,
        by: Annotated[MemberTrait, strawberry.argument(description="The trait.")],
        first: arguments.First = 20,
    ) -> list[TraitCount]:
        limit = info.context.budget.charge_page(first)
        arguments.charge_walk(info, self.size)
        return await info.context.loaders.load_rows(
            relations.CLUSTER_COMPOSITION, self.id, by=by.value, limit=limit
        )

    @strawberry.field(
        description="Sign-ups, bans and replacements in its latest buckets with any, in order of time. "
        "For earlier ones give `until`."
    )
    async def timeline(
        self, info: Info, by: By, since: Since = None, until: Until = None, first: arguments.First = 200
    ) -> list[TimelineBucket]:
        return await timeline.load_timeline(info, self.id, self.size, by, (since, until), first)

    @strawberry.field(
        description="Requests of its accounts in the latest buckets that have any, in order of time."
    )
    async def traffic(
        self, info: Info, by: By, since: Since = None, until: Until = None, first: arguments.First = 200
    ) -> list[TrafficBucket]:
        return await timeline.load_traffic(info, self.id, self.size, by, (since, until), first)

    @strawberry.field(
        description="Published clusters that share signals or a past with it: those with the strongest signal in "
        "common first."
    )
    async def neighbours(self, info: Info, first: arguments.First = 20) -> list[Neighbour]:
        limit = info.context.budget.charge_page(first)
        return await info.context.loaders.load_rows(relations.CLUSTER_NEIGHBOURS, self.id, limit=limit)


async def _load_growth(info: Info, cluster: Cluster) -> int:
    return cluster.size - (
        await info.context.loaders.load_row(relations.CLUSTER_SIZE_BEFORE, cluster.id) or 0
    )


describe_model(Cluster, resolvers=_ClusterFields)
