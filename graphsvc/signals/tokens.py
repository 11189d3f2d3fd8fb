"""Keyed tokens that replace personal values: HMAC-SHA256 (RFC 2104), computed before data leave this process.

One key is current. Earlier keys are kept until they are retired, so that signals with their tokens are still
found.
"""

import base64
import hashlib
from pathlib import Path

import polars as pl

from graphsvc.errors import SettingsError
from graphsvc.files import write_atomically
from graphsvc.keyfile import KEY_BYTES, format_key, load_or_create
from graphsvc.settings import Settings

_DIGEST_BYTES = 21  # 168 bits: 28 characters of base64 without padding
_BLOCK_BYTES = 64  # of SHA-256
_WORD_CHARACTERS = 8  # 48 bits
_KINDS_KEPT = 64  # the declared kinds and some of an exporter's own
_FILE, _OLDER = "token.key", "token-*.key"


class Tokeniser:
    """Turns values of a kind into tokens `keyid.digest`.

    The same value of two kinds yields unrelated tokens, and without the key a token can neither be
    computed nor guessed back. `key_id` tells tokens of different keys apart. `older`: those of earlier keys.
    """

    __slots__ = ("_begun", "_key", "key_id", "older")

    def __init__(self, key: bytes, key_id: str, older: tuple["Tokeniser", ...] = ()) -> None:
        if len(key) < KEY_BYTES:
            raise SettingsError(
                "The token key is shorter than 32 bytes.", "Restore the right key file, or make a new one."
            )
        self._key = key
        self._begun: dict[str, _Hashes] = {}
        self.key_id = key_id
        self.older = older

    def without_older(self) -> "Tokeniser":
        """Return the tokeniser of the current key alone."""
        return Tokeniser(self._key, self.key_id)

    def __repr__(self) -> str:
        return f"Tokeniser(key_id={self.key_id!r})"

    def tokenize_column(self, kind: str, values: pl.Series) -> pl.Series:
        """Return the tokens of a column: HMAC-SHA256 over kind, NUL, value, truncated to 168 bits.

        Args:
            kind: name of the signal kind.
            values: String, any length; null stays null.

        Returns:
            String, same length and name; `keyid.digest` with 28 characters of base64url.
        """
        distinct = values.drop_nulls().unique()
        tokens = self._compute_tokens(kind, distinct)
        return values.replace_strict(distinct, tokens, default=None, return_dtype=pl.String)

    def tokenize_value(self, kind: str, value: str) -> str:
        """Return the token of one value, the same as `tokenize_column` makes of it."""
        begun = self._begun.get(kind)
        if begun is None:
            begun = self._begin_hashes(kind)
            # Kinds come from callers, too: a stream of new ones must not fill memory.
            if len(self._begun) < _KINDS_KEPT:
                self._begun[kind] = begun
        digest = _compute_digest(begun, value.encode())
        return f"{self.key_id}.{base64.urlsafe_b64encode(digest).decode()}"

    def tokenize_words(self, words: pl.Series) -> pl.Series:
        """Return short tokens of words: the same word has the same one, whether of a name or of an e-mail address.

        Args:
            words: String, any length.

        Returns:
            String, same length; 8 characters of base64url. Of a million words two share a token in one case of 500.
        """
        return self.tokenize_column("word", words).str.slice(len(self.key_id) + 1, _WORD_CHARACTERS)

    def _compute_tokens(self, kind: str, distinct: pl.Series) -> pl.Series:
        begun = self._begin_hashes(kind)
        digests = pl.Series(
            [_compute_digest(begun, value) for value in distinct.cast(pl.Binary)], dtype=pl.Binary
        )
        text = pl.col("digest").bin.encode("base64").str.replace_all("+", "-", literal=True)
        token = pl.lit(f"{self.key_id}.") + text.str.replace_all("/", "_", literal=True)
        # One query for all steps: each has a price of its own, which for a small column is most of the work.
        return digests.to_frame("digest").select(token).to_series()

    def _begin_hashes(self, kind: str) -> "_Hashes":
        # The two hashes of RFC 2104, begun with the key once and copied: half the time of copying an `hmac`.
        block = self._key if len(self._key) <= _BLOCK_BYTES else hashlib.sha256(self._key).digest()
        padded = block.ljust(_BLOCK_BYTES, b"\0")
        inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + kind.encode() + b"\0")
        return inner, hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))


_Hashes = tuple["hashlib._Hash", "hashlib._Hash"]


def _compute_digest(begun: _Hashes, value: bytes) -> bytes:
    within, around = begun[0].copy(), begun[1].copy()
    within.update(value)
    around.update(within.digest())
    return around.digest()[:_DIGEST_BYTES]


def compute_key_id(key: bytes) -> str:
    """Return eight hex digits that name a key and do not reveal it."""
    return hashlib.sha256(b"graphsvc token key id\0" + key).hexdigest()[:8]


def load_or_create_key(settings: Settings) -> Tokeniser:
    """Return the tokeniser of this installation; its key is created at first use.

    The key is in `keys_dir/token.key`, earlier ones next to it. Without the key, tokens of later bundles do
    not match those already loaded.

    Raises:
        SettingsError: a key file cannot be read or written, is damaged, or others can read it.
    """
    key = load_or_create(settings.keys_dir / _FILE, "token key")
    older = [load_or_create(path, "earlier token key") for path in sorted(settings.keys_dir.glob(_OLDER))]
    named = {compute_key_id(each): each for each in older if each != key}
    return Tokeniser(key, compute_key_id(key), tuple(Tokeniser(each, name) for name, each in named.items()))


def make_current(settings: Settings, key: bytes) -> None:
    """Make `key` (32 secret bytes) the current one, and keep the one before as an earlier key.

    Raises:
        OSError
    """
    current = settings.keys_dir / _FILE
    before = load_or_create(current, "token key")
    # The old key is kept first, so that no crash can lose it.
    write_atomically(_get_older_path(settings, compute_key_id(before)), format_key(before).encode())
    write_atomically(current, format_key(key).encode())


def remove_older(settings: Settings, key_id: str) -> None:
    """Remove an earlier key for good.

    Raises:
        OSError
    """
    _get_older_path(settings, key_id).unlink()


def _get_older_path(settings: Settings, key_id: str) -> Path:
    return settings.keys_dir / _OLDER.replace("*", key_id)
