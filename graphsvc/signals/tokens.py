"""Keyed tokens in place of personal values: HMAC-SHA256 (RFC 2104), computed at the edge."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import polars as pl

from graphsvc.errors import SettingsError
from graphsvc.settings import Settings

_KEY_BYTES = 32
_DIGEST_BYTES = 21  # 168 bits: 28 characters of base64 without padding
_FILE = "token.key"


class Tokeniser:
    """Turns values of a kind into tokens `keyid.digest`.

    The same value of two kinds yields unrelated tokens, and without the key a token can neither be
    computed nor guessed back. `key_id` tells tokens of different keys apart.
    """

    __slots__ = ("_key", "key_id")

    def __init__(self, key: bytes, key_id: str) -> None:
        if len(key) < _KEY_BYTES:
            raise SettingsError(
                "The token key is shorter than 32 bytes.", "Restore the right key file, or make a new one."
            )
        self._key = key
        self.key_id = key_id

    def __repr__(self) -> str:
        return f"Tokeniser(key_id={self.key_id!r})"

    def column(self, kind: str, values: pl.Series) -> pl.Series:
        """Tokens of a column: HMAC-SHA256 over kind, NUL, value, truncated to 168 bits.

        Args:
            kind: name of the signal kind.
            values: String, any length; null stays null.

        Returns:
            String, same length and name; `keyid.digest` with 28 characters of base64url.
        """
        distinct = values.drop_nulls().unique()
        tokens = self._tokens(kind, distinct)
        return values.replace_strict(distinct, tokens, default=None, return_dtype=pl.String)

    def _tokens(self, kind: str, distinct: pl.Series) -> pl.Series:
        # Key and kind are hashed once and copied; as fast as a value's own hash allows.
        begun = hmac.new(self._key, kind.encode() + b"\0", "sha256")

        def digest(value: bytes) -> bytes:
            mac = begun.copy()
            mac.update(value)
            return mac.digest()[:_DIGEST_BYTES]

        digests = pl.Series([digest(value) for value in distinct.cast(pl.Binary)], dtype=pl.Binary)
        text = digests.bin.encode("base64").str.replace_all("+", "-", literal=True)
        return f"{self.key_id}." + text.str.replace_all("/", "_", literal=True)


def key_id_of(key: bytes) -> str:
    """Eight hex digits that name a key and do not reveal it."""
    return hashlib.sha256(b"graphsvc token key id\0" + key).hexdigest()[:8]


def load_or_create_key(settings: Settings) -> Tokeniser:
    """The tokeniser of this installation; its key is made on first use.

    The key is 32 random bytes, kept as hex in `keys_dir/token.key` (file 0600, directory 0700).
    Losing it makes every later bundle's tokens foreign to those already loaded.

    Raises:
        SettingsError: the key file cannot be read or written, is damaged, or others can read it.
    """
    path = settings.keys_dir / _FILE
    try:
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"The token key {path} can be read by others.", f"Run: chmod 600 {path}")
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise SettingsError(
            f"The token key {path} cannot be used: {error.strerror}.",
            "Check GRAPHSVC_DATA_DIR and its owner.",
        ) from None
    except ValueError:
        raise SettingsError(f"The token key {path} is damaged.", "Restore it from a backup.") from None
    if len(key) != _KEY_BYTES:
        raise SettingsError(f"The token key {path} is damaged.", "Restore it from a backup.")
    return Tokeniser(key, key_id_of(key))


def _create(path: Path) -> None:
    """Write a new key under its final name, unless another process was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f".{_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # never replaces a key that is already there
        except FileExistsError:
            return
    finally:
        draft.unlink()
