"""Sign-in to the console with the identity provider: an authorization code, exchanged for a token of the tab.

The service exchanges the code, so the page contacts only this service and no address holds a token. The
service keeps no session. The tab has the token, and every request is authenticated as any other
(`principals`). `code_flow` holds the protocol, `flow_cookies` the state on the way, `routers.sign_in` the routes.
"""

import logging
import re
from urllib.parse import urlsplit

import jwt
from starlette.requests import Request

from graphsvc.api.auth import code_flow
from graphsvc.api.auth.code_flow import Client, Flow, NoRole, NoToken, NotValid
from graphsvc.api.auth.flow_cookies import PATH, FlowCookies
from graphsvc.api.auth.keys import Principal
from graphsvc.api.auth.oidc import Issuer, is_safe_url
from graphsvc.api.auth.token_endpoint import TokenEndpoint
from graphsvc.errors import Forbidden, SettingsError
from graphsvc.keyfile import load_or_create
from graphsvc.settings import Settings

log = logging.getLogger("graphsvc.api")

LONGEST_NAME = 60
"""Characters of what the console calls the provider."""

_FILE = "sign-in.key"
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


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

    async def begin_flow(self, tab: str, address: str, now: float) -> tuple[Flow, str]:
        """Begin a flow at `now`, and return it with the provider's address for the browser.

        Raises:
            SignInRefused: `tab` is no tab, or the provider has no endpoint for it.
            ProviderAway
        """
        endpoints = code_flow.find_endpoints(await self.issuer.get_metadata())
        flow = code_flow.begin_flow(tab, f"{address}{PATH}/callback", endpoints, now)
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
