"""Free ports on the loopback interface."""

import socket
from collections.abc import Iterable

from graphsvc.errors import ServerError

HOST = "127.0.0.1"
_BOLT, _HTTP = 7687, 7474
_SEARCHED = 200


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` and we may."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(remembered: tuple[int, int] | None, avoid: Iterable[int] = ()) -> tuple[int, int]:
    """Ports for Bolt and HTTP: the remembered ones, else Neo4j's own, else the next free ones.

    Raises:
        ServerError: none is free.
    """
    taken = set(avoid)
    bolt, http = remembered or (_BOLT, _HTTP)
    return _first(bolt, _BOLT, taken), _first(http, _HTTP, taken)


def _first(preferred: int, usual: int, taken: set[int]) -> int:
    candidates: list[int] = [preferred, usual, *range(usual + 10_000, usual + 10_000 + _SEARCHED)]
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise ServerError(
        f"No port is free for the managed Neo4j: {usual} and {usual + 10_000} to "
        f"{usual + 10_000 + _SEARCHED - 1} on {HOST} are all in use.",
        "Stop other servers, or see with `ss -ltn` who holds them, then start again.",
    )
