"""The installation signs what it certifies: Ed25519 (RFC 8032), so that others can check and not forge."""

import base64
import hashlib
import hmac
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from graphsvc.keyfile import load_or_create
from graphsvc.settings import Settings

_FILE = "signing.key"


class Signer:
    """Signs texts with the installation's key.

    `public` is the public key as hex (32 bytes), which others need to check a signature; `id` names it in 16 digits.
    `directory` is where the key lies, for what is kept beside it; None: nowhere.
    """

    __slots__ = ("_key", "_names", "directory", "id", "public")

    def __init__(self, key: bytes, directory: Path | None = None) -> None:
        """`key`: 32 secret bytes."""
        self.directory = directory
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        self._names = hashlib.sha256(b"graphsvc names of accounts\0" + key).digest()
        self.public = self._key.public_key().public_bytes_raw().hex()
        self.id = hashlib.sha256(bytes.fromhex(self.public)).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Signer(id={self.id!r})"

    def sign(self, text: str) -> str:
        """Return the signature of a text as hex (64 bytes); the same text, the same signature."""
        return self._key.sign(text.encode()).hex()

    def derive_pseudonym(self, account: str) -> str:
        """What stands for an account's id where the id must not stay: `account.` and a keyed hash (168 bits of
        HMAC-SHA256), the same for the same id."""
        digest = hmac.digest(self._names, account.encode("utf-8", "surrogatepass"), "sha256")[:21]
        return "account." + base64.urlsafe_b64encode(digest).decode()


def verify_signature(text: str, signature: str, public: str) -> bool:
    """Return whether `signature` (hex) is the one of `text` by the key whose public part is `public` (hex)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(
            bytes.fromhex(signature), text.encode()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def load_or_create_signer(settings: Settings) -> Signer:
    """Return the signer of this installation; its key lies in `keys_dir/signing.key` and is made on first use.

    Losing it leaves earlier certificates checkable by their public key, but no longer as this installation's own.

    Raises:
        SettingsError: the key file cannot be read or written, is damaged, or others can read it.
    """
    return Signer(load_or_create(settings.keys_dir / _FILE, "signing key"), settings.keys_dir)
