"""The reason of a failed start, in one paragraph."""

import re

from graphsvc.errors import ServerError
from graphsvc.server.files import read_tail
from graphsvc.server.home import Home

_NOISE = re.compile(r"\s+at |\s+\.\.\. \d+ more|WARNING: |Failed to start Neo4j on ")
_WRAPPED = re.compile(r"^Optional\[(.*)\]$")
_CLASS = re.compile(r"\b(?:[a-z][a-z0-9_]*\.)+[A-Z]\w*(?:Exception|Error): ")
_PORT_CLASH = ("Address already in use", "trying to bind to the socket", "already in use, cannot bind to it")
_LONGEST = 400

# (what Neo4j or the JVM says, what to do about it)
_KNOWN = (
    (
        ("Lock file has been locked by another process", "FileLockException", "Store lock"),
        "Another Neo4j has this database open, most likely one that was started before its run directory was "
        "removed: end that java process, then start again.",
    ),
    (
        (
            "OutOfMemoryError",
            "Could not reserve enough space",
            "insufficient memory",
            "Cannot allocate memory",
        ),
        "Close other programs or give the machine or container more memory, then start again.",
    ),
    (
        ("No space left on device", "Disk quota exceeded"),
        "Make room on the disk that holds GRAPHSVC_DATA_DIR, then start again: what was committed is safe.",
    ),
    (
        ("Permission denied", "AccessDeniedException", "Read-only file system"),
        "Make GRAPHSVC_DATA_DIR and all below it writable for you, then start again.",
    ),
)
_LOOK = "`graphsvc neo4j logs` shows the whole story."


def read_reason(home: Home) -> str:
    """Return the last output of the JVM without stack traces, at most 400 characters."""
    lines = [
        _CLASS.sub("", _WRAPPED.sub(r"\1", line.removeprefix("Caused by: ")).strip())
        for line in read_tail(home.console).splitlines()
        if line.strip() and not _NOISE.match(line)
    ]
    return " ".join(lines)[-_LONGEST:]


def is_port_clash(why: str) -> bool:
    """Return whether another program took a port after it was chosen and before the server started."""
    return any(sign in why for sign in _PORT_CLASH)


def is_known(why: str) -> bool:
    """Return whether the reason needs a person's action, so that another try is no use."""
    return _find_advice(why) is not None


def _find_advice(why: str) -> str | None:
    return next((todo for signs, todo in _KNOWN if any(sign in why for sign in signs)), None)


def explain_failure(why: str, status: int) -> ServerError:
    """Build the error for a server that ended while it started.

    Args:
        why: of `read_reason`.
        status: exit status; negative: a signal.
    """
    if not why:
        why = f"the process ended with signal {-status}" if status < 0 else f"exit status {status}, no reason"
    known = _find_advice(why) or ""
    # Linux's out-of-memory killer sends SIGKILL and leaves no message in our log.
    if status == -9 and not known:
        known = "Something killed it, often the system for want of memory: free some, then start again."
    return ServerError(f"Neo4j ended while it was starting: {why.rstrip('.')}.", f"{known} {_LOOK}".strip())
