"""Routes of the sign-in with the identity provider: to the provider, back with a code, and the token for the tab."""

import json
import time

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from graphsvc.api.auth import code_flow
from graphsvc.api.auth.code_flow import SignInRefused
from graphsvc.api.auth.flow_cookies import PATH
from graphsvc.api.auth.oidc import ProviderAway
from graphsvc.api.auth.sign_in import SignIn
from graphsvc.api.errors import BadInput, build_response, get_request_id
from graphsvc.api.http.request_info import get_request_info
from graphsvc.api.services import get_services
from graphsvc.errors import GraphsvcError, NotFound

router = APIRouter()


class NotOffered(NotFound):
    """No identity provider is configured here."""

    code = "sign_in_not_offered"


class WrongOrigin(GraphsvcError):
    """A page other than the console asked for a token."""

    code = "wrong_origin"
    http_status = 403


@router.get(f"{PATH}/ways")
async def ways(request: Request) -> Response:
    """Answer with the ways to sign in besides a key: the provider's name and the address where it works, or none."""
    sign_in = get_services(request.app).sign_in
    address = sign_in.find_address(request) if sign_in is not None else None
    if sign_in is None or address is None:
        return JSONResponse({"redirect": None})
    return JSONResponse({"redirect": {"name": sign_in.name, "at": address}})


@router.get(PATH)
async def begin(request: Request) -> Response:
    """Redirect a tab of the console to the provider. `tab` is the SHA-256 of a secret that the tab keeps."""
    sign_in, address = _require_sign_in(request)
    tab = ",".join(request.query_params.getlist("tab"))
    try:
        # Another site must not start a sign-in (login CSRF).
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise code_flow.build_too_late_error()
        flow, there = await sign_in.begin_flow(tab, address + _get_root(request), time.time())
    except (SignInRefused, ProviderAway) as error:
        return _build_refusal(request, error)
    response = RedirectResponse(there, 303)
    sign_in.cookies.store_outgoing(response, request.cookies, flow)
    return response


@router.get(f"{PATH}/callback")
async def callback(request: Request) -> Response:
    """Take the provider's response and redirect the browser to the page, with nothing secret in the address."""
    sign_in, _ = _require_sign_in(request)
    given = {name: request.query_params.getlist(name) for name in request.query_params}
    now = time.time()
    state = given.get("state", [""])[0]
    flow = sign_in.cookies.find_outgoing(request.cookies, state, now)
    if flow is None:
        return _build_refusal(request, code_flow.build_too_late_error())
    try:
        code = code_flow.read_code(given, flow, sign_in.issuer.names)
    except (SignInRefused, ProviderAway) as error:
        response = _build_refusal(request, error)
        sign_in.cookies.delete_flow(response, state=flow.state)
        return response
    # The code goes into a sealed cookie, not into the address: addresses are kept in histories and logs.
    response = RedirectResponse(f"{_get_root(request)}/#/signed-in", 303)
    sign_in.cookies.store_returning(response, flow, code, now)
    return response


@router.post(f"{PATH}/token")
async def token(request: Request) -> Response:
    """Give the token, once, to the tab that has the secret."""
    sign_in, address = _require_sign_in(request)
    _check_origin(request, address)
    tab = code_flow.hash_secret(await _read_secret(request))
    try:
        found = sign_in.cookies.find_returning(request.cookies, tab, time.time())
        if found is None:
            raise code_flow.build_too_late_error()
        given, principal = await sign_in.finish_flow(*found)
    except (SignInRefused, ProviderAway) as error:
        get_request_info(request).codes.append(error.code)
        response: Response = build_response(error, get_request_id(request))
    else:
        get_request_info(request).principal = principal.id
        response = JSONResponse({"token": given})
    # Also after a refusal: a code works once at the provider, so a second try must begin again.
    sign_in.cookies.delete_flow(response, tab=tab)
    return response


def _get_root(request: Request) -> str:
    """Return the path prefix of the service, without a slash at its end."""
    return str(request.scope.get("root_path", ""))


def _require_sign_in(request: Request) -> tuple[SignIn, str]:
    sign_in = get_services(request.app).sign_in
    address = sign_in.find_address(request) if sign_in is not None else None
    if sign_in is None or address is None:
        raise NotOffered(
            "Sign-in with an identity provider is not configured here.",
            "Sign in with a key. The operator of the service sets GRAPHSVC_OIDC_CLIENT_ID and GRAPHSVC_PUBLIC_URL.",
        )
    return sign_in, address


def _build_refusal(request: Request, error: GraphsvcError) -> Response:
    """Redirect the browser to the page with the code of an error, and nothing else."""
    get_request_info(request).codes.append(error.code)
    return RedirectResponse(f"{_get_root(request)}/#/sign-in?refused={error.code}", 303)


def _check_origin(request: Request, address: str) -> None:
    headers = request.headers
    # Old browsers send no `Sec-Fetch-Site`; then `Origin` decides alone.
    elsewhere = headers.get("sec-fetch-site", "same-origin") != "same-origin"
    if elsewhere or headers.get("origin", address) != address:
        raise WrongOrigin("Only the console asks for this.", "Sign in there.")
    # A form of another site cannot send this type without a preflight, which is never granted.
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadInput("This takes application/json.")


async def _read_secret(request: Request) -> str:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    tab = body.get("tab") if isinstance(body, dict) else None
    if not isinstance(tab, str):
        raise BadInput('The body is `{"tab": …}`, the secret of the tab that began.')
    return tab
