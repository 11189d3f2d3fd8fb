"""Promise: an analyst gets a py2neo.Graph on the configured database."""

import pytest

from graphsvc.analyst import py2neo_graph
from graphsvc.settings import load_settings
from graphsvc.store import Store


@pytest.mark.usefixtures("cli_environment")
def test_py2neo_reads_and_writes_the_configured_database(database: Store) -> None:
    load_settings.cache_clear()
    graph = py2neo_graph()
    graph.run("CREATE (:Account {id: $id})", id="a1")
    assert graph.evaluate("MATCH (a:Account) RETURN a.id") == "a1"
    assert database.read("maintenance/count_accounts") == [{"accounts": 1}]
