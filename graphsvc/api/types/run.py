"""Detection runs."""

import json
from datetime import datetime
from enum import Enum
from typing import NewType

import strawberry
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from graphsvc.store.connection import Row

BigInt = NewType("BigInt", int)
BIG_INT: ScalarDefinition = strawberry.scalar(
    name="BigInt",
    description="An integer of up to 64 bits, as a JSON number.",
    serialize=int,
    parse_value=int,
)


@strawberry.enum(description="How far a run has come.")
class RunStatus(Enum):
    RUNNING = strawberry.enum_value("running", description="At work, or died without a word.")
    PUBLISHED = strawberry.enum_value("published", description="Its clusters are the ones served now.")
    SUPERSEDED = strawberry.enum_value(
        "superseded", description="A later run's clusters took the place of its own."
    )
    FAILED = strawberry.enum_value("failed", description="Ended with an error; it published nothing.")


@strawberry.type(description="How far a run that is under way has come.")
class Progress:
    stage: str = strawberry.field(description="The current stage, for example `links`.")
    done: int = strawberry.field(description="How much of the stage is done.")
    total: int = strawberry.field(description="How much there is to do in it; 0: not known.")
    at: datetime | None = strawberry.field(
        description="When it was last heard of; long ago: it has died without a word."
    )

    @classmethod
    def from_row(cls, run: Row) -> "Progress | None":
        """Build the type from the properties of a running `:DetectionRun`; None if it does not run."""
        if run["status"] != RunStatus.RUNNING.value:
            return None
        return cls(
            stage=run.get("stage") or "starting",
            done=run.get("done") or 0,
            total=run.get("total") or 0,
            at=run.get("heartbeatAt"),
        )


@strawberry.type(description="One detection run, with everything needed to do it again.")
class Run:
    id: str = strawberry.field(description="Id of the run.")
    status: RunStatus = strawberry.field(description="How far it has come.")
    engine: str = strawberry.field(description="The detection engine, for example `gds`.")
    algorithm: str = strawberry.field(description="The community detection algorithm.")
    seed: BigInt | None = strawberry.field(description="Seed of everything random in the run.")
    parameters: JSON = strawberry.field(description="All parameters of the run.")
    versions: JSON = strawberry.field(description="Versions of all that took part.")
    thresholds: JSON = strawberry.field(
        description="Thresholds that it set from its parameters and its input, by name."
    )
    timings: JSON = strawberry.field(description="Seconds each stage took.")
    stages: JSON = strawberry.field(
        description="The cost of each stage: `name`, `seconds`, `rows` that it was about, `peak_bytes` of memory."
    )
    started_at: datetime = strawberry.field(description="When it began.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    accounts: int | None = strawberry.field(description="Accounts it read.")
    signals: int | None = strawberry.field(description="Signals it read.")
    links: int | None = strawberry.field(description="Links between accounts it weighed.")
    clusters: int | None = strawberry.field(description="Campaigns it found.")
    members: int | None = strawberry.field(description="Accounts in these campaigns.")
    businesses: int | None = strawberry.field(description="Likely businesses it found.")
    business_members: int | None = strawberry.field(description="Accounts in these likely businesses.")
    input_hash: str | None = strawberry.field(
        description="Hash of what it read: the same graph, the same hash."
    )
    result_hash: str | None = strawberry.field(
        description="Hash of what it found: the same result, the same hash."
    )
    certificate: str | None = strawberry.field(
        description="Its certificate, as JSON text: hashes of its input and result, parameters, seed, versions."
    )
    signature: str | None = strawberry.field(
        description="Signature of the certificate's text: Ed25519, 64 bytes as hex."
    )
    signer: str | None = strawberry.field(description="Public key of who signed it: 32 bytes as hex.")
    error: str | None = strawberry.field(description="The error; null: it did not fail.")
    requested_by: str | None = strawberry.field(
        description="The person who started it over the API; null: it was started elsewhere."
    )
    progress: Progress | None = strawberry.field(description="How far it is; null: it is not under way.")

    @classmethod
    def from_row(cls, run: Row) -> "Run":
        """Build the type from the properties of a `:DetectionRun`."""
        return cls(
            id=run["id"],
            status=RunStatus(run["status"]),
            engine=run["engine"],
            algorithm=run["algorithm"],
            seed=run.get("seed"),
            parameters=_parse_document(run.get("parameters")),
            versions=_parse_document(run.get("versions")),
            thresholds=_parse_document(run.get("thresholds")),
            timings=_parse_document(run.get("timings")),
            stages=json.loads(run.get("stages") or "[]"),
            started_at=run["startedAt"],
            finished_at=run.get("finishedAt"),
            accounts=run.get("accounts"),
            signals=run.get("signals"),
            links=run.get("links"),
            clusters=run.get("clusters"),
            members=run.get("members"),
            businesses=run.get("businesses"),
            business_members=run.get("businessMembers"),
            input_hash=run.get("inputHash"),
            result_hash=run.get("resultHash"),
            certificate=run.get("certificate"),
            signature=run.get("signature"),
            signer=run.get("signer"),
            error=run.get("error"),
            requested_by=run.get("requestedBy"),
            progress=Progress.from_row(run),
        )


def _parse_document(text: str | None) -> JSON:
    return JSON(json.loads(text) if text else {})
