"""Signatures of this installation: Ed25519 (RFC 8032), so that others can check them and cannot forge them."""

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

    `public` is the public key as hex (32 bytes), for checks by others. `id` names it in 16 digits.
    `directory` holds the key, and further files for it; None: there is none.
    """

    __slots__ = ("_key", "_names", "directory", "id", "public")

    def __init__(self, key: bytes, directory: Path | None = None) -> None:
        """Initialize with `key`, 32 secret bytes."""
        self.directory = directory
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        # A key of its own: a pseudonym and a signature must not reveal anything about each other.
        self._names = hashlib.sha256(b"graphsvc names of accounts\0" + key).digest()
        self.public = self._key.public_key().public_bytes_raw().hex()
        self.id = hashlib.sha256(bytes.fromhex(self.public)).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"Signer(id={self.id!r})"

    def sign(self, text: str) -> str:
        """Return the signature of a text as hex (64 bytes). The same text gives the same signature."""
        return self._key.sign(text.encode()).hex()

    def derive_pseudonym(self, account: str) -> str:
        """Return the pseudonym of an account's id: `account.` and a keyed hash (168 bits of HMAC-SHA256)."""
        digest = hmac.digest(self._names, account.encode("utf-8", "surrogatepass"), "sha256")[:21]
        return "account." + base64.urlsafe_b64encode(digest).decode()


def verify_signature(text: str, signature: str, public: str) -> bool:
    """Return whether `signature` (hex) signs `text` under the public key `public` (hex)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(
            bytes.fromhex(signature), text.encode()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def load_or_create_signer(settings: Settings) -> Signer:
    """Return the signer of this installation. Its key is in `keys_dir/signing.key`, created at first use.

    Without the key, earlier certificates can still be checked by their public key, but not as this
    installation's own.

    Raises:
        SettingsError: the key file cannot be read or written, is damaged, or others can read it.
    """
    return Signer(load_or_create(settings.keys_dir / _FILE, "signing key"), settings.keys_dir)
