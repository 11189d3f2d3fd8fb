"""Recognize a source by how a person writes it: a folder, an object store, a database, or a topic."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from graphsvc.errors import GraphsvcError, SourceError

_OBJECTS = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs",
}  # fmt: skip
"""Schemes of object stores, and the package that reads each."""
_PACKAGES = ("botocore.", "aiobotocore.", "google.", "gcsfs.", "azure.", "adlfs.", "aiohttp.")
"""Packages that read object stores; their errors share no base."""


class SourceKind(StrEnum):
    """Kind of a source."""

    FOLDER = "folder"
    OBJECTS = "object store"
    SQL = "database"
    KAFKA = "topic"


def find_kind(source: str) -> SourceKind:
    """Return what kind of source a person wrote. Any scheme that is no other's is a database's."""
    scheme, colon, _ = source.partition("://")
    if not colon:
        return SourceKind.FOLDER
    scheme = scheme.lower()
    if scheme in _OBJECTS:
        return SourceKind.OBJECTS
    return SourceKind.KAFKA if scheme == "kafka" else SourceKind.SQL


def strip_secrets(source: str) -> str:
    """Return a source's address without user, password and parameters, for messages and as its name."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def open_folder(source: str) -> Path:
    """Return a folder on disk or in an object store, as a path; it need not be there.

    Raises:
        SourceError: the package of the store is missing.
    """
    if find_kind(source) is SourceKind.FOLDER:
        return Path(source)
    package = _OBJECTS[source.partition("://")[0].lower()]
    try:
        from upath import UPath

        place = UPath(source)
        place.fs.protocol  # noqa: B018 - imports the package of the store
    except ImportError:
        raise SourceError(
            f"Reading {strip_secrets(source)} needs packages that are not installed ({package}).",
            "Run: pip install 'graphsvc[cloud]'",
        ) from None
    return cast("Path", place)


def has_folder(path: Path, source: str) -> bool:
    """Return whether a folder is there.

    Raises:
        SourceError: the store does not answer, or refuses.
    """
    if find_kind(source) is SourceKind.FOLDER:
        return path.is_dir()
    with map_store_errors(source, OSError):
        try:
            # Listed, since a store's own question whether it is a folder takes a refusal for a no.
            return any(True for _ in path.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return False


@contextmanager
def map_store_errors(source: str, *others: type[Exception]) -> Iterator[None]:
    """Map errors of the packages that read object stores to ours, by their names alone: texts may hold credentials.

    Args:
        source: as a person wrote it.
        others: further types of errors that can only come from the store.

    Raises:
        SourceError
    """
    try:
        yield
    except Exception as error:
        ours = isinstance(error, GraphsvcError)
        if ours or not (isinstance(error, others) or type(error).__module__.startswith(_PACKAGES)):
            raise
        raise SourceError(
            f"{strip_secrets(source)} cannot be read: {type(error).__name__}.",
            "Check the address, its region or account, and the credentials, which are read as the store's own tools "
            "read them.",
        ) from None
