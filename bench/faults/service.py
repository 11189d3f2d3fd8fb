"""Start the service, ask it, and judge its answers."""

import http.client
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import graphsvc.api.app  # noqa: F401  # so that all errors of the family are known
from bench.faults.check import Change, Ledger
from bench.faults.commands import Commands, Running
from graphsvc.errors import GraphsvcError

CERTAIN = frozenset(("conflict", "busy", "rate_limited", "too_many_at_once", "not_found", "bad_input", "forbidden",
                     "access_denied", "settings", "request_timeout"))  # fmt: skip
"""Codes of a change after which nothing has changed for certain; after others it may have been made."""
READ = "query Read($id: String!) { account(id: $id) { version } }"
NOTE = """mutation Note($id: ID!, $note: String!, $version: Int!) {
  noteAccount(id: $id, note: $note, expectedVersion: $version) { version } }"""
STATS = "{ stats { accounts } }"
PLENTY = {"GRAPHSVC_RATE_LIMIT": "1000000000/minute", "GRAPHSVC_CLIENT_RATE_LIMIT": "1000000000/minute"}


def list_codes() -> frozenset[str]:
    """Return the codes of the family of errors without `internal`."""
    family: list[type[GraphsvcError]] = [GraphsvcError]
    for each in family:
        family += each.__subclasses__()
    return frozenset(each.code for each in family) - {"internal"} | {"bad_document"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the service; status 0: none came, and `body` says why."""

    status: int
    body: Any

    @property
    def codes(self) -> list[str]:
        """Codes of its errors."""
        errors = self.body.get("errors", []) if isinstance(self.body, dict) else []
        return [str(each.get("extensions", {}).get("code")) for each in errors]

    @property
    def data(self) -> Any:
        """Its data; None if there is an error."""
        complete = self.status == 200 and isinstance(self.body, dict) and not self.codes
        return self.body.get("data") if complete else None

    def list_faults(self) -> list[str]:
        """List what is not as promised: an error that is none of ours."""
        if not self.status or self.data is not None:
            return []
        wrong = [code for code in self.codes if code not in list_codes()]
        if wrong or not self.codes:
            return [f"the service answered {self.status} {str(self.body)[:200]}"]
        return []


class Service:
    """A running `graphsvc serve`."""

    def __init__(self, commands: Commands, settings: Mapping[str, str], key: str) -> None:
        """Start it.

        Raises:
            RuntimeError: it did not begin to listen; with what it said.
        """
        self.key = key
        self.running: Running = commands.start(["serve", "--port", "0"], {**settings, **PLENTY})
        self.port = 0
        deadline = time.monotonic() + 90
        while not self.port:
            said = self.running.err.read_text(errors="replace") if self.running.err.exists() else ""
            if found := re.search(r"GraphiQL: http://127\.0\.0\.1:(\d+)/", said):
                self.port = int(found[1])
            elif self.running.ended.is_set() or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start: {said[-400:]}")
            else:
                time.sleep(0.03)
        self.wait()

    def wait(self, seconds: float = 60) -> float:
        """Wait until it answers a question; return the seconds.

        Raises:
            TimeoutError: it does not.
        """
        began = time.monotonic()
        while (answer := self.ask(STATS)).data is None:
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"the service answers no question: {answer}")
            time.sleep(0.1)
        return time.monotonic() - began

    def ask(self, query: str, patience: float = 40.0, **variables: object) -> Answer:
        """Ask one question on a connection of its own."""
        body = json.dumps({"query": query, "variables": variables})
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request("POST", "/graphql", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, type(error).__name__)
        finally:
            connection.close()
        try:
            return Answer(answer.status, json.loads(content))
        except ValueError:
            return Answer(answer.status, content[:200])

    def note(self, account: str, note: str, ledger: Ledger) -> list[Answer]:
        """Note something on an account and enter it into the ledger; return the answers."""
        before = self.ask(READ, id=account)
        if before.data is None or before.data["account"] is None:
            return [before]
        change = Change("account", account, "note", "", note)
        answer = self.ask(NOTE, id=account, note=note, version=before.data["account"]["version"])
        if answer.data is not None:
            ledger.answered.append(change)
        elif not set(answer.codes) & CERTAIN:
            ledger.lost.append(change)
        return [before, answer]

    def kill(self) -> None:
        """Kill it (-9) and what it started."""
        self.running.kill()
        self.running.ended.wait(30)
