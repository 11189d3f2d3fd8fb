"""Promise: migrations apply once, are recorded, and never go backwards."""

import pytest

from graphsvc.errors import MigrationError
from graphsvc.store import Store
from graphsvc.store.migrations import list_migrations, migrate


def test_a_migrated_database_needs_nothing(database: Store) -> None:
    assert migrate(database) == []
    recorded = database.read("schema/applied")
    assert [row["version"] for row in recorded] == [m.version for m in list_migrations()]


def test_numbers_are_one_by_one() -> None:
    assert [m.version for m in list_migrations()] == list(range(1, len(list_migrations()) + 1))


def test_a_newer_database_is_refused(database: Store) -> None:
    newer = len(list_migrations()) + 1
    database.write("schema/record", version=newer, name="from_the_future", checksum="x")
    try:
        with pytest.raises(MigrationError, match="never goes backwards"):
            migrate(database)
    finally:
        database.write("tests/forget_migration", version=newer)


def test_an_altered_file_is_refused(database: Store) -> None:
    first = list_migrations()[0]
    database.write("tests/forget_migration", version=1)
    database.write("schema/record", version=1, name=first.name, checksum="of another file")
    try:
        with pytest.raises(MigrationError, match="another content"):
            migrate(database)
    finally:
        database.write("tests/forget_migration", version=1)
        migrate(database)
    assert next(row["checksum"] for row in database.read("schema/applied")) == first.checksum
