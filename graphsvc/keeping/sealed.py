"""A file sealed by a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM seals the content chunk by chunk.

The first line names the form, the second holds the parameters as JSON and is part of what is authenticated. The nonce
of a chunk is a random prefix, the number of the chunk, and whether it is the last, so that chunks can neither be moved
nor left out, and a file that was cut off is found out (the STREAM construction of Hoang and others, 2015).
"""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import SecretStr

from graphsvc.errors import BackupError
from graphsvc.files import open_draft

MAGIC = b"graphsvc sealed 1\n"
CHUNK = 1 << 15
"""Bytes sealed at a time."""
_TAG, _PREFIX, _LONGEST_HEADER = 16, 7, 4096
_DAMAGED = BackupError(
    "The file is damaged or was cut off; nothing was changed.", "Take another copy of the backup."
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of the key: scrypt's `n`, `r`, `p` and salt (base64), and the prefix of all nonces (base64)."""

    n: int
    r: int
    p: int
    salt: str
    prefix: str

    @classmethod
    def create(cls) -> "Parameters":
        """Return today's parameters: 128 MiB and some tenths of a second a guess."""
        return cls(
            1 << 17, 8, 1, _encode_text(secrets.token_bytes(16)), _encode_text(secrets.token_bytes(_PREFIX))
        )

    def derive_key(self, passphrase: SecretStr) -> bytes:
        """Derive 32 bytes from the passphrase."""
        scrypt = Scrypt(base64.b64decode(self.salt), length=32, n=self.n, r=self.r, p=self.p)
        return scrypt.derive(passphrase.get_secret_value().encode())


class Sealer:
    """Writes content in sealed chunks. `close` writes the last."""

    def __init__(self, file: BinaryIO, passphrase: SecretStr) -> None:
        parameters = Parameters.create()
        header = MAGIC + json.dumps(asdict(parameters)).encode() + b"\n"
        file.write(header)
        self._file = file
        self._box = _Box(parameters, passphrase, header)
        self._waiting = bytearray()

    def write(self, content: bytes) -> int:
        """Add some of the content."""
        self._waiting += content
        while len(self._waiting) > CHUNK:  # never the last one, which may be full
            self._file.write(self._box.seal_chunk(bytes(self._waiting[:CHUNK]), last=False))
            del self._waiting[:CHUNK]
        return len(content)

    def close(self) -> None:
        """End the content."""
        self._file.write(self._box.seal_chunk(bytes(self._waiting), last=True))


class Opener:
    """Reads a sealed file. Content is authentic, and complete after `finish`."""

    def __init__(self, file: BinaryIO, passphrase: SecretStr) -> None:
        header = file.readline(len(MAGIC)) + file.readline(_LONGEST_HEADER)
        self._file = file
        self._box = _Box(_parse_parameters(header), passphrase, header)
        # One chunk ahead, because the last chunk has another nonce, and only the end of the file tells which
        # it is.
        self._next = file.read(CHUNK + _TAG)
        self._ready, self._ended, self._first = b"", False, True

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end.

        Raises:
            BackupError: the passphrase is wrong, or the file is damaged.
        """
        parts, missing = [], size
        while missing > 0 and (self._ready or not self._ended):
            if not self._ready:
                self._ready = self._read_chunk()
            parts.append(self._ready[:missing])
            self._ready = self._ready[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)

    def finish(self) -> None:
        """Read to the end, so that a file that was cut off is found out.

        Raises:
            BackupError: it is damaged.
        """
        while self.read(CHUNK):
            pass

    def _read_chunk(self) -> bytes:
        sealed, self._next = self._next, self._file.read(CHUNK + _TAG)
        self._ended = not self._next
        try:
            content = self._box.open_chunk(sealed, last=self._ended)
        except InvalidTag:
            # At the first chunk a wrong passphrase and a damaged file look the same; later ones leave damage
            # only.
            if self._first:
                raise BackupError(
                    "The passphrase is not the one this backup was sealed with, or the file is damaged; nothing was "
                    "changed.",
                    "Try again with the right passphrase.",
                ) from None
            raise _DAMAGED from None
        self._first = False
        return content


class _Box:
    """Seals and opens chunks in their order."""

    def __init__(self, parameters: Parameters, passphrase: SecretStr, header: bytes) -> None:
        self._cipher = AESGCM(parameters.derive_key(passphrase))
        self._prefix = base64.b64decode(parameters.prefix)
        self._header = header
        self._number = 0

    def seal_chunk(self, content: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._build_nonce(last), content, self._header)

    def open_chunk(self, content: bytes, *, last: bool) -> bytes:
        return self._cipher.decrypt(self._build_nonce(last), content, self._header)

    def _build_nonce(self, last: bool) -> bytes:
        number = self._number
        self._number += 1
        return self._prefix + number.to_bytes(4, "big") + bytes([last])


@contextmanager
def seal_file(path: Path, passphrase: SecretStr) -> Iterator[Sealer]:
    """Yield a new file that only its owner can read. It appears under its name when it is complete.

    Raises:
        BackupError: it exists, or cannot be written.
    """
    try:
        if path.exists():
            raise BackupError(f"{path} exists already.", "Choose a new file.")
        # A backup that is named is on the disk: its owner may delete the original next.
        with open_draft(path) as file:
            sealer = Sealer(file, passphrase)
            yield sealer
            sealer.close()
    except OSError as error:
        raise BackupError(
            f"{path} cannot be written: {error.strerror}.", "Choose another place for the backup."
        ) from None


@contextmanager
def open_sealed(path: Path, passphrase: SecretStr) -> Iterator[Opener]:
    """Yield a sealed file to read.

    Raises:
        BackupError: it is none, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield Opener(file, passphrase)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.", "Check its name and owner.") from None


def _parse_parameters(header: bytes) -> Parameters:
    """Parse the parameters in a header. Accept only moderate ones, because they are not authenticated yet."""
    if not header.startswith(MAGIC):
        raise BackupError("This is no backup of graphsvc, or one of a later version.", "Check the file.")
    try:
        found = Parameters(**json.loads(header[len(MAGIC) :]))
        salt, prefix = base64.b64decode(found.salt), base64.b64decode(found.prefix)
        sound = (
            # A forged header could demand terabytes of memory.
            found.n.bit_count() == 1 and 1 << 14 <= found.n <= 1 << 20 and found.r == 8 and found.p in (1, 2)
        )
        # A nonce of GCM is 12 bytes: the prefix, four of the number, and the mark of the last chunk.
        sound = sound and len(salt) == 16 and len(prefix) == _PREFIX
    except (ValueError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise _DAMAGED
    return found


def _encode_text(content: bytes) -> str:
    return base64.b64encode(content).decode()
