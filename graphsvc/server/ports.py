"""Free ports on the loopback interface."""

import hashlib
import socket
from collections.abc import Collection, Iterator

from graphsvc.errors import ServerError

HOST = "127.0.0.1"
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
    start = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:4])
    for step in range(_SEARCHED):
        bolt = _FIRST + 2 * ((start + step) % _PAIRS)
        yield bolt, bolt + 1
