"""Promise: with GRAPHSVC_NEO4J_URI the same code runs against a Neo4j of one's own, and never shows its password."""

import socket
import subprocess
import sys

import pytest
from pydantic import SecretStr

from graphsvc.database import find_address, open_store
from graphsvc.errors import DatabaseUnavailable, SettingsError
from graphsvc.settings import Settings
from graphsvc.settings import load_settings as read_settings
from graphsvc.store import Store

SECRET = "not-the-password"


def own(database: Store, password: str | None = None, uri: str | None = None) -> Settings:
    secret = SecretStr(password) if password else database.address.password
    return Settings(neo4j_uri=uri or database.address.uri, neo4j_user="neo4j", neo4j_password=secret)


def test_a_uri_is_used_as_it_is_and_no_server_is_started(
    database: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphsvc.server.ensure_running", lambda *_: pytest.fail("a server was started"))
    assert find_address(own(database)).uri == database.address.uri
    with open_store(own(database)) as store:
        assert store.read("maintenance/count_accounts") == [{"accounts": 0}]


def test_routing_addresses_work_too(database: Store) -> None:
    with open_store(own(database, uri=database.address.uri.replace("bolt://", "neo4j://"))) as store:
        assert store.read("maintenance/count_accounts") == [{"accounts": 0}]


def test_a_wrong_password_is_said_and_not_shown(database: Store) -> None:
    with pytest.raises(DatabaseUnavailable, match="refuses the sign-in") as caught:
        open_store(own(database, SECRET))
    assert SECRET not in f"{caught.value} {caught.value!r} {own(database, SECRET)!r}"


def test_a_closed_port_is_an_error_with_a_code_and_no_traceback(database: Store) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        uri = f"bolt://127.0.0.1:{closed.getsockname()[1]}"
        environment = {"GRAPHSVC_NEO4J_URI": uri, "GRAPHSVC_NEO4J_PASSWORD": SECRET, "HOME": "/nonexistent"}
        command = [sys.executable, "-m", "graphsvc", "detect"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == DatabaseUnavailable.exit_status
    assert "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr + done.stdout


def test_a_uri_without_a_password_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHSVC_NEO4J_URI", "bolt://127.0.0.1:1")
    monkeypatch.delenv("GRAPHSVC_NEO4J_PASSWORD", raising=False)
    read_settings.cache_clear()
    try:
        with pytest.raises(SettingsError, match="GRAPHSVC_NEO4J_PASSWORD"):
            read_settings()
    finally:
        read_settings.cache_clear()
