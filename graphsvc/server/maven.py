"""The jars of the managed server: where Maven has them, and those on disk."""

import configparser
import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graphsvc.errors import ServerError
from graphsvc.files import compute_digest, lock_in_turn, write_atomically
from graphsvc.server.home import map_disk_errors, require_room
from graphsvc.server.lockfile import LOCK_FILE, Folder, Jar, Lock
from graphsvc.server.process import require_extra
from graphsvc.types import Report

if TYPE_CHECKING:
    import requests
    from jgo.maven import MavenContext

SERVER = (
    "org.neo4j.app:neo4j-server:2026.08.1",
    "org.neo4j:neo4j:2026.08.1",
    "org.neo4j.client:neo4j-browser:5.24.0",
)
PLUGIN = ("org.neo4j.gds:proc:2.26.0", "org.neo4j.gds:opengds-extension:2.26.0")
"""What the server is made of. Change a version here, then run `graphsvc neo4j lock`."""

# The jars of GDS in which Neo4j looks for procedures and functions; a small folder starts faster.
_PROCEDURES = re.compile(r"proc(-.*)?|cypher-aggregation|neo4j-adapter")
_TIMEOUT = (15.0, 60.0)


@contextmanager
def open_session(connections: int) -> Iterator["requests.Session"]:
    """Open an HTTP session that trusts the system's certificates and retries passing faults.

    Companies that inspect TLS put their authority into the system's trust store, not into the bundle of
    Python packages. `truststore` is active only inside the block.
    """
    import requests
    import truststore
    from urllib3.util import Retry

    retry = Retry(total=4, connect=1, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))
    truststore.inject_into_ssl()
    try:
        with requests.Session() as http:
            adapter = requests.adapters.HTTPAdapter(pool_maxsize=connections, max_retries=retry)
            http.mount("https://", adapter)
            http.mount("http://", adapter)
            yield http
    finally:
        truststore.extract_from_ssl()


def stream_jar(http: "requests.Session", jar: Jar) -> Iterator[bytes]:
    """Yield the bytes of a jar as they arrive, from the first repository that has it.

    Raises:
        ServerError: no repository answers, or none has it.
    """
    import requests

    context = _build_context()
    file = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier, "jar")
    failure = "no repository is configured"
    for base in context.remote_repos.values():
        address = f"{base}/{file.component.path_prefix.as_posix()}/{file.filename}"
        try:
            with http.get(address, stream=True, timeout=_TIMEOUT) as answer:
                if answer.ok:
                    yield from answer.iter_content(1 << 16)
                    return
                failure = f"HTTP status {answer.status_code}"
        except requests.RequestException as error:
            failure = _find_reason(error)
    raise ServerError(
        f"{jar.coordinate}, a part of the managed Neo4j, could not be downloaded: {failure}.",
        "Check the network (a proxy is set with HTTPS_PROXY, a company's certificate authority belongs into the "
        "system's trust store) and start again: what was already downloaded is kept. Without a network, copy "
        "GRAPHSVC_CACHE_DIR from a machine that has it, or set GRAPHSVC_NEO4J_URI to a Neo4j of your own.",
    )


def _build_context(repository_cache: Path | None = None) -> "MavenContext":
    """Return Maven's repositories: those of the user's jgo configuration, where mirrors are named, then Central."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    try:
        repositories = dict(GlobalSettings.load().repositories)
    except configparser.Error as error:
        raise ServerError(
            f"The configuration of jgo, which names Maven repositories, is malformed: {type(error).__name__}.",
            "Correct or remove ~/.config/jgo.conf.",
        ) from error
    repositories.setdefault("central", MAVEN_CENTRAL_URL)
    return MavenContext(repo_cache=repository_cache, remote_repos=repositories, timeout=60)


def _find_reason(error: Exception) -> str:
    """Return the innermost reason of a network error, without addresses and object names."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return f"{type(cause).__name__}: {re.sub(r'<[^>]*>[,:]?', '', str(cause)).strip()}"


def resolve_jars(repository_cache: Path) -> list[Jar]:
    """Resolve the runtime dependencies of `SERVER` and `PLUGIN`; sorted, hash and size still empty.

    Raises:
        ServerError: a root or one of its parents cannot be resolved.
    """
    import requests

    logging.getLogger("jgo").setLevel(logging.ERROR)
    context = _build_context(repository_cache)
    closure: dict[tuple[str, str, str], str] = {}
    try:
        # The server comes last, so its version of a common artifact wins: the server was tested with it.
        for roots in (PLUGIN, SERVER):
            wanted = [context.create_dependency(root) for root in roots]
            inputs, transitive = context.resolver.resolve(wanted)
            for one in [*inputs, *transitive]:
                if one.type == "jar" and one.scope in (None, "compile", "runtime"):
                    closure[one.groupId, one.artifactId, one.classifier] = one.version
    except (requests.RequestException, RuntimeError, ValueError) as error:
        raise ServerError(
            f"The jars of the managed Neo4j could not be resolved: {_find_reason(error)}.",
            "Check the network and the versions in graphsvc/server/maven.py, then try again.",
        ) from error
    return sorted(
        Jar(_choose_folder(group, artifact), group, artifact, version, classifier, "", 0)
        for (group, artifact, classifier), version in closure.items()
    )


def _choose_folder(group: str, artifact: str) -> Folder:
    is_plugin = group == "org.neo4j.gds" and _PROCEDURES.fullmatch(artifact) is not None
    return "plugins" if is_plugin else "lib"


_CONNECTIONS = 8
_ATTEMPTS = 3


def get_jar_directory(cache: Path, lock: Lock) -> Path:
    """Return the directory of a lock's jars, below the cache directory."""
    return cache / "neo4j" / lock.digest


def ensure_jars(cache: Path, lock: Lock, report: Report) -> Path:
    """Return the directory with all jars of `lock`; download those that are missing or corrupt.

    All jars are hashed every time (200 MB in a tenth of a second). So the JVM loads exactly what the lock
    names. Processes that share a cache directory download once.

    Raises:
        ServerError: no network, wrong bytes from a repository, or a full disk.
    """
    directory = get_jar_directory(cache, lock)
    with map_disk_errors(cache, "GRAPHSVC_CACHE_DIR"):
        for folder in ("lib", "plugins"):
            (directory / folder).mkdir(parents=True, exist_ok=True)
        if not _find_unsound(directory, lock.jars):
            return directory
        with lock_in_turn(directory / ".lock", lambda: report("waiting for another download of the jars")):
            # Another process may have downloaded them while this one waited for the lock.
            wanted = _find_unsound(directory, lock.jars)
            require_room(directory, sum(jar.size for jar in wanted), "GRAPHSVC_CACHE_DIR")
            if wanted:
                _fetch_jars(directory, wanted, report)
    return directory


def _find_unsound(directory: Path, jars: Sequence[Jar]) -> list[Jar]:
    """Return the jars that are missing or differ from the lock."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        sound = pool.map(lambda jar: _is_sound(directory / jar.path, jar), jars)
        return [jar for jar, ok in zip(jars, sound, strict=True) if not ok]


def _is_sound(path: Path, jar: Jar) -> bool:
    try:
        # Cheap, and true of most broken downloads.
        if path.stat().st_size != jar.size:
            return False
        return compute_digest(path) == jar.sha256
    except FileNotFoundError:
        return False


def _fetch_jars(directory: Path, jars: Sequence[Jar], report: Report) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    size = sum(jar.size for jar in jars)
    report(f"downloading Neo4j and GDS: {len(jars)} jars, {size / 1e6:,.0f} MB, once")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with (
        open_session(_CONNECTIONS) as http,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(_CONNECTIONS) as pool,
    ):
        bar = progress.add_task("jars", total=size)

        def fetch_jar(jar: Jar) -> None:
            for last in (*[False] * (_ATTEMPTS - 1), True):
                try:
                    digest, received = store_chunks(directory / jar.path, stream_jar(http, jar), jar.sha256)
                except ServerError:
                    if last:
                        raise
                    continue
                if digest == jar.sha256:
                    progress.advance(bar, jar.size)
                    return
                if last:
                    raise ServerError(
                        f"{jar.coordinate}, a part of the managed Neo4j, arrived with {received:,} bytes that are "
                        f"not the ones the lock names (SHA-256 {digest[:12]}…, expected {jar.sha256[:12]}…, "
                        f"{jar.size:,} bytes), {_ATTEMPTS} times.",
                        "Something on the way changes or cuts downloads: check the proxy or the mirror, then start "
                        "again. Nothing of it was kept.",
                    )

        work = [pool.submit(fetch_jar, jar) for jar in jars]
        try:
            for one in work:
                one.result()
        finally:
            # After the first failure the others need not be tried.
            pool.shutdown(wait=True, cancel_futures=True)


def store_chunks(path: Path, chunks: Iterable[bytes], expected: str | None) -> tuple[str, int]:
    """Write chunks to a temporary file, and rename it to `path` if the hash is right.

    Args:
        path: of the file.
        chunks: its content.
        expected: SHA-256, hex; None: any.

    Returns:
        SHA-256 (hex) and number of the bytes that came.
    """
    # A name of its own for each process, so that two never write into one file.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        if expected in (None, digest.hexdigest()):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest(), size


_HEADER = """\
# The jars of the managed Neo4j: folder, Maven coordinate, SHA-256, bytes.
# Written by `graphsvc neo4j lock` from the versions in graphsvc/server/maven.py; do not edit.
"""


def renew_lock(target: Path = LOCK_FILE, report: Report = print) -> Lock:
    """Resolve the versions named in `maven.py`, and write the lock to `target`; one to two minutes.

    Raises:
        ServerError: the network, a version or the disk fails.
    """
    require_extra()
    with (
        map_disk_errors(target, "TMPDIR"),
        tempfile.TemporaryDirectory(prefix="graphsvc-lock-") as scratch,
        open_session(_CONNECTIONS) as http,
    ):
        report("resolving the jars of the managed Neo4j (a minute or two)")
        found = resolve_jars(Path(scratch) / "repository")
        report(f"hashing {len(found)} jars")

        def hash_jar(jar: Jar) -> Jar:
            # Trust on first use: every jar comes over TLS, and later downloads must match this hash.
            digest, size = store_chunks(Path(scratch) / jar.name, stream_jar(http, jar), None)
            return Jar(jar.folder, jar.group, jar.artifact, jar.version, jar.classifier, digest, size)

        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            lock = Lock(tuple(sorted(pool.map(hash_jar, found))))
        write_atomically(target, _HEADER + lock.text)
    target.chmod(0o644)
    report(f"{len(lock.jars)} jars, {lock.size / 1e6:,.0f} MB, set {lock.digest}")
    return lock
