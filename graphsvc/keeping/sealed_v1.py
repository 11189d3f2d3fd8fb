"""Read sealed files of the first format, which backups had before the age format.

scrypt (RFC 7914) makes the key of a passphrase, AES-256-GCM seals the content chunk by chunk. The first line names
the format, the second holds the parameters as JSON and is part of what is authenticated. The nonce of a chunk is a
random prefix, the number of the chunk, and whether it is the last. So chunks can neither be moved nor left out, and a
file that was cut off is detected (the STREAM construction of Hoang and others, 2015).
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import SecretStr

from graphsvc.keeping.sealed import build_damage, build_mismatch

MAGIC = b"graphsvc sealed 1\n"
CHUNK = 1 << 15
"""Bytes sealed at a time."""
_TAG, _PREFIX, _LONGEST_HEADER = 16, 7, 4096


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of the key: scrypt's `n`, `r`, `p` and salt (base64), and the prefix of all nonces (base64)."""

    n: int
    r: int
    p: int
    salt: str
    prefix: str

    def build_cipher(self, passphrase: SecretStr) -> AESGCM:
        """Build the cipher of the passphrase."""
        scrypt = Scrypt(base64.b64decode(self.salt), length=32, n=self.n, r=self.r, p=self.p)
        return AESGCM(scrypt.derive(passphrase.get_secret_value().encode()))


def is_first_format(file: BinaryIO) -> bool:
    """Return whether a file begins like one of this format. It stands at its begin again then."""
    found = file.read(len(MAGIC)) == MAGIC
    file.seek(0)
    return found


class Opener:
    """Reads a sealed file, for `tarfile`. Content is authentic, and complete after `finish`."""

    def __init__(self, file: BinaryIO, passphrase: SecretStr) -> None:
        self._chunks = _open_chunks(file, passphrase)

    def read(self, _size: int) -> bytes:
        """Return the next chunk, whatever its size; b'' at the end. `tarfile` asks for what a stream gives.

        Raises:
            BackupError: the passphrase is wrong, or the file is damaged.
        """
        return next(self._chunks, b"")

    def finish(self) -> None:
        """Read to the end, so that a file that was cut off is detected.

        Raises:
            BackupError: it is damaged.
        """
        for _ in self._chunks:
            pass


def _open_chunks(file: BinaryIO, passphrase: SecretStr) -> Iterator[bytes]:
    header = file.readline(len(MAGIC)) + file.readline(_LONGEST_HEADER)
    parameters = _parse_parameters(header)
    cipher, prefix = parameters.build_cipher(passphrase), base64.b64decode(parameters.prefix)
    # One chunk ahead, because the last chunk has another nonce, and only the end of the file tells which it is.
    number, sealed = 0, file.read(CHUNK + _TAG)
    while sealed or number == 0:
        later = file.read(CHUNK + _TAG)
        try:
            yield cipher.decrypt(prefix + number.to_bytes(4, "big") + bytes([not later]), sealed, header)
        except InvalidTag:
            # At the first chunk a wrong passphrase and a damaged file look the same.
            raise (build_damage() if number else build_mismatch()) from None
        number, sealed = number + 1, later


def _parse_parameters(header: bytes) -> Parameters:
    """Parse the parameters in a header. Accept only moderate ones, because they are not authenticated yet."""
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
        raise build_damage()
    return found
