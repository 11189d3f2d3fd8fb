"""Clusters as files over HTTP, with the authorisation, the budget and the log of everything else."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.principals import find_principal
from graphsvc.api.auth.roles import check_role
from graphsvc.api.errors import BadInput
from graphsvc.api.http.request_info import get_request_info
from graphsvc.api.mutations.reveals import REASON
from graphsvc.api.services import get_services
from graphsvc.exchange.clusters import ENDINGS, TYPES, Format, export_cluster
from graphsvc.exchange.tlp import Tlp
from graphsvc.store.audit import Auditor

Choice = TypeVar("Choice", Format, Tlp)

COST = 500
"""What an export is charged, in rows."""

router = APIRouter()


@router.get("/clusters/{cluster}/export")
async def export(
    request: Request,
    cluster: str,
    form: Annotated[str, Query(alias="format")] = "stix",
    tlp: str = Tlp.AMBER.value,
    reason: str = "",
    *,
    businesses: bool = False,
) -> Response:
    """Answer with a published cluster as a file.

    A STIX bundle of a likely business needs `businesses`. With `reason` the addresses are shown: for
    analysts, and on record.
    """
    services = get_services(request.app)
    principal = await find_principal(request.headers.get("authorization", ""), services.keys, services.issuer)
    request_info = get_request_info(request)
    request_info.principal, request_info.cost = principal.id, COST
    chosen, level = _parse_choice(Format, form, "format"), _parse_choice(Tlp, tlp, "tlp")
    said = reason.strip()
    if said:
        # Only with a reason: without one addresses stay pseudonyms, which viewers may see.
        check_role(principal.role, Role.ANALYST)
        if not REASON[0] <= len(said) <= REASON[1] or not said.isprintable():
            raise BadInput(f"`reason` is {REASON[0]} to {REASON[1]} characters that print, in one line.")
    # After the checks, so that a wrong call costs nothing, and before the work.
    services.rate_limits.charge_principal(principal.id, COST)
    auditor = Auditor(services.signer, principal.name, principal.role.value, request_info.id)
    async with services.concurrency_limit.enter(principal.id) as entry, entry.wait_for_turn(COST):
        written = await services.worker.run(
            export_cluster,
            auditor,
            services.reader.veil,
            cluster,
            chosen,
            tlp=level,
            reason=said,
            businesses=businesses,
        )
    # The id comes from the address of the request, and could end the header otherwise.
    name = f"{chosen.value}-{''.join(letter for letter in cluster if letter.isalnum() or letter in '-_')}"
    return Response(
        written.content,
        media_type=TYPES[chosen],
        headers={
            "Content-Disposition": f'attachment; filename="{name}{ENDINGS[chosen]}"',
            "X-Addresses-Left-Out": str(written.hidden),
        },
    )


def _parse_choice(kind: type[Choice], given: str, name: str) -> Choice:
    try:
        return kind(given)
    except ValueError:
        raise BadInput(f"`{name}` is one of {', '.join(kind)}.") from None
