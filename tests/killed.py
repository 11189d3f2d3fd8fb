"""A sender of webhooks, or a run that publishes, which kills itself (SIGKILL) at a step: `python killed.py < settings`.

Steps are the sessions with the database, and each request before it is made and after it was answered.
"""

import json
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from graphsvc.delivery import sender
from graphsvc.delivery.post import Poster
from graphsvc.events.secrets import Sealer
from graphsvc.store import Address, Store


class Steps:
    """Counts steps of all threads, and kills the process at one of them."""

    def __init__(self, last: int) -> None:
        self._left = last
        self._lock = threading.Lock()

    def step(self) -> None:
        with self._lock:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Do what standard input says, up to its step."""
    asked = json.load(sys.stdin)
    steps = Steps(asked["step"])
    opened, posted = Store._open_session, Poster.post

    def open_session(self: Store, *given: Any) -> Any:
        steps.step()
        return opened(self, *given)

    def post(self: Poster, *given: Any) -> Any:
        steps.step()
        answer = posted(self, *given)
        steps.step()
        return answer

    with Store(Address(asked["uri"], asked["user"], SecretStr(asked["password"]))) as store:
        Store._open_session = open_session  # type: ignore[method-assign]
        Poster.post = post  # type: ignore[method-assign]
        if asked["what"] == "send":
            sender.LEASE_SECONDS = 0  # who comes after it need not wait
            poster = Poster(frozenset(["127.0.0.1"]))
            sender.Sender(store, Sealer(asked["key"].encode()), poster, "urn:test").send_once()
        else:
            from published import Days

            days = Days(store)
            days.number = asked["number"]
            days.day(*asked["rings"])
    print(datetime.now(UTC))


if __name__ == "__main__":
    main()
