"""Files that appear complete or not at all, private unless told otherwise, checksums of files, and lock files."""

import fcntl
import hashlib
import json
import os
import secrets
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

PRIVATE = 0o600
"""Only the owner can read it."""


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ValueError: it is none; says why, and names the line.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


@contextmanager
def open_draft(
    path: Path, *, publish: Callable[[Path, Path], object] = os.replace, mode: int = PRIVATE
) -> Iterator[BinaryIO]:
    """Yield a new file that gets its name when the block ends without an exception. Otherwise it is removed.

    Args:
        path: of the file.
        publish: gives the draft its name: `os.replace`, or `os.link`, which never replaces a file.
        mode: permissions, from the first byte on; the umask of the process narrows them.

    Raises:
        OSError: it cannot be written.
    """
    # In the same directory, because a rename is atomic only within one file system.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            # Before it is named, or a power cut could leave an empty file under the name.
            os.fsync(file.fileno())
        publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | str, *, mode: int = PRIVATE) -> None:
    """Write a file, or replace it: a reader sees either all of it or the file before.

    Args:
        path: of the file.
        content: bytes, or text that is encoded as UTF-8.
        mode: permissions, as in `open_draft`.

    Raises:
        OSError: it cannot be written.
    """
    with open_draft(path, mode=mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def compute_digest(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compute_manifest_checksum(manifest: dict[str, Any]) -> str:
    """Compute the checksum of a manifest without its own."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


@contextmanager
def _open_lock(lock: Path) -> Iterator[int]:
    """Yield the descriptor of a lock file. A lock ends with the open file, however the process ends."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def lock_or_fail(lock: Path) -> Iterator[None]:
    """Hold a lock file while the block runs, or fail at once. The file names the process.

    Raises:
        BlockingIOError: another process or thread holds it; `filename` is the number of the process.
        OSError: the file cannot be made.
    """
    with _open_lock(lock) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            # The holder writes its number just after it has the lock, so it may be missing for a moment.
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            raise BlockingIOError(error.errno, error.strerror, holder or "unknown") from None
        # Only now that the lock is held: the number of another holder must stay readable.
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield


@contextmanager
def lock_in_turn(lock: Path, waiting: Callable[[], object] | None = None) -> Iterator[None]:
    """Wait for a lock file, and hold it while the block runs.

    Args:
        lock: the file.
        waiting: called once if another process or thread holds it.

    Raises:
        OSError: the file cannot be made.
    """
    with _open_lock(lock) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is not None:
                waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
