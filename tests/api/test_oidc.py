"""Promise: a person's token is taken only from the one issuer, for this service, signed as agreed, and gives a role.

No database is needed here: the app is pointed at a closed port.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from api import Api
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from pydantic import SecretStr

from bench.identity_provider import CURVE, OTHER, RSA, Provider, jwk
from graphsvc.api.app import create_app
from graphsvc.api.auth import keys, oidc
from graphsvc.errors import SettingsError
from graphsvc.settings import Settings
from graphsvc.store import Address

WHO = "{ viewer { role keyId } }"


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


def settings_of(provider: Provider, directory: Path, **more: Any) -> Settings:
    given = {
        "oidc_issuer": provider.issuer,
        "oidc_audience": "graphsvc",
        "oidc_roles": "triage=analyst,platform=admin",
    }
    return Settings(data_dir=directory, **{**given, **more})


@pytest.fixture
def client(provider: Provider, tmp_path: Path) -> Iterator[TestClient]:
    address = Address("bolt://127.0.0.1:1", "neo4j", SecretStr("not-the-password"))
    with TestClient(create_app(settings_of(provider, tmp_path), address)) as client:
        yield client


def test_a_persons_token_gives_the_role_of_its_claim(provider: Provider, client: TestClient) -> None:
    for token, role in (
        (provider.token(), "ANALYST"),
        (provider.token(CURVE, "ES256", "e1"), "ANALYST"),
        (provider.token(roles=["platform", "triage", 3]), "ADMIN"),
        (provider.token(roles="triage"), "ANALYST"),
        (provider.token(aud=["other", "graphsvc"]), "ANALYST"),
        (provider.token(exp=int(time.time()) - 5), "ANALYST"),  # clocks differ
    ):
        assert Api(client, token).data(WHO) == {"viewer": {"role": role, "keyId": "u-17"}}
    assert provider.asked == 1


def unsigned(provider: Provider) -> str:
    _, body, _ = provider.token().split(".")
    return ".".join([base64.urlsafe_b64encode(b'{"alg":"none","kid":"r1"}').decode().rstrip("="), body, ""])


def confused(provider: Provider) -> str:
    """Signed with HMAC under the issuer's public key, which everybody has."""
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = provider.token().split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"r1"}').decode().rstrip("=")
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(signer.sign(f"{head}.{body}".encode(), public)).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


HOUR = 3600
REFUSED = {
    "signed by another": lambda p: p.token(OTHER),
    "signed by another's curve": lambda p: p.token(ec.generate_private_key(ec.SECP256R1()), "ES256", "e1"),
    "unsigned": unsigned,
    "public key as a secret": confused,
    "algorithm of another key": lambda p: p.token(CURVE, "ES256", "r1"),
    "algorithm not allowed": lambda p: p.token(RSA, "RS512"),
    "unknown key": lambda p: p.token(kid="r2"),
    "no key named": lambda p: p.token(kid=None),
    "another audience": lambda p: p.token(aud="someone-else"),
    "no audience": lambda p: p.token(aud=None),
    "another issuer": lambda p: p.token(iss="https://issuer.example"),
    "no issuer": lambda p: p.token(iss=None),
    "expired": lambda p: p.token(exp=int(time.time()) - HOUR),
    "for ever": lambda p: p.token(exp=None),
    "not yet": lambda p: p.token(nbf=int(time.time()) + HOUR),
    "issued in the future": lambda p: p.token(iat=int(time.time()) + HOUR),
    "issued at no time": lambda p: p.token(iat=None),
    "nobody's": lambda p: p.token(sub=None),
    "nobody": lambda p: p.token(sub=""),
    "cut": lambda p: p.token()[:-9],
    "changed": lambda p: p.token().replace(".", ".AA", 1),
    "dots": lambda p: "..",
    "no json": lambda p: "a.b.c",
}


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_token_is_refused_alike(
    provider: Provider, client: TestClient, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        token = REFUSED[name](provider)
        answer = Api(client, token).post(WHO)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    (error,) = answer.json()["errors"]
    plain = Api(client, "a.b").post(WHO).json()["errors"][0]
    assert (error["message"], error["extensions"]["code"]) == (plain["message"], "access_denied")
    assert "a token was refused" in caplog.text
    assert "u-17" not in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("roles", [None, [], ["guest"], {"triage": True}, 3, [["triage"]]])
def test_who_has_no_role_is_told_so(provider: Provider, client: TestClient, roles: object) -> None:
    answer = Api(client, provider.token(roles=roles)).post(WHO)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (403, "forbidden")


def test_the_claim_may_lie_deep(provider: Provider, tmp_path: Path) -> None:
    settings = settings_of(provider, tmp_path, oidc_role_claim="realm_access.roles")
    address = Address("bolt://127.0.0.1:1", "neo4j", SecretStr("not-the-password"))
    with TestClient(create_app(settings, address)) as client:
        token = provider.token(roles=None, realm_access={"roles": ["platform"]})
        assert Api(client, token).data(WHO)["viewer"]["role"] == "ADMIN"
        assert Api(client, provider.token(realm_access="platform")).post(WHO).status_code == 403


def names(provider: Provider, tmp_path: Path, **claims: str) -> tuple[str, str]:
    issuer = oidc.build_issuer(settings_of(provider, tmp_path))
    assert issuer is not None
    principal = asyncio.run(issuer.find_principal(provider.token(**claims)))
    assert principal is not None
    return principal.id, principal.name


def test_nobody_is_called_by_an_e_mail_address(provider: Provider, tmp_path: Path) -> None:
    assert names(provider, tmp_path, preferred_username="ada") == ("u-17", "ada (u-17)")
    assert names(provider, tmp_path, preferred_username="ada@leak.example") == ("u-17", "u-17")
    assert names(provider, tmp_path, preferred_username="ada\nadmin") == ("u-17", "u-17")
    subject, name = names(provider, tmp_path, sub="ada@leak.example", preferred_username="ada")
    assert subject.startswith("subject-")
    assert name == f"ada ({subject})"


def test_keys_that_are_away_are_a_503_and_keys_once_known_go_on(
    provider: Provider, client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.away = True
    for _ in range(3):
        answer = Api(client, provider.token()).post(WHO)
        assert answer.status_code == 503
        assert answer.json()["errors"][0]["extensions"]["code"] == "identity_provider_unavailable"
    assert Api(client, keys.create_key(tmp_path / "keys", keys.Role.VIEWER)).post(WHO).status_code == 200
    assert provider.asked == 0  # discovery was away already
    later = time.monotonic() + 10
    monkeypatch.setattr(oidc.time, "monotonic", lambda: later)
    provider.away = False
    assert Api(client, provider.token()).post(WHO).status_code == 200
    provider.away = True
    monkeypatch.setattr(oidc.time, "monotonic", lambda: later + oidc.FRESH + 1)
    assert Api(client, provider.token()).post(WHO).status_code == 200
    monkeypatch.setattr(oidc.time, "monotonic", lambda: later + oidc.FRESH + oidc.STALE + 9)
    assert Api(client, provider.token()).post(WHO).status_code == 503


def test_an_issuer_that_hangs_holds_nobody_up_for_long(
    provider: Provider, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "TIMEOUT", 0.3)
    provider.slow = 3600.0
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: Api(client, provider.token()).post(WHO).status_code, range(4)))
    assert answers == [503] * 4
    assert time.monotonic() - began < 1800.0  # before the issuer would have answered


def test_a_new_key_of_the_issuer_is_learnt_at_once_and_unknown_ones_ask_it_seldom(
    provider: Provider, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Api(client, provider.token()).post(WHO).status_code == 200
    provider.keys[:] = [jwk(jwt.algorithms.RSAAlgorithm, OTHER, "r2")]
    assert Api(client, provider.token(OTHER, kid="r2")).post(WHO).status_code == 200
    assert Api(client, provider.token()).post(WHO).status_code == 401  # the old key is withdrawn
    for number in range(5):
        assert Api(client, provider.token(kid=f"none-{number}")).post(WHO).status_code == 401
    assert provider.asked == 2
    later = time.monotonic() + oidc.COOLDOWN + 1
    monkeypatch.setattr(oidc.time, "monotonic", lambda: later)
    assert Api(client, provider.token(OTHER, kid="r2")).post(WHO).status_code == 200
    assert provider.asked == 2
    assert Api(client, provider.token(kid="none")).post(WHO).status_code == 401
    assert provider.asked == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_algorithms": "RS256,HS256"},
        {"oidc_algorithms": "none"},
        {"oidc_algorithms": ""},
        {"oidc_audience": None},
        {"oidc_roles": ""},
        {"oidc_roles": "triage=root"},
        {"oidc_roles": "=admin"},
        {"oidc_role_claim": ""},
        {"oidc_role_claim": "realm_access..roles"},
        {"oidc_role_claim": 'resource_access."my.app'},
        {"oidc_issuer": "http://issuer.example"},
        {"oidc_jwks_url": "file:///etc/passwd"},
        {"oidc_jwks_url": "http://10.0.0.1/keys"},
    ],
)
def test_settings_that_would_let_anybody_in_are_refused_at_the_start(
    provider: Provider, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match="GRAPHSVC_OIDC"):
        oidc.build_issuer(settings_of(provider, tmp_path, **wrong))


@pytest.mark.parametrize(
    "said", [{"issuer": "https://other.example"}, {"jwks_uri": "http://10.0.0.1/keys"}, {"jwks_uri": 3}]
)
def test_a_discovery_of_somebody_else_is_not_believed(
    provider: Provider, client: TestClient, said: dict[str, Any]
) -> None:
    provider.discovery.update(said)
    assert Api(client, provider.token()).post(WHO).status_code == 503
