"""Sign-in to the console with the identity provider: redirect there, return with a code, and a token for the tab.

The service exchanges the code, so the page contacts only this service and no address holds a token. The
service keeps no session. The tab has the token, and every request is authenticated as any other
(`principals`). `code_flow` holds the protocol, `flow_cookies` the state on the way.
"""

import json
import logging
import re
import time
from typing import cast
from urllib.parse import urlsplit

import jwt
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from graphsvc.api.auth import code_flow
from graphsvc.api.auth.code_flow import Client, Flow, NoRole, NoToken, NotValid, SignInRefused
from graphsvc.api.auth.flow_cookies import PATH, FlowCookies
from graphsvc.api.auth.keys import Principal
from graphsvc.api.auth.oidc import Issuer, ProviderAway, is_safe_url
from graphsvc.api.auth.token_endpoint import TokenEndpoint
from graphsvc.api.errors import BadInput, build_response, get_request_id
from graphsvc.api.http.request_info import get_request_info
from graphsvc.errors import Forbidden, GraphsvcError, NotFound, SettingsError
from graphsvc.keyfile import load_or_create
from graphsvc.settings import Settings

log = logging.getLogger("graphsvc.api")

LONGEST_NAME = 60
"""Characters of what the console calls the provider."""

_FILE = "sign-in.key"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}

router = APIRouter()


class NotOffered(NotFound):
    """No identity provider is configured here."""

    code = "sign_in_not_offered"


class WrongOrigin(GraphsvcError):
    """A page other than the console asked for a token."""

    code = "wrong_origin"
    http_status = 403


class SignIn:
    """Sends people to one issuer, and exchanges the codes that they return with for tokens."""

    def __init__(
        self, issuer: Issuer, client: Client, name: str, public: str | None, cookies: FlowCookies
    ) -> None:
        """Initialize.

        Args:
            issuer: checks the tokens that its provider returns.
            client: id and secret of this service at the provider.
            name: what the console calls the issuer.
            public: the address people use; None: loopback, as each request says.
            cookies: seal and open the cookie of a sign-in under way.
        """
        self.name = name
        self.issuer = issuer
        self.cookies = cookies
        self._client = client
        self._public = public
        self._endpoint = TokenEndpoint()

    def find_address(self, request: Request) -> str | None:
        """Return the origin that people return to; None: the request's origin must not receive a code."""
        return self._public or _parse_origin(f"http://{request.headers.get('host', '')}")

    async def begin_flow(self, tab: str, address: str) -> tuple[Flow, str]:
        """Begin a flow, and return it with the provider's address for the browser.

        Raises:
            SignInRefused: `tab` is no tab, or the provider has no endpoint for it.
            ProviderAway
        """
        endpoints = code_flow.find_endpoints(await self.issuer.get_metadata())
        flow = code_flow.begin_flow(tab, f"{address}{PATH}/callback", endpoints, time.time())
        return flow, code_flow.build_authorization_url(endpoints.authorization, self._client, flow)

    async def finish_flow(self, flow: Flow, code: str) -> tuple[str, Principal]:
        """Exchange a code for a token that the API accepts, and return it with its principal.

        Raises:
            SignInRefused: there is none.
            ProviderAway
        """
        endpoints = code_flow.find_endpoints(await self.issuer.get_metadata())
        body, headers = code_flow.build_token_request(self._client, flow, code)
        access, identity = code_flow.read_tokens(
            *await self._endpoint.send_form(endpoints.token, body, headers)
        )
        claims = await self.issuer.verify_token(identity, self._client.id)
        if claims is None:
            raise NotValid("What the identity provider sent back was not valid.", "Sign in again.")
        algorithm = str(jwt.get_unverified_header(identity)["alg"])
        code_flow.check_identity(claims, self._client, flow, algorithm, access)
        # The access token is meant for APIs. Some providers issue an opaque one; then the ID token has to do.
        return await self._choose_token(access, identity)

    async def _choose_token(self, *tokens: str) -> tuple[str, Principal]:
        """Return the first token that the API accepts."""
        known = False
        for token in tokens:
            if token.count(".") != 2:  # opaque to all but the provider
                continue
            try:
                principal = await self.issuer.find_principal(token)
            except Forbidden:
                known = True
                continue
            if principal is not None:
                return token, principal
        # The person is known and lacks a role: that is told apart, because an admin can help and a retry
        # cannot.
        if known:
            raise NoRole("You have no role in this service.", "Ask an admin for one.")
        log.error("a sign-in was refused: neither token names GRAPHSVC_OIDC_AUDIENCE")
        raise NoToken(
            "The identity provider gave no token for this service.",
            "Tell the operator of this service: the scopes or the audience do not fit.",
        )


@router.get(f"{PATH}/ways")
async def ways(request: Request) -> Response:
    """Answer with the ways to sign in besides a key: the provider's name and the address where it works, or none."""
    sign_in = cast(SignIn | None, request.app.state.sign_in)
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
        flow, there = await sign_in.begin_flow(tab, address + _get_root(request))
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


def build_sign_in(settings: Settings, issuer: Issuer | None) -> SignIn | None:
    """Return the redirect to the issuer that this installation offers; None: it offers none.

    Raises:
        SettingsError: the settings contradict each other, or would expose codes.
    """
    if issuer is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret
    if not _PRINTABLE.fullmatch(settings.oidc_client_id) or (
        secret is not None and not secret.get_secret_value()
    ):
        raise SettingsError(
            "GRAPHSVC_OIDC_CLIENT_ID or GRAPHSVC_OIDC_CLIENT_SECRET is empty or has other than ASCII characters.",
            "Set them to what the issuer has registered.",
        )
    scopes = settings.oidc_scopes.split()
    if "openid" not in scopes or not all(_PRINTABLE.fullmatch(scope) for scope in scopes):
        raise SettingsError("GRAPHSVC_OIDC_SCOPES lacks openid.", "Write it like `openid profile`.")
    name = settings.oidc_name.strip()
    # The console shows it on a button; control characters could disguise what the button does.
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise SettingsError(
            "GRAPHSVC_OIDC_NAME cannot be shown.",
            f"Use 1 to {LONGEST_NAME} characters that print, in one line.",
        )
    public = _parse_origin(settings.public_url) if settings.public_url is not None else None
    if settings.public_url is not None and public is None:
        raise SettingsError(
            "GRAPHSVC_PUBLIC_URL is no https address without a path.",
            "Write it like https://graph.example; only loopback may be reached by http.",
        )
    client = Client(settings.oidc_client_id, secret, " ".join(scopes))
    key = load_or_create(settings.keys_dir / _FILE, "key of sign-ins")
    # Without a public https address people are on loopback, where a Secure cookie would not be sent back.
    secure = public is not None and public.startswith("https:")
    return SignIn(
        issuer,
        client,
        name,
        public,
        FlowCookies(key, f"{issuer.name}\n{client.id}", secure, settings.root_path + PATH),
    )


def _parse_origin(url: str) -> str | None:
    """Return an address as browsers write its origin; None: it has more parts, or must not receive a code."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.netloc.lower()
    if (
        parts.path.rstrip("/")
        or parts.query
        or parts.fragment
        or not _HOST.fullmatch(host)
        or not is_safe_url(url)
    ):
        return None
    if port == _DEFAULT_PORTS[parts.scheme]:
        # Browsers leave the default port out of `Origin`, and the comparison is by text.
        host = host.removesuffix(f":{port}")
    return f"{parts.scheme}://{host}"


def _get_root(request: Request) -> str:
    """Return the path prefix of the service, without a slash at its end."""
    return str(request.scope.get("root_path", ""))


def _require_sign_in(request: Request) -> tuple[SignIn, str]:
    sign_in = cast(SignIn | None, request.app.state.sign_in)
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
