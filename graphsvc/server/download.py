"""The jars of the lock on disk: downloaded in parallel, verified, reused."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graphsvc.errors import ServerError
from graphsvc.files import lock_in_turn
from graphsvc.server import maven
from graphsvc.server.files import map_disk_errors, require_room
from graphsvc.server.lock import Jar, Lock
from graphsvc.types import Report

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
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
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
        maven.open_session(_CONNECTIONS) as http,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(_CONNECTIONS) as pool,
    ):
        bar = progress.add_task("jars", total=size)

        def fetch_jar(jar: Jar) -> None:
            for last in (*[False] * (_ATTEMPTS - 1), True):
                try:
                    digest, received = store_chunks(
                        directory / jar.path, maven.stream_jar(http, jar), jar.sha256
                    )
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
