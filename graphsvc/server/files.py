"""Files of the managed server: faults of the disk by name, room, and the end of a log."""

import errno
import shutil
from collections.abc import Iterator
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


def read_tail(path: Path, size: int = 16_384) -> str:
    """Return the end of a log, at most `size` bytes; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
