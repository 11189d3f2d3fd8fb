"""Backups: a dump of the managed database, and the installation's keys, in one sealed file.

A restore checks the entire file before it changes anything, loads the database under another name, and then
replaces database and keys together (`server.adoption`). A backup has no derived or local data: snapshots of
runs, dead letters, logs, the password of the managed server.
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
from typing import IO, Any, cast

from pydantic import SecretStr

from graphsvc import server
from graphsvc.database import open_store
from graphsvc.errors import BackupError
from graphsvc.files import lock_in_turn
from graphsvc.keeping.sealed import Opener, Sealer, open_sealed, seal_file
from graphsvc.model.audit import LogCheck
from graphsvc.server import adoption
from graphsvc.server.files import map_disk_errors, require_room
from graphsvc.server.home import Home
from graphsvc.settings import Settings
from graphsvc.signing import load_or_create_signer
from graphsvc.store.audit_log import verify_log
from graphsvc.types import Report, ignore_report

_MANIFEST, _KEYS, _DUMP = "manifest.json", "keys/", "database.dump"
_LARGEST_KEY_FILE = 16 << 20


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
    if not adoption.list_key_files(home) and not (settings.managed and server.has_database(settings)):
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
        with open_sealed(path, passphrase) as file:
            backup = _read_archive(file, directory)
        if backup.dump is not None and not settings.managed:
            raise BackupError(
                "This backup holds a database, and GRAPHSVC_NEO4J_URI names one of your own.",
                "Restore it without GRAPHSVC_NEO4J_URI; into your own Neo4j, load its own tool's backup.",
            )
        # After the archive was read to its end: a damaged backup is reported before anything else is asked.
        if not force:
            _require_empty(settings, home, say)
        if backup.dump is None:
            adoption.stage_keys(home, backup.keys)
            adoption.take_keys(home)
            return Restored(backup, None)
        server.stop_server(settings, say)
        say("loading the database of the backup")
        server.run_admin(
            settings, "database", "load", adoption.BESIDE, f"--from-path={backup.dump.parent}",
            "--overwrite-destination=true", replaces=adoption.BESIDE,
        )  # fmt: skip
        server.adopt_database(settings, backup.keys, say)
    # These snapshots belong to the database that was replaced.
    shutil.rmtree(settings.runs_dir, ignore_errors=True)
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
    found = [f"the key file {name}" for name in adoption.list_key_files(home)[:1]]
    if not found and settings.managed and server.has_database(settings):
        with open_store(settings, say) as store:
            found = [f":{row['label']} nodes" for row in store.read("load/occupied")]
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
    # A stream that never seeks, since what is sealed cannot be changed afterwards.
    with tarfile.open(mode="w|", fileobj=cast(IO[bytes], file)) as archive:
        for name, content in {
            _MANIFEST: json.dumps(manifest).encode(),
            **{_KEYS + name: content for name, content in keys.items()},
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        if dump is not None:
            archive.add(dump, _DUMP, filter=_remove_owner)


def _read_archive(file: Opener, directory: Path) -> Backup:
    """Read a backup. Its database goes into `directory`, under the name that loading needs."""
    manifest: dict[str, Any] = {}
    keys: dict[str, bytes] = {}
    dump = None
    with tarfile.open(mode="r|", fileobj=cast(IO[bytes], file)) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            name = entry.name.removeprefix(_KEYS)
            if content is None:
                raise _build_unknown_error(entry.name)
            if entry.name == _MANIFEST:
                manifest = json.loads(content.read())
            elif entry.name == _DUMP:
                dump = directory / f"{adoption.BESIDE}.dump"
                with dump.open("xb") as laid:
                    shutil.copyfileobj(content, laid)
            # A name with a path could write outside of the directory of keys.
            elif name != entry.name and name == Path(name).name and entry.size <= _LARGEST_KEY_FILE:
                keys[name] = content.read()
            else:
                raise _build_unknown_error(entry.name)
    # Only the last chunk proves that the file was not cut off.
    file.finish()
    return Backup(manifest["made"], manifest["graphsvc"], keys, dump)


def _build_unknown_error(name: str) -> BackupError:
    return BackupError(
        f"The backup holds {name!r}, which this version does not know.", "Use the version that made it."
    )


def _read_keys(home: Home) -> dict[str, bytes]:
    return {name: (home.keys / name).read_bytes() for name in adoption.list_key_files(home)}


def _remove_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove the owner of a file from its entry."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


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
