"""What several tests of the API begin with; a module that needs something else has a fixture of the same name."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient
from graphs import ring_bundle
from published import A, B, Days, populate
from pydantic import SecretStr

from graphsvc.api.app import create_app
from graphsvc.campaigns.parameters import Parameters
from graphsvc.community.inprocess import InProcessDetector
from graphsvc.detection import detect
from graphsvc.loading import load_bundle
from graphsvc.settings import Settings
from graphsvc.signals.tokens import Tokeniser
from graphsvc.store import Address, Store
from graphsvc.store.published import read_members


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A client of a service whose database does not answer, for pages that need none."""
    address = Address("bolt://127.0.0.1:9", "neo4j", SecretStr("unused"))
    with TestClient(create_app(Settings(data_dir=tmp_path), address)) as client:
        yield client


@pytest.fixture
def days(database: Store, tokens: Tokeniser, tmp_path: Path) -> Days:
    """Days of detection over accounts A and B, of which each is a cluster on the first."""
    populate(database, tokens, tmp_path, [*A, *B])
    found = Days(database)
    found.day(A, B)
    return found


@pytest.fixture(scope="module")
def ring(open_database: Store, tokens: Tokeniser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The published cluster of acct-00000 and eleven others, the same for all tests of a module."""
    open_database.run_autocommit("bench/wipe")
    place = tmp_path_factory.mktemp("ring")
    load_bundle(open_database, ring_bundle(place / "bundle"), tokens, place / "dead")
    detect(open_database, InProcessDetector(), Parameters())
    found = read_members(open_database).filter(pl.col("account_id") == "acct-00000")["cluster_id"]
    return str(found[0])
