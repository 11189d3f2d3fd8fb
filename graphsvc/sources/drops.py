"""Find what was dropped into a watched folder and is complete.

A folder with tables is complete when it holds `_SUCCESS`, which Spark, Hadoop and most exporters write last. A file is
complete when it has its name: writers write `.name` or `name.tmp` next to it and rename. A rename is atomic only within
one file system and says nothing of several files, so folders need the marker; a copy by `cp` writes under the final
name, so a file also has to look the same twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphsvc.errors import BundleError
from graphsvc.intake.column_map import ColumnMap
from graphsvc.intake.files import BundleFile, BundleFiles, find_files, split_name
from graphsvc.intake.schemas import SCHEMAS

MARKER = "_SUCCESS"
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp")
"""Endings under which programs write what they rename when it is complete."""

State = tuple[tuple[str, int, int], ...]
"""Names, sizes and times of change (ns) of the files of a drop."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A folder with tables, or a file of one table, in a watched folder."""

    path: Path
    state: State

    @property
    def name(self) -> str:
        """Return the name of the folder or file."""
        return self.path.name

    def list_tables(self, names: ColumnMap) -> BundleFiles:
        """List the tables of the drop; any may be missing.

        Raises:
            BundleError: it holds no table.
        """
        if self.path.is_dir():
            files = find_files(self.path, list(SCHEMAS), names, partial=True)
        else:
            files = _list_file(self.path, names)
        if not files.tables:
            raise BundleError(
                f"{self.name} holds no table.",
                f"Name a file for its table, such as sessions.2026-03-01.parquet: {', '.join(SCHEMAS)}.",
            )
        return files


def list_drops(folder: Path) -> list[Drop]:
    """List the folders with a marker and the files in a folder, by name; unfinished ones are left out.

    Raises:
        OSError: it cannot be listed.
    """
    drops = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "_")) or entry.name.lower().endswith(_UNFINISHED):
            continue
        if not entry.is_dir() or (entry / MARKER).exists():
            drops.append(Drop(entry, tuple(_list_state(entry))))
    return drops


def _list_state(entry: Path) -> Iterator[tuple[str, int, int]]:
    files = sorted(path for path in entry.rglob("*") if path.is_file()) if entry.is_dir() else [entry]
    for path in files:
        found = path.stat()
        yield path.relative_to(entry.parent).as_posix(), found.st_size, found.st_mtime_ns


def _list_file(path: Path, names: ColumnMap) -> BundleFiles:
    """List the one table of a file, named by what stands before the first dot, dash or blank: `sessions-0001.csv`."""
    stem, suffix = split_name(path)
    if not suffix:
        return BundleFiles({})
    for length in range(len(stem), 0, -1):
        table = names.find_table(stem[:length])
        # The longest name wins; after it comes no letter, so that `accountsold` is none.
        if table in SCHEMAS and not stem[length : length + 1].isalpha():
            return BundleFiles({table: (BundleFile(table, path, path.name, suffix, path.stat().st_size),)})
    return BundleFiles({})
