"""Report what enforcement did over HTTP, typed in OpenAPI: `POST /v1/outcomes`, and `DELETE` to withdraw one."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from graphsvc.api.auth.keys import Principal, Role
from graphsvc.api.auth.principals import find_principal
from graphsvc.api.errors import BadInput
from graphsvc.api.http.request_info import get_request_info
from graphsvc.api.mutations.decisions import clean_text
from graphsvc.api.routers.bodies import describe_body, parse_body
from graphsvc.api.services import Services, get_services
from graphsvc.intake.terms import has_card_number
from graphsvc.intake.values import mask_personal
from graphsvc.model.outcomes import (
    ID_PATTERN,
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_REASON,
    Outcome,
    OutcomeKind,
    OutcomeResult,
    make_outcome,
)
from graphsvc.store.audit import Auditor
from graphsvc.store.outcomes import BATCH, StoredOutcome, record_outcomes, withdraw_outcome

PATH = "/v1/outcomes"
AHEAD = timedelta(hours=24)
"""Clocks differ, and a time without a zone may be local. A time further ahead would supersede all that comes."""

router = APIRouter()


class OutcomeReport(BaseModel):
    """An event that happened to an account."""

    model_config = ConfigDict(extra="forbid")

    account_id: str = Field(min_length=1, max_length=256, description="The account, as bundles name it.")
    kind: OutcomeKind
    at: datetime = Field(description="When it happened; a time without a zone is UTC.")
    by: str | None = Field(
        None, min_length=1, max_length=LONGEST_NAME, description="Who decided; null: the caller."
    )
    reason: str | None = Field(
        None, max_length=LONGEST_REASON, description="Why, without values of a person."
    )
    outcome_id: str | None = Field(
        None,
        pattern=ID_PATTERN,
        max_length=LONGEST_ID,
        description="Your id of it: sent again, it counts once. Null: derived from account, kind, time and `by`.",
    )


class OutcomesRequest(BaseModel):
    """Outcomes to record."""

    model_config = ConfigDict(extra="forbid")

    outcomes: list[OutcomeReport] = Field(min_length=1, max_length=BATCH)


class OutcomeAnswer(BaseModel):
    """The record of one outcome."""

    outcome_id: str = Field(description="Its id: by this it can be withdrawn.")
    account_id: str
    result: OutcomeResult = Field(
        description="recorded; known: it was there before; unknown_account: no load brought the account yet, so "
        "nothing was recorded: send it again later; conflict: its id is that of another outcome, which stays."
    )


class OutcomesResponse(BaseModel):
    """Counts, and what became of each outcome, in the order of the request."""

    recorded: int
    known: int
    unknown_accounts: int
    conflicts: int
    outcomes: list[OutcomeAnswer]


class WithdrawnOutcome(BaseModel):
    """A withdrawn outcome."""

    outcome_id: str
    account_id: str
    kind: OutcomeKind
    at: datetime
    withdrawn_at: datetime
    withdrawn_by: str


@router.post(
    PATH,
    response_model=OutcomesResponse,
    summary="Report what enforcement did about accounts",
    openapi_extra=describe_body(OutcomesRequest),
)
async def report_outcomes(request: Request) -> Response:
    """Record up to 1,000 outcomes. Sent again, they change nothing; what is new is in the audit log."""
    services, principal = await _admit(request)
    request_info = get_request_info(request)
    with services.concurrency_limit.count_arrival(principal.id):
        body = await request.body()
    asked = parse_body(body, OutcomesRequest, OutcomeReport, "report of outcomes")
    outcomes = [_read_report(each, principal, datetime.now(UTC)) for each in asked.outcomes]
    cost = request_info.cost = len(outcomes)
    services.rate_limits.charge_principal(principal.id, cost)
    async with services.concurrency_limit.enter(principal.id) as entry, entry.wait_for_turn(cost):
        results = await services.worker.run(record_outcomes, _audit(request, services, principal), outcomes)
    return JSONResponse(
        {
            "recorded": results.count(OutcomeResult.RECORDED),
            "known": results.count(OutcomeResult.KNOWN),
            "unknown_accounts": results.count(OutcomeResult.UNKNOWN_ACCOUNT),
            "conflicts": results.count(OutcomeResult.CONFLICT),
            "outcomes": [
                {"outcome_id": each.id, "account_id": each.account, "result": result.value}
                for each, result in zip(outcomes, results, strict=True)
            ],
        }
    )


@router.delete(
    PATH + "/{outcome_id}",
    response_model=WithdrawnOutcome,
    summary="Withdraw an outcome that was wrong",
    openapi_extra={"security": [{"key": []}]},
)
async def withdraw(
    request: Request, outcome_id: str, reason: Annotated[str, Query(description="Why it was wrong.")] = ""
) -> Response:
    """Withdraw an outcome: it stays on record without effect. A reporter may withdraw what it reported itself."""
    services, principal = await _admit(request)
    said = clean_text(reason, LONGEST_REASON)
    services.rate_limits.charge_principal(principal.id, 1)
    own = None if principal.role.includes(Role.ANALYST) else principal.name
    async with services.concurrency_limit.enter(principal.id) as entry, entry.wait_for_turn(1):
        found: StoredOutcome = await services.worker.run(
            withdraw_outcome, _audit(request, services, principal), outcome_id, said, reported_by=own
        )
    return JSONResponse(
        WithdrawnOutcome.model_validate(
            {
                "outcome_id": found.id,
                "account_id": found.account,
                "kind": found.kind,
                "at": found.at,
                "withdrawn_at": found.withdrawn_at,
                "withdrawn_by": found.withdrawn_by,
            }
        ).model_dump(mode="json")
    )


async def _admit(request: Request) -> tuple[Services, Principal]:
    """Return the services, and the principal, which must be a reporter or an analyst."""
    services = get_services(request.app)
    principal = await find_principal(
        request.headers.get("authorization", ""), services.keys, services.issuer, Role.REPORTER
    )
    request_info = get_request_info(request)
    request_info.principal, request_info.kind = principal.id, "outcomes"
    return services, principal


def _audit(request: Request, services: Services, principal: Principal) -> Auditor:
    return Auditor(services.signer, principal.name, principal.role.value, get_request_info(request).id)


def _read_report(report: OutcomeReport, principal: Principal, now: datetime) -> Outcome:
    """Return a report as an outcome.

    Raises:
        BadInput: its time is far ahead, or a text holds what must not be kept.
    """
    try:
        at = (report.at if report.at.tzinfo else report.at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise BadInput("`at` is no time of the years 1 to 9999.") from None
    if at > now + AHEAD:
        raise BadInput("`at` is more than a day ahead.", "Send the time when it happened, with its zone.")
    by = clean_text(report.by or principal.name, LONGEST_NAME) or principal.name
    reason = clean_text(report.reason or "", LONGEST_REASON)
    if has_card_number(reason):
        raise BadInput("A reason holds a card number.", "Leave it out; the number of a ticket will do.")
    # As in bundles: what people write is stored readable.
    said = mask_personal(pl.Series([reason], dtype=pl.String)).item()
    return make_outcome(report.account_id, report.kind, at, by, said, report.outcome_id)
