"""The managed local Neo4j: no Docker, no Java, no installation. See docs/decisions/managed-neo4j.md."""

from graphsvc.server.lifecycle import (
    Endpoint,
    adopt_database,
    ensure_running,
    find_running,
    has_database,
    run_admin,
    stop_server,
)

__all__ = [
    "Endpoint",
    "adopt_database",
    "ensure_running",
    "find_running",
    "has_database",
    "run_admin",
    "stop_server",
]
