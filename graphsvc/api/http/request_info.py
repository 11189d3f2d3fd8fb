"""Facts about a request while it is served: for its log line, its metrics and its span."""

import re
import secrets
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}", re.ASCII)


@dataclass(slots=True)
class RequestInfo:
    """Holds no document, variable, token or id of an account.

    Attributes:
        kind: `query`, `mutation`, `subscription`; `refused` for a document that was not executed, `other` for what is
            no GraphQL.
        operation: the operation's name, of a document that fits the schema.
        cost: what was charged.
        codes: of the errors that were told.
    """

    id: str
    principal: str = ""
    kind: str = "other"
    operation: str = ""
    cost: int = 0
    codes: list[str] = field(default_factory=list)


def choose_request_id(offered: str) -> str:
    """Return the id of a request: the one it came with if that is well formed, else a new one."""
    # An id from outside goes into the log, so it must not contain line ends or markup.
    return offered if _WELL_FORMED.fullmatch(offered) else secrets.token_hex(8)


def get_request_info(connection: HTTPConnection) -> RequestInfo:
    """Return the facts of this request or WebSocket."""
    found: RequestInfo = connection.state.request_info
    return found
