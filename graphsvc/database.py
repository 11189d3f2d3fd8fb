"""From settings to an open, migrated store: your own Neo4j by URI, or the managed one, started if needed."""

from graphsvc import server
from graphsvc.settings import Settings
from graphsvc.store import Address, Store
from graphsvc.store.migrations import migrate
from graphsvc.types import Report, ignore_report


def find_address(settings: Settings, report: Report = ignore_report) -> Address:
    """Return the address of the configured database. Start the managed server if it is not running.

    Raises:
        ServerError: the managed server could not be started.
    """
    if settings.neo4j_uri is not None and settings.neo4j_password is not None:
        return Address(
            settings.neo4j_uri, settings.neo4j_user, settings.neo4j_password, settings.neo4j_database
        )
    endpoint = server.ensure_running(settings, report)
    return Address(endpoint.uri, endpoint.user, endpoint.password, settings.neo4j_database)


def open_store(settings: Settings, report: Report = ignore_report) -> Store:
    """Open a store whose schema is up to date. The caller closes it.

    Raises:
        ServerError, DatabaseUnavailable, DatabaseRefused, MigrationError
    """
    store = Store(find_address(settings, report))
    try:
        store.verify()
        for name in migrate(store):
            report(f"schema: applied {name}")
    except BaseException:
        store.close()
        raise
    return store
