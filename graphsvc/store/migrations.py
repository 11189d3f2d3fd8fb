"""Apply numbered migrations from `cypher/migrations` once, record them in the database, never reverse them."""

import hashlib
from dataclasses import dataclass

from graphsvc.errors import MigrationError
from graphsvc.statements import list_names, load_statement
from graphsvc.store.connection import Store


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name, statements in order, and the SHA-256 of its text."""

    version: int
    name: str
    statements: tuple[str, ...]
    checksum: str


def list_migrations() -> list[Migration]:
    """List the migrations of this program, in order."""
    found = []
    for path in list_names("migrations"):
        name = path.removeprefix("migrations/")
        text = load_statement(path).text
        parts = tuple(part.strip() for part in text.split(";") if part.strip())
        found.append(
            Migration(int(name.split("_")[0]), name, parts, hashlib.sha256(text.encode()).hexdigest())
        )
    return found


def migrate(store: Store) -> list[str]:
    """Bring the database to this program's schema.

    Safe to kill and to repeat: statements are `IF NOT EXISTS`, and a migration is recorded after it.

    Returns:
        Names of the migrations applied now.

    Raises:
        MigrationError: the database is newer than the program, or was migrated by an altered file.
    """
    ours = {m.version: m for m in list_migrations()}
    theirs = {row["version"]: row["checksum"] for row in store.read("schema/applied")}
    if newer := sorted(set(theirs) - set(ours)):
        raise MigrationError(
            f"This database has schema version {newer[-1]}, this graphsvc only knows {max(ours)}.",
            "Use the newer graphsvc; a schema never goes backwards.",
        )
    if altered := [v for v, checksum in theirs.items() if ours[v].checksum != checksum]:
        raise MigrationError(
            f"Migration {ours[altered[0]].name} was applied from a file with another content.",
            "Restore the file; a change of schema is a new migration.",
        )
    applied = []
    for version in sorted(set(ours) - set(theirs)):
        migration = ours[version]
        for text in migration.statements:
            store.apply_schema(text)
        store.write("schema/record", version=version, name=migration.name, checksum=migration.checksum)
        applied.append(migration.name)
    return applied
