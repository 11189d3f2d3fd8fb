"""Renews the lock: resolves the jars anew, downloads what is new, and writes down their hashes."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graphsvc.server import maven
from graphsvc.server.download import Report, store
from graphsvc.server.files import naming_disk_faults, write_whole
from graphsvc.server.java import require_extra
from graphsvc.server.lock import LOCK_FILE, Jar, Lock

_HEADER = """\
# The jars of the managed Neo4j: folder, Maven coordinate, SHA-256, bytes.
# Written by `graphsvc neo4j lock` from the versions in graphsvc/server/maven.py; do not edit.
"""
_CONNECTIONS = 8


def renew(target: Path = LOCK_FILE, report: Report = print) -> Lock:
    """Resolves the versions named in `maven.py` and writes the lock to `target`; one to two minutes.

    Every jar is downloaded, over TLS, and its hash taken: this is the moment at which the bytes
    are trusted.

    Raises:
        ServerError: the network, a version or the disk does not play along.
    """
    require_extra()
    with (
        naming_disk_faults(target, "TMPDIR"),
        tempfile.TemporaryDirectory(prefix="graphsvc-lock-") as scratch,
        maven.session(_CONNECTIONS) as http,
    ):
        report("resolving the jars of the managed Neo4j (a minute or two)")
        found = maven.resolve(Path(scratch) / "repository")
        report(f"hashing {len(found)} jars")

        def weigh(jar: Jar) -> Jar:
            digest, size = store(Path(scratch) / jar.name, maven.stream(http, jar), None)
            return Jar(jar.folder, jar.group, jar.artifact, jar.version, jar.classifier, digest, size)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            lock = Lock(tuple(sorted(pool.map(weigh, found))))
        write_whole(target, _HEADER + lock.text)
    target.chmod(0o644)
    report(f"{len(lock.jars)} jars, {lock.size / 1e6:,.0f} MB, set {lock.digest}")
    return lock
