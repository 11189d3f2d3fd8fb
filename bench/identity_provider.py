"""An identity provider on loopback, for tests: discovery, keys, a page to say who one is, codes for tokens.

It holds clients to what they must do (RFC 6749, RFC 7636, OpenID Connect Core 1.0) and can be told to misbehave itself.
"""

import base64
import hashlib
import html
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())

CALLBACK = re.compile(r"(http://(127\.0\.0\.1|localhost)(:\d+)?|https://graph\.example)/sign-in/callback")
"""Addresses that are registered."""
CODE_SECONDS = 60

Answer = tuple[int, dict[str, str], bytes]

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Provider</title>
<link rel="icon" href="data:,"></head><body><h1>Who are you?</h1>
<form action="/decide">{fields}
<label>Name <input name="who" value="ada"></label>
<label>Seconds that tokens last <input name="lasts" value="600"></label>
<button name="decision" value="allow">Continue</button> <button name="decision" value="deny">Cancel</button>
</form></body></html>"""


class Wrong(Exception):
    """What a client did wrong, by the error of RFC 6749."""


class Provider:
    """Counts what it is asked, and can be away.

    Attributes:
        clients: their secrets; None: a public client.
        says_who: whether `iss` is in its responses (RFC 9207).
        opaque: whether access tokens are opaque.
        identity, access: claims of ID tokens and access tokens; None leaves one out.
        signed: how ID tokens are signed: key, algorithm, `kid`.
        answer: what the token endpoint answers in place of tokens.
        forms: what the token endpoint was sent.
        paths: what was asked for at all.
    """

    def __init__(self, name: str = "127.0.0.1") -> None:
        self.asked = self.discovered = 0
        self.keys = [
            jwk(jwt.algorithms.RSAAlgorithm, RSA, "r1"),
            jwk(jwt.algorithms.ECAlgorithm, CURVE, "e1"),
        ]
        self.clients: dict[str, str | None] = {"console": None}
        self._grants: dict[str, dict[str, str]] = {}
        self.behave()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://{name}:{self.server.server_address[1]}"
        self.discovery: dict[str, Any] = {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "authorization_response_iss_parameter_supported": True,
        }
        threading.Thread(
            target=self.server.serve_forever, args=(0.02,), daemon=True
        ).start()  # seconds until it ends

    def behave(self) -> None:
        """Does again what a provider does, and forgets what it was sent."""
        self.away, self.slow = False, 0.0
        self.says_who, self.opaque = True, False
        self.identity: dict[str, Any] = {}
        self.access: dict[str, Any] = {}
        self.signed: tuple[Any, str, str | None] = (RSA, "RS256", "r1")
        self.answer: Callable[[dict[str, Any]], Answer] | None = None
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []

    def close(self) -> None:
        """Stops answering."""
        self.server.shutdown()
        self.server.server_close()

    def token(self, key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r1", **claims: Any) -> str:
        """A token; a claim of None is left out."""
        now = int(time.time())
        content = {
            "iss": self.issuer, "aud": "graphsvc", "sub": "u-17", "iat": now, "exp": now + 60, "roles": ["triage"],
            **claims,
        }  # fmt: skip
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, key, algorithm, headers={"kid": kid} if kid else None)

    def page(self, asked: Mapping[str, str]) -> str:
        """The page that asks who somebody is.

        Raises:
            Wrong: the client asked for it wrongly.
        """
        self._check(asked)
        fields = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in asked.items()
        )
        return PAGE.format(fields=fields)

    def decide(self, asked: Mapping[str, str]) -> str:
        """Where the browser goes from that page: back to the client, with a code or without.

        Raises:
            Wrong: the client asked wrongly.
        """
        self._check(asked)
        said = {"state": asked["state"], **({"iss": self.issuer} if self.says_who else {})}
        if asked.get("decision") == "deny":
            said |= {"error": "access_denied", "error_description": "<b>the provider's own words</b>"}
        else:
            code = secrets.token_urlsafe(24)
            self._grants[code] = {**asked, "at": str(time.time())}
            said["code"] = code
        return f"{asked['redirect_uri']}?{urlencode(said)}"

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """Tokens for a code.

        Raises:
            Wrong: the client may not have them.
        """
        self.forms.append(form)
        client = self._client(form, authorization)
        grant = self._grants.pop(form.get("code", ""), None)  # once, whatever comes of it
        verifier = form.get("code_verifier", "")
        if form.get("grant_type") != "authorization_code":
            raise Wrong("unsupported_grant_type")
        if (
            grant is None
            or time.time() - float(grant["at"]) > CODE_SECONDS
            or grant["client_id"] != client
            or grant["redirect_uri"] != form.get("redirect_uri")
            or not re.fullmatch(r"[\w.~-]{43,128}", verifier, re.ASCII)
            or grant["code_challenge"] != _text(hashlib.sha256(verifier.encode()).digest())
        ):
            raise Wrong("invalid_grant")
        who, until = grant.get("who", "ada"), int(time.time()) + int(grant.get("lasts", 600))
        common = {"sub": f"u-{who}", "preferred_username": who, "exp": until}
        access = secrets.token_urlsafe(24) if self.opaque else self.token(**{**common, **self.access})
        half = hashlib.sha256(access.encode()).digest()[:16]
        own = {"aud": client, "nonce": grant["nonce"], "roles": None, "at_hash": _text(half)}
        identity = self.token(*self.signed, **{**common, **own, **self.identity})
        return {"access_token": access, "id_token": identity, "token_type": "Bearer", "expires_in": 600}

    def _check(self, asked: Mapping[str, str]) -> None:
        fits = (
            asked.get("response_type") == "code"
            and asked.get("client_id") in self.clients
            and CALLBACK.fullmatch(asked.get("redirect_uri", ""))
            and "openid" in asked.get("scope", "").split()
            and asked.get("code_challenge_method") == "S256"
            and len(asked.get("code_challenge", "")) == 43
            and len(asked.get("state", "")) >= 22
            and len(asked.get("nonce", "")) >= 22
        )
        if not fits:
            raise Wrong("invalid_request")

    def _client(self, form: Mapping[str, str], authorization: str) -> str:
        if authorization:
            if "client_id" in form:  # one way of authentication a request
                raise Wrong("invalid_request")
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
            name, secret = (unquote_plus(part) for part in pair)
        else:
            name, secret = form.get("client_id", ""), None
        if name not in self.clients or self.clients[name] != secret:
            raise Wrong("invalid_client")
        return name


def jwk(family: Any, key: Any, kid: str) -> dict[str, Any]:
    """The public part of a key as the provider publishes it."""
    return {**family.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, asked = urlsplit(self.path).path, _single(urlsplit(self.path).query)
            provider.paths.append(path)
            provider.asked += path == "/keys"
            provider.discovered += path.startswith("/.well-known/")
            time.sleep(provider.slow)
            status = 503 if provider.away else 200
            try:
                if path == "/authorize":
                    page = provider.page(asked).encode()
                    self._send(status, {"Content-Type": "text/html; charset=utf-8"}, page)
                elif path == "/decide":
                    self._send(303, {"Location": provider.decide(asked)}, b"")
                elif path in ("/.well-known/openid-configuration", "/keys"):
                    body = provider.discovery if path != "/keys" else {"keys": provider.keys}
                    self._send(status, {}, json.dumps(body).encode())
                else:
                    self._send(404, {}, b"")
            except Wrong as error:
                self._send(400, {}, str(error).encode())

        def do_POST(self) -> None:
            provider.paths.append(self.path)
            length = int(self.headers.get("Content-Length", 0))
            form = _single(self.rfile.read(length).decode())
            time.sleep(provider.slow)
            try:
                said = provider.exchange(form, self.headers.get("Authorization", ""))
                status, body = (503, {}) if provider.away else (200, said)
                answer = provider.answer(said) if provider.answer else (status, {}, json.dumps(body).encode())
            except Wrong as error:
                words = {"error": str(error), "error_description": "<b>the provider's own words</b>"}
                answer = (401 if str(error) == "invalid_client" else 400, {}, json.dumps(words).encode())
            self._send(*answer)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _single(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
