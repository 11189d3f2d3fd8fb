"""Published clusters, their members, and their evidence."""
# mypy: disable-error-code=untyped-decorator

import json
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.types import arguments, timeline
from graphsvc.api.types.account import Account, AccountStatus
from graphsvc.api.types.decision import Decided
from graphsvc.api.types.enums import describe_enum
from graphsvc.api.types.evidence import EXPLANATION, Belonging, FamilyEvidence, parse_evidence
from graphsvc.api.types.lineage import LineageEvent
from graphsvc.api.types.moments import to_optional_datetime, to_utc
from graphsvc.api.types.neighbour import Neighbour
from graphsvc.api.types.pagination import Connection, build_connection, decode_cursor, encode_cursor
from graphsvc.api.types.run import Run
from graphsvc.api.types.signal import Signal
from graphsvc.api.types.timeline import Bucket, TimelineBucket, TrafficBucket
from graphsvc.api.types.turnover import Turnover
from graphsvc.campaigns import sentences
from graphsvc.campaigns.aspects import ASPECTS, Aspect
from graphsvc.model.clusters import Assessment
from graphsvc.model.decisions import On, Status
from graphsvc.store.connection import Row

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


@strawberry.type(description="An account in a cluster.")
class Member(Belonging):
    account: Account = strawberry.field(description="The account.")

    @classmethod
    def from_row(cls, row: Row) -> "Member":
        """Build the type from a row of `query/cluster_members`."""
        return cls(
            account=Account.from_row(row["account"]),
            membership=row["membership"],
            bits=row["bits"],
            since=to_optional_datetime(row["since"]),
            row=row,
        )


@strawberry.type(description="A signal that accounts of a cluster share.")
class SharedSignal:
    rank: int = strawberry.field(description="1: the strongest.")
    accounts: int = strawberry.field(description="Accounts of the cluster that use it.")
    share: float = strawberry.field(description="The same as a share of the cluster's accounts, 0 to 1.")
    outside: int = strawberry.field(description="Accounts that use it and are not of the cluster.")
    bits: float = strawberry.field(description="Evidence for one operator from sharing it, in bits.")
    signal: Signal = strawberry.field(description="The signal.")

    @classmethod
    def from_row(cls, row: Row) -> "SharedSignal":
        """Build the type from a row of `query/cluster_signals`."""
        return cls(
            rank=row["rank"],
            accounts=row["accounts"],
            share=row["share"],
            outside=max(row["degree"] - row["accounts"], 0),
            bits=row["bits"],
            signal=Signal.from_row(row["signal"], row["degree"]),
        )


@strawberry.type(description="A link between two accounts of a cluster.")
class Link:
    source: Account = strawberry.field(description="One account; a link has no direction.")
    target: Account = strawberry.field(description="The other account.")
    bits: float = strawberry.field(description="Evidence for one operator behind both, in bits.")
    families: list[str] = strawberry.field(description="Families of the signals they share.")
    row: strawberry.Private[Row]

    @classmethod
    def from_row(cls, row: Row) -> "Link":
        """Build the type from a row of `query/cluster_links`."""
        return cls(
            source=Account.from_row(row["source"]),
            target=Account.from_row(row["target"]),
            bits=row["bits"],
            families=row["families"] or [],
            row=row,
        )

    @strawberry.field(description="The reason for the link, in a sentence.")
    def summary(self) -> str:
        return sentences.link(self.bits, parse_evidence(self.row))

    @strawberry.field(description=EXPLANATION)
    def explanation(self) -> list[FamilyEvidence]:
        return [
            FamilyEvidence.from_evidence(row, sentences.family_of_link) for row in parse_evidence(self.row)
        ]


@strawberry.type(description="One part of a cluster's score.")
class ScorePart:
    name: str = strawberry.field(description="Its name, for example `shared`, `lockstep`, `bans`, `prior`.")
    bits: float = strawberry.field(description="Bits that it adds; negative: evidence against.")
    says: str = strawberry.field(name="description", description="The observation.")

    @strawberry.field(description="The question that it answers.")
    def aspect(self) -> Aspect:
        return ASPECTS[self.name]


@strawberry.enum(description="Traits that members of a cluster are counted by.")
class MemberTrait(Enum):
    STATUS = strawberry.enum_value("status", description="The status of the account.")
    COUNTRY = strawberry.enum_value("country", description="ISO 3166 alpha-2.")
    PLAN = strawberry.enum_value("plan", description="The plan of the account.")


@strawberry.type(description="How many members of a cluster have one value.")
class TraitCount:
    value: str | None = strawberry.field(description="The value; null: not known.")
    accounts: int = strawberry.field(description="Members that have it.")


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


@strawberry.type(
    description="Accounts that one operator seems to run together, as published by the last run: a campaign, or a "
    "likely business."
)
class Cluster(Decided):
    id: str = strawberry.field(description="Id of the cluster; it keeps it from run to run.")
    score: float = strawberry.field(description="The same as `hostility`.")
    hostility: float = strawberry.field(
        description="How likely it is a campaign, 0 to 1: one operator, against the rules."
    )
    coordination: float = strawberry.field(
        description="How likely one operator runs it, 0 to 1, be it a campaign or a business."
    )
    assessment: Assessment = strawberry.field(
        description="Its assessment. `CAMPAIGN`: its hostility reaches the run's `min_score`; else its "
        "coordination reaches the run's `min_coordination`."
    )
    size: int = strawberry.field(description="How many accounts are in it, as the run found it.")
    members_forgotten: int = strawberry.field(
        description="How many of these were forgotten since, and are not members now."
    )
    status: Status = strawberry.field(description="Its status, from people's decisions.")
    first_seen: datetime | None = strawberry.field(description="First sign-up of a member.")
    last_seen: datetime | None = strawberry.field(description="Last sign-up of a member.")
    families: list[str] = strawberry.field(description="Families of signals that hold it together.")
    bits: float | None = strawberry.field(description="Evidence of all its memberships together, in bits.")
    summary: str | None = strawberry.field(description="Its description, in a sentence.")
    rank: int | None = strawberry.field(description="1: the highest score.")
    published_at: datetime | None = strawberry.field(description="When it was published.")
    before: strawberry.Private[int | None]
    run_id: strawberry.Private[str]
    parts_text: strawberry.Private[str]
    turnover_text: strawberry.Private[str]

    @classmethod
    def from_row(cls, cluster: Row) -> "Cluster":
        """Build the type from the properties of a `:Cluster`."""
        return cls(
            subject=(On.CLUSTER, cluster["id"], ""),
            id=cluster["id"],
            score=cluster["score"],
            hostility=cluster["score"],
            coordination=cluster["coordination"],
            assessment=Assessment(cluster["assessment"]),
            size=cluster["size"],
            # Properties that later versions added are absent on clusters of earlier ones.
            members_forgotten=cluster.get("membersForgotten") or 0,
            status=Status(cluster["status"]),
            first_seen=to_optional_datetime(cluster["firstSeen"]),
            last_seen=to_optional_datetime(cluster["lastSeen"]),
            families=cluster.get("families") or [],
            bits=cluster.get("bits"),
            summary=cluster.get("summary"),
            rank=cluster.get("rank"),
            published_at=to_optional_datetime(cluster["publishedAt"]),
            before=cluster.get("before"),
            parts_text=cluster.get("scoreParts") or "[]",
            turnover_text=cluster.get("turnover") or "",
            run_id=cluster["run"],
        )

    @strawberry.field(description="The parts that add up to its score.")
    def score_parts(self) -> list[ScorePart]:
        return [ScorePart(**part) for part in json.loads(self.parts_text)]

    @strawberry.field(
        description="How it replaces its banned; null: the run that found it kept nothing of that."
    )
    def turnover(self) -> Turnover | None:
        return Turnover.from_json(self.turnover_text) if self.turnover_text else None

    @strawberry.field(description="How its score is put together, in a sentence.")
    def explanation(self) -> str:
        return sentences.score(
            self.score, [(part["name"], part["bits"]) for part in json.loads(self.parts_text)]
        )

    @strawberry.field(description="The detection run that found it.")
    async def run(self, info: Info) -> Run | None:
        row = await info.context.loaders.load_row("query/run_by_id", self.run_id)
        return Run.from_row(row["run"]) if row else None

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
            "query/cluster_members",
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
            Member.from_row,
            lambda row: encode_cursor("cluster.members", (float(row["membership"]), row["account"]["id"])),
        )

    @strawberry.field(description="The signals that hold it together, strongest first.")
    async def shared_signals(self, info: Info, first: arguments.First = 20) -> list[SharedSignal]:
        limit = info.context.budget.charge_page(first)
        rows = await info.context.loaders.load_rows("query/cluster_signals", self.id, limit=limit)
        return [SharedSignal.from_row(row) for row in rows]

    @strawberry.field(description="The strongest links between its accounts.")
    async def links(self, info: Info, first: arguments.First = 20) -> list[Link]:
        limit = info.context.budget.charge_page(first)
        rows = await info.context.loaders.load_rows("query/cluster_links", self.id, limit=limit)
        return [Link.from_row(row) for row in rows]

    @strawberry.field(description="Its history from run to run, newest first.")
    async def lineage(self, info: Info, first: arguments.First = 20) -> list[LineageEvent]:
        limit = info.context.budget.charge_page(first)
        rows = await info.context.loaders.load_rows("query/cluster_lineage", self.id, limit=limit)
        return [LineageEvent.from_row(row) for row in rows]

    @strawberry.field(
        description="Accounts gained in the last run, negative: lost; a cluster that is new gained all it has."
    )
    def growth(self, info: Info) -> int:
        # In a list the statement has said it already: a value now, where an awaitable costs a task a row.
        known = self.before is not None
        return self.size - self.before if known else self._load_growth(info)  # type: ignore[operator, return-value]

    async def _load_growth(self, info: Info) -> int:
        row = await info.context.loaders.load_row("query/cluster_growth", self.id)
        return self.size - (row["before"] if row else 0)

    @strawberry.field(description="How many accounts are known to belong to it since a moment or later.")
    async def joined(
        self, info: Info, since: Annotated[datetime, strawberry.argument(description="The moment.")]
    ) -> int:
        arguments.charge_walk(info, self.size)
        rows = await info.context.loaders.load_rows("query/cluster_joined", self.id, since=to_utc(since))
        return rows[0]["accounts"] if rows else 0

    @strawberry.field(description="Its accounts counted by status, country or plan, most first.")
    async def composition(
        self,
        info: Info,
        by: Annotated[MemberTrait, strawberry.argument(description="The trait.")],
        first: arguments.First = 20,
    ) -> list[TraitCount]:
        limit = info.context.budget.charge_page(first)
        arguments.charge_walk(info, self.size)
        rows = await info.context.loaders.load_rows(
            "query/cluster_composition", self.id, by=by.value, limit=limit
        )
        return [TraitCount(value=row["value"], accounts=row["accounts"]) for row in rows]

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
        rows = await info.context.loaders.load_rows("query/cluster_neighbours", self.id, limit=limit)
        return [Neighbour.from_row(row) for row in rows]
