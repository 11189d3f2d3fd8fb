"""API keys `id.secret`: created, listed, rotated, revoked in a file, verified without ever storing a secret.

A secret is 256 random bits, so a slow password hash would add nothing; what is stored is its
HMAC-SHA256 under a pepper that lives in a file of its own (a copy of the key file alone is useless).
"""

import errno
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from graphsvc.errors import NotFound, SettingsError
from graphsvc.files import lock_in_turn, write_atomically

KEYS_FILE = "api-keys.json"
PEPPER_FILE = "api-keys.pepper"
_LOCK_FILE = "api-keys.lock"
_PEPPER_BYTES = 32
# A digest that no key has. Comparing with it takes the time of a real comparison.
_NOBODY = hashlib.sha256(b"no such key").hexdigest()


class Role(StrEnum):
    """The rights of a key. Each role includes those before it, but a scorer and a viewer report no outcomes."""

    REPORTER = "reporter"
    SCORER = "scorer"
    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMIN = "admin"

    def includes(self, least: "Role") -> bool:
        """Return whether this role is `least`, or one that has all its rights."""
        # Outcomes change the statuses that detection reads, so who may report them is none that only reads.
        if least is Role.REPORTER and self in (Role.SCORER, Role.VIEWER):
            return False
        order = list(Role)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key as it is kept: `digest` is hex HMAC-SHA256 of `id.secret`, times are ISO 8601 UTC.

    After a rotation `old_digest` is that of the secret before, which is taken until `old_until`.
    """

    id: str
    role: Role
    name: str
    created: str
    digest: str
    revoked: str | None = None
    expires: str | None = None
    rotated: str | None = None
    old_digest: str | None = None
    old_until: str | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < datetime.fromisoformat(self.expires))


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a request, without any secret.

    `id` is that of the key, or the subject of a person's token. `name` stands in the audit log and in
    decisions.
    """

    id: str
    role: Role
    name: str


def generate_id() -> str:
    """Return an id for a key that is made later."""
    return secrets.token_hex(6)


def create_key(
    directory: Path, role: Role, name: str = "", lasts: timedelta | None = None, key_id: str | None = None
) -> str:
    """Add a key and return it as `id.secret`, the only time the secret is visible.

    Args:
        directory: of the keys.
        role: its rights.
        name: to tell keys apart.
        lasts: how long it is valid; None: until it is revoked.
        key_id: from `generate_id`, if the id must be known before.
    """
    key_id = key_id or generate_id()
    with _lock_keys(directory):
        secret, digest = _make_secret(directory, key_id)
        expires = _format_time(lasts) if lasts is not None else None
        key = ApiKey(key_id, role, name, _format_time(), digest, expires=expires)
        write_atomically(directory / KEYS_FILE, _encode_keys([*read_keys(directory), key]))
    return f"{key_id}.{secret}"


def rotate_key(
    directory: Path, key_id: str, grace: timedelta = timedelta(0), lasts: timedelta | None = None
) -> str:
    """Give a key a new secret and return it as `id.secret`. Its id, role and name stay.

    Args:
        directory: of the keys.
        key_id: of the key.
        grace: how long the old secret stays valid.
        lasts: how long the key is valid from now on; None: as long as before.

    Raises:
        NotFound: there is no valid key of this id.
    """
    with _lock_keys(directory):
        key = find_valid_key(directory, key_id)
        secret, digest = _make_secret(directory, key_id)
        expires = _format_time(lasts) if lasts is not None else key.expires
        until = _format_time(grace)
        _replace_key(
            directory,
            replace(
                key,
                digest=digest,
                expires=expires,
                rotated=_format_time(),
                old_digest=key.digest,
                old_until=until,
            ),
        )
    return f"{key_id}.{secret}"


def revoke_key(directory: Path, key_id: str) -> ApiKey:
    """Revoke a key for good, and return it. Revoking it again changes nothing.

    Raises:
        NotFound: there is no key of this id.
    """
    with _lock_keys(directory):
        key = find_key(directory, key_id)
        if key.revoked is None:
            key = replace(key, revoked=_format_time())
            _replace_key(directory, key)
    return key


def read_keys(directory: Path) -> list[ApiKey]:
    """Return all keys in order of creation, including revoked ones; none if there is no file yet.

    Raises:
        SettingsError: the file exists and cannot be read.
    """
    try:
        rows = json.loads((directory / KEYS_FILE).read_text(encoding="utf-8"))
        keys = [_parse_row(row) for row in rows]
        # A time without a zone would fail later, when it is compared with now, at each request.
        for moment in (each for key in keys for each in (key.expires, key.old_until) if each is not None):
            if datetime.fromisoformat(moment).tzinfo is None:
                raise ValueError("a time without its zone")
        return keys
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingsError(
            f"The file of API keys cannot be read ({type(error).__name__}).",
            f"Restore {KEYS_FILE} in the directory of keys, or delete it and create new keys.",
        ) from None


def find_key(directory: Path, key_id: str) -> ApiKey:
    """Return the key of this id, valid or not.

    Raises:
        NotFound: there is none.
    """
    for key in read_keys(directory):
        if key.id == key_id:
            return key
    raise NotFound("There is no API key of this id.", "`graphsvc keys list` shows them.")


class KeyRing:
    """Verifies presented keys against the file; reads it again when it has changed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}
        # Until a key was created there is no pepper; a random one keeps the work of a refusal the same.
        self._pepper = secrets.token_bytes(32)

    def verify_key(self, presented: str) -> Principal | None:
        """Return the principal of `id.secret`, or None.

        An unknown id takes the same work as a wrong secret, so that response times do not reveal ids.

        Raises:
            SettingsError: the file of keys cannot be read.
        """
        self._refresh_keys()
        key_id, _, secret = presented.partition(".")
        key, now = self._keys.get(key_id), datetime.now(UTC)
        digest = _compute_digest(self._pepper, key_id, secret)
        before = _get_old_digest(key, now) if key is not None else _NOBODY
        same = hmac.compare_digest(digest, key.digest if key is not None else _NOBODY)
        # `|=` does not short-circuit: both comparisons always run.
        same |= hmac.compare_digest(digest, before)
        if key is None or not same or not key.is_valid(now):
            return None
        return Principal(key.id, key.role, f"{key.name or 'key'} ({key.id})")

    def _refresh_keys(self) -> None:
        try:
            stat = (self.directory / KEYS_FILE).stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return
        # A replaced file has another inode, so two changes within one tick of the clock are both seen.
        seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        if seen == self._seen:
            return
        keys = read_keys(self.directory)
        # Together with the keys: the pepper is made with the first key, and a restore replaces both.
        self._pepper = _read_pepper(self.directory)
        self._keys = {key.id: key for key in keys}
        # Last: if reading failed, the next request tries again instead of using half of it.
        self._seen = seen


def _get_old_digest(key: ApiKey, now: datetime) -> str:
    """Return the digest of the secret before the last rotation, while that is valid."""
    if key.old_digest is None or key.old_until is None or now >= datetime.fromisoformat(key.old_until):
        return _NOBODY
    return key.old_digest


def _compute_digest(pepper: bytes, key_id: str, secret: str) -> str:
    return hmac.digest(pepper, f"{key_id}.{secret}".encode("utf-8", "surrogateescape"), "sha256").hex()


def _load_pepper(directory: Path) -> bytes:
    """Return the pepper, made with the first key.

    Raises:
        SettingsError: it is damaged, or gone while there are keys; a new one would make all of them invalid.
    """
    path = directory / PEPPER_FILE
    # With keys and without a pepper something was lost. A new one would turn that into silence.
    if not path.exists() and not read_keys(directory):
        pepper = secrets.token_bytes(_PEPPER_BYTES)
        write_atomically(path, f"{pepper.hex()} {_compute_checksum(pepper)}\n".encode())
    return _read_pepper(directory)


def _read_pepper(directory: Path) -> bytes:
    """Return the pepper of a file: hex and a checksum, or 32 bytes as they were written before.

    Raises:
        SettingsError: it is gone, empty, cut off or changed.
    """
    path = directory / PEPPER_FILE
    try:
        content = path.read_bytes()
        if (
            len(content) == _PEPPER_BYTES and not content.isalnum()
        ):  # hex that was cut off is letters and digits
            return content
        text, _, checksum = content.decode("ascii").strip().partition(" ")
        pepper = bytes.fromhex(text)
        if len(pepper) != _PEPPER_BYTES or checksum != _compute_checksum(pepper):
            raise ValueError("cut off or changed")
    except OSError as error:
        why = error.strerror or type(error).__name__
    except ValueError:
        why = f"it holds {len(content)} bytes that are no pepper" if content else "it is empty"
    else:
        return pepper
    raise SettingsError(
        f"The pepper of the API keys {path} cannot be used: {why}.",
        f"Restore it from a backup: without it no key is valid. If it is lost, delete it and {KEYS_FILE}, "
        "then create new keys.",
    ) from None


def _compute_checksum(pepper: bytes) -> str:
    """Return a short digest that tells whether the pepper is as it was written."""
    return hashlib.sha256(b"graphsvc pepper\0" + pepper).hexdigest()[:16]


def _encode_keys(keys: list[ApiKey]) -> bytes:
    rows = [{**asdict(key), "check": _compute_row_checksum(key)} for key in keys]
    return (json.dumps(rows, indent=1) + "\n").encode()


def _parse_row(row: dict[str, str | None]) -> ApiKey:
    """Return the key of a row of the file. Rows of earlier versions have no checksum.

    Raises:
        ValueError, TypeError, KeyError: the row is not what was written.
    """
    fields = dict(row)
    checksum = fields.pop("check", None)
    key = ApiKey(**{**fields, "role": Role(fields["role"])})  # type: ignore[arg-type]
    if checksum is not None and checksum != _compute_row_checksum(key):
        raise ValueError("changed")
    return key


def _compute_row_checksum(key: ApiKey) -> str:
    """Return a short digest that tells whether a key's row is as it was written."""
    content = json.dumps(asdict(key), sort_keys=True)
    return hashlib.sha256(f"graphsvc API key\0{content}".encode()).hexdigest()[:16]


def find_valid_key(directory: Path, key_id: str) -> ApiKey:
    """Return the key of this id.

    Raises:
        NotFound: there is none, or it is revoked or expired.
    """
    key = find_key(directory, key_id)
    if not key.is_valid(datetime.now(UTC)):
        raise NotFound("This API key is revoked or expired.", "Create a new one.")
    return key


def _make_secret(directory: Path, key_id: str) -> tuple[str, str]:
    """Make a secret for `key_id`, and return it with its digest."""
    secret = secrets.token_urlsafe(32)
    return secret, _compute_digest(_load_pepper(directory), key_id, secret)


def _replace_key(directory: Path, changed: ApiKey) -> None:
    keys = [changed if key.id == changed.id else key for key in read_keys(directory)]
    write_atomically(directory / KEYS_FILE, _encode_keys(keys))


def _format_time(later: timedelta = timedelta(0)) -> str:
    """Return the time `later` from now as ISO 8601."""
    return (datetime.now(UTC) + later).isoformat(timespec="seconds")


@contextmanager
def _lock_keys(directory: Path) -> Iterator[None]:
    """Hold the lock that keeps two commands from losing each other's change.

    Raises:
        SettingsError: the directory cannot be written; the keys are unchanged.
    """
    try:
        with lock_in_turn(directory / _LOCK_FILE):
            yield
    except OSError as error:
        # A full disk and a foreign directory need different advice.
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise SettingsError(
            f"The directory of keys {directory} cannot be written: {error.strerror or type(error).__name__}. "
            "No key was created or changed.",
            "Make room there, then try again."
            if full
            else "Set GRAPHSVC_DATA_DIR to a directory that is yours.",
        ) from None
