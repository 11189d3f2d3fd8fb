"""The authorization code flow with PKCE: requests to the identity provider, and checks of its answers.

Pure functions: no clock, no network, no cookie. Sources: RFC 6749, OpenID Connect Core 1.0, RFC 7636 (PKCE),
RFC 9207 (`iss` in the response), RFC 9700 (best current practice). No message quotes what came from outside.
"""

import base64
import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote_plus, urlencode, urlsplit

from pydantic import SecretStr

from graphsvc.api.auth.oidc import LEEWAY, ProviderAway, is_safe_url
from graphsvc.errors import GraphsvcError

log = logging.getLogger("graphsvc.api")

FLOW_SECONDS = 600
"""Time that a person may take at the provider."""
CODE_SECONDS = 60
"""Time that the page may take to ask for the result."""
LONGEST_CODE = 2_400
"""Characters of a code, so that it fits into a cookie."""

_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""256 bits, as `_generate_secret` and a SHA-256 have them."""
_CODE = re.compile(rf"[\x20-\x7e]{{1,{LONGEST_CODE}}}")
_KINDS = frozenset((
    "access_denied", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
    "server_error", "temporarily_unavailable", "interaction_required", "login_required", "account_selection_required",
    "consent_required", "invalid_client", "invalid_grant", "unsupported_grant_type",
))  # fmt: skip
"""Errors of RFC 6749 and OpenID Connect, which the log may name; the provider's own words it may not."""
_AWAY = frozenset(("server_error", "temporarily_unavailable"))


class SignInRefused(GraphsvcError):
    """The identity provider signed no one in. The page learns only the code of the subclass, from its address."""

    code: ClassVar[str] = "sign_in_refused"
    http_status: ClassVar[int] = 400


class Cancelled(SignInRefused):
    """The person refused, or the provider did so for them."""

    code = "sign_in_cancelled"


class TooLate(SignInRefused):
    """The flow did not begin here or in this tab, is too old, or was used already."""

    code = "sign_in_too_late"


class NotValid(SignInRefused):
    """The response does not fit the request, or is not from the provider."""

    code = "sign_in_not_valid"


class ProviderRefused(SignInRefused):
    """The provider does not serve this client as it is configured."""

    code = "sign_in_provider_refused"


class NoToken(SignInRefused):
    """A person signed in, but none of the tokens is for this service."""

    code = "sign_in_no_token"


class NoRole(SignInRefused):
    """A person signed in who has no role here."""

    code = "sign_in_no_role"
    http_status = 403


@dataclass(frozen=True, slots=True)
class Client:
    """The registration of this service at the provider."""

    id: str
    secret: SecretStr | None
    scopes: str


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of the provider. `says_who`: whether its responses name the issuer (RFC 9207)."""

    authorization: str
    token: str
    says_who: bool


@dataclass(frozen=True, slots=True, repr=False)
class Flow:
    """One sign-in on its way. `tab` is the SHA-256 of a secret that the tab keeps; times are seconds."""

    state: str
    nonce: str
    verifier: str
    tab: str
    redirect_uri: str
    says_who: bool
    began: float

    def is_within(self, seconds: float, now: float) -> bool:
        """Return whether the flow began at most `seconds` ago. The clocks may differ by `LEEWAY`."""
        return -LEEWAY <= now - self.began <= seconds


def begin_flow(tab: str, redirect_uri: str, endpoints: Endpoints, now: float) -> Flow:
    """Begin a flow for a tab.

    Raises:
        TooLate: `tab` is no SHA-256.
    """
    if not is_random(tab):
        raise build_too_late_error()
    # Three secrets: `state` binds the response to the browser, `nonce` the ID token, `verifier` the exchange
    # of the code.
    return Flow(
        _generate_secret(), _generate_secret(), _generate_secret(), tab, redirect_uri, endpoints.says_who, now
    )


def is_random(text: str) -> bool:
    """Return whether a text has the form of a flow's state or tab."""
    return _RANDOM.fullmatch(text) is not None


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a secret (method `S256`; RFC 7636, section 4.2)."""
    return _encode_text(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest())


def find_endpoints(metadata: Mapping[str, Any]) -> Endpoints:
    """Find the addresses of the provider in its discovery document.

    Raises:
        ProviderRefused: it names no safe addresses.
    """
    places = [metadata.get("authorization_endpoint"), metadata.get("token_endpoint")]
    authorization, token = (
        place if isinstance(place, str) and is_safe_url(place) and "#" not in place else ""
        for place in places
    )
    if not authorization or not token:
        log.error("the identity provider names no safe addresses of its endpoints")
        raise _build_misconfigured_error()
    return Endpoints(
        authorization, token, metadata.get("authorization_response_iss_parameter_supported") is True
    )


def build_authorization_url(endpoint: str, client: Client, flow: Flow) -> str:
    """Return the provider's address for the browser (OpenID Connect Core, section 3.1.2.1)."""
    asked = urlencode({
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": flow.redirect_uri,
        "scope": client.scopes,
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": hash_secret(flow.verifier),
        "code_challenge_method": "S256",
    })  # fmt: skip
    # An endpoint may have a query of its own, which must be kept (RFC 6749, section 3.1).
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{asked}"


def read_code(response: Mapping[str, Sequence[str]], flow: Flow, issuers: Sequence[str]) -> str:
    """Return the code in an authorization response.

    Args:
        response: the values of each parameter.
        flow: the flow that it should answer.
        issuers: names of the provider.

    Raises:
        SignInRefused: the response is for another flow, from another provider, has no code, or reports an
            error.
    """
    if any(len(values) > 1 for values in response.values()):  # RFC 6749, section 3.1
        raise _build_unfit_error()
    said = {name: values[0] for name, values in response.items() if values}
    if not is_same(said.get("state", ""), flow.state):
        raise build_too_late_error()
    # Without this check a malicious provider could replay another provider's code (mix-up attack, RFC 9207).
    if ("iss" in said or flow.says_who) and not any(
        is_same(said.get("iss", ""), issuer) for issuer in issuers
    ):
        log.warning("a sign-in was refused: another issuer")
        raise _build_unfit_error()
    if "error" in said:
        raise build_refusal(said["error"])
    if not _CODE.fullmatch(said.get("code", "")):
        log.warning("a sign-in was refused: no code")
        raise _build_unfit_error()
    return said["code"]


def build_token_request(client: Client, flow: Flow, code: str) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of the request that exchanges a code (RFC 6749, sections 2.3.1 and 4.1.3)."""
    body = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": flow.redirect_uri,
        "code_verifier": flow.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    # A public client has no secret; PKCE alone protects the code.
    if client.secret is None:
        body["client_id"] = client.id
    else:
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret.get_secret_value())}"
        # RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return urlencode(body).encode(), headers


def read_tokens(status: int, answer: Mapping[str, Any]) -> tuple[str, str]:
    """Return the access token and the ID token in an answer of the token endpoint.

    Raises:
        SignInRefused: the answer has no tokens.
        ProviderAway: the provider cannot answer now.
    """
    if status == 429 or status >= 500:
        raise build_away_error()
    if status != 200:
        kind = answer.get("error")
        raise build_refusal(kind if isinstance(kind, str) else "")
    access, identity, kind = (answer.get(name) for name in ("access_token", "id_token", "token_type"))
    if not isinstance(access, str) or not isinstance(identity, str) or not isinstance(kind, str):
        log.warning("a sign-in was refused: no tokens")
        raise _build_unfit_error()
    # Other types, such as DPoP, would need proofs that the page cannot make (RFC 6749, section 7.1).
    if kind.lower() != "bearer":
        log.warning("a sign-in was refused: no bearer token")
        raise _build_unfit_error()
    return access, identity


def check_identity(
    claims: Mapping[str, Any], client: Client, flow: Flow, algorithm: str, access_token: str
) -> None:
    """Check the claims of a verified ID token that bind it to the flow (OpenID Connect Core, section 3.1.3.7).

    Issuer, audience and times are checked before.

    Raises:
        NotValid: the token answers another flow, or is for another client.
    """
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    party = claims.get("azp")
    hashed = claims.get("at_hash")
    if not is_same(claims.get("nonce"), flow.nonce):
        log.warning("a sign-in was refused: another nonce")
        raise _build_unfit_error()
    # With several audiences `azp` must name this client (OpenID Connect Core, 3.1.3.7, points 4 and 5).
    if (several or party is not None) and party != client.id:
        log.warning("a sign-in was refused: another party")
        raise _build_unfit_error()
    if (
        hashed is not None
        and algorithm[-3:].isdigit()
        and not is_same(hashed, _hash_half(algorithm, access_token))
    ):
        log.warning("a sign-in was refused: another access token")
        raise _build_unfit_error()


def build_refusal(kind: str) -> GraphsvcError:
    """Return our error for an error code of the provider."""
    # The provider's text is untrusted input and must not reach the log.
    known = kind if kind in _KINDS else "unknown"
    if known == "access_denied":
        return Cancelled("The sign-in at the identity provider was cancelled.", "Sign in again.")
    if known in _AWAY:
        return build_away_error()
    log.error("a sign-in was refused by the identity provider: %s", known)
    return build_too_late_error() if known == "invalid_grant" else _build_misconfigured_error()


def build_too_late_error() -> TooLate:
    """Return the error for a flow of another browser or tab, or one that is too old or used."""
    return TooLate("This sign-in took too long, or was begun in another browser or tab.", "Sign in again.")


def build_away_error() -> ProviderAway:
    """Return the error for a provider that does not answer now."""
    return ProviderAway("The identity provider does not answer.", "Try again in a moment, or use an API key.")


def is_same(one: object, other: str) -> bool:
    """Return whether both texts are equal, in a time that does not depend on where they differ."""
    return isinstance(one, str) and hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )


def _build_unfit_error() -> NotValid:
    return NotValid("What the identity provider sent back was not valid.", "Sign in again.")


def _build_misconfigured_error() -> ProviderRefused:
    return ProviderRefused(
        "The identity provider cannot sign people in to this service as it is configured.",
        "Tell the operator of this service: its log names the kind of error.",
    )


def _hash_half(algorithm: str, access_token: str) -> str:
    """Return `at_hash`: the left half of the hash that the signature's algorithm uses."""
    digest = hashlib.new(f"sha{algorithm[-3:]}", access_token.encode()).digest()
    return _encode_text(digest[: len(digest) // 2])


def _generate_secret() -> str:
    return secrets.token_urlsafe(32)


def _encode_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
