"""Sign-ins in progress, kept in sealed cookies of the person's browser, so that the service stores nothing.

There is one cookie a flow, so that tabs do not disturb each other. It is named by the flow's state on the way
to the provider, and by its tab on the way back to the page.
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

from graphsvc.api.auth.code_flow import CODE_SECONDS, FLOW_SECONDS, Flow, is_random, is_same

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
        """Initialize.

        Args:
            key: 32 secret bytes.
            holder: what a cookie is good for; with another nothing opens.
            secure: whether cookies are sent by https only.
            path: below which they are sent, as the browser sees it.
        """
        self._path = path
        self._cipher = AESGCM(key)
        self._holder = holder
        self._secure = secure

    def store_outgoing(self, response: Response, cookies: Mapping[str, str], flow: Flow) -> None:
        """Set the cookie of a flow while its person is at the provider."""
        others = [name for name in cookies if name.startswith(_GOING)]
        began = {name: self._open_flow(_GOING, cookies[name])[0].began for name in others}
        # Drop the oldest, so that a browser's cookies cannot outgrow the limit of a request's head.
        for name in sorted(others, key=began.__getitem__)[: max(0, len(others) - FLOWS_AT_ONCE + 1)]:
            self._delete_cookie(response, name)
        # Lax, because the provider's redirect back is a navigation from another site.
        self._set_cookie(
            response, _GOING, flow.state, self._seal_flow(_GOING, flow, ""), FLOW_SECONDS, strict=False
        )

    def find_outgoing(self, cookies: Mapping[str, str], state: str, now: float) -> Flow | None:
        """Return the flow of this state, if this browser began it recently enough."""
        flow, _ = self._open_flow(_GOING, cookies.get(_build_name(_GOING, state), ""))
        return (
            flow
            if is_random(state) and is_same(state, flow.state) and flow.is_within(FLOW_SECONDS, now)
            else None
        )

    def store_returning(self, response: Response, flow: Flow, code: str, now: float) -> None:
        """Set the cookie with a flow's code until its tab redeems it."""
        self._delete_cookie(response, _build_name(_GOING, flow.state))
        sealed = self._seal_flow(_BACK, replace(flow, began=now), code)
        self._set_cookie(response, _BACK, flow.tab, sealed, CODE_SECONDS, strict=True)

    def find_returning(self, cookies: Mapping[str, str], tab: str, now: float) -> tuple[Flow, str] | None:
        """Return the flow of this tab and its code."""
        flow, code = self._open_flow(_BACK, cookies.get(_build_name(_BACK, tab), ""))
        fits = is_random(tab) and is_same(tab, flow.tab) and flow.is_within(CODE_SECONDS, now)
        return (flow, code) if fits else None

    def delete_flow(self, response: Response, *, state: str = "", tab: str = "") -> None:
        """Delete the cookie of a flow."""
        self._delete_cookie(response, _build_name(_GOING, state) if state else _build_name(_BACK, tab))

    def _seal_flow(self, way: str, flow: Flow, code: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = json.dumps({"flow": asdict(flow), "code": code}, separators=(",", ":")).encode()
        sealed = nonce + self._cipher.encrypt(nonce, plain, self._build_context(way))
        return _encode_text(sealed)

    def _open_flow(self, way: str, text: str) -> tuple[Flow, str]:
        """Return the flow and code that were sealed for this direction; for anything else a flow that never began."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            if _encode_text(sealed) != text:  # base64 has spare bits; a cookie has one spelling
                return _NEVER, ""
            plain = self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._build_context(way)
            )
            said = json.loads(plain)
            return Flow(**said["flow"]), str(said["code"])
        except (InvalidTag, binascii.Error, ValueError, KeyError, TypeError):
            return _NEVER, ""

    def _build_context(self, way: str) -> bytes:
        return f"{way}\n{self._holder}".encode()

    def _set_cookie(
        self, response: Response, way: str, of: str, value: str, seconds: int, strict: bool
    ) -> None:
        response.set_cookie(
            _build_name(way, of),
            value,
            max_age=seconds,
            path=self._path,
            secure=self._secure,
            httponly=True,
            samesite="strict" if strict else "lax",
        )

    def _delete_cookie(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path=self._path, secure=self._secure, httponly=True, samesite="lax")


def _encode_text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _build_name(way: str, of: str) -> str:
    """Return the name of a cookie. A text that is no state and no tab gets the bare prefix."""
    return way + of[:_NAMED_BY] if is_random(of) else way
