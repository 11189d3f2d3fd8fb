"""Send messages to services of chat and e-mail: each by a process of its own, which is ended if it takes too long."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from graphsvc.delivery.post import TIMEOUT_SECONDS, Outcome, read_pause
from graphsvc.errors import WebhookError
from graphsvc.events.messages import write_message
from graphsvc.events.services import find_service
from graphsvc.model.events import Event

_PASSED = (
    "LANG",
    "LC_ALL",
    "PYTHONPATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMROOT",
    "TZ",
)
"""Variables that the process has: where modules and certificates are. No proxies, no home, and none of ours."""


class Notifier:
    """Sends messages through `apprise`, in processes that check each connection."""

    def __init__(
        self, allowed: frozenset[str], public_url: str | None = None, seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Initialize.

        Args:
            allowed: hosts whose addresses need not be public, and that may be reached without TLS.
            public_url: address of the console, for links; None: messages have none.
            seconds: that a message may take, with the start of its process.
        """
        self._allowed, self._public_url, self._seconds = allowed, public_url, seconds

    def check_url(self, url: str) -> str:
        """Return the scheme and the host of an address, which may be shown. Nothing is sent.

        Raises:
            WebhookError: messages cannot be sent there, or the package is not installed.
        """
        check_package()
        find_service(url)
        try:
            answer = self._run({"url": url})
        except subprocess.TimeoutExpired:
            raise WebhookError("The address could not be checked in time.", "Try again.") from None
        if "refused" in answer:
            raise WebhookError(*answer["refused"])
        if "place" not in answer:
            raise WebhookError(
                "The address could not be checked.", "Compare it with apprise's documentation."
            )
        return str(answer["place"])

    def send(self, url: str, event: Event) -> Outcome:
        """Send the message of an event, and return what came of it. Never raises for what a service does."""
        message = write_message(event, self._public_url)
        if not _has_package():
            return Outcome(0, "graphsvc[notify] is not installed")
        try:
            answer = self._run({"url": url, "title": message.title, "text": message.text})
        except subprocess.TimeoutExpired:
            return Outcome(0, "timed out")
        if not answer:
            return Outcome(0, "its process failed")
        if answer.get("delivered"):
            return Outcome(200, "sent")
        status = int(answer.get("status", 0))
        if status >= 300:
            return Outcome(status, str(status), read_pause(str(answer.get("pause") or "")))
        is_refused = answer.get("unreachable") or "refused" in answer
        return Outcome(0, "refused address" if is_refused else "not taken")

    def _run(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Run a job in a process of its own, and return its answer; {}: it ended without one.

        Raises:
            TimeoutExpired: it took too long, and was killed.
        """
        text = json.dumps({**job, "allowed": sorted(self._allowed), "seconds": self._seconds + 1})
        # Neither bytecode nor anything from the current directory; the address is in no argument and no variable.
        command = [sys.executable, "-B", "-P", "-m", "graphsvc.delivery.notify_process"]
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # `requests` would add passwords of a netrc file to what is sent.
            env={name: os.environ[name] for name in _PASSED if name in os.environ} | {"NETRC": os.devnull},
            timeout=self._seconds,
            check=False,
        )
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            # A process that failed or was killed leaves no answer, or a part of one.
            return {}
        return answer if isinstance(answer, dict) else {}


def _has_package() -> bool:
    return importlib.util.find_spec("apprise") is not None


def check_package() -> None:
    """Check that messages can be sent.

    Raises:
        WebhookError: the package is not installed.
    """
    if not _has_package():
        raise WebhookError(
            "Sending to chat or by e-mail needs a package that is not installed.",
            "Run: pip install 'graphsvc[notify]'",
        )
