"""What a source is, by how a person writes it: a folder, an object store, a database, or a topic."""

from enum import StrEnum
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from graphsvc.errors import SourceError

_OBJECTS = {
    "s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "abfss": "adlfs",
}  # fmt: skip
"""Schemes of object stores, and the package that reads each."""


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
    """Return a folder on disk or in an object store, as a path.

    Raises:
        SourceError: a package is missing, the place is refused or does not answer, or it is no folder.
    """
    if find_kind(source) is SourceKind.FOLDER:
        path = Path(source)
    else:
        package = _OBJECTS[source.partition("://")[0].lower()]
        try:
            from upath import UPath

            place = UPath(source)
            place.fs.protocol  # noqa: B018 - imports the package of the store
            path = cast("Path", place)
        except ImportError:
            raise SourceError(
                f"Reading {strip_secrets(source)} needs packages that are not installed ({package}).",
                'Run: pip install "graphsvc[cloud]"',
            ) from None
    return path
