"""Backups as they were written before the age format, to be read by versions after it."""

import base64
import io
import json
import secrets
import tarfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import SecretStr

CHUNK = 1 << 15


def seal_first(content: bytes, passphrase: SecretStr, chunk: int = CHUNK) -> bytes:
    """Seal content as graphsvc did before the age format, with a cheaper scrypt."""
    salt, prefix = secrets.token_bytes(16), secrets.token_bytes(7)
    fields = {
        "n": 1 << 14,
        "r": 8,
        "p": 1,
        "salt": base64.b64encode(salt).decode(),
        "prefix": base64.b64encode(prefix).decode(),
    }
    header = b"graphsvc sealed 1\n" + json.dumps(fields).encode() + b"\n"
    key = Scrypt(salt, length=32, n=1 << 14, r=8, p=1).derive(passphrase.get_secret_value().encode())
    parts = [content[at : at + chunk] for at in range(0, len(content), chunk)] or [b""]
    sealed = [
        AESGCM(key).encrypt(
            prefix + number.to_bytes(4, "big") + bytes([number == len(parts) - 1]), part, header
        )
        for number, part in enumerate(parts)
    ]
    return header + b"".join(sealed)


def write_first(path: Path, passphrase: SecretStr, keys: dict[str, bytes], dump: bytes | None) -> None:
    """Write a backup of that time: one sealed tar archive."""
    content = io.BytesIO()
    manifest = {"graphsvc": "0.1.0", "made": "2026-11-01T00:00:00+00:00", "database": dump is not None}
    entries = {"manifest.json": json.dumps(manifest).encode()}
    entries |= {f"keys/{name}": text for name, text in keys.items()}
    if dump is not None:
        entries["database.dump"] = dump
    with tarfile.open(mode="w|", fileobj=content) as archive:
        for name, text in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    path.write_bytes(seal_first(content.getvalue(), passphrase))
