"""Files of the managed server: locked, written whole, and with faults of the disk named."""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from graphsvc.errors import ServerError

_TODO = {
    errno.ENOSPC: "Make room there, or choose another place with {setting}, then start again.",
    errno.EDQUOT: "Your quota is used up: make room there, or choose another place with {setting}.",
    errno.EACCES: "Make it writable for you, or choose another place with {setting}.",
    errno.EPERM: "Make it writable for you, or choose another place with {setting}.",
    errno.EROFS: "It is on a read-only file system: choose another place with {setting}.",
}


@contextmanager
def map_disk_errors(place: Path, setting: str) -> Iterator[None]:
    """Map faults of the disk below `place` to a `ServerError` that names the setting of the path.

    Raises:
        ServerError: the disk is full, read-only, forbidden or faulty.
    """
    try:
        yield
    except OSError as error:
        todo = _TODO.get(error.errno or 0, "Look at that path, or choose another place with {setting}.")
        raise ServerError(
            f"{place} cannot be used: {error.strerror or type(error).__name__}.", todo.format(setting=setting)
        ) from error


def require_room(place: Path, size: int, setting: str) -> None:
    """Check that `size` bytes fit below `place`, which exists.

    Raises:
        ServerError: they do not.
    """
    free = shutil.disk_usage(place).free
    if free < size:
        raise ServerError(
            f"{place} has {free / 1e6:,.0f} MB free, and {size / 1e6:,.0f} MB are needed.",
            _TODO[errno.ENOSPC].format(setting=setting),
        )


@contextmanager
def lock_file(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file while the block runs; call `waiting` once if another process has it.

    The lock belongs to the open file, so it ends with the process, however that ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees either all of it or the file before; mode 0600."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    # A killed process with the same number may have left one.
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_tail(path: Path, size: int = 16_384) -> str:
    """Return the end of a log, at most `size` bytes; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
