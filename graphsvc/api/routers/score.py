"""Score sign-ups over HTTP, typed in OpenAPI: `POST /v1/score`, described at `/v1/openapi.json`."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.principals import find_principal
from graphsvc.api.errors import BadInput
from graphsvc.api.http.request_info import get_request_info
from graphsvc.api.routers.bodies import describe_body, parse_body
from graphsvc.api.services import Services, get_services
from graphsvc.api.workers.scorer import MOST, Scored, SignupValues, build_event, describe_answer
from graphsvc.errors import Forbidden, GraphsvcError
from graphsvc.loading.signups import RecordedSignup, is_recorded
from graphsvc.model.clusters import Assessment
from graphsvc.scoring.answers import Recommendation

PATH = "/v1/score"

Short = Annotated[str | None, Field(max_length=1_024)]
router = APIRouter()


class SignUp(BaseModel):
    """A sign-up as a sign-up service has it. All fields are optional; names are those of the bundle's tables."""

    model_config = ConfigDict(extra="forbid")

    account_id: Short = Field(None, description="Your name of it; it is given back and not looked at.")
    created_at: datetime | None = Field(None, description="When it signed up; a time without a zone is UTC.")
    email: Short = None
    phone: Short = None
    display_name: Short = None
    organization: Short = None
    signup_ip: Short = None
    signup_device: Short = None
    user_agent: Short = None
    instrument: Short = Field(None, description="The processor's fingerprint or token, never a card number.")
    bin: Short = None
    ip: Short = Field(None, description="A further address.")
    asn: int | None = Field(None, ge=0, le=2**32 - 1, description="Autonomous system of `ip`.")
    device: Short = Field(None, description="A further device.")
    text: str | None = Field(None, max_length=20_000, description="A prompt.")
    fingerprint: Short = Field(None, description="A prompt's fingerprint, instead of its text.")
    identifiers: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=1_024)]] = Field(
        default_factory=dict, max_length=20, description="Any other identifier, by its kind."
    )

    def to_values(self) -> SignupValues:
        """Return the values as the intake takes them."""
        said = ((name, getattr(self, name)) for name in self.model_fields_set & _VALUES)
        columns = {name: None if value is None else str(value) for name, value in said}
        if self.created_at is not None:
            at = self.created_at if self.created_at.tzinfo else self.created_at.replace(tzinfo=UTC)
            columns["created_at"] = at.astimezone(UTC).isoformat()
        return SignupValues(columns, list(self.identifiers.items()), self.account_id)


_VALUES = SignUp.model_fields.keys() - {"account_id", "identifiers", "created_at"}


class ScoreRequest(BaseModel):
    """Sign-ups to score."""

    model_config = ConfigDict(extra="forbid")

    signups: list[SignUp] = Field(min_length=1, max_length=MOST)
    record: bool = Field(
        False, description="Also put them into the graph, as a load does; needs GRAPHSVC_SCORE_RECORD."
    )


class FamilyEvidence(BaseModel):
    """Bits that a family of values speaks for a cluster, negative if against, and a sentence."""

    family: str
    bits: float
    description: str


class ScoreMatch(BaseModel):
    """A published cluster that a sign-up may belong to."""

    cluster: str | None = Field(description="Its id; null below the role analyst.")
    assessment: Assessment
    hostility: float = Field(description="Probability that the cluster is a campaign.")
    coordination: float = Field(description="Probability that one operator runs it.")
    size: int | None = Field(description="Its members; null below the role analyst.")
    stopped: float | None = Field(
        description="Share of them banned or suspended; null below the role analyst."
    )
    membership: float = Field(description="Probability that the sign-up is of it.")
    bits: float
    families: list[FamilyEvidence]


class SharedValueWarning(BaseModel):
    """A value that very many accounts share, by its kind."""

    kind: str
    description: str


class RejectedRow(BaseModel):
    """A row that was not recorded, by its table of the bundle, and its first fault."""

    table: str
    column: str | None
    reason: str


class Recording(BaseModel):
    """The result of recording a sign-up."""

    done: bool = Field(description="Whether the account is in the graph.")
    rejected: list[RejectedRow] = Field(
        description="Rows that break the contract of bundles; all others are there."
    )
    error: str | None = Field(
        description="Code of the error if it is not done for another reason. Try again."
    )
    event: str | None = Field(
        description="Id of the event `account.scored` that was written with it; null where there is none."
    )


class ProvisionalGroup(BaseModel):
    """Accounts that signed up since the run and that this one hangs together with; the next run weighs them."""

    id: str | None = Field(description="Its id; null below the role analyst.")
    size: int | None = Field(description="Accounts, this one among them; null below the role analyst.")
    families: list[FamilyEvidence] = Field(
        description="The families of values that link it, strongest first."
    )


class ScorePredecessor(BaseModel):
    """A banned or suspended account that a sign-up may follow."""

    account: str | None = Field(description="Its id; null below the role analyst.")
    cluster: str | None = Field(
        description="Id of its campaign; null below the role analyst, and where it is of none."
    )
    probability: float = Field(
        description="That the sign-up follows it; below the role analyst only from 0.5 on."
    )
    delay_hours: float | None = Field(description="From the ban to the sign-up; null below the role analyst.")
    families: list[FamilyEvidence] = Field(
        description="Bits of each family of values, and of `moment`, `prior`, `chance` and `rivals`; their sum is the "
        "log2 of the odds."
    )
    description: str | None = Field(description="A sentence; null below the role analyst.")


class ScoreAnswer(BaseModel):
    """Answer about one sign-up."""

    account_id: str | None
    run: str = Field(description="The run that it was weighed against.")
    recommendation: Recommendation
    reason: str
    matches: list[ScoreMatch] = Field(description="The nearest published clusters, the best first.")
    other_group: bool = Field(description="Whether a group that is not published explains it better.")
    warnings: list[SharedValueWarning]
    missing: list[str] = Field(
        description="Families in which it has no value; `time`: its moment says nothing."
    )
    unread: list[str] = Field(description="Fields whose value could not be read.")
    provisional: ProvisionalGroup | None = Field(
        description="Null where it hangs together with no such group."
    )
    predecessors: list[ScorePredecessor] = Field(
        description="The banned accounts that it may follow, the likeliest first, three at most."
    )
    recorded: Recording | None = Field(description="Null where `record` was not asked for.")


class ScoreResponse(BaseModel):
    """Answers, in the order of the sign-ups."""

    scores: list[ScoreAnswer]


@router.post(
    PATH,
    response_model=ScoreResponse,
    summary="Score sign-ups against the published clusters",
    openapi_extra=describe_body(ScoreRequest),
)
async def score_signups(request: Request) -> Response:
    """Weigh up to 1,000 sign-ups as the last run would, and recommend what to do.

    Nothing of them is stored, unless the caller says `record`.
    """
    services = get_services(request.app)
    principal = await find_principal(
        request.headers.get("authorization", ""), services.keys, services.issuer, Role.SCORER
    )
    request_info = get_request_info(request)
    request_info.principal, request_info.kind = principal.id, "score"
    # Counted before the body is read: slow uploads would otherwise hold connections that no limit sees.
    with services.concurrency_limit.count_arrival(principal.id):
        body = await request.body()
    asked = parse_body(body, ScoreRequest, SignUp, "request for scores")
    if asked.record:
        _check_recording(services, asked)
    # By sign-ups, not by requests: batches must not be a way round the rate.
    cost = request_info.cost = len(asked.signups)
    services.rate_limits.charge_principal(principal.id, cost)
    # No turn, which is for work in the database; what is recorded waits for a thread of the worker.
    async with services.concurrency_limit.enter(principal.id):
        values = [each.to_values() for each in asked.signups]
        scored = await services.scorer.score(principal, values)
        recorded: list[dict[str, Any] | None] = [None] * len(values)
        if asked.record:
            recorded = await _record(services, asked, values, scored)
            # After recording, or the sign-ups of one batch would not see each other.
            scored = await services.scorer.weigh_together(principal, scored, values)
    services.scorer.counts.add_recorded(
        principal, sum(each is not None and each["done"] for each in recorded)
    )
    return JSONResponse(
        {
            "scores": [
                {
                    **describe_answer(each.account_id, scored, place, principal.role),
                    "recorded": recorded[place],
                }
                for place, each in enumerate(asked.signups)
            ]
        }
    )


def _check_recording(services: Services, asked: ScoreRequest) -> None:
    """Check that sign-ups may be recorded, before any is scored.

    Raises:
        Forbidden: this installation does not let keys record.
        BadInput: one has no name, or two have the same.
    """
    if not services.settings.score_record:
        raise Forbidden(
            "Sign-ups are not recorded here.", "Set GRAPHSVC_SCORE_RECORD=true to allow `record`."
        )
    # Two of one name would be one account in the graph, and the second answer would be about neither.
    names = [each.account_id for each in asked.signups]
    if not all(names) or len(set(names)) < len(names):
        raise BadInput(
            "What is recorded needs its own account_id.", "Name each sign-up as the bundle names its account."
        )


async def _record(
    services: Services, asked: ScoreRequest, values: Sequence[SignupValues], scored: Scored
) -> list[dict[str, Any] | None]:
    """Record sign-ups; return `Recording` of each. Whatever fails, their scores are answered."""
    now = datetime.now(UTC).isoformat()
    signups = [
        RecordedSignup(
            {"created_at": now, **said.columns, "account_id": each.account_id},
            said.identifiers,
            build_event(services.settings, services.signer, each.account_id or "", scored.run, score),
        )
        for each, said, score in zip(asked.signups, values, scored.scores, strict=True)
    ]
    try:
        found = await services.recorder.record(signups)
    except GraphsvcError as error:
        return [{"done": False, "rejected": [], "error": error.code, "event": None} for _ in signups]
    with suppress(GraphsvcError):  # they are recorded, and known a little later
        await services.scorer.read_recent(services.worker)
    return [
        {
            "done": is_recorded(rows),
            "rejected": [asdict(row) for row in rows],
            "error": None,
            "event": signup.event.id if signup.event and is_recorded(rows) else None,
        }
        for signup, rows in zip(signups, found, strict=True)
    ]


class _FirstRoute(Route):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as any route, and name it as FastAPI's do."""
        match, found = super().matches(scope)
        return match, {**found, "route": self}


def build_first_route() -> Route:
    """Build a route for the call alone, to be tried before all others: FastAPI's own takes as long as the scoring."""
    return _FirstRoute(PATH, score_signups, methods=["POST"])
