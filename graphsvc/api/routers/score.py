"""Score sign-ups over HTTP, typed in OpenAPI: `POST /v1/score`, described at `/v1/openapi.json`."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.principals import find_principal
from graphsvc.api.http.request_info import get_request_info
from graphsvc.api.routers.bodies import describe_body, parse_body
from graphsvc.api.services import get_services
from graphsvc.api.workers.scorer import MOST, SignupValues, describe_answer
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
        said = self.model_dump(exclude={"account_id", "identifiers", "created_at"})
        columns = {name: None if value is None else str(value) for name, value in said.items()}
        if self.created_at is not None:
            at = self.created_at if self.created_at.tzinfo else self.created_at.replace(tzinfo=UTC)
            columns["created_at"] = at.astimezone(UTC).isoformat()
        return SignupValues(columns, list(self.identifiers.items()))


class ScoreRequest(BaseModel):
    """Sign-ups to score."""

    model_config = ConfigDict(extra="forbid")

    signups: list[SignUp] = Field(min_length=1, max_length=MOST)


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
    """Weigh up to 1,000 sign-ups as the last run would, and recommend what to do. Nothing of them is stored."""
    services = get_services(request.app)
    principal = await find_principal(
        request.headers.get("authorization", ""), services.keys, services.issuer, Role.SCORER
    )
    request_info = get_request_info(request)
    request_info.principal, request_info.kind = principal.id, "score"
    with services.concurrency_limit.count_arrival(principal.id):
        body = await request.body()
    asked = parse_body(body, ScoreRequest, SignUp, "request for scores")
    cost = request_info.cost = len(asked.signups)
    services.rate_limits.charge_principal(principal.id, cost)
    # No turn, which is for work in the database: scores have a thread of their own and share its passes.
    async with services.concurrency_limit.enter(principal.id):
        scored = await services.scorer.score(principal, [each.to_values() for each in asked.signups])
    return JSONResponse(
        {
            "scores": [
                describe_answer(each.account_id, scored, place, principal.role)
                for place, each in enumerate(asked.signups)
            ]
        }
    )
