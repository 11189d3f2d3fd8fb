"""Renew the lock: resolve the jars again, download them, and write their hashes."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graphsvc.files import write_atomically
from graphsvc.server import maven
from graphsvc.server.download import store_chunks
from graphsvc.server.files import map_disk_errors
from graphsvc.server.java import require_extra
from graphsvc.server.lock import LOCK_FILE, Jar, Lock
from graphsvc.types import Report

_HEADER = """\
# The jars of the managed Neo4j: folder, Maven coordinate, SHA-256, bytes.
# Written by `graphsvc neo4j lock` from the versions in graphsvc/server/maven.py; do not edit.
"""
_CONNECTIONS = 8


def renew_lock(target: Path = LOCK_FILE, report: Report = print) -> Lock:
    """Resolve the versions named in `maven.py`, and write the lock to `target`; one to two minutes.

    Raises:
        ServerError: the network, a version or the disk fails.
    """
    require_extra()
    with (
        map_disk_errors(target, "TMPDIR"),
        tempfile.TemporaryDirectory(prefix="graphsvc-lock-") as scratch,
        maven.open_session(_CONNECTIONS) as http,
    ):
        report("resolving the jars of the managed Neo4j (a minute or two)")
        found = maven.resolve_jars(Path(scratch) / "repository")
        report(f"hashing {len(found)} jars")

        def hash_jar(jar: Jar) -> Jar:
            # Trust on first use: every jar comes over TLS, and later downloads must match this hash.
            digest, size = store_chunks(Path(scratch) / jar.name, maven.stream_jar(http, jar), None)
            return Jar(jar.folder, jar.group, jar.artifact, jar.version, jar.classifier, digest, size)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            lock = Lock(tuple(sorted(pool.map(hash_jar, found))))
        write_atomically(target, _HEADER + lock.text)
    target.chmod(0o644)
    report(f"{len(lock.jars)} jars, {lock.size / 1e6:,.0f} MB, set {lock.digest}")
    return lock
