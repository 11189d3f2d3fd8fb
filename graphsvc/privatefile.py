"""Files that only their owner can read: atomic replacement, and locks."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace_atomically(path: Path, content: bytes) -> None:
    """Replace a file atomically. Only its owner can read it, from its first byte on.

    Raises:
        OSError
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            # Before the rename, or a power cut could leave an empty file under the name.
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def lock_or_fail(lock: Path) -> Iterator[None]:
    """Hold a lock file while the block runs, or fail at once. The file names the process.

    Raises:
        BlockingIOError: another process or thread holds it; `filename` is the number of the process.
        OSError: the file cannot be made.
    """
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
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
    finally:
        os.close(descriptor)


@contextmanager
def lock_in_turn(lock: Path) -> Iterator[None]:
    """Wait for a lock file, and hold it while the block runs.

    Raises:
        OSError
    """
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
