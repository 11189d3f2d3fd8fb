"""Memory and file descriptors that the server may use."""

import resource
from dataclasses import dataclass

from graphsvc.errors import ServerError
from graphsvc.host import Memory

MIB = 1 << 20
_HEAP_FLOOR, _HEAP_CEILING = 512 * MIB, 16 << 30
_PAGES_FLOOR, _PAGES_CEILING = 128 * MIB, 16 << 30
DESCRIPTORS = 1024
"""File descriptors for Neo4j: an idle one has 511 open (measured: its jars, an empty database, its sockets)."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Largest heap and page cache of the server; bytes."""

    heap: int
    page_cache: int

    @property
    def first_heap(self) -> int:
        """Heap to begin with."""
        return max(_HEAP_FLOOR, self.heap // 4)


def check_descriptors() -> None:
    """Check that the server may open enough files. Its JVM raises the soft limit itself.

    Raises:
        ServerError: it may not.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < DESCRIPTORS:
        raise ServerError(
            f"At most {most:,} file descriptors can be open here, and the managed Neo4j needs {DESCRIPTORS:,}.",
            "Raise the limit (`ulimit -n 65536`, `LimitNOFILE` in systemd, `--ulimit nofile` in Docker), or set "
            "GRAPHSVC_NEO4J_URI to a Neo4j of your own.",
        )


def compute_sizes(memory: Memory) -> Sizes:
    """Compute heap and page cache for a machine that also runs the detection and the API.

    Raises:
        ServerError: not even the smallest server fits.
    """
    # Two fifths of all memory, and a fifth of what is free now stays free for others.
    budget = min(memory.total * 2 // 5, memory.available * 4 // 5)
    floor = _HEAP_FLOOR + _PAGES_FLOOR
    if budget < floor:
        raise ServerError(
            f"Neo4j needs {floor // MIB} MB of memory for itself, and this machine or container has "
            f"{memory.available // MIB:,} MB free of {memory.total // MIB:,} MB.",
            "Close other programs or give the container at least 2 GB, or set GRAPHSVC_NEO4J_URI to a Neo4j "
            "that runs elsewhere.",
        )
    # GDS keeps its graphs on the heap, so it gets the larger part.
    heap = min(max(budget * 5 // 8, _HEAP_FLOOR), _HEAP_CEILING)
    return Sizes(heap // MIB * MIB, min(max(budget - heap, _PAGES_FLOOR), _PAGES_CEILING) // MIB * MIB)
