"""The managed local Neo4j: no Docker, no Java, no installation. See docs/decisions/managed-neo4j.md."""

from graphsvc.server.lifecycle import Endpoint, admin, adopt, ensure_running, has_database, running, stop

__all__ = ["Endpoint", "admin", "adopt", "ensure_running", "has_database", "running", "stop"]
