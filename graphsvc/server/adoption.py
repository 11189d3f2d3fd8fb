"""A database that was loaded beside the one in use takes its place, with the keys that belong to it.

From the mark on there is no way back, only forward: whoever starts the server next goes on where a power cut ended it.
Until then the old database and keys are untouched, and what was prepared is thrown away.
"""

import shutil

from graphsvc.privatefile import replace_atomically
from graphsvc.server.files import write_atomically
from graphsvc.server.home import Home

BESIDE = "restored"
"""Name under which a database is loaded that is to take the place of another."""
STAGED = ".restored"
"""Directory beside the keys with those that are to take their place."""
NOT_KEPT = frozenset(("neo4j-password", "initial-password.args"))
"""Files among the keys that belong to this server's user and stay with it."""
_NAMES = ".names"
_FOLDERS = ("databases", "transactions")


def list_key_files(home: Home) -> list[str]:
    """Return names of the files that hold the installation's keys and what is kept beside them; sorted."""
    if not home.keys.is_dir():
        return []
    return sorted(
        path.name
        for path in home.keys.iterdir()
        if path.is_file() and path.name[0] != "." and path.suffix != ".lock" and path.name not in NOT_KEPT
    )


def is_prepared(home: Home) -> bool:
    """Return whether a database was loaded and nobody has thrown it away since."""
    return (home.root / "data" / _FOLDERS[0] / BESIDE).is_dir()


def begin_adoption(home: Home, database: str) -> None:
    """Put what is loaded as `BESIDE` in the place of `database`, and the staged keys in that of the keys."""
    write_atomically(home.adopting, database + "\n")
    finish_adoption(home)


def finish_adoption(home: Home) -> bool:
    """Finish what was begun; or throws away what was prepared and never begun. Whether something had been begun."""
    try:
        database = home.adopting.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        discard_staged(home)
        return False
    for folder in _FOLDERS:
        fresh = home.root / "data" / folder / BESIDE
        if fresh.is_dir():
            old = fresh.with_name(database)
            if old.is_dir():
                shutil.rmtree(old)
            fresh.rename(old)
    take_keys(home)
    home.adopting.unlink()
    return True


def stage_keys(home: Home, keys: dict[str, bytes]) -> None:
    """Lay the content of key files, by name, beside the keys whose place they are to take."""
    staged = home.keys / STAGED
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700, parents=True)
    for name, content in keys.items():
        replace_atomically(staged / name, content)
    replace_atomically(staged / _NAMES, "\n".join(keys).encode())


def take_keys(home: Home) -> None:
    """The staged keys become the keys, each file whole; keys that are not among them go."""
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
    """Throw away what was prepared."""
    for folder in _FOLDERS:
        shutil.rmtree(home.root / "data" / folder / BESIDE, ignore_errors=True)
    shutil.rmtree(home.keys / STAGED, ignore_errors=True)
