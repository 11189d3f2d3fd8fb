"""A database and keys that replace those of a managed server.

They are loaded under another name first. Before the mark is written, the old database and keys are untouched, and the
new ones can be discarded. After that the change only goes forward: the next start finishes what a power cut
interrupted.
"""

import shutil

from graphsvc.files import write_atomically
from graphsvc.server.home import Home

RESTORED = "restored"
"""Name under which a database is loaded that is to take the place of another."""
STAGED = ".restored"
"""Directory next to the keys with those that will replace them."""
NOT_KEPT = frozenset(("neo4j-password", "initial-password.args"))
"""Files among the keys that belong to this server's user and stay with it."""
_NAMES = ".names"
_FOLDERS = ("databases", "transactions")


def list_key_files(home: Home) -> list[str]:
    """List the files with the installation's keys, and the files kept with them; names, sorted."""
    if not home.keys.is_dir():
        return []
    return sorted(
        path.name
        for path in home.keys.iterdir()
        if path.is_file() and path.name[0] != "." and path.suffix != ".lock" and path.name not in NOT_KEPT
    )


def is_prepared(home: Home) -> bool:
    """Return whether a database was loaded under `RESTORED` and is still there."""
    return (home.root / "data" / _FOLDERS[0] / RESTORED).is_dir()


def begin_adoption(home: Home, database: str) -> None:
    """Replace `database` by the one under `RESTORED`, and the keys by the staged ones."""
    write_atomically(home.adopting, database + "\n")
    finish_adoption(home)


def finish_adoption(home: Home) -> bool:
    """Finish a change that was begun, or discard what was only prepared. Return whether one had been begun."""
    try:
        database = home.adopting.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        discard_staged(home)
        return False
    for folder in _FOLDERS:
        fresh = home.root / "data" / folder / RESTORED
        if fresh.is_dir():
            old = fresh.with_name(database)
            # A rename onto a directory that is not empty fails, so the old one goes first. The mark makes the
            # next start repeat this.
            if old.is_dir():
                shutil.rmtree(old)
            fresh.rename(old)
    take_keys(home)
    home.adopting.unlink()
    return True


def stage_keys(home: Home, keys: dict[str, bytes]) -> None:
    """Write key files, by name, next to the keys that they will replace."""
    staged = home.keys / STAGED
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700, parents=True)
    for name, content in keys.items():
        write_atomically(staged / name, content)
    # The list comes last: without it the staged keys are incomplete and are ignored.
    write_atomically(staged / _NAMES, "\n".join(keys).encode())


def take_keys(home: Home) -> None:
    """Replace the keys by the staged ones, each file atomically. Keys that are not staged are removed."""
    staged = home.keys / STAGED
    if (staged / _NAMES).is_file():
        names = (staged / _NAMES).read_text(encoding="utf-8").split("\n")
        for name in names:
            if (staged / name).is_file():
                (staged / name).replace(home.keys / name)
        for name in list_key_files(home):
            if name not in names:
                (home.keys / name).unlink()
        (staged / _NAMES).unlink()
    shutil.rmtree(staged, ignore_errors=True)


def discard_staged(home: Home) -> None:
    """Remove a prepared database and staged keys."""
    for folder in _FOLDERS:
        shutil.rmtree(home.root / "data" / folder / RESTORED, ignore_errors=True)
    shutil.rmtree(home.keys / STAGED, ignore_errors=True)
