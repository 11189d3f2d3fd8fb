"""Cypher statements by name, from `cypher/`. No Python module contains Cypher."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import LiteralString

_HERE = Path(__file__).resolve().parent
# In the wheel the statements lie inside the package, in a checkout next to it.
_ROOT = _HERE / "cypher" if (_HERE / "cypher").is_dir() else _HERE.parent / "cypher"
_FOLDERS: dict[str, Path] = {}
"""Folders of statements outside of `cypher/`, by the first part of their names."""
_PARAMETER = re.compile(r"\$([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One file of `cypher/`: its name (`folder/stem`), header comment and text."""

    name: str
    header: str
    text: LiteralString

    @property
    def parameters(self) -> frozenset[str]:
        """Return the names of the statement's parameters."""
        return frozenset(_PARAMETER.findall(self.text))


def add_folder(folder: str, directory: Path) -> None:
    """Add a folder of statements that the package does not need: of tests, benches or the notebook.

    Then the statement `folder/stem` is the file `stem.cypher` in `directory`. A statement is still a file, and
    nothing is formatted into it.

    Args:
        folder: first part of the names.
        directory: of the files.

    Raises:
        ValueError: the folder is one of `cypher/`, or was added from elsewhere.
    """
    directory = directory.resolve()
    if (list_names(folder) and folder not in _FOLDERS) or _FOLDERS.setdefault(folder, directory) != directory:
        raise ValueError(f"There is a folder {folder} of statements already.")


def list_names(folder: str = "") -> list[str]:
    """Return the names of all statements of `cypher/`, or of those in one folder, sorted."""
    if folder in _FOLDERS:
        return sorted(f"{folder}/{path.stem}" for path in _FOLDERS[folder].glob("*.cypher"))
    root = _ROOT / folder
    return sorted(p.relative_to(_ROOT).with_suffix("").as_posix() for p in root.rglob("*.cypher"))


@cache
def load_statement(name: str) -> Statement:
    """Return the statement `name`, for example `load/accounts`.

    Raises:
        FileNotFoundError: there is no such file; an error in the program, not of its user.
    """
    folder, _, rest = name.partition("/")
    root, file = (_FOLDERS[folder], rest) if folder in _FOLDERS else (_ROOT, name)
    lines = (root / f"{file}.cypher").read_text(encoding="utf-8").splitlines()
    split = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
    header = "\n".join(line.removeprefix("//").strip() for line in lines[:split])
    return Statement(name, header, "\n".join(lines[split:]).strip())


def load_text(name: str) -> LiteralString:
    """Return the text of the statement `name`."""
    return load_statement(name).text


def read_file(name: str) -> str:
    """Return the text of any file of `cypher/`, for example `browser/style.grass`; of a statement with its header."""
    return (_ROOT / name).read_text(encoding="utf-8")
