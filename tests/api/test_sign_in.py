"""Promise: by the identity provider only who began is signed in, in the tab they began in, and nothing leaks.

The provider is a real one over HTTP on loopback, which holds us to PKCE and to codes that work once. No database is
needed here: the app is pointed at a closed port.
"""

import base64
import hashlib
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from api import Api
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from starlette.responses import Response

from bench.identity_provider import OTHER, Provider
from graphsvc.api.app import create_app
from graphsvc.api.auth import code_flow, keys, oidc
from graphsvc.api.auth.code_flow import SignInRefused
from graphsvc.api.auth.flow_cookies import FLOWS_AT_ONCE, FlowCookies
from graphsvc.api.http.traces import OpenTelemetry
from graphsvc.api.routers import sign_in
from graphsvc.api.services import get_services
from graphsvc.errors import SettingsError
from graphsvc.settings import Settings
from graphsvc.store import Address

WHO = "{ viewer { role keyId name } }"
HERE = "http://127.0.0.1:8000"
ADDRESS = Address("bolt://127.0.0.1:1", "neo4j", SecretStr("not-the-password"))
BROWSER = httpx.Client(timeout=600)  # made once: each begins with the certificates that it trusts
PAGE = Path(__file__).parents[2] / "console" / "src" / "sign_in.tsx"
TOO_LATE, NOT_VALID = "sign_in_too_late", "sign_in_not_valid"
CODES = {kind.code for kind in SignInRefused.__subclasses__()} | {oidc.ProviderAway.code}


def settings_of(provider: Provider, directory: Path, **more: Any) -> Settings:
    given = {
        "oidc_issuer": provider.issuer,
        "oidc_audience": "graphsvc",
        "oidc_roles": "triage=analyst,platform=admin",
        "oidc_client_id": "console",
        "oidc_name": "Example ID",
    }
    return Settings(data_dir=directory, **{**given, **more})


@contextmanager
def served(settings: Settings, at: str = HERE) -> Iterator[TestClient]:
    with TestClient(create_app(settings, ADDRESS), base_url=at, follow_redirects=False) as client:
        yield client


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def client(provider: Provider, tmp_path: Path) -> Iterator[TestClient]:
    with served(settings_of(provider, tmp_path)) as client:
        yield client


@dataclass
class Tab:
    """A tab of a browser whose cookies are `client`'s."""

    client: TestClient
    secret: str

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.secret.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def begin(self, **headers: str) -> httpx.Response:
        return self.client.get("/sign-in", params={"tab": self.challenge}, headers=headers)

    def there(self) -> str:
        """The address of the provider's page."""
        answer = self.begin()
        assert answer.status_code == 303
        return answer.headers["Location"]

    def ask(self, **headers: str) -> httpx.Response:
        return self.client.post("/sign-in/token", json={"tab": self.secret}, headers=headers)


def tab(client: TestClient) -> Tab:
    return Tab(client, secrets.token_urlsafe(32))


def decided(there: str, **said: str) -> str:
    """Where the provider sends the browser when the person has decided."""
    place = urlsplit(there)
    assert "Who are you?" in BROWSER.get(there).text
    asked = urlencode(dict(parse_qsl(place.query)) | {"decision": "allow"} | said)
    answer = BROWSER.get(f"{place.scheme}://{place.netloc}/decide?{asked}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def there_and_back(of: Tab, **said: str) -> httpx.Response:
    return of.client.get(decided(of.there(), **said))


def refused(answer: httpx.Response) -> str:
    """The code that an answer, or the address it leads to, gives."""
    if answer.status_code == 303:
        assert answer.headers["Location"].startswith("/#/sign-in?refused=")
        return str(answer.headers["Location"].partition("=")[2])
    assert "token" not in answer.json()
    return str(answer.json()["errors"][0]["extensions"]["code"])


def outcome(client: TestClient, **said: str) -> str:
    """What comes of a whole sign-in: a role, or the code of a refusal."""
    here = tab(client)
    back = there_and_back(here, **said)
    if back.headers["Location"] != "/#/signed-in":
        return refused(back)
    answer = here.ask()
    assert not client.cookies, "all cookies are taken back, whatever came of it"
    if answer.status_code != 200:
        return refused(answer)
    return str(Api(client, answer.json()["token"]).data(WHO)["viewer"]["role"])


def set_cookies(answer: httpx.Response | Response) -> list[Any]:
    headers = answer.headers
    lines = (
        headers.get_list("Set-Cookie")
        if isinstance(headers, httpx.Headers)
        else headers.getlist("Set-Cookie")
    )
    return [morsel for line in lines for morsel in SimpleCookie(line).values()]


def test_a_person_goes_to_the_provider_and_comes_back_with_a_token(
    provider: Provider, client: TestClient
) -> None:
    assert client.get("/sign-in/ways").json() == {"redirect": {"name": "Example ID", "at": HERE}}
    here = tab(client)
    begun = here.begin()
    place = urlsplit(begun.headers["Location"])
    asked = dict(parse_qsl(place.query))
    assert f"{place.scheme}://{place.netloc}{place.path}" == provider.discovery["authorization_endpoint"]
    assert {name: asked[name] for name in ("response_type", "client_id", "redirect_uri", "scope")} == {
        "response_type": "code",
        "client_id": "console",
        "redirect_uri": f"{HERE}/sign-in/callback",
        "scope": "openid profile",
    }
    assert asked["code_challenge_method"] == "S256"
    assert len({asked[name] for name in ("state", "nonce", "code_challenge")}) == 3
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))  # 256 bits
    back = client.get(decided(begun.headers["Location"]))
    assert (back.status_code, back.headers["Location"]) == (303, "/#/signed-in")
    answer = here.ask(**{"Origin": HERE, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200
    assert list(answer.json()) == ["token"]
    viewer = Api(client, answer.json()["token"]).data(WHO)["viewer"]
    assert viewer == {"role": "ANALYST", "keyId": "u-ada", "name": "ada (u-ada)"}
    assert not client.cookies
    for each in (begun, back, answer):
        assert each.headers["Cache-Control"] == "no-store"
        assert each.headers["Referrer-Policy"] == "no-referrer"
    (form,) = provider.forms
    assert (form["client_id"], form["redirect_uri"]) == ("console", f"{HERE}/sign-in/callback")
    assert provider.discovered == 2  # once for the addresses, once for the keys


def test_the_provider_may_have_a_query_in_its_address(provider: Provider, client: TestClient) -> None:
    provider.discovery["authorization_endpoint"] += "?tenant=a%26b"
    place = urlsplit(tab(client).there())
    assert place.query.startswith("tenant=a%26b&response_type=code&")


@pytest.mark.parametrize("at", [HERE, "https://graph.example"])
def test_cookies_are_for_the_browser_and_for_this_path_only(
    provider: Provider, tmp_path: Path, at: str
) -> None:
    public = at if at.startswith("https") else None
    settings = settings_of(provider, tmp_path, public_url=public, allowed_hosts="graph.example")
    with served(settings, at) as client:
        here = tab(client)
        begun = here.begin()
        back = client.get(decided(begun.headers["Location"]))
        (going,) = set_cookies(begun)
        (gone, coming) = sorted(set_cookies(back), key=lambda each: int(each["max-age"]))
        (used,) = set_cookies(here.ask())
    for cookie in (going, gone, coming, used):
        assert cookie["httponly"] is True
        assert cookie["path"] == "/sign-in"
        assert cookie["domain"] == ""
        assert bool(cookie["secure"]) == at.startswith("https")
        assert len(cookie.OutputString()) < 4096
    assert (going["samesite"], going["max-age"]) == ("lax", "600")
    assert (coming["samesite"], coming["max-age"]) == ("strict", "60")
    assert (gone.key, gone["max-age"], gone.value) == (going.key, "0", "")
    assert (used.key, used["max-age"], used.value) == (coming.key, "0", "")


def test_what_a_cookie_holds_nobody_can_read(provider: Provider, client: TestClient) -> None:
    here = tab(client)
    back = decided(here.there())
    client.get(back)
    asked = dict(parse_qsl(urlsplit(back).query))
    ((_, value),) = client.cookies.items()
    opened = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    here.ask()
    for secret in (asked["code"], asked["state"], here.challenge, provider.forms[0]["code_verifier"]):
        assert secret not in value
        assert secret.encode() not in opened


@pytest.mark.parametrize("secret", ["correct-horse", "p%40ss:w+rd é/&="])
def test_a_confidential_client_proves_who_it_is(provider: Provider, tmp_path: Path, secret: str) -> None:
    provider.clients = {"con:sole": secret}
    settings = settings_of(
        provider, tmp_path, oidc_client_id="con:sole", oidc_client_secret=SecretStr(secret)
    )
    with served(settings) as client:
        assert outcome(client) == "ANALYST"
    assert "client_id" not in provider.forms[0]
    assert secret not in json.dumps(provider.forms)
    wrong = settings.model_copy(update={"oidc_client_secret": SecretStr("another")})
    with served(wrong) as client:
        assert outcome(client) == "sign_in_provider_refused"


def test_the_token_is_the_one_that_the_api_takes(provider: Provider, tmp_path: Path) -> None:
    own = settings_of(provider, tmp_path, oidc_audience="console")
    with served(own) as client:  # the provider makes no access tokens for this service
        provider.identity = {"roles": ["platform"]}
        assert outcome(client) == "ADMIN"
        provider.opaque = True
        assert outcome(client) == "ADMIN"
        provider.identity = {}
        assert outcome(client) == "sign_in_no_role"
    provider.opaque = False
    with served(settings_of(provider, tmp_path)) as client:
        provider.access = {"roles": ["guest"]}
        assert outcome(client) == "sign_in_no_role"
        provider.identity = {"aud": ["console", "graphsvc"], "azp": "console", "roles": ["triage"]}
        assert outcome(client) == "ANALYST"
        provider.identity, provider.access = {}, {"aud": "another"}
        assert outcome(client) == "sign_in_no_token"


FORGED: dict[str, Callable[[Provider], Any]] = {
    "another nonce": lambda p: p.identity.update(nonce="n" * 43),
    "no nonce": lambda p: p.identity.update(nonce=None),
    "a nonce that is no text": lambda p: p.identity.update(nonce=["n"]),
    "another client's": lambda p: p.identity.update(aud="another"),
    "several clients', of nobody": lambda p: p.identity.update(aud=["console", "another"]),
    "several clients', of another": lambda p: p.identity.update(aud=["console", "another"], azp="another"),
    "of another party": lambda p: p.identity.update(azp="another"),
    "another issuer's": lambda p: p.identity.update(iss="https://another.example"),
    "expired": lambda p: p.identity.update(exp=int(time.time()) - 3600),
    "for ever": lambda p: p.identity.update(exp=None),
    "issued at no time": lambda p: p.identity.update(iat=None),
    "issued later": lambda p: p.identity.update(iat=int(time.time()) + 3600),
    "nobody's": lambda p: p.identity.update(sub=None),
    "for another access token": lambda p: p.identity.update(at_hash="x" * 22),
    "signed by another": lambda p: setattr(p, "signed", (OTHER, "RS256", "r1")),
    "signed with what is no secret": lambda p: setattr(p, "signed", ("x" * 64, "HS256", "r1")),
    "not signed": lambda p: setattr(p, "signed", (None, "none", "r1")),
    "an algorithm not agreed": lambda p: setattr(p, "signed", (OTHER, "RS512", "r1")),
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Provider, TestClient]]:
    """One service and one provider for many tries."""
    provider = Provider()
    plenty = settings_of(provider, tmp_path_factory.mktemp("app"), client_rate_limit="1000000/second")
    with served(plenty) as client:
        yield provider, client
    provider.close()


@pytest.fixture
def fresh(app: tuple[Provider, TestClient]) -> tuple[Provider, TestClient]:
    """The same, with a provider that behaves and a browser without cookies."""
    provider, client = app
    provider.behave()
    client.cookies.clear()
    return provider, client


@pytest.mark.parametrize("name", FORGED)
def test_an_id_token_that_is_not_for_this_sign_in_signs_nobody_in(
    fresh: tuple[Provider, TestClient], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider, client = fresh
    FORGED[name](provider)
    with caplog.at_level(logging.WARNING, "graphsvc"):
        assert outcome(client) == NOT_VALID
    assert re.search(r"a (token|sign-in) was refused: \w", caplog.text)


def said(body: object, status: int = 200, **headers: str) -> Callable[[Provider], Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda p: setattr(p, "answer", lambda _: (status, headers, content))


def without(name: str, **instead: object) -> Callable[[Provider], Any]:
    def changed(tokens: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        tokens = {each: value for each, value in tokens.items() if each != name}
        return 200, {}, json.dumps(tokens | instead).encode()

    return lambda p: setattr(p, "answer", changed)


MISBEHAVED: dict[str, tuple[Callable[[Provider], Any], str]] = {
    "no id token": (without("id_token"), NOT_VALID),
    "no access token": (without("access_token"), NOT_VALID),
    "an id token that is no text": (without("id_token", id_token={"a": 1}), NOT_VALID),
    "an id token that is none": (without("id_token", id_token="a.b.c"), NOT_VALID),
    "no bearer": (without("token_type", token_type="mac"), NOT_VALID),
    "a list": (said([1]), NOT_VALID),
    "a page": (said(b"<html>"), NOT_VALID),
    "nothing": (said(b""), NOT_VALID),
    "no text": (said(b"\xff\xfe\x00"), NOT_VALID),
    "deep": (said(b"[" * 100_000), NOT_VALID),
    "long": (said(b'{"access_token": "' + b"a" * 300_000 + b'"}'), oidc.ProviderAway.code),
    "too short": (said(b"{", **{"Content-Length": "99"}), NOT_VALID),
    "down": (said({}, 503), oidc.ProviderAway.code),
    "too many": (said({}, 429), oidc.ProviderAway.code),
    "a code that it does not know": (said({"error": "invalid_grant"}, 400), TOO_LATE),
    "a client that it does not know": (said({"error": "invalid_client"}, 401), "sign_in_provider_refused"),
    "an error that there is not": (said({"error": "<b>own words</b>"}, 400), "sign_in_provider_refused"),
    "an error that is no text": (said({"error": ["invalid_grant"]}, 400), "sign_in_provider_refused"),
    "no error": (said(b"<html>", 418), "sign_in_provider_refused"),
}


@pytest.mark.parametrize("name", MISBEHAVED)
def test_an_answer_that_is_none_signs_nobody_in(
    fresh: tuple[Provider, TestClient], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider, client = fresh
    misbehave, code = MISBEHAVED[name]
    misbehave(provider)
    with caplog.at_level(logging.DEBUG, "graphsvc"):
        assert outcome(client) == code
    assert "own words" not in caplog.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_code_follows_no_redirect(fresh: tuple[Provider, TestClient], status: int) -> None:
    provider, client = fresh
    elsewhere = Provider()
    said({}, status, Location=f"{elsewhere.issuer}/token")(provider)
    assert outcome(client) == "sign_in_provider_refused"
    assert elsewhere.paths == []  # neither the code nor the secret of the client in a header
    elsewhere.close()


def test_a_provider_that_hangs_holds_nobody_up(
    fresh: tuple[Provider, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, client = fresh
    assert outcome(client) == "ANALYST"  # the keys are known from here on
    monkeypatch.setattr(oidc, "TIMEOUT", 3.0)
    here = tab(client)
    there_and_back(here)
    provider.slow = 3600.0
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(here.ask)
        assert client.get("/healthz").status_code == 200
        assert not asked.done()
        assert refused(asked.result()) == oidc.ProviderAway.code
    assert time.monotonic() - began < 1800.0  # before the provider would have answered


def test_a_provider_that_is_away_is_said_before_anybody_is_sent_there(
    provider: Provider, client: TestClient, tmp_path: Path
) -> None:
    provider.away = True
    answer = tab(client).begin()
    assert refused(answer) == oidc.ProviderAway.code
    assert not client.cookies
    key = keys.create_key(tmp_path / "keys", keys.Role.VIEWER)
    assert Api(client, key).data(WHO)["viewer"]["role"] == "VIEWER"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize(
    "place",
    [None, 3, "http://10.0.0.1/x", "javascript:alert(1)", "//another.example/x", "https://a.example/#x", ""],
)
def test_nobody_is_sent_to_a_place_that_is_not_safe(
    provider: Provider, tmp_path: Path, name: str, place: object
) -> None:
    provider.discovery[name] = place
    issuer = oidc.build_issuer(settings_of(provider, tmp_path))
    assert issuer is not None
    with pytest.raises(code_flow.ProviderRefused):
        code_flow.find_endpoints(provider.discovery)


def test_a_provider_without_safe_places_refuses_in_words(provider: Provider, client: TestClient) -> None:
    provider.discovery["authorization_endpoint"] = "http://10.0.0.1/authorize"
    assert refused(tab(client).begin()) == "sign_in_provider_refused"


def changed_answer(back: str, **changes: str | None) -> str:
    """The callback with some parameters in other words, or without them."""
    place = urlsplit(back)
    asked: dict[str, str | None] = dict(parse_qsl(place.query))
    asked |= changes
    return f"{place.path}?{urlencode({name: value for name, value in asked.items() if value is not None})}"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"state": None}, TOO_LATE),
        ({"state": ""}, TOO_LATE),
        ({"state": "s" * 43}, TOO_LATE),
        ({"state": "s" * 43, "error": "access_denied"}, TOO_LATE),
        ({"iss": None}, NOT_VALID),
        ({"iss": "https://another.example"}, NOT_VALID),
        ({"iss": "https://another.example", "error": "access_denied", "code": None}, NOT_VALID),
        ({"code": None}, NOT_VALID),
        ({"code": ""}, NOT_VALID),
        ({"code": "a\r\nSet-Cookie: a=b"}, NOT_VALID),
        ({"code": "é"}, NOT_VALID),
        ({"code": "c" * (code_flow.LONGEST_CODE + 1)}, NOT_VALID),
        ({"error": "access_denied", "code": None}, "sign_in_cancelled"),
        ({"error": "access_denied"}, "sign_in_cancelled"),
        ({"error": "temporarily_unavailable", "code": None}, oidc.ProviderAway.code),
        ({"error": "server_error", "code": None}, oidc.ProviderAway.code),
        ({"error": "invalid_scope", "code": None}, "sign_in_provider_refused"),
        ({"error": "x\r\nLocation: https://own.words", "code": None}, "sign_in_provider_refused"),
        ({"error": "", "code": None}, "sign_in_provider_refused"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_a_code_of_ours(
    fresh: tuple[Provider, TestClient],
    changes: dict[str, str | None],
    code: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider, client = fresh
    here = tab(client)
    with caplog.at_level(logging.DEBUG, "graphsvc"):
        answer = client.get(changed_answer(decided(here.there()), **changes))
    assert answer.headers["Location"] == f"/#/sign-in?refused={code}"
    assert "own.words" not in caplog.text
    assert bool(client.cookies) == ("state" in changes), "what is another's ends nobody's flow"
    assert refused(here.ask()) == TOO_LATE
    assert provider.forms == []


def test_the_longest_code_fits_into_its_cookie(fresh: tuple[Provider, TestClient]) -> None:
    _, client = fresh
    here = tab(client)
    code = "c" * code_flow.LONGEST_CODE
    back = client.get(changed_answer(decided(here.there()), code=code))
    assert all(len(line) < 4096 for line in back.headers.get_list("Set-Cookie"))
    assert refused(here.ask()) == TOO_LATE  # asked the provider, who does not know it


def test_a_parameter_that_comes_twice_is_refused(fresh: tuple[Provider, TestClient]) -> None:
    _, client = fresh
    for name in ("state", "code", "iss", "session_state"):
        back = decided(tab(client).there(), session_state="x") + "&session_state=x"
        twice = f"{back}&{name}={dict(parse_qsl(urlsplit(back).query))[name]}"
        assert refused(client.get(twice)) == NOT_VALID


def test_a_provider_that_does_not_name_itself_need_not(provider: Provider, client: TestClient) -> None:
    provider.says_who = False
    assert outcome(client) == NOT_VALID  # it promised to
    del provider.discovery["authorization_response_iss_parameter_supported"]
    later = time.monotonic() + oidc.FRESH + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oidc.time, "monotonic", lambda: later)
        assert outcome(client) == "ANALYST"
        provider.discovery["issuer"] = "https://another.example"
        assert refused(client.get(changed_answer(decided(tab(client).there()), iss="x"))) == NOT_VALID


def test_a_sign_in_happens_once(fresh: tuple[Provider, TestClient]) -> None:
    provider, client = fresh
    here = tab(client)
    back = decided(here.there())
    going = dict(client.cookies)
    client.get(back)
    coming = dict(client.cookies)
    assert here.ask().status_code == 200
    assert refused(here.ask()) == TOO_LATE
    assert refused(client.get(back)) == TOO_LATE
    for kept in (going, coming):  # by who copied the cookies before
        client.cookies.clear()
        client.cookies.update(kept)
        client.get(back)
        assert refused(here.ask()) == TOO_LATE
    assert len(provider.forms) == 3  # the provider takes a code once


def test_a_sign_in_takes_its_time_and_no_longer(
    fresh: tuple[Provider, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = fresh
    now = time.time()

    def at(seconds: float) -> None:
        monkeypatch.setattr(sign_in, "time", SimpleNamespace(time=lambda: now + seconds))

    def aged() -> None:
        """A browser that keeps its cookies longer than it was told."""
        kept = dict(client.cookies)
        client.cookies.clear()
        client.cookies.update(kept)

    def after(first: float, second: float) -> str:
        here = tab(client)
        at(0)
        there = here.there()
        aged()
        at(first)
        back = client.get(decided(there))
        if back.headers["Location"] != "/#/signed-in":
            return refused(back)
        aged()
        at(first + second)
        answer = here.ask()
        return "in" if answer.status_code == 200 else refused(answer)

    assert after(590, 50) == "in"
    assert after(601, 1) == TOO_LATE
    assert after(10, 61) == TOO_LATE


def test_tabs_at_once_do_not_disturb_each_other(fresh: tuple[Provider, TestClient]) -> None:
    _, client = fresh
    one, two = tab(client), tab(client)
    first, second = one.there(), two.there()
    client.get(decided(second, who="bob"))
    client.get(decided(first, who="ada"))
    for here, who in ((two, "u-bob"), (one, "u-ada")):
        assert Api(client, here.ask().json()["token"]).data(WHO)["viewer"]["keyId"] == who
    assert not client.cookies


def test_flows_that_nobody_ends_do_not_pile_up(fresh: tuple[Provider, TestClient]) -> None:
    _, client = fresh
    client.cookies.set("graphsvc-going-nonsense", "nonsense", "127.0.0.1", "/sign-in")
    begun = []
    for _ in range(FLOWS_AT_ONCE + 3):
        begun.append((tab(client), ""))
        begun[-1] = (begun[-1][0], begun[-1][0].there())
        assert len(client.cookies) <= FLOWS_AT_ONCE
    oldest, newest = begun[0], begun[-FLOWS_AT_ONCE]
    assert refused(client.get(decided(oldest[1]))) == TOO_LATE
    assert client.get(decided(newest[1])).headers["Location"] == "/#/signed-in"
    assert newest[0].ask().status_code == 200


def test_nobody_is_signed_in_as_somebody_else_by_a_link(fresh: tuple[Provider, TestClient]) -> None:
    """Login CSRF: the attacker's answer, in the victim's browser."""
    _, client = fresh
    attacker = tab(client)
    link = decided(attacker.there(), who="mallory")
    planted = dict(client.cookies)
    client.cookies.clear()
    victim = tab(client)
    assert refused(client.get(link)) == TOO_LATE
    begun = victim.there()
    assert refused(client.get(link)) == TOO_LATE
    assert client.get(decided(begun)).headers["Location"] == "/#/signed-in"  # theirs goes on
    assert victim.ask().status_code == 200
    client.cookies.update(planted)  # a sibling host may plant cookies
    assert client.get(link).headers["Location"] == "/#/signed-in"
    assert refused(victim.ask()) == TOO_LATE
    assert refused(tab(client).ask()) == TOO_LATE


def test_a_code_of_somebody_else_is_worth_nothing(fresh: tuple[Provider, TestClient]) -> None:
    """Code injection: a stolen code in the attacker's own flow, at a provider that checks PKCE (and see the nonce)."""
    provider, client = fresh
    stolen = dict(parse_qsl(urlsplit(decided(tab(client).there(), who="victim")).query))["code"]
    client.cookies.clear()
    attacker = tab(client)
    client.get(changed_answer(decided(attacker.there()), code=stolen))
    assert refused(attacker.ask()) == TOO_LATE
    assert len(provider.forms) == 1


def test_a_stolen_cookie_without_the_tab_is_worth_nothing(fresh: tuple[Provider, TestClient]) -> None:
    provider, client = fresh
    there_and_back(tab(client))
    ((name, value),) = client.cookies.items()
    thief = tab(client)
    client.cookies.set("graphsvc-back-" + thief.challenge[:12], value, path="/sign-in")
    assert refused(thief.ask()) == TOO_LATE
    client.cookies.set("graphsvc-going-" + name[-12:], value, path="/sign-in")
    assert refused(client.get("/sign-in/callback", params={"state": name[-12:] + "x" * 31})) == TOO_LATE
    assert provider.forms == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://another.example"}, "wrong_origin"),
        ({"Origin": "null"}, "wrong_origin"),
        ({"Origin": "http://127.0.0.1:8001"}, "wrong_origin"),
        ({"Origin": "https://127.0.0.1:8000"}, "wrong_origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "wrong_origin"),
        ({"Sec-Fetch-Site": "same-site"}, "wrong_origin"),
        ({"Sec-Fetch-Site": "none"}, "wrong_origin"),
        ({"Content-Type": "text/plain"}, "bad_input"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "bad_input"),
        ({"Content-Type": ""}, "bad_input"),
    ],
)
def test_a_token_is_given_to_the_console_only(
    fresh: tuple[Provider, TestClient], headers: dict[str, str], code: str
) -> None:
    _, client = fresh
    here = tab(client)
    there_and_back(here)
    assert refused(here.ask(**headers)) == code
    assert client.get("/sign-in/token", params={"tab": here.secret}).status_code == 405
    assert here.ask(Origin=HERE).status_code == 200


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"tab": 1}', b'{"tab": null}', b"\xff", b"[" * 60_000, b'{"tab": "\\ud800"}'],
)
def test_what_names_no_tab_is_refused(fresh: tuple[Provider, TestClient], content: bytes) -> None:
    _, client = fresh
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = client.post("/sign-in/token", content=content, headers=headers)
    assert answer.status_code == 400
    assert refused(answer) in ("bad_input", TOO_LATE)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_no_other_page_begins_a_sign_in(fresh: tuple[Provider, TestClient], site: str) -> None:
    _, client = fresh
    assert refused(tab(client).begin(**{"Sec-Fetch-Site": site})) == TOO_LATE
    assert not client.cookies
    assert tab(client).begin(**{"Sec-Fetch-Site": "same-origin"}).status_code == 303


@pytest.mark.parametrize(
    "asked", ["", "tab=", "tab=short", f"tab={'a' * 43}&tab={'a' * 43}", f"tab={'é' * 43}"]
)
def test_without_a_tab_nothing_begins(fresh: tuple[Provider, TestClient], asked: str) -> None:
    _, client = fresh
    assert refused(client.get(f"/sign-in?{asked}")) == TOO_LATE
    assert not client.cookies


@pytest.mark.parametrize(
    "host",
    [
        "graph.example",
        "10.0.0.1",
        "127.0.0.1:8000/evil",
        "127.0.0.1@evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1:8000:80",
        "127.0.0.1:99999",
        "",
    ],
)
def test_codes_are_sent_by_http_to_loopback_only(provider: Provider, tmp_path: Path, host: str) -> None:
    with served(settings_of(provider, tmp_path, allowed_hosts="*")) as client:
        headers = {"Host": host}
        assert client.get("/sign-in/ways", headers=headers).json() == {"redirect": None}
        for path in ("/sign-in", "/sign-in/callback"):
            assert refused(client.get(path, headers=headers)) == "sign_in_not_offered"
        assert refused(client.post("/sign-in/token", json={}, headers=headers)) == "sign_in_not_offered"
        named = client.get("/sign-in/ways", headers={"Host": "localhost:8000"}).json()
        assert named["redirect"]["at"] == "http://localhost:8000"


def test_the_public_address_is_where_people_come_back_to(provider: Provider, tmp_path: Path) -> None:
    settings = settings_of(provider, tmp_path, public_url="https://Graph.example:443/")
    with served(settings) as client:  # a proxy that asks by loopback
        there = dict(parse_qsl(urlsplit(tab(client).there()).query))
        assert there["redirect_uri"] == "https://graph.example/sign-in/callback"
        ways = client.get("/sign-in/ways").json()
        assert ways == {"redirect": {"name": "Example ID", "at": "https://graph.example"}}
        assert refused(tab(client).ask(Origin=HERE)) == "wrong_origin"
        assert refused(tab(client).ask(Origin="https://graph.example")) == TOO_LATE


def test_without_a_client_id_nothing_is_offered(provider: Provider, tmp_path: Path) -> None:
    for more in ({"oidc_client_id": None}, {"oidc_client_id": None, "oidc_issuer": None}):
        with served(settings_of(provider, tmp_path, **more)) as client:
            assert client.get("/sign-in/ways").json() == {"redirect": None}
            assert refused(tab(client).begin()) == "sign_in_not_offered"


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": None},
        {"oidc_client_id": ""},
        {"oidc_client_id": "a b"},
        {"oidc_client_secret": SecretStr("")},
        {"oidc_scopes": "profile"},
        {"oidc_scopes": ""},
        {"oidc_scopes": "openid é"},
        {"oidc_name": " "},
        {"oidc_name": "a\nb"},
        {"oidc_name": "a" * 61},
        {"public_url": ""},
        {"public_url": "graph.example"},
        {"public_url": "http://graph.example"},
        {"public_url": "https://graph.example/console"},
        {"public_url": "https://graph.example/?a"},
        {"public_url": "https://graph.example/#a"},
        {"public_url": "https://me@graph.example"},
        {"public_url": "https://graph.example:port"},
        {"public_url": "https://gr aph.example"},
        {"public_url": "javascript:alert(1)"},
    ],
)
def test_settings_that_do_not_fit_are_refused_at_the_start(
    provider: Provider, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match=r"GRAPHSVC_(OIDC|PUBLIC)"):
        create_app(settings_of(provider, tmp_path, **wrong), ADDRESS)


def test_another_process_of_the_installation_goes_on_with_a_sign_in(
    provider: Provider, tmp_path: Path
) -> None:
    settings = settings_of(provider, tmp_path)
    with served(settings) as one, served(settings) as two:
        here = tab(one)
        back = decided(here.there())
        two.cookies.update(one.cookies)
        assert two.get(back).headers["Location"] == "/#/signed-in"
        assert Tab(two, here.secret).ask().status_code == 200
    assert (tmp_path / "keys" / "sign-in.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("more", [{"oidc_client_id": "another"}, {"oidc_issuer": "https://another.example"}])
def test_a_cookie_is_good_for_one_client_of_one_provider(
    provider: Provider, tmp_path: Path, more: dict[str, str]
) -> None:
    settings = settings_of(provider, tmp_path)
    with served(settings) as one, served(settings.model_copy(update=more)) as two:
        back = decided(tab(one).there())
        two.cookies.update(one.cookies)
        assert refused(two.get(back)) == TOO_LATE


def test_too_many_sign_ins_of_an_address_are_refused(provider: Provider, tmp_path: Path) -> None:
    with served(settings_of(provider, tmp_path, client_rate_limit="3/minute")) as client:
        answers = [tab(client).begin().status_code for _ in range(4)]
    assert answers == [303, 303, 303, 429]


def test_nothing_of_a_sign_in_is_in_logs_traces_or_metrics(
    provider: Provider, client: TestClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = InMemorySpanExporter()
    get_services(client.app).traces = OpenTelemetry(exporter, at_once=True)
    caplog.set_level(logging.DEBUG)
    here, other = tab(client), tab(client)
    back = decided(here.there())
    cookies = list(dict(client.cookies).values())
    client.get(back)
    cookies += list(dict(client.cookies).values())
    token = here.ask().json()["token"]
    client.get(back)
    for wrong in ("invalid_scope", "canary-error"):
        client.get(changed_answer(decided(other.there()), error=wrong, error_description="canary"))
    client.get("/sign-in/callback?canary=canary&state=" + "canary" * 99)
    client.get("/sign-in?tab=canary")
    client.post("/sign-in/token", json={"tab": "canary"})
    asked, (form,) = dict(parse_qsl(urlsplit(back).query)), provider.forms
    secret = [
        here.secret,
        here.challenge,
        asked["code"],
        asked["state"],
        form["code_verifier"],
        token,
        *cookies,
    ]
    key = keys.create_key(tmp_path / "keys", keys.Role.VIEWER)
    metrics = client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).text
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    lines = json.dumps([vars(record) for record in ours], default=str)
    spans = " ".join(span.to_json() for span in exporter.get_finished_spans())
    told = {(vars(each)["path"], *vars(each).get("codes", [])) for each in ours if "path" in vars(each)}
    assert ("/sign-in/callback", TOO_LATE) in told
    assert ("/sign-in/callback", "sign_in_provider_refused") in told
    assert ("/sign-in/token", TOO_LATE) in told
    assert "GET /sign-in/callback" in spans
    assert 'code="sign_in_too_late"' in metrics
    assert "invalid_scope" in lines
    assert "u-ada" in lines  # who, as for every request
    for text in (lines, spans, metrics):
        assert [each for each in (*secret, "canary", "code=") if each in text.replace('code="', "")] == []


def test_the_page_has_words_for_every_refusal() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert {code for code in CODES if f"{code}:" not in page} == set()


mutations = st.tuples(
    st.sampled_from(["going", "state", "code", "iss", "back", "tab", "name"]),
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 10_000), st.integers(1, 63)),
        st.tuples(st.just("cut"), st.integers(1, 10_000), st.just(0)),
        st.tuples(st.just("add"), st.integers(0, 10_000), st.integers(0, 63)),
        st.tuples(st.just("of another"), st.just(0), st.just(0)),
    ),
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def mutated(text: str, how: tuple[str, int, int], another: str) -> str:
    kind, place, letter = how
    place %= len(text)
    if kind == "flip":
        old = LETTERS.find(text[place])
        return text[:place] + LETTERS[(old + letter) % 64] + text[place + 1 :]
    if kind == "cut":
        return text[:place]
    return text[:place] + LETTERS[letter] + text[place:] if kind == "add" else another


@given(mutations)
def test_no_change_of_anything_signs_anybody_in(
    app: tuple[Provider, TestClient], mutation: tuple[str, tuple[str, int, int]]
) -> None:
    """Each part of a sign-in changed a little, or put in place of another's."""
    provider, client = app
    what, how = mutation
    provider.behave()
    parts, others = [], []
    for kept in (others, parts):
        client.cookies.clear()
        here = tab(client)
        back = decided(here.there())
        ((going, value),) = client.cookies.items()
        asked = dict(parse_qsl(urlsplit(back).query))
        kept += [here, asked, going, value]

    def changed(name: str, text: str, another: str) -> str:
        return mutated(text, how, another) if what == name else text

    (here, asked, going, value), (another, theirs, going_theirs, value_theirs) = parts, others
    client.cookies.clear()
    client.cookies.set(
        changed("name", going, going_theirs), changed("going", value, value_theirs), path="/sign-in"
    )
    if what in ("state", "code", "iss"):
        asked = {**asked, what: changed(what, asked[what], theirs[what] if what != "iss" else "x")}
    coming = client.get("/sign-in/callback", params=asked)
    assert coming.headers["Location"] in {"/#/signed-in", *(f"/#/sign-in?refused={code}" for code in CODES)}
    cookies = dict(client.cookies)
    if what == "back":
        name = "graphsvc-back-" + here.challenge[:12]
        client.cookies.clear()
        client.cookies.set(name, mutated(cookies[name], how, value_theirs), path="/sign-in")
    answer = Tab(client, changed("tab", here.secret, another.secret)).ask()
    assert answer.status_code != 200
    assert refused(answer) in CODES


@given(
    st.sampled_from(["/sign-in", "/sign-in/callback"]),
    st.lists(
        st.tuples(
            st.sampled_from(["state", "code", "iss", "error", "tab", "to", "redirect_uri", "refused"])
            | st.text(),
            st.text() | st.sampled_from(["//evil.example", "a\r\nSet-Cookie: a=b", "s" * 43, "x" * 9_000]),
        ),
        max_size=5,
    ),
)
def test_an_answer_leads_nowhere_but_to_the_page_or_the_provider(
    app: tuple[Provider, TestClient], path: str, asked: list[tuple[str, str]]
) -> None:
    provider, client = app
    client.cookies.clear()
    answer = client.get(f"{path}?{urlencode(asked, errors='replace')}")
    assert answer.status_code == 303
    there = answer.headers["Location"]
    ours = {f"/#/sign-in?refused={code}" for code in CODES}
    assert there in ours or there.startswith(f"{provider.issuer}/authorize?response_type=code&")
    assert "evil" not in str(answer.headers)
    assert {cookie.key[:15] for cookie in set_cookies(answer)} <= {"graphsvc-going-"}


def test_a_cookie_opens_for_its_own_way_state_and_tab_only() -> None:
    cookies, now = FlowCookies(bytes(32), "holder", secure=False), time.time()
    state, sought = "s" * 43, "t" * 43
    flow = code_flow.Flow(state, "n" * 43, "v" * 43, sought, f"{HERE}/sign-in/callback", True, now)
    going, coming = Response(), Response()
    cookies.store_outgoing(going, {}, flow)
    cookies.store_returning(coming, flow, "code", now)
    sealed = {
        morsel.key: morsel.value for each in (going, coming) for morsel in set_cookies(each) if morsel.value
    }
    there, back = sorted(sealed, reverse=True)
    assert cookies.find_outgoing(sealed, state, now) == flow
    assert cookies.find_returning(sealed, sought, now) == (flow, "code")
    exchanged = {there: sealed[back], back: sealed[there]}
    assert cookies.find_outgoing(exchanged, state, now) is None
    assert cookies.find_returning(exchanged, sought, now) is None
    assert cookies.find_outgoing(sealed, state[:-1] + "x", now) is None
    assert cookies.find_returning(sealed, sought[:-1] + "x", now) is None
    with pytest.raises(code_flow.TooLate):
        code_flow.read_code({"state": ["x"], "code": ["c"], "iss": ["issuer"]}, flow, ["issuer"])
    for later in (code_flow.FLOW_SECONDS + 1, -oidc.LEEWAY - 1):
        assert cookies.find_outgoing(sealed, state, now + later) is None
        assert cookies.find_returning(sealed, sought, now + later) is None


def test_a_cookie_has_one_spelling() -> None:
    """Base64 has spare bits at its end."""
    cookies, now, sought = FlowCookies(bytes(32), "holder", secure=False), time.time(), "t" * 43
    flow = code_flow.Flow("s" * 43, "n" * 43, "v" * 43, sought, f"{HERE}/sign-in/callback", True, now)
    for code in ("c", "cc", "ccc"):
        response = Response()
        cookies.store_returning(response, flow, code, now)
        ((name, value),) = ((each.key, each.value) for each in set_cookies(response) if each.value)
        spelt = [
            letter for letter in LETTERS if cookies.find_returning({name: value[:-1] + letter}, sought, now)
        ]
        assert spelt == [value[-1]]


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_a_cookie_that_was_not_sealed_here_opens_to_nothing(text: str) -> None:
    cookies = FlowCookies(bytes(32), "holder", secure=False)
    state = "s" * 43
    name = state[:12]
    assert (
        cookies.find_outgoing({f"graphsvc-going-{name}": text, "graphsvc-going-": text}, state, time.time())
        is None
    )
    assert cookies.find_outgoing({"graphsvc-going-": text}, "", time.time()) is None
    assert (
        cookies.find_returning({f"graphsvc-back-{name}": text, "graphsvc-back-": text}, state, time.time())
        is None
    )
    assert cookies.find_returning({"graphsvc-back-": text}, "", time.time()) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_comparison_is_equality(one: str, other: str) -> None:
    assert code_flow.is_same(one, other) == (one == other)
    assert code_flow.is_same(one, one)
