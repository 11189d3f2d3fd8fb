"""Published clusters, their members and what holds them together."""
# mypy: disable-error-code=untyped-decorator

import json
from datetime import datetime
from enum import Enum

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.pagination import Connection, connection, decode, encode
from graphsvc.api.types import arguments
from graphsvc.api.types.account import Account
from graphsvc.api.types.decision import Decided
from graphsvc.api.types.evidence import EXPLANATION, Belonging, FamilyEvidence, evidence_of
from graphsvc.api.types.moments import moment
from graphsvc.api.types.run import Run
from graphsvc.api.types.signal import Signal
from graphsvc.campaigns import sentences
from graphsvc.model.decisions import On
from graphsvc.store.connection import Row


@strawberry.enum(description="What people decided on a cluster.")
class ClusterStatus(Enum):
    OPEN = strawberry.enum_value("open", description="Nobody has decided yet.")
    CONFIRMED = strawberry.enum_value("confirmed", description="One operator runs it, against the rules.")
    DISMISSED = strawberry.enum_value("dismissed", description="Nothing to act on.")
    MONITORING = strawberry.enum_value("monitoring", description="Seen, not settled.")
    ACTIONED = strawberry.enum_value("actioned", description="Acted on, outside of this service.")
    APPEALED = strawberry.enum_value("appealed", description="Acted on, and somebody says that was wrong.")
    CONFLICT = strawberry.enum_value(
        "conflict",
        description="Decisions that came together by splits and mergers differ; somebody has to decide again.",
    )


@strawberry.type(description="An account in a cluster.")
class Member(Belonging):
    account: Account = strawberry.field(description="The account.")

    @classmethod
    def of(cls, row: Row) -> "Member":
        """From a row of `query/cluster_members`."""
        return cls(
            account=Account.of(row["account"]),
            membership=row["membership"],
            bits=row["bits"],
            since=moment(row["since"]),
            row=row,
        )


@strawberry.type(description="A signal that accounts of a cluster share.")
class SharedSignal:
    rank: int = strawberry.field(description="1: the strongest.")
    accounts: int = strawberry.field(description="Accounts of the cluster that use it.")
    share: float = strawberry.field(description="The same as a share of the cluster's accounts, 0 to 1.")
    bits: float = strawberry.field(description="What sharing it says for one operator, in bits.")
    signal: Signal = strawberry.field(description="The signal.")

    @classmethod
    def of(cls, row: Row) -> "SharedSignal":
        """From a row of `query/cluster_signals`."""
        return cls(
            rank=row["rank"],
            accounts=row["accounts"],
            share=row["share"],
            bits=row["bits"],
            signal=Signal.of(row["signal"], row["degree"]),
        )


@strawberry.type(description="A link between two accounts of a cluster.")
class Link:
    source: Account = strawberry.field(description="One account; a link has no direction.")
    target: Account = strawberry.field(description="The other account.")
    bits: float = strawberry.field(description="Evidence for one operator behind both, in bits.")
    families: list[str] = strawberry.field(description="Families of the signals they share.")
    row: strawberry.Private[Row]

    @classmethod
    def of(cls, row: Row) -> "Link":
        """From a row of `query/cluster_links`."""
        return cls(
            source=Account.of(row["source"]),
            target=Account.of(row["target"]),
            bits=row["bits"],
            families=row["families"] or [],
            row=row,
        )

    @strawberry.field(description="Why they are linked, in a sentence.")
    def summary(self) -> str:
        return sentences.link(self.bits, evidence_of(self.row))

    @strawberry.field(description=EXPLANATION)
    def explanation(self) -> list[FamilyEvidence]:
        return [FamilyEvidence.of(row, sentences.family_of_link) for row in evidence_of(self.row)]


@strawberry.type(description="One part of a cluster's score.")
class ScorePart:
    name: str = strawberry.field(description="Its name, for example `shared`, `lockstep`, `bans`, `prior`.")
    bits: float = strawberry.field(description="What it adds, in bits; negative: it speaks against.")
    says: str = strawberry.field(description="What was seen.")


@strawberry.enum(description="What happened to a cluster.")
class EventKind(Enum):
    BORN = strawberry.enum_value("born", description="Found for the first time.")
    SPLIT = strawberry.enum_value("split", description="It came off another, which goes on.")
    REVIVED = strawberry.enum_value("revived", description="Found again, or no longer part of another.")
    MERGED = strawberry.enum_value("merged", description="Another became part of it.")
    DORMANT = strawberry.enum_value("dormant", description="Not found by a run.")
    GREW = strawberry.enum_value("grew", description="It has more accounts than before.")
    SHRANK = strawberry.enum_value("shrank", description="It has fewer accounts than before.")
    CONTINUED = strawberry.enum_value("continued", description="It has as many accounts as before.")


@strawberry.type(description="What happened to a cluster in one run.")
class LineageEvent:
    kind: EventKind = strawberry.field(description="What happened.")
    cluster_id: str = strawberry.field(description="Id of the cluster it happened to.")
    before_id: str | None = strawberry.field(
        description="Id of what it was before: of a split the cluster it came off, of a merger the one it took in."
    )
    at: datetime = strawberry.field(description="When the run published it.")
    run_id: str = strawberry.field(description="Id of the run.")
    overlap: float = strawberry.field(description="How much of the smaller is in both, 0 to 1.")
    accounts_in_common: int = strawberry.field(description="Accounts before and after.")
    accounts_before: int = strawberry.field(description="Accounts before.")
    accounts_now: int = strawberry.field(description="Accounts after.")
    signals_in_common: int = strawberry.field(description="Rare signals before and after.")
    families: list[str] = strawberry.field(description="Families of those signals.")
    bits: float = strawberry.field(description="What those signals say together, in bits.")
    says: str = strawberry.field(description="The event in a sentence.")

    @classmethod
    def of(cls, row: Row) -> "LineageEvent":
        """From a row of `query/cluster_lineage`."""
        return cls(
            kind=EventKind(row["kind"]),
            cluster_id=row["id"],
            before_id=row["before"],
            at=row["at"],
            run_id=row["run"],
            overlap=row["overlap"],
            accounts_in_common=row["accounts"],
            accounts_before=row["accounts_before"],
            accounts_now=row["accounts_now"],
            signals_in_common=row["signals"],
            families=row["families"],
            bits=row["bits"],
            says=row["says"],
        )


@strawberry.type(
    description="Accounts that one operator seems to run together, as published by the last run."
)
class Cluster(Decided):
    id: str = strawberry.field(description="Id of the cluster; it keeps it from run to run.")
    score: float = strawberry.field(description="How sure the detection is of it, 0 to 1.")
    size: int = strawberry.field(description="How many accounts are in it.")
    status: ClusterStatus = strawberry.field(description="What people decided on it.")
    first_seen: datetime | None = strawberry.field(description="First sign-up of a member.")
    last_seen: datetime | None = strawberry.field(description="Last sign-up of a member.")
    families: list[str] = strawberry.field(description="Families of signals that hold it together.")
    bits: float | None = strawberry.field(description="Evidence of all its memberships together, in bits.")
    summary: str | None = strawberry.field(description="What it is, in a sentence.")
    rank: int | None = strawberry.field(description="1: the highest score.")
    published_at: datetime | None = strawberry.field(description="When it was published.")
    score_parts: list[ScorePart] = strawberry.field(description="What its score is the sum of.")
    explanation: str = strawberry.field(description="How its score is put together, in a sentence.")
    run_id: strawberry.Private[str]

    @classmethod
    def of(cls, cluster: Row) -> "Cluster":
        """From the properties of a `:Cluster`."""
        parts = [ScorePart(**part) for part in json.loads(cluster.get("scoreParts") or "[]")]
        return cls(
            subject=(On.CLUSTER, cluster["id"], ""),
            id=cluster["id"],
            score=cluster["score"],
            size=cluster["size"],
            status=ClusterStatus(cluster["status"]),
            first_seen=moment(cluster["firstSeen"]),
            last_seen=moment(cluster["lastSeen"]),
            families=cluster.get("families") or [],
            bits=cluster.get("bits"),
            summary=cluster.get("summary"),
            rank=cluster.get("rank"),
            published_at=moment(cluster["publishedAt"]),
            score_parts=parts,
            explanation=sentences.score(cluster["score"], [(part.name, part.bits) for part in parts]),
            run_id=cluster["run"],
        )

    @strawberry.field(description="The detection run that found it.")
    async def run(self, info: Info) -> Run | None:
        row = await info.context.loaders.row("query/run_by_id", self.run_id)
        return Run.of(row["run"]) if row else None

    @strawberry.field(description="Its accounts, surest first.")
    async def members(
        self, info: Info, first: arguments.First = 50, after: arguments.After = None
    ) -> Connection[Member]:
        limit = info.context.budget.page(first, at_most=self.size) + 1
        membership, account_id = decode("cluster.members", after, (2.0, ""))
        rows = await info.context.loaders.rows(
            "query/cluster_members", self.id, after_membership=membership, after_id=account_id, limit=limit
        )
        return connection(
            rows,
            first,
            after,
            Member.of,
            lambda row: encode("cluster.members", (float(row["membership"]), row["account"]["id"])),
        )

    @strawberry.field(description="The signals that hold it together, strongest first.")
    async def shared_signals(self, info: Info, first: arguments.First = 20) -> list[SharedSignal]:
        limit = info.context.budget.page(first)
        rows = await info.context.loaders.rows("query/cluster_signals", self.id, limit=limit)
        return [SharedSignal.of(row) for row in rows]

    @strawberry.field(description="The strongest links between its accounts.")
    async def links(self, info: Info, first: arguments.First = 20) -> list[Link]:
        limit = info.context.budget.page(first)
        rows = await info.context.loaders.rows("query/cluster_links", self.id, limit=limit)
        return [Link.of(row) for row in rows]

    @strawberry.field(description="What happened to it from run to run, newest first.")
    async def lineage(self, info: Info, first: arguments.First = 20) -> list[LineageEvent]:
        limit = info.context.budget.page(first)
        rows = await info.context.loaders.rows("query/cluster_lineage", self.id, limit=limit)
        return [LineageEvent.of(row) for row in rows]
