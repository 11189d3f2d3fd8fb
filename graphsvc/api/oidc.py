"""Bearer tokens of people, by OpenID Connect: issuer, audience and algorithms are pinned, keys come from the issuer.

RFC 7519, RFC 8725 (best practices for JWT), OpenID Connect Discovery 1.0. Why a token was refused stands in the log by
the name of the error alone, and is not told to who sent it.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from ipaddress import ip_address
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import jwt

from graphsvc.api.keys import Principal, Role
from graphsvc.errors import Forbidden, GraphsvcError, SettingsError
from graphsvc.settings import Settings

log = logging.getLogger("graphsvc.api")

ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""What may be allowed: signatures that only the issuer can make. Symmetric ones and `none` are not among them."""
LEEWAY = 30
"""Seconds by which clocks may differ."""
FRESH = 300.0
"""Seconds for which the issuer's keys are taken as known."""
STALE = 3600.0
"""Seconds more for which they are, while the issuer is away."""
COOLDOWN = 30.0
"""Seconds between two askings for a key that is not known, whoever asks."""
TIMEOUT = 5.0
"""Seconds the issuer has for an answer; as long nobody asks again after it had none."""
LONGEST = 255
"""Characters of a subject (OpenID Connect Core, section 2)."""

_Said = TypeVar("_Said")


class ProviderAway(GraphsvcError):
    """The issuer's keys cannot be read now, so no token can be checked."""

    code: ClassVar[str] = "identity_provider_unavailable"
    http_status: ClassVar[int] = 503


class Issuer:
    """Turns the tokens of one issuer into principals."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        algorithms: frozenset[str],
        claim: str,
        roles: Mapping[str, Role],
        jwks_url: str | None = None,
    ) -> None:
        """Args:
        claim: where the roles are in a token, names joined by dots.
        roles: by value of the claim.
        jwks_url: where the keys are; None: where discovery says.
        """
        self.name = issuer
        self._audience = audience
        self._algorithms = sorted(algorithms)
        self._claim = claim.split(".")
        self._roles = roles
        self._keys = _Kept("the keys", lambda: _keys(jwks_url or _keys_url(issuer)))
        self._metadata = _Kept("the discovery document", lambda: _discovered(issuer))

    async def metadata(self) -> Mapping[str, Any]:
        """What the issuer says of itself: its discovery document.

        Raises:
            ProviderAway: it cannot be read.
        """
        return await self._metadata.get()

    async def verified(self, token: str, audience: str) -> dict[str, Any] | None:
        """What a token of this issuer says to `audience`; None if it is not valid there.

        Raises:
            ProviderAway: the issuer's keys cannot be read.
        """
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self._algorithms:
                raise jwt.InvalidAlgorithmError
            claims: dict[str, Any] = jwt.decode(
                token,
                await self._key(header.get("kid")),
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
                issuer=self.name,
                audience=audience,
                algorithms=self._algorithms,
            )
            _name(claims["sub"])
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            log.warning("a token was refused: %s", type(error).__name__)
            return None
        return claims

    async def principal(self, token: str) -> Principal | None:
        """Who a token is of; None if it is not valid here.

        Raises:
            Forbidden: it is, and gives no role.
            ProviderAway: the issuer's keys cannot be read.
        """
        claims = await self.verified(token, self._audience)
        if claims is None:
            return None
        subject = _name(claims["sub"])
        role = self._role(claims)
        if role is None:
            log.warning("a token was refused: no role")
            raise Forbidden("You have no role in this service.", "Ask an admin for one.")
        called = claims.get("preferred_username")
        shown = (
            isinstance(called, str) and called.isprintable() and "@" not in called and len(called) <= LONGEST
        )
        return Principal(subject, role, f"{called} ({subject})" if shown and called != subject else subject)

    async def _key(self, name: object) -> jwt.PyJWK:
        """The key of this `kid`."""
        if not isinstance(name, str):
            raise jwt.InvalidKeyError
        keys = await self._keys.get(lambda known: name in known)
        if name not in keys:
            raise jwt.InvalidKeyError
        return keys[name]

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        """The highest of the roles a token gives."""
        value: Any = claims
        for name in self._claim:
            value = value.get(name) if isinstance(value, Mapping) else None
        values = value if isinstance(value, list) else [value]
        given = {self._roles[each] for each in values if isinstance(each, str) and each in self._roles}
        return max(given, key=list(Role).index, default=None)


class _Kept(Generic[_Said]):
    """Something the issuer says, asked for off the event loop, by one at a time, and not more often than need be."""

    def __init__(self, what: str, read: Callable[[], _Said]) -> None:
        self._what = what
        self._read = read
        self._known: _Said | None = None
        self._fresh = self._stale = self._again = 0.0
        self._turn = asyncio.Lock()

    async def get(self, enough: Callable[[_Said], bool] = lambda _: True) -> _Said:
        """It, asked for again unless it is fresh and `enough`, which it may still not be then.

        Raises:
            ProviderAway
        """
        known = self._turn.locked() and self._is(enough)  # nobody else need wait while one asks
        if not self._has(enough) and not known:
            async with self._turn:
                if not self._has(enough) and time.monotonic() >= self._again:
                    await self._ask()
        if self._known is None or time.monotonic() >= self._stale:
            raise ProviderAway(
                "The identity provider does not answer.", "Try again in a moment, or use an API key."
            )
        return self._known

    def _has(self, enough: Callable[[_Said], bool]) -> bool:
        return self._is(enough) and time.monotonic() < self._fresh

    def _is(self, enough: Callable[[_Said], bool]) -> bool:
        return self._known is not None and enough(self._known)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(2 * TIMEOUT):
                found = await asyncio.to_thread(self._read)
        except (jwt.PyJWTError, OSError, HTTPException, ValueError, RecursionError) as error:
            log.error("%s of the identity provider cannot be read: %s", self._what, type(error).__name__)
            self._again = time.monotonic() + TIMEOUT
            return
        now = time.monotonic()
        self._known, self._fresh, self._stale = found, now + FRESH, now + FRESH + STALE
        self._again = now + COOLDOWN


def _keys(url: str) -> dict[str, jwt.PyJWK]:
    keys = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT).get_signing_keys()
    return {key.key_id: key for key in keys if key.key_id is not None}


def _keys_url(issuer: str) -> str:
    url = _discovered(issuer).get("jwks_uri")
    if not isinstance(url, str) or not safe(url):
        raise ValueError("discovery names no safe address of the keys")
    return url


def _discovered(issuer: str) -> dict[str, Any]:
    """The discovery document: read without following redirects."""
    where = issuer.rstrip("/") + "/.well-known/openid-configuration"
    client = jwt.PyJWKClient(where, cache_jwk_set=False, timeout=TIMEOUT)
    said: dict[str, Any] = client.fetch_data()  # any JSON object
    if said.get("issuer") != issuer:
        raise ValueError("discovery names another issuer")
    return said


def configured(settings: Settings) -> Issuer | None:
    """The issuer whose tokens this installation takes; None: it takes none.

    Raises:
        SettingsError: the settings do not fit together, or would let anybody make tokens.
    """
    issuer, audience = settings.oidc_issuer, settings.oidc_audience
    if issuer is None:
        if settings.oidc_client_id is not None:
            raise _unfit(
                "GRAPHSVC_OIDC_CLIENT_ID is set without GRAPHSVC_OIDC_ISSUER", "Set both, or neither."
            )
        return None
    if not audience:
        raise _unfit(
            "GRAPHSVC_OIDC_AUDIENCE is missing", "Set it to what the issuer's tokens name this service."
        )
    for name, url in (("ISSUER", issuer), ("JWKS_URL", settings.oidc_jwks_url)):
        if url is not None and not safe(url):
            raise _unfit(f"GRAPHSVC_OIDC_{name} is no https address", "Only loopback may be reached by http.")
    algorithms = frozenset(_parts(settings.oidc_algorithms))
    if not algorithms or algorithms - ALGORITHMS:
        raise _unfit(
            "GRAPHSVC_OIDC_ALGORITHMS holds what is no signature of an issuer's own",
            f"Choose from {', '.join(sorted(ALGORITHMS))}.",
        )
    return Issuer(
        issuer,
        audience,
        algorithms,
        settings.oidc_role_claim,
        _roles(settings.oidc_roles),
        settings.oidc_jwks_url,
    )


def _roles(text: str) -> dict[str, Role]:
    pairs = [part.rpartition("=") for part in _parts(text)]
    if not pairs or any(not value or role not in {each.value for each in Role} for value, _, role in pairs):
        raise _unfit(
            "GRAPHSVC_OIDC_ROLES says nobody's role, or one that there is not",
            "Write it like `trust-and-safety=analyst,platform=admin`.",
        )
    return {value: Role(role) for value, _, role in pairs}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _unfit(what: str, todo: str) -> SettingsError:
    return SettingsError(f"{what}.", todo)


def safe(url: str) -> bool:
    """Whether nobody on the way can change what is read from `url`: https, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = host == "localhost" or ip_address(host).is_loopback if parts.scheme == "http" else False
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or local)


def _name(subject: str) -> str:
    """What a subject is called here: itself, or a digest of what is an e-mail address or does not print."""
    if not subject or len(subject) > LONGEST:
        raise jwt.InvalidTokenError
    if "@" in subject or not subject.isprintable():
        return f"subject-{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return subject
