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
from graphsvc.api.types.evidence import EXPLANATION, Belonging, FamilyEvidence, evidence_of
from graphsvc.api.types.run import Run
from graphsvc.api.types.signal import Signal
from graphsvc.campaigns import sentences
from graphsvc.store.connection import Row


@strawberry.enum(description="What people decided on a cluster.")
class ClusterStatus(Enum):
    OPEN = strawberry.enum_value("open", description="Nobody has decided yet.")


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
            since=row["since"],
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


@strawberry.type(
    description="Accounts that one operator seems to run together, as published by the last run."
)
class Cluster:
    id: str = strawberry.field(description="Id of the cluster.")
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
            id=cluster["id"],
            score=cluster["score"],
            size=cluster["size"],
            status=ClusterStatus(cluster["status"]),
            first_seen=cluster.get("firstSeen"),
            last_seen=cluster.get("lastSeen"),
            families=cluster.get("families") or [],
            bits=cluster.get("bits"),
            summary=cluster.get("summary"),
            rank=cluster.get("rank"),
            published_at=cluster.get("publishedAt"),
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
