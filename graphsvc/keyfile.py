"""Secret keys of an installation: 32 random bytes each, in a file of its own, created at first use."""

import hashlib
import os
import secrets
from pathlib import Path

from graphsvc.errors import SettingsError
from graphsvc.files import open_draft

KEY_BYTES = 32


def load_or_create(path: Path, name: str) -> bytes:
    """Return the key in `path`: hex and a checksum (file 0600, directory 0700). Create it at first use.

    A file of an earlier version has no checksum. It is taken as it is.

    Args:
        path: of the file.
        name: of the key, for messages.

    Raises:
        SettingsError: the file cannot be read or written, is damaged, or others can read it.
    """
    try:
        if not path.exists():
            _create_key(path)
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"The {name} {path} can be read by others.", f"Run: chmod 600 {path}")
        text, _, checksum = path.read_text(encoding="ascii").strip().partition(" ")
        key = bytes.fromhex(text)
    except OSError as error:
        raise SettingsError(
            f"The {name} {path} cannot be used: {error.strerror}.",
            "Check GRAPHSVC_DATA_DIR and its owner.",
        ) from None
    except ValueError:
        raise SettingsError(f"The {name} {path} is damaged.", "Restore it from a backup.") from None
    if len(key) != KEY_BYTES:
        damage = "is empty" if not key else f"holds {len(key)} bytes instead of {KEY_BYTES}"
        raise SettingsError(f"The {name} {path} is damaged: it {damage}.", "Restore it from a backup.")
    if checksum and checksum != compute_checksum(key):
        raise SettingsError(
            f"The {name} {path} is damaged: it is not what was written.", "Restore it from a backup."
        )
    return key


def format_key(key: bytes) -> str:
    """Return the content of a key's file: hex and a checksum."""
    return f"{key.hex()} {compute_checksum(key)}\n"


def compute_checksum(key: bytes) -> str:
    """Return a short digest that tells whether a key is as it was written."""
    return hashlib.sha256(b"graphsvc key\0" + key).hexdigest()[:16]


def _create_key(path: Path) -> None:
    """Write a new key under its final name, unless another process was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    try:
        # Unlike a rename, a link never replaces a key that another process made meanwhile.
        with open_draft(path, publish=os.link) as file:
            file.write(format_key(secrets.token_bytes(KEY_BYTES)).encode())
    except FileExistsError:
        return
