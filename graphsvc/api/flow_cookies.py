"""Where a sign-in is kept on its way: sealed cookies in the person's own browser, so the service remembers nobody.

A cookie a flow, so that tabs do not disturb each other: by its state on the way to the provider, by its tab on the way
back to the page.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.responses import Response

from graphsvc.api.code_flow import CODE_SECONDS, FLOW_SECONDS, Flow, is_random, same

PATH = "/sign-in"
FLOWS_AT_ONCE = 4
"""Cookies of flows that one browser keeps; who begins another forgets the oldest."""

_GOING, _BACK = "graphsvc-going-", "graphsvc-back-"
_NONCE_BYTES = 12
_NAMED_BY = 12
"""Characters of a state or a tab in the name of a cookie; the whole is compared."""
_NEVER = Flow("", "", "", "", "", False, float("-inf"))
"""In place of a flow that does not open."""


class FlowCookies:
    """Seals flows into cookies and opens them again."""

    def __init__(self, key: bytes, holder: str, secure: bool, path: str = PATH) -> None:
        """Args:
        key: 32 secret bytes.
        holder: what a cookie is good for; with another nothing opens.
        secure: whether cookies are sent by https only.
        path: below which they are sent, as the browser sees it.
        """
        self._path = path
        self._cipher = AESGCM(key)
        self._holder = holder
        self._secure = secure

    def go(self, response: Response, cookies: Mapping[str, str], flow: Flow) -> None:
        """Keeps a flow while its person is at the provider."""
        others = [name for name in cookies if name.startswith(_GOING)]
        began = {name: self._open(_GOING, cookies[name])[0].began for name in others}
        for name in sorted(others, key=began.__getitem__)[: max(0, len(others) - FLOWS_AT_ONCE + 1)]:
            self._forget(response, name)
        # Lax: the way back begins at another site.
        self._set(response, _GOING, flow.state, self._seal(_GOING, flow, ""), FLOW_SECONDS, strict=False)

    def gone(self, cookies: Mapping[str, str], state: str, now: float) -> Flow | None:
        """The flow of this state, if this browser began it and not too long ago."""
        flow, _ = self._open(_GOING, cookies.get(_named(_GOING, state), ""))
        return (
            flow if is_random(state) and same(state, flow.state) and flow.lasts(FLOW_SECONDS, now) else None
        )

    def come_back(self, response: Response, flow: Flow, code: str, now: float) -> None:
        """Keeps the code of a flow until its tab asks for what it is worth."""
        self._forget(response, _named(_GOING, flow.state))
        sealed = self._seal(_BACK, replace(flow, began=now), code)
        self._set(response, _BACK, flow.tab, sealed, CODE_SECONDS, strict=True)

    def back(self, cookies: Mapping[str, str], tab: str, now: float) -> tuple[Flow, str] | None:
        """The flow of this tab and its code."""
        flow, code = self._open(_BACK, cookies.get(_named(_BACK, tab), ""))
        fits = is_random(tab) and same(tab, flow.tab) and flow.lasts(CODE_SECONDS, now)
        return (flow, code) if fits else None

    def forget(self, response: Response, *, state: str = "", tab: str = "") -> None:
        """Takes the cookie of a flow back."""
        self._forget(response, _named(_GOING, state) if state else _named(_BACK, tab))

    def _seal(self, way: str, flow: Flow, code: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps({"flow": asdict(flow), "code": code}, separators=(",", ":")).encode()
        sealed = nonce + self._cipher.encrypt(nonce, plain, self._bound(way))
        return _text(sealed)

    def _open(self, way: str, text: str) -> tuple[Flow, str]:
        """What was sealed for this way; of anything else a flow that was never begun."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            if _text(sealed) != text:  # base64 has spare bits; a cookie has one spelling
                return _NEVER, ""
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound(way))
            said = json.loads(plain)
            return Flow(**said["flow"]), str(said["code"])
        except (InvalidTag, binascii.Error, ValueError, KeyError, TypeError):
            return _NEVER, ""

    def _bound(self, way: str) -> bytes:
        return f"{way}\n{self._holder}".encode()

    def _set(self, response: Response, way: str, of: str, value: str, seconds: int, strict: bool) -> None:
        response.set_cookie(
            _named(way, of),
            value,
            max_age=seconds,
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="strict" if strict else "lax",
        )

    def _forget(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path=self._path, secure=self._secure, httponly=True, samesite="lax")


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _named(way: str, of: str) -> str:
    """The name of a cookie; what is no state and no tab has none of its own."""
    return way + of[:_NAMED_BY] if is_random(of) else way
