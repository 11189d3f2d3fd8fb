"""The lock of the managed server: the exact jars that it is made of, as the package holds them."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias

from graphsvc.errors import ServerError

LOCK_FILE = Path(__file__).with_name("neo4j.lock")

Folder: TypeAlias = Literal["lib", "plugins"]
_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One file: its Maven coordinate, where it belongs, its SHA-256 (hex) and its size in bytes."""

    folder: Folder
    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """Return the file name. It contains the group, because two groups have an `annotations` of their own."""
        tail = f"-{self.classifier}" if self.classifier else ""
        return f"{self.group}.{self.artifact}-{self.version}{tail}.jar"

    @property
    def path(self) -> Path:
        """Return the path below the directory of the jars."""
        return Path(self.folder) / self.name

    @property
    def coordinate(self) -> str:
        """Return `group:artifact:version[:classifier]`."""
        return ":".join(part for part in (self.group, self.artifact, self.version, self.classifier) if part)


@dataclass(frozen=True)
class Lock:
    """All jars of the server, sorted."""

    jars: tuple[Jar, ...]

    @cached_property
    def text(self) -> str:
        """Return the lines of the lock file, without its header."""
        return "".join(f"{jar.folder} {jar.coordinate} {jar.sha256} {jar.size}\n" for jar in self.jars)

    @cached_property
    def digest(self) -> str:
        """Return the name of the set of jars: 16 hex digits, equal for equal sets."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def size(self) -> int:
        """Return the size of all jars, in bytes."""
        return sum(jar.size for jar in self.jars)

    def find_version(self, group: str, artifact: str) -> str:
        """Return the version of the artifact `group:artifact`.

        Raises:
            ServerError: the lock does not hold it.
        """
        for jar in self.jars:
            if (jar.group, jar.artifact) == (group, artifact):
                return jar.version
        raise ServerError(f"The lock of the managed Neo4j holds no {group}:{artifact}.", _RENEW)


_RENEW = "Restore graphsvc/server/neo4j.lock, or renew it with `graphsvc neo4j lock`."


def parse_lock(text: str) -> Lock:
    """Parse the text of a lock file.

    Raises:
        ServerError: a line is malformed, or two jars claim one file name.
    """
    jars: list[Jar] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        jar = _parse_jar(line)
        if jar is None:
            raise ServerError(f"Line {number} of the lock of the managed Neo4j is malformed.", _RENEW)
        jars.append(jar)
    # Two jars of one name would overwrite each other, and one digest would never fit.
    if len({jar.name for jar in jars}) != len(jars):
        raise ServerError("The lock of the managed Neo4j names a file twice.", _RENEW)
    # Sorted, so that the digest does not depend on the order of the lines.
    return Lock(tuple(sorted(jars)))


def _parse_jar(line: str) -> Jar | None:
    match line.split(" "):
        case [("lib" | "plugins") as folder, coordinate, sha256, size]:
            parts = coordinate.split(":")
            if (
                len(parts) not in (3, 4)
                # The fields become file names and addresses: no slash, no dots that climb.
                or not all(_FIELD.fullmatch(part) for part in parts)
                or not _SHA256.fullmatch(sha256)
                or not size.isdecimal()
            ):
                return None
            group, artifact, version, classifier = (*parts, "")[:4]
            return Jar(folder, group, artifact, version, classifier, sha256, int(size))
    return None


def read_lock(path: Path = LOCK_FILE) -> Lock:
    """Return the lock that the package holds.

    Raises:
        ServerError: it is missing or malformed.
    """
    try:
        return parse_lock(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ServerError(
            "The lock of the managed Neo4j is missing from this installation.", _RENEW
        ) from None
