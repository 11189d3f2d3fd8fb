"""Promise: docker-compose.yml is a valid Compose file whose ports stay on this machine.

Checked against the Compose Specification's own schema (`fixtures/compose-spec.json`, compose-go v2.16.2,
Apache-2.0); no container was started.
"""

import json
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_it_follows_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests/fixtures/compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_it_runs_the_server_version_that_is_locked() -> None:
    image = COMPOSE["services"]["neo4j"]["image"]
    lock = "".join(path.read_text() for path in (ROOT / "graphsvc/server").glob("neo4j.lock*"))
    assert image.removeprefix("neo4j:").removesuffix("-community") in lock


def test_no_secret_is_in_it() -> None:
    password = COMPOSE["services"]["graphsvc"]["environment"]["GRAPHSVC_NEO4J_PASSWORD"]
    assert password.startswith("${NEO4J_PASSWORD:?")
