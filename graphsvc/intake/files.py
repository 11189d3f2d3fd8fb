"""The files of a bundle: the table of each, and the hash of their content."""

import difflib
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from graphsvc.errors import BundleError
from graphsvc.intake.column_map import ColumnMap

FORMS = {".csv": ".csv", ".ndjson": ".ndjson", ".jsonl": ".ndjson", ".json": ".json", ".parquet": ".parquet"}
"""How each form is called on its own; text may be compressed."""
_SUFFIXES = {**FORMS, **{f"{name}.gz": f"{form}.gz" for name, form in FORMS.items() if name != ".parquet"}}
_NOT_OURS = {"truth"}  # for evaluation only, never read by a load
_VERSION = b"graphsvc bundle 1"
_CSV_ROW, _NDJSON_ROW, _PACKED = 150, 250, 5
"""Bytes of a record, and how many times smaller compressed text is; about."""
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_NEAR = 0.75
"""How alike two names are (difflib's ratio) before one is suggested for the other; `prompt` and `prompts` are 0.92."""


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of a table: where it is, what it is called within the bundle, its form and its bytes.

    `path` may be an object in a store that behaves like a path (`upath.UPath`). `fixed`: columns whose value the names
    of its folders say (`kind=card/`), with the value, None for null. `rows`: reads a part that is no file, as Arrow
    tables of bounded size; then `path` and `size` mean nothing. `is_stream`: the rows are messages of a topic; each is
    judged by itself, and two that are equal are two.
    """

    table: str
    path: Path
    name: str
    suffix: str
    size: int
    fixed: tuple[tuple[str, str | None], ...] = ()
    rows: Callable[[], Iterator[pa.Table]] | None = None
    is_stream: bool = False

    @property
    def is_json(self) -> bool:
        """Return whether its records are JSON objects."""
        return "json" in self.suffix


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """The files of each table that is there, parts in name order, and those that are not read.

    `hints`: for each file that is not read, what it may have been meant as, or None. `others`: those of them that are
    of a form that can be read, with their own name for a table.
    """

    tables: dict[str, tuple[BundleFile, ...]]
    unknown: tuple[str, ...] = ()
    hints: tuple[str | None, ...] = ()
    others: tuple[BundleFile, ...] = ()


def suggest_name(name: str, candidates: Collection[str]) -> str | None:
    """Return the candidate that `name` was most likely meant as, if one is near."""
    folded = {candidate.strip().lower(): candidate for candidate in candidates}
    near = difflib.get_close_matches(name.strip().lower(), folded, 1, _NEAR)
    return folded[near[0]] if near else None


def find_files(
    path: Path, tables: Sequence[str], names: ColumnMap | None = None, *, partial: bool = False
) -> BundleFiles:
    """Find the files of a bundle. Names are compared without case.

    Args:
        path: the directory.
        tables: of the contract.
        names: what the bundle calls them; None: as the contract does.
        partial: whether the table `accounts` may be missing.

    Raises:
        BundleError: no such directory, it cannot be listed, a table is there in two forms, or the table
            `accounts` is missing.
    """
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
        found: dict[str, tuple[BundleFile, ...]] = {}
        unknown: list[tuple[str, str | None]] = []
        others: list[BundleFile] = []
        for entry in entries:
            table, suffix = split_name(entry)
            table = names.find_table(table) if names else table
            if table in _NOT_OURS and suffix is not None:
                continue
            if table not in tables or suffix is None:
                unknown.append((entry.name, _suggest_file(entry, table, suffix, tables)))
                others += _list_parts(table, entry, suffix)[0] if suffix is not None else ()
                continue
            if table in found:
                raise BundleError(
                    f"The table {table} is there twice: {found[table][0].name} and {entry.name}.",
                    "Keep one of them.",
                )
            parts, strange = _list_parts(table, entry, suffix)
            unknown += [(name, None) for name in strange]
            if parts:
                found[table] = parts
    except OSError as error:
        raise BundleError(
            f"The bundle cannot be read, {error.filename or path}: {error.strerror or type(error).__name__}.",
            "Give the directory that holds the tables.",
        ) from None
    if "accounts" not in found and not partial:
        near = [f"{name} is not read; did you mean {hint}?" for name, hint in unknown if hint]
        raise BundleError(
            f"The bundle {path} has no table accounts.",
            " ".join([*near, "Add accounts.parquet, .csv, .ndjson, .jsonl or .json (text also .gz)."]),
        )
    ordered = {table: found[table] for table in tables if table in found}
    return BundleFiles(
        ordered, tuple(name for name, _ in unknown), tuple(hint for _, hint in unknown), tuple(others)
    )


def split_name(entry: Path) -> tuple[str, str | None]:
    """Return table and form of an entry. A folder has the form "", an unknown file None."""
    name = entry.name.lower()
    if entry.is_dir():
        return name, ""
    suffix = max((s for s in _SUFFIXES if name.endswith(s)), key=len, default=None)
    return (name.removesuffix(suffix), _SUFFIXES[suffix]) if suffix else (name, None)


def _suggest_file(entry: Path, stem: str, suffix: str | None, tables: Sequence[str]) -> str | None:
    """Return what a file that is not read was most likely meant as."""
    if suffix is not None:
        near = suggest_name(stem, tables)
        if near is not None:
            return near + ("/" if suffix == "" else suffix)
        sharded = next(
            (table for table in tables if stem.startswith((f"{table}-", f"{table}_", f"{table}."))), None
        )
        return f"{sharded}/{entry.name}" if sharded and suffix else None
    table, _, rest = stem.partition(".")
    near = suggest_name(table, tables)
    if near is None:
        return None
    if rest.removesuffix(".gz") in ("tsv", "txt", "tab", "psv", "xls", "xlsx", "ods", ""):
        return f"{near}.csv"
    return f"{near}.ndjson" if "json" in rest else f"{near}.parquet"


def _list_parts(table: str, entry: Path, suffix: str) -> tuple[tuple[BundleFile, ...], list[str]]:
    if suffix:
        return (BundleFile(table, entry, entry.name, suffix, entry.stat().st_size),), []
    parts: list[BundleFile] = []
    strange: list[str] = []
    for part, name, fixed in _walk_folder(entry, entry.name, ()):
        kind = split_name(part)[1]
        if kind:
            parts.append(BundleFile(table, part, name, kind, part.stat().st_size, fixed))
        else:
            strange.append(name)
    return tuple(parts), strange


def _walk_folder(
    folder: Path, name: str, fixed: tuple[tuple[str, str | None], ...]
) -> Iterator[tuple[Path, str, tuple[tuple[str, str | None], ...]]]:
    """Yield the files below the folder of a table, sorted by name, with the columns that folder names give.

    Raises:
        BundleError: the folder is a table of a format with a log of its valid files.
    """
    # Directories list in any order, and the hash of the content depends on that of the parts.
    entries = sorted(folder.iterdir())
    names = {each.name for each in entries}
    if "_delta_log" in names or {"metadata", "data"} <= names:
        form = "Delta Lake" if "_delta_log" in names else "Iceberg"
        raise BundleError(
            f"{name} is a {form} table, whose folder also holds files that no longer count.",
            "Export it as plain Parquet files.",
        )
    for each in entries:
        # Spark and Hive write markers such as _SUCCESS, which are no data.
        if each.name.startswith((".", "_")):
            continue
        if not each.is_dir():
            yield each, f"{name}/{each.name}", fixed
            continue
        key, equals, value = each.name.partition("=")
        said = (*fixed, (unquote(key), None if value == _HIVE_NULL else unquote(value))) if equals else fixed
        yield from _walk_folder(each, f"{name}/{each.name}", said)


def estimate_rows(parts: Sequence[BundleFile]) -> int:
    """Estimate the number of records: Parquet states it, for text it follows from the size."""
    return sum(_estimate_file_rows(part) for part in parts)


def open_binary(path: Path) -> BinaryIO:
    """Open a file or an object of a store for reading.

    Raises:
        OSError: it cannot be opened.
    """
    return path.open("rb")


def _estimate_file_rows(part: BundleFile) -> int:
    if part.rows is not None:
        return 0  # not known before the last row
    if part.suffix == ".parquet":
        try:
            with open_binary(part.path) as file:
                return int(pa_parquet.read_metadata(file).num_rows)
        except (pa.ArrowException, OSError):
            return 0  # whoever reads it says what is wrong
    size = part.size * _PACKED if part.suffix.endswith(".gz") else part.size
    return size // (_CSV_ROW if part.suffix.startswith(".csv") else _NDJSON_ROW)


def hash_content(files: BundleFiles, key_id: str, options: str = "") -> str:
    """Compute SHA-256, hex, of the tables' content in order, the id of the token key, and `options`.

    The same files under another key, or read with other options, are another graph.

    Raises:
        BundleError: a file cannot be read.
    """
    whole = hashlib.sha256(_VERSION + b"\0" + key_id.encode() + options.encode())
    for parts in files.tables.values():
        for part in parts:
            if part.rows is not None:
                continue  # by its columns, once they are read
            # Names of files do not count: a renamed part is the same data.
            whole.update(f"\0{part.table}\0{part.suffix}\0".encode())
            if part.fixed:
                whole.update(f"{part.fixed}\0".encode())
            try:
                with part.path.open("rb") as file:
                    whole.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as error:
                raise BundleError(
                    f"{part.name} cannot be read: {error.strerror or type(error).__name__}.",
                    "Check the file and its rights.",
                ) from None
    return whole.hexdigest()
