"""Which files a bundle has, and the hash of their content."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from graphsvc.errors import BundleError

_SUFFIXES = (".parquet", ".csv", ".ndjson", ".csv.gz", ".ndjson.gz")
_NOT_OURS = {"truth"}  # for evaluation only, never read by a load
_VERSION = b"graphsvc bundle 1"
_CSV_ROW, _NDJSON_ROW, _PACKED = 150, 250, 5
"""Bytes of a record, and how many times smaller compressed text is; about."""


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of a table: where it is, what it is called within the bundle, its suffix and its bytes."""

    table: str
    path: Path
    name: str
    suffix: str
    size: int


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """The files of each table that is there, parts in name order, and what nobody knows."""

    tables: dict[str, tuple[BundleFile, ...]]
    unknown: tuple[str, ...]


def find(path: Path, tables: Sequence[str]) -> BundleFiles:
    """The files of a bundle.

    Raises:
        BundleError: no such directory, it cannot be listed, a table is there in two forms, or the
            table `accounts` is missing.
    """
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
        found: dict[str, tuple[BundleFile, ...]] = {}
        unknown = []
        for entry in entries:
            table, suffix = _split(entry)
            if table in _NOT_OURS and suffix is not None:
                continue
            if table not in tables or suffix is None:
                unknown.append(entry.name)
                continue
            if table in found:
                raise BundleError(
                    f"The table {table} is there twice: {found[table][0].name} and {entry.name}.",
                    "Keep one of them.",
                )
            parts, strange = _parts(table, entry, suffix)
            unknown += strange
            if parts:
                found[table] = parts
    except OSError as error:
        raise BundleError(
            f"The bundle cannot be read, {error.filename}: {error.strerror}.",
            "Give the directory that holds the tables.",
        ) from None
    if "accounts" not in found:
        raise BundleError(
            f"The bundle {path} has no table accounts.",
            "Add accounts.parquet, accounts.csv or accounts.ndjson (the last two also .gz).",
        )
    ordered = {table: found[table] for table in tables if table in found}
    return BundleFiles(ordered, tuple(unknown))


def _split(entry: Path) -> tuple[str, str | None]:
    """Table and suffix of an entry; a folder has the suffix "", a file nobody knows None."""
    if entry.is_dir():
        return entry.name, ""
    suffix = max((s for s in _SUFFIXES if entry.name.endswith(s)), key=len, default=None)
    return (entry.name.removesuffix(suffix), suffix) if suffix else (entry.name, None)


def _parts(table: str, entry: Path, suffix: str) -> tuple[tuple[BundleFile, ...], list[str]]:
    if suffix:
        return (BundleFile(table, entry, entry.name, suffix, entry.stat().st_size),), []
    parts, strange = [], []
    for part in sorted(entry.iterdir()):
        if part.name.startswith((".", "_")):
            continue
        name, kind = f"{entry.name}/{part.name}", _split(part)[1]
        if kind:
            parts.append(BundleFile(table, part, name, kind, part.stat().st_size))
        else:
            strange.append(name)
    return tuple(parts), strange


def rows_of(parts: Sequence[BundleFile]) -> int:
    """About how many records files have: Parquet says it, of text it follows from the size."""
    return sum(_rows(part) for part in parts)


def _rows(part: BundleFile) -> int:
    if part.suffix == ".parquet":
        try:
            return int(pa_parquet.read_metadata(part.path).num_rows)
        except (pa.ArrowException, OSError):
            return 0  # whoever reads it says what is wrong
    size = part.size * _PACKED if part.suffix.endswith(".gz") else part.size
    return size // (_CSV_ROW if part.suffix.startswith(".csv") else _NDJSON_ROW)


def content_hash(files: BundleFiles, key_id: str) -> str:
    """SHA-256 over the tables' content in their order and the id of the token key, as hex.

    The key belongs to it because the same files under another key are another graph.

    Raises:
        BundleError: a file cannot be read.
    """
    whole = hashlib.sha256(_VERSION + b"\0" + key_id.encode())
    for parts in files.tables.values():
        for part in parts:
            whole.update(f"\0{part.table}\0{part.suffix}\0".encode())
            try:
                with part.path.open("rb") as file:
                    whole.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise BundleError(
                    f"{part.name} cannot be read: {error.strerror}.", "Check the file and its rights."
                ) from None
    return whole.hexdigest()
