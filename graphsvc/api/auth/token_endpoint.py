"""Requests to the identity provider's token endpoint.

They run off the event loop, few at a time, limited in time and bytes, and follow no redirects.
"""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from graphsvc.api.auth import oidc
from graphsvc.api.auth.code_flow import build_away_error

log = logging.getLogger("graphsvc.api")

MAX_ANSWER_BYTES = 256 * 1024
AT_ONCE = 4
"""So that a provider that hangs leaves threads to others."""


class TokenEndpoint:
    """Sends forms and returns the answers."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def send_form(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Return status and JSON object of the answer; an empty object for any other content.

        Raises:
            ProviderAway: there is no answer in time.
        """
        try:
            async with asyncio.timeout(2 * oidc.TIMEOUT), self._turns:
                # Two limits in time: the thread's own, since it cannot be cancelled, and this one for the
                # wait.
                status, content = await asyncio.to_thread(_send_request, url, body, headers)
        except (OSError, HTTPException, ValueError) as error:
            log.error("the token endpoint of the identity provider cannot be asked: %s", type(error).__name__)
            raise build_away_error() from None
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        return status, answer if isinstance(answer, dict) else {}


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: a code must not go to another address."""

    def redirect_request(self, *_: object) -> None:
        """Treat the redirect as the answer."""


def _send_request(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    request = Request(url, body, dict(headers), method="POST")  # noqa: S310 - `safe` has looked at it
    until = time.monotonic() + oidc.TIMEOUT
    try:
        with build_opener(_NoRedirects).open(request, timeout=oidc.TIMEOUT) as answer:
            return answer.status, _read_body(answer, until)
    except HTTPError as error:
        with error:
            # Errors have a body, too: the code of RFC 6749, section 5.2.
            return error.code, _read_body(error, until)


def _read_body(answer: IO[bytes], until: float) -> bytes:
    """Return the body, if it arrives before `until` and is not too long."""
    content = b""
    # `read1` returns what has arrived, so that a slow sender meets the deadline.
    while chunk := answer.read1(8192):  # type: ignore[attr-defined]
        content += chunk
        if len(content) > MAX_ANSWER_BYTES or time.monotonic() > until:
            raise TimeoutError
    return content
