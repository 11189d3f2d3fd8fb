"""Promise: tokens as Auth0, Keycloak, Entra, Okta and Google document them give their holders' roles.

Each fixture has the claims of the provider's own documentation. No database and no app is needed.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.identity_provider import CURVE, OTHER, RSA, Provider, jwk
from graphsvc.api.auth import oidc
from graphsvc.api.auth.keys import Role
from graphsvc.api.auth.oidc import Issuer
from graphsvc.api.auth.role_claim import parse_role_claim
from graphsvc.errors import Forbidden
from graphsvc.settings import Settings

TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
RS = jwt.algorithms.RSAAlgorithm
SIGNING = jwk(RS, RSA, "k1")


def without(key: dict[str, Any], *names: str) -> dict[str, Any]:
    """The key as a provider publishes it that leaves these members out."""
    return {name: value for name, value in key.items() if name not in names}


@dataclass(frozen=True)
class Case:
    """What a provider's token says, how it publishes its keys, and our settings for it."""

    issuer: str
    audience: str
    claim: str
    claims: dict[str, Any]
    roles: str = "triage=analyst,platform=admin"
    role: Role | None = Role.ANALYST
    keys: list[dict[str, Any]] = field(default_factory=lambda: [SIGNING])
    kid: str | None = "k1"


AUTH0 = {
    "iss": "https://example.eu.auth0.com/",
    "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
    "aud": ["https://graph.example", "https://example.eu.auth0.com/userinfo"],
    "azp": "my_client_id",
    "scope": "openid profile triage",
    "https://example.com/roles": ["triage"],
    "https://example.com/app": {"roles": ["platform"]},
    "permissions": ["read:clusters", "platform"],
}
"""Auth0 Docs, "Create Custom Claims" (claims are named by a URL), "Access Token Profiles" and "Get Access Tokens"."""

KEYCLOAK = {
    "iss": "https://sso.example/realms/staff",
    "aud": ["my.app", "account"],
    "sub": "f:1d1b4a2e:ada",
    "typ": "Bearer",
    "azp": "console",
    "acr": "1",
    "realm_access": {"roles": ["offline_access", "platform"]},
    "resource_access": {"my.app": {"roles": ["triage"]}, "account": {"roles": ["view-profile"]}},
    "scope": "openid profile email",
    "preferred_username": "ada",
}
"""Keycloak, Server Administration Guide, "Audience support" and "OIDC token and SAML assertion mappings" (`\\.` stands
for a dot in the name of a claim). Its key set holds a key for encryption, too."""

ENTRA = {
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "aud": "api://graph",
    "azp": "11112222-bbbb-3333-cccc-4444dddd5555",
    "oid": "00000000-0000-0000-66f3-3332eca7ea81",
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "preferred_username": "ada@example.com",
    "roles": ["triage"],
    "scp": "access_as_user platform",
    "ver": "2.0",
}
"""Microsoft identity platform, "Access token claims reference" and "Signing key rollover": keys name no algorithm. A
token of v1.0 has the issuer `https://sts.windows.net/TENANT/` and `appid` in place of `azp`."""

OKTA = {
    "ver": 1,
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "iss": "https://example.okta.com/oauth2/ausmgtgj2",
    "aud": "https://api.example.com",
    "sub": "ada@example.com",
    "cid": "nmdP1fcyvdVO11AL7ECm",
    "uid": "00ujmkLgagxeRrAg20g3",
    "scp": ["openid", "triage"],
    "groups": ["Everyone", "platform"],
}
"""Okta, OpenID Connect & OAuth 2.0 API, "Access token payload claims", and "Customize tokens returned from Okta"."""

GOOGLE = {
    "iss": "https://accounts.google.com",
    "azp": "1234987819200.apps.googleusercontent.com",
    "aud": "1234987819200.apps.googleusercontent.com",
    "sub": "10769150350006150715113082367",
    "hd": "example.com",
    "email": "jsmith@example.com",
    "email_verified": "true",
}
"""Google Identity, "OpenID Connect", "An ID token's payload". There are no roles: domain or address give them."""

ENCRYPTION = {**jwk(RS, OTHER, "e1"), "use": "enc", "alg": "RSA-OAEP"}
V1 = {
    **without(ENTRA, "azp"),
    "iss": f"https://sts.windows.net/{TENANT}/",
    "appid": ENTRA["azp"],
    "ver": "1.0",
}
CASES = {
    "auth0": Case(AUTH0["iss"], "https://graph.example", "https://example.com/roles", AUTH0),  # type: ignore[arg-type]
    "auth0, issuer without its slash": Case(
        "https://example.eu.auth0.com", "https://graph.example", "https://example.com/roles", AUTH0
    ),
    "auth0, in a claim of its own": Case(
        "https://example.eu.auth0.com", "https://graph.example", '"https://example.com/app".roles', AUTH0,
        role=Role.ADMIN,
    ),
    "auth0, permissions": Case(
        "https://example.eu.auth0.com", "https://graph.example", "permissions", AUTH0, role=Role.ADMIN
    ),
    "auth0, scope": Case("https://example.eu.auth0.com/", "https://graph.example", "scope", AUTH0),
    "keycloak, realm": Case(
        "https://sso.example/realms/staff", "my.app", "realm_access.roles", KEYCLOAK, role=Role.ADMIN
    ),
    "keycloak, client in quotes": Case(
        "https://sso.example/realms/staff/", "my.app", 'resource_access."my.app".roles', KEYCLOAK
    ),
    "keycloak, client as its mappers write it": Case(
        "https://sso.example/realms/staff", "my.app", r"resource_access.my\.app.roles", KEYCLOAK
    ),
    "keycloak, a key for encryption first": Case(
        "https://sso.example/realms/staff", "my.app", "realm_access.roles", KEYCLOAK, role=Role.ADMIN,
        keys=[ENCRYPTION, {**SIGNING, "use": "sig", "alg": "RS256"}],
    ),
    "entra": Case(ENTRA["iss"], "api://graph", "roles", ENTRA, keys=[without(SIGNING, "alg")]),  # type: ignore[arg-type]
    "entra, scope": Case(ENTRA["iss"], "api://graph", "scp", ENTRA, role=Role.ADMIN),  # type: ignore[arg-type]
    "entra of v1.0": Case(f"https://sts.windows.net/{TENANT}", "api://graph", "roles", V1),
    "okta, groups": Case(OKTA["iss"], "https://api.example.com", "groups", OKTA, role=Role.ADMIN),  # type: ignore[arg-type]
    "okta, scope": Case(OKTA["iss"], "https://api.example.com", "scp", OKTA),  # type: ignore[arg-type]
    "google, domain": Case(GOOGLE["iss"], GOOGLE["aud"], "hd", GOOGLE, "example.com=viewer", Role.VIEWER),
    "google, without the scheme": Case(
        GOOGLE["iss"], GOOGLE["aud"], "hd", {**GOOGLE, "iss": "accounts.google.com"}, "example.com=viewer", Role.VIEWER
    ),
    "google, address": Case(GOOGLE["iss"], GOOGLE["aud"], "email", GOOGLE, "jsmith@example.com=admin", Role.ADMIN),
    "google, address that is not verified": Case(
        GOOGLE["iss"], GOOGLE["aud"], "email", {**GOOGLE, "email_verified": False}, "jsmith@example.com=admin", None
    ),
    "one key, unnamed": Case(
        ENTRA["iss"], "api://graph", "roles", ENTRA, keys=[without(SIGNING, "kid")], kid=None  # type: ignore[arg-type]
    ),
    "one key, unnamed in the set alone": Case(
        ENTRA["iss"], "api://graph", "roles", ENTRA, keys=[without(SIGNING, "kid")]  # type: ignore[arg-type]
    ),
    "one key, unnamed in the token alone": Case(ENTRA["iss"], "api://graph", "roles", ENTRA, kid=None),  # type: ignore[arg-type]
}  # fmt: skip


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


def issuer_of(provider: Provider, directory: Path, case: Case) -> Issuer:
    provider.keys[:] = case.keys
    issuer = oidc.build_issuer(
        Settings(
            data_dir=directory,
            oidc_issuer=case.issuer,
            oidc_audience=case.audience,
            oidc_role_claim=case.claim,
            oidc_roles=case.roles,
            oidc_jwks_url=f"{provider.issuer}/keys",
        )
    )
    assert issuer is not None
    return issuer


def token_of(case: Case, key: Any = RSA, algorithm: str = "RS256", **more: Any) -> str:
    now = int(time.time())
    claims = {"iat": now, "exp": now + 60, **case.claims, **more}
    return jwt.encode(claims, key, algorithm, headers={"kid": case.kid} if case.kid else None)


def role_of(issuer: Issuer, token: str) -> Role | None:
    principal = asyncio.run(issuer.find_principal(token))
    return principal.role if principal is not None else None


@pytest.mark.parametrize("name", CASES)
def test_a_token_as_the_provider_documents_it_gives_its_role(
    provider: Provider, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    issuer = issuer_of(provider, tmp_path, case)
    if case.role is None:
        with pytest.raises(Forbidden):
            role_of(issuer, token_of(case))
    else:
        assert role_of(issuer, token_of(case)) == case.role
    assert role_of(issuer, token_of(case, OTHER)) is None
    assert role_of(issuer, token_of(case, iss="https://example.com/")) is None
    assert role_of(issuer, token_of(case, aud=["another", "account"])) is None


def test_discovery_may_name_the_issuer_with_a_slash_more_or_less(provider: Provider, tmp_path: Path) -> None:
    bare = provider.issuer
    for configured, said in (
        (bare, f"{bare}/"),
        (f"{bare}/", bare),
        (f"{bare}/.well-known/openid-configuration", f"{bare}/"),
    ):
        provider.discovery["issuer"] = said
        issuer = oidc.build_issuer(
            Settings(
                data_dir=tmp_path,
                oidc_issuer=configured,
                oidc_audience="graphsvc",
                oidc_roles="triage=analyst",
            )
        )
        assert issuer is not None
        assert role_of(issuer, provider.token(iss=said)) == Role.ANALYST


def test_a_discovery_of_another_issuer_is_named_in_the_log(
    provider: Provider, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    provider.discovery["issuer"] = "https://login.microsoftonline.com/{tenantid}/v2.0"
    issuer = oidc.build_issuer(
        Settings(
            data_dir=tmp_path, oidc_issuer=provider.issuer, oidc_audience="x", oidc_roles="triage=analyst"
        )
    )
    assert issuer is not None
    with pytest.raises(oidc.ProviderAway):
        role_of(issuer, provider.token())
    assert "another issuer than GRAPHSVC_OIDC_ISSUER" in caplog.text
    assert "{tenantid}" in caplog.text


def test_one_key_is_not_guessed_among_several(provider: Provider, tmp_path: Path) -> None:
    case = Case(ENTRA["iss"], "api://graph", "roles", ENTRA, kid=None)  # type: ignore[arg-type]
    issuer = issuer_of(provider, tmp_path, case)
    provider.keys.append(jwk(jwt.algorithms.ECAlgorithm, CURVE, "e1"))
    assert role_of(issuer, token_of(case)) is None


def test_a_key_without_algorithm_checks_any_that_is_allowed_and_fits(
    provider: Provider, tmp_path: Path
) -> None:
    issuer = oidc.build_issuer(
        Settings(
            data_dir=tmp_path, oidc_issuer=provider.issuer, oidc_audience="graphsvc", oidc_roles="triage=analyst",
            oidc_algorithms="PS256,RS256,ES256",
        )
    )  # fmt: skip
    assert issuer is not None
    provider.keys[:] = [without(jwk(RS, RSA, "r1"), "alg")]
    assert role_of(issuer, provider.token(RSA, "PS256")) == Role.ANALYST
    assert role_of(issuer, provider.token(RSA, "RS256")) == Role.ANALYST
    assert role_of(issuer, provider.token(RSA, "RS512")) is None
    assert role_of(issuer, provider.token(CURVE, "ES256")) is None


@pytest.mark.parametrize("kid", ["k1", None])
def test_a_key_rotated_under_its_old_name_is_learnt_in_mid_session(
    provider: Provider, tmp_path: Path, kid: str | None
) -> None:
    case = Case(ENTRA["iss"], "api://graph", "roles", ENTRA, kid=kid)  # type: ignore[arg-type]
    issuer = issuer_of(provider, tmp_path, case)
    assert role_of(issuer, token_of(case)) == Role.ANALYST
    provider.keys[:] = [jwk(RS, OTHER, "k1")]
    assert role_of(issuer, token_of(case, OTHER)) == Role.ANALYST
    for _ in range(3):
        assert role_of(issuer, token_of(case)) is None
    assert provider.asked == 2


@pytest.mark.parametrize(
    ("times", "taken"),
    [
        ({"exp": -50}, True),
        ({"nbf": 50, "iat": 50}, True),
        ({"exp": -70}, False),
        ({"nbf": 70}, False),
        ({"iat": 70}, False),
    ],
)
def test_clocks_differ_by_a_minute_at_most(
    provider: Provider, tmp_path: Path, times: dict[str, int], taken: bool
) -> None:
    case = CASES["entra"]
    now = time.time()
    token = token_of(case, **{name: now + seconds for name, seconds in times.items()})
    assert (role_of(issuer_of(provider, tmp_path, case), token) is not None) == taken


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


def quoted(name: str, mark: str) -> str:
    """A name as a path has it: in quotes, or with what is special escaped."""
    special = "\\" + (mark or ".\"'")
    escaped = "".join(f"\\{letter}" if letter in special else letter for letter in name)
    return f"{mark}{escaped}{mark}"


@given(path=st.lists(st.tuples(names, st.sampled_from(['"', "'", ""])), min_size=1, max_size=4), value=names)
def test_a_path_of_any_names_leads_to_its_value(path: list[tuple[str, str]], value: str) -> None:
    text = ".".join(quoted(name, mark) for name, mark in path)
    if text.strip() != text:  # blanks around a setting do not count
        return
    claims: Any = value
    for name, _ in reversed(path):
        claims = {name: claims}
    found = list(parse_role_claim(text).read(claims))
    assert found == (value.split() if path[-1][0] in ("scope", "scp") else [value])


@given(st.text(max_size=20), st.dictionaries(names, names | st.none() | st.lists(names | st.integers())))
def test_any_setting_is_a_place_or_refused_and_reads_texts_alone(text: str, claims: dict[str, Any]) -> None:
    try:
        claim = parse_role_claim(text)
    except ValueError:
        return
    assert all(isinstance(each, str) for each in claim.read(claims))


def test_the_name_of_a_group_is_not_split() -> None:
    assert list(parse_role_claim("groups").read({"groups": "not admin"})) == ["not admin"]
    assert list(parse_role_claim("scope").read({"scope": "read admin"})) == ["read", "admin"]
    assert list(parse_role_claim("scope").read({"scope": ["read admin"]})) == ["read admin"]
