"""Cypher statements by name, from `cypher/`. Python holds no Cypher of its own."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import LiteralString

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE / "cypher" if (_HERE / "cypher").is_dir() else _HERE.parent / "cypher"
_PARAMETER = re.compile(r"\$([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One file of `cypher/`: its name (`folder/stem`), header comment and text."""

    name: str
    header: str
    text: LiteralString

    @property
    def parameters(self) -> frozenset[str]:
        """Return names of the parameters the statement uses."""
        return frozenset(_PARAMETER.findall(self.text))


def list_names(folder: str = "") -> list[str]:
    """Return names of all statements, or of those in one folder, sorted."""
    root = _ROOT / folder
    return sorted(p.relative_to(_ROOT).with_suffix("").as_posix() for p in root.rglob("*.cypher"))


@cache
def load_statement(name: str) -> Statement:
    """Return the statement `name`, for example `load/accounts`.

    Raises:
        FileNotFoundError: no such file; a mistake in the program, not of its user.
    """
    lines = (_ROOT / f"{name}.cypher").read_text(encoding="utf-8").splitlines()
    split = next((i for i, line in enumerate(lines) if not line.startswith("//")), len(lines))
    header = "\n".join(line.removeprefix("//").strip() for line in lines[:split])
    return Statement(name, header, "\n".join(lines[split:]).strip())


def load_text(name: str) -> LiteralString:
    """Return text of the statement `name`."""
    return load_statement(name).text


def read_file(name: str) -> str:
    """Another file of `cypher/`, or a statement with its header, as it is; for example `browser/style.grass`."""
    return (_ROOT / name).read_text(encoding="utf-8")
