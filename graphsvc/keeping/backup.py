"""Backups: a dump of the managed database, and the installation's keys, in one sealed file.

The file has two contents: a tar archive with a manifest and the key files, and the dump. A restore checks the entire
file before it changes anything, loads the database under another name, and then replaces database and keys together
(`server.adoption`). A backup has no derived or local data: snapshots of runs, dead letters, logs, the password of the
managed server.
"""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from pydantic import SecretStr

from graphsvc import server
from graphsvc.database import open_store
from graphsvc.errors import BackupError
from graphsvc.files import lock_in_turn
from graphsvc.keeping import sealed_v1
from graphsvc.keeping.sealed import Opener, Sealer, build_damage, open_sealed, seal_file
from graphsvc.model.audit import LogCheck
from graphsvc.server.adoption import RESTORED, list_key_files, stage_keys, take_keys
from graphsvc.server.home import Home, map_disk_errors, require_room
from graphsvc.settings import Settings
from graphsvc.signing import load_or_create_signer
from graphsvc.store.audit_log import verify_log
from graphsvc.store.loads import find_occupant
from graphsvc.types import Report, ignore_report

_INSTALLATION, _DUMP = "installation.tar", "database.dump"
_MANIFEST, _KEYS = "manifest.json", "keys/"
_LARGEST_KEY_FILE, _LARGEST_INSTALLATION = 16 << 20, 64 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """The content of a backup.

    `made`: when (ISO 8601, UTC), by version `graphsvc`. `keys`: content of key files by name. `dump`: path of
    the extracted dump; None: there is none.
    """

    made: str
    graphsvc: str
    keys: dict[str, bytes] = field(repr=False)
    dump: Path | None


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored backup. `audit`: the check of the restored database's log; None without a database."""

    backup: Backup
    audit: LogCheck | None


def write_backup(
    settings: Settings, out: Path, passphrase: SecretStr, *, keys_only: bool, say: Report = ignore_report
) -> None:
    """Write a backup to the new file `out`. The managed server is stopped while its database is dumped.

    Raises:
        BackupError: there is nothing to back up, the database is your own, or the file cannot be written.
        ServerError: the database could not be dumped, or the server not be started again.
    """
    home = Home.from_settings(settings)
    if not settings.managed and not keys_only:
        raise BackupError(
            "GRAPHSVC_NEO4J_URI names a Neo4j of your own, which graphsvc cannot dump.",
            "Back it up with its own tool (`neo4j-admin database backup` or `dump`, or your provider's), and the keys "
            "of this installation with `graphsvc backup --keys-only`.",
        )
    if not list_key_files(home) and not (settings.managed and server.has_database(settings)):
        raise BackupError("There is nothing to back up here.", "Check GRAPHSVC_DATA_DIR.")
    with _open_workshop(settings) as directory, seal_file(out, passphrase) as file:
        if keys_only or not server.has_database(settings):
            keys, dump = _read_keys(home), None
        else:
            keys, dump = _dump_database(settings, home, directory, say)
        _write_archive(file, keys, dump)


def restore_backup(
    settings: Settings, path: Path, passphrase: SecretStr, *, force: bool, say: Report = ignore_report
) -> Restored:
    """Restore a backup into this installation, which must be empty unless `force`.

    If it is killed before all is prepared, the present data stay. After that, the next start of the server
    finishes it.

    Raises:
        BackupError: wrong passphrase, damaged file, not empty, or a database that is your own; nothing was
            changed.
        ServerError: the database could not be loaded; nothing was changed.
    """
    home = Home.from_settings(settings)
    with _open_workshop(settings) as directory:
        backup = _read_backup(path, passphrase, directory)
        if backup.dump is not None and not settings.managed:
            raise BackupError(
                "This backup holds a database, and GRAPHSVC_NEO4J_URI names one of your own.",
                "Restore it without GRAPHSVC_NEO4J_URI; into your own Neo4j, load its own tool's backup.",
            )
        # After the archive was read to its end: a damaged backup is reported before anything else is asked.
        if not force:
            _require_empty(settings, home, say)
        if backup.dump is None:
            stage_keys(home, backup.keys)
            take_keys(home)
            return Restored(backup, None)
        server.stop_server(settings, say)
        say("loading the database of the backup")
        server.run_admin(
            settings, "database", "load", RESTORED, f"--from-path={backup.dump.parent}",
            "--overwrite-destination=true", replaces=RESTORED,
        )  # fmt: skip
        server.adopt_database(settings, backup.keys, say)
    # These snapshots, and the score index, belong to the database that was replaced.
    for directory in (settings.runs_dir, settings.score_dir):
        shutil.rmtree(directory, ignore_errors=True)
    with open_store(settings, say) as store:
        return Restored(backup, verify_log(store, load_or_create_signer(settings)))


def _dump_database(
    settings: Settings, home: Home, directory: Path, say: Report
) -> tuple[dict[str, bytes], Path]:
    """Dump the database while its server is stopped, and read the keys. The server runs again as before."""
    database = settings.local_database
    size = sum(each.stat().st_size for each in (home.root / "data/databases" / database).rglob("*"))
    # A dump is compressed, so the size of the store is an upper bound.
    require_room(directory, size, "GRAPHSVC_DATA_DIR")
    ran = server.stop_server(settings, say)
    try:
        say("dumping the database" + (", its server is stopped meanwhile" if ran else ""))
        server.run_admin(settings, "database", "dump", database, f"--to-path={directory}")
        return _read_keys(home), directory / f"{database}.dump"
    finally:
        if ran:
            server.ensure_running(settings, say)


def _require_empty(settings: Settings, home: Home, say: Report) -> None:
    found = [f"the key file {name}" for name in list_key_files(home)[:1]]
    if not found and settings.managed and server.has_database(settings):
        with open_store(settings, say) as store:
            occupied = find_occupant(store)
            found = [f":{occupied} nodes"] if occupied else []
    if found:
        raise BackupError(
            f"This installation is not empty: it has {found[0]}. Nothing was changed.",
            "Set GRAPHSVC_DATA_DIR to a fresh directory, or replace what is there with --force.",
        )


def _write_archive(file: Sealer, keys: dict[str, bytes], dump: Path | None) -> None:
    manifest = {
        "graphsvc": version("graphsvc"),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": dump is not None,
    }
    content = io.BytesIO()
    with tarfile.open(mode="w", fileobj=content) as archive:
        for name, text in {
            _MANIFEST: json.dumps(manifest).encode(),
            **{_KEYS + name: text for name, text in keys.items()},
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    content.seek(0)
    file.add_content(_INSTALLATION, content)
    if dump is not None:
        with dump.open("rb") as stored:
            file.add_content(_DUMP, stored)


def _read_backup(path: Path, passphrase: SecretStr, directory: Path) -> Backup:
    """Read a backup to its end. Its database goes into `directory`, under the name that loading needs."""
    dump = directory / f"{RESTORED}.dump"
    try:
        with path.open("rb") as file:
            if sealed_v1.is_first_format(file):
                return _read_first_format(file, passphrase, dump)
            with open_sealed(file, passphrase) as sealed:
                return _read_contents(sealed, dump)
    except tarfile.TarError:
        raise build_damage() from None
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.", "Check its name and owner.") from None


def _read_contents(sealed: Opener, dump: Path) -> Backup:
    content = io.BytesIO()
    sealed.extract_content(_INSTALLATION, content, _LARGEST_INSTALLATION)
    content.seek(0)
    with tarfile.open(mode="r:", fileobj=content) as archive:
        manifest, keys = _read_entries(archive, dump)
    # The manifest is sealed, the list of contents is not: a content that was taken out is missing here.
    if sealed.list_contents() != [_INSTALLATION, *([_DUMP] if manifest["database"] else [])]:
        raise build_damage()
    if manifest["database"]:
        with dump.open("xb") as laid:
            sealed.extract_content(_DUMP, laid)
    return _build_backup(manifest, keys, dump)


def _read_first_format(file: BinaryIO, passphrase: SecretStr, dump: Path) -> Backup:
    """Read a backup of the first format: one sealed tar archive, with the dump as its last entry."""
    opener = sealed_v1.Opener(file, passphrase)
    with tarfile.open(mode="r|", fileobj=cast(IO[bytes], opener)) as archive:
        manifest, keys = _read_entries(archive, dump)
    # Only the last chunk proves that the file was not cut off.
    opener.finish()
    return _build_backup(manifest, keys, dump)


def _build_backup(manifest: dict[str, Any], keys: dict[str, bytes], dump: Path) -> Backup:
    return Backup(manifest["made"], manifest["graphsvc"], keys, dump if manifest["database"] else None)


def _read_entries(archive: tarfile.TarFile, dump: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read manifest and keys. Write the dump, which the first format has here too, into the file `dump`."""
    manifest: dict[str, Any] = {}
    keys: dict[str, bytes] = {}
    for entry in archive:
        content = archive.extractfile(entry)
        name = entry.name.removeprefix(_KEYS)
        if content is None:
            raise _build_unknown_error(entry.name)
        if entry.name == _MANIFEST:
            manifest = json.loads(content.read())
        elif entry.name == _DUMP:
            with dump.open("xb") as laid:
                shutil.copyfileobj(content, laid)
        # A name with a path could write outside of the directory of keys.
        elif name != entry.name and name == Path(name).name and entry.size <= _LARGEST_KEY_FILE:
            keys[name] = content.read()
        else:
            raise _build_unknown_error(entry.name)
    return manifest, keys


def _build_unknown_error(name: str) -> BackupError:
    return BackupError(
        f"The backup holds {name!r}, which this version does not know.", "Use the version that made it."
    )


def _read_keys(home: Home) -> dict[str, bytes]:
    return {name: (home.keys / name).read_bytes() for name in list_key_files(home)}


@contextmanager
def _open_workshop(settings: Settings) -> Iterator[Path]:
    """Yield a private directory, locked against others. Remove what a killed process left in it."""
    with (
        map_disk_errors(settings.data_dir, "GRAPHSVC_DATA_DIR"),
        lock_in_turn(settings.data_dir / "backup.lock"),
    ):
        directory = settings.data_dir.resolve() / "backup.tmp"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(mode=0o700)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)
