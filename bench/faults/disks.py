"""Small file systems on loop devices, which can be filled and made read-only. They need root."""

import os
import shutil
import subprocess
from pathlib import Path


class NoDisk(Exception):
    """A small file system cannot be made here; the message says why."""


class Disk:
    """An ext4 file system in a sparse file."""

    def __init__(self, image: Path, place: Path, size: int) -> None:
        """Make it of `size` bytes and mount it at `place`.

        Raises:
            NoDisk: it cannot be made or mounted.
        """
        self.place = place
        self._filler = place / ".filler"
        place.mkdir(parents=True, exist_ok=True)
        if place.is_mount():
            _call("umount", "--lazy", str(place))
        image.unlink(missing_ok=True)
        with image.open("wb") as file:
            file.truncate(size)
        _call("mkfs.ext4", "-q", "-m", "0", "-F", str(image))
        _call("mount", "-o", "loop", str(image), str(place))

    def fill(self, left: int) -> None:
        """Fill it until `left` bytes are free."""
        self.free()
        room = shutil.disk_usage(self.place).free - left
        if room <= 0:
            return
        with self._filler.open("wb") as file:
            # Blocks that are set aside are full at once; some are lost to the file's own bookkeeping.
            while room > 4_096:
                try:
                    os.posix_fallocate(file.fileno(), 0, room)
                except OSError:
                    room -= 64 << 10
                else:
                    return

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def set_writable(self, writable: bool) -> None:
        """Remount it to be read and written, or to be read alone.

        Raises:
            NoDisk: something on it is open for writing.
        """
        _call("mount", "-o", "remount,rw" if writable else "remount,ro", str(self.place))

    def unmount(self) -> None:
        """Unmount it; what still uses it keeps it until it ends."""
        _call("umount", "--lazy", str(self.place))


def _call(name: str, *arguments: str) -> None:
    # A path without sbin is usual where no one signs in as root, and these commands lie there.
    command = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if command is None:
        raise NoDisk(f"there is no command {name}")
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoDisk(f"{name}: {done.stderr.strip()}")
