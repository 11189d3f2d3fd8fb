"""Bearer tokens of people, by OpenID Connect.

Issuer, audience and algorithms are pinned; keys come from the issuer.

Sources: RFC 7519, RFC 8725 (best practices for JWT), OpenID Connect Discovery 1.0. The log names the kind of
error of a refused token. The sender does not learn it.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from ipaddress import ip_address
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import jwt

from graphsvc.api.auth.keys import Principal, Role
from graphsvc.api.auth.role_claim import RoleClaim, parse_role_claim
from graphsvc.errors import Forbidden, GraphsvcError, SettingsError
from graphsvc.settings import Settings

log = logging.getLogger("graphsvc.api")

ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
)
"""What may be allowed: signatures that only the issuer can make. Symmetric ones and `none` are not among them."""
LEEWAY = 60
"""Seconds by which clocks may differ: Spring Security's default. RFC 7519, section 4.1.4: at most a few minutes."""
FRESH = 300.0
"""Seconds for which the issuer's keys are taken as known."""
STALE = 3600.0
"""Seconds more for which they are, while the issuer is away."""
COOLDOWN = 30.0
"""Seconds between two requests for keys because a token is of none that is known, whoever sends such tokens."""
TIMEOUT = 5.0
"""Seconds that the issuer has for an answer, and for which it is left alone after it had none."""
LONGEST = 255
"""Characters of a subject (OpenID Connect Core, section 2)."""

_DISCOVERY = "/.well-known/openid-configuration"
_GOOGLE = "https://accounts.google.com"
"""Google's ID tokens name their issuer with or without the scheme (Google Identity, "OpenID Connect")."""

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
        claim: RoleClaim,
        roles: Mapping[str, Role],
        jwks_url: str | None = None,
    ) -> None:
        """Initialize.

        Args:
            issuer: its address; a slash at the end makes no difference.
            audience: the audience that a token must name: this service.
            algorithms: names of the signature algorithms accepted (JWA).
            claim: where the roles are in a token.
            roles: by value of the claim.
            jwks_url: where the keys are; None: where discovery says.
        """
        self.name = issuer
        self.names = _find_names(issuer)
        self._audience = audience
        self._algorithms = sorted(algorithms)
        self._claim = claim
        self._roles = roles
        self._keys = _Kept("the keys", lambda: _fetch_keys(jwks_url or _find_keys_url(issuer)))
        self._metadata = _Kept("the discovery document", lambda: _fetch_discovery(issuer))

    async def get_metadata(self) -> Mapping[str, Any]:
        """Return the issuer's discovery document.

        Raises:
            ProviderAway: it cannot be read.
        """
        return await self._metadata.get()

    async def verify_token(self, token: str, audience: str) -> dict[str, Any] | None:
        """Return the claims of a token for `audience`; None if it is not valid there.

        Raises:
            ProviderAway: the issuer's keys cannot be read.
        """
        try:
            # Unverified: it only chooses the key. The algorithm must be one that the settings allow (RFC
            # 8725, section 3.1).
            header = jwt.get_unverified_header(token)
            algorithm, name = header.get("alg"), header.get("kid")
            if algorithm not in self._algorithms:
                raise jwt.InvalidAlgorithmError
            keys = await self._keys.get(lambda known: known.find_key(name) is not None)
            try:
                claims = self._decode_token(token, keys.build_key(name, algorithm), audience)
            except jwt.InvalidSignatureError:
                # A key without a name, or of a name that stays, may have been rotated since.
                newer = await self._keys.get(lambda known: known is not keys)
                if newer is keys:
                    raise
                claims = self._decode_token(token, newer.build_key(name, algorithm), audience)
            _derive_name(claims["sub"])
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            # The kind only: messages of the library quote the token.
            log.warning("a token was refused: %s", type(error).__name__)
            return None
        return claims

    def _decode_token(self, token: str, key: jwt.PyJWK, audience: str) -> dict[str, Any]:
        """Return the claims of a token whose signature, issuer, audience and times are right.

        Raises:
            jwt.PyJWTError: one of them is wrong.
        """
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            issuer=self.names,
            audience=audience,
            algorithms=self._algorithms,
        )
        return claims

    async def find_principal(self, token: str) -> Principal | None:
        """Return the principal of a token; None if it is not valid here.

        Raises:
            Forbidden: it is valid and grants no role.
            ProviderAway: the issuer's keys cannot be read.
        """
        claims = await self.verify_token(token, self._audience)
        if claims is None:
            return None
        subject = _derive_name(claims["sub"])
        role = self._find_role(claims)
        if role is None:
            log.warning("a token was refused: no role")
            raise Forbidden("You have no role in this service.", "Ask an admin for one.")
        # An e-mail address is personal data and can change hands, so it names no one here.
        called = claims.get("preferred_username")
        shown = (
            isinstance(called, str) and called.isprintable() and "@" not in called and len(called) <= LONGEST
        )
        return Principal(subject, role, f"{called} ({subject})" if shown and called != subject else subject)

    def _find_role(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the highest role that a token grants."""
        # Values of the claim that the settings do not name grant nothing.
        given = {self._roles[each] for each in self._claim.read(claims) if each in self._roles}
        return max(given, key=list(Role).index, default=None)


class _KeySet:
    """The keys with which an issuer signs (RFC 7517)."""

    def __init__(self, keys: Sequence[Mapping[str, Any]]) -> None:
        """Initialize.

        Args:
            keys: as the issuer publishes them, those of other uses among them.
        """
        self._keys = [key for key in keys if key.get("use", "sig") == "sig"]

    def find_key(self, name: object) -> Mapping[str, Any] | None:
        """Return the key of this `kid`, or None.

        The only key there is may have no name, and a token of it need not name it (OpenID Connect Core, section 10.1:
        a `kid` is needed where there are several).
        """
        only = self._keys[0] if len(self._keys) == 1 else None
        if only is not None and (name is None or "kid" not in only):
            return only
        return next((key for key in self._keys if name is not None and key.get("kid") == name), None)

    def build_key(self, name: object, algorithm: str) -> jwt.PyJWK:
        """Return the key of this `kid`, ready to check a signature of `algorithm`.

        Raises:
            jwt.PyJWTError: there is none, or it is for other algorithms.
        """
        found = self.find_key(name)
        if found is None or found.get("alg", algorithm) != algorithm:
            raise jwt.InvalidKeyError
        # Entra's keys name no algorithm; the token's is one of those that are allowed.
        return jwt.PyJWK(dict(found), algorithm)


class _Kept(Generic[_Said]):
    """A document of the issuer, fetched off the event loop by one task at a time, and only as often as needed."""

    def __init__(self, what: str, read: Callable[[], _Said]) -> None:
        self._what = what
        self._read = read
        self._known: _Said | None = None
        self._fresh = self._stale = self._again = 0.0
        self._turn = asyncio.Lock()

    async def get(self, enough: Callable[[_Said], bool] = lambda _: True) -> _Said:
        """Return the document. Fetch it again unless it is fresh and `enough`; even then it may not be enough.

        Raises:
            ProviderAway
        """
        # A stale copy that suffices serves the others while one task fetches.
        known = self._turn.locked() and self._is_enough(enough)
        if not self._is_fresh(enough) and not known:
            async with self._turn:
                now = time.monotonic()
                if not self._is_fresh(enough) and now >= self._again:
                    # One question more at once, for a key may have been rotated; then not again for a while.
                    await self._fetch_again(COOLDOWN if now < self._fresh else 0.0)
        if self._known is None or time.monotonic() >= self._stale:
            raise ProviderAway(
                "The identity provider does not answer.", "Try again in a moment, or use an API key."
            )
        return self._known

    def _is_fresh(self, enough: Callable[[_Said], bool]) -> bool:
        return self._is_enough(enough) and time.monotonic() < self._fresh

    def _is_enough(self, enough: Callable[[_Said], bool]) -> bool:
        return self._known is not None and enough(self._known)

    async def _fetch_again(self, pause: float) -> None:
        try:
            async with asyncio.timeout(2 * TIMEOUT):
                found = await asyncio.to_thread(self._read)
        except _Unfit as error:
            log.error("%s of the identity provider cannot be used: %s", self._what, error)
            self._again = time.monotonic() + TIMEOUT
            return
        except (jwt.PyJWTError, OSError, HTTPException, ValueError, RecursionError) as error:
            log.error("%s of the identity provider cannot be read: %s", self._what, type(error).__name__)
            self._again = time.monotonic() + TIMEOUT
            return
        now = time.monotonic()
        self._known, self._fresh, self._stale = found, now + FRESH, now + FRESH + STALE
        # Only after a success: a failure sets its own pause above.
        self._again = now + pause


class _Unfit(ValueError):
    """The issuer's document does not fit our settings. The text is for the log."""


def _fetch_keys(url: str) -> _KeySet:
    said = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=TIMEOUT).fetch_data().get("keys")
    # The document comes from outside, so its form is not trusted.
    keys = [key for key in said if isinstance(key, dict)] if isinstance(said, list) else []
    if not keys:
        raise _Unfit("there are none")
    return _KeySet(keys)


def _find_names(issuer: str) -> tuple[str, ...]:
    """Return all names of an issuer that tokens use: Auth0 and Entra's v1.0 end theirs with a slash."""
    bare = issuer.rstrip("/")
    return (bare, f"{bare}/", *((urlsplit(bare).netloc,) if bare == _GOOGLE else ()))


def _find_keys_url(issuer: str) -> str:
    url = _fetch_discovery(issuer).get("jwks_uri")
    if not isinstance(url, str) or not is_safe_url(url):
        raise _Unfit("it names no safe address of the keys")
    return url


def _fetch_discovery(issuer: str) -> dict[str, Any]:
    """Fetch the discovery document, without following redirects."""
    where = issuer.rstrip("/") + _DISCOVERY
    client = jwt.PyJWKClient(where, cache_jwk_set=False, timeout=TIMEOUT)
    said: dict[str, Any] = client.fetch_data()  # any JSON object
    if said.get("issuer") not in _find_names(issuer):
        raise _Unfit(
            f"it names another issuer than GRAPHSVC_OIDC_ISSUER: {str(said.get('issuer'))[:LONGEST]!r}"
        )
    return said


def build_issuer(settings: Settings) -> Issuer | None:
    """Return the issuer whose tokens this installation accepts; None: it accepts none.

    Raises:
        SettingsError: the settings contradict each other, or would let others make tokens.
    """
    issuer, audience = settings.oidc_issuer, settings.oidc_audience
    if issuer is None:
        if settings.oidc_client_id is not None:
            raise _build_settings_error(
                "GRAPHSVC_OIDC_CLIENT_ID is set without GRAPHSVC_OIDC_ISSUER", "Set both, or neither."
            )
        return None
    if not audience:
        raise _build_settings_error(
            "GRAPHSVC_OIDC_AUDIENCE is missing", "Set it to what the issuer's tokens name this service."
        )
    for name, url in (("ISSUER", issuer), ("JWKS_URL", settings.oidc_jwks_url)):
        if url is not None and not is_safe_url(url):
            raise _build_settings_error(
                f"GRAPHSVC_OIDC_{name} is no https address", "Only loopback may be reached by http."
            )
    algorithms = frozenset(_split_list(settings.oidc_algorithms))
    if not algorithms or algorithms - ALGORITHMS:
        raise _build_settings_error(
            "GRAPHSVC_OIDC_ALGORITHMS holds what is no signature of an issuer's own",
            f"Choose from {', '.join(sorted(ALGORITHMS))}.",
        )
    try:
        claim = parse_role_claim(settings.oidc_role_claim)
    except ValueError as error:
        raise _build_settings_error(
            f"GRAPHSVC_OIDC_ROLE_CLAIM is no place in a token: {error}",
            'Write it like `roles`, `realm_access.roles` or `resource_access."my.app".roles`.',
        ) from None
    return Issuer(
        # People often copy the address of the document in place of the issuer's.
        issuer.removesuffix(_DISCOVERY),
        audience,
        algorithms,
        claim,
        _parse_roles(settings.oidc_roles),
        settings.oidc_jwks_url,
    )


def _parse_roles(text: str) -> dict[str, Role]:
    pairs = [part.rpartition("=") for part in _split_list(text)]
    if not pairs or any(not value or role not in {each.value for each in Role} for value, _, role in pairs):
        raise _build_settings_error(
            "GRAPHSVC_OIDC_ROLES has no entries, or an unknown role",
            "Write it like `trust-and-safety=analyst,platform=admin`.",
        )
    return {value: Role(role) for value, _, role in pairs}


def _split_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _build_settings_error(what: str, todo: str) -> SettingsError:
    return SettingsError(f"{what}.", todo)


def is_safe_url(url: str) -> bool:
    """Return whether the answer from `url` is protected on the way: by https, or by staying on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = host == "localhost" or ip_address(host).is_loopback if parts.scheme == "http" else False
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or local)


def _derive_name(subject: str) -> str:
    """Return the name of a subject: itself, or a digest of an e-mail address or of text that does not print."""
    if not subject or len(subject) > LONGEST:
        raise jwt.InvalidTokenError
    if "@" in subject or not subject.isprintable():
        return f"subject-{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    return subject
